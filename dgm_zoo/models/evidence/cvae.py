"""The conditional variational auto-encoder."""

from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import check_networks, layer_size
from dgm_zoo.core import recipes
from dgm_zoo.core.endpoints import Input
from dgm_zoo.core.formulation import KL, Ascent, Edge
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions import Head, Prior, VampPrior
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.evidence.vae import VAE, bound


@register_model("cvae")
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

    formulation = replace(
        VAE.formulation,
        name="CVAE",
        c="class, given",
        p_x_given_y="p_θ(x|z,y,c): decoder p_θ(x|z,c) for y=0, p_data(x|c) for y=1",
        q_z_given_xy="q_η(z|x,y,c): encoder q_η(z|x,c) for y=0",
        kl=(KL("q_η(z|x,y,c) q_*^r(y|x)", "p_θ(z,y|x,c)", "wake"),),
        ascents=(
            Ascent(
                ("theta", "eta"), "E_{q_η(z|x,c)} log p_θ(x|z,c) − KL(q_η(z|x,c) ‖ p(z))",
                reads=("data", "labels", "posterior"), carries=("theta", "eta"),
            ),
        ),
        edges=(
            Edge("z", "x", "p_θ(x|z,y,c)"), Edge("y", "x"), Edge("c", "x"),
            Edge("x", "y", "q_*^(r)(y|x)", adversarial=True), Edge("x", "z", "q_η(z|x,y,c)"), Edge("c", "z"),
        ),
    )

    recipes = (recipes.conditional_autoencoder, bound)

    def __init__(self, encoder: keras.Model, decoder: keras.Model, prior: Prior | None = None, *, likelihood: Head,
                 num_classes: int, posterior: Head | None = None, **kwargs: Any) -> None:
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)
        self.num_classes = layer_size("num_classes", num_classes)
        check_networks(2, encoder=encoder, decoder=decoder)
        refuse_vamp(self)

    def condition(self, y: Any) -> tuple[tf.Tensor]:
        return (tf.one_hot(tf.cast(y, tf.int32), self.num_classes),)

    def takes(self) -> dict[str, Input]:
        return {**super().takes(), "label": Input((), tf.int32, range=(0, self.num_classes - 1))}


def refuse_vamp(model: VAE) -> None:
    """Raises `InvalidInput` for a `VampPrior` in a model whose posterior is conditioned on a class."""
    if isinstance(model.prior, VampPrior):
        raise InvalidInput(
            f"{type(model).__name__} takes no VampPrior, whose pseudo-inputs have no class; use a MixturePrior"
        )
