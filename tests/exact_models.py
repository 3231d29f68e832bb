"""Two small models whose evidence is known exactly, in NumPy float64, and the zoo's models with the same numbers.

* `LinearGaussian`: z ~ N(0, I), x = W z + b + s e. Evidence, posterior and evidence bound are closed forms.
* `Enumerable`: 4 binary latents, 6 binary values. Every expectation is a sum over 16 codes.
"""

import itertools

import numpy as np
import tensorflow as tf
from scipy import stats
from tensorflow_probability import math as tfm

from dgm_zoo.distributions import (
    BatchNoise,
    BernoulliPrior,
    IndependentBernoulli,
    IndependentNormal,
    MultivariateNormalTriL,
    StraightThroughBernoulli,
)
from dgm_zoo.distributions.heads import MIN_STDDEV
from dgm_zoo.models import VAE
from dgm_zoo.models.evidence.vae import bound
from dgm_zoo.networks import dense


def raw(stddev):
    """The raw parameter that a head turns into `stddev`."""
    return np.log(np.expm1(np.asarray(stddev, np.float64) - MIN_STDDEV))


class LinearGaussian:
    """p(z) = N(0, I_2), p(x|z) = N(W z + b, s^2 I_5) and q(z|x) = N(A x + a, L L^T).

    Args:
      away: how far q is from the exact posterior; 0 is the posterior itself.
      orthogonal: whether the columns of W are, so that the exact posterior has independent values.
    """

    def __init__(self, away=0.0, orthogonal=False, seed=0):
        rng = np.random.default_rng(seed)
        self.w = rng.normal(size=(5, 2))
        if orthogonal:
            self.w = np.linalg.qr(self.w)[0] * [1.5, 0.7]
        self.b, self.s = rng.normal(size=5), 0.8
        cov = np.linalg.inv(np.eye(2) + self.w.T @ self.w / self.s**2)
        self.a_x = cov @ self.w.T / self.s**2 + away * rng.normal(size=(2, 5))
        self.a = -cov @ self.w.T @ self.b / self.s**2 + away * rng.normal(size=2)
        self.tril = np.linalg.cholesky(cov) * (1 + away)
        self.independent = orthogonal  # the values of z, given x

    def data(self, n, seed=1):
        rng = np.random.default_rng(seed)
        noise = self.s * rng.normal(size=(n, 5))
        return (rng.normal(size=(n, 2)) @ self.w.T + self.b + noise).astype("float32")

    def log_p(self, x):
        """log N(x; b, W W^T + s^2 I), nats: `[n]`."""
        return stats.multivariate_normal(self.b, self.w @ self.w.T + self.s**2 * np.eye(5)).logpdf(x)

    def parameters(self):
        """What the networks hold, in float64: the encoder's kernel and bias, then the decoder's."""
        stddev = np.diag(self.tril)
        if self.independent:
            spread = raw(stddev)
        else:
            spread = tfm.fill_triangular_inverse(self.tril + np.diag(raw(stddev) - stddev)).numpy()
        kernel = np.concatenate([self.a_x.T, np.zeros((5, len(spread)))], 1)
        return [kernel, np.concatenate([self.a, spread]), self.w.T, self.b]

    def elbo_terms(self, x, parameters):
        """E_q log p(x|z) and KL(q || p) in closed form, `[n]` each: TensorFlow, differentiable by `parameters`."""
        kernel, bias, w, b = parameters
        params = x @ kernel + bias
        mean, spread = params[:, :2], params[:, 2:]
        if self.independent:
            tril = tf.linalg.diag(tf.nn.softplus(spread) + MIN_STDDEV)
        else:
            tril = tfm.fill_triangular(spread)
            tril = tf.linalg.set_diag(tril, tf.nn.softplus(tf.linalg.diag_part(tril)) + MIN_STDDEV)
        spread_of_x = tf.einsum("nij,ik->njk", tril, w)
        error = tf.reduce_sum((x - b - mean @ w) ** 2, 1) + tf.reduce_sum(spread_of_x**2, [1, 2])
        log_px = -2.5 * np.log(2 * np.pi * self.s**2) - error / (2 * self.s**2)
        log_det = 2 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(tril)), 1)
        return log_px, 0.5 * (tf.reduce_sum(tril**2, [1, 2]) + tf.reduce_sum(mean**2, 1) - 2 - log_det)

    def model(self, cls=VAE, prior=None, **given):
        """A model of the zoo with these numbers: a normal posterior, of full covariance where it is needed."""
        parameters = self.parameters()
        head = IndependentNormal if self.independent else MultivariateNormalTriL
        posterior = head((2,))
        encoder, decoder = dense((5,), posterior.params_shape, hidden=()), dense((2,), (5,), hidden=())
        encoder.set_weights(parameters[:2])
        decoder.set_weights(parameters[2:])
        likelihood, given = IndependentNormal((5,), stddev=self.s), with_bound(given)
        return cls(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, seed=0, **given)


