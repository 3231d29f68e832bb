"""The importance-weighted conditional generative adversarial network."""

import keras

from dgm_zoo.core import recipes
from dgm_zoo.core.registry import register_model
from dgm_zoo.models.adversarial.cgan import CGAN
from dgm_zoo.models.adversarial.gan import conditional_adversaries
from dgm_zoo.models.adversarial.iwgan import importance_weighted


@register_model("iwcgan")
@keras.saving.register_keras_serializable("dgm_zoo")
class IWCGAN(CGAN):
    """Importance-weighted CGAN: the CGAN with a weight on each generated example in theta's utility.

        max_{theta}  E_{z_1..z_k ~ p(z)}  sum_i w~_i log q^r_phi(y=0|x_i, c_i),   x_i = G_theta(z_i, c_i),
        w~_i  proportional to  exp(logit_i) of q_phi(y=1|x_i, c_i), without gradient.

    The weights are normalised over the batch, across classes; the paper does not say whether to normalise over the
    batch or within each class.

    Args:
      See `CGAN`.

    References: Hu et al., On Unifying Deep Generative Models, 2018, section 4.1, Eq. 16 and Table 2.
    """

    default_objective = "ImportanceWeighted"
    recipes = (recipes.with_defaults(conditional_adversaries, objective="ImportanceWeighted"),)
    formulation = importance_weighted(CGAN.formulation, "x_i,c_i")
