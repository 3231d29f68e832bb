"""The evidence bounds as functions of log-weights, against NumPy in float64."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp, softmax

from dgm_zoo.objectives import doubly_reparametrised, elbo, importance_bound, importance_weights

LOG_W = np.random.default_rng(0).normal(scale=3.0, size=(7, 4, 2)).astype("float32")


def gradient(function, log_w=LOG_W):
    log_w = tf.Variable(log_w)
    with tf.GradientTape() as tape:
        value = function(log_w)
    return tape.gradient(value, log_w)


def test_elbo_weighs_the_kl_alone():
    log_px, kl = np.float32([-3.0, -1.0]), np.float32([0.5, 2.0])
    np.testing.assert_allclose(elbo(log_px, kl), [-3.5, -3.0])
    np.testing.assert_allclose(elbo(log_px, kl, beta=4.0), [-5.0, -9.0])
    np.testing.assert_array_equal(elbo(log_px, kl, beta=0.0), log_px)


def test_importance_bound_is_the_log_of_the_mean_weight():
    wanted = np.log(np.mean(np.exp(LOG_W.astype(np.float64)), 0))
    np.testing.assert_allclose(importance_bound(tf.constant(LOG_W)), wanted, rtol=1e-5, atol=1e-6)


def test_importance_bound_of_one_sample_is_its_log_weight():
    np.testing.assert_array_equal(importance_bound(tf.constant(LOG_W[:1])), LOG_W[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shift", [-3000.0, 0.0, 3000.0])
def test_importance_bound_neither_overflows_nor_underflows(dtype, shift):
    log_w = (LOG_W + shift).astype(dtype)
    bound = importance_bound(tf.constant(log_w))
    assert bound.dtype == dtype
    np.testing.assert_allclose(bound, logsumexp(log_w.astype(np.float64), 0) - np.log(7), rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(importance_weights(tf.constant(log_w)), softmax(log_w, 0), atol=1e-6)


def test_a_sample_of_weight_zero_counts_as_one_of_the_k():
    log_w = tf.constant([[0.0], [-np.inf]])
    np.testing.assert_allclose(importance_bound(log_w), [-np.log(2)], rtol=1e-6)
    np.testing.assert_array_equal(importance_weights(log_w), [[1.0], [0.0]])


def test_the_bounds_gradient_is_the_normalised_weight():
    np.testing.assert_allclose(gradient(importance_bound), softmax(LOG_W.astype(np.float64), 0), atol=1e-6)


def test_importance_weights_sum_to_one_and_are_held_constant():
    weights = importance_weights(tf.constant(LOG_W))
    np.testing.assert_allclose(weights, softmax(LOG_W.astype(np.float64), 0), atol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(weights, 0), np.ones((4, 2)), rtol=1e-6)
    assert gradient(importance_weights) is None


def test_doubly_reparametrised_gradient_is_the_squared_weight():
    weights = softmax(LOG_W.astype(np.float64), 0)

    def bound(log_w):
        log_w = doubly_reparametrised(log_w, lambda: importance_weights(log_w))
        return importance_bound(log_w)

    np.testing.assert_allclose(gradient(bound), weights**2, atol=1e-6)
    np.testing.assert_array_equal(bound(tf.constant(LOG_W)), importance_bound(tf.constant(LOG_W)))


def test_doubly_reparametrised_weighs_every_value_of_a_sample():
    z, weights = tf.Variable(LOG_W), tf.constant(LOG_W[:, :, 0])
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(3.0 * doubly_reparametrised(z, lambda: weights))
    np.testing.assert_allclose(tape.gradient(value, z), np.broadcast_to(3.0 * LOG_W[:, :, :1], LOG_W.shape))
