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
from tensorflow_probability import math as tfm
from tensorflow_probability import util as tfu

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


def is_whole(value, least):
    """Whether `value` is a whole number (no bool) of at least `least`."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least


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
    reparametrised = True  # whether a sample carries the gradient to the parameters

    def __init__(self, event_shape, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.event_shape = self.shape_of("event_shape", event_shape)

    def shape_of(self, name, shape):
        """Returns `shape` as a tuple of ints; raises `InvalidInput` unless it holds positive whole numbers."""
        axes = tuple(shape) if isinstance(shape, (tuple, list, tf.TensorShape)) else (shape,)
        if not axes or not all(is_whole(n, 1) for n in axes):
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


@tf.custom_gradient
def bernoulli_log_density(x, logits):
    """sum_d x_d logits_d - softplus(logits_d) over the last axis, x and logits broadcast against each other.

    The same number as `tfd.Bernoulli(logits).log_prob(x)` summed, in about half the passes over memory: the first
    term is a product of vectors, softplus is written with functions that vectorise, and the gradient is one
    expression. This is the inner loop of every likelihood on binary data.
    """
    log_normaliser = tf.nn.relu(logits) - tf.math.log(tf.sigmoid(tf.abs(logits)))
    value = tf.einsum("...d,...d->...", logits, x) - tf.reduce_sum(log_normaliser, -1)

    def gradient(upstream):
        upstream = upstream[..., None]
        over_x, over_logits = tf.raw_ops.BroadcastGradientArgs(s0=tf.shape(x), s1=tf.shape(logits))
        by_x = tf.reduce_sum(upstream * logits, over_x)
        by_logits = tf.reduce_sum(upstream * (x - tf.sigmoid(logits)), over_logits)
        return tf.reshape(by_x, tf.shape(x)), tf.reshape(by_logits, tf.shape(logits))

    return value, gradient


class _BernoulliEvent(tfd.Independent):
    """`tfd.Independent(tfd.Bernoulli(logits))` whose log density is `bernoulli_log_density`."""

    def _log_prob(self, event):
        axes = self.event_shape.rank
        flat = [
            tf.reshape(t, tf.concat([tf.shape(t)[: t.shape.rank - axes], [-1]], 0))
            for t in (event, self.distribution.logits)
        ]
        return bernoulli_log_density(*flat)


@keras.saving.register_keras_serializable("dgm_zoo")
class IndependentBernoulli(Head):
    """Independent Bernoulli values, parametrised by logits. Also the head of binary latents.

    A value between 0 and 1 is accepted and scored by the cross-entropy, `x log p + (1 - x) log(1 - p)`; that is
    a log density only for binary values.
    """

    reparametrised = False
    range = (0.0, 1.0)

    def call(self, params):
        return _BernoulliEvent(tfd.Bernoulli(logits=params, dtype=tf.float32), len(self.event_shape))

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


class _DiscretisedLogistic(tfd.Distribution):
    """A logistic rounded to `levels` values spread evenly over [0, 1]; the outermost two take the tails."""

    def __init__(self, loc, scale, levels, name="DiscretisedLogistic"):
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

    def quantise(self, x):
        """The level nearest to x, which may lie outside [0, 1]."""
        return tf.round(tf.clip_by_value(x, 0.0, 1.0) * (self.levels - 1)) / (self.levels - 1)

    def _log_prob(self, x):
        # With a and b the bin's ends in units of the scale: sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b)
        # (1 - exp(b - a)), a product, so its logarithm loses nothing however far from loc the bin lies.
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

    Unlike `tfp.layers.IndependentLogistic`, which is a density, this is a probability mass, so that its log is
    comparable to other models of discrete pixels and cannot be driven above 0. The outermost bins take the
    tails; a value between two levels is scored as the nearer one. The sample carries no gradient.

    The distribution's `mean()`, which `decode` returns, is the mean of the logistic clipped to [0, 1], before it
    is rounded; it lies within half a level of the mean of the levels, and far nearer once the scale is not
    smaller than the distance of two levels.

    Args:
      event_shape: shape of one event.
      levels: number of grey levels, at least 2; level k is the value k / (levels - 1).

    References: Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016, appendix C;
      Salimans et al., PixelCNN++, 2017, Eq. 2.
    """

    reparametrised = False
    params_per_value = 2
    range = (0.0, 1.0)

    def __init__(self, event_shape, levels=256, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.levels = self.whole("levels", levels, 2)
        self.built = True

    def call(self, params):
        loc, raw = self.split(params)
        return self.independent(_DiscretisedLogistic(loc, positive(raw), self.levels))

    def sample(self, distribution, noise):
        logistic = distribution.distribution
        noise = tf.maximum(noise, np.finfo(np.float32).tiny)
        return logistic.quantise(logistic.loc + logistic.scale * (tf.math.log(noise) - tf.math.log1p(-noise)))

    def moments(self, distribution):
        return {"mean": distribution.mean(), "scale": distribution.distribution.scale}

    def get_config(self):
        return {**super().get_config(), "levels": self.levels}


@keras.saving.register_keras_serializable("dgm_zoo")
class OneHotCategorical(Head):
    """Independent one-hot vectors along the last axis of the event, parametrised by logits.

    An event of shape `(12, 20, 10)` is a grid of 12 x 20 choices among 10 classes. The distribution's mean is
    the classes' probabilities. The sample carries no gradient.

    Args:
      event_shape: shape of one event; its last axis is the number of classes.
    """

    reparametrised = False
    range = (0.0, 1.0)

    def call(self, params):
        return self.independent(tfd.OneHotCategorical(logits=params, dtype=tf.float32))

    def sample(self, distribution, noise):
        gumbel = -tf.math.log(-tf.math.log(noise))
        return tf.one_hot(tf.argmax(distribution.distribution.logits + gumbel, -1), self.event_shape[-1])

    def moments(self, distribution):
        return {"logits": distribution.distribution.logits}


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
