"""The generative adversarial network."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo import distributions
from dgm_zoo.checks import input_shape, layer_size, match, output_shape, value_range
from dgm_zoo.core import recipes
from dgm_zoo.core.critic import Saturation, check_critic, fixed
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.core.formulation import KL, Ascent, Edge, Formulation
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.core.registry import register_model
from dgm_zoo.core.rounds import Rounds
from dgm_zoo.distributions import StandardNormal
from dgm_zoo.distributions.heads import Noise
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.networks import generator_and_discriminator
from dgm_zoo.objectives import adversarial, energy_distance


@recipes.makes("generator", "discriminator", "prior", "objective", "data_range")
def adversaries(*, image_shape: Sequence[int], latent_dim: int = 32, network: str | None = None,
                hidden: Sequence[int] | None = None, normalization: str | None = None, units: int | None = None,
                prior: Any = "StandardNormal", objective: Any = "NonSaturating") -> dict[str, Any]:
    """Returns the generator, the discriminator, the prior, the objective and the data range.

    Args:
      image_shape: shape of x, of an image or of a vector such as (2,).
      latent_dim: size of z.
      network, hidden, normalization, units: see `networks.generator_and_discriminator`; with a gradient penalty the
        discriminator has no normalisation by default.
      prior: see `distributions.get`.
      objective: see `objectives.adversarial`.
    """
    return _adversaries(image_shape, latent_dim, network, hidden, normalization, units, prior, objective)


@recipes.makes("generator", "discriminator", "prior", "objective", "data_range")
def conditional_adversaries(*, image_shape: Sequence[int], num_classes: int, latent_dim: int = 32,
                            network: str | None = None, hidden: Sequence[int] | None = None,
                            normalization: str | None = None, units: int | None = None, prior: Any = "StandardNormal",
                            objective: Any = "NonSaturating") -> dict[str, Any]:
    """As `adversaries`, with both networks conditioned on a class."""
    size = layer_size("num_classes", num_classes)
    return _adversaries(image_shape, latent_dim, network, hidden, normalization, units, prior, objective, size)


def _adversaries(image_shape, latent_dim, network, hidden, normalization, units, prior, objective, condition_size=0):
    objective = adversarial(objective)
    normalization = normalization or ("none" if objective.gradient_penalty else None)
    latent_dim, image_shape = layer_size("latent_dim", latent_dim), tuple(image_shape)
    generator, discriminator = generator_and_discriminator(
        network, image_shape, latent_dim, hidden, normalization, condition_size, units
    )
    return {
        "generator": generator, "discriminator": discriminator, "objective": objective,
        "prior": distributions.get(prior, (latent_dim,)),
        "data_range": (0.0, 1.0) if len(image_shape) == 3 else None,
    }


class Adversaries(GenerativeModel):
    """Base class of models with a generator and a discriminator of x. It has no training step.

    Args:
      generator, discriminator, prior, objective, data_range: see `GAN`.
    """

    default_objective = "NonSaturating"

    def __init__(self, generator: keras.Model, discriminator: keras.Model, prior: Prior | None = None, *,
                 objective: Any = None, data_range: Sequence[float] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.generator, self.discriminator = generator, discriminator
        self.prior = fixed(StandardNormal(self.latent_shape()) if prior is None else prior, type(self))
        self.objective = adversarial(self.default_objective if objective is None else objective)
        self.data_range = value_range("data_range", data_range)
        self.logged = (*type(self).logged, *self.objective.logged)
        match("generator's input", self.latent_shape(), "prior's event", self.prior.event_shape)
        match("generator's output", output_shape(generator), "discriminator's input", self.x_shape)
        match("discriminator's output", output_shape(discriminator) or (1,), "logit", (1,))
        check_critic(self.objective, discriminator)

    @property
    def x_shape(self) -> tuple[int, ...]:
        return input_shape(self.discriminator)

    def latent_shape(self) -> tuple[int, ...]:
        return input_shape(self.generator)

    # ------------------------------------------------------------------------------------------ the two players

    def generate(self, z: tf.Tensor, *c: tf.Tensor) -> tf.Tensor:
        """G_theta(z): `[batch, *x_shape]`."""
        return tf.cast(self.generator([z, *c] if c else z), tf.float32)

    def logit(self, x: tf.Tensor, *c: tf.Tensor) -> tf.Tensor:
        """The logit of q_phi(y=1|x): `[batch]`."""
        return tf.reshape(tf.cast(self.discriminator([x, *c] if c else x), tf.float32), [-1])

    def watchers(self) -> list[keras.callbacks.Callback]:
        return [Saturation()] if self.objective.saturates else []

    # ------------------------------------------------------------------------------------------ use

    def decode(self, z: np.ndarray, label: Any = None) -> np.ndarray:
        """G(z) for latents z `[n, latent_dim]`: NumPy `[n, *x_shape]`."""
        return self.answer("decode", z=z, **({} if label is None else {"label": label}))["x"]

    def takes(self) -> dict[str, Input]:
        return {"x": Input(self.x_shape, range=self.data_range)}

    def endpoints(self) -> dict[str, Endpoint]:
        given = {name: wanted for name, wanted in self.takes().items() if name != "x"}

        def decode(z, label=None):
            return {"x": self.generate(z, *self.condition(label))}

        return {
            "sample": Endpoint(
                {"seed": SEED, **given}, lambda noise, label=None: decode(self.prior.draw(noise), label),
                self.prior.noise, "z ~ p(z), then x = G(z)",
            ),
            "decode": Endpoint({"z": Input(self.latent_shape()), **given}, decode, doc="x = G(z)"),
        }


@register_model("gan")
@keras.saving.register_keras_serializable("dgm_zoo")
class GAN(Rounds, Adversaries):
    """Generative adversarial network: q_phi(y|x) separates real (y = 1) from generated (y = 0); theta ascends q^r_phi.

        max_{phi}    E_{p_theta(x|y) p(y)}  log q_phi(y|x)
        max_{theta}  E_{p_theta(x|y) p(y)}  log q^r_phi(y|x),      q^r_phi(y|x) = q_phi(1 - y|x),

    where p_theta(x|y=0) is the distribution of x = G_theta(z), z ~ p(z), and p_theta(x|y=1) = p_data(x). A training
    step updates phi on the batch and as many generated examples, then updates theta on newly generated ones.

    The players' utilities oppose each other, so neither measures sample quality. `loss`, used for model selection, is
    the energy distance between the batch and as many samples.

    Args:
      generator: Keras model, z `[batch, latent_dim]` to x; its output range is that of the data.
      discriminator: Keras model, x to the logit of q(y=1|x), `[batch, 1]`.
      prior: p(z), a `distributions.Prior`, not trained; `StandardNormal` if None.
      objective: see `objectives.adversarial`; the class's `default_objective` if None.
      critic_steps: number of steps of phi per step of theta, on the same batch with fresh noise.
      data_range: closed range that data passed to `fit` must lie in; None to skip the check.

    Raises:
      InvalidInput: the shapes of two parts do not match (the message names both); a gradient penalty is combined with
        a discriminator that normalises over the batch; the prior needs an encoder.

    `fit` warns if the discriminator classifies 99 % of both the real and the generated examples correctly for a whole
    epoch.

    Example:
      >>> model = dgm_zoo.create("gan", image_shape=(28, 28, 1), latent_dim=64)
      >>> model.compile(keras.optimizers.Adam(2e-4, beta_1=0.5))
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128), epochs=20)
      >>> model.sample(64, seed=0).shape
      (64, 28, 28, 1)

    References:
      Goodfellow et al., Generative Adversarial Nets, 2014.
      Hu et al., On Unifying Deep Generative Models, 2018, Eq. 3 to 5.
    """

    players = {"theta": ("generator",), "phi": ("discriminator",)}
    logged = ("loss", "discriminator", "generator", "accuracy_real", "accuracy_fake")
    units = {
        "loss": "energy distance between examples and samples",
        **dict.fromkeys(["discriminator", "generator"], "utility of the objective, for that of a q(y|x) in nats"),
    }
    ascends = {"theta": "generator", "phi": "discriminator"}
    compares = ("loss",)
    call_endpoint = ("decode", "x")
    formulation = Formulation(
        name="GAN",
        x="data and generations", y="1 real, 0 generated", z="code",
        p_x_given_y="p_θ(x|y), implicit: p_data(x) for y=1; x = G_θ(z), z ~ p(z), for y=0",
        q_y_given_x="q_φ(y|x): discriminator",
        kl=(KL("p_θ(x|y)", "q^r(x|y)", "sleep", less="JSD(p_θ(x|y=0) ‖ p_θ(x|y=1))"),),
        remark="an equality of θ's gradients at the current θ0 (Lemma 1), q^r(x|y) ∝ q_φ^r(y|x) p_θ0(x); objectives "
               "with another function in the place of log q_φ have none",
        ascents=(
            Ascent(
                ("phi",), "E_{p_θ(x|y) p(y)} log q_φ(y|x)",
                reads=("data", "prior"), carries=("phi",), stopped="generated x",
            ),
            Ascent(("theta",), "E_{p_θ(x|y) p(y)} log q_φ^r(y|x)", reads=("prior",), carries=("theta", "phi")),
        ),
        edges=(
            Edge("z", "x", "p_θ(x|y)", implicit=True), Edge("y", "x"),
            Edge("x", "y", "q_φ^(r)(y|x)", adversarial=True),
        ),
    )
    recipes = (adversaries,)

    def phi_terms(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """The utility of phi on real and generated x, with its diagnostics; each `[batch]`."""
        z, mix = noise
        generated = tf.stop_gradient(self.generate(self.prior.draw(z), *c))
        return self.objective.contest(lambda some: self.logit(some, *c), x, generated, mix)

    def theta_terms(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """The utility of theta on generated x, and the energy distance to the real ones; each `[batch]`."""
        generated = self.generate(self.prior.draw(noise), *c)
        fake = self.logit(generated, *c)
        return {
            "generator": self.objective.generator(fake),
            "loss": energy_distance(x, generated),
            **self.objective.diagnostics(fake),
        }
