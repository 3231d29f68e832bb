"""The adversary-activated variational auto-encoder."""

import keras

from dgm_zoo.core import recipes
from dgm_zoo.core.registry import register_model
from dgm_zoo.models.evidence.activation import Activated, discriminator
from dgm_zoo.models.evidence.vae import VAE, bound


@register_model("aavae")
@keras.saving.register_keras_serializable("dgm_zoo")
class AAVAE(Activated, VAE):
    """Adversary-activated VAE: the VAE's bound L(x), weighed by a discriminator, on real and on generated x.

        max_{theta, eta}  1/2 E_{p_data(x)} D(x) L(x) + 1/2 E_{p_theta0(x)} D(x) L(x),       D(x) = q_phi(y=1|x)
        max_{phi}         E_{p_data(x)} log q_phi(y=1|x) + E_{p_theta0(x)} log q_phi(y=0|x)

    With a perfect discriminator it equals the VAE (Hu et al., Lemma 2). `Activated` describes the method.

    Args:
      discriminator: Keras model, x to the logit of q(y=1|x), `[batch, 1]`.
      fakes, weighting: see `Activated`.
      Everything else: see `VAE`.

    Example:
      >>> model = dgm_zoo.create("aavae", image_shape=(28, 28, 1), latent_dim=32)
      >>> model.compile(optimizer="adam")
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128, binarize="stochastic"), epochs=10)

    References: Hu et al., On Unifying Deep Generative Models, 2018, section 4.2, Eq. 17.
    """

    recipes = (recipes.autoencoder, discriminator, bound)
