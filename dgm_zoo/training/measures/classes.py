"""Samples by class and style, and test images decoded in their style as every class."""

import numpy as np

from dgm_zoo import viz
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.distributions import row_seeds
from dgm_zoo.training.measures.base import Context, Measure, first_of, register_measure

CLASSES, COLUMNS = 10, 10  # largest number of classes; number of styles or images


def draw_classes(context: Context) -> dict:
    x = classes(context.model)
    return {"classes.png": lambda path: viz.save_grid(x, path, columns=COLUMNS)}


def draw_styles(context: Context) -> dict:
    x = styles(context.model, context.first[0][:COLUMNS], context.given(COLUMNS))
    return {"style_transfer.png": lambda path: viz.save_grid(x, path, columns=len(x) // COLUMNS)}


def classes(model: GenerativeModel) -> np.ndarray:
    """Returns samples, one class per row of 10 and one style (the same noise) per column: `[rows * 10, ...]`.

    Args:
      model: has the endpoint `sample` with a label.
    """
    label, column = (index.ravel() for index in np.indices((_several(model, "sample"), COLUMNS)))
    return model.answer("sample", seed=row_seeds(0, COLUMNS)[column], label=label.astype("int32"))["x"]


def styles(model: GenerativeModel, x: np.ndarray, given: dict) -> np.ndarray:
    """Returns each image of x `[n, ...]`, followed by its code decoded as every class: `[n * (1 + C), ...]`.

    Args:
      model: has the endpoints `encode`, and `decode` of z and a label.
      x: images.
      given: other inputs of `encode`, such as `label`.
    """
    z = first_of(model.encode(x, **given))
    labels = [np.full(len(x), c, "int32") for c in range(_several(model, "decode"))]
    found = np.stack([x, *(model.answer("decode", z=z, label=label)["x"] for label in labels)], 1)
    return found.reshape(-1, *x.shape[1:])


def _several(model, endpoint):
    return min(model.endpoints()[endpoint].inputs["label"].range[1] + 1, CLASSES)


register_measure(Measure(
    "classes", "Samples, one class in each row and one style in each column.", endpoints={"sample": ("label",)},
    data=frozenset({"images"}), files=("classes.png",), draw=draw_classes,
))
register_measure(Measure(
    "style_transfer", "Test images, and each of them in its style as every class.",
    endpoints={"encode": ("x",), "decode": ("z", "label")}, data=frozenset({"images"}), files=("style_transfer.png",),
    draw=draw_styles,
))
