"""Codes against the prior and against classes: what is counted, and on which images."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import images, tiny

from dgm_zoo import metrics
from dgm_zoo.distributions import Deterministic
from dgm_zoo.errors import InvalidInput


def test_each_class_gets_the_category_that_the_matching_images_give_it():
    category, label = np.array([2, 2, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    found = metrics.code_error(category, label, (category, label), classes=3)
    assert found["value"] == 0.0 and found["stderr"] == 0.0
    wrong = np.array([2, 0, 0, 0, 1, 2])  # two of six
    assert metrics.code_error(wrong, label, (category, label), classes=3)["value"] == pytest.approx(2 / 6)
    assert "6 images" in found["protocol"] and "6 others" in found["protocol"]


def test_the_matching_never_sees_the_images_that_are_counted():
    category, label = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])
    swapped = (np.array([1, 1, 0, 0]), label)
    assert metrics.code_error(category, label, swapped, classes=2)["value"] == 1.0


def test_two_classes_never_share_a_category():
    category, label = np.zeros(4, int), np.array([0, 0, 0, 1])
    assert metrics.code_error(category, label, (category, label), classes=2)["value"] == 0.25


def test_categories_may_be_more_than_classes():
    category, label = np.array([4, 4, 3, 1]), np.array([0, 0, 1, 1])
    found = metrics.code_error(category, label, (np.array([4, 3]), np.array([0, 1])), classes=2)
    assert found["value"] == 0.25


@pytest.mark.parametrize("posterior", ["Deterministic", "IndependentNormal"])
def test_codes_that_are_the_prior_are_as_far_from_it_as_nothing(posterior):
    model = tiny("aae", posterior=posterior)
    x = tf.data.Dataset.from_tensor_slices(images(400)[0]).batch(100)
    before = metrics.aggregate_posterior(model, x)
    codes, prior = metrics.codes_and_prior(model, x)
    assert codes.shape == prior.shape == (400, 2) and before["value"] > 3 * before["stderr"]
    again, _ = metrics.codes_and_prior(model, x)
    np.testing.assert_array_equal(codes, again)
    drawn = iter(np.split(metrics.codes_and_prior(model, x, seed=1)[1], 4))

    class Perfect:
        prior, prior_samples = model.prior, staticmethod(model.prior_samples)
        posterior = Deterministic(prior.event_shape)

        def q_z(self, x):
            return self.posterior(next(drawn))

    after = metrics.aggregate_posterior(Perfect(), x)
    assert abs(after["value"]) < 4 * after["stderr"] and "codes against the prior" in after["protocol"]


def test_an_encoder_that_learnt_the_prior_comes_closer_to_it():
    model = tiny("aae", weight=10.0)
    model.compile(keras.optimizers.Adam(3e-3, beta_1=0.5))
    x = tf.data.Dataset.from_tensor_slices(images(512)[0] + 0.0).batch(64)
    before = metrics.aggregate_posterior(model, x)["value"]
    model.fit(x.repeat(), steps_per_epoch=300, verbose=0)
    assert metrics.aggregate_posterior(model, x)["value"] < before / 2


def test_categories_without_their_labels_are_refused():
    with pytest.raises(InvalidInput, match=r"shape \[2\] do not fit labels of shape \[3\]"):
        metrics.code_error([0, 1], [0, 1, 2], ([0], [0]), classes=3)
