"""Heads for grey levels: a discretised logistic, and a mixture of them. Samples carry no gradient."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd
from tensorflow_probability import util as tfu

from dgm_zoo.distributions.discrete import draw_one_hot
from dgm_zoo.distributions.heads import Head, Noise, positive
from dgm_zoo.distributions.noise import BatchNoise


class _DiscretisedLogistic(tfd.Distribution):
    """A logistic rounded to `levels` evenly spaced values in [0, 1]; the two outermost values include the tails."""

    def __init__(self, loc: tf.Tensor, scale: tf.Tensor, levels: int, name: str = "DiscretisedLogistic") -> None:
        parameters = dict(locals())
        self.loc, self.scale, self.levels = loc, scale, levels
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"loc": tfu.ParameterProperties(), "scale": tfu.ParameterProperties()}

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def quantise(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the level nearest to x; x may lie outside [0, 1]."""
        return tf.round(tf.clip_by_value(x, 0.0, 1.0) * (self.levels - 1)) / (self.levels - 1)

    def _log_prob(self, x):
        # With a and b the bin's ends in units of the scale: sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b)
        # (1 - exp(b - a)), a product, so its logarithm stays accurate however far from loc the bin lies.
        width = 1.0 / (self.levels - 1) / self.scale
        x = self.quantise(x)
        middle = (x - self.loc) / self.scale
        below_top = -tf.nn.softplus(-middle - width / 2)
        above_bottom = -tf.nn.softplus(middle - width / 2)
        inside = below_top + above_bottom + tf.math.log(-tf.math.expm1(-width))
        return tf.where(x == 0.0, below_top, tf.where(x == 1.0, above_bottom, inside))

    def _mean(self):
        ends = tf.nn.softplus(self.loc / self.scale) - tf.nn.softplus((self.loc - 1.0) / self.scale)
        return tf.clip_by_value(self.scale * ends, 0.0, 1.0)


@keras.saving.register_keras_serializable("dgm_zoo")
class IndependentLogistic(Head):
    """Independent grey levels in [0, 1]: a logistic integrated over each level's bin.

    Unlike `tfp.layers.IndependentLogistic`, which is a density, this is a probability mass: its logarithm is at most 0
    and is comparable to that of other models of discrete pixels. The outermost bins include the tails; a value between
    two levels is scored as the nearer one. Samples carry no gradient.

    The distribution's `mean()`, which `decode` returns, is the mean of the logistic clipped to [0, 1], before rounding.
    It lies within half a level of the mean of the levels, and much nearer if the scale is at least the distance of two
    levels.

    Args:
      event_shape: shape of one event.
      levels: number of grey levels, at least 2; level k is the value k / (levels - 1).

    References: Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016, appendix C;
      Salimans et al., PixelCNN++, 2017, Eq. 2.
    """

    reparametrised = False
    params_per_value = 2
    range = (0.0, 1.0)

    def __init__(self, event_shape: Sequence[int], levels: int = 256, **kwargs: Any) -> None:
        super().__init__(event_shape, **kwargs)
        self.levels = self.whole("levels", levels, 2)
        self.built = True

    def call(self, params: tf.Tensor) -> tfd.Distribution:
        loc, raw = self.split(params)
        return self.independent(_DiscretisedLogistic(loc, positive(raw), self.levels))

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        return rng.logistic(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        logistic = distribution.distribution
        return logistic.quantise(logistic.loc + logistic.scale * noise)

    def moments(self, distribution: tfd.Distribution) -> dict[str, tf.Tensor]:
        return {"mean": distribution.mean(), "scale": distribution.distribution.scale}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "levels": self.levels}


@keras.saving.register_keras_serializable("dgm_zoo")
class MixtureLogistic(Head):
    """Grey levels in [0, 1]: each pixel a mixture of K discretised logistics, whose channels share one component.

    A probability mass, as `IndependentLogistic`, which it equals with K = 1. One logistic cannot say that a pixel is
    dark or bright but not in between, or red or green; a mixture can. The channels of a pixel, the values along the
    event's last axis, are independent given the component; unlike in PixelCNN++ a channel does not depend on the values
    of those before it.

    Args:
      event_shape: shape of one event.
      num_components: number of logistics K in the mixture of a pixel. The last axis of the parameters holds the K
        logits, then the means, then the raw scales, each as `[K, last]` flattened.
      levels: number of grey levels, at least 2; level k is the value k / (levels - 1).

    References: Salimans et al., PixelCNN++, 2017, Eq. 2.

    Example:
      >>> MixtureLogistic((32, 32, 3), num_components=5).params_shape
      (32, 32, 35)
    """

    reparametrised = False
    factorised = False
    range = (0.0, 1.0)

    def __init__(self, event_shape: Sequence[int], num_components: int, levels: int = 256, **kwargs: Any) -> None:
        super().__init__(event_shape, **kwargs)
        self.num_components = self.whole("num_components", num_components)
        self.levels = self.whole("levels", levels, 2)
        self.built = True

    @property
    def params_shape(self) -> tuple[int, ...]:
        *pixels, channels = self.event_shape
        return (*pixels, self.num_components * (1 + 2 * channels))

    def call(self, params: tf.Tensor) -> tfd.Distribution:
        values = self.num_components * self.event_shape[-1]
        logits, *rest = tf.split(params, [self.num_components, values, values], axis=-1)
        shape = tf.concat([tf.shape(params)[:-1], [self.num_components, self.event_shape[-1]]], 0)
        loc, raw = (tf.reshape(part, shape) for part in rest)
        components = tfd.Independent(_DiscretisedLogistic(loc, positive(raw), self.levels), 1)
        return self.independent(tfd.MixtureSameFamily(tfd.Categorical(logits), components))

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        which = rng.logistic((*self.event_shape[:-1], self.num_components), samples)
        return which, rng.logistic(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        which, logistic = noise
        mixture = distribution.distribution
        components = mixture.components_distribution.distribution
        chosen = draw_one_hot(mixture.mixture_distribution.logits, which)[..., None]
        values = components.loc + components.scale * logistic[..., None, :]
        return components.quantise(tf.reduce_sum(chosen * values, -2))

    def moments(self, distribution: tfd.Distribution) -> dict[str, tf.Tensor]:
        return {"mean": distribution.mean()}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_components": self.num_components, "levels": self.levels}
