"""The effect of each part of a structured code on a sample."""

import numpy as np

from dgm_zoo import viz
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.training.measures.base import Context, Measure, register_measure

COLUMNS = 10


def draw(context: Context) -> dict:
    found = traversals(context.model)
    return {
        f"traversal_{name}.png": lambda path, images=images: viz.save_interpolation(images, path)
        for name, images in found.items()
    }


def traversals(model: GenerativeModel, columns: int = COLUMNS) -> dict:
    """Returns images `[R, columns, ...]` by the name of what varies along a row: the noise, or one continuous value.

    Each category has a row; without categories each row has its own noise.

    Args:
      model: has the endpoint `sample_code`, which takes `seed` and `category`, `continuous` or both.
      columns: number of images in a row.
    """
    wanted, parts = model.endpoints()["sample_code"].inputs, {}
    rows = wanted["category"].range[1] + 1 if "category" in wanted else 10
    size = wanted["continuous"].shape[0] if "continuous" in wanted else 0
    row, column = (index.ravel() for index in np.indices((rows, columns)))
    if "category" in wanted:
        parts["noise"] = (column, np.zeros((len(row), size)))
    for i in range(size):
        sweep = np.zeros((len(row), size))
        sweep[:, i] = np.linspace(-1, 1, columns)[column]
        parts[f"value_{i + 1}"] = (np.zeros_like(row) if "category" in wanted else row, sweep)
    found = {}
    for name, (seed, values) in parts.items():
        given = {"seed": seed.astype("int32"), "category": row.astype("int32"), "continuous": values.astype("float32")}
        x = model.answer("sample_code", **{key: given[key] for key in wanted})["x"]
        found[name] = x.reshape(rows, columns, *x.shape[1:])
    return found


register_measure(Measure(
    "traversals", "Samples of each category, along a row of which the noise or one continuous value changes.",
    endpoints={"sample_code": ("seed",)}, data=frozenset({"images"}),
    files=("traversal_noise.png", "traversal_value_[0-9]*.png"), draw=draw,
))
