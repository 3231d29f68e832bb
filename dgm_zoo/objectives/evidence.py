"""Lower bounds of the evidence log p(x), in nats.

`log_w` is always log p(x, z_k) - log q(z_k|x) for samples z_k ~ q, with the k samples on axis 0.
"""

from collections.abc import Callable

import tensorflow as tf


def elbo(log_likelihood: tf.Tensor, kl: tf.Tensor, beta: tf.Tensor | float = 1.0) -> tf.Tensor:
    """Returns E_q log p(x|z) - beta KL(q(z|x) || p(z)), nats; beta = 1 gives the evidence lower bound.

    Args:
      log_likelihood: log p(x|z), nats, any shape.
      kl: KL(q || p), nats, the same shape.
      beta: weight of the KL.

    References: Kingma and Welling, Auto-Encoding Variational Bayes, 2014, Eq. 3; beta: Higgins et al., 2017.
    """
    return log_likelihood - beta * kl


def importance_bound(log_w: tf.Tensor) -> tf.Tensor:
    """Returns L_k = log (1/k) sum_k w_k over axis 0 of `log_w`, nats: `[k, ...]` to `[...]`.

    Its gradient by automatic differentiation is the exact one, sum_k w~_k grad log w_k.

    References: Burda et al., Importance Weighted Autoencoders, 2016, Eq. 8 and 13.
    """
    k = tf.cast(tf.shape(log_w)[0], log_w.dtype)
    return tf.reduce_logsumexp(log_w, 0) - tf.math.log(k)


def importance_weights(log_w: tf.Tensor) -> tf.Tensor:
    """Returns the weights w~_k = w_k / sum_j w_j over axis 0, held constant: `[k, ...]` to `[k, ...]`."""
    return tf.stop_gradient(tf.nn.softmax(log_w, axis=0))


def doubly_reparametrised(z: tf.Tensor, weights: Callable[[], tf.Tensor]) -> tf.Tensor:
    """Returns `z` unchanged and multiplies its gradient by the importance weights of its samples.

    The gradient of `importance_bound` reaches sample k with weight w~_k. This function makes it w~_k^2, which is the
    doubly reparametrised gradient for eta if `log_w` depends on eta only through z: evaluate log q(z|x) with its
    parameters held constant. theta's gradient does not pass through z and is unchanged.

    Args:
      z: samples, `[k, batch, ...]`.
      weights: function without arguments that returns w~, `[k, batch]`. It is called in the backward pass, because
        the weights are known only after z has been scored.

    References: Tucker et al., Doubly Reparameterized Gradient Estimators, 2019, Eq. 8.

    Example:
      >>> z = doubly_reparametrised(z, lambda: importance_weights(log_w))
      >>> log_w = log_joint(x, z) - held_q.log_prob(z)
      >>> loss = -importance_bound(log_w)
    """

    @tf.custom_gradient
    def identity(z):
        def gradient(upstream):
            known = weights()
            trailing = tf.ones(tf.rank(upstream) - tf.rank(known), tf.int32)
            return upstream * tf.reshape(known, tf.concat([tf.shape(known), trailing], 0))

        return tf.identity(z), gradient

    return identity(z)
