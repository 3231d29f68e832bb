"""Objectives as pure functions of log-probabilities and samples: no variables, no Keras."""

from dgm_zoo.objectives.evidence import doubly_reparametrised, elbo, importance_bound, importance_weights

__all__ = ["doubly_reparametrised", "elbo", "importance_bound", "importance_weights"]
