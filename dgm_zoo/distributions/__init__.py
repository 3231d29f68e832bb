"""From network outputs to distributions: heads, priors, divergences, noise. Knows nothing of models."""

from dgm_zoo.distributions.heads import Head, IndependentBernoulli, IndependentNormal
from dgm_zoo.distributions.noise import BatchNoise, RowNoise, check_seed, row_seeds
from dgm_zoo.distributions.priors import Prior, StandardNormal
from dgm_zoo.errors import InvalidInput, unknown

HEADS = {cls.__name__: cls for cls in (IndependentBernoulli, IndependentNormal, StandardNormal)}


def get(spec, event_shape):
    """Returns the head or prior that `spec` names, over events of `event_shape`.

    Args:
      spec: a head or prior (returned as it is), the name of a class of this room, or a dict with that `name` and
        further arguments, such as `{"name": "IndependentNormal", "stddev": 0.1}`.
      event_shape: shape of one event.

    Raises:
      InvalidInput: unknown head (with the nearest name), or an argument that it does not take.
    """
    if isinstance(spec, Head):
        return spec
    arguments = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = arguments.pop("name", None)
    if name not in HEADS:
        raise unknown("head", name, HEADS)
    try:
        return HEADS[name](event_shape, **arguments)
    except TypeError as error:
        raise InvalidInput(f"head {name}: {error}") from None


__all__ = [
    "BatchNoise",
    "Head",
    "IndependentBernoulli",
    "IndependentNormal",
    "Prior",
    "RowNoise",
    "StandardNormal",
    "check_seed",
    "get",
    "row_seeds",
]
