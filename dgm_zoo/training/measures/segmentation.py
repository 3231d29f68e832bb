"""Masks that a model infers from images, and images that it renders from masks."""

import numpy as np

from dgm_zoo import metrics, viz
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.training.measures.base import Context, Measure, register_measure

IMAGES = 10  # images in a picture
RENDERED = 5  # renderings of each mask


def measure(context: Context) -> dict:
    return {f"{context.split}_iou": metrics.segmentation_iou(context.model, context.examples(pairs=0))}


def draw(context: Context) -> dict:
    x, masks = next(iter(context.examples("test", pairs=0, batch_size=IMAGES, limit=None)))
    found = both_directions(context.model, x.numpy(), masks.numpy())
    return {f"{name}.png": lambda path, images=images: viz.save_rows(images, path) for name, images in found.items()}


def both_directions(model: GenerativeModel, x: np.ndarray, flat: np.ndarray) -> dict:
    """Returns rows of images by picture and name: x with its true and inferred mask, a mask with its renderings.

    Args:
      model: has the endpoints `segment` and `render`.
      x: images `[n, H, W, C]`.
      flat: their true masks `[n, H * W]`.
    """
    masks = flat.reshape(len(x), *model.endpoints()["render"].inputs["z"].shape)
    of_x, shape = model.segment(x), x.shape
    shown = {name: np.broadcast_to(value, shape) for name, value in {"true mask": masks, **of_x}.items()}
    rendered = {f"rendered, seed {seed}": model.render(masks, seed) for seed in range(RENDERED)}
    return {
        "segmentation": {"test image": x, **shown},
        "rendering": {"mask": shown["true mask"], **rendered},
    }


register_measure(Measure(
    "segmentation", "The intersection over union of the model's masks with the true ones; pictures of both directions.",
    endpoints={"segment": ("x",), "render": ("z",)}, data=frozenset({"masks"}), numbers=("{split}_iou",),
    files=("segmentation.png", "rendering.png"), measure=measure, draw=draw, order=30,
))
