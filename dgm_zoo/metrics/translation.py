"""Quality of translations between two domains: preserved classes, distance to true counterparts, retrieval."""

import numpy as np

from dgm_zoo.checks import real_array, shown
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.rows import flat_rows, metric, stderr


def share(right: np.ndarray, protocol: str) -> dict:
    """Returns the share of True in `right`, `[n]`: a dict of `value`, `stderr` and `protocol`."""
    right = real_array("right", right).astype(float)
    if right.ndim != 1 or not len(right) or not ((right >= 0) & (right <= 1)).all():
        raise InvalidInput(f"right {shown(right)} does not suit; give a value from 0 to 1 for each image, [n]")
    return metric(right.mean(), stderr(right), protocol)


def counterpart_error(translated: np.ndarray, counterpart: np.ndarray) -> dict:
    """Mean absolute difference between translations and the true counterparts, in the images' unit.

    Args:
      translated, counterpart: `[n, ...]`, row i of one belongs to row i of the other.

    Returns:
      dict of `value`, `stderr` (over images) and `protocol`.

    Raises:
      InvalidInput: the arrays differ in shape, are empty, or hold something else than finite real numbers.

    Example:
      >>> counterpart_error(np.zeros((2, 4, 4, 1)), np.ones((2, 4, 4, 1)))["value"]
      1.0
    """
    error = np.abs(np.subtract(*_pairs(translated, counterpart))).mean(1)
    return metric(
        error.mean(), stderr(error),
        f"mean absolute difference over pixels to the true counterpart, {len(error):,} pairs",
    )


def retrieval(translated: np.ndarray, counterpart: np.ndarray) -> dict:
    """Share of translations whose nearest image among all counterparts, by mean absolute difference, is their own.

    Args and errors: see `counterpart_error`.

    Example:
      >>> retrieval(np.eye(3), np.eye(3))["value"]
      1.0
    """
    flat, others = _pairs(translated, counterpart)
    nearest = np.array([np.abs(others - one).mean(1).argmin() for one in flat])
    return share(nearest == np.arange(len(flat)), f"nearest of {len(flat):,} counterparts, mean absolute difference")


def _pairs(translated, counterpart):
    """Both as rows of real numbers in float64, since differences of unsigned integers would wrap: `[n, values]`."""
    translated, counterpart = real_array("translated", translated), real_array("counterpart", counterpart)
    if translated.shape != counterpart.shape:
        raise InvalidInput(
            f"translations of shape {list(translated.shape)} and counterparts of {list(counterpart.shape)}; "
            "give one counterpart for each translation"
        )
    return flat_rows("translated", translated), flat_rows("counterpart", counterpart)
