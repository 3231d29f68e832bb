"""The segmentation VAE: a symmetric VAE whose latents are a mask of the image and noise."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo import distributions
from dgm_zoo.checks import input_shape, layer_size, real_array
from dgm_zoo.core import recipes
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions import IndependentBernoulli, row_seeds
from dgm_zoo.distributions.heads import Head, Noise
from dgm_zoo.distributions.masks import MaskAndNoise, uniform_bits
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.equilibrium.symvae import UNIFORM_BITS, SymmetricVAE
from dgm_zoo.networks.masks import mask_decoder, mask_encoder


@recipes.makes("encoder", "decoder", "prior", "likelihood")
def networks(*, image_shape: Sequence[int], masks: np.ndarray | None = None, noise_bits: int = 32,
             filters: Sequence[int] = (16, 32, 64), likelihood: Any = "IndependentLogistic") -> dict[str, Any]:
    """Returns the networks of `networks.masks`, the prior and the likelihood.

    Args:
      masks: samples of p(m), `[N, height, width, 1]`, zeros and ones; None for uniform bits.
      noise_bits: number of bits of w.
      filters: channels of both networks, at full, half and quarter image size.
    """
    noise_bits, image_shape = layer_size("noise_bits", noise_bits), tuple(image_shape)
    encoder, likelihood = mask_encoder(image_shape, noise_bits, filters), distributions.get(likelihood, image_shape)
    decoder = mask_decoder(likelihood.params_shape, noise_bits, filters)
    if masks is None:
        prior = distributions.get(UNIFORM_BITS, input_shape(decoder))
    else:
        prior = MaskAndNoise(_flat(masks, (*image_shape[:2], 1)), noise_bits)
    return {"encoder": encoder, "decoder": decoder, "prior": prior, "likelihood": likelihood}


@register_model("segvae")
@keras.saving.register_keras_serializable("dgm_zoo")
class SegmentationVAE(SymmetricVAE):
    """Segmentation VAE: the symmetric VAE's game with latents z = (m, w), m a mask of the image and w uniform bits.

        max_{theta}  E_{p_data(x) q_eta(m,w|x)} log p_theta(x|m,w)  +  E_{p_data(x,m) q_eta(w|x)} log p_theta(x|m,w)
        max_{eta}    E_{p(m) p(w) p_theta(x|m,w)} log q_eta(m,w|x)  +  E_{p_data(x,m)} log q_eta(m|x)

    q(m|x) segments x, and p(x|m) = E_{p(w)} p(x|m,w) renders a mask. p(m) is known only through samples, such as those
    of another model, so the ELBO cannot be evaluated. Training data are x, or pairs (x, m) with the mask as a vector
    `[batch, height * width]` in row-major order, all -1 if x has no mask: typically some hundred pairs, and images
    without masks. The bits w represent what the mask does not determine, such as colours and textures. w is never
    observed: q(w|x) infers it for pairs too, and theta then learns from w ~ q(w|x). See `SymmetricVAE` for the game.

    Args:
      encoder: Keras model, x `[batch, height, width, channels]` to the logits of m, then of w, `[batch, bits]`.
      decoder: Keras model, z = (m, w), `[batch, bits]`, to the parameters of p(x|z).
      prior: p(z), a `networks.masks.MaskAndNoise`; uniform bits, for m too, if None.
      likelihood: the head of p(x|z), over images.
      posterior: `IndependentBernoulli` with more bits than the image has pixels.
      latents, dream_weight, seed: see `SymmetricVAE`. dream_weight 0 trains the encoder on pairs only.

    Raises:
      InvalidInput: as `SymmetricVAE`; x is not an image, or z has no bits besides the mask.

    Example:
      >>> masks = dgm_zoo.from_preset("gan_mnist").sample(10_000, seed=0) > 0.5
      >>> model = dgm_zoo.create("segvae", image_shape=(28, 28, 3), masks=masks)
      >>> model.compile(keras.optimizers.Adam(1e-3))
      >>> model.fit(dgm_zoo.data.load("textured_digits", "train", 50, pairs=300, labelled_rows=20), epochs=20)
      >>> model.segment(x)["mask"].shape, model.render(masks[:5], seed=0).shape   # x: [64, 28, 28, 3]
      ((64, 28, 28, 1), (5, 28, 28, 3))

    References: Flach, Schlesinger and Shekhovtsov, Symmetric Equilibrium Learning of VAEs, 2024; the networks, the
      noise w and the data are from this package.
    """

    formulation = replace(
        SymmetricVAE.formulation,
        name="Segmentation VAE",
        z="a mask m of the image, known for some x, and noise bits w",
        remark="a game, as the symmetric VAE; pairs add E_{p_data(x,m) q_η(w|x)} log p_θ(x|m,w) to what θ ascends and "
        "E_{p_data(x,m)} log q_η(m|x) to what η does; p(m) may be known by its samples only",
    )

    recipes = (networks,)
    small = {"noise_bits": 3, "filters": [4, 8, 8]}

    def __init__(self, encoder: keras.Model, decoder: keras.Model, prior: Prior | None = None, *, likelihood: Head,
                 posterior: Head | None = None, **kwargs: Any) -> None:
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)
        if len(likelihood.event_shape) != 3 or not isinstance(self.posterior, IndependentBernoulli):
            raise InvalidInput(
                f"{type(self).__name__} infers bits of images, not {type(self.posterior).__name__} of "
                f"{likelihood.event_shape}; give IndependentBernoulli, of (height, width, channels)"
            )
        self.mask_shape = (*likelihood.event_shape[:2], 1)
        self.mask_head = IndependentBernoulli((int(np.prod(self.mask_shape)),))
        self.noise_bits = self.posterior.params_size - self.mask_head.params_size
        if self.noise_bits < 1:
            raise InvalidInput(
                f"z has {self.posterior.params_size} bits, and the mask takes {self.mask_head.params_size} of them; "
                "give z more bits"
            )

    # ------------------------------------------------------------------------------------------ pairs

    @property
    def given_shape(self) -> tuple[int, ...]:
        return self.mask_head.event_shape

    def completed(self, given: tf.Tensor, z: tf.Tensor, q: tfd.Distribution, noise: Noise) -> tf.Tensor:
        return tf.concat([given, z[:, self.mask_head.params_size :]], -1)

    def log_q_given(self, q: tfd.Distribution, given: tf.Tensor) -> tf.Tensor:
        return self.q_mask(q).log_prob(given)

    def q_mask(self, q: tfd.Distribution) -> tfd.Distribution:
        """q(m|x), the marginal of q(m, w|x)."""
        return self.mask_head(q.distribution.logits[:, : self.mask_head.params_size])

    # ------------------------------------------------------------------------------------------ use

    def segment(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """q(m|x): a dict of NumPy arrays `[n, height, width, 1]`, `probabilities` and the likeliest `mask`."""
        return self.answer("segment", x=x)

    def render(self, z: np.ndarray, seed: int = 0) -> np.ndarray:
        """Images of given masks: NumPy `[n, height, width, channels]`, the mean of p(x|m, w) for w ~ p(w).

        Args:
          z: masks m, `[n, height, width, 1]`, zeros and ones.
          seed: int32; the noise of the first rows is the same for every n.

        Raises:
          InvalidInput: the masks have another shape or other values, or the seed is not an int32.

        Example:
          >>> model.render(model.segment(x)["mask"], seed=0)   # x in other colours
        """
        rows = len(z) if isinstance(z, (list, tuple)) or hasattr(z, "__len__") and np.ndim(z) else 1
        return self.answer("render", z=z, seed=row_seeds(seed, rows))["x"]

    def endpoints(self) -> dict[str, Endpoint]:
        mask = Input(self.mask_shape, range=(0.0, 1.0), binary=True)

        def segment(x):
            logits = self.q_mask(self.q_z(x)).distribution.logits
            logits = tf.reshape(logits, [-1, *self.mask_shape])
            return {"probabilities": tf.sigmoid(logits), "mask": tf.cast(logits > 0.0, tf.float32)}

        def render(z, noise):
            flat = tf.reshape(z, [-1, self.mask_head.params_size])
            return {"x": self.p_x(tf.concat([flat, uniform_bits(noise)], -1)).mean()}

        return {
            **super().endpoints(),
            "segment": Endpoint({"x": self.takes()["x"]}, segment, doc="q(mask|x), and its likeliest mask"),
            "render": Endpoint(
                {"z": mask, "seed": SEED}, render, lambda rng: rng.uniform((self.noise_bits,)),
                "the mean of p(x|mask, w) for w ~ p(w)",
            ),
        }


def _flat(masks, shape):
    """Masks `[N, *shape]` as vectors."""
    masks = real_array("masks", masks)
    if masks.shape[1:] != shape or not len(masks):
        raise InvalidInput(f"masks have shape {list(masks.shape)}; give [N, {', '.join(map(str, shape))}]")
    return masks.reshape(len(masks), -1)
