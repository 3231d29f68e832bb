"""Bounds as objects: what theta and eta ascend together, stated on p(x, z) and q(z|x) of one batch.

A model that ascends a bound, such as `models.VAE`, takes one of these objects. To add a bound, subclass `Bound` and
implement one method; see docs/add_a_bound.md.
"""

from typing import Any, Protocol

import keras
import tensorflow as tf

from dgm_zoo.checks import nonnegative, whole_number
from dgm_zoo.distributions import Head, Prior
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.objectives.evidence import doubly_reparametrised, elbo, importance_bound, importance_weights
from dgm_zoo.specs import from_spec


class Joint(Protocol):
    """p(x, z) and q(z|x) for the x of one batch, as a bound sees them. All values are in nats.

    Attributes:
      z: samples of q(z|x), `[batch, ...]`, or `[k, batch, ...]` if the bound sets `samples`.
    """

    z: tf.Tensor

    def log_px(self, z: tf.Tensor) -> tf.Tensor:
        """Returns log p(x|z): the leading axes of z."""

    def log_pz(self, z: tf.Tensor) -> tf.Tensor:
        """Returns log p(z): the leading axes of z."""

    def log_qz(self, z: tf.Tensor, held: bool = False) -> tf.Tensor:
        """Returns log q(z|x): the leading axes of z; with `held`, no gradient reaches the parameters of q."""

    def kl(self) -> tf.Tensor:
        """Returns KL(q(z|x) || p(z)), `[batch]`: the closed form if there is one, else log q(z) - log p(z)."""

    def kl_of_dimensions(self) -> tf.Tensor:
        """Returns the KL of each dimension of z, for normals: `[batch, dimensions]`."""


