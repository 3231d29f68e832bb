"""Heads for real values: normals, mixtures of normals, and the point mass."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd
from tensorflow_probability import math as tfm

from dgm_zoo.checks import is_number
from dgm_zoo.distributions.discrete import draw_one_hot
from dgm_zoo.distributions.heads import Head, Noise, positive
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.errors import InvalidInput


@keras.saving.register_keras_serializable("dgm_zoo")
class IndependentNormal(Head):
    """Independent normal values.

    Args:
      event_shape: shape of one event.
      stddev: None if the network emits one standard deviation per value; a positive number for a fixed one, in which
        case the network emits only the mean; "learned" for one trainable standard deviation shared by all values.
    """

    normal = True

    def __init__(self, event_shape: Sequence[int], stddev: float | str | None = None, **kwargs: Any) -> None:
        super().__init__(event_shape, **kwargs)
        number = float(stddev) if is_number(stddev) else None
        if not (stddev is None or stddev == "learned" or (number is not None and number > 0)):
            raise InvalidInput(f"stddev {stddev!r} of IndependentNormal must be None, 'learned' or a positive number")
        if number is not None and not 1e-12 <= number <= 1e12:
            raise InvalidInput(
                f"stddev {stddev!r} of IndependentNormal does not suit float32, which its squares would leave; give a "
                "number from 1e-12 to 1e12"
            )
        self.stddev = stddev if number is None else number
        self.params_per_value = 2 if stddev is None else 1
        if stddev == "learned":
            self.raw_stddev = self.add_weight(shape=(), initializer="zeros", name="raw_stddev")
        self.built = True

    def call(self, params: tf.Tensor) -> tfd.Distribution:
        if self.stddev is None:
            loc, raw = self.split(params)
            scale = positive(raw)
        else:
            loc = params
            scale = positive(tf.convert_to_tensor(self.raw_stddev)) if self.stddev == "learned" else self.stddev
        return self.independent(tfd.Normal(loc, scale))

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        return rng.normal(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        return distribution.distribution.loc + distribution.distribution.scale * noise

    def get_config(self) -> dict[str, Any]:
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

    def __init__(self, event_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(event_shape, **kwargs)
        if len(self.event_shape) != 1:
            raise InvalidInput(
                f"event_shape {self.event_shape} of MultivariateNormalTriL has {len(self.event_shape)} axes; give one"
            )
        self.built = True

    @property
    def params_shape(self) -> tuple[int, ...]:
        (d,) = self.event_shape
        return (d + d * (d + 1) // 2,)

    def call(self, params: tf.Tensor) -> tfd.Distribution:
        loc, raw = tf.split(params, [self.event_shape[0], -1], axis=-1)
        tril = tfm.fill_triangular(raw)
        # `set_diag` is avoided: its gradient fails under XLA if the batch size is unknown
        return tfd.MultivariateNormalTriL(loc, tf.where(tf.eye(self.event_shape[0]) > 0, positive(tril), tril))

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        return rng.normal(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        return distribution.loc + distribution.scale.matvec(noise)

    def moments(self, distribution: tfd.Distribution) -> dict[str, tf.Tensor]:
        return {**super().moments(distribution), "scale_tril": distribution.scale.to_dense()}


@keras.saving.register_keras_serializable("dgm_zoo")
class MixtureNormal(Head):
    """Independent values, each with its own mixture of normals (a mixture density network).

    `tfp.layers.MixtureNormal` mixes over whole events: all values of an event share one component. Here each value
    has its own component, so the parameters lie along the event's last axis and a convolution can emit them. Both
    agree for an event of one value. For a mixture over whole latent vectors see `MixturePrior`.

    The gradient of a sample is exact (implicit reparametrisation) and reaches weights, means and scales.

    Args:
      event_shape: shape of one event.
      num_components: number of normals K in each value's mixture. The last axis of the parameters holds the K
        logits of its values, then their K means, then their K raw scales, each as `[last, K]` flattened.

    References: Bishop, Mixture Density Networks, 1994; Figurnov et al., Implicit Reparameterization Gradients, 2018.
    """

    def __init__(self, event_shape: Sequence[int], num_components: int, **kwargs: Any) -> None:
        super().__init__(event_shape, **kwargs)
        self.num_components = self.whole("num_components", num_components)
        self.params_per_value = 3 * self.num_components
        self.built = True

    def call(self, params: tf.Tensor) -> tfd.Distribution:
        shape = tf.concat([tf.shape(params)[:-1], [self.event_shape[-1], self.num_components]], 0)
        logits, loc, raw = (tf.reshape(part, shape) for part in tf.split(params, 3, axis=-1))
        return self.independent(tfd.MixtureSameFamily(tfd.Categorical(logits), tfd.Normal(loc, positive(raw))))

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        which = rng.logistic((*self.event_shape, self.num_components), samples)
        return which, rng.normal(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        which, normal = noise
        mixture = distribution.distribution
        components = mixture.components_distribution
        chosen = draw_one_hot(mixture.mixture_distribution.logits, which)
        z = tf.stop_gradient(tf.reduce_sum(chosen * (components.loc + components.scale * normal[..., None]), -1))
        # F(z; parameters) = constant gives dz = -dF / p(z); the value added is 0.
        cdf, density = mixture.cdf(z), tf.stop_gradient(mixture.prob(z))
        return z - (cdf - tf.stop_gradient(cdf)) / density

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_components": self.num_components}


@keras.saving.register_keras_serializable("dgm_zoo")
class Deterministic(Head):
    """A point mass at the network's output: the head of a deterministic encoder.

    Its sample is the point itself, with its gradient. It has no density: `log_prob` is 0 at the point and minus
    infinity elsewhere, which no objective can use.
    """

    has_density = False

    def call(self, params: tf.Tensor) -> tfd.Distribution:
        return self.independent(tfd.Deterministic(params))

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        """Returns zeros: nothing is drawn, but a sample has the same axes as that of any other head."""
        return rng.zeros(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        return distribution.distribution.loc + noise

    def moments(self, distribution: tfd.Distribution) -> dict[str, tf.Tensor]:
        return {"mean": distribution.mean()}
