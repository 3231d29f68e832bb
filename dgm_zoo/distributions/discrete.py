"""Heads for bits and categories. Unless stated otherwise, samples carry no gradient."""

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.distributions.heads import Head, Noise
from dgm_zoo.distributions.noise import BatchNoise


@tf.custom_gradient
def bernoulli_log_density(x: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Returns sum_d x_d logits_d - softplus(logits_d) over the last axis; x and logits broadcast against each other.

    It equals the sum of `tfd.Bernoulli(logits).log_prob(x)` but needs fewer passes over memory: softplus is written
    with functions that vectorise, logarithms are taken of products, and the gradient is one expression. This is the
    inner loop of every likelihood of binary data.
    """
    value = tf.reduce_sum(logits * x - tf.nn.relu(logits), -1) + _sum_of_logs(tf.sigmoid(tf.abs(logits)))

    def gradient(upstream):
        upstream = upstream[..., None]
        over_x, over_logits = tf.raw_ops.BroadcastGradientArgs(s0=tf.shape(x), s1=tf.shape(logits))
        by_x = tf.reduce_sum(upstream * logits, over_x)
        by_logits = tf.reduce_sum(upstream * (x - tf.sigmoid(logits)), over_logits)
        return tf.reshape(by_x, tf.shape(x)), tf.reshape(by_logits, tf.shape(logits))

    return value, gradient


def _sum_of_logs(p):
    """Returns sum_d log p_d over the last axis, for p from 1/2 to 1: a product of 64 of them cannot underflow."""
    size = p.shape[-1]
    factors = max(n for n in range(1, 65) if size % n == 0)
    products = tf.reduce_prod(tf.reshape(p, tf.concat([tf.shape(p)[:-1], [size // factors, factors]], 0)), -1)
    return tf.reduce_sum(tf.math.log(products), -1)


def draw_bits(logits: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Returns bits that are 1 with probability sigmoid(logits), for standard logistic noise: float32, no gradient.

    All bits of the package are drawn here. A comparison of logits is exact where probabilities round to 0 or 1, so the
    bits are draws of what `bernoulli_log_density` scores.

    Args:
      logits: `[...]`.
      noise: of `BatchNoise.logistic`, `[...]`; they broadcast. -inf gives 1 and inf gives 0.
    """
    return tf.cast(noise < logits, tf.float32)


def draw_one_hot(logits: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Returns one-hot draws of the categories of the last axis, for standard logistic noise: float32, no gradient.

    A variate of the largest sum of logit and Gumbel noise: -log E for E = -log u, which is a softplus of the noise.

    Args:
      logits: `[..., K]`.
      noise: of `BatchNoise.logistic`, `[..., K]`; they broadcast.
    """
    gumbel = -tf.math.log(tf.nn.softplus(-noise))
    return tf.one_hot(tf.argmax(logits + gumbel, -1), logits.shape[-1])


class _BernoulliEvent(tfd.Independent):
    """`tfd.Independent(tfd.Bernoulli(logits))` whose log density is `bernoulli_log_density`."""

    def _log_prob(self, event):
        axes, size = self.event_shape.rank, self.event_shape.num_elements()
        flat = [
            tf.reshape(t, tf.concat([tf.shape(t)[: t.shape.rank - axes], [size]], 0))
            for t in (event, self.distribution.logits)
        ]
        return bernoulli_log_density(*flat)


@keras.saving.register_keras_serializable("dgm_zoo")
class IndependentBernoulli(Head):
    """Independent Bernoulli values, parametrised by logits; also used for binary latents.

    A value between 0 and 1 is accepted and scored by the negative cross-entropy, `x log p + (1 - x) log(1 - p)`, which
    is a log probability only for binary values.
    """

    binary = True
    reparametrised = False
    range = (0.0, 1.0)

    def call(self, params: tf.Tensor) -> tfd.Distribution:
        return _BernoulliEvent(tfd.Bernoulli(logits=params, dtype=tf.float32), len(self.event_shape))

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        return rng.logistic(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        return draw_bits(distribution.distribution.logits, noise)

    def moments(self, distribution: tfd.Distribution) -> dict[str, tf.Tensor]:
        return {"logits": distribution.distribution.logits}


def straight_through(bits: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Returns `bits` unchanged, with the gradient of the 1/2-estimator: d bits / d logits = p (1 - p) / (2 P(bits)).

    For a function f of one bit, the expected gradient is p (1 - p) (f'(0) + f'(1)) / 2. This equals the gradient of E f
    if f is linear or quadratic and is biased otherwise. Like every straight-through estimator it evaluates f only at
    the sampled value.

    Args:
      bits: sampled zeros and ones, `[...]`.
      logits: the logits that the bits were sampled with, p = sigmoid(logits); they broadcast to the shape of `bits`.

    References: Gregor et al., Deep AutoRegressive Networks, 2014; as "1/2" in Gu et al., MuProp, 2016.
    """
    return _straight_through(bits, tf.broadcast_to(logits, tf.shape(bits)))


@tf.custom_gradient
def _straight_through(bits, logits):
    p = tf.sigmoid(logits)

    def gradient(upstream):
        return tf.zeros_like(bits), upstream * 0.5 * tf.where(bits > 0.5, 1.0 - p, p)

    return tf.identity(bits), gradient


@keras.saving.register_keras_serializable("dgm_zoo")
class StraightThroughBernoulli(IndependentBernoulli):
    """`IndependentBernoulli` whose samples carry the gradient of `straight_through`, for VAEs with binary latents."""

    reparametrised = True

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        logits = distribution.distribution.logits
        return straight_through(super().sample(distribution, noise), logits)


@keras.saving.register_keras_serializable("dgm_zoo")
class OneHotCategorical(Head):
    """Independent one-hot vectors along the last axis of the event, parametrised by logits.

    An event of shape `(12, 20, 10)` is a grid of 12 x 20 choices among 10 classes. The distribution's mean contains
    the class probabilities. Samples carry no gradient.

    Args:
      event_shape: shape of one event; its last axis is the number of classes.
    """

    binary = True
    reparametrised = False
    range = (0.0, 1.0)

    def call(self, params: tf.Tensor) -> tfd.Distribution:
        return self.independent(tfd.OneHotCategorical(logits=params, dtype=tf.float32))

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        return rng.logistic(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        return draw_one_hot(distribution.distribution.logits, noise)

    def moments(self, distribution: tfd.Distribution) -> dict[str, tf.Tensor]:
        return {"logits": distribution.distribution.logits}
