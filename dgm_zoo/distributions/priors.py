"""Priors p(z): Keras layers, trainable or fixed, that return a density and sample from noise."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.checks import is_number
from dgm_zoo.distributions.discrete import IndependentBernoulli
from dgm_zoo.distributions.heads import MIN_STDDEV, Head, Noise, pick, positive
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.errors import InvalidInput

RAW_ONE = math.log(math.e - 1.0)  # the raw parameter of a standard deviation of 1
RIDGE = 1e-5  # share of each variance that is added to a fitted covariance, so that float32 can factor it


class Prior(Head):
    """Base of all priors: a head without an input.

    `distribution(posterior)` returns the density as a TFP distribution over one event. `posterior` maps a batch of data
    to q(z|x); only priors that are built from posteriors (`VampPrior`) use it. A prior creates its variables in the
    constructor; the trainable ones are its `trainable_variables`, as for any Keras layer.
    """

    def __init__(self, event_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(event_shape, **kwargs)
        self.built = True

    def call(self, inputs: None = None) -> tfd.Distribution:
        return self.distribution()

    def distribution(self, posterior: Callable | None = None) -> tfd.Distribution:
        """Returns p(z), with an empty batch shape and event shape `event_shape`."""
        raise NotImplementedError(f"{type(self).__name__} must implement distribution(posterior)")

    def draw(self, noise: Noise, posterior: Callable | None = None) -> tf.Tensor:
        """Returns samples of p(z), `[..., *event_shape]`, a pure function of the noise that `noise(rng)` returned."""
        return self.sample(self.distribution(posterior), noise)


@keras.saving.register_keras_serializable("dgm_zoo")
class StandardNormal(Prior):
    """p(z) = N(0, I)."""

    normal = True

    def distribution(self, posterior: Callable | None = None) -> tfd.Distribution:
        zeros = tf.zeros(self.event_shape)
        return self.independent(tfd.Normal(zeros, tf.ones_like(zeros)))

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        return rng.normal(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        return noise


@keras.saving.register_keras_serializable("dgm_zoo")
class UniformPrior(Prior):
    """Independent values, uniform on [low, high).

    Args:
      event_shape: shape of one event.
      low, high: ends of the interval; low < high.
    """

    def __init__(self, event_shape: Sequence[int], low: float = -1.0, high: float = 1.0, **kwargs: Any) -> None:
        super().__init__(event_shape, **kwargs)
        for name, value in (("low", low), ("high", high)):
            if not is_number(value):
                raise InvalidInput(f"{name} {value!r} of UniformPrior must be one finite number")
        if low >= high:
            raise InvalidInput(f"low {low!r} of UniformPrior is not below high {high!r}; give low < high")
        self.low, self.high = self.range = float(low), float(high)

    def distribution(self, posterior: Callable | None = None) -> tfd.Distribution:
        low = tf.fill(self.event_shape, self.low)
        return self.independent(tfd.Uniform(low, tf.fill(self.event_shape, self.high)))

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        return self.low + (self.high - self.low) * noise

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "low": self.low, "high": self.high}


@keras.saving.register_keras_serializable("dgm_zoo")
class BernoulliPrior(Prior):
    """Independent Bernoulli values with one logit each.

    Args:
      event_shape: shape of one event.
      logits: initial value of all logits.
      trainable: whether the logits are trained.
    """

    binary = True
    range = (0.0, 1.0)

    def __init__(self, event_shape: Sequence[int], logits: float = 0.0, trainable: bool = True, **kwargs: Any) -> None:
        super().__init__(event_shape, trainable=trainable, **kwargs)
        if not is_number(logits):
            raise InvalidInput(f"logits {logits!r} of BernoulliPrior must be one finite number")
        self.start = float(logits)
        self.likelihood = IndependentBernoulli(self.event_shape)
        self.logits = self.add_weight(
            shape=self.event_shape, initializer=keras.initializers.Constant(self.start), name="logits"
        )

    def distribution(self, posterior: Callable | None = None) -> tfd.Distribution:
        return self.likelihood.call(tf.convert_to_tensor(self.logits))

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        return self.likelihood.noise(rng, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        return self.likelihood.sample(distribution, noise)

    def moments(self, distribution: tfd.Distribution) -> dict[str, tf.Tensor]:
        return self.likelihood.moments(distribution)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "logits": self.start}


class _NormalMixture(Prior):
    """Base of the priors that are mixtures of K diagonal normals over whole events.

    A sample is a function of one uniform number, which chooses the component, and of normal noise. Its gradient reaches
    the mean and scale of the chosen component, but not the weights.
    """

    def __init__(self, event_shape: Sequence[int], num_components: int, **kwargs: Any) -> None:
        super().__init__(event_shape, **kwargs)
        self.num_components = self.whole("num_components", num_components)

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        return rng.uniform((), samples), rng.normal(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        uniform, normal = noise
        k = pick(distribution.mixture_distribution.logits, uniform)
        normals = distribution.components_distribution.distribution
        return tf.gather(normals.loc, k) + tf.gather(normals.scale, k) * normal

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_components": self.num_components}


@keras.saving.register_keras_serializable("dgm_zoo")
class MixturePrior(_NormalMixture):
    """p(z) = sum_k w_k N(z; m_k, diag s_k^2), with trainable weights, means and scales.

    Initially the weights are equal, the scales are 1, and the means are drawn from N(0, I).

    Args:
      event_shape: shape of one event.
      num_components: number of normals K.
    """

    def __init__(self, event_shape: Sequence[int], num_components: int = 10, **kwargs: Any) -> None:
        super().__init__(event_shape, num_components, **kwargs)
        shape = (self.num_components, *self.event_shape)
        self.logits = self.add_weight(shape=shape[:1], initializer="zeros", name="logits")
        self.loc = self.add_weight(shape=shape, initializer=keras.initializers.RandomNormal(stddev=1.0), name="loc")
        self.raw_scale = self.add_weight(
            shape=shape, initializer=keras.initializers.Constant(RAW_ONE), name="raw_scale"
        )

    def distribution(self, posterior: Callable | None = None) -> tfd.Distribution:
        logits, loc, raw = (tf.convert_to_tensor(v) for v in (self.logits, self.loc, self.raw_scale))
        return tfd.MixtureSameFamily(tfd.Categorical(logits), self.independent(tfd.Normal(loc, positive(raw))))


@keras.saving.register_keras_serializable("dgm_zoo")
class VampPrior(_NormalMixture):
    """p(z) = (1/K) sum_k q(z|u_k): the posterior, averaged over K trainable pseudo-inputs u_k.

    A pseudo-input is the sigmoid of its variable, so it lies in [0, 1] like the data. The variables are initialised
    from N(0, 1).

    Args:
      event_shape: shape of one event.
      data_shape: shape of one x, such as `(28, 28, 1)`.
      num_components: number of pseudo-inputs K.

    References: Tomczak and Welling, VAE with a VampPrior, 2018, Eq. 9 (K = 500).
    """

    def __init__(
        self, event_shape: Sequence[int], data_shape: Sequence[int], num_components: int = 500, **kwargs: Any
    ) -> None:
        super().__init__(event_shape, num_components, **kwargs)
        self.data_shape = self.shape_of("data_shape", data_shape)
        self.raw_inputs = self.add_weight(
            shape=(self.num_components, *self.data_shape),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="raw_inputs",
        )

    @property
    def pseudo_inputs(self) -> tf.Tensor:
        """The pseudo-inputs u_k, `[K, *data_shape]`, in [0, 1]."""
        return tf.sigmoid(tf.convert_to_tensor(self.raw_inputs))

    def distribution(self, posterior: Callable | None = None) -> tfd.Distribution:
        """Returns p(z) for `posterior`, which maps `[K, *data_shape]` to normals of batch shape `[K]`.

        Raises:
          InvalidInput: no posterior, or one that does not consist of independent normals.
        """
        if posterior is None:
            raise InvalidInput("VampPrior is an average of posteriors; call distribution(posterior) with x -> q(z|x)")
        q = posterior(self.pseudo_inputs)
        if not isinstance(getattr(q, "distribution", None), tfd.Normal):
            raise InvalidInput(f"VampPrior needs a posterior of the head IndependentNormal, got {type(q).__name__}")
        return tfd.MixtureSameFamily(tfd.Categorical(tf.zeros(self.num_components)), q)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_shape": list(self.data_shape)}


@keras.saving.register_keras_serializable("dgm_zoo")
class FittedNormal(Prior):
    """A normal with full covariance, fitted to the codes passed to `update` (ex-post density estimation).

    It makes a deterministic auto-encoder a generative model. Mean and covariance are exponential moving averages over
    the updates and belong to no player. They start from N(0, I), which the first few updates forget.

    Args:
      event_shape: `(d,)`.
      momentum: weight of the old values in one update, in [0, 1); update t uses `min(momentum, (1 + t) / (10 + t))`.

    References: Ghosh et al., From Variational to Deterministic Autoencoders, 2020, section 3.1.
    """

    def __init__(self, event_shape: Sequence[int], momentum: float = 0.99, **kwargs: Any) -> None:
        super().__init__(event_shape, **kwargs)
        if len(self.event_shape) != 1:
            raise InvalidInput(
                f"event_shape {self.event_shape} of FittedNormal has {len(self.event_shape)} axes; give one"
            )
        if not is_number(momentum) or not 0 <= momentum < 1:
            raise InvalidInput(f"momentum {momentum!r} of FittedNormal must be a number in [0, 1)")
        self.momentum = float(momentum)
        (d,) = self.event_shape
        moving = {"trainable": False, "aggregation": "mean"}
        self.loc = self.add_weight(shape=(d,), initializer="zeros", name="loc", **moving)
        self.covariance = self.add_weight(
            shape=(d, d), initializer=keras.initializers.Identity(), name="covariance", **moving
        )
        self.updates = self.add_weight(
            shape=(), initializer="zeros", dtype="int64", name="updates",
            trainable=False, aggregation="only_first_replica",
        )

    def update(self, codes: tf.Tensor, weight: tf.Tensor | None = None) -> None:
        """Moves mean and covariance towards those of `codes`, `[n, d]`, over all replicas together.

        Call it in a training step; with several replicas, outside the function that XLA compiles. `weight`, `[n]`,
        weighs the codes; None for equal weights.
        """
        codes = tf.stop_gradient(tf.cast(codes, tf.float32))
        weight = tf.ones_like(codes[:, 0]) if weight is None else weight
        over_all = lambda value: tf.distribute.get_replica_context().all_reduce("mean", value)  # noqa: E731
        total = over_all(tf.reduce_mean(weight))
        share = tf.math.divide_no_nan(weight, total)[:, None]
        mean = over_all(tf.reduce_mean(share * codes, 0))
        away = codes - mean  # mean over all replicas; the variables' aggregation averages the scatter matrices
        scatter = tf.matmul(share * away, away, transpose_a=True) / tf.cast(tf.shape(codes)[0], tf.float32)
        t = tf.cast(self.updates, tf.float32)
        past = tf.where(total > 0.0, tf.minimum(self.momentum, (1.0 + t) / (10.0 + t)), 1.0)
        shift = mean - self.loc
        between = past * shift[:, None] * shift[None, :]  # contribution of the distance between the two means
        self.covariance.assign(past * self.covariance + (1.0 - past) * (scatter + between))
        self.loc.assign(self.loc + (1.0 - past) * shift)
        self.updates.assign(self.updates + 1)

    def distribution(self, posterior: Callable | None = None) -> tfd.Distribution:
        covariance = tf.convert_to_tensor(self.covariance)
        ridge = RIDGE * tf.linalg.diag_part(covariance) + MIN_STDDEV**2
        scale_tril = tf.linalg.cholesky(covariance + tf.linalg.diag(ridge))
        return tfd.MultivariateNormalTriL(tf.convert_to_tensor(self.loc), scale_tril)

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        return rng.normal(self.event_shape, samples)

    def sample(self, distribution: tfd.Distribution, noise: Noise) -> tf.Tensor:
        return distribution.loc + distribution.scale.matvec(noise)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}
