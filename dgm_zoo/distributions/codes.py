"""The prior of InfoGAN: noise, and a code that consists of a class and continuous values."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.distributions.continuous import IndependentNormal
from dgm_zoo.distributions.discrete import OneHotCategorical
from dgm_zoo.distributions.heads import Head, Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.errors import InvalidInput


@keras.saving.register_keras_serializable("dgm_zoo")
class Codes(Prior):
    """p(z) of z = [noise, category, continuous]: N(0, I), a one-hot class, and values uniform on [-1, 1).

    The class and the values form the code, which Q infers from x: a categorical distribution over the class, and
    normals over the values. Their standard deviation is fixed to 1, because a learned one could shrink without bound.

    Args:
      event_shape: `(latent_dim,)`, the size of all of z.
      categories: number of classes, 0 for no class.
      continuous: number of values, 0 for none.

    Raises:
      InvalidInput: neither categories nor continuous values, or a z too small to also hold noise.
    """

    def __init__(self, event_shape: Sequence[int], categories: int = 10, continuous: int = 2, **kwargs: Any) -> None:
        super().__init__(event_shape, **kwargs)
        self.categories = self.whole("categories", categories, 0)
        self.continuous = self.whole("continuous", continuous, 0)
        self.noise_size = self.params_size - categories - continuous
        if not categories + continuous:
            raise InvalidInput("Codes needs a code, got categories=0 and continuous=0; set one of them above 0")
        if self.noise_size < 1:
            raise InvalidInput(
                f"z of size {self.params_size} cannot hold {categories} categories, {continuous} continuous "
                "values and noise; make z larger"
            )
        self.category = OneHotCategorical((categories,)) if categories else None
        self.values = IndependentNormal((continuous,), stddev=1.0) if continuous else None

    @property
    def code_size(self) -> int:
        """Size of the code, which is also the number of parameters of Q."""
        return self.categories + self.continuous

    @property
    def entropy(self) -> float:
        """H(c), nats."""
        return math.log(max(self.categories, 1)) + self.continuous * math.log(2.0)

    def distribution(self, posterior: Callable | None = None) -> tfd.Distribution:
        raise InvalidInput("Codes has no density; use a model that only needs samples of the prior, such as InfoGAN")

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        return rng.normal([self.noise_size], samples), rng.uniform((), samples), rng.uniform([self.continuous], samples)

    def draw(self, noise: Noise, posterior: Callable | None = None) -> tf.Tensor:
        normal, position, uniform = noise
        return self.join(normal, tf.cast(position * self.categories, tf.int32), 2.0 * uniform - 1.0)

    def join(self, normal: tf.Tensor, category: tf.Tensor, continuous: tf.Tensor) -> tf.Tensor:
        """Returns z made of noise `[..., noise_size]`, classes `[...]` and values `[..., continuous]`."""
        return tf.concat([normal, tf.one_hot(category, self.categories), continuous], -1)

    def recognised(self, params: tf.Tensor) -> list[tuple[Head, tfd.Distribution]]:
        """Returns Q(c|x) for parameters `[batch, code_size]`: a list of pairs (head, distribution)."""
        logits, loc = tf.split(params, [self.categories, self.continuous], -1)
        return [(head, head(value)) for head, value in ((self.category, logits), (self.values, loc)) if head]

    def information(self, params: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """Returns log Q(c|x) + H(c), nats, `[batch]`: its mean is a lower bound on the mutual information I(c; x)."""
        _, category, values = tf.split(z, [self.noise_size, self.categories, self.continuous], -1)
        truth = [part for part in (category, values) if part.shape[-1]]
        heads = self.recognised(params)
        return self.entropy + sum(q.log_prob(c) for (_, q), c in zip(heads, truth, strict=True))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "categories": self.categories, "continuous": self.continuous}
