"""Priors p(z): Keras layers, trainable or fixed, that give a density on demand and sample from noise."""

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.distributions.heads import Head


class Prior(Head):
    """Base of all priors: a head without an input.

    `distribution(posterior)` returns the density as a TFP distribution over one event. `posterior` maps a batch
    of data to q(z|x); only priors that are made of posteriors (`VampPrior`) look at it.
    """

    def call(self, inputs=None):
        return self.distribution()

    def distribution(self, posterior=None):
        """Returns p(z), with an empty batch shape and event shape `event_shape`."""
        raise NotImplementedError(f"{type(self).__name__} must state its density")

    def draw(self, noise, posterior=None):
        """Returns samples of p(z), `[..., *event_shape]`, a pure function of what `noise(rng)` drew."""
        return self.sample(self.distribution(posterior), noise)


@keras.saving.register_keras_serializable("dgm_zoo")
class StandardNormal(Prior):
    """p(z) = N(0, I)."""

    def distribution(self, posterior=None):
        zeros = tf.zeros(self.event_shape)
        return self.independent(tfd.Normal(zeros, tf.ones_like(zeros)))

    def noise(self, rng, samples=None):
        return rng.normal(self.event_shape, samples)

    def sample(self, distribution, noise):
        return noise
