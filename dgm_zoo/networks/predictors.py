"""Predictability minimisation's predictors: each code unit from all the others, in one network.

References: Schmidhuber, Learning Factorial Codes by Predictability Minimization, 1992.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import layer_size
from dgm_zoo.errors import InvalidInput


@keras.saving.register_keras_serializable("dgm_zoo")
class Predictors(keras.layers.Layer):
    """One perceptron per code unit, with all other units as input: `[batch, units]` to `[batch, units]`.

    Output i is the logit of unit i given all other units. The first layers of all perceptrons are one matrix product in
    which the weights from a predictor's own unit are masked; later layers are one batched product each. Output i
    therefore has no gradient with respect to unit i, and the layer equals `units` separate networks.

    Args:
      units: number of code units, at least 2.
      hidden: widths of the hidden layers of each perceptron; empty for linear predictors, which cannot represent that
        a unit is the exclusive or of two others.
      activation: a Keras activation for the hidden layers.

    Raises:
      InvalidInput: fewer than two units, or widths that are not positive whole numbers.

    Example:
      >>> Predictors(4, hidden=(3,))(tf.zeros((8, 4))).shape
      TensorShape([8, 4])
    """

    def __init__(self, units: int, hidden: Sequence[int] = (), activation: Any = "tanh", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = layer_size("units", units, 2)
        if not isinstance(hidden, (list, tuple)):
            raise InvalidInput(f"hidden must be a list of widths, such as (8,), got {hidden!r}")
        self.hidden = tuple(layer_size("hidden", width) for width in hidden)
        self.activation = keras.activations.get(activation)

    def build(self, shape: tuple) -> None:
        if shape[-1] != self.units:
            raise InvalidInput(f"{self.name} predicts {self.units} units, but the code has {shape[-1]}")
        inputs = self.units - 1  # a predictor sees all units except its own
        self.kernels, self.biases = [], []
        for i, width in enumerate([*self.hidden, 1]):
            rows = self.units if i == 0 else inputs
            limit = (6.0 / (inputs + width)) ** 0.5  # Glorot's, for one predictor
            self.kernels.append(self.add_weight(
                shape=(self.units, rows, width), initializer=keras.initializers.RandomUniform(-limit, limit),
                name=f"kernel_{i}",
            ))
            self.biases.append(self.add_weight(shape=(self.units, width), initializer="zeros", name=f"bias_{i}"))
            inputs = width

    def call(self, code: tf.Tensor) -> tf.Tensor:
        others = 1.0 - tf.eye(self.units, dtype=code.dtype)
        kernel = tf.convert_to_tensor(self.kernels[0]) * others[:, :, None]
        width = kernel.shape[-1]
        joined = tf.reshape(tf.transpose(kernel, [1, 0, 2]), [self.units, self.units * width])
        h = tf.reshape(code @ joined, [-1, self.units, width]) + tf.convert_to_tensor(self.biases[0])
        for kernel, bias in zip(self.kernels[1:], self.biases[1:], strict=True):
            h = tf.einsum("bui,uio->buo", self.activation(h), tf.convert_to_tensor(kernel))
            h = h + tf.convert_to_tensor(bias)
        return h[..., 0]

    def compute_output_shape(self, shape: tuple) -> tuple[int | None, int]:
        return (shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "hidden": list(self.hidden),
            "activation": keras.activations.serialize(self.activation),
        }
