"""What all heads share: from the parameter tensor that a network emits to a TensorFlow Probability distribution.

A head is a Keras layer, named after its `tfp.layers` cousin. It says how many parameters it needs
(`params_shape`), makes the distribution on demand, and samples it from noise that was drawn elsewhere, so that
the path from noise to sample is a pure, differentiable, XLA-friendly function. A likelihood is such an object,
never a string: the number that a model reports is the log density that its head states. Heads themselves are in
`discrete` and `continuous`, priors in `priors`.
"""

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.checks import is_whole
from dgm_zoo.errors import InvalidInput

MIN_STDDEV = 1e-4


def positive(raw):
    """Maps a raw parameter to a standard deviation or scale: softplus, floored at 1e-4."""
    return tf.nn.softplus(raw) + MIN_STDDEV


def pick(logits, uniform):
    """Draws a category by inverting its distribution function: int32, the shape of `uniform`.

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

    A head always computes in float32, whatever the precision of the network before it.

    Raises:
      InvalidInput: an event shape that is empty or holds anything but positive whole numbers.
    """

    params_per_value = 1
    range = None  # the closed range that an event's values must lie in, where there is one
    binary = False  # whether samples are zeros and ones
    factorised = True  # whether an event's values are independent given the parameters
    normal = False  # whether it is normal with independent values
    reparametrised = True  # whether a sample carries the gradient to the parameters

    def __init__(self, event_shape, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.event_shape = self.shape_of("event_shape", event_shape)

    def shape_of(self, name, shape):
        """Returns `shape` as a tuple of ints; raises `InvalidInput` unless it holds positive whole numbers."""
        axes = tuple(shape) if isinstance(shape, (tuple, list, tf.TensorShape)) else (shape,)
        if not axes or not all(is_whole(n) for n in axes):
            raise InvalidInput(
                f"{name} {shape!r} of {type(self).__name__} needs positive whole numbers, such as (28, 28, 1)"
            )
        return tuple(int(n) for n in axes)

    def whole(self, name, value, least=1):
        """Returns `value` as an int; raises `InvalidInput` unless it is a whole number of at least `least`."""
        if not is_whole(value, least):
            raise InvalidInput(f"{name} {value!r} of {type(self).__name__} must be a whole number of at least {least}")
        return int(value)

    @property
    def params_shape(self):
        """Shape of the parameters of one event: `event_shape` with its last axis times `params_per_value`."""
        return (*self.event_shape[:-1], self.event_shape[-1] * self.params_per_value)

    @property
    def params_size(self):
        """Number of parameters of one event."""
        return int(np.prod(self.params_shape))

    def call(self, params):
        """Returns the distribution: batch shape `params.shape[:-len(params_shape)]`, event shape `event_shape`."""
        raise NotImplementedError(f"{type(self).__name__} must say which distribution its parameters make")

    def shares(self, prior):
        """What else a posterior's `call` takes from the prior: a dict of arguments, of most heads none."""
        return {}

    def noise(self, rng, samples=None):
        """Draws from `rng` (a `BatchNoise` or `RowNoise`) what `sample` needs.

        Returns:
          A tensor `[(samples,) n, *event_shape]`, or a tuple of tensors that begin with those axes.
        """
        return rng.uniform(self.event_shape, samples)

    def sample(self, distribution, noise):
        """Returns a sample of `distribution`, a pure function of `noise`: `[(samples,) n, *event_shape]`."""
        raise NotImplementedError(f"{type(self).__name__} must say how noise becomes a sample")

    def moments(self, distribution):
        """Returns what `encode` reports: a dict of named parameter tensors."""
        return {"mean": distribution.mean(), "stddev": distribution.stddev()}

    def code(self, distribution):
        """Returns the one value that stands for the distribution where no noise is wanted: its mean."""
        return distribution.mean()

    def held(self, distribution):
        """Returns the same distribution with its parameters held constant (no gradient reaches them)."""
        parameters = {}
        for name, value in distribution.parameters.items():
            if isinstance(value, tfd.Distribution):
                parameters[name] = self.held(value)
            elif tf.is_tensor(value):
                parameters[name] = tf.stop_gradient(value)
        return distribution.copy(**parameters)

    def split(self, params):
        return tf.split(params, self.params_per_value, axis=-1)

    def independent(self, distribution):
        """Returns `distribution` with the axes that are not yet its event's joined to it."""
        own = distribution.event_shape.rank
        return tfd.Independent(distribution, reinterpreted_batch_ndims=len(self.event_shape) - own)

    def get_config(self):
        config = super().get_config()
        del config["dtype"]
        return {**config, "event_shape": list(self.event_shape)}
