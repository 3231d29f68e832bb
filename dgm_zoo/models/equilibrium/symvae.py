"""The symmetric variational auto-encoder."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.checks import input_shape, match
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.formulation import KL, Ascent, Edge, Formulation
from dgm_zoo.core.latent import LatentModel
from dgm_zoo.core.limiting import LimitingChain
from dgm_zoo.core.registry import register_model
from dgm_zoo.core.steps import over_replicas
from dgm_zoo.distributions import BernoulliPrior, IndependentBernoulli, SampledPrior, with_bits
from dgm_zoo.distributions.heads import Head, Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.errors import InvalidInput
from dgm_zoo.objectives import decoder_utility, encoder_utility, kinds

UNKNOWN = -1.0  # marks every value of the latents of an example without latents
UNIFORM_BITS = {"name": "BernoulliPrior", "trainable": False}


@register_model("symvae")
@keras.saving.register_keras_serializable("dgm_zoo")
class SymmetricVAE(LimitingChain, LatentModel):
    """Symmetric VAE: decoder and encoder each ascend their own utility, and learning seeks a Nash equilibrium.

        max_{theta}  E_{p_data(x)} E_{q_eta(z|x)}  log p_theta(x, z)
        max_{eta}    E_{p_theta(x, z)}             log q_eta(z|x)

    Both players move simultaneously, on samples without gradient: z ~ q(z|x) for each example, and as many dreams
    z ~ p(z), x ~ p(x|z). Hence z may be bits, and p(z) need not have a density. The algorithm is wake-sleep, viewed as
    a game. If p(x, z) = p_data(x) q(z|x), neither player can gain. The same holds if x and z are independent under
    both; that equilibrium is unstable, but training starts near it and leaves it slowly.

    Training data are x, or pairs (x, z) with latents `[batch, latent_dim]`, all -1 if x has none. Pairs add

        E_{p_data(x, z)} log p_theta(x, z)  to theta's utility, and  E_{p_data(x, z)} log q_eta(z|x)  to eta's,

    Each expectation is a mean over the batch's examples of its kind, on all replicas, and drops out if the batch has
    none; `labelled_rows` of `data.load` puts some pairs into every batch. `loss`, used for model selection, is the
    negative ELBO, -E_q log p(x, z) / q(z|x); neither player optimises it directly. For a pair it is minus a bound on
    the log-probability of x and its latents. If p(z) has no density, `loss` is minus the sum of the two utilities,
    `decoder` and `encoder`, i.e. minus the log-probability of recovering x from z, and z from x. Evaluation uses only
    x.

    Args:
      encoder: Keras model, x `[batch, ...]` to the parameters of q(z|x), `[batch, *posterior.params_shape]`.
      decoder: Keras model, z `[batch, latent_dim]` to the parameters of p(x|z), `[batch, *likelihood.params_shape]`.
      prior: p(z), a `distributions.Prior`, which may be a `SampledPrior`; uniform bits if None.
      likelihood: the head of p(x|z).
      posterior: the head of q(z|x); `IndependentBernoulli` if None. Its samples need no gradient.
      latents: a `SampledPrior` of latents without data. Dreams start from these, and p(z), which then needs a density,
        is fitted to them. If None, dreams start from p(z).
      dream_weight: weight of the dreams in eta's utility; 0 trains on pairs only, as two supervised models.
      seed: see `GenerativeModel`.

    Raises:
      InvalidInput: the shapes of two networks or heads do not match (the message names both); the posterior has no
        density; the posterior is over bits, but the prior or `latents` take other values; the data leave eta without
        a utility, or have latents with other values.

    Example:
      >>> model = dgm_zoo.create("symvae", image_shape=(28, 28, 1), latent_dim=100)
      >>> model.compile(keras.optimizers.Adam(1e-3))
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128, binarize="threshold"), epochs=10)
      >>> model.limiting_samples(64, steps=100, seed=0).shape
      (64, 28, 28, 1)

    References: Flach, Schlesinger and Shekhovtsov, Symmetric Equilibrium Learning of VAEs, 2024.
    """

    logged = ("loss", "elbo", "decoder", "encoder")
    ascends = {"theta": "decoder", "eta": "encoder"}
    abilities = LatentModel.abilities | {"limiting_samples"}
    recipes = (recipes.with_defaults(recipes.autoencoder, prior=UNIFORM_BITS, posterior="IndependentBernoulli"),)
    small = {"latent_dim": 4}
    dream_weight = Coefficient()
    formulation = Formulation(
        name="Symmetric VAE",
        z="bits, or another code",
        p_x_given_y="p_θ(x|z): decoder",
        q_z_given_xy="q_η(z|x): encoder",
        kl=(KL("q_η(z|x) p_data(x)", "p_θ(x,z)", "wake"), KL("p_θ(x,z)", "q_η(z|x) p_θ(x)", "sleep")),
        remark="a game: θ descends the first, η the second, both at once; an equilibrium where the joints agree",
        ascents=(
            Ascent(
                ("theta",), "E_{p_data(x) q_η(z|x)} log p_θ(x,z)",
                reads=("data", "posterior"), carries=("theta",), stopped="samples z",
            ),
            Ascent(("eta",), "E_{p_θ(x,z)} log q_η(z|x)", reads=("prior",), carries=("eta",), stopped="dreams x, z"),
        ),
        edges=(Edge("z", "x", "p_θ(x|z)"), Edge("x", "z", "q_η(z|x)")),
    )

    def __init__(self, encoder: keras.Model, decoder: keras.Model, prior: Prior | None = None, *, likelihood: Head,
                 posterior: Head | None = None, latents: SampledPrior | None = None, dream_weight: Any = 1.0,
                 **kwargs: Any) -> None:
        latent = input_shape(decoder)
        posterior = IndependentBernoulli(latent) if posterior is None else posterior
        prior = BernoulliPrior(latent, trainable=False) if prior is None else prior
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)
        self.latents, self.dream_weight = latents, dream_weight
        if not prior.has_density:
            self.logged = ("loss", "decoder", "encoder")
        if latents is not None and not (isinstance(latents, SampledPrior) and prior.has_density):
            raise InvalidInput(
                f"latents {type(latents).__name__} of {type(prior).__name__} must be a SampledPrior, under a prior "
                "with a density to fit to them; to use them without fitting p(z), give them as the prior"
            )
        match("latents' event", self._dreams_of().event_shape, "posterior's event", posterior.event_shape)
        if posterior.binary and not self._dreams_of().has_density:
            with_bits(self._dreams_of(), type(posterior).__name__)

    # ------------------------------------------------------------------------------------------ the two joints

    def log_joint(self, x: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """log p_theta(x, z), or log p_theta(x|z) where p(z) has no density, nats: `[batch]`."""
        log_px = self.p_x(z).log_prob(x)
        return log_px + self.p_z().log_prob(z) if self.prior.has_density else log_px

    def sleep_noise(self, rng: BatchNoise) -> tuple:
        return self._dreams_of().noise(rng), self.likelihood.noise(rng)

    def dreamt(self, noise: Noise) -> tuple[tf.Tensor, tf.Tensor]:
        """z from the prior, or from `latents` if given, and x ~ p(x|z), both without gradient; `[batch, ...]` each."""
        for_z, for_x = noise
        z = tf.stop_gradient(self._dreams_of().draw(for_z, self.q_z))
        return z, tf.stop_gradient(self.likelihood.sample(self.p_x(z), for_x))

    def _dreams_of(self):
        return self.prior if self.latents is None else self.latents

    # ------------------------------------------------------------------------------------------ pairs

    @property
    def given_shape(self) -> tuple[int, ...]:
        """Event shape of the latents that a pair provides: here all latents."""
        return self.posterior.event_shape

    def given(self, y: Any) -> tf.Tensor:
        """Converts y to the given latents, `[batch, *given_shape]`, `UNKNOWN` for examples without latents."""
        return tf.cast(y, tf.float32)

    def completed(self, given: tf.Tensor, z: tf.Tensor, q: tfd.Distribution, noise: Noise) -> tf.Tensor:
        """All latents of a pair: the given ones, and the others from z ~ q(z|x); here all latents are given.

        Args:
          z: a sample of q, `[batch, ...]`, drawn with `noise`.
        """
        return given

    def log_q_given(self, q: tfd.Distribution, given: tf.Tensor) -> tf.Tensor:
        """log q_eta of the given latents, nats: `[batch]`."""
        return q.log_prob(given)

    def known_terms(self, q: tfd.Distribution, given: tf.Tensor, weights: Any) -> dict[str, tf.Tensor]:
        """Additional logged terms on how well q fits the given latents: a dict of `[batch]`, empty here."""
        return {}

    # ------------------------------------------------------------------------------------------ training

    def unpack(self, data: Any) -> tuple[Any, tuple]:
        """Returns x and, for pairs, `(z, weights)`: the latents, and the row weights by `objectives.kinds`."""
        x, z, _ = keras.utils.unpack_x_y_sample_weight(data)
        x, c = super().unpack(data)
        if z is None:
            if self.dream_weight == 0:
                raise InvalidInput("dream_weight 0 leaves eta without a utility on x only; give pairs (x, z)")
            return x, c
        z = self.given(z)
        self._check_shape(z)
        known = tf.reduce_any(z != UNKNOWN, -1)
        counts = [tf.cast(tf.size(known), tf.float32), tf.reduce_sum(tf.cast(known, tf.float32))]
        return x, (z, kinds(known, *over_replicas("sum", counts)))

    def check_examples(self, where: str, x: Any, y: Any) -> None:
        if y is None or "label" in self.takes():
            return
        z = np.asarray(y)
        self._check_shape(z)
        known = (z != UNKNOWN).any(-1)
        other = np.argwhere((z != 0) & (z != 1) & known[:, None]) if self.posterior.binary else ()
        if len(other):
            row, bit = other[0]
            raise InvalidInput(
                f"{where}: the latents of row {row} hold {z[row, bit]:g}; give zeros and ones, or {UNKNOWN:g} "
                "in every value of a row without latents"
            )

    def doubts(self, x: Any, y: Any) -> list[tf.Tensor]:
        if y is None or "label" in self.takes() or not self.posterior.binary:
            return []
        z = tf.cast(y, tf.float32)
        known = tf.reduce_any(z != UNKNOWN, -1, keepdims=True)
        return [tf.reduce_any((z != 0.0) & (z != 1.0) & known)]

    def _check_shape(self, z):
        if tuple(z.shape[1:]) != self.given_shape:
            raise InvalidInput(
                f"the given latents have shape {[None, *z.shape[1:]]}, but the model's have "
                f"{[None, *self.given_shape]}; give x only, or pairs (x, z)"
            )

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        terms = self.ascend(self.terms, x, c, self.noise(self.rng(x)), **self.ascends)
        return self.log(**terms)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = super().unpack(data)
        return self.log(**self.jitted(self.terms)(x, c, self.noise(self.rng(x, training=False))))

    def noise(self, rng: BatchNoise) -> Noise:
        """The noise of one training step: for z ~ q(z|x), and for a dream."""
        return self.posterior.noise(rng), self.sleep_noise(rng)

    def terms(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """The two utilities and the loss, each `[batch]`, in nats.

        Args:
          c: empty, or the latents of the pairs and their weights; see `unpack`.
        """
        awake, asleep = noise
        q, (dreamt_z, dreamt_x) = self.q_z(x), self.dreamt(asleep)
        z = tf.stop_gradient(self.posterior.sample(q, awake))
        weights, log_q_given, of_pairs = (1.0, 0.0), 0.0, {}
        if c:
            given, weights = c
            known = weights[1] > 0.0
            z = tf.where(known[:, None], self.completed(given, z, q, awake), z)
            log_q_given = tf.where(known, self.log_q_given(q, given), 0.0)
            of_pairs = self.known_terms(q, given, weights)
        log_p, log_q = self.log_joint(x, z), self.q_z(dreamt_x).log_prob(dreamt_z)
        log_pz = 0.0 if self.latents is None else self.p_z().log_prob(dreamt_z)
        decoder = decoder_utility(log_p, log_pz, weights)
        encoder = encoder_utility(log_q, log_q_given, weights, self.now("dream_weight"))
        if self.prior.has_density:
            elbo = log_p - q.log_prob(z) + log_q_given  # a bound on log p(x), or on log p(x, given latents)
            loss = {"loss": -elbo, "elbo": elbo}
        else:
            loss = {"loss": -(decoder + encoder)}
        return {"decoder": decoder, "encoder": encoder, **of_pairs, **loss}
