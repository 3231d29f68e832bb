"""The variational auto-encoder."""

import keras
import tensorflow as tf

from dgm_zoo import distributions
from dgm_zoo.checks import event_shape, match, whole_number
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.core.estimates import Estimates
from dgm_zoo.core.formulation import KL, Ascent, Edge, Formulation
from dgm_zoo.core.registry import register
from dgm_zoo.core.sleep import Sleeps
from dgm_zoo.distributions import IndependentNormal, StandardNormal, with_density
from dgm_zoo.distributions.divergences import kl
from dgm_zoo.errors import InvalidInput, unknown
from dgm_zoo.networks import encoder_and_decoder
from dgm_zoo.objectives import doubly_reparametrised, elbo, importance_bound, importance_weights


@register("vae")
@keras.saving.register_keras_serializable("dgm_zoo")
class VAE(Estimates, Sleeps):
    """Variational auto-encoder: the two joints p_theta(x|z) p(z) and q_eta(z|x) p_data(x), brought together.

    Both players ascend the evidence lower bound,

        max_{theta, eta}  E_{q_eta(z|x)} log p_theta(x|z) - KL(q_eta(z|x) || p(z)),

    with one reparametrised sample of z, and the KL in closed form where TFP registers one.

    Args:
      encoder: Keras model, x `[batch, ...]` to the parameters of q(z|x), `[batch, *posterior.params_shape]`.
      decoder: Keras model, z `[batch, latent_dim]` to those of p(x|z), `[batch, *likelihood.params_shape]`.
      prior: p(z), a `distributions.Prior`; `StandardNormal` if None.
      likelihood: the head of p(x|z), such as `IndependentBernoulli((28, 28, 1))`.
      posterior: the head of q(z|x); `IndependentNormal` if None.
      beta: weight of the KL (beta-VAE); 1 is the bound itself.
      free_bits: nats of KL per latent dimension below which (on the batch's mean) it is not pushed down.
      k: None for that bound; a number of samples for the importance weighted one, which is `IWAE`'s.
      estimator: of the gradient of that of k samples; see `IWAE`.
      sleep: whether each step ends with a sleep phase of eta; see `models.sleep.Sleeps`.

    Raises:
      InvalidInput: networks and heads whose shapes do not fit; names both.

    Example:
      >>> model = dgm_zoo.create("vae", image_shape=(28, 28, 1), latent_dim=32)
      >>> model.compile(optimizer="adam")
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128, binarize="stochastic"), epochs=10)
      >>> model.sample(64, seed=0).shape
      (64, 28, 28, 1)

    References:
      Kingma and Welling, Auto-Encoding Variational Bayes, 2014. Higgins et al., beta-VAE, 2017.
      Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016 (free bits, Eq. 15).
    """

    players = {"theta": ("decoder", "likelihood", "prior"), "eta": ("encoder", "posterior")}
    logged = ("loss", "elbo", "reconstruction", "kl")
    ascends = {"theta": "objective", "eta": "objective"}
    formulation = Formulation(
        name="VAE",
        y="real or generated, degenerate", z="code",
        p_x_given_y="p_θ(x|z,y): decoder p_θ(x|z) for y=0, p_data(x) for y=1",
        q_y_given_x="degenerate, q_*(y|x): never wrong, which keeps generated x out",
        q_z_given_xy="q_η(z|x,y): encoder q_η(z|x) for y=0",
        kl=(KL("q_η(z|x,y) q_*^r(y|x)", "p_θ(z,y|x)", "wake"),),
        ascents=(
            Ascent(
                ("theta", "eta"), "E_{q_η(z|x)} log p_θ(x|z) − KL(q_η(z|x) ‖ p(z))",
                reads=("data", "posterior"), carries=("theta", "eta"),
            ),
        ),
        edges=(
            Edge("z", "x", "p_θ(x|z,y)"), Edge("y", "x"), Edge("x", "y", "q_*^(r)(y|x)", adversarial=True),
            Edge("x", "z", "q_η(z|x,y)"),
        ),
    )
    endpoint_samples = 128  # importance samples behind the served log_likelihood
    abilities = frozenset({"draw"})
    needs_density = True  # of its prior

    def __init__(self, encoder, decoder, prior=None, *, likelihood, posterior=None, beta=1.0, free_bits=0.0,
                 k=None, estimator="exact", sleep=False, **kwargs):
        super().__init__(sleep=sleep, **kwargs)
        latent = event_shape(decoder.input)
        self.encoder, self.decoder, self.likelihood = encoder, decoder, likelihood
        self.posterior = IndependentNormal(latent) if posterior is None else posterior
        self.prior = StandardNormal(latent) if prior is None else prior
        if self.needs_density:
            with_density(self.prior, type(self))
        self.beta, self.free_bits = beta, free_bits
        self.k, self.estimator = None if k is None else whole_number("k", k), estimator
        if self.k:
            self.logged = tuple(dict.fromkeys([*self.logged, "bound", "ess"]))
        self.posterior.shares(self.prior)  # so that parts of other groups are refused here
        match("encoder's input", event_shape(encoder.input), "likelihood's event", likelihood.event_shape)
        match("encoder's output", event_shape(encoder.output), "posterior's parameters", self.posterior.params_shape)
        match("decoder's input", latent, "posterior's event", self.posterior.event_shape)
        match("decoder's input", latent, "prior's event", self.prior.event_shape)
        match("decoder's output", event_shape(decoder.output), "likelihood's parameters", likelihood.params_shape)
        for name, value in (("beta", beta), ("free_bits", free_bits)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
                raise InvalidInput(f"{name} is {value!r}; give a number of at least 0")
        if free_bits and not (isinstance(self.posterior, IndependentNormal) and isinstance(self.prior, StandardNormal)):
            raise InvalidInput(
                f"free_bits {free_bits!r} needs a normal posterior and a StandardNormal prior; set it to 0"
            )
        if self.k and (beta != 1.0 or free_bits):
            raise InvalidInput(
                f"beta {beta!r} and free_bits {free_bits!r} weigh a KL that the bound of {self.k} samples of "
                f"{type(self).__name__} does not have; leave them out"
            )
        if estimator not in ("exact", "dreg"):
            raise unknown("estimator", estimator, ["exact", "dreg"])
        if estimator == "dreg" and self.posterior.binary and self.posterior.reparametrised:
            raise InvalidInput(
                f"estimator 'dreg' passes a gradient through z, which samples of {type(self.posterior).__name__} have "
                "in part alone; leave it out"
            )

    @classmethod
    def create(cls, image_shape, latent_dim=32, network="dense", hidden=None, activation=None,
               likelihood="IndependentBernoulli", prior="StandardNormal", posterior="IndependentNormal",
               beta=1.0, free_bits=0.0, k=None, sleep=False, seed=None):
        """Builds the model with default networks; see `networks.encoder_and_decoder` and `distributions.get`."""
        return cls(
            **cls.parts(image_shape, latent_dim, network, hidden, activation, likelihood, prior, posterior),
            beta=beta, free_bits=free_bits, k=k, sleep=sleep, seed=seed,
        )

    @staticmethod
    def parts(image_shape, latent_dim, network, hidden, activation, likelihood, prior, posterior, condition_size=0):
        """Returns encoder, decoder, prior, likelihood and posterior by name."""
        latent = (whole_number("latent_dim", latent_dim),)
        likelihood = distributions.get(likelihood, tuple(image_shape))
        posterior, prior = distributions.get(posterior, latent), distributions.get(prior, latent)
        encoder, decoder = encoder_and_decoder(
            network, image_shape, latent_dim, posterior.params_shape, likelihood.params_shape, hidden, activation,
            condition_size,
        )
        return {
            "encoder": encoder, "decoder": decoder, "prior": prior, "likelihood": likelihood, "posterior": posterior,
        }

    # ------------------------------------------------------------------------------------------ the two joints

    def q_z(self, x, *c):
        """q_eta(z|x): batch shape `[batch]`, event shape `[latent_dim]`."""
        return self.posterior(self.encoder([x, *c] if c else x), **self.posterior.shares(self.prior))

    def p_x(self, z, *c):
        """p_theta(x|z) for z `[..., batch, latent_dim]`: batch shape `[..., batch]`, event shape that of x."""
        lead, rank = tf.shape(z)[:-1], z.shape.rank
        if rank > 2:
            z = tf.reshape(z, [-1, z.shape[-1]])
            c = [tf.tile(one, [tf.reduce_prod(lead[:-1]), 1]) for one in c]
        params = self.decoder([z, *c] if c else z)
        if rank > 2:
            params = tf.reshape(params, tf.concat([lead, self.likelihood.params_shape], 0))
        return self.likelihood(params)

    def p_z(self):
        """The prior p(z)."""
        return self.prior.distribution(self.q_z)

    # ------------------------------------------------------------------------------------------ training

    def train_step(self, data):
        if not self.posterior.reparametrised:
            raise InvalidInput(
                f"{type(self).__name__} cannot train through samples of {type(self.posterior).__name__}, which carry "
                "no gradient; give a posterior such as IndependentNormal"
            )
        x, c = self.unpack(data)
        rng = self.rng(x)
        terms = self.ascend(self.terms, x, c, self.noise(rng), **self.ascends)
        return self.log(loss=-terms["objective"], **terms, **self.asleep(c, rng))

    def test_step(self, data):
        x, c = self.unpack(data)
        rng = self.rng(x, training=False)
        terms = self.jitted(self.terms)(x, c, self.noise(rng))
        return self.log(loss=-terms["objective"], **terms, **self.asleep(c, rng, training=False))

    def noise(self, rng):
        """What one step draws."""
        return self.posterior.noise(rng, self.k)

    def terms(self, x, c, noise):
        """The bound and its parts, each `[batch]`, in nats."""
        return self.bound_terms(x, c, self.q_z(x, *c), noise)

    def bound_terms(self, x, c, q, noise):
        """What `terms` returns for q(z|x), or q(z|x,c)."""
        z = self.posterior.sample(q, noise)
        if self.k:
            return self.importance_terms(x, c, q, z)
        log_px = self.p_x(z, *c).log_prob(x)
        divergence = kl(q, self.p_z(), z)
        penalised = self._free_bits(q) if self.free_bits else divergence
        return {
            "objective": elbo(log_px, penalised, self.beta),
            "elbo": elbo(log_px, divergence),
            "reconstruction": log_px,
            "kl": divergence,
        }

    def importance_terms(self, x, c, q, z):
        """What `terms` returns for k samples z, `[k, batch, latent_dim]`, and `ess`, their effective number."""
        if self.estimator == "dreg":
            z, q = doubly_reparametrised(z, lambda: importance_weights(log_w)), self.posterior.held(q)
        log_px = self.p_x(z, *c).log_prob(x)
        log_w = log_px + self.p_z().log_prob(z) - q.log_prob(z)
        bound = importance_bound(log_w)
        return {
            "objective": bound,
            "bound": bound,
            "elbo": tf.reduce_mean(log_w, 0),
            "reconstruction": tf.reduce_mean(log_px, 0),
            "kl": tf.reduce_mean(log_px - log_w, 0),
            "ess": 1.0 / tf.reduce_sum(importance_weights(log_w) ** 2, 0),
        }

    def _free_bits(self, q):
        per_dimension = tf.reduce_mean(kl(q.distribution, self.p_z().distribution, None), 0)
        return tf.reduce_sum(tf.maximum(per_dimension, self.free_bits))

    # ------------------------------------------------------------------------------------------ use

    def call(self, x):
        """The reconstruction, so that `model(x)` and `model.predict(x)` mean something."""
        return self._reconstruct(x)["x"]

    def encode(self, x, label=None):
        """The posterior's parameters for x: a dict of NumPy arrays, `mean` and `stddev` `[n, latent_dim]`."""
        return self.answer("encode", x=x, **self._given("encode", label))

    def decode(self, z, label=None):
        """The likelihood's mean for latents z `[n, latent_dim]`: NumPy `[n, *image_shape]`."""
        return self.answer("decode", z=z, **self._given("decode", label))["x"]

    def reconstruct(self, x, label=None):
        """The likelihood's mean at the posterior's: NumPy, the shape of x."""
        return self.answer("reconstruct", x=x, **self._given("reconstruct", label))["x"]

    def _given(self, name, label):
        """The label for endpoint `name`; left out if that looks at none and the model, semi-supervised, does."""
        ignored = "label" in self.takes() and "label" not in self.endpoints()[name].inputs
        return {} if label is None or ignored else {"label": label}

    def _reconstruct(self, x, label=None):
        c = self.condition(label)
        return {"x": self.p_x(self.posterior.code(self.q_z(x, *c)), *c).mean()}

    def takes(self):
        return {"x": Input(self.likelihood.event_shape, range=self.likelihood.range)}

    def endpoints(self):
        x, *given = self.takes().items()
        x, given, z = dict([x]), dict(given), {"z": Input(self.posterior.event_shape)}

        def sample(noise, label=None):
            return {"x": self.p_x(self.draw_z(noise, label), *self.condition(label)).mean()}

        def log_likelihood(x, noise, label=None):
            c = self.condition(label)
            return {"log_likelihood": importance_bound(self.log_weights(x, c, self.q_z(x, *c), noise))}

        return {
            "sample": Endpoint({"seed": SEED, **given}, sample, self.prior.noise, "z ~ p(z), then the mean of p(x|z)"),
            "encode": Endpoint(
                {**x, **given}, lambda x, label=None: self.posterior.moments(self.q_z(x, *self.condition(label))),
                doc="the parameters of q(z|x)",
            ),
            "decode": Endpoint(
                {**z, **given}, lambda z, label=None: {"x": self.p_x(z, *self.condition(label)).mean()},
                doc="the mean of p(x|z)",
            ),
            "reconstruct": Endpoint({**x, **given}, self._reconstruct, doc="the mean of p(x|z) at q's mean"),
            "log_likelihood": Endpoint(
                {**x, "seed": SEED, **given}, log_likelihood,
                lambda rng: self.posterior.noise(rng, self.endpoint_samples),
                f"log p(x) in nats by importance sampling, K = {self.endpoint_samples}",
            ),
        }
