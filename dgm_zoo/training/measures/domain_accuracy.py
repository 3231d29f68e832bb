"""Accuracy of an adapted classifier on the target domain and on the source."""

from dgm_zoo import metrics
from dgm_zoo.training.measures.base import Context, Measure, register_measure


def measure(context: Context) -> dict:
    """Returns the accuracy on all held-out rows; the target's labels are not used to select an epoch or a setting."""
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
