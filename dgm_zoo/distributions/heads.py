"""The base of all heads, which turn a network's parameter tensor into a TensorFlow Probability distribution.

A head is a Keras layer, named after its counterpart in `tfp.layers`. It states how many parameters it needs
(`params_shape`), builds the distribution, and samples it from noise that was drawn elsewhere. The path from noise to
sample is therefore a pure, differentiable function that XLA can compile. A likelihood is such an object and never a
string, so the number that a model reports is the log density of its head. The heads themselves are in `discrete` and
`continuous`, the priors in `priors`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.checks import is_whole
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.errors import InvalidInput

MIN_STDDEV = 1e-4

Noise = tf.Tensor | tuple[tf.Tensor, ...]  # the noise that one sample is a function of


def positive(raw: tf.Tensor) -> tf.Tensor:
    """Maps a raw parameter to a standard deviation or scale: softplus plus 1e-4."""
    return tf.nn.softplus(raw) + MIN_STDDEV


def pick(logits: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Draws a category by inverting the cumulative distribution function: int32, the shape of `uniform`.

    Args:
      logits: `[..., K]`, broadcast against `uniform[..., None]`.
      uniform: uniform on [0, 1), `[...]`.
    """
    edges = tf.cumsum(tf.nn.softmax(logits), axis=-1)[..., :-1]
    return tf.reduce_sum(tf.cast(uniform[..., None] >= edges, tf.int32), -1)


class Head(keras.layers.Layer):
    """Base of all heads.

    Args:
      event_shape: shape of one event, such as `(28, 28, 1)` for an image or `(50,)` for a latent vector.

    A head always computes in float32, regardless of the network's precision.

    Raises:
      InvalidInput: an event shape that is empty or contains anything but positive whole numbers.
    """

    params_per_value = 1
    range = None  # the closed range that an event's values must lie in; None for all numbers
    binary = False  # whether samples are zeros and ones
    factorised = True  # whether an event's values are independent given the parameters
    normal = False  # whether it is a normal with independent values
    reparametrised = True  # whether a sample carries the gradient to the parameters
    has_density = True  # whether its distribution has a density or mass

    def __init__(self, event_shape: Sequence[int], **kwargs: Any) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.event_shape = self.shape_of("event_shape", event_shape)

    def shape_of(self, name: str, shape: Any) -> tuple[int, ...]:
        """Returns `shape` as a tuple of ints; raises `InvalidInput` unless it consists of positive whole numbers."""
        axes = tuple(shape) if isinstance(shape, (tuple, list, tf.TensorShape)) else (shape,)
        if not axes or not all(is_whole(n) for n in axes):
            raise InvalidInput(
                f"{name} {shape!r} of {type(self).__name__} needs positive whole numbers, such as (28, 28, 1)"
            )
        return tuple(int(n) for n in axes)

    def whole(self, name: str, value: Any, least: int = 1) -> int:
        """Returns `value` as an int; raises `InvalidInput` unless it is a whole number of at least `least`."""
        if not is_whole(value, least):
            raise InvalidInput(f"{name} {value!r} of {type(self).__name__} must be a whole number of at least {least}")
        return int(value)

    @property
    def params_shape(self) -> tuple[int, ...]:
        """Shape of the parameters of one event: `event_shape` with its last axis times `params_per_value`."""
        return (*self.event_shape[:-1], self.event_shape[-1] * self.params_per_value)

    @property
    def params_size(self) -> int:
        """Number of parameters of one event."""
        return int(np.prod(self.params_shape))

    def call(self, params: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution: batch shape `params.shape[:-len(params_shape)]`, event shape `event_shape`."""
        raise NotImplementedError(f"{type(self).__name__} must implement call(params), which returns a distribution")

    def shares(self, prior: "Head") -> dict[str, Callable]:
        """Returns the arguments that a posterior's `call` takes from the prior, by name; empty for most heads."""
        return {}

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        """Draws the noise that `sample` needs from `rng`, a `BatchNoise` or `RowNoise`.

        Returns:
          A tensor `[(samples,) n, *event_shape]`, or a tuple of tensors that begin with those axes.
        """
        return rng.uniform(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        """Returns a sample of `distribution`, a pure function of `noise`: `[(samples,) n, *event_shape]`."""
        raise NotImplementedError(f"{type(self).__name__} must implement sample(distribution, noise)")

    def moments(self, distribution: tfd.Distribution) -> dict[str, tf.Tensor]:
        """Returns the parameters that `encode` reports: a dict of named tensors."""
        return {"mean": distribution.mean(), "stddev": distribution.stddev()}

    def code(self, distribution: tfd.Distribution) -> tf.Tensor:
        """Returns the value that represents the distribution without noise: its mean."""
        return distribution.mean()

    def held(self, distribution: tfd.Distribution) -> tfd.Distribution:
        """Returns the same distribution with its parameters behind a stopped gradient."""
        parameters = {}
        for name, value in distribution.parameters.items():
            if isinstance(value, tfd.Distribution):
                parameters[name] = self.held(value)
            elif tf.is_tensor(value):
                parameters[name] = tf.stop_gradient(value)
        return distribution.copy(**parameters)

    def split(self, params: tf.Tensor) -> list[tf.Tensor]:
        """Splits the last axis of `params` into `params_per_value` equal parts."""
        return tf.split(params, self.params_per_value, axis=-1)

    def independent(self, distribution: tfd.Distribution) -> tfd.Distribution:
        """Returns `distribution` with all axes of `event_shape` as event axes."""
        own = distribution.event_shape.rank
        return tfd.Independent(distribution, reinterpreted_batch_ndims=len(self.event_shape) - own)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dtype"]
        return {**config, "event_shape": list(self.event_shape)}
