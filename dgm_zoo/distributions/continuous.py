"""Heads of real values: normals, their mixtures, and the point that a distribution shrinks to."""

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd
from tensorflow_probability import math as tfm

from dgm_zoo.distributions.heads import Head, pick, positive
from dgm_zoo.errors import InvalidInput


@keras.saving.register_keras_serializable("dgm_zoo")
class IndependentNormal(Head):
    """Independent normal values.

    Args:
      event_shape: shape of one event.
      stddev: None for a standard deviation per value from the network; a positive number to fix it, and the
        network then emits the mean alone; "learned" for one trainable standard deviation shared by all values.
    """

    normal = True

    def __init__(self, event_shape, stddev=None, **kwargs):
        super().__init__(event_shape, **kwargs)
        number = isinstance(stddev, (int, float)) and not isinstance(stddev, bool)
        if not (stddev is None or stddev == "learned" or (number and 0 < stddev < float("inf"))):
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


@keras.saving.register_keras_serializable("dgm_zoo")
class MultivariateNormalTriL(Head):
    """A normal vector with full covariance L L^T, L lower triangular.

    The network emits the d means and then the d (d + 1) / 2 entries of L, in the order of
    `tfp.math.fill_triangular`; the diagonal goes through a softplus.

    Args:
      event_shape: `(d,)`.

    Raises:
      InvalidInput: an event with more than one axis.
    """

    def __init__(self, event_shape, **kwargs):
        super().__init__(event_shape, **kwargs)
        if len(self.event_shape) != 1:
            raise InvalidInput(
                f"event_shape {self.event_shape} of MultivariateNormalTriL has {len(self.event_shape)} axes; give one"
            )
        self.built = True

    @property
    def params_shape(self):
        (d,) = self.event_shape
        return (d + d * (d + 1) // 2,)

    def call(self, params):
        loc, raw = tf.split(params, [self.event_shape[0], -1], axis=-1)
        tril = tfm.fill_triangular(raw)
        # not `set_diag`: under XLA its gradient fails for a batch of unknown size
        return tfd.MultivariateNormalTriL(loc, tf.where(tf.eye(self.event_shape[0]) > 0, positive(tril), tril))

    def noise(self, rng, samples=None):
        return rng.normal(self.event_shape, samples)

    def sample(self, distribution, noise):
        return distribution.loc + distribution.scale.matvec(noise)

    def moments(self, distribution):
        return {**super().moments(distribution), "scale_tril": distribution.scale.to_dense()}


@keras.saving.register_keras_serializable("dgm_zoo")
class MixtureNormal(Head):
    """Independent values, each with its own mixture of normals (a mixture density network).

    `tfp.layers.MixtureNormal` mixes over whole events: one choice of component for all values of an event. Here
    each value makes its own choice, so that the parameters lie along the event's last axis and a convolution
    can emit them; the two agree for an event of one value. For a mixture over whole latent vectors see `MixturePrior`.

    The sample's gradient is the exact one (implicit reparametrisation): it reaches weights, means and scales.

    Args:
      event_shape: shape of one event.
      num_components: number of normals K in each value's mixture. The last axis of the parameters holds the K
        logits of its values, then their K means, then their K raw scales, each as `[last, K]` flattened.

    References: Bishop, Mixture Density Networks, 1994; Figurnov et al., Implicit Reparameterization Gradients, 2018.
    """

    def __init__(self, event_shape, num_components, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.num_components = self.whole("num_components", num_components)
        self.params_per_value = 3 * self.num_components
        self.built = True

    def call(self, params):
        shape = tf.concat([tf.shape(params)[:-1], [self.event_shape[-1], self.num_components]], 0)
        logits, loc, raw = (tf.reshape(part, shape) for part in tf.split(params, 3, axis=-1))
        return self.independent(tfd.MixtureSameFamily(tfd.Categorical(logits), tfd.Normal(loc, positive(raw))))

    def noise(self, rng, samples=None):
        return rng.uniform(self.event_shape, samples), rng.normal(self.event_shape, samples)

    def sample(self, distribution, noise):
        uniform, normal = noise
        mixture = distribution.distribution
        components = mixture.components_distribution
        chosen = tf.one_hot(pick(mixture.mixture_distribution.logits, uniform), self.num_components)
        z = tf.stop_gradient(tf.reduce_sum(chosen * (components.loc + components.scale * normal[..., None]), -1))
        # F(z; parameters) = constant gives dz = -dF / p(z); the value added is 0.
        cdf, density = mixture.cdf(z), tf.stop_gradient(mixture.prob(z))
        return z - (cdf - tf.stop_gradient(cdf)) / density

    def get_config(self):
        return {**super().get_config(), "num_components": self.num_components}


@keras.saving.register_keras_serializable("dgm_zoo")
class Deterministic(Head):
    """A point mass where the network says: the head of a deterministic encoder.

    Its sample is the point, with its gradient; it has no density, and `log_prob` (0 at the point, minus
    infinity elsewhere) has no use in an objective.
    """

    def call(self, params):
        return self.independent(tfd.Deterministic(params))

    def noise(self, rng, samples=None):
        """Zeros: nothing is drawn, but a sample has the same axes as any other head's."""
        return rng.zeros(self.event_shape, samples)

    def sample(self, distribution, noise):
        return distribution.distribution.loc + noise

    def moments(self, distribution):
        return {"mean": distribution.mean()}
