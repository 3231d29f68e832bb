"""Agreement of categories inferred without labels with the classes."""

import numpy as np

from dgm_zoo import data, metrics
from dgm_zoo.training.measures.base import Context, Measure, register_measure

MATCHING = {"test": "validation", "validation": "train"}  # the split on which categories are matched with classes


def measure(context: Context) -> dict:
    counted, matching = (categories(context, split) for split in (context.split, MATCHING[context.split]))
    classes = data.info(context.config.data.name).num_classes
    return {f"{context.split}_code_error": metrics.code_error(*counted, matching, classes)}


def categories(context: Context, split: str) -> tuple:
    """Returns the inferred category and the class of each image of a split: NumPy `[n]` each."""
    found = [
        (context.model.encode(x)["logits"].argmax(-1), label.numpy())
        for x, label in context.examples(split, labels=True)
    ]
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


register_measure(Measure(
    "code_error", "The share of images whose inferred category is not that of their class.",
    endpoints={"encode": ("x",), "sample_code": ("category",)}, data=frozenset({"labels"}),
    numbers=("{split}_code_error",), measure=measure, order=60,
))
