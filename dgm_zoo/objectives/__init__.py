"""Objectives as pure functions of log-probabilities, logits and samples: no variables, no networks."""

from dgm_zoo.objectives.activation import activated, realness, weight_of_fakes
from dgm_zoo.objectives.adversarial import (
    Adversarial,
    Hinge,
    ImportanceWeighted,
    LeastSquares,
    NonSaturating,
    Saturating,
    Wasserstein,
    adversarial,
    effective_sample_size,
    gradient_penalty,
    importance_weighted,
    log_q,
    log_q_reversed,
)
from dgm_zoo.objectives.bounds import Bound, Evidence, ImportanceWeightedEvidence, bound_of, free_kl
from dgm_zoo.objectives.energy import energy_distance
from dgm_zoo.objectives.equilibrium import decoder_utility, encoder_utility, kinds
from dgm_zoo.objectives.evidence import doubly_reparametrised, elbo, importance_bound, importance_weights
from dgm_zoo.objectives.labels import of_labels, over_classes
from dgm_zoo.objectives.wake_sleep import centred, power_bound, power_weights, weighted

__all__ = [
    "Adversarial",
    "Bound",
    "Evidence",
    "Hinge",
    "ImportanceWeighted",
    "ImportanceWeightedEvidence",
    "LeastSquares",
    "NonSaturating",
    "Saturating",
    "Wasserstein",
    "activated",
    "adversarial",
    "bound_of",
    "centred",
    "decoder_utility",
    "doubly_reparametrised",
    "effective_sample_size",
    "elbo",
    "encoder_utility",
    "energy_distance",
    "free_kl",
    "gradient_penalty",
    "importance_bound",
    "importance_weighted",
    "importance_weights",
    "kinds",
    "of_labels",
    "over_classes",
    "log_q",
    "log_q_reversed",
    "realness",
    "power_bound",
    "power_weights",
    "weighted",
    "weight_of_fakes",
]
