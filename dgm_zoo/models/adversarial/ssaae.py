"""The semi-supervised adversarial auto-encoder."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo import distributions
from dgm_zoo.checks import check_networks, input_shape, layer_size, match, output_shape
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.critic import Saturation, check_critic, fixed
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.core.formulation import KL, Ascent, Edge, Formulation
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.core.registry import register_model
from dgm_zoo.core.steps import over_replicas
from dgm_zoo.distributions import Deterministic, StandardNormal
from dgm_zoo.distributions.heads import Head, Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.distributions.roles import check_scored
from dgm_zoo.errors import InvalidInput
from dgm_zoo.networks import dense_discriminator, encoder_and_decoder
from dgm_zoo.objectives import adversarial, of_labelled, of_labels


@recipes.makes("encoder", "decoder", "discriminator", "label_discriminator", "prior", "likelihood", "posterior")
def networks(*, image_shape: Sequence[int], num_classes: int, latent_dim: int = 32, network: str = "dense",
             hidden: Sequence[int] | None = None, activation: str | None = None,
             discriminator_hidden: Sequence[int] = (128, 128), normalization: str = "none",
             likelihood: Any = "IndependentBernoulli", prior: Any = "StandardNormal",
             posterior: Any = "Deterministic") -> dict[str, Any]:
    """Returns the encoder, the decoder, the two discriminators and the heads; see `aae.networks`."""
    latent, classes = (layer_size("latent_dim", latent_dim),), layer_size("num_classes", num_classes)
    likelihood, posterior = distributions.get(likelihood, tuple(image_shape)), distributions.get(posterior, latent)
    encoder, decoder = encoder_and_decoder(
        network, image_shape, latent_dim + classes, (posterior.params_size + classes,), likelihood.params_shape,
        hidden, activation,
    )
    of_codes = dense_discriminator(latent, discriminator_hidden, normalization)
    of_labels = dense_discriminator((classes,), discriminator_hidden, normalization, name="label_discriminator")
    return {
        "encoder": encoder, "decoder": decoder, "discriminator": of_codes, "label_discriminator": of_labels,
        "prior": distributions.get(prior, latent), "likelihood": likelihood, "posterior": posterior,
    }


@register_model("ssaae")
@keras.saving.register_keras_serializable("dgm_zoo")
class SSAAE(GenerativeModel):
    """Semi-supervised adversarial auto-encoder: an AAE whose code is a style z and a class c, known for some x.

        max_{phi}         E  log q_phi(y|z) + log q_phi(y|c)
        max_{theta, eta}  E  log p_theta(x|z, c) + weight (log q^r_phi(y|z) + log q^r_phi(y|c))
        max_{eta}         E  log q_eta(label|x)  over the labelled examples,

    in this order, as the three phases of a step. c is the vector of probabilities q_eta(.|x). One discriminator
    separates c from one-hot vectors of uniformly drawn classes, the other separates z from samples of the prior p(z).
    Training data are pairs (x, label), with label -1 for unlabelled examples.

    Args:
      encoder: Keras model, x to the parameters of q(z|x), followed by the logits of q(label|x),
        `[batch, posterior.params_size + num_classes]`.
      decoder: Keras model, [z, c] concatenated, `[batch, latent_dim + num_classes]`, to the parameters of p(x|z, c).
      discriminator: Keras model, z to a logit, `[batch, 1]`.
      label_discriminator: Keras model, c to a logit, `[batch, 1]`.
      prior: p(z), not trained; `StandardNormal` if None.
      likelihood: the head of p(x|z, c).
      posterior: the head of q(z|x); `Deterministic` if None.
      num_classes: number of classes.
      objective, weight: see `AAE`.

    The third phase has its own optimizer, a copy of eta's, and is skipped if the batch has no labels.
    `classification` and `accuracy` are means over the labelled examples.

    Raises:
      InvalidInput: the shapes of two networks or heads do not match (the message names both); the posterior's samples
        carry no gradient.

    Example:
      >>> model = dgm_zoo.create("ssaae", image_shape=(28, 28, 1), num_classes=10, latent_dim=10)
      >>> model.fit(x, np.where(np.arange(len(x)) < 100, label, -1))   # 100 labels
      >>> model.classify(x)["probabilities"].shape
      (60000, 10)

    References: Makhzani et al., Adversarial Autoencoders, 2016, section 5.
    """

    players = {
        "theta": ("decoder", "likelihood"), "eta": ("encoder", "posterior"),
        "phi": ("discriminator", "label_discriminator"),
    }
    logged = (
        "loss", "reconstruction", "discriminator", "encoder", "accuracy_real", "accuracy_fake", "classification",
        "accuracy",
    )

    ascends = {"theta": "objective", "eta": "objective", "phi": "discriminator"}
    phases = {"classification": "eta"}
    formulation = Formulation(
        name="SSAAE",
        y="1 of the prior, 0 of the data's codes", z="style", c="class, known for some x",
        p_x_given_y="p_η(z,c|y), implicit: p(z) p(c) for y=1; z ~ q_η(z|x), c = q_η(.|x), x ~ p_data(x), for y=0",
        q_y_given_x="q_φ(y|z), q_φ(y|c): two discriminators",
        q_z_given_xy="p_θ(x|z,c): decoder, of y=0",
        kl=(KL("p_η(z,c|y)", "q^r(z,c|x,y)", "sleep", less="JSD(p_η(z,c|y=0) ‖ p_η(z,c|y=1))"),),
        remark="as AAE, where the two discriminators judge z and c apart; the classifier's phase is maximum likelihood",
        ascents=(
            Ascent(
                ("phi",), "E_{p_η(z,c|y) p(y)} log q_φ(y|z) + log q_φ(y|c)",
                reads=("data", "prior", "posterior"), carries=("phi",), stopped="codes of the data",
            ),
            Ascent(
                ("theta", "eta"), "E_{p_η(z,c|y) p(y)} log p_θ(x|z,c) + weight (log q_φ^r(y|z) + log q_φ^r(y|c))",
                reads=("data", "posterior"), carries=("theta", "phi", "eta"),
            ),
            Ascent(("eta",), "E_{labelled} log q_η(label|x)", reads=("data", "labels"), carries=("eta",)),
        ),
        edges=(
            Edge("x", "z", "p_η(z,c|y)", implicit=True), Edge("x", "c", implicit=True), Edge("y", "z"), Edge("y", "c"),
            Edge("z", "y", "q_φ^(r)(y|z)", adversarial=True), Edge("c", "y", "q_φ^(r)(y|c)", adversarial=True),
            Edge("z", "x", "p_θ(x|z,c)"), Edge("c", "x"),
        ),
    )

    recipes = (networks,)
    weight = Coefficient()

    def __init__(self, encoder: keras.Model, decoder: keras.Model, discriminator: keras.Model,
                 label_discriminator: keras.Model, prior: Prior | None = None, *, likelihood: Head, num_classes: Any,
                 posterior: Head | None = None, objective: Any = "NonSaturating", weight: Any = 1.0,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = layer_size("num_classes", num_classes)
        latent = input_shape(discriminator)
        self.encoder, self.decoder, self.likelihood = encoder, decoder, likelihood
        self.discriminator, self.label_discriminator = discriminator, label_discriminator
        self.prior = fixed(StandardNormal(latent) if prior is None else prior, type(self))
        self.posterior = Deterministic(latent) if posterior is None else posterior
        self.objective, self.weight = adversarial(objective), weight
        self.logged = (*type(self).logged, *self.objective.logged)
        parameters, code = self.posterior.params_size + num_classes, latent[0] + num_classes
        check_scored(type(self), likelihood)
        match("encoder's input", input_shape(encoder), "likelihood's event", likelihood.event_shape)
        match("encoder's output", output_shape(encoder), "posterior's and classes' parameters", (parameters,))
        match("decoder's input", input_shape(decoder), "style and class", (code,))
        match("decoder's output", output_shape(decoder), "likelihood's parameters", likelihood.params_shape)
        match("discriminator's input", latent, "posterior's event", self.posterior.event_shape)
        match("discriminator's input", latent, "prior's event", self.prior.event_shape)
        match("label_discriminator's input", input_shape(label_discriminator), "one-hot class", (num_classes,))
        check_networks(1, discriminator=discriminator, label_discriminator=label_discriminator)
        match("discriminator's output", output_shape(discriminator) or (1,), "logit", (1,))
        match("label_discriminator's output", output_shape(label_discriminator) or (1,), "logit", (1,))
        if not self.posterior.reparametrised:
            raise InvalidInput(
                f"SSAAE cannot train through samples of {type(self.posterior).__name__}, which carry no gradient; give "
                "a posterior such as Deterministic or IndependentNormal"
            )
        for one in (discriminator, label_discriminator):
            check_critic(self.objective, one)

    # ------------------------------------------------------------------------------------------ the players

    def inferred(self, x: tf.Tensor) -> tuple[tfd.Distribution, tf.Tensor]:
        """q_eta(z|x), and the logits of q_eta(label|x), `[batch, num_classes]`."""
        params, logits = tf.split(tf.cast(self.encoder(x), tf.float32), [self.posterior.params_size, -1], -1)
        return self.posterior(params), logits

    def p_x(self, z: tf.Tensor, c: tf.Tensor) -> tfd.Distribution:
        """p_theta(x|z, c)."""
        return self.likelihood(self.decoder(tf.concat([z, c], -1)))

    def logit_of_z(self, z: tf.Tensor) -> tf.Tensor:
        """The logit of q_phi(y=1|z), `[batch]`."""
        return tf.reshape(tf.cast(self.discriminator(z), tf.float32), [-1])

    def logit_of_c(self, c: tf.Tensor) -> tf.Tensor:
        """The logit of q_phi(y=1|c), `[batch]`."""
        return tf.reshape(tf.cast(self.label_discriminator(c), tf.float32), [-1])

    def phi_terms(self, x: tf.Tensor, noise: Noise) -> dict[str, tf.Tensor]:
        """The utility of phi, and the mean accuracies of the two discriminators; each `[batch]`."""
        for_posterior, for_prior, uniform, mix = noise
        q, logits = self.inferred(x)
        z, c = tf.stop_gradient(self.posterior.sample(q, for_posterior)), tf.stop_gradient(tf.nn.softmax(logits))
        drawn = tf.one_hot(tf.cast(uniform * self.num_classes, tf.int32), self.num_classes)
        of_z = self.objective.contest(self.logit_of_z, self.prior.draw(for_prior), z, mix)
        of_c = self.objective.contest(self.logit_of_c, drawn, c, mix)
        return {
            "discriminator": of_z["discriminator"] + of_c["discriminator"],
            **{name: (of_z[name] + of_c[name]) / 2.0 for name in ("accuracy_real", "accuracy_fake")},
        }

    def terms(self, x: tf.Tensor, noise: Noise) -> dict[str, tf.Tensor]:
        """The utility of theta and eta and its two terms, each `[batch]`; log p(x|z, c) is in nats."""
        q, logits = self.inferred(x)
        z, c = self.posterior.sample(q, noise), tf.nn.softmax(logits)
        of_z = self.logit_of_z(z)
        reconstruction = self.p_x(z, c).log_prob(x)
        reversed_ = self.objective.generator(of_z) + self.objective.generator(self.logit_of_c(c))
        return {
            "objective": reconstruction + self.now("weight") * reversed_, "reconstruction": reconstruction,
            "encoder": reversed_, **self.objective.diagnostics(of_z),
        }

    def label_terms(self, x: tf.Tensor, label: Any, rate: Any) -> dict[str, tf.Tensor]:
        """log q_eta(label|x) in nats, and whether the likeliest class is the label: `[batch]`, 0 if unlabelled.

        `taught`, the utility of eta, is log q_eta(label|x) times the scalar `rate`, so that its mean over the rows of
        all replicas is the mean over the labelled rows.
        """
        terms = of_labels(tf.nn.log_softmax(self.inferred(x)[1]), label)
        return {**terms, "taught": rate * terms["classification"]}

    # ------------------------------------------------------------------------------------------ training

    def noise(self, rng: BatchNoise) -> Noise:
        """The noise of one training step: for the phase of phi, and for the phase of theta and eta."""
        for_phi = self.posterior.noise(rng), self.prior.noise(rng), rng.uniform(()), rng.uniform(())
        return for_phi, self.posterior.noise(rng)

    def play(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """Takes one training step of three phases; returns their terms."""
        for_phi, for_others = noise
        terms = self.ascend(self.phi_terms, x, for_phi, phi=self.ascends["phi"])
        others = {player: self.ascends[player] for player in ("theta", "eta")}
        terms |= self.ascend(self.terms, x, for_others, **others)
        (label,) = c
        counts = [tf.cast(tf.size(label), tf.float32), tf.reduce_sum(tf.cast(label >= 0, tf.float32))]
        counts = over_replicas("sum", counts)
        rate, some = tf.math.divide_no_nan(*counts), counts[1] > 0.0
        return terms | self.ascend(self.label_terms, x, label, rate, eta="taught", phase="classification", when=some)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        terms = self.play(x, c, self.noise(self.rng(x)))
        return self.log(of_labelled(*c), loss=-terms["reconstruction"], **terms)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        for_phi, for_others = self.noise(self.rng(x, training=False))
        terms = {
            **self.jitted(self.phi_terms)(x, for_phi), **self.jitted(self.terms)(x, for_others),
            **self.jitted(self.label_terms)(x, *c, 1.0),
        }
        return self.log(of_labelled(*c), loss=-terms["reconstruction"], **terms)

    def watchers(self) -> list[keras.callbacks.Callback]:
        return [Saturation()] if self.objective.saturates else []

    def condition(self, y: Any) -> tuple:
        return (tf.cast(y, tf.int32),)

    # ------------------------------------------------------------------------------------------ use

    def encode(self, x: np.ndarray, label: Any = None) -> dict[str, np.ndarray]:
        """The parameters of q(z|x), a dict of NumPy arrays; ignores `label`."""
        return self.answer("encode", x=x)

    def reconstruct(self, x: np.ndarray, label: Any = None) -> np.ndarray:
        """The likelihood's mean at the code of x: NumPy, the shape of x; ignores `label`."""
        return self.answer("reconstruct", x=x)["x"]

    def classify(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """A dict of `logits` and `probabilities` of the classes, each NumPy `[n, num_classes]`."""
        return self.answer("classify", x=x)

    def _decode(self, z, label):
        return {"x": self.p_x(z, tf.one_hot(tf.cast(label, tf.int32), self.num_classes)).mean()}

    def _reconstruct(self, x):
        q, logits = self.inferred(x)
        return {"x": self.p_x(self.posterior.code(q), tf.nn.softmax(logits)).mean()}

    def _classify(self, x):
        _, logits = self.inferred(x)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    def takes(self) -> dict[str, Input]:
        x = Input(self.likelihood.event_shape, range=self.likelihood.range)
        return {"x": x, "label": Input((), tf.int32, range=(-1, self.num_classes - 1))}

    def endpoints(self) -> dict[str, Endpoint]:
        x, z = {"x": self.takes()["x"]}, {"z": Input(self.prior.event_shape)}
        encode = lambda x: self.posterior.moments(self.inferred(x)[0])  # noqa: E731
        label = {"label": Input((), tf.int32, range=(0, self.num_classes - 1))}
        return {
            "sample": Endpoint(
                {"seed": SEED, **label}, lambda noise, label: self._decode(self.prior.draw(noise), label),
                self.prior.noise, "z ~ p(z), then the mean of p(x|z, c) of the given class",
            ),
            "encode": Endpoint(x, encode, doc="the parameters of q(z|x)"),
            "decode": Endpoint({**z, **label}, self._decode, doc="the mean of p(x|z, c)"),
            "reconstruct": Endpoint(x, self._reconstruct, doc="the mean of p(x|z, c) at the code of x"),
            "classify": Endpoint(x, self._classify, doc="logits and probabilities of the classes"),
        }
