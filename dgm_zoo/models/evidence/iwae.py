"""The importance weighted auto-encoder."""

from dataclasses import replace

import keras

from dgm_zoo.checks import whole_number
from dgm_zoo.core.formulation import Ascent
from dgm_zoo.core.registry import register
from dgm_zoo.models.evidence.vae import VAE


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
      Everything else: see `VAE`; its beta and free_bits are not taken. Other models with the VAE's bound take k
        too, and `VAE` holds its terms.

    References:
      Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016, Eq. 8, 13, 14.
      Tucker et al., Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives, 2019.
    """

    logged = ("loss", "bound", "elbo", "reconstruction", "kl", "ess")
    formulation = replace(
        VAE.formulation,
        name="IWAE",
        remark="the KL with k=1; with more samples the gap of a bound of log p_θ(x) that is tighter",
        ascents=(
            Ascent(
                ("theta", "eta"), "E_{z_1..z_k ~ q_η(z|x)} log (1/k) Σ_i p_θ(x,z_i) / q_η(z_i|x)",
                reads=("data", "posterior"), carries=("theta", "eta"),
            ),
        ),
    )

    def __init__(self, encoder, decoder, prior=None, *, likelihood, posterior=None, k=50, **kwargs):
        super().__init__(
            encoder, decoder, prior, likelihood=likelihood, posterior=posterior, k=whole_number("k", k), **kwargs
        )

    @classmethod
    def create(cls, image_shape, latent_dim=32, network="dense", hidden=None, activation=None,
               likelihood="IndependentBernoulli", prior="StandardNormal", posterior="IndependentNormal",
               k=50, estimator="exact", sleep=False, seed=None):
        return cls(
            **cls.parts(image_shape, latent_dim, network, hidden, activation, likelihood, prior, posterior),
            k=k, estimator=estimator, sleep=sleep, seed=seed,
        )
