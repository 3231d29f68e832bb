"""The adversary-activated semi-supervised variational auto-encoder."""

from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.core import recipes
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions import BatchNoise
from dgm_zoo.distributions.heads import pick
from dgm_zoo.models.evidence.activation import Activated, discriminator
from dgm_zoo.models.evidence.svae import SVAE, classifier
from dgm_zoo.models.evidence.vae import bound


@register_model("aasvae")
@keras.saving.register_keras_serializable("dgm_zoo")
class AASVAE(Activated, SVAE):
    """Adversary-activated SVAE: what M2 ascends, with its classifier's term, weighed by a discriminator of x.

        max_{theta, eta}  1/2 E_{p_data(x)} D(x) J(x) + 1/2 E_{p_theta0(x)} D(x) U(x),       D(x) = q_phi(y=1|x)
        max_{phi}         E_{p_data(x)} log q_phi(y=1|x) + E_{p_theta0(x)} log q_phi(y=0|x),

    where J is L or U, plus the classifier's term for a labelled x, as in `SVAE`. A generated x is drawn with c ~ p(c)
    and z ~ p(z), and is treated as unlabelled; the paper does not specify this. See `Activated`.

    Args:
      discriminator: Keras model, x to the logit of q(y=1|x), `[batch, 1]`.
      fakes, weighting: see `Activated`.
      Everything else: see `SVAE`.

    Example:
      >>> model = dgm_zoo.create("aasvae", image_shape=(28, 28, 1), num_classes=10, latent_dim=50)
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 100, labels=True, labelled_fraction=0.01,
      ...                             binarize="stochastic"), epochs=20)

    References: Hu et al., On Unifying Deep Generative Models, 2018, section 4.2, Eq. 17, Tables 2 and 3.
    """

    recipes = (recipes.conditional_autoencoder, classifier, discriminator, bound)

    def noise(self, rng: BatchNoise) -> tuple:
        of_real, for_fakes, of_fake = super().noise(rng)
        return of_real, (rng.uniform(()), for_fakes), of_fake

    def generated(self, c: tuple, noise: Any) -> tuple[tf.Tensor, tuple]:
        (label, *others), (uniform, noise) = c, noise
        c = tf.one_hot(pick(self.log_p_c(), uniform), self.num_classes)
        return self.drawn(noise, c), (tf.fill(tf.shape(label), -1), *others)
