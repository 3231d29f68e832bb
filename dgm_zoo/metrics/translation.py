"""Quality of translations between two domains: preserved classes, distance to true counterparts, retrieval."""

import numpy as np

from dgm_zoo.errors import InvalidInput


def share(right: np.ndarray, protocol: str) -> dict:
    """Returns the share of True in `right`, `[n]`: a dict of `value`, `stderr` and `protocol`."""
    right = np.asarray(right, float)
    stderr = float(right.std(ddof=1) / np.sqrt(len(right))) if len(right) > 1 else None
    return {"value": float(right.mean()), "stderr": stderr, "protocol": protocol}


def counterpart_error(translated: np.ndarray, counterpart: np.ndarray) -> dict:
    """Mean absolute difference between translations and the true counterparts, in the images' unit.

    Args:
      translated, counterpart: `[n, ...]`, row i of one belongs to row i of the other.

    Returns:
      dict of `value`, `stderr` (over images) and `protocol`.

    Raises:
      InvalidInput: the arrays differ in shape.

    Example:
      >>> counterpart_error(np.zeros((2, 4, 4, 1)), np.ones((2, 4, 4, 1)))["value"]
      1.0
    """
    _same(translated, counterpart)
    error = np.abs(translated - counterpart).reshape(len(translated), -1).mean(1)
    stderr = float(error.std(ddof=1) / np.sqrt(len(error))) if len(error) > 1 else None
    return {
        "value": float(error.mean()), "stderr": stderr,
        "protocol": f"mean absolute difference over pixels to the true counterpart, {len(error):,} pairs",
    }


def retrieval(translated: np.ndarray, counterpart: np.ndarray) -> dict:
    """Share of translations whose nearest image among all counterparts, by mean absolute difference, is their own.

    Args and errors: see `counterpart_error`.

    Example:
      >>> retrieval(np.eye(3), np.eye(3))["value"]
      1.0
    """
    _same(translated, counterpart)
    flat, others = (images.reshape(len(images), -1) for images in (translated, counterpart))
    nearest = np.array([np.abs(others - one).mean(1).argmin() for one in flat])
    return share(nearest == np.arange(len(flat)), f"nearest of {len(flat):,} counterparts, mean absolute difference")


def _same(translated, counterpart):
    if np.shape(translated) != np.shape(counterpart):
        raise InvalidInput(
            f"translations of shape {list(np.shape(translated))} and counterparts of {list(np.shape(counterpart))}; "
            "give one counterpart for each translation"
        )
