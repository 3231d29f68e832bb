"""Accuracy of an adapted classifier on the target domain and on the source, and a map of the features of both."""

import numpy as np

from dgm_zoo import metrics, viz
from dgm_zoo.training.measures.base import SHOWN, Context, Measure, register_measure


def measure(context: Context) -> dict:
    """Returns the accuracy on all held-out rows; the target's labels are not used to select an epoch or a setting."""
    found = {}
    for role, name in (("target", context.config.data.target), ("source", context.config.data.name)):
        x, label = context.domain(role, labels=True)
        right = context.model.classify(x)["logits"].argmax(-1) == label
        found[f"{context.split}_{role}_accuracy"] = metrics.share(
            right, f"share of {len(label):,} {context.split} images of {name}, by the adapted classifier"
        )
    of_epochs = [logs["val_accuracy_target"] for logs in context.history if "val_accuracy_target" in logs]
    if of_epochs:
        found["oracle_target_accuracy"] = {
            "value": max(of_epochs), "stderr": None,
            "protocol": f"the best of {len(of_epochs)} epochs on validation images of {context.config.data.target}; it "
                        "selects nothing",
        }
    return found


def draw(context: Context) -> dict:
    features, labels = [], []
    for role, name in (("source", context.config.data.name), ("target", context.config.data.target)):
        x, label = (part[:SHOWN] for part in context.domain(role, labels=True))
        features.append(context.model.features(x))
        labels += [f"{one} {name}" for one in label]  # the two domains of a class are neighbours in the legend
    return {"domain_map.png": lambda path: viz.save_latent_map(np.concatenate(features), np.array(labels), path)}


register_measure(Measure(
    "domain_accuracy", "The share of images of target and source whose class is found; and an oracle, that share's "
    "largest value over epochs on validation images of the target.", endpoints={"classify": ("x",)},
    data=frozenset({"target labels"}), measure=measure, order=5,
    numbers=("{split}_target_accuracy", "{split}_source_accuracy", "oracle_target_accuracy"),
))
register_measure(Measure(
    "domain_map", f"The features of {SHOWN} test images of each domain in the plane, coloured by class and domain.",
    endpoints={"features": ("x",), "classify": ("x",)}, data=frozenset({"target labels"}), files=("domain_map.png",),
    draw=draw,
))