class Enumerable:
    """4 latent bits z, 6 visible ones as an image of shape (2, 3, 1); every conditional is linear in its logits."""

    shape = (2, 3, 1)

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.prior_logits = rng.normal(size=4)
        self.decoder = [1.5 * rng.normal(size=(4, 6)), rng.normal(size=6)]
        self.encoder = [rng.normal(size=(6, 4)), rng.normal(size=4)]
        self.z = np.array(list(itertools.product([0, 1], repeat=4)), np.float64)
        self.x = np.array(list(itertools.product([0, 1], repeat=6)), np.float64)
        log_pz = self._log_mass(self.z, self.prior_logits)
        log_px = self._log_mass(self.x[:, None], self.z @ self.decoder[0] + self.decoder[1])
        self.log_px = log_px  # log p(x|z), [64, 16], as all that follow
        self.log_q = self._log_mass(self.z, (self.x @ self.encoder[0] + self.encoder[1])[:, None])
        self.log_w = log_px + log_pz - self.log_q
        self.q = np.exp(self.log_q)
        self.log_p = np.log((self.q * np.exp(self.log_w)).sum(1))  # [64]

    @staticmethod
    def _log_mass(bits, logits):
        return (bits * logits - np.logaddexp(0, logits)).sum(-1)

    def expected(self, k, function):
        """E over z_1..z_k ~ q(z|x) of `function(log_w [..., k])`: `[64]`, a sum over the 16^k tuples."""
        codes = np.array(list(itertools.product(range(16), repeat=k)))
        return (self.q[:, codes].prod(-1) * function(self.log_w[:, codes])).sum(1)

    def bound(self, k):
        """The importance weighted bound L_k, nats: `[64]`."""
        return self.expected(k, lambda log_w: np.log(np.exp(log_w).mean(-1)))

    def images(self):
        """All 64 x: `[64, 2, 3, 1]`."""
        return self.x.reshape(-1, *self.shape).astype("float32")

    def model(self, cls=VAE, **given):
        posterior, prior = StraightThroughBernoulli((4,)), BernoulliPrior((4,))
        encoder, decoder = dense(self.shape, (4,), hidden=()), dense((4,), self.shape, hidden=())
        encoder.set_weights(self.encoder)
        decoder.set_weights(self.decoder)
        prior.logits.assign(self.prior_logits)
        likelihood, given = IndependentBernoulli(self.shape), with_bound(given)
        return cls(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, seed=0, **given)


def with_bound(given):
    """Constructor arguments in which beta, free_bits, k and estimator are those of a bound."""
    of_bound = {key: given[key] for key in ("beta", "free_bits", "k", "estimator") if key in given}
    others = {key: value for key, value in given.items() if key not in of_bound}
    return {**others, **bound(**of_bound)} if of_bound else others


def draws(model, x, n, seed):
    """The model's noise for `n` rows, and x repeated to so many: both float32."""
    return tf.constant(np.repeat(x, n // len(x), 0)), model.noise(BatchNoise([seed, 0], n))


def gradients(model, ascends=None):
    """Returns the function of (x, noise) that gives each player's gradient of the mean of its own term.

    One vector for each player, `{player: [size]}`; `ascends` replaces the model's own.
    """
    ascends = ascends or model.ascends

    @tf.function(autograph=False)
    def compiled(x, noise):
        with tf.GradientTape(persistent=True) as tape:
            terms = model.terms(x, (), noise)
            means = {term: tf.reduce_mean(terms[term]) for term in set(ascends.values())}
        return {player: tape.gradient(means[term], model.player_variables(player)) for player, term in ascends.items()}

    def flat(x, noise):
        return {player: np.concatenate([np.ravel(g) for g in parts]) for player, parts in compiled(x, noise).items()}

    return flat


def assert_near_zero(samples, errors=4.0):
    """The mean of `samples` over axis 0 is 0 within so many of its standard errors, in every component."""
    samples = np.asarray(samples, np.float64)
    stderr = samples.std(0, ddof=1) / np.sqrt(len(samples))
    assert (stderr > 0).all(), "nothing was random"
    worst = np.abs(samples.mean(0) / stderr).max()
    assert worst < errors, f"{worst:.1f} standard errors from 0"
