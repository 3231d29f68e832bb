"""Held-out log p(x) by importance sampling with q(z|x)."""

from dgm_zoo import metrics
from dgm_zoo.training.measures.base import Context, Measure, register_measure


def measure(context: Context) -> dict:
    given = context.config.evaluate
    found = metrics.log_likelihood(
        context.model, context.batches, given.num_samples, given.repetitions, context.seed, context.verbose
    )
    return {f"{context.split}_log_likelihood": found}


register_measure(Measure(
    "log_likelihood", "The mean of log p(x), importance sampling with q(z|x).", endpoints={"log_likelihood": ("x",)},
    numbers=("{split}_log_likelihood",), measure=measure, order=10,
))
