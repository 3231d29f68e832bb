"""Wake and sleep: the KL divergence that each phase descends; the VAE extends the wake and the GAN the sleep phase.

x takes n values and the hidden h takes m. p_theta(x,h) and q_lambda(h|x) are tables of log-probabilities, `[n, m]`,
computed from parameters, in float64; p_data(x) is `[n]`.

    wake   max_theta   E_{q_lambda(h|x) p_data(x)} log p_theta(x,h):   min KL(q_lambda(h|x) p_data(x) || p_theta(x,h))
    sleep  max_lambda  E_{p_theta(x,h)} log q_lambda(h|x):             min KL(p_theta(x,h) || q_lambda(h|x) p_theta(x))

Each phase changes one argument of its divergence and holds the other one constant. The divergences differ, so no single
objective decreases in both phases. A VAE uses the wake divergence for both players. A GAN's discriminator is the sleep
phase with h = y; its generator, which wake-sleep would not update there, is trained against q with y reversed.

References:
  Hinton, Dayan, Frey and Neal, The wake-sleep algorithm for unsupervised neural networks, 1995.
  Hu et al., On Unifying Deep Generative Models, 2018, Eq. 14, whose wake phase has log p_theta(x|h), since the prior
    p(h) has no parameters there.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow_probability import distributions as tfd

from dgm_zoo.distributions import kl
from dgm_zoo.objectives import log_q as log_q_of_logit
from dgm_zoo.unified.theory.adversarial import lemma_1
from dgm_zoo.unified.theory.sides import Sides, distribution, float64, log_distribution, sides


def wake(log_joint: Callable, theta: Any, q: ArrayLike, data: ArrayLike) -> Sides:
    """The wake phase of theta descends KL(q(h|x) p_data(x) || p_theta(x,h)), with q held constant.

        grad_theta  -E_{q(h|x) p_data(x)} log p_theta(x,h)  =  grad_theta  KL(q(h|x) p_data(x) || p_theta(x,h))

    everywhere; the values differ by the entropy of q(h|x) p_data(x).

    Args:
      log_joint: function from theta to log p_theta(x,h), `[n, m]`.
      theta: an array, or a nested structure of arrays.
      q: q(h|x), `[n, m]`.
      data: p_data(x), `[n]`.

    Returns:
      `Sides`.

    Raises:
      InvalidInput: probabilities that are not normalised, not above 0 or not float64.

    Example:
      >>> log_joint = lambda theta: tf.reshape(tf.nn.log_softmax(theta), [2, 2])
      >>> found = wake(log_joint, [0.0, 1.0, -1.0, 0.5], q=[[0.5, 0.5], [0.9, 0.1]], data=[0.3, 0.7])

    References: Hu et al., 2018, Eq. 14.
    """
    log_distribution("log_joint", log_joint, float64(theta), 2, axes=2)
    inference = distribution("q", q) * distribution("data", data)[:, None]
    return sides(
        lambda at: -tf.reduce_sum(inference * log_joint(at)),
        lambda at: _kl(tf.math.log(inference), log_joint(at)),
        theta,
    )


def sleep(log_q: Callable, parameters: Any, joint: ArrayLike) -> Sides:
    """The sleep phase of q descends KL(p(x,h) || q_lambda(h|x) p(x)), with p held constant: the opposite direction.

        grad_lambda  -E_{p(x,h)} log q_lambda(h|x)  =  grad_lambda  KL(p(x,h) || q_lambda(h|x) p(x))

    everywhere; the values differ by the entropy of p(h|x). The divergence is
    E_{p(x)} KL(p(h|x) || q_lambda(h|x)), over generated x.

    Args:
      log_q: function from lambda to log q_lambda(h|x), `[n, m]`.
      parameters: lambda: an array, or a nested structure of arrays.
      joint: p(x,h), `[n, m]`.

    Returns:
      `Sides`.

    Raises:
      InvalidInput: as `wake`.

    Example:
      >>> found = sleep(tf.nn.log_softmax, [[0.0, 1.0], [2.0, 0.0]], joint=[[0.1, 0.2], [0.3, 0.4]])

    References: Hu et al., 2018, Eq. 14.
    """
    log_distribution("log_q", log_q, float64(parameters), 2)
    joint = distribution("joint", joint, axes=2)
    log_x = tf.math.log(tf.reduce_sum(joint, 1, keepdims=True))
    return sides(
        lambda at: -tf.reduce_sum(joint * log_q(at)),
        lambda at: _kl(tf.math.log(joint), log_q(at) + log_x),
        parameters,
    )


def vae_as_wake(log_joint: Callable, log_q: Callable, parameters: dict[str, Any], data: ArrayLike) -> Sides:
    """The VAE extends the wake phase: theta and eta both descend KL(q_eta(z|x) p_data(x) || p_theta(x,z)).

        grad  -E_{p_data(x)} [ E_{q_eta(z|x)} log p_theta(x,z) - log q_eta(z|x) ]  =  grad  KL(q_eta p_data || p_theta)

    for theta, whose part is that of `wake`, and for eta, which wake-sleep would train by the other divergence. It holds
    everywhere; the values differ only by the entropy of the data.

    Args:
      log_joint: function from theta to log p_theta(x,z), `[n, m]`.
      log_q: function from eta to log q_eta(z|x), `[n, m]`.
      parameters: dict of `theta` and `eta`.
      data: p_data(x), `[n]`.

    Returns:
      `Sides`, whose gradients are dicts of `theta` and `eta`; left is minus the gradient of the evidence
      lower bound.

    Raises:
      InvalidInput: as `wake`.

    Example:
      >>> parameters = {"theta": [0.0, 1.0, -1.0, 0.5], "eta": [[0.0, 1.0], [2.0, 0.0]]}
      >>> vae_as_wake(log_joint, tf.nn.log_softmax, parameters, data=[0.3, 0.7]).left["eta"]   # see `wake`

    References: Hu et al., 2018, Eq. 11 and 14.
    """
    log_distribution("log_joint", log_joint, float64(parameters["theta"]), 2, axes=2)
    log_distribution("log_q", log_q, float64(parameters["eta"]), 2)
    data = distribution("data", data)[:, None]

    def minus_elbo(at):
        log_q_z = log_q(at["eta"])
        return -tf.reduce_sum(data * tf.exp(log_q_z) * (log_joint(at["theta"]) - log_q_z))

    return sides(minus_elbo, lambda at: _kl(tf.math.log(data) + log_q(at["eta"]), log_joint(at["theta"])), parameters)


def gan_as_sleep(log_p: Callable, logit: Callable, parameters: dict[str, Any]) -> dict[str, Sides]:
    """The GAN extends the sleep phase: phi is trained with h = y, and theta too, with q reversed.

        phi    grad_phi  -E_{p_theta(x|y) p(y)} log q_phi(y|x)  =  grad_phi  KL(p_theta(x,y) || q_phi(y|x) p_theta(x))
        theta  grad_theta  -E_{p_theta(x|y) p(y)} log q^r_phi(y|x):  Lemma 1

    The claim for phi holds everywhere, with theta held constant; that for theta only at the current parameters, see
    `lemma_1`. InfoGAN's eta is trained likewise with h = z: `sleep` of q_eta(z|x) and p_theta(x,z).

    Args:
      log_p: function from theta to log p_theta(x|y), `[2, n]`; see `real_and_generated`.
      logit: function from phi to the logit of q_phi(y=1|x), `[n]`.
      parameters: dict of `theta` and `phi`.

    Returns:
      A dict of player to its `Sides`.

    Raises:
      InvalidInput: as `lemma_1`.

    Example:
      >>> log_p = real_and_generated(tf.nn.log_softmax, [0.5, 0.25, 0.25])
      >>> gan_as_sleep(log_p, lambda phi: phi, {"theta": [0.1, -0.4, 0.3], "phi": [2.0, 0.0, -1.0]})["phi"].left

    References: Hu et al., 2018, Eq. 3 and 14.
    """
    current = log_distribution("log_p", log_p, float64(parameters["theta"]), 2)

    def log_q(phi):
        return tf.stack([log_q_of_logit(logit(phi), y) for y in (0, 1)], 1)

    return {
        "phi": sleep(log_q, parameters["phi"], 0.5 * tf.transpose(tf.exp(current))),
        "theta": lemma_1(log_p, parameters["theta"], logit(float64(parameters["phi"]))),
    }


def _kl(log_a, log_b):
    """Returns KL(a || b) of two tables of log-probabilities: a scalar."""
    a, b = (tfd.Categorical(logits=tf.reshape(table, [-1])) for table in (log_a, log_b))
    return kl(a, b, None)
