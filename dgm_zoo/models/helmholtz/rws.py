"""Reweighted wake-sleep."""

from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import whole_number
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.formulation import KL, Ascent
from dgm_zoo.core.registry import register_model
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.helmholtz.helmholtz import HelmholtzMachine
from dgm_zoo.networks.stochastic import BeliefNetwork
from dgm_zoo.objectives import effective_sample_size
from dgm_zoo.objectives.wake_sleep import power_bound, power_weights, weighted


@register_model("rws")
@keras.saving.register_keras_serializable("dgm_zoo")
class RWS(HelmholtzMachine):
    """Reweighted wake-sleep: the Helmholtz machine's players, with k samples weighted towards p(h|x).

    With h_1, ..., h_k ~ q_eta(h|x) and w~_i = w_i / sum_j w_j, w_i = p_theta(x, h_i) / q_eta(h_i|x), held constant,

        wake theta  max_{theta}  E_{p_data(x)}     sum_i w~_i log p_theta(x, h_i)
        wake eta    max_{eta}    E_{p_data(x)}     sum_i w~_i log q_eta(h_i|x)
        sleep eta   max_{eta}    E_{p_theta(x, h)} log q_eta(h|x).

    theta's gradient tends to that of log p(x) as k grows; `loss` is -log (1/k) sum_i w_i. With k = 1, wake_eta = 0 and
    sleep_eta = 1 it is the `HelmholtzMachine`.

    Args:
      k: number of samples.
      wake_theta, wake_eta, sleep_eta: weights of the three utilities. Eta's default to 1/2 and 1/2, as in the
        authors' later code; theta's has no effect with a scale-invariant optimizer such as Adam.
      Everything else: see `HelmholtzMachine`.

    Raises:
      InvalidInput: as `HelmholtzMachine`; k is below 1, or weights are negative or leave a player without a utility.

    Example:
      >>> model = dgm_zoo.create("rws", image_shape=(28, 28, 1), layers="200,200,10", k=10)
      >>> model.compile(keras.optimizers.Adam(1e-3))
      >>> model.fit(dgm_zoo.data.load("binarized_mnist", "train", 100), epochs=10)
      >>> model.log_likelihood(x, num_samples=1000).shape   # x: [64, 28, 28, 1]
      (64,)

    References: Bornschein and Bengio, Reweighted Wake-Sleep, 2015, section 3.
    """

    logged = ("loss", "bound", "wake", "sleep", "ess")
    ascends = {"theta": "utility_theta", "eta": "utility_eta"}
    formulation = replace(
        HelmholtzMachine.formulation,
        name="RWS",
        kl=(
            KL("p_data(x)", "p_θ(x)", "wake"), KL("p_θ(h|x) p_data(x)", "q_η(h|x) p_data(x)", "wake"),
            KL("p_θ(x,h)", "q_η(h|x) p_θ(x)", "sleep"),
        ),
        remark="θ descends the first, η the other two; the first two as k grows, which turns samples of q_η(h|x) into "
               "those of p_θ(h|x)",
        ascents=(
            Ascent(
                ("theta",), "E_{p_data(x)} Σ_i w̃_i log p_θ(x,h_i), w̃_i ∝ p_θ(x,h_i) / q_η(h_i|x), h_i ~ q_η(h|x)",
                reads=("data", "posterior"), carries=("theta",), stopped="bits h_i, weights w̃_i",
            ),
            Ascent(
                ("eta",), "½ E_{p_data(x)} Σ_i w̃_i log q_η(h_i|x) + ½ E_{p_θ(x,h)} log q_η(h|x)",
                reads=("data", "prior", "posterior"), carries=("eta",), stopped="bits h_i, weights w̃_i, dreams x, h",
            ),
        ),
    )
    bound = "bound"

    small = {"k": 3}
    wake_theta, wake_eta, sleep_eta = Coefficient(), Coefficient(), Coefficient()

    def __init__(self, generative: BeliefNetwork, inference: BeliefNetwork, *, k: int = 10, wake_theta: Any = 1.0,
                 wake_eta: Any = 0.5, sleep_eta: Any = 0.5, **kwargs: Any) -> None:
        super().__init__(generative, inference, **kwargs)
        self.k = whole_number("k", k)
        self.wake_theta, self.wake_eta, self.sleep_eta = wake_theta, wake_eta, sleep_eta
        if self.wake_theta == 0 or self.wake_eta == self.sleep_eta == 0:
            raise InvalidInput(
                f"wake_theta {wake_theta!r}, wake_eta {wake_eta!r} and sleep_eta {sleep_eta!r} leave a player without "
                "anything to ascend; give theta's and one of eta's a positive weight"
            )

    def terms(self, x: tf.Tensor, c: tuple, noise: Any) -> dict[str, tf.Tensor]:
        awake, asleep = noise
        log_p, log_q = self.infer(x, awake)
        _, log_q_of_dreams = self.dreamt(asleep)
        log_w = log_p - log_q
        weights = power_weights(log_w, 1.0)
        wake, sleep = weighted(log_q, weights), tf.reduce_mean(log_q_of_dreams, 0)
        return {
            "utility_theta": self.now("wake_theta") * weighted(log_p, weights),
            "utility_eta": self.now("wake_eta") * wake + self.now("sleep_eta") * sleep,
            "wake": wake,
            "sleep": sleep,
            "bound": power_bound(log_w, 1.0),
            "ess": effective_sample_size(log_w),
        }
