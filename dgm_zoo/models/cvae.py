"""The conditional variational auto-encoder."""

import keras
import tensorflow as tf

from dgm_zoo.distributions import VampPrior
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.endpoints import Input
from dgm_zoo.models.registry import positive_int, register
from dgm_zoo.models.vae import VAE


@register("cvae")
@keras.saving.register_keras_serializable("dgm_zoo")
class CVAE(VAE):
    """Conditional variational auto-encoder: the VAE with every conditional also given the class c.

        max_{theta, eta}  E_{q_eta(z|x,c)} log p_theta(x|z,c) - KL(q_eta(z|x,c) || p(z))

    Training data are pairs (x, label); `sample`, `decode`, `encode`, `reconstruct` and `log_likelihood` take
    `label` too, and log p is that of x given c.

    Args:
      encoder: Keras model of `[x, c]`, c one-hot `[batch, num_classes]`.
      decoder: Keras model of `[z, c]`.
      num_classes: number of classes.
      Everything else: see `VAE`.

    Example:
      >>> model = dgm_zoo.create("cvae", image_shape=(28, 28, 1), num_classes=10)
      >>> model.sample(10, seed=0, label=list(range(10)))

    References: Sohn, Lee and Yan, Learning Structured Output Representation using Deep Conditional Generative
      Models, 2015. Hu et al., On Unifying Deep Generative Models, 2018, Table 3.
    """

    def __init__(self, encoder, decoder, prior=None, *, likelihood, num_classes, posterior=None, **kwargs):
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)
        self.num_classes = positive_int("num_classes", num_classes)
        if isinstance(self.prior, VampPrior):
            raise InvalidInput("CVAE takes no VampPrior, whose pseudo-inputs have no class; use a MixturePrior")

    @classmethod
    def create(cls, image_shape, num_classes, latent_dim=32, network="dense", hidden=None, activation=None,
               likelihood="IndependentBernoulli", prior="StandardNormal", posterior="IndependentNormal",
               beta=1.0, free_bits=0.0, seed=None):
        size = positive_int("num_classes", num_classes)
        return cls(
            **cls.parts(image_shape, latent_dim, network, hidden, activation, likelihood, prior, posterior, size),
            num_classes=size, beta=beta, free_bits=free_bits, seed=seed,
        )

    def condition(self, y):
        return (tf.one_hot(tf.cast(y, tf.int32), self.num_classes),)

    def takes(self):
        return {**super().takes(), "label": Input((), tf.int32, range=(0, self.num_classes - 1))}
