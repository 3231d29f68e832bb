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
from dgm_zoo.objectives.cycle import cycle_consistency, identity, over_patches, translation
from dgm_zoo.objectives.domains import (
    domain_confusion,
    domain_discrimination,
    reversal_weight,
    reverse_gradient,
    target_confusion,
)
from dgm_zoo.objectives.energy import energy_distance
from dgm_zoo.objectives.equilibrium import decoder_utility, encoder_utility, kinds
from dgm_zoo.objectives.evidence import doubly_reparametrised, elbo, importance_bound, importance_weights
from dgm_zoo.objectives.labels import of_labelled, of_labels, over_classes
from dgm_zoo.objectives.predictability import log_q_units, log_q_units_reversed, v_c
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
    "cycle_consistency",
    "decoder_utility",
    "domain_confusion",
    "domain_discrimination",
    "doubly_reparametrised",
    "effective_sample_size",
    "elbo",
    "encoder_utility",
    "energy_distance",
    "free_kl",
    "gradient_penalty",
    "identity",
    "importance_bound",
    "importance_weighted",
    "importance_weights",
    "kinds",
    "of_labelled",
    "of_labels",
    "over_classes",
    "log_q",
    "log_q_reversed",
    "log_q_units",
    "log_q_units_reversed",
    "over_patches",
    "realness",
    "reversal_weight",
    "reverse_gradient",
    "power_bound",
    "power_weights",
    "target_confusion",
    "translation",
    "v_c",
    "weighted",
    "weight_of_fakes",
]
