"""The hierarchical symmetric variational auto-encoder."""

from dataclasses import replace
from typing import Any

import keras

from dgm_zoo.core import recipes
from dgm_zoo.core.formulation import Ascent
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions.groups import INFERENCE
from dgm_zoo.distributions.heads import Head
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.equilibrium.symvae import SymmetricVAE


@register_model("hsymvae")
@keras.saving.register_keras_serializable("dgm_zoo")
class HierarchicalSymmetricVAE(SymmetricVAE):
    """Hierarchical symmetric VAE: the symmetric VAE's game with bits z = (z_0, ..., z_T) in two or more groups.

        max_{theta}  E_{p_data(x)} E_{q_eta(z|x)}  log p_theta(x, z)
        max_{eta}    E_{p_theta(x, z)}             log q_eta(z|x)

        p_theta(x, z) = p(z_0) p_theta(z_1|z_0) ... p_theta(z_T|z_T-1) p_theta(x|z),      p(z_0) uniform

        ladder   q_eta(z|x) = q(z_0|x) q(z_1|z_0, x) ... q(z_T|z_T-1, x)
        reverse  q_eta(z|x) = q(z_T|x) q(z_T-1|z_T) ... q(z_0|z_1)

    In a ladder the logits of z_t, t > 0, are those of p_theta(z_t|z_t-1) plus the encoder's a_t(x). The parameters that
    the ladder shares with the decoder belong to theta: a step of eta treats them as constants. See `SymmetricVAE` for
    the game. z is one vector, the groups concatenated in order. `encode` returns the logits of each group given the
    likeliest values of the groups drawn before it, and `reconstruct` the mean of p(x|z) at these values.

    Args:
      encoder: Keras model, x to the parameters of q(z|x), `[batch, *posterior.params_shape]`.
      decoder: Keras model, z `[batch, bits]` to the parameters of p(x|z). The decoder that `create` builds uses only
        z_T, as in the authors' code.
      prior: p(z), a `networks.groups.GroupedPrior`.
      likelihood: the head of p(x|z).
      posterior: a `LadderPosterior` or a `ReversePosterior` over the same groups.
      latents, dream_weight, seed: see `SymmetricVAE`.

    Raises:
      InvalidInput: as `SymmetricVAE`; prior or posterior of another type, or with different groups.

    Example:
      >>> model = dgm_zoo.create("hsymvae", image_shape=(28, 28, 1), groups="30,100", inference="reverse")
      >>> model.compile(keras.optimizers.Adam(1e-3))
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128, binarize="threshold"), epochs=10)
      >>> model.encode(x)["logits"].shape   # x: [64, 28, 28, 1]
      (64, 130)

    References: Flach, Schlesinger and Shekhovtsov, Symmetric Equilibrium Learning of VAEs, 2024, and its code.
    """

    formulation = replace(
        SymmetricVAE.formulation,
        name="Hierarchical symmetric VAE",
        z="bits in groups, z = (z_0, ..., z_T)",
        p_x_given_y="p_θ(x|z_T) p_θ(z_T|z_T-1) ... p(z_0): decoder",
        q_z_given_xy="q_η(z|x): q(z_0|x) q(z_1|z_0,x) ..., a ladder that shares the decoder's logits",
        ascents=(
            SymmetricVAE.formulation.ascents[0],
            Ascent(
                ("eta",), "E_{p_θ(x,z)} log q_η(z|x)",
                reads=("prior",), carries=("theta", "eta"), stopped="dreams x, z",
            ),
        ),
    )

    def __init__(self, encoder: keras.Model, decoder: keras.Model, prior: Prior, *, likelihood: Head, posterior: Head,
                 **kwargs: Any) -> None:
        if not isinstance(posterior, tuple(INFERENCE.values())):
            raise InvalidInput(
                f"{type(prior).__name__} and {type(posterior).__name__} are not both over groups; give a GroupedPrior "
                "and a LadderPosterior or ReversePosterior"
            )
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)

    recipes = (recipes.with_fixed(recipes.bits_in_groups, num_classes=None, reparametrised=False),)
