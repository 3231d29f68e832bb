"""Adversary activation: extends a model with an evidence bound to learn from its own samples as well."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_networks, input_shape, match, output_shape
from dgm_zoo.core import recipes
from dgm_zoo.core.formulation import ABSENT, SOURCES, Ascent, Edge
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.distributions import BatchNoise, IndependentBernoulli, Prior
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.networks import generator_and_discriminator
from dgm_zoo.objectives import activated, log_q, realness, weight_of_fakes

PERFECT = 0.99  # D is perfect if its epoch mean is above this on real, and below 1 - this on generated examples
FAKES = ("sample", "mean")
WEIGHTINGS = ("discriminator", "constant")


@recipes.makes("discriminator")
def discriminator(*, image_shape: Sequence[int], discriminator_network: str = "dense", discriminator_hidden: Any = None,
                  normalization: str | None = None) -> dict[str, keras.Model]:
    """The discriminator of x.

    Args:
      discriminator_network, discriminator_hidden, normalization: see `networks.generator_and_discriminator`.
    """
    return _discriminator(image_shape, discriminator_network, discriminator_hidden, normalization)


@recipes.makes("discriminator")
def conditional_discriminator(*, image_shape: Sequence[int], num_classes: int, discriminator_network: str = "dense",
                              discriminator_hidden: Any = None,
                              normalization: str | None = None) -> dict[str, keras.Model]:
    """The discriminator of x and its class; see `discriminator`."""
    return _discriminator(image_shape, discriminator_network, discriminator_hidden, normalization, num_classes)


def _discriminator(image_shape, network, hidden, normalization, condition_size=0):
    return {
        "discriminator": generator_and_discriminator(
            network, image_shape, 1, hidden, normalization, condition_size
        )[1]
    }


class Activated(GenerativeModel):
    """Mixin before a model that maximises an evidence bound L: adds a discriminator phi, whose output weights L.

        max_{theta, eta}  1/2 E_{p_data(x)} D(x) L(x) + 1/2 E_{p_theta0(x)} D(x) L(x),       D(x) = q_phi(y=1|x)
        max_{phi}         E_{p_data(x)} log q_phi(y=1|x) + E_{p_theta0(x)} log q_phi(y=0|x)

    Every step draws as many examples x from the model, z ~ p(z) and x ~ p(x|z), as the batch has. D(x) and those x are
    held constant, so every example, generated or real, is weighted by how real the discriminator finds it. All players
    move at once. Evaluation, `loss` and the base's terms use L without weights, on real examples only.

    `class AAVAE(Activated, VAE)` needs no further code: players, logs and config combine those of the base and of phi.

    Args:
      discriminator: Keras model, x to the logit of q(y=1|x), `[batch, 1]`; of `[x, c]` if the class is `conditional`.
      fakes: the generated x: "sample", drawn from p(x|z), or "mean", its mean. They must have the same kind of pixels
        as the data, or the discriminator separates them trivially: "sample" for binary data, or for grey levels under
        a head that draws them; "mean" for grey levels under `IndependentBernoulli`.
      weighting: the weight D(x) of an example: "discriminator", or "constant" for 1/2 everywhere. With "constant" phi
        is trained without affecting the bound; comparing the two separates the effect of the weights from that of
        learning from generated examples.

    Also logged: `discriminator`, phi's utility in nats; `q_real` and `q_fake`, the mean of D on real and on
    generated examples; `weight_fake`, the generated examples' share of the total weight.

    Raises:
      InvalidInput: the discriminator's shapes do not fit (names both); unknown fakes or weighting; or, at `fit`,
        fakes of another kind than the data.

    `fit` warns after an epoch in which D averaged above 0.99 on real and below 0.01 on generated examples: training
    then equals that of the base, unless the weighting is constant.

    Example:
      >>> class AAIWAE(Activated, IWAE): pass
      >>> AAIWAE(**IWAE.parts(...), discriminator=networks.dense_discriminator((28, 28, 1)))

    References: Hu et al., On Unifying Deep Generative Models, 2018, section 4.2.
    """

    conditional = False  # whether the discriminator also takes the base's condition

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.players = {**cls.players, "phi": ("discriminator",)}
        cls.ascends = {**dict.fromkeys(cls.ascends, "activated"), "phi": "discriminator"}
        cls.units = {**cls.units, "q_real": "mean of q(y=1|x)", "q_fake": "mean of q(y=1|x)",
                     "weight_fake": "share of weight"}
        if "phi" not in cls.formulation.players:
            cls.formulation = _activated(cls.formulation, cls.conditional)

    def __init__(self, encoder: keras.Model, decoder: keras.Model, prior: Prior | None = None, *,
                 discriminator: keras.Model, fakes: str = "sample", weighting: str = "discriminator",
                 **kwargs: Any) -> None:
        super().__init__(encoder, decoder, prior, **kwargs)
        self.discriminator, self.fakes, self.weighting = discriminator, fakes, weighting
        self.logged = (*self.logged, "discriminator", "q_real", "q_fake", "weight_fake")
        check_known("fakes", fakes, FAKES)
        check_known("weighting", weighting, WEIGHTINGS)
        match("discriminator's input", input_shape(discriminator), "likelihood's event", self.likelihood.event_shape)
        wanted = (self.num_classes,) if self.conditional else ()
        match("discriminator's condition", input_shape(discriminator, 1), "model's", wanted)
        check_networks(2 if self.conditional else 1, discriminator=discriminator)
        match("discriminator's output", output_shape(discriminator) or (1,), "logit", (1,))

    # ------------------------------------------------------------------------------------------ the discriminator

    def logit(self, x: tf.Tensor, c: tuple) -> tf.Tensor:
        """The logit of q_phi(y=1|x): `[batch]`."""
        return tf.reshape(tf.cast(self.discriminator([x, *c] if self.conditional else x), tf.float32), [-1])

    def generated(self, c: tuple, noise: Any) -> tuple[tf.Tensor, tuple]:
        """Generated x, one per row of the batch, held constant, and their conditions: here, the batch's."""
        return self.drawn(noise, *c), c

    def drawn(self, noise: Any, *c: tf.Tensor) -> tf.Tensor:
        """z ~ p(z), then x according to `fakes`, held constant: `[batch, ...]`."""
        for_prior, for_x = noise
        p = self.p_x(self.prior.draw(for_prior, self.q_z), *c)
        return tf.stop_gradient(p.mean() if self.fakes == "mean" else self.likelihood.sample(p, for_x))

    # ------------------------------------------------------------------------------------------ training

    def noise(self, rng: BatchNoise) -> tuple:
        """The noise of one step: for the batch's bound (as in the base), for the generated x, and for their bound."""
        of_real = super().noise(rng)
        for_x = self.likelihood.noise(rng) if self.fakes == "sample" else ()
        return of_real, (self.prior.noise(rng), for_x), super().noise(rng)

    def terms(self, x: tf.Tensor, c: tuple, noise: Any) -> dict[str, tf.Tensor]:
        """The base's terms on x, the players' utilities, and statistics of the discriminator."""
        of_real, for_fakes, of_fake = noise
        fake, c_fake = self.generated(c, for_fakes)
        terms, bound_of_fake = super().terms(x, c, of_real), super().terms(fake, c_fake, of_fake)["objective"]
        logits = self.logit(x, c), self.logit(fake, c_fake)
        weighing = [tf.zeros_like(one) for one in logits] if self.weighting == "constant" else logits
        return {
            **terms,
            "activated": activated(terms["objective"], bound_of_fake, *weighing),
            "discriminator": log_q(logits[0], 1) + log_q(logits[1], 0),
            "q_real": realness(logits[0]),
            "q_fake": realness(logits[1]),
            "weight_fake": weight_of_fakes(*weighing),
        }

    def watchers(self) -> list[keras.callbacks.Callback]:
        return [*super().watchers(), *([PerfectDiscriminator()] if self.weighting == "discriminator" else [])]

    def check_examples(self, where: str, x: Any, y: Any) -> None:
        if not isinstance(self.likelihood, IndependentBernoulli):
            return
        bits = bool(np.isin(x, (0, 1)).all())
        if bits == (self.fakes == "mean"):
            data, fakes = ("zeros and ones", "means") if bits else ("grey levels", "zeros and ones")
            fix = "give fakes='sample'" if bits else "give fakes='mean', or binarize the data"
            raise InvalidInput(
                f"{where}: the data are {data}, but generated examples {fakes}, so a discriminator "
                f"separates them trivially; {fix}"
            )


