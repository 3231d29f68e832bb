"""A small family fitted to a mixture of Gaussians by three divergences: the two directions of the KL, and the JSD.

Both densities are known, so no network estimates them: expectations over the data are means over new samples of the
mixture, expectations over the model are means over reparametrised samples of each of its components.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from dgm_zoo.errors import InvalidInput, check_known

# Each is a function of r = log p_model(x) - log p_data(x), given the means over samples of the data and of the model.
DIVERGENCES = {
    "KL(data || model)": lambda mean_data, mean_model: -mean_data(lambda r: r),
    "KL(model || data)": lambda mean_data, mean_model: mean_model(lambda r: r),
    "JSD": lambda mean_data, mean_model: math.log(2.0)
    - 0.5 * (mean_data(tf.nn.softplus) + mean_model(lambda r: tf.nn.softplus(-r))),
}
SPREAD = 0.5  # initial standard deviation of the means about the origin and of every Gaussian


class Mixture(NamedTuple):
    """Mixtures of K equally weighted Gaussians in the plane, one per start.

    Attributes:
      mean: `[starts, K, 2]`.
      raw: parameters of the Cholesky factor [[exp(raw_0), 0], [raw_2, exp(raw_1)]] of the covariance,
        `[starts, K, 3]`.
    """

    mean: tf.Tensor | tf.Variable
    raw: tf.Tensor | tf.Variable

    def log_prob(self, x: tf.Tensor) -> tf.Tensor:
        """Returns log p(x), nats, for x `[..., starts, 2]`: `[..., starts]`."""
        off = x[..., None, :] - self.mean
        first = off[..., 0] * tf.exp(-self.raw[..., 0])
        second = (off[..., 1] - self.raw[..., 2] * first) * tf.exp(-self.raw[..., 1])
        log_normal = -0.5 * (first**2 + second**2) - self.raw[..., 0] - self.raw[..., 1] - math.log(2 * math.pi)
        return tf.reduce_logsumexp(log_normal, -1) - math.log(self.mean.shape[-2])

    def samples(self, noise: tf.Tensor) -> tf.Tensor:
        """Returns one sample per component, for normal noise `[..., starts, K, 2]`: the shape of `noise`."""
        first, second = tf.unstack(noise, axis=-1)
        wide = tf.exp(self.raw[..., :2])
        return self.mean + tf.stack([wide[..., 0] * first, self.raw[..., 2] * first + wide[..., 1] * second], -1)


def fit(
    divergence: str,
    centres: ArrayLike,
    stddev: float,
    components: int,
    seeds: Sequence[int],
    samples: int,
    steps: int = 2_000,
    batch: int = 128,
    learning_rate: float = 1e-2,
) -> tuple[np.ndarray, np.ndarray]:
    """Fits mixtures of K Gaussians with full covariance to a mixture of isotropic Gaussians, and samples from them.

    Adam minimises the divergence, estimated at every step from `batch` new samples of the data and as many of the
    model. Of two starts, the same for every divergence, the fit with the lower final divergence is kept, so that the
    result shows what the divergence prefers:

    * wide: Gaussians about the origin. Over the first two thirds of the steps the standard deviation of the data
      shrinks from 0.5 to `stddev`, because the JSD of distributions that hardly overlap has a vanishing gradient;
    * narrow: Gaussians of three times the width of the data, each on a different, randomly drawn mode.

    Args:
      divergence: one of `DIVERGENCES`.
      centres, stddev: of the data's equally weighted Gaussians: `[modes, 2]`, and a number.
      components: number K of Gaussians of the model, at most the number of modes.
      seeds: int32 seeds of the starts and the samples.
      samples: number of points to draw from each fitted model.
      steps, batch, learning_rate: of Adam; the learning rate decays to 0 along a cosine.

    Returns:
      Points `[seeds, samples, 2]`, NumPy float32, and the mean divergence over the last tenth of the steps, nats, for
      the wide and the narrow start, `[2, seeds]`.

    Raises:
      InvalidInput: an unknown divergence (the message suggests the nearest name); more components than modes.

    Example:
      >>> points, nats = fit("KL(model || data)", [[-1.0, 0.0], [1.0, 0.0]], 0.1, 1, seeds=[0], samples=500)
    """
    check_known("divergence", divergence, DIVERGENCES)
    if components > len(centres):
        raise InvalidInput(f"components is {components}; give at most {len(centres)}, the number of modes")
    centres = np.asarray(centres, np.float32)
    rngs, shape = [np.random.default_rng(seed) for seed in seeds], (2 * len(seeds), components)
    mean = [SPREAD * rng.normal(size=(components, 2)) for rng in rngs]
    mean += [rng.permutation(centres)[:components] for rng in rngs]
    is_wide = tf.constant(np.repeat([1.0, 0.0], len(seeds)), tf.float32)
    width = is_wide * math.log(SPREAD) + (1 - is_wide) * math.log(3 * stddev)
    raw = tf.tile(tf.stack([width, width, 0 * width], 1)[:, None], [1, components, 1])
    variables = [tf.Variable(v) for v in (tf.constant(np.stack(mean), tf.float32), raw)]
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps))
    adam.build(variables)
    per_component = max(1, batch // components)

    def log_data(x, stddev):
        off = (x[..., None, :] - centres) / stddev[..., None, None]
        log_mixture = tf.reduce_logsumexp(-0.5 * tf.reduce_sum(off**2, -1), -1)
        return log_mixture - 2 * tf.math.log(stddev) - math.log(2 * math.pi * len(centres))

    def step(i):
        noise = [tf.stack([i, j]) for j in range(3)]
        now = stddev * (SPREAD / stddev) ** (is_wide * tf.maximum(0.0, 1.0 - 1.5 * tf.cast(i, tf.float32) / steps))
        picked = tf.random.stateless_uniform([batch, shape[0]], noise[0], 0, len(centres), tf.int32)
        x = tf.gather(centres, picked) + now[:, None] * tf.random.stateless_normal([batch, shape[0], 2], noise[1])
        with tf.GradientTape() as tape:
            model = Mixture(*variables)
            own = model.samples(tf.random.stateless_normal([per_component, *shape, 2], noise[2]))
            of_model = Mixture(*(v[:, None] for v in variables)).log_prob(own) - log_data(own, now[:, None])
            of_data = model.log_prob(x) - log_data(x, now)
            value = DIVERGENCES[divergence](
                lambda f: tf.reduce_mean(f(of_data), 0),
                lambda f: tf.reduce_mean(f(of_model), [0, 2]),
            )
            loss = tf.reduce_sum(value)  # starts share no parameters, and Adam treats each parameter separately
        adam.apply(tape.gradient(loss, variables), variables)
        return value

    @tf.function(jit_compile=True)
    def train():
        last = tf.zeros(shape[0])
        for i in tf.range(steps):
            value = step(i)
            last += tf.where(i >= steps - steps // 10, value, 0.0)
        return last / (steps // 10)

    nats = train().numpy().reshape(2, len(seeds))
    kept = nats.argmin(0) * len(seeds) + np.arange(len(seeds))
    return np.stack([_draw(variables, row, rng, samples) for row, rng in zip(kept, rngs, strict=True)]), nats


def _draw(variables, row, rng, samples):
    """Returns points drawn from one of the mixtures: `[samples, 2]`."""
    model = Mixture(*(v[row] for v in variables))
    components = len(model.mean)
    picked = rng.integers(components, size=samples)
    noise = tf.constant(rng.normal(size=[samples, components, 2]), tf.float32)
    return model.samples(noise).numpy()[np.arange(samples), picked]
