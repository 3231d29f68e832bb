"""The Helmholtz machine, the base class of reweighted wake-sleep and of the bidirectional machine."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import layer_sizes, whole_number
from dgm_zoo.core import recipes
from dgm_zoo.core.chunks import in_chunks
from dgm_zoo.core.endpoints import SEED, Endpoint, Input, check_array
from dgm_zoo.core.estimates import added
from dgm_zoo.core.formulation import KL, Ascent, Edge, Formulation
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions import BatchNoise, RowNoise, row_seeds
from dgm_zoo.errors import InvalidInput
from dgm_zoo.networks.stochastic import BeliefNetwork
from dgm_zoo.objectives.wake_sleep import power_bound

ROWS_PER_PASS = 4000  # `rows_per_pass` of networks that compute one number per bit
POWERS = (0.5, 1.0, 2.0)  # of the importance weights w, whose means `weight_moments` estimates


@recipes.makes("generative", "inference", "image_shape")
def networks(*, image_shape: Sequence[int], layers: Any = "200,200,10", layer_kind: str = "sigmoid") -> dict[str, Any]:
    """The two networks and the shape of x.

    Args:
      layers: sizes of the latent layers; see `checks.layer_sizes`.
      layer_kind: kind of the layers of p and q; see `networks.stochastic.BeliefNetwork`.
    """
    sizes = (int(np.prod(image_shape)), *layer_sizes(layers))
    return {
        "generative": BeliefNetwork(sizes[::-1], root=True, kind=layer_kind, name="generative"),
        "inference": BeliefNetwork(sizes, kind=layer_kind, name="inference"),
        "image_shape": tuple(image_shape),
    }


@register_model("helmholtz")
@keras.saving.register_keras_serializable("dgm_zoo")
class HelmholtzMachine(GenerativeModel):
    """Helmholtz machine trained by wake-sleep: p_theta(x, h) and q_eta(h|x), with latent bits in layers h_1, ..., h_L.

        p_theta(x, h) = p(h_L) p(h_L-1|h_L) ... p(x|h_1)        q_eta(h|x) = q(h_1|x) ... q(h_L|h_L-1)

        wake   max_{theta}  E_{p_data(x) q_eta(h|x)}  log p_theta(x, h)
        sleep  max_{eta}    E_{p_theta(x, h)}         log q_eta(h|x)

    with one sample for each example of the batch. p(h_L) is learned too. The sleep phase minimises the KL in the
    opposite direction to the wake phase, so the two share no bound; `loss`, used for model selection, is the negative
    ELBO, -E_q log p(x, h) / q(h|x); neither player optimises it directly.

    Args:
      generative: p, a `networks.stochastic.BeliefNetwork` with a root, from h_L down to x.
      inference: q, a `BeliefNetwork` without a root, from x up to h_L.
      image_shape: shape of one x, which the networks take as a vector; None for the vector's own shape.

    Raises:
      InvalidInput: sizes of the networks or of x disagree; or, naming the first such value, data are not binary.

    Example:
      >>> model = dgm_zoo.create("helmholtz", image_shape=(28, 28, 1), layers="200,200,10")
      >>> model.compile(keras.optimizers.Adam(1e-3))
      >>> model.fit(dgm_zoo.data.load("binarized_mnist", "train", 100), epochs=10)
      >>> model.log_likelihood(x, num_samples=1000).shape   # x: [64, 28, 28, 1]
      (64,)

    References: Hinton, Dayan, Frey and Neal, The wake-sleep algorithm for unsupervised neural networks, 1995.
    """

    players = {"theta": ("generative",), "eta": ("inference",)}
    logged = ("loss", "elbo", "wake", "sleep")
    ascends = {"theta": "wake", "eta": "sleep"}
    weighs = {"wake": True, "sleep": False}
    call_endpoint = None  # every answer is drawn
    formulation = Formulation(
        name="Helmholtz machine",
        x="data, bits", z="bits in levels, h = (h_1, ..., h_L)",
        p_x_given_y="p_θ(x|h_1) p_θ(h_1|h_2) ... p_θ(h_L), a sigmoid belief network",
        q_z_given_xy="q_η(h|x): recognition network, one such level after the other",
        kl=(KL("q_η(h|x) p_data(x)", "p_θ(x,h)", "wake"), KL("p_θ(x,h)", "q_η(h|x) p_θ(x)", "sleep")),
        remark="θ descends the first, η the second: opposite directions, and no common bound",
        ascents=(
            Ascent(
                ("theta",), "E_{p_data(x) q_η(h|x)} log p_θ(x,h)",
                reads=("data", "posterior"), carries=("theta",), stopped="bits h",
            ),
            Ascent(("eta",), "E_{p_θ(x,h)} log q_η(h|x)", reads=("prior",), carries=("eta",), stopped="dreams x, h"),
        ),
        edges=(Edge("h", "x", "p_θ(x|h)"), Edge("x", "h", "q_η(h|x)")),
    )
    recipes = (networks,)
    bound = "elbo"  # the term whose negative is the loss
    k = 1  # samples of q for each example
    abilities = frozenset({"weight_moments"})
    endpoint_samples = 128  # importance samples behind the served log_likelihood

    def __init__(self, generative: BeliefNetwork, inference: BeliefNetwork, *, image_shape: Sequence[int] | None = None,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.generative, self.inference = generative, inference
        visible, *self.latents = inference.sizes
        self.image_shape = (visible,) if image_shape is None else tuple(image_shape)
        if generative.sizes != inference.sizes[::-1]:
            raise InvalidInput(
                f"p has levels {generative.sizes} and q {inference.sizes}; give the same in the opposite order"
            )
        if not generative.root or inference.root:
            raise InvalidInput("p needs a root and q none; give p as BeliefNetwork(sizes, root=True)")
        if int(np.prod(self.image_shape)) != visible:
            raise InvalidInput(f"image_shape {self.image_shape} does not hold the {visible} values that q takes")

    # ------------------------------------------------------------------------------------------ the two joints

    def infer(self, x: tf.Tensor, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """log p(x, h_k) and log q(h_k|x) for h_k ~ q: `[k, batch]` each, for logistic noise `[k, batch, bits]`."""
        return self._infer(tf.reshape(x, [-1, self.inference.sizes[0]]), noise)

    def _infer(self, x, noise):
        levels, logits = self.inference.draw(noise, x)
        return self.generative.log_prob(levels[::-1]), self.inference.score(levels[1:], logits)

    def dreamt(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """log p(x, h) and log q(h|x) for x, h ~ p: each `[...]`, for logistic noise `[..., bits]`."""
        levels, logits = self.generative.draw(noise)
        return self.generative.score(levels, logits), self.inference.log_prob(levels[::-1])

    # ------------------------------------------------------------------------------------------ training

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        noise = self.noise(self.rng(x))
        terms = self.ascend(self.terms, x, c, noise, **self.ascends)
        return self.log(loss=-terms[self.bound], **terms)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        noise = self.noise(self.rng(x, training=False))
        terms = self.jitted(self.terms)(x, c, noise)
        return self.log(loss=-terms[self.bound], **terms)

    def noise(self, rng: BatchNoise) -> Any:
        """The noise of one step: `[k, batch, bits of q]` for the wake phase, `[1, batch, bits of p]` for sleep."""
        return rng.logistic((self.inference.bits,), self.k), rng.logistic((self.generative.bits,), 1)

    def terms(self, x: tf.Tensor, c: tuple, noise: Any) -> dict[str, tf.Tensor]:
        """Each player's utility, and the bound, each `[batch]`, in nats."""
        awake, asleep = noise
        log_p, log_q = self.infer(x, awake)
        _, log_q_of_dreams = self.dreamt(asleep)
        return {
            "wake": tf.reduce_mean(log_p, 0),
            "sleep": tf.reduce_mean(log_q_of_dreams, 0),
            "elbo": tf.reduce_mean(log_p - log_q, 0),
        }

    # ------------------------------------------------------------------------------------------ use

    @property
    def rows_per_pass(self) -> int:
        """Maximum number of samples x images in one pass through the networks, when estimating a likelihood."""
        return max(1, ROWS_PER_PASS // max(self.generative.per_bit, self.inference.per_bit))

    def log_likelihood(self, x: np.ndarray, num_samples: int = 1000, seed: int = 0) -> np.ndarray:
        """Importance-sampled log p(x) with q as the proposal, nats: NumPy `[n]`; see `weight_moments`."""
        return self.weight_moments(x, num_samples, seed)[:, POWERS.index(1.0)]

    def weight_moments(self, x: np.ndarray, num_samples: int = 1000, seed: int = 0) -> np.ndarray:
        """log (1/K) sum_k w_k^a for a = 1/2, 1 and 2, with w_k = p(x, h_k) / q(h_k|x) and h_k ~ q: NumPy `[n, 3]`.

        The first is half of log p~*(x), the second is log p(x), each a lower bound in expectation that is tight as K
        grows; the ratios of all three are effective sample sizes. Memory does not grow with K, and an image's numbers
        do not depend on the other images in the call.

        Args:
          x: `[n, *image_shape]`, binary.
          num_samples: K.
          seed: int32.

        Raises:
          InvalidInput: K is below 1, or x has the wrong shape or is not binary.
        """
        num_samples = whole_number("num_samples", num_samples)
        x = check_array("log_likelihood", "x", x, self.takes()["x"])
        if not len(x):
            return np.zeros((0, len(POWERS)), np.float32)
        chunk = min(num_samples, 200)  # a tensor in the graph, which is traced once for all of them
        run = self.traced(self._weight_moments)
        return in_chunks(
            lambda x, seeds: run(x, seeds, *tf.constant([num_samples, chunk])), (x, row_seeds(seed, len(x))),
            max(1, self.rows_per_pass // chunk),
        )

    def _weight_moments(self, x, seeds, num_samples, chunk):
        rng, powers = RowNoise(seeds), tf.constant(POWERS)[:, None, None]
        x = tf.reshape(x, [-1, 1, self.inference.sizes[0]])  # the noise keeps an image's samples together

        def body(i, total):
            log_p, log_q = self._infer(x, rng.fork(i).logistic((chunk, self.inference.bits)))
            counts = i * chunk + tf.range(chunk) < num_samples  # the last chunk may exceed num_samples
            log_w = tf.where(counts, powers * (log_p - log_q), -float("inf"))
            return i + 1, added(total, tf.reduce_logsumexp(log_w, -1))

        start = (tf.constant(0), tf.fill([len(POWERS), tf.shape(x)[0]], tf.constant(-np.inf, tf.float64)))
        _, total = tf.while_loop(lambda i, _: i * chunk < num_samples, body, start)
        return tf.cast(tf.transpose(total) - tf.math.log(tf.cast(num_samples, tf.float64)), tf.float32)

    def takes(self) -> dict[str, Input]:
        return {"x": Input(self.image_shape, range=(0.0, 1.0), binary=True)}

    def endpoints(self) -> dict[str, Endpoint]:
        def sample(noise):
            _, logits = self.generative.draw(noise)
            return {"x": tf.reshape(tf.sigmoid(logits[-1]), [-1, *self.image_shape])}

        def log_likelihood(x, noise):
            log_p, log_q = self.infer(x, noise)
            return {"log_likelihood": power_bound(log_p - log_q, 1.0)}

        independent = self.generative.kind == "sigmoid"
        return {
            "sample": Endpoint(
                {"seed": SEED}, sample, lambda rng: rng.logistic((self.generative.bits,)),
                "h ~ p(h), layer by layer, then the mean of "
                + ("p(x|h_1)" if independent else "each value of x given h_1 and a draw of those before it"),
            ),
            "log_likelihood": Endpoint(
                {**self.takes(), "seed": SEED}, log_likelihood,
                lambda rng: rng.logistic((self.inference.bits,), self.endpoint_samples),
                f"log p(x) in nats by importance sampling, K = {self.endpoint_samples}: a lower bound in expectation",
                max(1, self.rows_per_pass // self.endpoint_samples),
            ),
        }
