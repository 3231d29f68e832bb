"""The importance weighted auto-encoder."""

import keras
import tensorflow as tf

from dgm_zoo.errors import InvalidInput, unknown
from dgm_zoo.models.registry import positive_int, register
from dgm_zoo.models.vae import VAE
from dgm_zoo.objectives import doubly_reparametrised, importance_bound, importance_weights


@register("iwae")
@keras.saving.register_keras_serializable("dgm_zoo")
class IWAE(VAE):
    """Importance weighted auto-encoder: the VAE's players, on a bound that k samples tighten.

        max_{theta, eta}  E_{z_1..z_k ~ q_eta(z|x)}  log (1/k) sum_i p_theta(x, z_i) / q_eta(z_i|x)

    k = 1 is the VAE's bound, estimated by its single-sample form.

    Args:
      k: number of samples.
      estimator: "exact", the gradient of the bound, or "dreg", which leaves theta's gradient as it is and gives
        eta the doubly reparametrised one: the same in expectation, of less variance for large k, at the same cost.
      Everything else: see `VAE`; its beta and free_bits are not taken.

    References:
      Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016, Eq. 8, 13, 14.
      Tucker et al., Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives, 2019.
    """

    logged = ("loss", "bound", "elbo", "reconstruction", "kl", "ess")

    def __init__(self, encoder, decoder, prior=None, *, likelihood, posterior=None, k=50, estimator="exact", **kwargs):
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)
        if self.beta != 1.0 or self.free_bits:
            raise InvalidInput(
                f"beta {self.beta!r} and free_bits {self.free_bits!r} weigh a KL that the bound of IWAE does not have; "
                "leave them out"
            )
        self.k = positive_int("k", k)
        if estimator not in ("exact", "dreg"):
            raise unknown("estimator", estimator, ["exact", "dreg"])
        self.estimator = estimator

    @classmethod
    def create(cls, image_shape, latent_dim=32, network="dense", hidden=None, activation=None,
               likelihood="IndependentBernoulli", prior="StandardNormal", posterior="IndependentNormal",
               k=50, estimator="exact", seed=None):
        return cls(
            **cls.parts(image_shape, latent_dim, network, hidden, activation, likelihood, prior, posterior),
            k=k, estimator=estimator, seed=seed,
        )

    def noise(self, rng):
        return self.posterior.noise(rng, self.k)

    def terms(self, x, c, noise):
        q = self.q_z(x, *c)
        z = self.posterior.sample(q, noise)
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
