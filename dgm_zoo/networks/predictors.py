"""Predictability minimisation's predictors: each code unit from all the others, in one network.

References: Schmidhuber, Learning Factorial Codes by Predictability Minimization, 1992.
"""

import keras
import tensorflow as tf

from dgm_zoo.checks import whole_number
from dgm_zoo.errors import InvalidInput


@keras.saving.register_keras_serializable("dgm_zoo")
class Predictors(keras.layers.Layer):
    """One perceptron for each unit of a code, which sees all the other units: `[batch, units]` to `[batch, units]`.

    Output i is the logit of unit i given the units other than i. The first layers of all perceptrons are one matrix
    product, in which what would show a predictor its own unit is masked; later layers are one batched product each. So
    output i has no gradient with respect to unit i, and the whole equals `units` separate networks.

    Args:
      units: number of code units, at least 2.
      hidden: widths of the hidden layers of each perceptron; none for linear predictors, which cannot see that a unit
        is the exclusive or of two others.
      activation: a Keras activation of the hidden layers.

    Raises:
      InvalidInput: fewer than two units, or widths that are not positive whole numbers.

    Example:
      >>> Predictors(4, hidden=(3,))(tf.zeros((8, 4))).shape
      TensorShape([8, 4])
    """

    def __init__(self, units, hidden=(), activation="tanh", **kwargs):
        super().__init__(**kwargs)
        self.units = whole_number("units", units, 2)
        if not isinstance(hidden, (list, tuple)):
            raise InvalidInput(f"hidden must be a list of widths, such as (8,), got {hidden!r}")
        self.hidden = tuple(whole_number("hidden", width) for width in hidden)
        self.activation = keras.activations.get(activation)

    def build(self, shape):
        if shape[-1] != self.units:
            raise InvalidInput(f"{self.name} predicts {self.units} units, but the code has {shape[-1]}")
        inputs = self.units - 1  # of the units that it is given, a predictor sees all but one
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

    def call(self, code):
        others = 1.0 - tf.eye(self.units, dtype=code.dtype)
        kernel = tf.convert_to_tensor(self.kernels[0]) * others[:, :, None]
        width = kernel.shape[-1]
        joined = tf.reshape(tf.transpose(kernel, [1, 0, 2]), [self.units, self.units * width])
        h = tf.reshape(code @ joined, [-1, self.units, width]) + tf.convert_to_tensor(self.biases[0])
        for kernel, bias in zip(self.kernels[1:], self.biases[1:], strict=True):
            h = tf.einsum("bui,uio->buo", self.activation(h), tf.convert_to_tensor(kernel))
            h = h + tf.convert_to_tensor(bias)
        return h[..., 0]

    def compute_output_shape(self, shape):
        return (shape[0], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "hidden": list(self.hidden),
            "activation": keras.activations.serialize(self.activation),
        }
