"""The utilities of the players of a Helmholtz machine, as functions of log-probabilities, in nats.

`log_w` is always log p(x, h_k) - log q(h_k|x) for samples h_k ~ q(h|x), with the K samples on axis 0. The bits h_k
carry no gradient, and neither do the weights. All machines of the family weight their samples by a power of w_k:

| power | the weights turn samples of q into | the bound tends to |
|---|---|---|
| 0 (wake-sleep) | q(h|x) itself | the evidence lower bound |
| 1 (reweighted wake-sleep) | p(h|x) | log p(x) |
| 1/2 (bidirectional machine) | p*(h|x), proportional to sqrt(p(x, h) q(h|x)) | log p~*(x), see below |

log p~*(x) = 2 log sum_h sqrt(p(x, h) q(h|x)) is at most log p(x).

Do not differentiate these bounds with respect to eta: the gradient would ignore that q also chose the samples, and
would point in the wrong direction. eta's utility is a separate weighted log-probability.

References:
  Hinton, Dayan, Frey and Neal, The wake-sleep algorithm for unsupervised neural networks, 1995.
  Bornschein and Bengio, Reweighted Wake-Sleep, 2015.
  Bornschein, Shabanian, Fischer and Bengio, Bidirectional Helmholtz Machines, 2016.
"""

import tensorflow as tf

from dgm_zoo.objectives.evidence import importance_bound, importance_weights


def power_bound(log_w: tf.Tensor, power: float) -> tf.Tensor:
    """Returns (1 / power) log (1/K) sum_k w_k^power over axis 0, nats: `[K, ...]` to `[...]`.

    In expectation it is a lower bound on its limit for K to infinity: log p(x) for power 1; for power 1/2 log p~*(x),
    itself a lower bound on log p(x).

    Args:
      log_w: `[K, ...]`.
      power: in (0, 1].
    """
    return importance_bound(power * log_w) / power


def power_weights(log_w: tf.Tensor, power: float) -> tf.Tensor:
    """Returns w_k^power / sum_j w_j^power over axis 0, held constant: `[K, ...]` to `[K, ...]`."""
    return importance_weights(power * log_w)


def weighted(log_prob: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Returns sum_k weights_k log_prob_k over axis 0: `[K, ...]` to `[...]`.

    With `power_weights` and log p(x, h_k) it is the wake phase of theta, whose gradient tends to that of the bound.
    With log q(h_k|x) it is the wake phase of eta.
    """
    return tf.reduce_sum(weights * log_prob, 0)


def centred(weights: tf.Tensor) -> tf.Tensor:
    """Returns weights - 1/K: `[K, ...]` to `[K, ...]`.

    grad log q(h_k|x) has mean 0 for h_k ~ q. Weighting it with centred weights therefore keeps the expectation and
    reduces the variance: samples of equal weight contribute nothing.
    """
    return weights - 1.0 / tf.cast(tf.shape(weights)[0], weights.dtype)
