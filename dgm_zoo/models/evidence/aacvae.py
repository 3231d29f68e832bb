"""The adversary-activated conditional variational auto-encoder."""

import keras

from dgm_zoo.checks import whole_number
from dgm_zoo.core.registry import register
from dgm_zoo.models.evidence.activation import Activated
from dgm_zoo.models.evidence.cvae import CVAE


@register("aacvae")
@keras.saving.register_keras_serializable("dgm_zoo")
class AACVAE(Activated, CVAE):
    """Adversary-activated CVAE: the CVAE's bound L(x, c), weighed by a discriminator that sees the class c too.

        max_{theta, eta}  1/2 E_{p_data(x,c)} D(x,c) L(x,c) + 1/2 E_{p_theta0(x|c) p_data(c)} D(x,c) L(x,c)
        max_{phi}         E_{p_data(x,c)} log q_phi(y=1|x,c) + E_{p_theta0(x|c) p_data(c)} log q_phi(y=0|x,c),

    D(x,c) = q_phi(y=1|x,c). A generated example has the class of a real one of its batch. See `Activated`.

    Args:
      discriminator: Keras model of `[x, c]`, c one-hot, to the logit of q(y=1|x,c), `[batch, 1]`.
      fakes: "sample" or "mean"; see `Activated`.
      Everything else: see `CVAE`.

    Example:
      >>> model = dgm_zoo.create("aacvae", image_shape=(28, 28, 1), num_classes=10)
      >>> model.sample(10, seed=0, label=list(range(10)))

    References: Hu et al., On Unifying Deep Generative Models, 2018, section 4.2, Eq. 17, Table 3.
    """

    conditional = True

    @classmethod
    def create(cls, image_shape, num_classes, latent_dim=32, network="dense", hidden=None, activation=None,
               discriminator_network="dense", discriminator_hidden=None, normalization=None, fakes="sample",
               likelihood="IndependentBernoulli", prior="StandardNormal", posterior="IndependentNormal",
               beta=1.0, free_bits=0.0, k=None, sleep=False, seed=None):
        """Builds the model with default networks; see `AAVAE.create`."""
        size = whole_number("num_classes", num_classes)
        return cls(
            **cls.parts(image_shape, latent_dim, network, hidden, activation, likelihood, prior, posterior, size),
            discriminator=cls.judge(discriminator_network, image_shape, discriminator_hidden, normalization, size),
            fakes=fakes, num_classes=size, beta=beta, free_bits=free_bits, k=k, sleep=sleep, seed=seed,
        )