def _activated(base, conditional):
    """The formulation of a base with its perfect discriminator q_* replaced by a trained one, q_phi."""
    given, labels = ("x,c", ("labels",)) if conditional else ("x", ())
    weighed = f"½ E_{{p_data(x)}} D L + ½ E_{{p_θ0(x)}} D L, D = q_φ^r(y=0|{given}) and L = "
    edges = tuple(replace(one, of=f"q_φ^(r)(y|{given})") if one.degenerate else one for one in base.edges)
    remark = "L of real and of generated x, each by how real it looks"
    return replace(
        base,
        name=f"AA-{base.name}",
        y="1 real, 0 generated",
        q_y_given_x=f"q_φ(y|{given}): discriminator",
        kl=tuple(replace(one, left=one.left.replace("q_*^r(y|x)", f"q_φ^r(y|{given})")) for one in base.kl),
        remark=remark if base.remark == ABSENT else f"{remark}; {base.remark}",
        ascents=(
            *(replace(one, utility=weighed + one.utility, stopped="D, generated x",
                      reads=tuple(source for source in SOURCES if source in (*one.reads, "prior")))
              for one in base.ascents),
            Ascent(
                ("phi",), f"E_{{p_θ(x|y) p(y)}} log q_φ(y|{given})",
                reads=("data", *labels, "prior"), carries=("phi",), stopped="generated x",
            ),
        ),
        edges=(*edges, Edge("c", "y", adversarial=True)) if conditional else edges,
    )


class PerfectDiscriminator(keras.callbacks.Callback):
    """Warns after an epoch in which the discriminator was perfect, so that its weights had no effect."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        real, fake = logs["q_real"], logs["q_fake"]
        if real > PERFECT and fake < 1 - PERFECT:
            warnings.warn(
                f"the discriminator was perfect in epoch {epoch + 1}: its mean q(y=1|x) was {real:.4f} on real and "
                f"{fake:.4f} on generated examples, so {type(self.model).__name__} trained as if it had none; lower "
                "phi's learning rate, or make its network smaller",
                stacklevel=2,
            )
