"""The terms that a model logs, as means over held-out data."""

from dgm_zoo import metrics
from dgm_zoo.training.measures.base import Context, Measure, register_measure


def measure(context: Context) -> dict:
    found = metrics.bound_terms(context.model, context.batches)
    return {f"{context.split}_{name}": value for name, value in found.items()}


register_measure(Measure(
    "bound_terms", "Every term that the model logs, as its mean over the split.", numbers=("{split}_*",),
    measure=measure, order=0,
))
