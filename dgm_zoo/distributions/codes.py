"""The prior of InfoGAN: noise, and a code of a class and continuous values."""

import math

import keras
import tensorflow as tf

from dgm_zoo.distributions.continuous import IndependentNormal
from dgm_zoo.distributions.discrete import OneHotCategorical
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.errors import InvalidInput


@keras.saving.register_keras_serializable("dgm_zoo")
class Codes(Prior):
    """p(z) of z = [noise, category, continuous]: N(0, I), a one-hot class, and values uniform on [-1, 1).

    Class and values are the code, which Q infers from x: a categorical for the class, and for the values normals whose
    standard deviation is fixed to 1, since a learnt one could shrink without end.

    Args:
      event_shape: `(latent_dim,)`, the size of all of z.
      categories: number of classes, 0 for no class.
      continuous: number of values, 0 for none.

    Raises:
      InvalidInput: a code of nothing, or one that leaves no room for noise.
    """

    def __init__(self, event_shape, categories=10, continuous=2, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.categories = self.whole("categories", categories, 0)
        self.continuous = self.whole("continuous", continuous, 0)
        self.noise_size = self.params_size - categories - continuous
        if not categories + continuous:
            raise InvalidInput("a code of 0 categories and 0 continuous values is none; give one of the two")
        if self.noise_size < 1:
            raise InvalidInput(
                f"z of size {self.params_size} has no room for {categories} categories and {continuous} continuous "
                "values beside noise; make it larger"
            )
        self.category = OneHotCategorical((categories,)) if categories else None
        self.values = IndependentNormal((continuous,), stddev=1.0) if continuous else None

    @property
    def code_size(self):
        """Size of the code, and the number of parameters that Q has."""
        return self.categories + self.continuous

    @property
    def entropy(self):
        """H(c), nats."""
        return math.log(max(self.categories, 1)) + self.continuous * math.log(2.0)

    def distribution(self, posterior=None):
        raise InvalidInput("Codes have no density; use a model that only compares samples, such as InfoGAN")

    def noise(self, rng, samples=None):
        return rng.normal([self.noise_size], samples), rng.uniform((), samples), rng.uniform([self.continuous], samples)

    def draw(self, noise, posterior=None):
        normal, position, uniform = noise
        return self.join(normal, tf.cast(position * self.categories, tf.int32), 2.0 * uniform - 1.0)

    def join(self, normal, category, continuous):
        """Returns z of noise `[..., noise_size]`, classes `[...]` and values `[..., continuous]`."""
        return tf.concat([normal, tf.one_hot(category, self.categories), continuous], -1)

    def recognised(self, params):
        """Q(c|x) for parameters `[batch, code_size]`: the list of its heads, each with its distribution."""
        logits, loc = tf.split(params, [self.categories, self.continuous], -1)
        return [(head, head(value)) for head, value in ((self.category, logits), (self.values, loc)) if head]

    def information(self, params, z):
        """log Q(c|x) + H(c), nats, `[batch]`: in expectation a lower bound of the information I(c; x)."""
        _, category, values = tf.split(z, [self.noise_size, self.categories, self.continuous], -1)
        truth = [part for part in (category, values) if part.shape[-1]]
        heads = self.recognised(params)
        return self.entropy + sum(q.log_prob(c) for (_, q), c in zip(heads, truth, strict=True))

    def get_config(self):
        return {**super().get_config(), "categories": self.categories, "continuous": self.continuous}
