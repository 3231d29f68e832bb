"""Number of latent units that a model uses."""

from dgm_zoo import metrics
from dgm_zoo.training.measures.base import Context, Measure, register_measure


def measure(context: Context) -> dict:
    return {"active_units": metrics.active_units(context.model, context.batches)}


register_measure(Measure(
    "active_units", "The number of latent units whose posterior mean varies over the data.",
    endpoints={"encode": ("x",)}, suits=metrics.factorised, numbers=("active_units",), measure=measure, order=40,
))
