"""The energy distance against sums over all pairs, wherever the data lie."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist

from dgm_zoo.objectives import energy_distance


def grid(seed, shape, scale=1.0, shift=0.0):
    """Normal values, rounded so that float32 holds them exactly at every offset of these tests."""
    return np.round(256 * scale * np.random.default_rng(seed).normal(size=shape)) / 256 + shift


@pytest.mark.parametrize("offset", [0.0, 100.0, 1e4, -3e4])
def test_the_energy_distance_does_not_depend_on_where_the_origin_is(offset):
    x, y = grid(1, (200, 5)), grid(2, (200, 5), scale=1.3, shift=0.5)
    pairs = 200 * 199
    wanted = 2 * cdist(x, y).mean() - (cdist(x, x).sum() + cdist(y, y).sum()) / pairs
    found = energy_distance(*(tf.constant(v + offset, tf.float32) for v in (x, y)))
    assert float(tf.reduce_mean(found)) == pytest.approx(wanted, rel=1e-5)


def test_the_energy_distance_of_points_and_of_sets_far_apart():
    x, y = grid(1, (50, 3), shift=-1e4), grid(2, (50, 3), shift=1e4)
    wanted = 2 * cdist(x, y).mean() - (cdist(x, x).sum() + cdist(y, y).sum()) / (50 * 49)
    found = energy_distance(tf.constant(x, tf.float32), tf.constant(y, tf.float32))
    assert float(tf.reduce_mean(found)) == pytest.approx(wanted, rel=1e-6)
    same = tf.fill([20, 3], 1e4)
    np.testing.assert_array_equal(energy_distance(same, same), np.zeros(20))
