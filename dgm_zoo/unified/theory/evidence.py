"""The objective of a VAE in the same form: Lemma 2, and Eq. 17, which uses a trained discriminator in it.

x takes n values, z takes m. The indicator y is 1 for real and 0 for generated x, p(y) = 1/2, and p_theta0(x) is the
even mixture of p_data(x) and the generated x, p_g(x) = sum_z p(z) p_theta0(x|z), held constant. From Eq. 13,

    p_theta(x|z,y=0) = p_theta(x|z), the decoder's,        p_theta(x|z,y=1) = p_data(x).

q_eta(z|x,y=0) is the encoder's. q_eta(z|x,y=1) is a constant, here p(z); another choice adds a constant to the values.
The discriminator d = q^r(y=0|x) may depend on the source of x besides x itself: otherwise a perfect discriminator could
not separate real and generated examples with the same x. It is `[2, n]`, row 0 for real x, row 1 for generated x.

References: Hu et al., On Unifying Deep Generative Models, 2018, Eq. 12 and 13 (Lemma 2), Eq. 17.
"""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from numpy.typing import ArrayLike

from dgm_zoo.errors import InvalidInput
from dgm_zoo.objectives import activated
from dgm_zoo.unified.theory.sides import Sides, distribution, float64, log_distribution, sides

PERFECT = ((1.0,), (0.0,))  # q*^r(y=0|x): 1 on real x, 0 on generated ones


def lemma_2(
    log_px: Callable,
    log_q: Callable,
    parameters: dict[str, Any],
    prior: ArrayLike,
    data: ArrayLike,
    at: dict[str, Any] | None = None,
) -> Sides:
    """Lemma 2: with a perfect discriminator, the unified bound is half the evidence lower bound of the data.

        E_{p_theta0(x)} [ E_{q_eta(z|x,y) q*^r(y|x)} log p_theta(x|z,y) - KL(q_eta(z|x,y) q*^r(y|x) || p(z|y) p(y)) ]
          =  1/2 E_{p_data(x)} [ E_{q_eta(z|x)} log p_theta(x|z) - KL(q_eta(z|x) || p(z)) ]
             + 1/2 E_{p_theta0(x|y=0)} log p_data(x) - log 2

    The last line does not depend on theta and eta, because generated x are blocked. Both sides are equal in value and
    gradient everywhere; only p_theta0(x) is held constant, at the given parameters.

    Args:
      log_px: function from theta to log p_theta(x|z), `[m, n]`.
      log_q: function from eta to log q_eta(z|x), `[n, m]`.
      parameters: the current `theta` and `eta`: a dict of arrays, or of nested structures of arrays.
      prior: p(z), `[m]`.
      data: p_data(x), `[n]`.
      at: point at which both sides are evaluated, like `parameters`; None for the current parameters.

    Returns:
      `Sides`, whose gradients are dicts of `theta` and `eta`.

    Raises:
      InvalidInput: probabilities that are not normalised, not above 0 or not float64.

    Example:
      >>> found = lemma_2(tf.nn.log_softmax, tf.nn.log_softmax, {"theta": [[0.3, 0.0, -1.0]] * 2,
      ...                 "eta": [[0.1, 0.2]] * 3}, prior=[0.5, 0.5], data=[0.2, 0.3, 0.5])
      >>> abs(found.left_value - found.right_value) < 1e-12
      True

    References: Hu et al., 2018, Eq. 12, first line (which omits the factor 2), and Eq. 13.
    """
    tables = _Tables(log_px, log_q, parameters, prior, data, PERFECT)

    def right(now):
        blocked = tf.reduce_sum(tables.p_g * tf.math.log(tables.data))
        return 0.5 * (tf.reduce_sum(tables.data * tables.bound(now)) + blocked) - math.log(2.0)

    return sides(tables.equation_12, right, parameters if at is None else at)


def lemma_2_as_kl(
    log_px: Callable,
    log_q: Callable,
    parameters: dict[str, Any],
    prior: ArrayLike,
    data: ArrayLike,
    at: dict[str, Any] | None = None,
) -> Sides:
    """Lemma 2, second line: the gradient of the bound is that of a KL divergence with q as first argument.

        grad  E_{p_theta0(x)} [ E_{q_eta(z|x,y) q*^r(y|x)} log p_theta(x|z,y) - KL(q_eta q*^r || p(z|y) p(y)) ]
          =  grad  E_{p_theta0(x)} [ -KL(q_eta(z|x,y) q*^r(y|x) || p_theta(z,y|x)) ]

    The two differ by E_{p_theta0(x)} log p_theta(x), where p_theta(x) is the even mixture of decoder and data. This
    term depends on theta but not on eta: the gradients with respect to eta agree everywhere, those with respect to
    theta only at the current theta, where p_theta = p_theta0.

    Args:
      log_px, log_q, parameters, prior, data, at: see `lemma_2`.

    Returns:
      `Sides`, whose gradients are dicts of `theta` and `eta`; the values differ.

    Raises:
      InvalidInput: as `lemma_2`.

    Example:
      >>> lemma_2_as_kl(tf.nn.log_softmax, tf.nn.log_softmax, parameters, prior=[0.5, 0.5], data=[0.2, 0.3, 0.5])

    References: Hu et al., 2018, Eq. 12, second line.
    """
    tables = _Tables(log_px, log_q, parameters, prior, data, PERFECT)
    return sides(tables.equation_12, tables.minus_kl, parameters if at is None else at)


