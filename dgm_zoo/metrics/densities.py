"""Checks of whether a model's log p(x) is a log density or log mass of the given data, and what it is otherwise."""

from typing import Any

import numpy as np

from dgm_zoo.errors import InvalidInput


def check_densities(model: Any, number: str) -> None:
    """Raises `InvalidInput` if a number needs a density that one of the model's heads does not have.

    Args:
      model: may have the heads `prior`, `posterior` and `likelihood`.
      number: name of the quantity to compute, for the message.

    Example:
      >>> check_densities(model, "log p(x)")   # of a model with a SampledPrior
      InvalidInput: log p(x) needs log p(z), but SampledPrior can only be sampled; compare samples, with ...
    """
    prior = getattr(model, "prior", None)
    if not getattr(prior, "has_density", True):
        raise InvalidInput(
            f"{number} needs log p(z), but {type(prior).__name__} can only be sampled; compare samples, with "
            "metrics.sample_quality"
        )
    for part, density in (("posterior", "q(z|x)"), ("likelihood", "p(x|z)")):
        head = getattr(model, part, None)
        if not getattr(head, "has_density", True):
            raise InvalidInput(
                f"{number} needs the density {density}, but the {part} of {type(model).__name__} is "
                f"{type(head).__name__}, a point; give a model with another {part}"
            )


def reading(model: Any, x: np.ndarray) -> str | None:
    """Describes log p(x|z) for a protocol if it is not the log mass of x; None if it is, or if that is unknown.

    Args:
      model: may have a head `likelihood`.
      x: `[n, ...]`.

    Example:
      >>> reading(model, np.full([1, 28, 28, 1], 0.5))   # of a model with IndependentBernoulli
      'not a log-likelihood: IndependentBernoulli scores x that is not binary by the cross-entropy'
    """
    head = getattr(model, "likelihood", None)
    if head is None:
        return None
    name, levels = type(head).__name__, getattr(head, "levels", None)
    if head.binary:
        binary = np.isin(x, (0.0, 1.0)).all()
        return None if binary else f"not a log-likelihood: {name} scores x that is not binary by the cross-entropy"
    if levels is None:
        return f"a density, of {name}: not comparable with masses of pixels"
    k = np.asarray(x, np.float64) * (levels - 1)
    return None if (np.abs(k - k.round()) < 1e-3).all() else f"of x rounded to the {levels} levels of {name}"
