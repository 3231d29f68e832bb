"""The adversarial auto-encoder."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.checks import input_shape, match, output_shape, whole_number
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.critic import Saturation, check_critic, fixed
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.core.formulation import KL, Ascent, Edge, Formulation
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions import Deterministic, MixturePrior, SampledPrior, StandardNormal
from dgm_zoo.distributions.heads import Head, Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.distributions.roles import check_scored
from dgm_zoo.errors import InvalidInput
from dgm_zoo.networks import dense_discriminator
from dgm_zoo.objectives import adversarial, energy_distance

MARGIN = 1e-5  # distance that positions keep from both ends of a class's share of the prior


@recipes.makes("encoder", "decoder", "discriminator", "prior", "likelihood", "posterior")
def networks(*, image_shape: Sequence[int], latent_dim: int = 32, network: str = "dense",
             hidden: Sequence[int] | None = None, activation: str | None = None,
             discriminator_hidden: Sequence[int] = (128, 128), normalization: str = "none",
             likelihood: Any = "IndependentBernoulli", prior: Any = "StandardNormal", posterior: Any = "Deterministic",
             classes: int | None = None) -> dict[str, Any]:
    """Returns the encoder, the decoder, the discriminator of codes, and the heads.

    Args:
      discriminator_hidden, normalization: of the discriminator; see `networks.dense_discriminator`.
      Everything else: see the class and `core.recipes.autoencoder`.
    """
    parts = recipes.autoencoder(
        image_shape=image_shape, latent_dim=latent_dim, network=network, hidden=hidden, activation=activation,
        likelihood=likelihood, prior=prior, posterior=posterior,
    )
    size = 0 if classes is None else whole_number("classes", classes) + 1
    return {**parts, "discriminator": dense_discriminator((latent_dim,), discriminator_hidden, normalization, size)}


@register_model("aae")
@keras.saving.register_keras_serializable("dgm_zoo")
class AAE(GenerativeModel):
    """Adversarial auto-encoder: InfoGAN with x and z exchanged. The discriminator separates codes from prior samples.

        max_{phi}         E_{p_eta(z|y) p(y)}  log q_phi(y|z)
        max_{theta, eta}  E_{p_eta(z|y) p(y)}  log p_theta(x|z) + weight log q^r_phi(y|z),

    where p(z|y=1) is the prior, p_eta(z|y=0) the aggregate posterior, i.e. the marginal over z of q(z|x) p_data(x), and
    log p_theta(x|z) enters for y = 0 only. The model is a VAE in which the adversary replaces KL(q(z|x) || p(z)), so
    p(z) need not have a density.

    Args:
      encoder: Keras model, x `[batch, ...]` to the parameters of q(z|x), `[batch, *posterior.params_shape]`.
      decoder: Keras model, z `[batch, latent_dim]` to the parameters of p(x|z), `[batch, *likelihood.params_shape]`.
      discriminator: Keras model, z to the logit of q(y=1|z), `[batch, 1]`; of `[z, c]` with `classes`.
      prior: p(z), a `distributions.Prior`, not trained; `StandardNormal` if None.
      likelihood: the head of p(x|z).
      posterior: the head of q(z|x); `Deterministic` if None.
      objective: see `objectives.adversarial`; "ImportanceWeighted" normalises its weights over the codes of a batch.
      weight: weight of the reversed term, added to log p(x|z); at least 0.
      classes: number of classes n. If given, training data are pairs (x, label), and the regularisation is conditioned
        on the label: the discriminator also receives the one-hot label, and prior samples for a label come from the
        share [label / n, (label + 1) / n) of the prior: one component of a `MixturePrior` of n, or one stretch of a
        Swiss roll. Label -1 means unlabelled: the code is compared with the full prior, under an extra class.

    Raises:
      InvalidInput: the shapes of two networks or heads do not match (the message names both); the posterior's samples
        carry no gradient; `classes` is given, but the prior cannot be split by class.

    Example:
      >>> model = dgm_zoo.create("aae", image_shape=(28, 28, 1), latent_dim=2, prior="SampledPrior", classes=10)
      >>> model.compile(keras.optimizers.Adam(1e-3, beta_1=0.5))
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128, labels=True), epochs=20)

    References:
      Makhzani et al., Adversarial Autoencoders, 2016. Hu et al., On Unifying Deep Generative Models, 2018, Eq. 9, with
      x and z exchanged.
    """

    players = {"theta": ("decoder", "likelihood"), "eta": ("encoder", "posterior"), "phi": ("discriminator",)}
    logged = ("loss", "reconstruction", "mse", "discriminator", "encoder", "distance", "accuracy_real", "accuracy_fake")
    ascends = {"theta": "objective", "eta": "objective", "phi": "discriminator"}
    compares = ("distance",)
    formulation = Formulation(
        name="AAE",
        y="1 of the prior, 0 of the data's codes", z="code",
        p_x_given_y="p_η(z|y), implicit: p(z) for y=1; z ~ q_η(z|x), x ~ p_data(x), for y=0",
        q_y_given_x="q_φ(y|z): discriminator",
        q_z_given_xy="p_θ(x|z): decoder, of y=0",
        kl=(KL("p_η(z|y)", "q^r(z|x,y)", "sleep", less="JSD(p_η(z|y=0) ‖ p_η(z|y=1))"),),
        remark="InfoGAN with x and z exchanged: an equality of η's gradients, q^r(z|x,y) ∝ p_θ(x|z) q_φ^r(y|z) p_η0(z)",
        ascents=(
            Ascent(
                ("phi",), "E_{p_η(z|y) p(y)} log q_φ(y|z)",
                reads=("data", "prior", "posterior"), carries=("phi",), stopped="codes of the data",
            ),
            Ascent(
                ("theta", "eta"), "E_{p_η(z|y) p(y)} log p_θ(x|z) + weight log q_φ^r(y|z)",
                reads=("data", "posterior"), carries=("theta", "phi", "eta"),
            ),
        ),
        edges=(
            Edge("x", "z", "p_η(z|y)", implicit=True), Edge("y", "z"),
            Edge("z", "y", "q_φ^(r)(y|z)", adversarial=True), Edge("z", "x", "p_θ(x|z)"),
        ),
    )

    abilities = frozenset({"prior_samples"})
    recipes = (networks,)
    weight = Coefficient()

    def __init__(self, encoder: keras.Model, decoder: keras.Model, discriminator: keras.Model,
                 prior: Prior | None = None, *, likelihood: Head, posterior: Head | None = None,
                 objective: Any = "NonSaturating", weight: Any = 1.0, classes: int | None = None,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        latent = input_shape(decoder)
        self.encoder, self.decoder, self.discriminator = encoder, decoder, discriminator
        self.prior = fixed(StandardNormal(latent) if prior is None else prior, type(self))
        self.posterior = Deterministic(latent) if posterior is None else posterior
        self.likelihood, self.objective = likelihood, adversarial(objective)
        self.weight = weight
        self.classes = None if classes is None else whole_number("classes", classes)
        self.logged = (*type(self).logged, *self.objective.logged)
        check_scored(type(self), likelihood)
        match("encoder's input", input_shape(encoder), "likelihood's event", likelihood.event_shape)
        match("encoder's output", output_shape(encoder), "posterior's parameters", self.posterior.params_shape)
        match("decoder's input", latent, "posterior's event", self.posterior.event_shape)
        match("decoder's input", latent, "prior's event", self.prior.event_shape)
        match("decoder's input", latent, "discriminator's input", input_shape(discriminator))
        match("decoder's output", output_shape(decoder), "likelihood's parameters", likelihood.params_shape)
        match("discriminator's output", output_shape(discriminator) or (1,), "logit", (1,))
        if not self.posterior.reparametrised:
            raise InvalidInput(
                f"AAE cannot train through samples of {type(self.posterior).__name__}, which carry no gradient; give a "
                "posterior such as Deterministic or IndependentNormal"
            )
        if self.classes and not isinstance(self.prior, (MixturePrior, SampledPrior)):
            raise InvalidInput(
                f"{type(self.prior).__name__} cannot be split into {classes} classes; give a MixturePrior, a "
                "SampledPrior, or no classes"
            )
        check_critic(self.objective, discriminator)

    # ------------------------------------------------------------------------------------------ the players

    @property
    def num_classes(self) -> int | None:
        """Number of classes whose labels `sample` accepts; None if it takes no labels."""
        return self.classes

    def q_z(self, x: tf.Tensor) -> tfd.Distribution:
        """q_eta(z|x): batch shape `[batch]`, event shape `[latent_dim]`."""
        return self.posterior(self.encoder(x))

    def p_x(self, z: tf.Tensor) -> tfd.Distribution:
        """p_theta(x|z)."""
        return self.likelihood(self.decoder(z))

    def prior_samples(self, noise: Noise, c: tuple = ()) -> tf.Tensor:
        """Samples of the prior, `[batch, latent_dim]`, each from the part of its label: a pure function of `noise`."""
        if c:
            (onehot,) = c
            position, *others = noise
            label = tf.cast(tf.argmax(onehot, -1), tf.float32)
            inside = (label + tf.clip_by_value(position, MARGIN, 1.0 - MARGIN)) / self.classes
            noise = tf.where(label < self.classes, inside, position), *others
        return self.prior.draw(noise)

    def logit(self, z: tf.Tensor, *c: tf.Tensor) -> tf.Tensor:
        """The logit of q_phi(y=1|z): `[batch]`."""
        return tf.reshape(tf.cast(self.discriminator([z, *c] if c else z), tf.float32), [-1])

    def phi_terms(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """The utility of phi on prior samples and codes, with its diagnostics; each `[batch]`."""
        for_posterior, for_prior, mix = noise
        prior = self.prior_samples(for_prior, c)
        code = tf.stop_gradient(self.posterior.sample(self.q_z(x), for_posterior))
        contest = self.objective.contest(lambda some: self.logit(some, *c), prior, code, mix)
        return {**contest, "distance": energy_distance(prior, code)}

    def terms(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """The utility of theta and eta, its two terms (nats), and the mean squared error per value; each `[batch]`."""
        code = self.posterior.sample(self.q_z(x), noise)
        p = self.p_x(code)
        reconstruction = p.log_prob(x)
        fake = self.logit(code, *c)
        reversed_ = self.objective.generator(fake)
        return {
            "objective": reconstruction + self.now("weight") * reversed_, "reconstruction": reconstruction,
            "mse": tf.reduce_mean((p.mean() - x) ** 2, list(range(1, x.shape.rank))), "encoder": reversed_,
            **self.objective.diagnostics(fake),
        }

    # ------------------------------------------------------------------------------------------ training

    def noise(self, rng: BatchNoise) -> Noise:
        """The noise of one training step: for the step of phi, and for the step of theta and eta."""
        for_phi = self.posterior.noise(rng), self.prior.noise(rng), rng.uniform(())
        return for_phi, self.posterior.noise(rng)

    def play(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """Takes one training step: phi first, then theta and eta; returns their terms."""
        for_phi, for_others = noise
        terms = self.ascend(self.phi_terms, x, c, for_phi, phi=self.ascends["phi"])
        others = {player: self.ascends[player] for player in ("theta", "eta")}
        return {**terms, **self.ascend(self.terms, x, c, for_others, **others)}

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        terms = self.play(x, c, self.noise(self.rng(x)))
        return self.log(loss=-terms["reconstruction"], **terms)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        for_phi, for_others = self.noise(self.rng(x, training=False))
        terms = {**self.jitted(self.phi_terms)(x, c, for_phi), **self.jitted(self.terms)(x, c, for_others)}
        return self.log(loss=-terms["reconstruction"], **terms)

    def watchers(self) -> list[keras.callbacks.Callback]:
        return [Saturation()] if self.objective.saturates else []

    def condition(self, y: Any) -> tuple:
        """The one-hot label for the discriminator, with an extra class for label -1; `()` without `classes`."""
        if self.classes is None:
            return ()
        y = tf.cast(y, tf.int32)
        return (tf.one_hot(tf.where(y < 0, self.classes, y), self.classes + 1),)

    # ------------------------------------------------------------------------------------------ use

    def encode(self, x: np.ndarray, label: Any = None) -> dict[str, np.ndarray]:
        """The parameters of q(z|x): a dict of NumPy arrays, `mean` `[n, latent_dim]`; ignores `label`."""
        return self.answer("encode", x=x)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """The likelihood's mean for codes z: NumPy `[n, *image_shape]`."""
        return self.answer("decode", z=z)["x"]

    def reconstruct(self, x: np.ndarray, label: Any = None) -> np.ndarray:
        """The likelihood's mean at the code of x: NumPy, the shape of x; ignores `label`."""
        return self.answer("reconstruct", x=x)["x"]

    def _decode(self, z):
        return {"x": self.p_x(z).mean()}

    def _reconstruct(self, x):
        return self._decode(self.posterior.code(self.q_z(x)))

    def takes(self) -> dict[str, Input]:
        x = {"x": Input(self.likelihood.event_shape, range=self.likelihood.range)}
        return x if self.classes is None else {**x, "label": Input((), tf.int32, range=(-1, self.classes - 1))}

    def endpoints(self) -> dict[str, Endpoint]:
        x, *given = self.takes().items()
        x, z = dict([x]), {"z": Input(self.prior.event_shape)}
        return {
            "sample": Endpoint(
                {"seed": SEED, **dict(given)},
                lambda noise, label=None: self._decode(self.prior_samples(noise, self.condition(label))),
                self.prior.noise, "z ~ p(z), or from the label's part of it, then the mean of p(x|z)",
            ),
            "encode": Endpoint(x, lambda x: self.posterior.moments(self.q_z(x)), doc="the parameters of q(z|x)"),
            "decode": Endpoint(z, self._decode, doc="the mean of p(x|z)"),
            "reconstruct": Endpoint(x, self._reconstruct, doc="the mean of p(x|z) at q's mean"),
        }