def equation_17(
    log_px: Callable,
    log_q: Callable,
    parameters: dict[str, Any],
    prior: ArrayLike,
    data: ArrayLike,
    d: ArrayLike,
    at: dict[str, Any] | None = None,
) -> Sides:
    """Adversary activation: `objectives.activated` has the gradient of Eq. 17, for every discriminator.

    The left side is Eq. 12 with d in place of the perfect q*^r(y=0|x). The right side is the mean of `activated` over a
    real and a generated x, 1/2 E_{p_data(x)} d L(x) + 1/2 E_{p_g(x)} d L(x), where L is the evidence lower bound. The
    values differ by a constant that depends only on d: the gradients agree everywhere, with d and p_theta0(x) held
    constant.

    Args:
      log_px, log_q, parameters, prior, data, at: see `lemma_2`.
      d: q^r_phi(y=0|x) = q_phi(y=1|x) for real and for generated x, `[2, n]`, from 0 to 1.

    Returns:
      `Sides`, whose gradients are dicts of `theta` and `eta`; the values differ.

    Raises:
      InvalidInput: as `lemma_2`; d outside [0, 1], or with another shape.

    Example:
      >>> d = [[0.9, 0.6, 0.7], [0.2, 0.5, 0.4]]
      >>> equation_17(tf.nn.log_softmax, tf.nn.log_softmax, parameters, [0.5, 0.5], [0.2, 0.3, 0.5], d)

    References: Hu et al., 2018, Eq. 17.
    """
    tables = _Tables(log_px, log_q, parameters, prior, data, d)
    of_real, of_fake = tf.unstack(tf.math.log(tables.d) - tf.math.log1p(-tables.d))

    def right(now):
        bound = tables.bound(now)
        pairs = activated(bound[:, None], bound[None], of_real[:, None], of_fake[None])
        return tf.reduce_sum(tables.data[:, None] * tables.p_g * pairs)

    return sides(tables.equation_12, right, parameters if at is None else at)


class _Tables:
    """The distributions of this module, with axes [y, source of x, x, z], and the expressions built from them."""

    def __init__(
        self,
        log_px: Callable,
        log_q: Callable,
        parameters: dict[str, Any],
        prior: ArrayLike,
        data: ArrayLike,
        d: ArrayLike,
    ) -> None:
        self.log_px, self.log_q = log_px, log_q
        self.prior, self.data = distribution("prior", prior), distribution("data", data)
        n, d = len(self.data), float64(d)
        inside = tf.reduce_all((d >= 0) & (d <= 1))
        if tuple(d.shape) not in ((2, 1), (2, n)) or not inside:
            raise InvalidInput(f"d of shape {d.shape.as_list()} must hold values from 0 to 1, [2, {n}]")
        self.d = tf.broadcast_to(d, [2, n])
        current = log_distribution("log_px", log_px, float64(parameters["theta"]), 2)
        codes = log_distribution("log_q", log_q, float64(parameters["eta"]), 2)
        if (len(self.prior), n) != tuple(current.shape) or current.shape != codes.shape[::-1]:
            raise InvalidInput(
                f"log_px {current.shape.as_list()}, log_q {codes.shape.as_list()}, prior [{len(self.prior)}] and data "
                f"[{n}] do not fit; give [m, n], [n, m], [m] and [n]"
            )
        self.p_g = tf.linalg.matvec(tf.exp(current), self.prior, transpose_a=True)

    def joints(self, now: dict[str, Any]) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns q(z|x,y) q^r(y|x), `[2, 2, n, m]`, and log p(x|z,y) p(z|y) p(y), `[2, 1, n, m]`."""
        log_px, log_q = self.log_px(now["theta"]), self.log_q(now["eta"])
        q_z = tf.stack([tf.exp(log_q), tf.ones_like(log_q) * self.prior])[:, None]
        log_x = tf.stack([tf.transpose(log_px), tf.math.log(self.data)[:, None] + tf.zeros_like(log_q)])[:, None]
        return q_z * tf.stack([self.d, 1.0 - self.d])[..., None], log_x + tf.math.log(0.5 * self.prior)

    def equation_12(self, now: dict[str, Any]) -> tf.Tensor:
        """Returns E_q log p(x|z,y) - KL(q || p(z|y) p(y)) over the even mixture of real and generated x."""
        q, log_p = self.joints(now)
        return self.mean(tf.reduce_sum(q * log_p - tf.math.xlogy(q, q), [0, 3]))

    def minus_kl(self, now: dict[str, Any]) -> tf.Tensor:
        """Returns -KL(q || p(z,y|x)) over the same mixture."""
        q, log_p = self.joints(now)
        posterior = log_p - tf.reduce_logsumexp(log_p, [0, 3], keepdims=True)
        return self.mean(tf.reduce_sum(q * posterior - tf.math.xlogy(q, q), [0, 3]))

    def mean(self, values: tf.Tensor) -> tf.Tensor:
        """Returns the mean of `values`, `[2, n]` by source of x, over p_theta0(x)."""
        return 0.5 * tf.reduce_sum(tf.stack([self.data, self.p_g]) * values)

    def bound(self, now: dict[str, Any]) -> tf.Tensor:
        """Returns the evidence lower bound L(x): `[n]`."""
        log_q = self.log_q(now["eta"])
        log_joint = tf.transpose(self.log_px(now["theta"])) + tf.math.log(self.prior)
        return tf.reduce_sum(tf.exp(log_q) * (log_joint - log_q), 1)
