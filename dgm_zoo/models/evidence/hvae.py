"""The hierarchical variational auto-encoder of bits in groups."""

from dataclasses import replace

import keras

from dgm_zoo.core import recipes
from dgm_zoo.core.limiting import LimitingChain
from dgm_zoo.core.registry import register
from dgm_zoo.models.evidence.vae import VAE, bound


@register("hvae")
@keras.saving.register_keras_serializable("dgm_zoo")
class HierarchicalVAE(LimitingChain, VAE):
    """Hierarchical VAE: the VAE with bits z = (z_0, ..., z_T) in two or more groups, and the networks of `hsymvae`.

        max_{theta, eta}  E_{p_data(x)} E_{q_eta(z|x)}  log p_theta(x, z) - log q_eta(z|x)

    This evidence bound is estimated from one sample. Its gradient passes through bits by
    `distributions.straight_through`, a biased estimator. Prior and encoder are those of `HierarchicalSymmetricVAE`,
    "ladder" or "reverse"; here both players also update the parameters that a ladder shares. The authors of symmetric
    learning compare it with this model.

    Args:
      encoder, decoder, prior, likelihood: see `HierarchicalSymmetricVAE`.
      posterior: a `networks.groups.LadderPosterior` or `ReversePosterior`, `reparametrised=True`.
      Everything else: see `VAE`.

    Example:
      >>> model = dgm_zoo.create("hvae", image_shape=(28, 28, 1), groups="30,100", inference="reverse")
      >>> model.compile(keras.optimizers.Adam(1e-3))
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128, binarize="threshold"), epochs=10)

    References: Flach, Schlesinger and Shekhovtsov, Symmetric Equilibrium Learning of VAEs, 2024, and its code.
    """

    formulation = replace(VAE.formulation, name="Hierarchical VAE", z="bits in groups, z = (z_0, ..., z_T)")

    abilities = VAE.abilities | {"limiting_samples"}
    recipes = (recipes.with_fixed(recipes.bits_in_groups, num_classes=None, reparametrised=True), bound)
