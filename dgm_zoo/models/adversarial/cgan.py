"""The conditional generative adversarial network."""

from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import input_shape, layer_size, match
from dgm_zoo.core.endpoints import Input
from dgm_zoo.core.formulation import KL, Ascent, Edge
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.models.adversarial.gan import GAN, conditional_adversaries


@register_model("cgan")
@keras.saving.register_keras_serializable("dgm_zoo")
class CGAN(GAN):
    """Conditional GAN: the GAN with every distribution also conditioned on the class c.

        max_{phi}    E_{p_theta(x|y,c) p(y)}  log q_phi(y|x,c)
        max_{theta}  E_{p_theta(x|y,c) p(y)}  log q^r_phi(y|x,c)

    Training data are pairs (x, label); generated examples use the labels of the real examples in the batch. `sample`
    and `decode` take `label` too.

    Args:
      generator: Keras model of `[z, c]`, c one-hot `[batch, num_classes]`; the default one receives c at every layer.
      discriminator: Keras model of `[x, c]`, to which the same applies.
      num_classes: number of classes.
      Everything else: see `GAN`.

    Example:
      >>> model = dgm_zoo.create("cgan", image_shape=(28, 28, 1), num_classes=10, latent_dim=64)
      >>> model.sample(10, seed=0, label=list(range(10)))

    References: Mirza and Osindero, Conditional Generative Adversarial Nets, 2014. Hu et al., On Unifying Deep
      Generative Models, 2018, Table 2.
    """

    formulation = replace(
        GAN.formulation,
        name="CGAN",
        c="class, given",
        p_x_given_y="p_θ(x|y,c), implicit: p_data(x|c) for y=1; x = G_θ(z,c), z ~ p(z), for y=0",
        q_y_given_x="q_φ(y|x,c): discriminator",
        kl=(KL("p_θ(x|y,c)", "q^r(x|y,c)", "sleep", less="JSD(p_θ(x|y=0,c) ‖ p_θ(x|y=1,c))"),),
        ascents=(
            Ascent(
                ("phi",), "E_{p_θ(x|y,c) p(y)} log q_φ(y|x,c)",
                reads=("data", "labels", "prior"), carries=("phi",), stopped="generated x",
            ),
            Ascent(
                ("theta",), "E_{p_θ(x|y,c) p(y)} log q_φ^r(y|x,c)",
                reads=("labels", "prior"), carries=("theta", "phi"),
            ),
        ),
        edges=(
            Edge("z", "x", "p_θ(x|y,c)", implicit=True), Edge("y", "x"), Edge("c", "x"),
            Edge("x", "y", "q_φ^(r)(y|x,c)", adversarial=True), Edge("c", "y", adversarial=True),
        ),
    )

    recipes = (conditional_adversaries,)

    def __init__(self, generator: keras.Model, discriminator: keras.Model, prior: Prior | None = None, *,
                 num_classes: int, **kwargs: Any) -> None:
        super().__init__(generator, discriminator, prior, **kwargs)
        self.num_classes = layer_size("num_classes", num_classes)
        for name, network in (("generator", generator), ("discriminator", discriminator)):
            match(f"{name}'s condition", input_shape(network, 1), "one-hot class", (self.num_classes,))

    def condition(self, y: Any) -> tuple:
        return (tf.one_hot(tf.cast(y, tf.int32), self.num_classes),)

    def takes(self) -> dict[str, Input]:
        return {**super().takes(), "label": Input((), tf.int32, range=(0, self.num_classes - 1))}
