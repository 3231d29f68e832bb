"""The objective of the generator in an adversarial model: Lemma 1 and its consequences.

x takes n values. The indicator y is 1 for the real (or source) and 0 for the generated (or target) domain, with
p(y) = 1/2. p_theta(x|y) is a table of log-probabilities computed from theta, `[2, n]`, row y = 0 first. The
discriminator q_phi(y|x) is a table of logits of q_phi(y=1|x), `[n]`. All values are float64, in nats, and exact: sums
over every x, gradients by automatic differentiation.

p_theta0(x) = E_{p(y)} p_theta0(x|y) and q^r(x|y), proportional to q^r_phi(y|x) p_theta0(x), are held constant at the
current theta_0. The lemma equates two gradients only at theta = theta_0. Its sides differ in value, and away from
theta_0 also in their gradients: the argument `theta` evaluates both sides at another point while the constants stay at
theta_0.

References: Hu et al., On Unifying Deep Generative Models, 2018, Eq. 3 to 10.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow_probability import distributions as tfd

from dgm_zoo.distributions import kl
from dgm_zoo.errors import InvalidInput
from dgm_zoo.objectives import log_q_reversed
from dgm_zoo.unified.theory.sides import Sides, distribution, float64, log_distribution, sides


def real_and_generated(log_p_g: Callable, data: ArrayLike) -> Callable:
    """Returns p_theta(x|y) of a GAN: theta generates x for y = 0, the data are x for y = 1 (Hu et al., 2018, Eq. 4).

    Args:
      log_p_g: function from theta to log p_g(x), `[n]`.
      data: p_data(x), `[n]`.

    Returns:
      A function from theta to log p_theta(x|y), `[2, n]`, as the other functions take it.

    Raises:
      InvalidInput: probabilities that are not above 0, or do not sum to 1.

    Example:
      >>> real_and_generated(tf.nn.log_softmax, [0.5, 0.25, 0.25])(tf.zeros(3, tf.float64))
    """
    log_data = tf.math.log(distribution("data", data))
    return lambda theta: tf.stack([log_p_g(theta), log_data])


def lemma_1(log_p: Callable, theta_0: Any, logit: ArrayLike, theta: Any = None) -> Sides:
    """Lemma 1: the generator's gradient is that of a KL divergence to q^r(x|y), less a Jensen-Shannon divergence.

        grad_theta  -E_{p_theta(x|y) p(y)} log q^r_phi(y|x)
          =  grad_theta  E_{p(y)} KL(p_theta(x|y) || q^r(x|y)) - JSD(p_theta(x|y=0) || p_theta(x|y=1))

    at theta_0 only, for every q_phi. p_theta0(x), and therefore q^r(x|y), is held constant at theta_0. The left side is
    what theta descends in a GAN, the non-saturating objective; theta may change both domains, as in adversarial domain
    adaptation.

    Args:
      log_p: function from theta to log p_theta(x|y), `[2, n]`; see `real_and_generated`.
      theta_0: the current parameters: an array, or a nested structure of arrays.
      logit: logits of q_phi(y=1|x), `[n]`, any numbers.
      theta: point at which both sides are evaluated, like theta_0; None for theta_0, the only point where they agree.

    Returns:
      `Sides`: two gradients, and two values, which differ.

    Raises:
      InvalidInput: log-probabilities that are not normalised, not float64 or infinite; tables of different shapes.

    Example:
      >>> log_p = real_and_generated(tf.nn.log_softmax, [0.5, 0.25, 0.25])
      >>> found = lemma_1(log_p, [0.1, -0.4, 0.3], logit=[2.0, 0.0, -1.0])
      >>> np.abs(found.left - found.right).max() < 1e-12, found.left_value == found.right_value
      (True, False)

    References: Hu et al., 2018, Eq. 6.
    """
    return _lemma(log_p, theta_0, _reversed(logit), theta)


def optimal_discriminator(log_p: tf.Tensor) -> tf.Tensor:
    """Returns the logit of the optimal q_phi(y=1|x): log p(x|y=1) - log p(x|y=0), `[n]`, for log p `[2, n]`.

    q_phi*(y|x) = p_theta0(x|y) p(y) / sum_y p_theta0(x|y) p(y), which maximises E_{p_theta0(x|y) p(y)} log q_phi(y|x).

    Example:
      >>> optimal_discriminator(tf.math.log([[0.25, 0.75], [0.5, 0.5]]))   # [log 2, log 2/3]

    References: Hu et al., 2018, Eq. 7; Goodfellow et al., Generative Adversarial Nets, 2014, Eq. 2.
    """
    return log_p[1] - log_p[0]


def equation_8(log_p_g: Callable, theta_0: Any, data: ArrayLike, theta: Any = None) -> Sides:
    """With the optimal discriminator a GAN generator has the gradient of KL(p_g || p_data) / 2 - JSD(p_g || p_data).

        grad_theta  -E_{p_theta(x|y) p(y)} log q^r_phi*(y|x)
          =  grad_theta  KL(p_theta(x|y=0) || p_data) / 2 - JSD(p_theta(x|y=0) || p_data)

    at theta_0 only, for the discriminator that is optimal at theta_0 and held constant. It is Lemma 1 with q^r(x|y=0)
    equal to p_data, and q^r(x|y=1) equal to the current p_g, whose KL from the data does not depend on theta.

    Args:
      log_p_g: function from theta to log p_g(x), `[n]`.
      theta_0, theta: as in `lemma_1`.
      data: p_data(x), `[n]`.

    Returns:
      `Sides`; the values differ.

    Raises:
      InvalidInput: as `lemma_1`.

    Example:
      >>> equation_8(tf.nn.log_softmax, [0.1, -0.4, 0.3], [0.5, 0.25, 0.25])

    References: Hu et al., 2018, Eq. 8; Arjovsky and Bottou, Towards Principled Methods for Training Generative
      Adversarial Networks, 2017, Theorem 2.5.
    """
    log_p, theta_0 = real_and_generated(log_p_g, data), float64(theta_0)
    log_q_r = _reversed(optimal_discriminator(log_distribution("log_p_g", log_p, theta_0, 2)))

    def right(theta):
        generated, real = (tfd.Categorical(logits=row) for row in tf.unstack(log_p(theta)))
        return 0.5 * kl(generated, real, None) - _information(log_p(theta), _half())

    return sides(lambda at: _utility(log_p(at), _half(), log_q_r), right, theta_0 if theta is None else theta)


def equation_10(log_p: Callable, theta_0: Any, logit: ArrayLike, log_q_z: ArrayLike, theta: Any = None) -> Sides:
    """Lemma 1 for InfoGAN as printed: for one code z, with q_eta(z|x,y) q^r_phi(y|x) in place of q^r_phi(y|x).

        grad_theta  -E_{p_theta(x|y) p(y)} log q_eta0(z|x,y) q^r_phi(y|x)
          =  grad_theta  E_{p(y)} KL(p_theta(x|y) || q^r(x|z,y)) - JSD(p_theta(x|y=0) || p_theta(x|y=1)),

    where q^r(x|z,y) is proportional to q_eta0(z|x,y) q^r_phi(y|x) p_theta0(x), at theta_0 only. x is drawn
    independently of z; InfoGAN draws both jointly, see `infogan`.

    Args:
      log_p, theta_0, logit, theta: as in `lemma_1`.
      log_q_z: log q_eta0(z|x,y) for that z, `[2, n]`; at most 0.

    Returns:
      `Sides`; the values differ.

    Raises:
      InvalidInput: as `lemma_1`.

    Example:
      >>> equation_10(log_p, theta_0, logit, tf.math.log([[0.9, 0.1, 0.2], [0.5, 0.5, 0.5]]))

    References: Hu et al., 2018, Eq. 10.
    """
    return _lemma(log_p, theta_0, _reversed(logit) + float64(log_q_z), theta)


def infogan(
    log_p: Callable, theta_0: Any, logit: ArrayLike, log_q_z: ArrayLike, prior: ArrayLike, theta: Any = None
) -> Sides:
    """Lemma 1 for the objective of InfoGAN's generator: z ~ p(z|y) and x ~ p_theta(x|z,y) drawn jointly (Eq. 9).

        grad_theta  -E_{p_theta(x|z,y) p(z|y) p(y)} log q_eta0(z|x,y) q^r_phi(y|x)
          =  grad_theta  E_{p(z|y) p(y)} KL(p_theta(x|z,y) || q^r(x|z,y)) - I_theta(x; z,y)

    at theta_0 only, with q^r(x|z,y) as in `equation_10`. The mutual information of x and (z, y) replaces the
    Jensen-Shannon divergence, which is that of x and y:

        I(x; z,y) = JSD(p(x|y=0) || p(x|y=1)) + E_{p(y)} I(x; z|y)

    Args:
      log_p: function from theta to log p_theta(x|z,y), `[2, m, n]` for m codes; for y = 1 the data's, for every z.
      theta_0, logit, theta: as in `lemma_1`.
      log_q_z: log q_eta0(z|x,y), `[2, m, n]`, normalised over z; for y = 1 any constant table.
      prior: p(z|y), `[2, m]`.

    Returns:
      `Sides`; the values differ.

    Raises:
      InvalidInput: as `lemma_1`.

    Example:
      >>> log_data, prior = tf.math.log(tf.constant([0.5, 0.25, 0.25], tf.float64)), [[0.5, 0.5], [0.5, 0.5]]
      >>> log_p = lambda theta: tf.stack([tf.nn.log_softmax(theta), tf.broadcast_to(log_data, [2, 3])])
      >>> log_q_z = np.log([[[0.9, 0.2, 0.5], [0.1, 0.8, 0.5]], [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]])
      >>> found = infogan(log_p, [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]], [2.0, 0.0, -1.0], log_q_z, prior)

    References: Hu et al., 2018, Eq. 9 and 10; the form with sampled z is derived here.
    """
    log_q_z, prior = float64(log_q_z), distribution("prior", prior)
    distribution("exp of log_q_z", tf.exp(tf.einsum("yzx->yxz", log_q_z)).numpy())
    log_r = log_q_z + _reversed(logit)[:, None]
    flat = lambda table: tf.reshape(table, [-1, table.shape[-1]])  # noqa: E731
    log_distribution("log_p", log_p, float64(theta_0), 3)
    return _lemma(lambda theta: flat(log_p(theta)), theta_0, flat(log_r), theta, 0.5 * tf.reshape(prior, [-1]))


def _lemma(log_p, theta_0, log_r, theta, prior=None):
    """Returns the `Sides` of Lemma 1 for an indicator w with any number of values, p(w) `[w]` and log r(w|x) `[w, n]`.

    -E log r(w|x) = E_w KL(p_theta(x|w) || r(x|w)) - E_w KL(p_theta(x|w) || p_theta0(x)) + constant, and the second KL
    is I_theta(x; w) + KL(p_theta(x) || p_theta0(x)), whose last term has no gradient at theta_0.
    """
    prior, theta_0 = _half() if prior is None else prior, float64(theta_0)
    current = log_distribution("log_p", log_p, theta_0, 2)
    if current.shape != log_r.shape:
        raise InvalidInput(f"log_p has shape {current.shape.as_list()}, but q {log_r.shape.as_list()}; make them equal")
    frozen = tfd.Categorical(logits=log_r + _marginal(current, prior))  # r(x|w); the categorical normalises it

    def right(theta):
        given = log_p(theta)
        divergence = tf.reduce_sum(prior * kl(tfd.Categorical(logits=given), frozen, None))
        return divergence - _information(given, prior)

    return sides(lambda at: _utility(log_p(at), prior, log_r), right, theta_0 if theta is None else theta)


def _utility(log_p, prior, log_r):
    """Returns -E_{p(x|w) p(w)} log r(w|x): a scalar."""
    return -tf.reduce_sum(prior[:, None] * tf.exp(log_p) * log_r)


def _information(log_p, prior):
    """Returns I(x; w) = E_{p(w)} KL(p(x|w) || p(x)), a scalar; for two equally probable w the JSD."""
    given, marginal = tfd.Categorical(logits=log_p), tfd.Categorical(logits=_marginal(log_p, prior))
    return tf.reduce_sum(prior * kl(given, marginal, None))


def _marginal(log_p, prior):
    """Returns log p(x) for log p(x|w): `[n]`."""
    return tf.reduce_logsumexp(tf.math.log(prior)[:, None] + log_p, 0)


def _reversed(logit):
    """Returns log q^r(y|x), `[2, n]`."""
    logit = float64(logit)
    return tf.stack([log_q_reversed(logit, y) for y in (0, 1)])


def _half():
    return tf.constant([0.5, 0.5], tf.float64)
