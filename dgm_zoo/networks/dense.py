"""Fully connected networks."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_memory, shown
from dgm_zoo.errors import InvalidInput


def conditioned_input(input_shape: Sequence[int], condition_size: int, name: str) -> tuple[Any, list]:
    """Returns the Keras inputs of a network and the list of its tensors: only x, or x and a condition vector."""
    x = keras.Input(input_shape, name=name)
    if not condition_size:
        return x, [x]
    c = keras.Input((condition_size,), name="condition")
    return [x, c], [x, c]


@keras.saving.register_keras_serializable("dgm_zoo")
class Conditioned(keras.layers.Layer):
    """A dense layer of a vector h and a condition c that multiplies h only once, for any number of conditions per row.

    Given h `[rows, features]` and c `[m * rows, condition_size]` it returns `[m * rows, units]`: the output of a dense
    layer on their concatenation, with h tiled m times. Sums over all classes of a row use this.

    Args:
      units: width of the layer.
      activation: a Keras activation.

    Example:
      >>> Conditioned(200, "tanh")([tf.ones((8, 784)), tf.repeat(tf.eye(10), 8, axis=0)]).shape
      TensorShape([80, 200])
    """

    def __init__(self, units: int, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.activation = units, keras.activations.get(activation)

    def build(self, shapes: Sequence[tuple]) -> None:
        self.features = shapes[0][-1]
        self.kernel = self.add_weight(
            shape=(self.features + shapes[1][-1], self.units), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        h, c = (tf.cast(one, self.compute_dtype) for one in inputs)
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        of_h, of_c = h @ kernel[: self.features], c @ kernel[self.features :] + bias
        every = tf.reshape(of_c, [-1, tf.shape(of_h)[0], self.units])
        return self.activation(tf.reshape(of_h + every, [-1, self.units]))

    def compute_output_shape(self, shapes: Sequence[tuple]) -> tuple:
        return (shapes[1][0], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "activation": keras.activations.serialize(self.activation)}


def check_widths(hidden: Any) -> None:
    """Raises `InvalidInput` unless `hidden` is a list or tuple of positive whole numbers."""
    if not (isinstance(hidden, (list, tuple)) and all(type(n) is int and n > 0 for n in hidden)):
        raise InvalidInput(f"hidden {shown(hidden)} must be a list of positive whole numbers, such as (200, 200)")
    for one, other in itertools.pairwise([1, *hidden]):
        check_memory("hidden", hidden, 4 * one * other)


def dense(
    input_shape: Sequence[int],
    output_shape: Sequence[int],
    hidden: Sequence[int] = (200, 200),
    activation: Any = "tanh",
    condition_size: int = 0,
    name: str | None = None,
) -> keras.Model:
    """A multi-layer perceptron from one event to the parameters of another.

    Args:
      input_shape: event shape of the input; it is flattened.
      output_shape: shape of the emitted parameters, `head.params_shape`.
      hidden: widths of the hidden layers.
      activation: a Keras activation.
      condition_size: if positive, the network takes `[x, c]`, and c `[batch, condition_size]` enters at the first
        layer; c may have m times as many rows as x, see `Conditioned`.

    Returns:
      A functional `keras.Model`, `[batch, *input_shape]` to `[batch, *output_shape]`, with a linear output layer, which
      computes in float32 under any precision, as in all networks that emit parameters of heads.

    Example:
      >>> dense((28, 28, 1), (100,)).output_shape
      (None, 100)
    """
    check_widths(hidden)
    inputs, (x, *c) = conditioned_input(input_shape, condition_size, "x" if len(input_shape) > 1 else "z")
    h = keras.layers.Flatten()(x)
    layers = [(width, activation, f"hidden_{i}", None) for i, width in enumerate(hidden, 1)]
    for width, of, called, dtype in [*layers, (int(np.prod(output_shape)), None, "params", "float32")]:
        given = {"name": called, "dtype": dtype}
        h = Conditioned(width, of, **given)([h, *c]) if c else keras.layers.Dense(width, of, **given)(h)
        c = ()
    if len(output_shape) > 1:
        h = keras.layers.Reshape(output_shape, dtype="float32")(h)
    return keras.Model(inputs, h, name=name)
