"""The variational auto-encoder with a learned similarity."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo import distributions
from dgm_zoo.checks import input_shape, match, nonnegative, output_shape
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.critic import with_features
from dgm_zoo.core.endpoints import Endpoint
from dgm_zoo.core.formulation import KL, Ascent, Edge
from dgm_zoo.core.registry import register_model
from dgm_zoo.core.steps import over_replicas
from dgm_zoo.distributions import IndependentNormal
from dgm_zoo.distributions.divergences import kl
from dgm_zoo.distributions.heads import Head, Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.distributions.roles import check_values
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.adversarial.gan import GAN, Adversaries, adversaries
from dgm_zoo.networks import encoder_and_decoder
from dgm_zoo.objectives import NonSaturating, energy_distance, log_q


@recipes.makes("encoder", "posterior")
def encoder(*, image_shape: Sequence[int], latent_dim: int = 32, network: str | None = None,
            encoder_hidden: Sequence[int] | None = None, posterior: Any = "IndependentNormal") -> dict[str, Any]:
    """Returns the encoder and the head of q(z|x).

    Args:
      encoder_hidden: widths or channels of the encoder; see `networks.encoder_and_decoder`.
      Everything else: see `adversaries`.
    """
    posterior = distributions.get(posterior, (latent_dim,))
    network = ("conv" if len(image_shape) == 3 else "dense") if network is None else network
    one, _ = encoder_and_decoder(
        network, image_shape, latent_dim, posterior.params_shape, tuple(image_shape), encoder_hidden, "relu"
    )
    return {"encoder": one, "posterior": posterior}


@register_model("vaegan")
@keras.saving.register_keras_serializable("dgm_zoo")
class VAEGAN(Adversaries):
    """VAE/GAN: a VAE whose decoder is the generator of a GAN, with a likelihood in the discriminator's feature space.

        max_{eta}    E_{q_eta(z|x)} log p(f(x)|z) - KL(q_eta(z|x) || p(z))
        max_{theta}  gamma E_{q_eta(z|x)} log p(f(x)|z) + E_{p_theta(x|y=0)} log q^r_phi(y=0|x)
        max_{phi}    E_{p_theta(x|y) p(y)} log q_phi(y|x),

    where f is the discriminator up to `layer`, p(f(x)|z) = N(f(G_theta(z)), I) without its constant, and one half of
    the generated x are G_theta(z) with z ~ p(z), the other half with z ~ q_eta(z|x). One forward pass gives three
    separate gradients: eta has no adversarial term, and phi no likelihood term, although f is part of phi.

    Equilibrium: phi pauses in a step if the mean of -log q_phi over the batch, on all replicas, is below
    `equilibrium` - `margin` on real or on generated x; theta pauses if it is above `equilibrium` + `margin` on either;
    if both would pause, both move. A paused player's gradient is 0; with momentum its variables still change.

    Args:
      encoder: Keras model, x to the parameters of q(z|x), `[batch, *posterior.params_shape]`.
      generator: Keras model, z `[batch, latent_dim]` to x; its output range is that of the data.
      discriminator: Keras model, x to the logit of q(y=1|x), `[batch, 1]`, with a layer named `layer`.
      prior: p(z), not trained; `StandardNormal` if None.
      posterior: the head of q(z|x); `IndependentNormal` if None.
      gamma: weight of the feature likelihood in theta's utility, at least 0; the likelihood is a sum over all features.
      layer: name of the discriminator layer whose output is f(x).
      equilibrium, margin: nats; see above. No player pauses if margin is None.
      objective: "NonSaturating", "ImportanceWeighted" or "Saturating", which share one q_phi.
      data_range, seed: see `GAN`.

    Raises:
      InvalidInput: shapes do not match, the discriminator has no such layer, the posterior's samples carry no
        gradient, or the objective has no q_phi.

    Example:
      >>> model = dgm_zoo.create("vaegan", image_shape=(28, 28, 1), latent_dim=64)
      >>> model.compile(keras.optimizers.RMSprop(1e-4))
      >>> model.reconstruct(x).shape == x.shape
      True

    References: Larsen et al., Autoencoding beyond pixels using a learned similarity metric, 2016, Algorithm 1 and
      section 3.
    """

    players = {"theta": ("generator",), "phi": ("discriminator",), "eta": ("encoder", "posterior")}
    units = GAN.units
    logged = (*GAN.logged, "encoder", "likelihood", "kl", "mse", "phi_moves", "theta_moves")
    ascends = {"theta": "generator", "phi": "discriminator", "eta": "encoder"}
    compares = ("loss",)
    formulation = replace(
        GAN.formulation,
        name="VAE/GAN",
        q_z_given_xy="q_η(z|x): encoder",
        kl=(KL("q_η(z|x,y) q_*^r(y|x)", "p_θ(z,y|f(x))", "wake"), *GAN.formulation.kl),
        remark="the VAE's KL for θ and η, with a likelihood of the discriminator's features f(x), and the GAN's for θ",
        ascents=(
            Ascent(
                ("eta",), "E_{q_η(z|x)} log p(f(x)|z) − KL(q_η(z|x) ‖ p(z))",
                reads=("data", "posterior"), carries=("theta", "phi", "eta"),
            ),
            Ascent(
                ("theta",), "gamma E_{q_η(z|x)} log p(f(x)|z) + E_{p_θ(x|y=0)} log q_φ^r(y=0|x)",
                reads=("data", "prior", "posterior"), carries=("theta", "phi", "eta"),
            ),
            Ascent(
                ("phi",), "E_{p_θ(x|y) p(y)} log q_φ(y|x)",
                reads=("data", "prior", "posterior"), carries=("theta", "phi", "eta"),
            ),
        ),
        edges=(*GAN.formulation.edges, Edge("x", "z", "q_η(z|x)")),
    )

    recipes = (adversaries, encoder)
    gamma = Coefficient()

    def __init__(self, encoder: keras.Model, generator: keras.Model, discriminator: keras.Model,
                 prior: Prior | None = None, *, posterior: Head | None = None, gamma: Any = 1e-3,
                 layer: str = "features", equilibrium: float = 0.68, margin: float | None = 0.35,
                 objective: Any = None, data_range: Sequence[float] | None = None, **kwargs: Any) -> None:
        super().__init__(generator, discriminator, prior, objective=objective, data_range=data_range, **kwargs)
        latent = self.latent_shape()
        self.encoder, self.layer = encoder, layer
        self.posterior = IndependentNormal(latent) if posterior is None else posterior
        self.features = with_features(discriminator, layer)
        self.gamma, self.equilibrium = gamma, nonnegative("equilibrium", equilibrium)
        self.margin = None if margin is None else nonnegative("margin", margin)
        match("encoder's input", input_shape(encoder), "discriminator's input", self.x_shape)
        match("encoder's output", output_shape(encoder), "posterior's parameters", self.posterior.params_shape)
        match("generator's input", latent, "posterior's event", self.posterior.event_shape)
        check_values(self.prior, self.posterior)
        if not self.posterior.reparametrised:
            raise InvalidInput(
                f"VAEGAN cannot train through samples of {type(self.posterior).__name__}, which carry no gradient; "
                "give a posterior such as IndependentNormal"
            )
        if not isinstance(self.objective, NonSaturating):
            raise InvalidInput(
                f"the logits of {type(self.objective).__name__} are not those of a q(y|x), which VAEGAN needs; give "
                "'NonSaturating'"
            )

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> "VAEGAN":
        # Version 0.1 also saved the GAN's critic_steps.
        return super().from_config({k: v for k, v in config.items() if k != "critic_steps"}, custom_objects)

    def q_z(self, x: tf.Tensor) -> tfd.Distribution:
        """q_eta(z|x): batch shape `[batch]`, event shape `[latent_dim]`."""
        return self.posterior(self.encoder(x))

    def discriminate(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The logit of q_phi(y=1|x), `[batch]`, and the features f(x), `[batch, ...]`."""
        logit, features = self.features(x)
        return tf.reshape(tf.cast(logit, tf.float32), [-1]), tf.cast(features, tf.float32)

    def moves(self, of_real: tf.Tensor, of_fake: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Whether phi and theta move in a step: two booleans.

        Args:
          of_real, of_fake: means of -log q_phi over the real and the generated examples, nats.
        """
        if self.margin is None:
            return tf.constant(True), tf.constant(True)
        losses = tf.stack([of_real, of_fake])
        phi = tf.reduce_all(losses >= self.equilibrium - self.margin)
        theta = tf.reduce_all(losses <= self.equilibrium + self.margin)
        neither = ~(phi | theta)
        return phi | neither, theta | neither

    def decided(self, terms: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """`moves` for the terms of a step, averaged over all replicas: a dict of player to boolean."""
        means = over_replicas("mean", [terms["loss_real"], terms["loss_fake"]])
        return dict(zip(("phi", "theta"), self.moves(*means), strict=True))

    def terms(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """The utility of each player and its terms, each `[batch]`, and the scalars that decide which players move."""
        for_posterior, for_prior = noise
        q = self.q_z(x)
        z = self.posterior.sample(q, for_posterior)
        reconstructed, sampled = self.generate(z), self.generate(self.prior.draw(for_prior))
        (real, wanted), (of_q, found), (of_p, _) = map(self.discriminate, (x, reconstructed, sampled))
        likelihood = -0.5 * tf.reduce_sum((wanted - found) ** 2, list(range(1, found.shape.rank)))
        divergence = kl(q, self.prior.distribution(), z)
        fakes = (of_p, of_q)
        accuracies = [self.objective.accuracies(real, fake) for fake in fakes]
        discriminator = sum(self.objective.discriminator(real, fake) for fake in fakes) / 2.0
        generator = self.now("gamma") * likelihood + sum(self.objective.generator(fake) for fake in fakes) / 2.0
        return {
            "encoder": likelihood - divergence,
            "generator": generator,
            "discriminator": discriminator,
            "likelihood": likelihood,
            "kl": divergence,
            "mse": tf.reduce_mean((x - reconstructed) ** 2, list(range(1, x.shape.rank))),
            "loss": energy_distance(x, sampled),
            "loss_real": -tf.reduce_mean(log_q(real, 1)),
            "loss_fake": -tf.reduce_mean(log_q(tf.stack(fakes), 0)),
            **{name: (accuracies[0][name] + accuracies[1][name]) / 2.0 for name in accuracies[0]},
            **self.objective.diagnostics(of_p),
        }

    def noise(self, rng: BatchNoise) -> Noise:
        """The noise of one training step: for q(z|x) and for p(z)."""
        return self.posterior.noise(rng), self.prior.noise(rng)

    def play(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """Takes one training step of all three players from one forward pass; returns the terms."""
        terms = self.ascend(self.terms, x, c, noise, moves=self.decided, **self.ascends)
        return {**terms, **self.who_moves(terms)}

    def who_moves(self, terms: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The logged values of `decided`: 1 if the player moves, else 0."""
        return {f"{player}_moves": tf.cast(move, tf.float32) for player, move in self.decided(terms).items()}

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        return self.log(**self.play(x, c, self.noise(self.rng(x))))

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        terms = self.jitted(self.terms)(x, c, self.noise(self.rng(x, training=False)))
        return self.log(**terms, **self.who_moves(terms))

    def encode(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """The parameters of q(z|x): a dict of NumPy arrays, `mean` and `stddev` `[n, latent_dim]`."""
        return self.answer("encode", x=x)

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """G(z) at the mean of q(z|x): NumPy, the shape of x."""
        return self.answer("reconstruct", x=x)["x"]

    def _reconstruct(self, x):
        return {"x": self.generate(self.posterior.code(self.q_z(x)))}

    def endpoints(self) -> dict[str, Endpoint]:
        return {
            **super().endpoints(),
            "encode": Endpoint(
                self.takes(), lambda x: self.posterior.moments(self.q_z(x)), doc="the parameters of q(z|x)"
            ),
            "reconstruct": Endpoint(self.takes(), self._reconstruct, doc="x = G(z) at the mean of q(z|x)"),
        }
