"""The straight-through gradient of bits: its mean against enumeration, and the models that train by it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from exact_helmholtz import every, sigmoid
from zoo import images, tiny

from dgm_zoo import create, data
from dgm_zoo.distributions import BatchNoise, StraightThroughBernoulli
from dgm_zoo.distributions.discrete import straight_through
from dgm_zoo.distributions.groups import LadderPosterior
from dgm_zoo.errors import InvalidInput

LOGITS = np.array([-2.0, 0.3, 1.1])


def mean_gradient(function):
    """The enumerated mean of the estimator of d E f / d logits over all bits, and E f's own gradient."""
    bits = every(3)
    p = sigmoid(LOGITS)
    chance = np.prod(np.where(bits == 1, p, 1 - p), -1)
    logits = tf.constant(np.tile(LOGITS, (8, 1)))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        values = function(straight_through(tf.constant(bits), logits))
        value = tf.reduce_sum(chance * values)
    found = tape.gradient(value, logits).numpy().sum(0)
    f = function(tf.constant(bits)).numpy()
    exact = [((bits[:, i] - p[i]) * chance * f).sum() for i in range(3)]
    return found, np.array(exact)


def test_the_mean_is_the_gradient_of_what_is_quadratic_in_each_bit():
    a, b = np.array([[1.0, -2.0, 0.5], [0.0, 0.7, 3.0], [0.0, 0.0, -1.0]]), np.array([0.2, -1.0, 2.0])
    found, exact = mean_gradient(lambda z: tf.einsum("ni,ij,nj->n", z, tf.constant(a), z) + tf.linalg.matvec(z, b))
    np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_the_mean_is_biased_where_a_bit_enters_otherwise():
    found, exact = mean_gradient(lambda z: tf.exp(2.0 * tf.reduce_sum(z, -1)))
    assert np.abs(found - exact).max() > 0.1


def test_logits_are_shared_by_several_draws():
    bits, logits = tf.constant(every(3)), tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(straight_through(bits, logits) * [1.0, 2.0, 3.0])
    p = sigmoid(LOGITS)
    wanted = 0.5 * np.where(every(3) == 1, 1 - p, p).sum(0) * [1.0, 2.0, 3.0]
    np.testing.assert_allclose(tape.gradient(value, logits), wanted, rtol=1e-12)


def test_samples_are_bits_and_hold_no_more_than_the_bits():
    head = StraightThroughBernoulli((3,))
    q = head(tf.constant(np.tile(LOGITS, (20_000, 1)), tf.float32))
    z = head.sample(q, head.noise(BatchNoise([0, 0], 20_000))).numpy()
    assert set(np.unique(z)) == {0.0, 1.0}
    assert np.abs((z.mean(0) - sigmoid(LOGITS)) / np.sqrt(0.25 / 20_000)).max() < 4.5


@pytest.mark.parametrize("inference", ["ladder", "reverse"])
def test_the_gradient_of_a_hierarchys_bound_reaches_what_a_ladder_shares(inference):
    """Both players move the prior of a ladder: through q too."""
    model, x = tiny("hvae", inference=inference), tf.constant(images(8)[0])
    noise = model.noise(BatchNoise([0, 0], 8))
    with tf.GradientTape() as tape:
        log_q = tf.reduce_sum(model.q_z(x).log_prob(model.posterior.sample(model.q_z(x), noise)))
    reached = [g is not None for g in tape.gradient(log_q, [v.value for v in model.prior.trainable_variables])]
    assert all(reached) if inference == "ladder" else not any(reached)


@pytest.mark.statistics
@pytest.mark.parametrize("inference", ["ladder", "reverse"])
def test_a_hierarchy_ascends_its_bound_through_bits(inference):
    model = tiny("hvae", inference=inference)
    model.compile(keras.optimizers.Adam(1e-2), steps_per_execution=4)
    x, _ = images(512)
    before = model.evaluate(data.from_arrays(x, split="test", batch_size=128), return_dict=True, verbose=0)
    model.fit(data.from_arrays(x, batch_size=64, seed=0), steps_per_epoch=8, epochs=20, verbose=0)
    after = model.evaluate(data.from_arrays(x, split="test", batch_size=128), return_dict=True, verbose=0)
    assert after["elbo"] > before["elbo"] + 1.0
    assert model.limiting_samples(3, steps=2, seed=0).shape == (3, 4, 4, 1)


@pytest.mark.statistics
def test_a_vae_of_bits_trains_by_name():
    model = create("vae", image_shape=(4, 4, 1), latent_dim=5, hidden=[16], posterior="StraightThroughBernoulli",
                   prior={"name": "BernoulliPrior", "trainable": False}, seed=0)
    model.compile(keras.optimizers.Adam(1e-2), steps_per_execution=4)
    x, _ = images(512)
    history = model.fit(data.from_arrays(x, batch_size=64, seed=0), steps_per_epoch=8, epochs=20, verbose=0).history
    assert history["elbo"][-1] > history["elbo"][0] + 1.0


def test_a_class_carries_no_gradient():
    with pytest.raises(InvalidInput, match="no gradient passes through a class"):
        LadderPosterior((3, 2), classes=True, reparametrised=True)
