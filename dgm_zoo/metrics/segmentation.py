"""Agreement of a model's masks with those of the data."""

from typing import Any

import numpy as np
import tensorflow as tf

from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.rows import batches, check_model, flat_rows, stderr


def intersection_over_union(mask: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """|mask and truth| / |mask or truth| of each example: NumPy float64 `[n]`; 1 if both are empty.

    Args:
      mask, truth: `[n, ...]`, of equal size, zeros and ones.

    Raises:
      InvalidInput: the arrays differ in their number of values, or values are not zeros and ones.

    Example:
      >>> intersection_over_union([[1, 1, 0, 0]], [[0, 1, 1, 0]])
      array([0.33333333])
    """
    mask, truth = (flat_rows(name, values) for name, values in (("mask", mask), ("truth", truth)))
    if mask.shape != truth.shape:
        raise InvalidInput(f"masks have {list(mask.shape)} values and true ones {list(truth.shape)}; give equal shapes")
    for name, values in (("mask", mask), ("truth", truth)):
        other = values[(values != 0) & (values != 1)]
        if len(other):
            raise InvalidInput(f"{name} holds {other[0]:g}; give zeros and ones")
    both, either = (mask * truth).sum(1), np.maximum(mask, truth).sum(1)
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def segmentation_iou(model: Any, dataset: tf.data.Dataset) -> dict:
    """Mean intersection over union of a model's masks and those of the data.

    Args:
      model: has `segment(x)`, which returns the `mask` of x, `[n, height, width, 1]`.
      dataset: batches of pairs (x, z), z the true mask, `[n, height * width]`.

    Returns:
      dict of `value`; `stderr`, its standard error over images; `protocol`.

    Raises:
      InvalidInput: the data set is empty, or the images have no masks.

    Example:
      >>> segmentation_iou(model, data.load("textured_digits", "test", 500, pairs=0))["value"]
    """
    found = []
    check_model(model, "intersection over union", "segment")
    for x, z in batches(dataset):
        if z is None:
            raise InvalidInput("the images come without masks; load them with pairs=0")
        found.append(intersection_over_union(model.segment(x)["mask"], z))
    found = np.concatenate(found)
    return {
        "value": float(found.mean()), "stderr": stderr(found),
        "protocol": "intersection over union of the likeliest mask and the true one, mean over images",
    }
