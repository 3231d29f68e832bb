"""The importance weighted auto-encoder."""

from dataclasses import replace

import keras

from dgm_zoo.core import recipes
from dgm_zoo.core.formulation import Ascent
from dgm_zoo.core.registry import register_model
from dgm_zoo.models.evidence.vae import VAE
from dgm_zoo.objectives import ImportanceWeightedEvidence


@recipes.makes("bound")
def bound(*, k: int = 50, estimator: str = "exact") -> dict[str, ImportanceWeightedEvidence]:
    """The importance weighted bound.

    Args:
      k, estimator: see `objectives.ImportanceWeightedEvidence`.
    """
    return {"bound": ImportanceWeightedEvidence(k, estimator)}


@register_model("iwae")
@keras.saving.register_keras_serializable("dgm_zoo")
class IWAE(VAE):
    """Importance weighted auto-encoder: the VAE's players, on a bound that k samples tighten.

        max_{theta, eta}  E_{z_1..z_k ~ q_eta(z|x)}  log (1/k) sum_i p_theta(x, z_i) / q_eta(z_i|x)

    With k = 1 it is the VAE's bound, in its single-sample estimate.

    Args:
      bound: `objectives.ImportanceWeightedEvidence`, by default with k = 50. Other models with an evidence bound accept
        it too.
      Everything else: see `VAE`.

    References:
      Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016, Eq. 8, 13, 14.
      Tucker et al., Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives, 2019.
    """

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
    recipes = (recipes.autoencoder, bound)
    small = {"k": 3}
    default_bound = "ImportanceWeightedEvidence"
