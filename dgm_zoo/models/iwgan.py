"""The importance weighted generative adversarial network."""

import keras

from dgm_zoo.models.gan import GAN
from dgm_zoo.models.registry import register


@register("iwgan")
@keras.saving.register_keras_serializable("dgm_zoo")
class IWGAN(GAN):
    """Importance weighted GAN: the GAN, with each generated example weighted in theta's utility.

        max_{theta}  E_{z_1..z_k ~ p(z)}  sum_i w~_i log q^r_phi(y=0|G_theta(z_i)),
        w~_i  proportional to  q^r_phi(y=0|x_i) / q_phi(y=0|x_i) = exp(logit_i), held constant,

    where k is the batch of one replica; phi ascends what it ascends in the GAN, max_{phi} E log q_phi(y|x). `ess` is
    the effective number of the k samples: near 1, one of them is all that theta learns from.

    Args:
      See `GAN`. Other models are importance weighted by the same objective, "ImportanceWeighted".

    Example:
      >>> model = dgm_zoo.create("iwgan", image_shape=(28, 28, 1), latent_dim=64)

    References: Hu et al., On Unifying Deep Generative Models, 2018, section 4.1, Eq. 15 and 16.
    """

    default_objective = "ImportanceWeighted"
