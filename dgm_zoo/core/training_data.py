"""Checks of the data that `fit` and `evaluate` are given, before any step is taken."""

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.core.endpoints import check_array
from dgm_zoo.errors import InvalidInput


def check_first_batch(model, method, x, y=None):
    """Raises `InvalidInput` if arrays, or the first batch of a `tf.data.Dataset`, do not suit `model`.

    Args:
      model: a `GenerativeModel`.
      method: name of the method that was called, for the sentence.
      x, y: as Keras takes them.

    Returns:
      The checked (x, y), or None for a generator, since inspecting it would consume it.
    """
    name = type(model).__name__
    where = f"{name}.{method}"
    if isinstance(x, tf.data.Dataset):
        batch = next(iter(x.take(1)), None)
        if batch is None:
            raise InvalidInput(f"{where}: the data set is empty; check its split and batch size")
        x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
    if isinstance(x, (list, tuple)):
        raise InvalidInput(f"{where}: x is a {type(x).__name__}; give one array, or a tf.data.Dataset")
    if not isinstance(x, (np.ndarray, tf.Tensor)):
        return None
    takes = model.takes()
    for key, value in {"x": x, "label": y}.items():
        if key in takes:
            if value is None:
                raise InvalidInput(f"{where}: {name} needs labels; give (x, y)")
            check_array(where, key, value, takes[key])
    return x, y


def check_validation(model, held_out):
    """Raises `InvalidInput` if the `validation_data` of `fit` do not suit `model`."""
    if isinstance(held_out, (tuple, np.ndarray)):
        check_first_batch(model, "fit(validation_data)", *keras.utils.unpack_x_y_sample_weight(held_out)[:2])
    elif held_out is not None:
        check_first_batch(model, "fit(validation_data)", held_out)