class Bound:
    """Base of all bounds.

    Attributes:
      samples: number of z drawn per example; None for one, without a sample axis.
      logged: names of the terms that `fit` reports besides `loss`, which is minus the mean of `objective`.
      coefficients: numbers that training may change, such as beta: name to initial value or schedule. The model stores
        them and passes the current values, tensors, by name.
      gradient_through_z: whether the bound needs the exact gradient through z, without a straight-through estimator.
    """

    samples: int | None = None
    logged: tuple = ("elbo", "reconstruction", "kl")
    gradient_through_z = False

    @property
    def coefficients(self) -> dict[str, Any]:
        """Returns the numbers that training may change: name to initial value or schedule."""
        return {}

    @property
    def of_rows(self) -> bool:
        """Whether the objective of an example is independent of the other examples of its batch."""
        return True

    def __call__(self, joint: Joint, **coefficients: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the terms by name, `[batch]` each, in nats; `objective` is what theta and eta ascend."""
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(joint), which returns the objective")

    def check(self, prior: Prior, posterior: Head) -> None:
        """Raises `InvalidInput` if the bound does not support these heads."""

    def get_config(self) -> dict:
        return {}

    @classmethod
    def from_config(cls, config: dict) -> "Bound":
        return cls(**config)


@keras.saving.register_keras_serializable("dgm_zoo")
class Evidence(Bound):
    """The evidence lower bound, E_q log p(x|z) - beta KL(q(z|x) || p(z)), from one sample of z.

    Args:
      beta: weight of the KL (beta-VAE), a number or a schedule, see `core.coefficients`; 1 for the bound itself.
      free_bits: nats per latent dimension; the KL of a dimension is not reduced below it, in the mean over the batch.

    Raises:
      InvalidInput: a negative value; free bits with a posterior or prior that is not normal.

    References:
      Kingma and Welling, Auto-Encoding Variational Bayes, 2014, Eq. 3. Higgins et al., beta-VAE, 2017.
      Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016, Eq. 15 (free bits).
    """

    def __init__(self, beta: Any = 1.0, free_bits: float = 0.0) -> None:
        self.beta, self.free_bits = beta, nonnegative("free_bits", free_bits)

    @property
    def coefficients(self) -> dict[str, Any]:
        return {"beta": self.beta}

    @property
    def of_rows(self) -> bool:
        return not self.free_bits

    def __call__(self, joint: Joint, beta: tf.Tensor) -> dict[str, tf.Tensor]:
        log_px, kl = joint.log_px(joint.z), joint.kl()
        pushed = free_kl(joint.kl_of_dimensions(), self.free_bits) if self.free_bits else kl
        return {"objective": elbo(log_px, pushed, beta), "elbo": elbo(log_px, kl), "reconstruction": log_px, "kl": kl}

    def check(self, prior: Prior, posterior: Head) -> None:
        if self.free_bits and not (posterior.normal and prior.normal):
            raise InvalidInput(
                f"free_bits {self.free_bits!r} needs a normal posterior and a StandardNormal prior; set it to 0"
            )

    def get_config(self) -> dict:
        return {"beta": keras.saving.serialize_keras_object(self.beta), "free_bits": self.free_bits}

    @classmethod
    def from_config(cls, config: dict) -> "Evidence":
        return cls(keras.saving.deserialize_keras_object(config["beta"]), config["free_bits"])


@keras.saving.register_keras_serializable("dgm_zoo")
class ImportanceWeightedEvidence(Bound):
    """L_k = E log (1/k) sum_i p(x, z_i) / q(z_i|x), z_i ~ q(z|x): tighter as k grows.

    Args:
      k: number of samples.
      estimator: "exact", the gradient of the bound, or "dreg", which replaces eta's gradient by the doubly
        reparametrised one: equal in expectation, with less variance for large k, at the same cost. theta's gradient
        is the same for both.

    Logs `bound`, and `ess`, the effective sample size of the k samples.

    References:
      Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016, Eq. 8, 13, 14.
      Tucker et al., Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives, 2019.
    """

    logged = ("bound", "elbo", "reconstruction", "kl", "ess")

    def __init__(self, k: int = 50, estimator: str = "exact") -> None:
        self.k = self.samples = whole_number("k", k)
        check_known("estimator", estimator, ["exact", "dreg"])
        self.estimator = estimator
        self.gradient_through_z = estimator == "dreg"

    def __call__(self, joint: Joint) -> dict[str, tf.Tensor]:
        z, dreg = joint.z, self.estimator == "dreg"
        if dreg:
            z = doubly_reparametrised(z, lambda: importance_weights(log_w))
        log_px = joint.log_px(z)
        log_w = log_px + joint.log_pz(z) - joint.log_qz(z, held=dreg)
        bound = importance_bound(log_w)
        return {
            "objective": bound,
            "bound": bound,
            "elbo": tf.reduce_mean(log_w, 0),
            "reconstruction": tf.reduce_mean(log_px, 0),
            "kl": tf.reduce_mean(log_px - log_w, 0),
            "ess": 1.0 / tf.reduce_sum(importance_weights(log_w) ** 2, 0),
        }

    def check(self, prior: Prior, posterior: Head) -> None:
        if self.gradient_through_z and posterior.binary and posterior.reparametrised:
            raise InvalidInput(
                f"estimator 'dreg' passes a gradient through z, which samples of {type(posterior).__name__} carry only "
                "in part; use estimator 'exact'"
            )

    def get_config(self) -> dict:
        return {"k": self.k, "estimator": self.estimator}


def free_kl(kl_of_dimensions: tf.Tensor, free_bits: float) -> tf.Tensor:
    """Returns sum_d max(mean over the batch of KL_d, free_bits), nats: `[batch, dimensions]` to a scalar.

    References: Kingma et al., 2016, Eq. 15.
    """
    return tf.reduce_sum(tf.maximum(tf.reduce_mean(kl_of_dimensions, 0), free_bits))


BOUNDS = {cls.__name__: cls for cls in (Evidence, ImportanceWeightedEvidence)}


def bound_of(spec: Any) -> Bound:
    """Returns the bound that `spec` names.

    Args:
      spec: a `Bound` (returned unchanged), a name such as "Evidence", or a dict with that `name` and further arguments,
        such as `{"name": "ImportanceWeightedEvidence", "k": 5}`.

    Raises:
      InvalidInput: an unknown bound (the message suggests the nearest name), or an invalid argument.

    Example:
      >>> bound_of("Evidence").coefficients
      {'beta': 1.0}
    """
    return from_spec("bound", spec, Bound, BOUNDS, "Evidence")
