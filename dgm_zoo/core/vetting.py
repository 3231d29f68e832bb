"""Every batch is checked in its training or evaluation step, before the step reads or changes anything."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.core import training_data
from dgm_zoo.core.endpoints import Input, real
from dgm_zoo.errors import InvalidInput


class Batch(NamedTuple):
    """What a step knows of its batch besides x and y.

    Attributes:
      rows: number of examples on this replica, an int32 scalar; None outside `fit`, `evaluate` and the like.
      weight: the sample weights, float32 `[rows]`; None if none are given.
    """

    rows: tf.Tensor | None = None
    weight: tf.Tensor | None = None


def vetted(model: Any, step: Callable, training: bool) -> Callable:
    """Returns the function of a batch that checks it and then runs `step`, the model's `train_step` or `test_step`.

    The check is a reduction of the batch to one boolean, on the CPU, where data come from, so that a GPU does not wait
    for it. Nothing of the step runs before it, be it compiled with XLA or not. Only if the boolean is false does
    `training_data.check` read the values, on the host, to say what is wrong. On several replicas a replica whose own
    part of the batch is right may count the batch; its variables change only by gradients of all replicas.

    Args:
      model: a `GenerativeModel`.
      step: takes (x, y) or x; `current_batch` has the sample weights.
      training: whether it is the `train_step`.
    """
    name = f"{type(model).__name__}.{'fit' if training else 'evaluate'}"

    def position():
        return model.step + 1 if training else model.trackers["loss"].count

    def where(number):
        return f"{name}, {f'step {number:d}' if training else f'after {number:.0f} examples'}"

    def run(data):
        x, y, weight = training_data.batch(name, model, data)
        with tf.control_dependencies([_checked(model, (x, y, weight), name, where, position)]):
            rows = tf.shape(tf.nest.flatten(x)[0])[0]
            weight = None if weight is None else tf.cast(weight, tf.float32)
            with _during(model, Batch(rows, weight)):
                return step(keras.utils.pack_x_y_sample_weight(x, y))

    return run


def current_batch(model: Any) -> Batch:
    """The `Batch` of the step that runs on this replica."""
    return model.__dict__.get("_batches", {}).get(threading.get_ident(), Batch())


@contextlib.contextmanager
def _during(model: Any, batch: Batch) -> Iterator[None]:
    batches = model.__dict__.setdefault("_batches", {})
    batches[threading.get_ident()] = batch  # each replica has a thread
    try:
        yield
    finally:
        del batches[threading.get_ident()]


def _checked(model, data, name, where, position):
    """A tensor that exists once the values of `data`, (x, y, weight), are found to suit `model`."""
    found = training_data.wanted(name, model, *data)
    flat = tf.nest.flatten(data)

    def judge(number, *arrays):
        left = iter(arrays)
        x, y, weight = tf.nest.pack_sequence_as(data, [None if one is None else next(left) for one in flat])
        training_data.check(where(number), model, x, y, weight)
        model.check_examples(where(number), x, y)
        return np.True_

    on_host = contextlib.nullcontext() if tf.distribute.has_strategy() else tf.device("CPU:0")
    with on_host:
        suits = [_suits(name, key, tf.convert_to_tensor(value), one) for key, (value, one) in found.items()]
        rows = [tf.shape(value)[0] for value, _ in found.values()]
        suits += [tf.equal(count, rows[0]) for count in rows[1:]]
        suits += [tf.logical_not(doubt) for doubt in model.doubts(*data[:2])]
        given = [position(), *(one for one in flat if one is not None)]
        return tf.cond(
            tf.reduce_all(tf.stack(suits)), lambda: tf.constant(True), lambda: tf.numpy_function(judge, given, tf.bool)
        )


def _suits(name, key, value, wanted: Input):
    """Whether all values of a batch's part suit an `Input`: a boolean scalar, False if one is NaN or infinite."""
    if not real(value.dtype):
        raise InvalidInput(f"{name}: {key} is not an array of numbers; give shape {wanted}")
    if not value.shape[1:].is_compatible_with(wanted.shape):
        raise InvalidInput(f"{name}: {key} has shape {value.shape.as_list()}, but this model takes {wanted}")
    whole = wanted.dtype.is_integer
    value = tf.cast(value, tf.float64 if whole else tf.float32)  # float64 holds all labels of 32 bits
    if wanted.binary:
        return _bits(value) if value.dtype == tf.float32 else _zero(value * (value - 1.0))
    low, high = wanted.range or (wanted.dtype.min, wanted.dtype.max)
    if low in (0, -high) and not whole:
        return _magnitudes(value if low == 0 else tf.abs(value), high)
    finite = tf.math.is_finite(tf.reduce_sum(value))  # a minimum may pass over NaN
    inside = finite & (tf.reduce_min(value) >= low) & (tf.reduce_max(value) <= high)
    return inside & _zero(value - tf.round(value)) if whole else inside


def _magnitudes(value, high):
    """Whether all of float32 `value` are from 0 to `high`, by one reduction.

    The bits of floats from 0 up are ordered as unsigned integers are; those of infinity, NaN and all that has a minus
    sign are above. So -0.0 is in doubt too, and then found right on the host.
    """
    return tf.reduce_max(tf.bitcast(value, tf.uint32)) <= np.float32(high).view(np.uint32)


def _bits(value):
    """Whether all of float32 `value` are 0 or 1: below the bits of 1 there are only those of 0, which wrap around."""
    bits, one = tf.bitcast(value, tf.uint32), np.float32(1.0).view(np.uint32)
    low = tf.reduce_min(bits - 1) >= one - 1
    with tf.control_dependencies([low]):  # one after the other: to wake another thread takes longer than the reduction
        return low & (tf.reduce_max(bits) <= one)


def _zero(value):
    """Whether all values are 0; a reduction costs less than comparing each of them."""
    return tf.equal(tf.nn.l2_loss(value), 0.0)
