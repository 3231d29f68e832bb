"""The beta-TC-VAE: a VAE whose KL is divided into three parts, of which one, the total correlation, is weighted."""

import math

import keras
import tensorflow as tf

from dgm_zoo import register_model
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.formulation import Ascent, Edge, Formulation
from dgm_zoo.core.latent import LatentModel


@register_model("tcvae")
@keras.saving.register_keras_serializable("tcvae")
class TCVAE(LatentModel):
    """beta-TC-VAE: the codes' dimensions are to be independent of each other over all data.

        max_{theta, eta}  E_{q_eta(z|x)} log p_theta(x|z) - I_q(x; z) - beta TC(q_eta(z)) - sum_j KL(q_eta(z_j), p(z_j))

    With beta = 1 this is the evidence lower bound. q(z) is estimated from the posteriors of a batch.

    Args:
      encoder, decoder, prior, likelihood, posterior: see `core.latent.LatentModel`; the posterior is normal.
      rows: number of training examples, which the estimate of q(z) needs.
      beta: weight of the total correlation, a number or a schedule, see `core.coefficients`.

    References: Chen, Li, Grosse and Duvenaud, Isolating Sources of Disentanglement in Variational Autoencoders, 2018,
      Eq. 4 and appendix C.1.
    """

    logged = ("loss", "reconstruction", "mutual_information", "total_correlation", "dimensions_kl")
    ascends = {"theta": "objective", "eta": "objective"}
    formulation = Formulation(
        name="β-TC-VAE", z="code",
        p_x_given_y="p_θ(x|z): decoder", q_z_given_xy="q_η(z|x): encoder",
        remark="minimises the VAE's KL with another weight of the total correlation of q_η(z)",
        ascents=(
            Ascent(
                ("theta", "eta"), "E_{q_η(z|x)} log p_θ(x|z) − I_q(x; z) − β TC(q_η(z)) − Σ_j KL(q_η(z_j) ‖ p(z_j))",
                reads=("data", "posterior"), carries=("theta", "eta"),
            ),
        ),
        edges=(Edge("z", "x", "p_θ(x|z)"), Edge("x", "z", "q_η(z|x)")),
    )
    recipes = (recipes.autoencoder,)
    beta = Coefficient()

    def __init__(self, encoder, decoder, prior=None, *, likelihood, posterior=None, rows=1_000, beta=6.0, **kwargs):
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)
        self.rows, self.beta = rows, beta

    def train_step(self, data):
        x, c = self.unpack(data)
        terms = self.ascend(self.terms, x, c, self.posterior.noise(self.rng(x), None), **self.ascends)
        return self.log(loss=-terms["objective"], **terms)

    def test_step(self, data):
        x, c = self.unpack(data)
        terms = self.jitted(self.terms)(x, c, self.posterior.noise(self.rng(x, training=False), None))
        return self.log(loss=-terms["objective"], **terms)

    def terms(self, x, c, noise):
        """The objective and its parts, nats, each `[batch]`."""
        q = self.q_z(x)
        z = self.posterior.sample(q, noise)
        of_batch = q.distribution.log_prob(z[:, None])  # [i, j, dimension]: log q(z_i|x_j)
        seen = math.log(self.rows) + tf.math.log(tf.cast(tf.shape(x)[0], tf.float32))
        log_qz = tf.reduce_logsumexp(tf.reduce_sum(of_batch, -1), 1) - seen
        log_product = tf.reduce_sum(tf.reduce_logsumexp(of_batch, 1) - seen, -1)
        log_px = self.p_x(z).log_prob(x)
        information, correlation = q.log_prob(z) - log_qz, log_qz - log_product
        dimensions = log_product - self.p_z().log_prob(z)
        return {
            "objective": log_px - information - self.now("beta") * correlation - dimensions, "reconstruction": log_px,
            "mutual_information": information, "total_correlation": correlation, "dimensions_kl": dimensions,
        }
