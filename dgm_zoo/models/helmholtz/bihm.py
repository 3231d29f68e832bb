"""The bidirectional Helmholtz machine."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_seed, is_number, shown, whole_number
from dgm_zoo.core.endpoints import SEED, Endpoint
from dgm_zoo.core.estimates import added
from dgm_zoo.core.formulation import KL, Ascent
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions import BatchNoise
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.helmholtz.chain import GibbsChain
from dgm_zoo.models.helmholtz.helmholtz import POWERS, ROWS_PER_PASS, HelmholtzMachine
from dgm_zoo.networks.stochastic import BeliefNetwork
from dgm_zoo.objectives import effective_sample_size
from dgm_zoo.objectives.wake_sleep import centred, power_bound, power_weights, weighted

MOST_LOG_Z = 0.1  # log Z is at most 0, its Monte Carlo estimate sometimes a little above


@register_model("bihm")
@keras.saving.register_keras_serializable("dgm_zoo")
class BiHM(GibbsChain, HelmholtzMachine):
    """Bidirectional Helmholtz machine: the model is the geometric mean of the two joints ("geometric mean matching").

        p*(x, h) = sqrt(p_theta(x, h) q_eta(x, h)) / Z     with q_eta(x, h) = q_eta(h|x) p*(x), and so
        p*(x) = p~*(x) / Z^2,       log p~*(x) = 2 log sum_h sqrt(p_theta(x, h) q_eta(h|x)).

    Z <= 1, so log p~* is a lower bound of log p*(x). It is also a lower bound of log p(x), whose gap is twice the
    Bhattacharyya distance of p(h|x) and q(h|x). Both players ascend it,

        max_{theta, eta}  E_{p_data(x)}  log p~*(x),

    with h_1, ..., h_k ~ q_eta(h|x) and w~_i = w_i^1/2 / sum_j w_j^1/2, w_i = p_theta(x, h_i) / q_eta(h_i|x), held
    constant: theta by sum_i w~_i log p_theta(x, h_i), eta by sum_i (w~_i - 1/k) log q_eta(h_i|x). `loss` is the
    estimate of -log p~*(x) with these k samples.

    Args:
      k: number of samples, at least 2.
      log_z: log Z in nats, for `log_p_star` and the served log-likelihood; None if unknown. It is valid for the current
        weights only: training and `load_weights` reset it to None.
      Everything else: see `HelmholtzMachine`.

    Example:
      >>> model = dgm_zoo.create("bihm", image_shape=(28, 28, 1), layers="300,200,100,75,50,35,30,25,20,15,10,10")
      >>> model.compile(keras.optimizers.Adam(1e-3))
      >>> model.fit(dgm_zoo.data.load("binarized_mnist", "train", 100), epochs=10)
      >>> model.log_z = dgm_zoo.metrics.log_partition(model)["value"]
      >>> model.log_p_star(x).shape   # x: [64, 28, 28, 1]
      (64,)
      >>> model.inpaint(x, mask, steps=100, seed=0).shape   # mask: 1 where x is to be kept
      (64, 28, 28, 1)

    References: Bornschein, Shabanian, Fischer and Bengio, Bidirectional Helmholtz Machines, 2016.
    """

    logged = ("loss", "bound", "ess")
    ascends = {"theta": "utility_theta", "eta": "utility_eta"}
    weighs = {"utility_theta": True, "utility_eta": True}
    formulation = replace(
        HelmholtzMachine.formulation,
        name="BiHM",
        kl=(KL("p_data(x)", "p*(x)", "wake", less="2 log Z"),),
        remark="p*(x,h) ∝ √(p_θ(x,h) q_η(x,h)), Z ≤ 1; the same as KL(p_data(x) ‖ p_θ(x)) plus twice the Bhattacharyya "
               "distance of p_θ(h|x) and q_η(h|x)",
        ascents=(
            Ascent(
                ("theta",), "E_{p_data(x)} Σ_i w̃_i log p_θ(x,h_i), w̃_i ∝ √(p_θ(x,h_i) / q_η(h_i|x)), h_i ~ q_η(h|x)",
                reads=("data", "posterior"), carries=("theta",), stopped="bits h_i, weights w̃_i",
            ),
            Ascent(
                ("eta",), "E_{p_data(x)} Σ_i (w̃_i − 1/k) log q_η(h_i|x)",
                reads=("data", "posterior"), carries=("eta",), stopped="bits h_i, weights w̃_i",
            ),
        ),
    )
    abilities = HelmholtzMachine.abilities | {"z_moments", "gibbs", "resample"}
    small = {"k": 3}
    bound = "bound"

    def __init__(self, generative: BeliefNetwork, inference: BeliefNetwork, *, k: int = 10, log_z: float | None = None,
                 **kwargs: Any) -> None:
        super().__init__(generative, inference, **kwargs)
        self.k = whole_number("k", k)
        if self.k == 1:
            raise InvalidInput("k is 1, which leaves eta without a utility, as its weight w~_1 - 1/k is 0; give k >= 2")
        self.log_z = log_z

    @property
    def log_z(self) -> float | None:
        """log Z in nats, or None."""
        return self._log_z

    @log_z.setter
    def log_z(self, value: Any) -> None:
        number = is_number(value)
        if value is not None and not number:
            raise InvalidInput(f"log_z is {shown(value)}; give a finite number of nats, or None")
        if number and value > MOST_LOG_Z:
            raise InvalidInput(f"log_z is {value!r}, but Z is at most 1; give an estimate of log Z, which is at most 0")
        self._log_z = None if value is None else float(value)
        self.__dict__.pop("_answers", None)  # the cached endpoints were traced with the old value

    def watchers(self) -> list[keras.callbacks.Callback]:
        return [*super().watchers(), keras.callbacks.LambdaCallback(on_train_begin=lambda logs: self._forget())]

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        self._forget()
        return super().train_on_batch(*args, **kwargs)

    def load_weights(self, *args: Any, **kwargs: Any) -> None:
        self._forget()
        return super().load_weights(*args, **kwargs)

    def _forget(self):
        self.log_z = None

    def noise(self, rng: BatchNoise) -> Any:
        """The noise of one step: standard logistic, `[k, batch, bits of q]`."""
        return rng.logistic((self.inference.bits,), self.k)

    def terms(self, x: tf.Tensor, c: tuple, noise: Any) -> dict[str, tf.Tensor]:
        log_p, log_q = self.infer(x, noise)
        log_w = log_p - log_q
        weights = power_weights(log_w, 0.5)
        return {
            "utility_theta": weighted(log_p, weights),
            "utility_eta": weighted(log_q, centred(weights)),
            "bound": power_bound(log_w, 0.5),
            "ess": effective_sample_size(0.5 * log_w),
        }

    # ------------------------------------------------------------------------------------------ p* and Z

    def log_p_tilde(self, x: np.ndarray, num_samples: int = 1000, seed: int = 0) -> np.ndarray:
        """Importance-sampled log p~*(x) = log p*(x) + 2 log Z, nats: NumPy `[n]`; see `weight_moments`."""
        return 2 * self.weight_moments(x, num_samples, seed)[:, POWERS.index(0.5)]

    def log_p_star(self, x: np.ndarray, num_samples: int = 1000, seed: int = 0) -> np.ndarray:
        """log p*(x) = log p~*(x) - 2 log Z with the model's `log_z`, nats: NumPy `[n]`; see `log_p_tilde`.

        Raises:
          InvalidInput: as `weight_moments`; or `log_z` is None.
        """
        if self.log_z is None:
            raise InvalidInput(
                "log p* needs log Z, of which this model has no estimate; set model.log_z to the log_z that 'dgm-zoo "
                "evaluate --workdir=DIR' prints, or to metrics.log_partition(model)['value']"
            )
        return self.log_p_tilde(x, num_samples, seed) - 2 * self.log_z

    def z_moments(self, num_samples: int = 1_000_000, inner: int = 1, seed: int = 0) -> np.ndarray:
        """log of the means of u and of u^2, where the mean of u tends to Z^2: NumPy `[2]`.

        u = sqrt(q(h|x) / p(x, h)) (1/J) sum_j sqrt(p(x, h_j) / q(h_j|x)) for x, h ~ p and h_j ~ q(h|x), unbiased for
        every J. Memory does not grow with the number of samples.

        Args:
          num_samples: number of pairs (x, h).
          inner: J.
          seed: int32.

        Raises:
          InvalidInput: a number is below 1, or the seed is not an int32.
        """
        num_samples, inner = whole_number("num_samples", num_samples), whole_number("inner", inner)
        seed = np.array([check_seed(seed), 0], np.int32)
        chunk = min(num_samples, max(1, ROWS_PER_PASS // inner))
        rows = min(chunk, max(1, self.rows_per_pass // inner))
        return self.traced(self._z_moments)(seed, *tf.constant([num_samples, inner, chunk, rows])).numpy()

    def _z_moments(self, seed, num_samples, inner, chunk, rows):
        """Draws `chunk` pairs at a time, since bits drawn one by one cost little more for many, and scores `rows`."""
        rng = BatchNoise(seed, chunk)

        def of_chunk(i, total):
            source = rng.fork(i)
            dreamt, _ = self.generative.draw(source.logistic((self.generative.bits,)))
            inferred, _ = self.inference.draw(source.logistic((self.inference.bits,), inner), dreamt[-1])

            def of_rows(start, total):
                levels = [level[start : start + rows] for level in dreamt]
                others = [levels[-1], *(level[:, start : start + rows] for level in inferred[1:])]
                log_w = self.generative.log_prob(levels) - self.inference.log_prob(levels[::-1])
                log_w_of_others = self.generative.log_prob(others[::-1]) - self.inference.log_prob(others)
                log_u = 0.5 * (power_bound(tf.cast(log_w_of_others, tf.float64), 0.5) - tf.cast(log_w, tf.float64))
                counts = i * chunk + start + tf.range(tf.shape(log_u)[0]) < num_samples
                log_u = tf.where(counts, log_u, tf.constant(-np.inf, tf.float64))
                return start + rows, added(total, tf.reduce_logsumexp(tf.stack([log_u, 2 * log_u]), 1))

            return i + 1, tf.while_loop(lambda start, _: start < chunk, of_rows, (0, total))[1]

        start = (tf.constant(0), tf.constant([-np.inf, -np.inf], tf.float64))
        _, total = tf.while_loop(lambda i, _: i * chunk < num_samples, of_chunk, start)
        return total - tf.math.log(tf.cast(num_samples, tf.float64))

    def endpoints(self) -> dict[str, Endpoint]:
        def log_likelihood(x, noise):
            log_p, log_q = self.infer(x, noise)
            tilde = power_bound(log_p - log_q, 0.5)
            known = {} if self.log_z is None else {"log_p_star": tilde - 2 * self.log_z}
            return {"log_likelihood": power_bound(log_p - log_q, 1.0), "log_p_tilde": tilde, **known}

        def inpaint(x, mask, noise):
            start, sweeps = noise
            return {"x": self._chain(x, mask, start, self.endpoint_steps, lambda i: sweeps[i])}

        def inpaint_noise(rng):
            of_sweep = lambda i: self.chain_noise(rng.fork(i))  # noqa: E731
            start = self.start_noise(rng)
            return start, tf.map_fn(of_sweep, tf.range(self.endpoint_steps), fn_output_signature=tf.float32)

        table = super().endpoints()
        return {
            **table,
            "log_likelihood": table["log_likelihood"]._replace(
                compute=log_likelihood,
                doc=f"log p(x), and log p~*(x) = log p*(x) + 2 log Z, in nats by importance sampling, "
                f"K = {self.endpoint_samples}: lower bounds in expectation; "
                + ("log Z is not known" if self.log_z is None else f"log Z = {self.log_z:.4f}"),
            ),
            "inpaint": Endpoint(
                {**self.takes(), "mask": self.takes()["x"], "seed": SEED}, inpaint, inpaint_noise,
                f"x with its values where the mask is 0 drawn from p*, {self.endpoint_steps} sweeps of block Gibbs",
                max(1, self.rows_per_pass // (self.candidates * self.endpoint_steps)),  # it holds the noise of all
            ),
        }
