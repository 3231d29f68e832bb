"""Predictability minimisation: the utilities of predictors and code, as functions of predictions and code units.

Predictor i sees all code units except y_i and models q_phi(y_i | y_-i). The predictors ascend log q and the code
descends it: a zero-sum game. With q Gaussian of variance 1, log q is, up to a constant, minus

    V_C = 1/2 sum_i (P_i - y_i)^2,

Schmidhuber's objective, which the code ascends (his T = V_C - gamma H with gamma = 0). With perfect predictors
P_i = E[y_i | y_-i] it is 1/2 sum_i (Var y_i - Var P_i): the first term makes units binary and informative, the second
makes them independent. The variance makes the code informative about x, so no decoder is needed. For units in
[0, 1] q may be Bernoulli; then there is also a reversed pair, which does not saturate: the code ascends
log q(1 - y_i | y_-i).

Units must be deterministic functions of x, since independent coin flips are unpredictable as well.

References: Schmidhuber, Learning Factorial Codes by Predictability Minimization, 1992. The decomposition of V_C is
  quoted there from Dayan, Zemel and Pouget.
"""

import tensorflow as tf


def v_c(prediction: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
    """Returns V_C = 1/2 sum_i (P_i - y_i)^2, which the code ascends and the predictors descend: `[batch]`.

    Args:
      prediction: P_i, `[batch, units]`.
      code: y_i, `[batch, units]`.

    Example:
      >>> v_c(tf.constant([[0.5, 0.5]]), tf.constant([[0.0, 1.0]]))   # [0.25]
    """
    return 0.5 * tf.reduce_sum((prediction - code) ** 2, -1)


def log_q_units(logit: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
    """Returns sum_i log q(y_i | y_-i), nats, `[batch]`: Bernoulli predictors ascend it, the code descends it.

    For a unit y between 0 and 1 it is y log q(1) + (1 - y) log q(0).

    Args:
      logit: of q(y_i=1 | y_-i), `[batch, units]`.
      code: y_i in [0, 1], `[batch, units]`.

    Example:
      >>> log_q_units(tf.zeros((1, 2)), tf.constant([[0.0, 1.0]]))   # 2 log 1/2 = -1.386
    """
    return -tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=code, logits=logit), -1)


def log_q_units_reversed(logit: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
    """Returns the code's utility in the reversed pair, sum_i log q(1 - y_i | y_-i), nats: `[batch]`.

    Args:
      logit, code: see `log_q_units`.

    References: the reversal of Hu et al., On Unifying Deep Generative Models, 2018, applied to each unit.
    """
    return log_q_units(logit, 1.0 - code)
