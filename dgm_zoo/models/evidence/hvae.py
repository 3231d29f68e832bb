"""The hierarchical variational auto-encoder: latents in groups, of bits or of normal values."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from dgm_zoo.core import recipes
from dgm_zoo.core.limiting import LimitingChain
from dgm_zoo.core.registry import register_model
from dgm_zoo.models.evidence.vae import VAE, bound
from dgm_zoo.networks.hierarchy import hierarchy


@recipes.makes("encoder", "decoder", "prior", "likelihood", "posterior")
def groups_of_values(*, image_shape: Sequence[int], groups: Any = (30, 100), group_values: str = "bits",
                     inference: str = "ladder", group_hidden: Any = (600, 600), network: Any = "dense",
                     hidden: Any = None, activation: Any = None,
                     likelihood: Any = "IndependentBernoulli") -> dict[str, Any]:
    """Networks and heads of a model whose latents are in groups.

    Args:
      group_values: "bits" or "normals".
      Everything else: see `networks.hierarchy`.
    """
    return hierarchy(
        image_shape, groups, inference, group_hidden, network, hidden, activation, likelihood, reparametrised=True,
        group_values=group_values,
    )


@register_model("hvae")
@keras.saving.register_keras_serializable("dgm_zoo")
class HierarchicalVAE(LimitingChain, VAE):
    """Hierarchical VAE: the VAE with z = (z_0, ..., z_T) in two or more groups of bits or of normal values.

        max_{theta, eta}  E_{p_data(x)} E_{q_eta(z|x)}  log p_theta(x, z) - log q_eta(z|x)

        p_theta(x, z) = p(z_0) p_theta(z_1|z_0) ... p_theta(z_T|z_T-1) p_theta(x|z)

        ladder   q_eta(z|x) = q(z_0|x) q(z_1|z_0, x) ... q(z_T|z_T-1, x)
        reverse  q_eta(z|x) = q(z_T|x) q(z_T-1|z_T) ... q(z_0|z_1)

    This evidence bound is estimated from one sample, and any other `bound` of `VAE` takes its place: with k samples it
    is the IWAE with several stochastic layers. In a ladder, q(z_t|z_t-1, x) is p_theta(z_t|z_t-1) combined with what
    the encoder says of z_t (see the posteriors), and both players also update the parameters that it shares with p.

    Of bits, p(z_0) is uniform, and the gradient passes through them by `distributions.straight_through`, a biased
    estimator. These are the networks of `HierarchicalSymmetricVAE`, whose authors compare it with this model. Of
    normals, p(z_0) = N(0, I), and the gradient is exact.

    `encode` returns the parameters of each group given the likeliest values of the groups drawn before it.

    Args:
      encoder: Keras model, x to the parameters of q(z|x), `[batch, *posterior.params_shape]`.
      decoder: Keras model, z `[batch, sum of the groups]` to the parameters of p(x|z). The decoder that `create` builds
        uses only z_T.
      prior: p(z), a `GroupedPrior` or `GroupedNormalPrior` of `dgm_zoo.distributions`.
      likelihood: the head of p(x|z).
      posterior: a `LadderPosterior` or `ReversePosterior`, `reparametrised=True`, for bits; for normals a
        `LadderNormalPosterior` or `ReverseNormalPosterior`.
      Everything else: see `VAE`.

    Raises:
      InvalidInput: as `VAE`; prior and posterior have other groups.

    Example:
      >>> model = dgm_zoo.create("hvae", image_shape=(28, 28, 1), groups="30,100", inference="reverse")
      >>> model.compile(keras.optimizers.Adam(1e-3))
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128, binarize="threshold"), epochs=10)

      The IWAE with two stochastic layers of 100 (next to x) and 50 values:

      >>> of_normals = {"groups": "50,100", "group_values": "normals", "group_hidden": "100,100"}
      >>> model = dgm_zoo.create("hvae", image_shape=(28, 28, 1), inference="reverse", k=50, **of_normals)

    References: Flach, Schlesinger and Shekhovtsov, Symmetric Equilibrium Learning of VAEs, 2024, and its code (bits).
      Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016, Eq. 1, 2 and 8 (normals, reverse).
      Sønderby et al., Ladder Variational Autoencoders, 2016 (normals, ladder).
    """

    formulation = replace(VAE.formulation, name="Hierarchical VAE", z="bits or normals in groups, z = (z_0, ..., z_T)")

    abilities = VAE.abilities | {"limiting_samples"}
    recipes = (groups_of_values, bound)
