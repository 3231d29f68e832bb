"""The importance-weighted generative adversarial network."""

from dataclasses import replace

import keras

from dgm_zoo.core import recipes
from dgm_zoo.core.formulation import Formulation
from dgm_zoo.core.registry import register_model
from dgm_zoo.models.adversarial.gan import GAN, adversaries


def importance_weighted(formulation: Formulation, given: str) -> Formulation:
    """Returns the formulation with theta's utility weighted; `given` names what q_phi(y|.) conditions on, indexed."""
    phi, theta = formulation.ascents
    utility = f"E_{{z_1..z_k ~ p(z)}} Σ_i w̃_i log q_φ^r(y=0|{given}), w̃_i ∝ q_φ^r(y=0|{given}) / q_φ(y=0|{given})"
    return replace(
        formulation,
        name=f"IW{formulation.name}",
        remark="a bound of log q(y) from k samples (Eq. 15, 16), tighter than the base's; its KL is that of k=1",
        ascents=(phi, replace(theta, utility=utility, stopped="weights w̃_i")),
    )


@register_model("iwgan")
@keras.saving.register_keras_serializable("dgm_zoo")
class IWGAN(GAN):
    """Importance-weighted GAN: the GAN with a weight on each generated example in theta's utility.

        max_{theta}  E_{z_1..z_k ~ p(z)}  sum_i w~_i log q^r_phi(y=0|G_theta(z_i)),
        w~_i  proportional to  q^r_phi(y=0|x_i) / q_phi(y=0|x_i) = exp(logit_i), without gradient,

    where k is the batch size of one replica; phi has the same utility as in the GAN, max_{phi} E log q_phi(y|x). `ess`
    is the effective sample size, between 1 and k: near 1, theta learns from a single sample only.

    Args:
      See `GAN`. Other models use importance weights through the same objective, "ImportanceWeighted".

    Example:
      >>> model = dgm_zoo.create("iwgan", image_shape=(28, 28, 1), latent_dim=64)

    References: Hu et al., On Unifying Deep Generative Models, 2018, section 4.1, Eq. 15 and 16.
    """

    default_objective = "ImportanceWeighted"
    recipes = (recipes.with_defaults(adversaries, objective="ImportanceWeighted"),)
    formulation = importance_weighted(GAN.formulation, "x_i")
