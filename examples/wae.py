"""The Wasserstein auto-encoder, whose codes are pulled to p(z) by a maximum mean discrepancy."""

import keras
import tensorflow as tf

from dgm_zoo import register_model
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.formulation import Ascent, Edge, Formulation
from dgm_zoo.core.latent import LatentModel


def mmd(one, other):
    """Unbiased squared discrepancy of two samples `[n, d]`, by an inverse multiquadratic kernel: a scalar."""
    n, scale = tf.cast(tf.shape(one)[0], tf.float32), 2.0 * one.shape[-1]

    def kernel(a, b):
        return scale / (scale + tf.reduce_sum((a[:, None] - b[None]) ** 2, -1))

    def within(a):
        return (tf.reduce_sum(kernel(a, a)) - n) / (n * (n - 1))  # a point's kernel with itself is 1

    return within(one) + within(other) - 2 * tf.reduce_mean(kernel(one, other))


@register_model("wae")
@keras.saving.register_keras_serializable("wae")
class WAE(LatentModel):
    """Wasserstein auto-encoder: reconstruction, with q(z), the codes of all data together, close to p(z).

        max_{theta, eta}  E_{q_eta(z|x)} log p_theta(x|z) - weight MMD(q_eta(z), p(z))

    Args:
      encoder, decoder, prior, likelihood, posterior: see `core.latent.LatentModel`.
      weight: of the discrepancy, a number or a schedule, see `core.coefficients`.

    References: Tolstikhin, Bousquet, Gelly and Schoelkopf, Wasserstein Auto-Encoders, 2018, Algorithm 2.
    """

    logged = ("loss", "reconstruction", "mmd")
    units = {"mmd": ""}
    ascends = {"theta": "objective", "eta": "objective"}
    formulation = Formulation(
        name="WAE", z="code",
        p_x_given_y="p_θ(x|z): decoder", q_z_given_xy="q_η(z|x): encoder",
        remark="minimises a Wasserstein distance of p_θ(x) and the data, relaxed, and no KL",
        ascents=(
            Ascent(
                ("theta", "eta"), "E_{q_η(z|x)} log p_θ(x|z) − λ MMD(q_η(z), p(z))",
                reads=("data", "posterior", "prior"), carries=("theta", "eta"),
            ),
        ),
        edges=(Edge("z", "x", "p_θ(x|z)"), Edge("x", "z", "q_η(z|x)")),
    )
    recipes = (recipes.autoencoder,)
    weight = Coefficient()

    def __init__(self, encoder, decoder, prior=None, *, likelihood, posterior=None, weight=10.0, **kwargs):
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)
        self.weight = weight

    def train_step(self, data):
        x, c = self.unpack(data)
        terms = self.ascend(self.terms, x, c, self.noise(self.rng(x)), **self.ascends)
        return self.log(loss=-terms["objective"], **terms)

    def test_step(self, data):
        x, c = self.unpack(data)
        terms = self.jitted(self.terms)(x, c, self.noise(self.rng(x, training=False)))
        return self.log(loss=-terms["objective"], **terms)

    def noise(self, rng):
        """The noise of one step: for z ~ q(z|x) and for z ~ p(z)."""
        return self.posterior.noise(rng, None), self.prior.noise(rng)

    def terms(self, x, c, noise):
        """log p(x|z), nats, and the objective, each `[batch]`; the discrepancy, a scalar."""
        for_code, for_prior = noise
        z = self.posterior.sample(self.q_z(x), for_code)
        log_px, distance = self.p_x(z).log_prob(x), mmd(z, self.draw_z(for_prior))
        return {"objective": log_px - self.now("weight") * distance, "reconstruction": log_px, "mmd": distance}
