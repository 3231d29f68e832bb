"""Noise: a function of seeds alone, independent where it must be, and of the distribution that it states."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from dgm_zoo.checks import check_seed
from dgm_zoo.distributions import BatchNoise, RowNoise, row_seeds
from dgm_zoo.errors import InvalidInput


def row_noise(seeds):
    return RowNoise(tf.constant(seeds, tf.int32))


ROWS = 20  # `RowNoise` loops over rows, slowly outside a graph
SOURCES = [pytest.param(lambda: BatchNoise([3, 4], ROWS), id="batch"),
           pytest.param(lambda: row_noise(row_seeds(7, ROWS)), id="rows")]


@pytest.mark.parametrize("draw", ["normal", "uniform", "logistic", "zeros"])
@pytest.mark.parametrize("source", SOURCES)
def test_shape_is_rows_then_event_with_samples_in_front(source, draw):
    rng = source()
    assert getattr(rng, draw)((2, 3)).shape == (ROWS, 2, 3)
    assert getattr(rng, draw)((2, 3), 5).shape == (5, ROWS, 2, 3)
    assert getattr(rng, draw)(()).shape == (ROWS,)
    assert getattr(rng, draw)((), 5).shape == (5, ROWS)
    assert getattr(rng, draw)((2,)).dtype == tf.float32


@pytest.mark.parametrize("source", SOURCES)
def test_the_same_seed_gives_the_same_noise_and_each_draw_is_another(source):
    one, other = source(), source()
    first = one.normal((4,)).numpy()
    np.testing.assert_array_equal(first, other.normal((4,)))
    second = one.normal((4,)).numpy()
    np.testing.assert_array_equal(second, other.normal((4,)))
    assert not np.any(first == second)


@pytest.mark.parametrize("source", SOURCES)
def test_noise_has_the_stated_distribution_and_independent_rows(source):
    rng = source()
    normal, uniform = rng.normal((400,)).numpy(), rng.uniform((400,)).numpy()
    assert stats.kstest(normal.ravel(), "norm").pvalue > 1e-3
    assert stats.kstest(uniform.ravel(), "uniform").pvalue > 1e-3
    assert uniform.min() >= 0 and uniform.max() < 1
    # neighbouring rows, neighbouring values and the two draws: correlations within 4 standard errors of 0
    for a, b in [(normal[1:], normal[:-1]), (normal[:, 1:], normal[:, :-1]), (normal, uniform - 0.5)]:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(a.size)


@pytest.mark.parametrize("source", SOURCES)
def test_a_fork_is_independent_of_its_source_and_of_other_forks(source):
    draws = [rng.normal((400,)).numpy().ravel() for rng in (source(), source().fork(0), source().fork(1))]
    draws.append(source().fork(0).fork(0).normal((400,)).numpy().ravel())
    correlations = np.corrcoef(draws)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(draws[0].size)


@pytest.mark.parametrize("source", SOURCES)
def test_a_fork_does_not_depend_on_what_was_drawn_before_it(source):
    fresh, used = source(), source()
    used.normal((3,))
    np.testing.assert_array_equal(fresh.fork(tf.constant(2)).uniform((3,)), used.fork(2).uniform((3,)))


@pytest.mark.parametrize("samples", [None, 3])
def test_a_row_does_not_depend_on_its_batch(samples):
    seeds = row_seeds(5, 6)

    def draws(seeds):
        rng = row_noise(seeds)
        rows = [rng.normal((2, 2), samples), rng.uniform((3,), samples), rng.fork(1).normal((2,), samples)]
        return [np.moveaxis(r.numpy(), 0 if samples is None else 1, 0) for r in rows]

    whole, reverse, alone = draws(seeds), draws(seeds[::-1]), draws(seeds[4:5])
    for a, b, c in zip(whole, reverse, alone, strict=True):
        np.testing.assert_array_equal(a, b[::-1])
        np.testing.assert_array_equal(a[4:5], c)
        assert not np.any(a[0] == a[1])


def test_rows_with_equal_seeds_are_equal_and_a_pair_with_zero_is_the_seed_itself():
    noise = row_noise([8, 8, 9]).normal((4,)).numpy()
    np.testing.assert_array_equal(noise[0], noise[1])
    np.testing.assert_array_equal(noise, row_noise([[8, 0], [8, 0], [9, 0]]).normal((4,)))


def test_row_noise_in_a_graph_of_unknown_batch_size_is_the_same():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def draw(seeds):
        rng = RowNoise(seeds)
        return rng.normal((3,), 2), rng.zeros((3,), 2)

    seeds = tf.constant(row_seeds(1, 4))
    np.testing.assert_array_equal(draw(seeds)[0], RowNoise(seeds).normal((3,), 2))
    assert draw(seeds)[1].shape == (2, 4, 3)


def test_no_rows_give_no_noise():
    assert row_noise(np.zeros(0, np.int32)).normal((3,)).shape == (0, 3)


def test_row_seeds_of_fewer_rows_are_a_prefix_and_seeds_differ():
    np.testing.assert_array_equal(row_seeds(0, 64)[:8], row_seeds(0, 8))
    assert row_seeds(0, 8).dtype == np.int32
    assert len(set(row_seeds(0, 5000))) > 4990  # chance collisions of 5,000 among 2^32: 0.003 expected
    assert not np.any(row_seeds(0, 64) == row_seeds(1, 64))
    assert row_seeds(-(2**31), 4).shape == row_seeds(2**31 - 1, 4).shape == (4,)


@pytest.mark.parametrize("seed", [2**31, -(2**31) - 1, True, 1.5, 1.0, "1", None, [1], np.bool_(True), float("nan")])
def test_a_seed_that_is_no_int32_is_refused(seed):
    with pytest.raises(InvalidInput, match=r"seed is .*; give a whole number from -2\*\*31 to 2\*\*31 - 1"):
        check_seed(seed)
    with pytest.raises(InvalidInput):
        row_seeds(seed, 2)


@pytest.mark.parametrize("seed", [0, -1, 2**31 - 1, -(2**31), np.int64(5), np.uint8(5)])
def test_every_int32_is_a_seed(seed):
    assert check_seed(seed) == int(seed) and type(check_seed(seed)) is int
