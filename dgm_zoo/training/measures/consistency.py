"""Agreement of the two joint distributions of a symmetric or hierarchical VAE."""

from dgm_zoo import metrics
from dgm_zoo.training.measures.base import Context, Measure, register_measure

DREAMS = 1000  # largest number of x, of the model and of the data each, on which encoder and decoder are compared


def measure(context: Context) -> dict:
    """Returns the KL divergences between q(z|x) and p(z|x), on dreams and on the first images of the split."""
    few, given = min(DREAMS, context.rows), context.config.evaluate
    first = context.batches.take(-(-few // given.batch_size))
    found = metrics.consistency(context.model, first, given.num_samples, few, context.seed)
    return {f"{context.split}_consistency_{phase}": value for phase, value in found.items()}


register_measure(Measure(
    "consistency", "The KL divergences between q(z|x) and p(z|x), over x of the model and over x of the data.",
    endpoints={"log_likelihood": ("x",)}, abilities=frozenset({"limiting_samples"}),
    numbers=("{split}_consistency_asleep", "{split}_consistency_awake"), measure=measure, order=20,
))
