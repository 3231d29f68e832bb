"""Fully connected networks."""

import keras
import numpy as np


def conditioned_input(input_shape, condition_size, name):
    """Returns the Keras inputs of a network and the list of its tensors: x alone, or x and a condition vector."""
    x = keras.Input(input_shape, name=name)
    if not condition_size:
        return x, [x]
    c = keras.Input((condition_size,), name="condition")
    return [x, c], [x, c]


def dense(input_shape, output_shape, hidden=(200, 200), activation="tanh", condition_size=0, name=None):
    """A multi-layer perceptron from one event to the parameters of another.

    Args:
      input_shape: event shape of the input; it is flattened.
      output_shape: shape of the emitted parameters, `head.params_shape`.
      hidden: widths of the hidden layers.
      activation: a Keras activation.
      condition_size: if positive, the network takes `[x, c]`, and c `[batch, condition_size]` is concatenated to x.

    Returns:
      A functional `keras.Model`, `[batch, *input_shape]` to `[batch, *output_shape]`, linear at its end.

    Example:
      >>> dense((28, 28, 1), (100,)).output_shape
      (None, 100)
    """
    inputs, (x, *c) = conditioned_input(input_shape, condition_size, "x" if len(input_shape) > 1 else "z")
    h = keras.layers.Flatten()(x)
    if c:
        h = keras.layers.Concatenate()([h, *c])
    for i, width in enumerate(hidden, 1):
        h = keras.layers.Dense(width, activation, name=f"hidden_{i}")(h)
    h = keras.layers.Dense(int(np.prod(output_shape)), name="params")(h)
    if len(output_shape) > 1:
        h = keras.layers.Reshape(output_shape)(h)
    return keras.Model(inputs, h, name=name)
