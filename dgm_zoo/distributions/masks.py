"""The prior of latents z = (mask, w), a mask of the image and noise.

The first height x width values of z are the mask, row by row. w, a vector of bits, describes everything else in x.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.distributions.heads import Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.distributions.sampled import SampledPrior, with_bits
from dgm_zoo.errors import InvalidInput


@keras.saving.register_keras_serializable("dgm_zoo")
class MaskAndNoise(Prior):
    """p(z) = p(mask) p(w), with a p(mask) that can only be sampled and uniform bits w.

    Args:
      masks: array of masks, `[N, height * width]`, zeros and ones; or a `SampledPrior` of such vectors.
      noise_bits: number of bits of w.

    Raises:
      InvalidInput: masks with other values or another shape, or noise_bits below 1.

    Example:
      >>> prior = MaskAndNoise(np.eye(784, dtype="uint8"), noise_bits=16)
      >>> prior.draw(prior.noise(BatchNoise([0, 0], 64))).shape
      TensorShape([64, 800])
    """

    binary, has_density = True, False
    range = (0.0, 1.0)

    def __init__(self, masks: Any, noise_bits: int, **kwargs: Any) -> None:
        masks = keras.saving.deserialize_keras_object(masks) if isinstance(masks, dict) else masks
        if not isinstance(masks, SampledPrior):
            masks = _sampled(masks)
        elif len(masks.event_shape) != 1:
            raise InvalidInput(f"masks have shape {masks.event_shape}; give vectors, (height * width,)")
        masks = with_bits(masks, type(self).__name__)
        noise_bits = self.whole("noise_bits", noise_bits)
        super().__init__((masks.event_shape[0] + noise_bits,), **kwargs)
        self.masks, self.noise_bits = masks, noise_bits

    def distribution(self, posterior: Callable | None = None) -> tfd.Distribution:
        return self.masks.distribution()  # raises: masks can only be sampled

    def noise(self, rng: BatchNoise, samples: int | None = None) -> Noise:
        return self.masks.noise(rng, samples), rng.uniform((self.noise_bits,), samples)

    def draw(self, noise: Noise, posterior: Callable | None = None) -> tf.Tensor:
        of_mask, uniform = noise
        return tf.concat([self.masks.draw(of_mask), uniform_bits(uniform)], -1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["event_shape"]
        return {**config, "masks": keras.saving.serialize_keras_object(self.masks), "noise_bits": self.noise_bits}


def uniform_bits(uniform: tf.Tensor) -> tf.Tensor:
    """Returns bits that are 1 with probability 1/2, for noise uniform on [0, 1): float32, the shape of `uniform`."""
    return tf.cast(uniform < 0.5, tf.float32)


def _sampled(masks):
    masks = np.asarray(masks)
    if masks.ndim != 2:
        raise InvalidInput(f"masks have shape {list(masks.shape)}; give vectors of zeros and ones, [N, height * width]")
    if not np.isin(masks, (0, 1)).all():
        raise InvalidInput(f"masks have values from {masks.min():g} to {masks.max():g}; give zeros and ones")
    return SampledPrior(masks.shape[1:], masks.astype(bool))
