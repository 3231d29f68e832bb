"""The variational auto-encoder."""

from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import boolean
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.formulation import KL, Ascent, Edge, Formulation
from dgm_zoo.core.latent import LatentModel
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions import BatchNoise, Head, Prior, with_density
from dgm_zoo.errors import InvalidInput
from dgm_zoo.objectives import Bound, bound_of


@recipes.makes("bound")
def bound(*, bound: Any = "Evidence", beta: Any = 1.0, free_bits: float = 0.0, k: int | None = None,
          estimator: str = "exact") -> dict[str, Bound]:
    """Builds a model's bound from its name, or from its most common arguments.

    Args:
      bound: an `objectives.Bound`, its name, or a dict with that name and its arguments.
      beta, free_bits: see `objectives.Evidence`.
      k, estimator: see `objectives.ImportanceWeightedEvidence`, the bound if k is given.

    Raises:
      InvalidInput: arguments of two bounds, or a bound given twice.
    """
    of_evidence = _changed(beta=(beta, 1.0), free_bits=(free_bits, 0.0))
    of_samples = _changed(k=(k, None), estimator=(estimator, "exact"))
    given = of_evidence | of_samples
    if given and bound != "Evidence":
        raise InvalidInput(f"{next(iter(given))} is an argument of a bound, and so is bound={bound!r}; leave one out")
    if "estimator" in of_samples and k is None:
        raise InvalidInput(f"estimator {estimator!r} needs a bound of k samples; give k too")
    if of_evidence and of_samples:
        (name, value), *_ = of_evidence.items()
        raise InvalidInput(
            f"{name} {value!r} weights a KL, which the bound of {k} samples does not contain; leave out {name} or k"
        )
    name = "ImportanceWeightedEvidence" if of_samples else bound
    return {"bound": bound_of({"name": name, **given} if given else bound)}


def _changed(**given):
    """The arguments that differ from their defaults; each is given as (value, default)."""
    plain = (str, int, float, type(None))
    return {name: value for name, (value, other) in given.items() if not isinstance(value, plain) or value != other}


