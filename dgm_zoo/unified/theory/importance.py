"""The importance weighted GAN: the bound of k samples, its weights, and the resulting update.

y = 0 denotes generated x, p(y) = 1/2. With q^r_phi(y|x) and p_theta0(x) held constant, log q(y) is the log of
sum_x q^r_phi(y|x) p_theta0(x), and k samples x_i ~ p_theta(x|y) give the bound

    L_k(y) = E log (1/k) sum_i w_i <= log q(y),        w_i = q^r_phi(y|x_i) p_theta0(x_i) / p_theta(x_i|y).

All results are exact sums over the n^k k-tuples of a small alphabet, in float64 and nats.

References: Hu et al., On Unifying Deep Generative Models, 2018, section 4.1, Eq. 15 and 16.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from dgm_zoo.checks import is_whole
from dgm_zoo.errors import InvalidInput
from dgm_zoo.objectives import ImportanceWeighted, importance_bound, log_q, log_q_reversed
from dgm_zoo.unified.theory.sides import Sides, distribution, float64, log_distribution, sides

MOST_TUPLES = 1_000_000


def log_weights(log_p: tf.Tensor, logit: ArrayLike, y: int = 0) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the exact log weights of x in the bound, and the approximate ones of Eq. 16: `[n]` each.

        exact         q^r_phi(y|x) p_theta0(x) / p_theta0(x|y)
        approximate   q^r_phi(y|x) / q_phi(y|x),     for y = 0 the exponential of the logit

    For the optimal discriminator, p_theta0(x) / p_theta0(x|y) = 1 / (2 q_phi(y|x)), so they are equal up to a factor 2,
    which normalisation removes. For other discriminators they differ.

    Args:
      log_p: log p_theta0(x|y), `[2, n]`, row y = 0 first.
      logit: logits of q_phi(y=1|x), `[n]`.
      y: 0 or 1.

    Raises:
      InvalidInput: log-probabilities that are not normalised, not float64 or infinite.

    Example:
      >>> log_p = tf.math.log(tf.constant([[0.25, 0.75], [0.5, 0.5]], tf.float64))
      >>> exact, approximate = log_weights(log_p, optimal_discriminator(log_p))
      >>> exact - approximate   # [-log 2, -log 2]
    """
    log_p, logit = log_distribution("log_p", tf.identity, log_p, 2), float64(logit)
    log_marginal = tf.reduce_logsumexp(log_p, 0) - math.log(2.0)
    return log_q_reversed(logit, y) + log_marginal - log_p[y], log_q_reversed(logit, y) - log_q(logit, y)


def equation_15(log_p: tf.Tensor, logit: ArrayLike, k: int, y: int = 0) -> tuple[float, float]:
    """Returns the bound of k samples and its limit: L_k(y) and log q(y), nats.

    L_1(y) = log q(y) - KL(p_theta(x|y) || q^r(x|y)), and L_k(y) does not decrease as k grows. All at theta = theta_0.

    Args:
      log_p, logit, y: as in `log_weights`.
      k: number of samples.

    Returns:
      L_k(y) and log q(y), two floats.

    Raises:
      InvalidInput: as `log_weights`; k below 1, or more than a million k-tuples.

    Example:
      >>> equation_15(log_p, logit, k=3)

    References: Hu et al., 2018, Eq. 15.
    """
    exact, _ = log_weights(log_p, logit, y)
    codes, mass = _tuples(tf.exp(log_p[y]), k)
    bound = tf.reduce_sum(mass * importance_bound(tf.gather(exact, codes)))
    return float(bound), float(tf.reduce_logsumexp(exact + log_p[y]))


def equation_16(generate: Callable, logit: Callable, theta: Any, prior: ArrayLike, k: int) -> Sides:
    """The update of k samples (Eq. 16) is the expected gradient of `objectives.ImportanceWeighted`.

        E_{z_1..k ~ p(z)} sum_i w~_i grad_theta log q^r_phi(y=0|x(z_i, theta)),
        w~_i = w_i / sum_j w_j,   w_i = q^r_phi(y=0|x_i) / q_phi(y=0|x_i)

    The left side is the gradient, by automatic differentiation, of the objective's mean over all k-tuples of codes, in
    which the weights are a softmax of logits behind a stopped gradient. The right side weights the gradient of each
    code's utility as in the equation, with weights computed beforehand. phi and the weights are held constant at theta.
    For k = 1 it is the GAN's update, which by Lemma 1 is the gradient of the bound L_1 plus that of a Jensen-Shannon
    divergence: Eq. 16 approximates the gradient of L_k but does not equal it.

    Args:
      generate: function from theta to x(z, theta) for each of m codes, `[m, ...]`, float64.
      logit: differentiable function from x, `[m, ...]`, to the logit of q_phi(y=1|x), `[m]`, float64.
      theta: an array, or a nested structure of arrays.
      prior: p(z), `[m]`.
      k: number of samples.

    Returns:
      `Sides` of the ascended objective; the values are equal as well.

    Raises:
      InvalidInput: as `equation_15`; logits whose shape differs from the prior's.

    Example:
      >>> equation_16(lambda theta: theta, lambda x: x**3 - x, [0.5, -1.0, 2.0], prior=[0.2, 0.3, 0.5], k=3)

    References: Hu et al., 2018, Eq. 16.
    """
    prior = distribution("prior", prior)
    codes, mass = _tuples(prior, k)
    now = tf.convert_to_tensor(logit(generate(float64(theta))))
    if now.shape != prior.shape or now.dtype != tf.float64:
        raise InvalidInput(f"logit gave {now.dtype.name} of shape {now.shape.as_list()}; give float64 [{len(prior)}]")
    ratio = np.exp(log_q_reversed(now, 0) - log_q(now, 0))[codes]  # [k, tuples]
    share = mass * ratio / ratio.sum(0)
    of_code = np.bincount(codes.ravel(), share.numpy().ravel(), len(prior))

    def left(theta):
        utility = ImportanceWeighted().generator(tf.gather(logit(generate(theta)), codes))
        return tf.reduce_sum(mass * tf.reduce_mean(utility, 0))

    return sides(left, lambda theta: tf.reduce_sum(of_code * log_q_reversed(logit(generate(theta)), 0)), theta)


def _tuples(p, k):
    """Returns all k-tuples of n values with probabilities p, `[k, n**k]`, and their probabilities, `[n**k]`."""
    if not is_whole(k) or len(p) ** k > MOST_TUPLES:
        raise InvalidInput(f"k is {k!r}; give a whole number from 1, with {len(p)}**k at most {MOST_TUPLES:,}")
    codes = np.array(list(itertools.product(range(len(p)), repeat=k))).T
    return codes, tf.reduce_prod(tf.gather(p, codes), 0)
