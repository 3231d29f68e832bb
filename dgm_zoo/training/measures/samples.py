"""Samples of a model: a picture of a grid of images, or of points beside the data."""

import numpy as np
from ml_collections import ConfigDict

from dgm_zoo import viz
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.training.measures.base import Context, Measure, kinds, plane, register_measure

COUNT = 64  # images in the grid


def samples(model: GenerativeModel, config: ConfigDict, n: int, seed: int) -> tuple:
    """Returns n samples and the classes that they were generated for, in turn; None without labels.

    Points are draws x ~ p(x|z) if the model can draw; images are means of p(x|z).

    Args:
      model: has the endpoint `sample`.
      config: the resolved config of its run.
      n: number of samples.
      seed: int32.

    Returns:
      x NumPy `[n, ...]`, and labels int `[n]` or None.

    Example:
      >>> samples(model, config, 64, seed=0)[0].shape
      (64, 28, 28, 1)
    """
    label = model.endpoints()["sample"].inputs.get("label")
    given = {} if label is None else {"label": np.arange(n) % (label.range[1] + 1)}
    drawn = "points" in kinds(config.data.name) and "draw" in model.abilities
    x = (model.draw if drawn else model.sample)(n, seed=seed, **given)
    return x, given.get("label")


def draw_images(context: Context) -> dict:
    x, _ = samples(context.model, context.config, COUNT, 0)
    return {"samples.png": lambda path: viz.save_grid(x, path)}


def draw_points(context: Context) -> dict:
    real, _ = context.first
    x, _ = samples(context.model, context.config, len(real), 0)
    return {"samples.png": lambda path: viz.save_points({"data": plane(real), "samples": plane(x)}, path)}


register_measure(Measure(
    "samples_of_images", f"{COUNT} samples.", endpoints={"sample": ()}, data=frozenset({"images"}),
    files=("samples.png",), draw=draw_images,
))
register_measure(Measure(
    "samples_of_points", "As many samples as points of the data, beside these.", endpoints={"sample": ()},
    data=frozenset({"points"}), files=("samples.png",), draw=draw_points,
))
