"""The adversary-activated conditional variational auto-encoder."""

import keras

from dgm_zoo.core import recipes
from dgm_zoo.core.registry import register_model
from dgm_zoo.models.evidence.activation import Activated, conditional_discriminator
from dgm_zoo.models.evidence.cvae import CVAE
from dgm_zoo.models.evidence.vae import bound


@register_model("aacvae")
@keras.saving.register_keras_serializable("dgm_zoo")
class AACVAE(Activated, CVAE):
    """Adversary-activated CVAE: the CVAE's bound L(x, c), weighed by a discriminator that sees the class c too.

        max_{theta, eta}  1/2 E_{p_data(x,c)} D(x,c) L(x,c) + 1/2 E_{p_theta0(x|c) p_data(c)} D(x,c) L(x,c)
        max_{phi}         E_{p_data(x,c)} log q_phi(y=1|x,c) + E_{p_theta0(x|c) p_data(c)} log q_phi(y=0|x,c),

    D(x,c) = q_phi(y=1|x,c). Each generated example has the class of a real example of its batch. See `Activated`.

    Args:
      discriminator: Keras model of `[x, c]`, c one-hot, to the logit of q(y=1|x,c), `[batch, 1]`.
      fakes, weighting: see `Activated`.
      Everything else: see `CVAE`.

    Example:
      >>> model = dgm_zoo.create("aacvae", image_shape=(28, 28, 1), num_classes=10)
      >>> model.sample(10, seed=0, label=list(range(10)))

    References: Hu et al., On Unifying Deep Generative Models, 2018, section 4.2, Eq. 17, Table 3.
    """

    conditional = True

    recipes = (recipes.conditional_autoencoder, conditional_discriminator, bound)
