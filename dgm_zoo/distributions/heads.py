"""Heads: from the parameter tensor that a network emits to a TensorFlow Probability distribution.

A head is a Keras layer, named after its `tfp.layers` cousin. It says how many parameters it needs
(`params_shape`), makes the distribution on demand, and samples it from noise that was drawn elsewhere, so that
the path from noise to sample is a pure, differentiable, XLA-friendly function. A likelihood is such an object,
never a string: the number that a model reports is the log density that its head states.
"""

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.errors import InvalidInput

MIN_STDDEV = 1e-4


def positive(raw):
    """Maps a raw parameter to a standard deviation or scale: softplus, floored at 1e-4."""
    return tf.nn.softplus(raw) + MIN_STDDEV


class Head(keras.layers.Layer):
    """Base of all heads.

    Args:
      event_shape: shape of one event, such as `(28, 28, 1)` for an image or `(50,)` for a latent vector.

    A head always computes in float32, whatever the precision of the network before it.
    """

    params_per_value = 1
    range = None  # the closed range that an event's values must lie in, where there is one

    def __init__(self, event_shape, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        shape = (event_shape,) if isinstance(event_shape, int) else tuple(event_shape)
        if not shape or any(int(n) != n or n < 1 for n in shape):
            raise InvalidInput(f"event_shape {event_shape!r} of {type(self).__name__} needs positive whole numbers")
        self.event_shape = tuple(int(n) for n in shape)

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

    def noise(self, rng, samples=None):
        """Draws from `rng` (a `BatchNoise` or `RowNoise`) what `sample` needs, `[(samples,) n, *event_shape]`."""
        return rng.uniform(self.event_shape, samples)

    def sample(self, distribution, noise):
        """Returns a sample of `distribution`, a pure function of `noise`."""
        raise NotImplementedError(f"{type(self).__name__} must say how noise becomes a sample")

    def moments(self, distribution):
        """Returns what `encode` reports: a dict of named parameter tensors."""
        return {"mean": distribution.mean(), "stddev": distribution.stddev()}

    def code(self, distribution):
        """Returns the one value that stands for the distribution where no noise is wanted: its mean."""
        return distribution.mean()

    def held(self, distribution):
        """Returns the same distribution with its parameters held constant (no gradient reaches them)."""
        flat = tf.nest.map_structure(tf.stop_gradient, distribution, expand_composites=True)
        return flat

    def split(self, params):
        return tf.split(params, self.params_per_value, axis=-1)

    def independent(self, distribution):
        return tfd.Independent(distribution, reinterpreted_batch_ndims=len(self.event_shape))

    def get_config(self):
        config = super().get_config()
        del config["dtype"]
        return {**config, "event_shape": list(self.event_shape)}


class _LogitsBernoulli(tfd.Bernoulli):
    """`tfd.Bernoulli` whose log density is `x * logits - softplus(logits)`: three passes over memory, not eight."""

    def _log_prob(self, event):
        return event * self.logits - tf.nn.softplus(self.logits)


@keras.saving.register_keras_serializable("dgm_zoo")
class IndependentBernoulli(Head):
    """Independent Bernoulli values, parametrised by logits. Also the head of binary latents.

    A value between 0 and 1 is accepted and scored by the cross-entropy, `x log p + (1 - x) log(1 - p)`; that is
    a log density only for binary values.
    """

    range = (0.0, 1.0)

    def call(self, params):
        return self.independent(_LogitsBernoulli(logits=params, dtype=tf.float32))

    def sample(self, distribution, noise):
        return tf.cast(noise < distribution.distribution.probs_parameter(), tf.float32)

    def moments(self, distribution):
        return {"logits": distribution.distribution.logits}


@keras.saving.register_keras_serializable("dgm_zoo")
class IndependentNormal(Head):
    """Independent normal values.

    Args:
      event_shape: shape of one event.
      stddev: None for a standard deviation per value from the network; a positive number to fix it, and the
        network then emits the mean alone; "learned" for one trainable standard deviation shared by all values.
    """

    def __init__(self, event_shape, stddev=None, **kwargs):
        super().__init__(event_shape, **kwargs)
        if not (stddev is None or stddev == "learned" or (not isinstance(stddev, str) and stddev > 0)):
            raise InvalidInput(f"stddev {stddev!r} of IndependentNormal must be None, 'learned' or a positive number")
        self.stddev = stddev
        self.params_per_value = 2 if stddev is None else 1
        if stddev == "learned":
            self.raw_stddev = self.add_weight(shape=(), initializer="zeros", name="raw_stddev")
        self.built = True

    def call(self, params):
        if self.stddev is None:
            loc, raw = self.split(params)
            scale = positive(raw)
        else:
            loc = params
            scale = positive(tf.convert_to_tensor(self.raw_stddev)) if self.stddev == "learned" else self.stddev
        return self.independent(tfd.Normal(loc, scale))

    def noise(self, rng, samples=None):
        return rng.normal(self.event_shape, samples)

    def sample(self, distribution, noise):
        return distribution.distribution.loc + distribution.distribution.scale * noise

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev}
