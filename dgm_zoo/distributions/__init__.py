"""Heads, priors, divergences and noise: from network outputs to distributions. Independent of the models."""

from collections.abc import Sequence
from typing import Any

from dgm_zoo.distributions.binarised import binarised
from dgm_zoo.distributions.codes import Codes
from dgm_zoo.distributions.continuous import Deterministic, IndependentNormal, MixtureNormal, MultivariateNormalTriL
from dgm_zoo.distributions.discrete import (
    IndependentBernoulli,
    OneHotCategorical,
    StraightThroughBernoulli,
)
from dgm_zoo.distributions.divergences import jensen_shannon, kl
from dgm_zoo.distributions.groups import GroupedPrior, LadderPosterior, ReversePosterior
from dgm_zoo.distributions.heads import Head
from dgm_zoo.distributions.logistic import IndependentLogistic, MixtureLogistic
from dgm_zoo.distributions.masks import MaskAndNoise
from dgm_zoo.distributions.noise import BatchNoise, RowNoise, row_seeds
from dgm_zoo.distributions.normal_groups import GroupedNormalPrior, LadderNormalPosterior, ReverseNormalPosterior
from dgm_zoo.distributions.priors import (
    BernoulliPrior,
    FittedNormal,
    MixturePrior,
    Prior,
    StandardNormal,
    UniformPrior,
    VampPrior,
)
from dgm_zoo.distributions.roles import check_scored, check_values, with_density
from dgm_zoo.distributions.sampled import SampledPrior, swiss_roll, with_bits
from dgm_zoo.specs import from_spec

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
        MixtureLogistic,
        Deterministic,
        StandardNormal,
        UniformPrior,
        BernoulliPrior,
        MixturePrior,
        VampPrior,
        FittedNormal,
        SampledPrior,
        Codes,
        GroupedPrior,
        LadderPosterior,
        ReversePosterior,
        GroupedNormalPrior,
        LadderNormalPosterior,
        ReverseNormalPosterior,
        MaskAndNoise,
    )
}


def get(spec: Any, event_shape: Sequence[int]) -> Head:
    """Returns the head or prior that `spec` names, over events of `event_shape`.

    Args:
      spec: a head or prior (returned unchanged), the name of a class of this package, or a dict with that `name` and
        further arguments, such as `{"name": "IndependentNormal", "stddev": 0.1}`.
      event_shape: shape of one event.

    Raises:
      InvalidInput: unknown head (the message suggests the nearest name), an unknown or missing argument, or an
        invalid value.

    Example:
      >>> get({"name": "MixtureNormal", "num_components": 5}, (28, 28, 1)).params_shape
      (28, 28, 15)
    """
    return from_spec("head", spec, Head, HEADS, "IndependentNormal", event_shape)


__all__ = [
    "BatchNoise",
    "BernoulliPrior",
    "Codes",
    "Deterministic",
    "FittedNormal",
    "GroupedNormalPrior",
    "GroupedPrior",
    "Head",
    "IndependentBernoulli",
    "IndependentLogistic",
    "IndependentNormal",
    "LadderNormalPosterior",
    "LadderPosterior",
    "MaskAndNoise",
    "MixtureLogistic",
    "MixtureNormal",
    "MixturePrior",
    "MultivariateNormalTriL",
    "OneHotCategorical",
    "Prior",
    "ReverseNormalPosterior",
    "ReversePosterior",
    "RowNoise",
    "SampledPrior",
    "StandardNormal",
    "StraightThroughBernoulli",
    "UniformPrior",
    "VampPrior",
    "binarised",
    "get",
    "jensen_shannon",
    "kl",
    "row_seeds",
    "swiss_roll",
    "with_bits",
    "check_scored",
    "check_values",
    "with_density",
]
