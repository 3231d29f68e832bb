"""From network outputs to distributions: heads, priors, divergences, noise. Knows nothing of models."""

import inspect

from dgm_zoo.distributions.binarised import binarised
from dgm_zoo.distributions.continuous import Deterministic, IndependentNormal, MixtureNormal, MultivariateNormalTriL
from dgm_zoo.distributions.discrete import (
    IndependentBernoulli,
    IndependentLogistic,
    OneHotCategorical,
    StraightThroughBernoulli,
)
from dgm_zoo.distributions.divergences import jensen_shannon, kl
from dgm_zoo.distributions.heads import Head
from dgm_zoo.distributions.noise import BatchNoise, RowNoise, check_seed, row_seeds
from dgm_zoo.distributions.priors import (
    BernoulliPrior,
    FittedNormal,
    MixturePrior,
    Prior,
    StandardNormal,
    UniformPrior,
    VampPrior,
)
from dgm_zoo.distributions.sampled import SampledPrior, swiss_roll, with_bits, with_density
from dgm_zoo.errors import InvalidInput, unknown

HEADS = {
    cls.__name__: cls
    for cls in (
        IndependentBernoulli,
        StraightThroughBernoulli,
        IndependentNormal,
        IndependentLogistic,
        OneHotCategorical,
        MultivariateNormalTriL,
        MixtureNormal,
        Deterministic,
        StandardNormal,
        UniformPrior,
        BernoulliPrior,
        MixturePrior,
        VampPrior,
        FittedNormal,
        SampledPrior,
    )
}


def get(spec, event_shape):
    """Returns the head or prior that `spec` names, over events of `event_shape`.

    Args:
      spec: a head or prior (returned as it is), the name of a class of this room, or a dict with that `name` and
        further arguments, such as `{"name": "IndependentNormal", "stddev": 0.1}`.
      event_shape: shape of one event.

    Raises:
      InvalidInput: unknown head (with the nearest name), an argument that it does not take, one that it needs, or
        one with a value that does not suit it.

    Example:
      >>> get({"name": "MixtureNormal", "num_components": 5}, (28, 28, 1)).params_shape
      (28, 28, 15)
    """
    if isinstance(spec, Head):
        return spec
    try:
        arguments = {"name": spec} if isinstance(spec, str) else dict(spec)
    except (TypeError, ValueError):
        raise InvalidInput(f"head {spec!r} must be a name, such as 'IndependentNormal', or a dict with one") from None
    name = arguments.pop("name", None)
    if not isinstance(name, str) or name not in HEADS:
        raise unknown("head", name, HEADS)
    takes = list(inspect.signature(HEADS[name]).parameters.values())
    takes = {p.name: p.default for p in takes if p.name != "event_shape" and p.kind is not p.VAR_KEYWORD}
    for key in arguments:
        if key not in takes:
            raise InvalidInput(f"head {name} takes no argument '{key}'; it takes {', '.join(takes) or 'none'}")
    for key, default in takes.items():
        if default is inspect.Parameter.empty and key not in arguments:
            raise InvalidInput(f"head {name} needs '{key}'; give it as {{'name': '{name}', '{key}': ...}}")
    return HEADS[name](event_shape, **arguments)


__all__ = [
    "BatchNoise",
    "BernoulliPrior",
    "Deterministic",
    "FittedNormal",
    "Head",
    "IndependentBernoulli",
    "IndependentLogistic",
    "IndependentNormal",
    "MixtureNormal",
    "MixturePrior",
    "MultivariateNormalTriL",
    "OneHotCategorical",
    "Prior",
    "RowNoise",
    "SampledPrior",
    "StandardNormal",
    "StraightThroughBernoulli",
    "UniformPrior",
    "VampPrior",
    "binarised",
    "check_seed",
    "get",
    "jensen_shannon",
    "kl",
    "row_seeds",
    "swiss_roll",
    "with_bits",
    "with_density",
]
