"""`SampledPrior`: a prior that can be sampled but has no density."""

import math
import reprlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.distributions.heads import Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.errors import InvalidInput


@keras.saving.register_keras_serializable("dgm_zoo")
def swiss_roll(position: tf.Tensor, normal: tf.Tensor) -> tf.Tensor:
    """A noisy spiral in the plane, 1.5 turns, outer radius 2: `[..., 2]`; `position` in [0, 1) runs from inside out."""
    angle = 1.5 * math.pi * (1.0 + 2.0 * position)
    radius = angle / (4.5 * math.pi) * 2.0
    return tf.stack([radius * tf.cos(angle), radius * tf.sin(angle)], -1) + 0.05 * normal


@keras.saving.register_keras_serializable("dgm_zoo")
class SampledPrior(Prior):
    """A prior that can be sampled but has no density: a pure function of noise, or a set of latents to pick from.

    It suits models that need only samples of p(z): the symmetric VAE, whose encoder learns from them, or the
    adversarial auto-encoder, which compares samples.

    Args:
      event_shape: shape of one event.
      sampler: a pure function (position, normal) that returns samples `[..., *event_shape]`, given `position` uniform
        on [0, 1), `[...]`, and standard normal noise `[..., *event_shape]`; or an array of latents
        `[N, *event_shape]`, from which `position` picks one with equal probability. The default is `swiss_roll`, for
        two dimensions. An array is stored as a weight that is not trained (uint8 stays uint8; eight booleans are
        packed into one byte) and is saved with the model. A function is saved by name, so it must be registered with
        `keras.saving.register_keras_serializable`.

    Raises:
      InvalidInput: a sampler that is neither, latents that are not finite, or samples of another shape; on saving, a
        function that is not registered.

    Example:
      >>> prior = SampledPrior((2,))
      >>> prior.draw(prior.noise(BatchNoise([0, 0], 500))).shape   # a Swiss roll
      TensorShape([500, 2])
      >>> SampledPrior((100,), masks)                              # masks: [60000, 100]
      >>> SampledPrior.of(dgm_zoo.from_preset("gan_mnist").sample, n=10_000, seed=0).event_shape
      (28, 28, 1)
    """

    has_density = False

    def __init__(self, event_shape: Sequence[int], sampler: Any = swiss_roll, **kwargs: Any) -> None:
        super().__init__(event_shape, **kwargs)
        sampler = keras.saving.deserialize_keras_object(sampler) if isinstance(sampler, dict) else sampler
        self.sampler, self.latents, self.packed = None, None, False
        if callable(sampler):
            self.sampler = sampler
            shape = self._drawn_shape()
        else:
            array = _array(sampler)
            self.latents, shape = self._kept(array), array.shape[1:]
        if shape != self.event_shape:
            raise InvalidInput(
                f"the sampler of SampledPrior does not return samples of shape {self.event_shape}; change event_shape "
                "or the sampler"
            )

    @classmethod
    def of(cls, draw: Callable, n: int = 10_000, seed: int = 0, **kwargs: Any) -> "SampledPrior":
        """Returns a prior that picks from `n` latents, drawn once by `draw(n, seed=seed)`, `[n, *event_shape]`.

        Args:
          draw: a function such as the method `sample` of another model or preset.
          n: number of latents.
          seed: int32.

        Raises:
          InvalidInput: `draw` does not return an array of n samples.
        """
        latents = np.asarray(draw(n, seed=seed))
        if latents.ndim < 2 or len(latents) != n:
            raise InvalidInput(f"draw({n}) must return an array of shape [{n}, ...], got {list(latents.shape)}")
        return cls(latents.shape[1:], latents, **kwargs)

    def _drawn_shape(self):
        """Returns the shape of one sample; None if the function does not map the noise of one event to one sample."""
        try:
            rows, *shape = self.sampler(*self.noise(BatchNoise([0, 0], 1))).shape
        except (AttributeError, TypeError, ValueError, tf.errors.InvalidArgumentError):
            return None
        return tuple(shape) if rows == 1 else None

    def _kept(self, array):
        """Returns the variable that stores the latents."""
        self.packed = array.dtype == np.bool_
        if self.packed:
            array = np.packbits(array.reshape(len(array), -1), -1, bitorder="little")
        dtype = "uint8" if array.dtype == np.uint8 else "float32"
        kept = self.add_weight(shape=array.shape, initializer="zeros", dtype=dtype, trainable=False, name="latents")
        kept.assign(array.astype(dtype))
        return kept

    def distribution(self, posterior: Callable | None = None) -> tfd.Distribution:
        raise InvalidInput("SampledPrior has no density; use a model that only needs samples, such as SymmetricVAE")

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        position = rng.uniform((), samples)
        return (position,) if self.sampler is None else (position, rng.normal(self.event_shape, samples))

    def draw(self, noise: Noise, posterior: Callable | None = None) -> tf.Tensor:
        if self.sampler is not None:
            return self.sampler(*noise)
        (position,) = noise
        rows = self.latents.shape[0]
        row = tf.minimum(tf.cast(position * rows, tf.int32), rows - 1)
        latents = tf.gather(tf.convert_to_tensor(self.latents), row)
        if self.packed:
            latents = self._unpacked(latents)
        return tf.cast(latents, tf.float32)

    def _unpacked(self, latents):
        """Unpacks bytes to bits: `[..., bytes]` to `[..., *event_shape]`."""
        shape = tf.shape(latents)[:-1]
        bits = tf.bitwise.right_shift(latents[..., None], np.arange(8, dtype="uint8")) & 1
        flat = tf.reshape(bits, tf.concat([shape, [-1]], 0))[..., : math.prod(self.event_shape)]
        return tf.reshape(flat, tf.concat([shape, self.event_shape], 0))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.sampler is None:
            dtype = "bool" if self.packed else self.latents.dtype
            return {**config, "sampler": {"rows": self.latents.shape[0], "dtype": dtype}}
        name = keras.saving.get_registered_name(self.sampler)
        if keras.saving.get_registered_object(name) is not self.sampler:
            raise InvalidInput(
                f"the sampler '{getattr(self.sampler, '__name__', self.sampler)}' of SampledPrior cannot be saved; "
                "register it with keras.saving.register_keras_serializable, or give an array of samples"
            )
        return {**config, "sampler": keras.saving.serialize_keras_object(self.sampler)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SampledPrior":
        """Returns the prior of a config; latents to pick from are zeros until the weights are loaded."""
        kept = config["sampler"]
        if "rows" in kept:
            config = {**config, "sampler": np.zeros((kept["rows"], *config["event_shape"]), kept["dtype"])}
        return cls(**config)


def _array(latents):
    """Returns latents as a NumPy array of numbers that is not empty."""
    try:
        array = np.asarray(latents)
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.dtype.kind not in "fiub" or array.ndim == 0 or not len(array):
        what = f"of {array.dtype} {list(array.shape)}" if array.ndim else f"{reprlib.repr(latents)}"
        raise InvalidInput(
            f"sampler {what} of SampledPrior must be a function, such as swiss_roll, or an array of latents"
        )
    if not np.isfinite(array).all():
        raise InvalidInput("the latents of SampledPrior hold NaN or infinity; remove them")
    return array


def with_bits(prior: Prior, user: str, samples: int = 1000) -> Prior:
    """Returns `prior`; raises `InvalidInput` if any of some samples has a value besides 0 and 1, as `user` needs."""
    z = np.asarray(prior.draw(prior.noise(BatchNoise([0, 0], samples))))
    other = z[(z != 0) & (z != 1)]
    if len(other):
        raise InvalidInput(
            f"{type(prior).__name__} gives {other[0]:g}, but {user} takes only 0 and 1; give a prior over such values"
        )
    return prior
