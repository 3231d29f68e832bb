"""Numbers that a person reads as results, each with its protocol and its uncertainty."""

from dgm_zoo.metrics.evidence import active_units, bound_terms, log_likelihood

__all__ = ["active_units", "bound_terms", "log_likelihood"]
