"""How often a classifier that was adapted to a target domain is right there, and on the source."""

from dgm_zoo import metrics
from dgm_zoo.training.measures.base import Context, Measure, register_measure


def measure(context: Context) -> dict:
    """The accuracy on every held-out row; no choice of an epoch or of a setting has seen the target's labels."""
    found = {}
    for role, name in (("target", context.config.data.target), ("source", context.config.data.name)):
        x, label = context.domain(role, labels=True)
        right = context.model.classify(x)["logits"].argmax(-1) == label
        found[f"{context.split}_{role}_accuracy"] = metrics.share(
            right, f"share of {len(label):,} {context.split} images of {name}, by the adapted classifier"
        )
    return found


register_measure(Measure(
    "domain_accuracy", "The share of images of target and source whose class is found.", endpoints={"classify": ("x",)},
    data=frozenset({"target labels"}), numbers=("{split}_target_accuracy", "{split}_source_accuracy"), measure=measure,
    order=5,
))
