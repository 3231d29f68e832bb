"""`LatentModel`: q(z|x), p(x|z) and p(z) without an objective; the base of evidence and equilibrium models."""

from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.checks import input_shape, match, output_shape
from dgm_zoo.core import estimates, recipes
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.distributions import Head, IndependentNormal, Prior, StandardNormal, VampPrior
from dgm_zoo.distributions.divergences import kl
from dgm_zoo.distributions.roles import check_scored, check_values
from dgm_zoo.errors import InvalidInput
from dgm_zoo.objectives import importance_bound

BEFORE_BOUNDS = ("beta", "free_bits", "k", "estimator", "sleep")  # arguments of such models before `objectives.Bound`


class LatentModel(GenerativeModel):
    """Two conditionals and a prior, with their endpoints: samples, codes, reconstructions, log p(x).

    A subclass defines what its players ascend. `c` is the tuple of further inputs of every conditional, as `condition`
    returns it; it is empty by default.

    Args:
      encoder: Keras model, x `[batch, ...]` to the parameters of q(z|x), `[batch, *posterior.params_shape]`.
      decoder: Keras model, z `[batch, latent_dim]` to parameters of p(x|z), `[batch, *likelihood.params_shape]`.
      prior: p(z), a `distributions.Prior`; `StandardNormal` if None.
      likelihood: the head of p(x|z), such as `IndependentBernoulli((28, 28, 1))`.
      posterior: the head of q(z|x); `IndependentNormal` if None.

    Raises:
      InvalidInput: shapes of networks and heads disagree (names both); a posterior or likelihood without a density; a
        prior and a posterior over different values of z.
    """

    players = {"theta": ("decoder", "likelihood", "prior"), "eta": ("encoder", "posterior")}
    abilities = frozenset({"draw", "log_weights"})
    endpoint_samples = 128  # importance samples behind the served log_likelihood

    def __init__(self, encoder: keras.Model, decoder: keras.Model, prior: Prior | None = None, *, likelihood: Head,
                 posterior: Head | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        latent = input_shape(decoder)
        self.encoder, self.decoder, self.likelihood = encoder, decoder, likelihood
        self.posterior = IndependentNormal(latent) if posterior is None else posterior
        self.prior = StandardNormal(latent) if prior is None else prior
        check_scored(type(self), self.posterior, likelihood)
        self.posterior.shares(self.prior)  # raises if posterior and prior have other groups
        check_values(self.prior, self.posterior)
        match("encoder's input", input_shape(encoder), "likelihood's event", likelihood.event_shape)
        match("encoder's output", output_shape(encoder), "posterior's parameters", self.posterior.params_shape)
        match("decoder's input", latent, "posterior's event", self.posterior.event_shape)
        match("decoder's input", latent, "prior's event", self.prior.event_shape)
        match("decoder's output", output_shape(decoder), "likelihood's parameters", likelihood.params_shape)
        if isinstance(self.prior, VampPrior):
            match("VampPrior's data", self.prior.data_shape, "likelihood's event", likelihood.event_shape)
            if not self.posterior.normal:
                raise InvalidInput(
                    f"VampPrior averages posteriors of the head IndependentNormal, not of "
                    f"{type(self.posterior).__name__}; give that head, or another prior"
                )

    # ------------------------------------------------------------------------------------------ the two joints

    def q_z(self, x: tf.Tensor, *c: tf.Tensor) -> tfd.Distribution:
        """q_eta(z|x): batch shape `[batch]`, event shape `[latent_dim]`."""
        return self.posterior(self.encoder([x, *c] if c else x), **self.posterior.shares(self.prior))

    def p_x(self, z: tf.Tensor, *c: tf.Tensor) -> tfd.Distribution:
        """p_theta(x|z) for z `[..., batch, latent_dim]`: batch shape `[..., batch]`, event shape that of x."""
        lead, rank = tf.shape(z)[:-1], z.shape.rank
        if rank > 2:
            z = tf.reshape(z, [-1, z.shape[-1]])
            c = [tf.tile(one, [tf.reduce_prod(lead[:-1]), 1]) for one in c]
        params = self.decoder([z, *c] if c else z)
        if rank > 2:
            params = tf.reshape(params, tf.concat([lead, self.likelihood.params_shape], 0))
        return self.likelihood(params)

    def p_z(self) -> tfd.Distribution:
        """The prior p(z)."""
        return self.prior.distribution(self.q_z)

    def draw_z(self, noise: Any, label: Any = None) -> tf.Tensor:
        """z ~ p(z) from the noise of `prior.noise`, `[batch, latent_dim]`; `label` is for models with a class in z."""
        return self.prior.draw(noise, self.q_z)

    def joint(self, x: tf.Tensor, c: tuple, q: tfd.Distribution, noise: Any) -> "_Joint":
        """The `objectives.bounds.Joint` of p(x, z) and q(z|x), with z ~ q(z|x) from `noise`."""
        return _Joint(self, x, c, q, noise)

    def log_weights(self, x: tf.Tensor, c: tuple, q: tfd.Distribution, noise: Any) -> tf.Tensor:
        """log p(x, z_k) - log q(z_k|x) for z_k ~ q, nats: `[k, batch]`."""
        joint = self.joint(x, c, q, noise)
        return joint.log_px(joint.z) + joint.log_pz(joint.z) - joint.log_qz(joint.z)

    # ------------------------------------------------------------------------------------------ use

    def encode(self, x: np.ndarray, label: Any = None) -> dict[str, np.ndarray]:
        """The posterior's parameters for x: a dict of NumPy arrays, such as `mean` and `stddev` `[n, latent_dim]`."""
        return self.answer("encode", x=x, **self.label_for("encode", label))

    def decode(self, z: np.ndarray, label: Any = None) -> np.ndarray:
        """The likelihood's mean for latents z `[n, latent_dim]`: NumPy `[n, *image_shape]`."""
        return self.answer("decode", z=z, **self.label_for("decode", label))["x"]

    def reconstruct(self, x: np.ndarray, label: Any = None) -> np.ndarray:
        """The likelihood's mean at the posterior's mean: NumPy, the shape of x."""
        return self.answer("reconstruct", x=x, **self.label_for("reconstruct", label))["x"]

    def log_likelihood(self, x: np.ndarray, label: Any = None, num_samples: int = 1000, seed: int = 0) -> np.ndarray:
        """Importance-sampled log p(x), nats: NumPy `[n]`; see `core.estimates.log_likelihood`."""
        return estimates.log_likelihood(self, x, label, num_samples, seed)

    def draw(self, n: int, seed: int = 0, label: Any = None) -> np.ndarray:
        """Draws z ~ p(z), then x ~ p(x|z), whose mean `sample` returns; see `core.estimates.draw`."""
        return estimates.draw(self, n, seed, label)

    def label_for(self, name: str, label: Any) -> dict[str, Any]:
        """`{"label": label}`, or `{}` if endpoint `name` takes no label, as in semi-supervised models."""
        ignored = "label" in self.takes() and "label" not in self.endpoints()[name].inputs
        return {} if label is None or ignored else {"label": label}

    def _reconstruct(self, x, label=None):
        c = self.condition(label)
        return {"x": self.p_x(self.posterior.code(self.q_z(x, *c)), *c).mean()}

    def takes(self) -> dict[str, Input]:
        return {"x": Input(self.likelihood.event_shape, range=self.likelihood.range)}

    def endpoints(self) -> dict[str, Endpoint]:
        x, *given = self.takes().items()
        x, given, z = dict([x]), dict(given), {"z": Input(self.posterior.event_shape)}

        def sample(noise, label=None):
            return {"x": self.p_x(self.draw_z(noise, label), *self.condition(label)).mean()}

        def log_likelihood(x, noise, label=None):
            c = self.condition(label)
            return {"log_likelihood": importance_bound(self.log_weights(x, c, self.q_z(x, *c), noise))}

        table = {
            "sample": Endpoint({"seed": SEED, **given}, sample, self.prior.noise, "z ~ p(z), then the mean of p(x|z)"),
            "encode": Endpoint(
                {**x, **given}, lambda x, label=None: self.posterior.moments(self.q_z(x, *self.condition(label))),
                doc="the parameters of q(z|x)",
            ),
            "decode": Endpoint(
                {**z, **given}, lambda z, label=None: {"x": self.p_x(z, *self.condition(label)).mean()},
                doc="the mean of p(x|z)",
            ),
            "reconstruct": Endpoint({**x, **given}, self._reconstruct, doc="the mean of p(x|z) at q's mean"),
        }
        if not self.prior.has_density:
            return table
        return table | {
            "log_likelihood": Endpoint(
                {**x, "seed": SEED, **given}, log_likelihood,
                lambda rng: self.posterior.noise(rng, self.endpoint_samples),
                f"log p(x) in nats by importance sampling, K = {self.endpoint_samples}",
                max(1, estimates.ROWS_PER_DECODE // self.endpoint_samples),
            ),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> Self:
        return super().from_config(_of_bounds(cls, config), custom_objects)


class _Joint:
    """Implements `objectives.bounds.Joint` with a model's conditionals."""

    def __init__(self, model: LatentModel, x: tf.Tensor, c: tuple, q: tfd.Distribution, noise: Any) -> None:
        self.model, self.x, self.c, self.q = model, x, c, q
        self.z = model.posterior.sample(q, noise)

    def log_px(self, z: tf.Tensor) -> tf.Tensor:
        return self.model.p_x(z, *self.c).log_prob(self.x)

    def log_pz(self, z: tf.Tensor) -> tf.Tensor:
        return self.model.p_z().log_prob(z)

    def log_qz(self, z: tf.Tensor, held: bool = False) -> tf.Tensor:
        return (self.model.posterior.held(self.q) if held else self.q).log_prob(z)

    def kl(self) -> tf.Tensor:
        return kl(self.q, self.model.p_z(), self.z)

    def kl_of_dimensions(self) -> tf.Tensor:
        return kl(self.q.distribution, self.model.p_z().distribution, None)


def _of_bounds(cls, config):
    """Converts a config from before bounds were objects, as in presets of version 0.1, to today's form."""
    old = {name: config[name] for name in BEFORE_BOUNDS if name in config}
    takes = recipes.constructor_arguments(cls)
    if "free_bits" not in old:
        return config
    config = {name: value for name, value in config.items() if name not in old}
    if "bound" not in takes:
        return config
    if old.get("k"):
        bound = {"name": "ImportanceWeightedEvidence", "k": old["k"], "estimator": old.get("estimator", "exact")}
    else:
        bound = {"name": "Evidence", "beta": old["beta"], "free_bits": old["free_bits"]}
    return {**config, "bound": bound, "sleep": old.get("sleep", False)}