@register_model("vae")
@keras.saving.register_keras_serializable("dgm_zoo")
class VAE(LatentModel):
    """Variational auto-encoder: the two joints p_theta(x|z) p(z) and q_eta(z|x) p_data(x), brought together.

    Both players ascend the evidence lower bound,

        max_{theta, eta}  E_{q_eta(z|x)} log p_theta(x|z) - KL(q_eta(z|x) || p(z)),

    with one reparametrised sample of z, and the KL in closed form where TFP registers one; or another `bound`.

    With `sleep`, every training step ends with a sleep phase,

        sleep  max_{eta}  E_{p_theta(x, z)} log q_eta(z|x),

    on as many dreams z ~ p(z), x ~ p(x|z) as the batch has examples, held constant, so only eta learns from them. It
    minimises KL(p || q), whereas the bound minimises KL(q || p) in eta, and uses its own copy of eta's optimizer.
    `sleep` is in nats; `loss` and all other terms belong to the wake phase. Dreams use the batch's conditions, if any.

    Args:
      encoder: Keras model, x `[batch, ...]` to the parameters of q(z|x), `[batch, *posterior.params_shape]`.
      decoder: Keras model, z `[batch, latent_dim]` to parameters of p(x|z), `[batch, *likelihood.params_shape]`.
      prior: p(z), a `distributions.Prior` with a density; `StandardNormal` if None.
      likelihood: the head of p(x|z), such as `IndependentBernoulli((28, 28, 1))`.
      posterior: the head of q(z|x); `IndependentNormal` if None.
      bound: what both players ascend: an `objectives.Bound`, its name, or a dict with that name and its arguments.
      sleep: whether each step ends with a sleep phase of eta.

    Raises:
      InvalidInput: as `LatentModel`; a prior without a density, a posterior whose samples carry no gradient, or a bound
        unfit for the heads.

    Example:
      >>> model = dgm_zoo.create("vae", image_shape=(28, 28, 1), latent_dim=32)
      >>> model.compile(optimizer="adam")
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128, binarize="stochastic"), epochs=10)
      >>> model.sample(64, seed=0).shape
      (64, 28, 28, 1)

    References: Kingma and Welling, Auto-Encoding Variational Bayes, 2014. Higgins et al., beta-VAE, 2017. Hinton,
      Dayan, Frey and Neal, The wake-sleep algorithm for unsupervised neural networks, 1995. Hu et al., On Unifying
      Deep Generative Models, 2018, Eq. 14 (the sleep phase).
    """

    ascends = {"theta": "objective", "eta": "objective"}
    weighs = {"objective": True}
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
    recipes = (recipes.autoencoder, bound)
    default_bound = "Evidence"
    beta = Coefficient()  # exists if the bound has one

    def __init__(self, encoder: keras.Model, decoder: keras.Model, prior: Prior | None = None, *, likelihood: Head,
                 posterior: Head | None = None, bound: Any = None, sleep: bool = False, **kwargs: Any) -> None:
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)
        with_density(self.prior, type(self))
        if not self.posterior.reparametrised:
            raise InvalidInput(
                f"{type(self).__name__} cannot train through samples of {type(self.posterior).__name__}, which carry "
                "no gradient; give a posterior such as IndependentNormal or StraightThroughBernoulli"
            )
        self.bound, self.sleep = bound_of(self.default_bound if bound is None else bound), boolean("sleep", sleep)
        self.bound.check(self.prior, self.posterior)
        self.weighs = type(self).weighs if self.bound.of_rows else {}
        self.add_coefficients(self.bound.coefficients)
        self.logged = ("loss", *self.bound.logged, *(("sleep",) if self.sleep else ()))
        self.phases = {"sleep": "eta"} if self.sleep else {}

    # ------------------------------------------------------------------------------------------ training

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        rng = self.rng(x)
        terms = self.ascend(self.terms, x, c, self.noise(rng), **self.ascends)
        return self.log(loss=-terms["objective"], **terms, **self.asleep(c, rng))

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        rng = self.rng(x, training=False)
        terms = self.jitted(self.terms)(x, c, self.noise(rng))
        return self.log(loss=-terms["objective"], **terms, **self.asleep(c, rng, training=False))

    def noise(self, rng: BatchNoise) -> Any:
        """The noise of one step."""
        return self.posterior.noise(rng, self.bound.samples)

    def terms(self, x: tf.Tensor, c: tuple, noise: Any) -> dict[str, tf.Tensor]:
        """The bound and its parts, each `[batch]`, in nats."""
        return self.bound_terms(x, c, self.q_z(x, *c), noise)

    def bound_terms(self, x: tf.Tensor, c: tuple, q: Any, noise: Any) -> dict[str, tf.Tensor]:
        """The terms of the bound for q(z|x), or q(z|x,c)."""
        return self.bound(self.joint(x, c, q, noise), **{name: self.now(name) for name in self.bound.coefficients})

    # ------------------------------------------------------------------------------------------ the sleep phase

    def asleep(self, c: tuple, rng: BatchNoise, training: bool = True) -> dict[str, tf.Tensor]:
        """Runs the sleep phase, or evaluates its terms: `{"sleep": [batch]}`; `{}` if the model has no such phase."""
        if not self.sleep:
            return {}
        noise = self.sleep_noise(rng)
        if training:
            return self.ascend(self.dreams, c, noise, eta="sleep", phase="sleep")
        return self.jitted(self.dreams)(c, noise)

    def sleep_noise(self, rng: BatchNoise) -> tuple:
        """The noise of the sleep phase, for z and for x."""
        return self.prior.noise(rng), self.likelihood.noise(rng)

    def dreamt(self, noise: Any, *c: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """z ~ p(z) and x ~ p(x|z), held constant: `[batch, latent_dim]` and `[batch, *image_shape]`."""
        for_prior, for_x = noise
        z = tf.stop_gradient(self.prior.draw(for_prior, self.q_z))
        return z, tf.stop_gradient(self.likelihood.sample(self.p_x(z, *c), for_x))

    def dreams(self, c: tuple, noise: Any) -> dict[str, tf.Tensor]:
        """log q(z|x) of dreams, nats: `sleep`, `[batch]`."""
        z, x = self.dreamt(noise, *c)
        return {"sleep": self.q_z(x, *c).log_prob(z)}
