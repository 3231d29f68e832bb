"""Two expressions of the same parameters side by side, in float64, and checks of their inputs."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from dgm_zoo.errors import InvalidInput


class Sides(NamedTuple):
    """The two sides of a claim at one value of the parameters.

    Attributes:
      left, right: the gradients, NumPy float64, with the structure of the parameters.
      left_value, right_value: the values, floats in nats.
    """

    left: Any
    right: Any
    left_value: float
    right_value: float


def sides(left: Callable, right: Callable, at: Any) -> Sides:
    """Evaluates `left` and `right`, functions of the parameters that return a scalar, and their gradients at `at`.

    Args:
      left, right: functions of one argument with the structure of `at`, differentiable by TensorFlow.
      at: the parameters: an array, or a nested structure of arrays; converted to float64.

    Example:
      >>> sides(tf.reduce_sum, lambda v: tf.reduce_sum(v**2) / 2, [1.0, 1.0]).right   # [1.0, 1.0]
    """
    (value_1, gradient_1), (value_2, gradient_2) = (_value_and_gradient(side, float64(at)) for side in (left, right))
    return Sides(gradient_1, gradient_2, value_1, value_2)


def _value_and_gradient(function, at):
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = function(at)
    gradient = tape.gradient(value, at, unconnected_gradients="zero")
    return float(value), tf.nest.map_structure(lambda g: tf.convert_to_tensor(g).numpy(), gradient)


def float64(parameters: Any) -> Any:
    """Returns `parameters`, an array, a list of numbers or a dict of these, as float64 tensors."""
    if isinstance(parameters, dict):
        return {name: float64(value) for name, value in parameters.items()}
    return tf.constant(np.asarray(parameters, np.float64))


def distribution(name: str, table: ArrayLike, axes: int = 1) -> tf.Tensor:
    """Returns probabilities as a float64 tensor.

    Args:
      name: name of the table, for the message.
      table: probabilities, all above 0, that sum to 1 over the last `axes` axes.
      axes: number of axes of one distribution.

    Raises:
      InvalidInput: a table with too few axes, with a value that is not above 0, or with another sum.
    """
    found = np.asarray(table, np.float64)
    if found.ndim < axes or not (found > 0).all():
        raise InvalidInput(f"{name} must hold probabilities above 0, but its least is {found.min(initial=1):g}")
    total = found.sum(tuple(range(-axes, 0)))
    if np.abs(total - 1).max(initial=0) > 1e-9:
        raise InvalidInput(f"{name} must add up to 1, but adds up to {np.ravel(total)[0]:g}; normalise it in float64")
    return tf.constant(found)


def log_distribution(name: str, function: Callable, parameters: Any, rank: int, axes: int = 1) -> tf.Tensor:
    """Returns `function(parameters)`, after checking that it is log-probabilities with `rank` axes.

    Raises:
      InvalidInput: another dtype than float64, another number of axes, or as `distribution` for their exponentials.
    """
    found = tf.convert_to_tensor(function(parameters))
    if found.dtype != tf.float64 or found.shape.rank != rank:
        raise InvalidInput(
            f"{name} gave {found.dtype.name} of shape {found.shape.as_list()}; give float64 with {rank} axes"
        )
    distribution(f"exp of {name}", tf.exp(found).numpy(), axes)
    return found
