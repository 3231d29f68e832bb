"""The standard error of log Z: the second moment that it rests on, its coverage, and the warning."""

import warnings

import numpy as np
import pytest
from exact_helmholtz import Exact

from dgm_zoo.metrics import log_partition
from dgm_zoo.models import BiHM

RUNS = 300


class Moments:
    """Stands for a model whose moments of u are those of samples that were drawn before."""

    abilities = frozenset({"z_moments"})

    def __init__(self, u):
        self.u = u

    def z_moments(self, num_samples, inner, seed):
        assert num_samples == len(self.u)
        return np.log([self.u.mean(), (self.u**2).mean()])


def draw(exact, runs, n, inner, seed):
    """u of an enumerated machine, `[runs, n]`: x, h ~ p and `inner` h_j ~ q(h|x) for each."""
    rng, p, ratio = np.random.default_rng(seed), np.exp(exact.log_p).ravel(), np.exp((exact.log_p - exact.log_q) / 2)
    edges = exact.q_of_h.cumsum(1)
    x, h = np.divmod(rng.choice(p.size, runs * n, p=p / p.sum()), exact.q_of_h.shape[1])
    total = np.zeros(runs * n)
    for _ in range(inner):
        h_j = (rng.random((runs * n, 1)) * edges[x, -1:] > edges[x]).sum(1)
        total += ratio[x, h_j]
    return (total / inner / ratio[x, h]).reshape(runs, n)


@pytest.mark.parametrize("inner", [1, 2, 10])
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_the_moments_of_u_are_those_that_the_docstring_states(inner, scale):
    """By enumeration of x, h and, for the second moment, of all pairs h_1, h_2 of the inner mean."""
    exact = Exact(seed=1, scale=scale)
    p, q, z_squared = np.exp(exact.log_p), exact.q_of_h, np.exp(2 * exact.log_z)
    weight, ratio = p / np.sum(p), np.sqrt(p / q)
    mean = np.einsum("xg,xg->x", q, ratio)
    pairs = np.einsum("xf,xg,xf,xg->x", q, q, ratio, ratio)  # E r(h_1) r(h_2), independent
    square = np.einsum("xg,xg->x", q, ratio**2)
    np.testing.assert_allclose((weight / ratio * mean[:, None]).sum(), z_squared, rtol=1e-12)
    second = (weight / ratio**2 * (square / inner + (1 - 1 / inner) * pairs)[:, None]).sum()
    np.testing.assert_allclose(second, 1 / inner + (1 - 1 / inner) * z_squared, rtol=1e-12)


def test_samples_are_scored_in_blocks_of_any_size(monkeypatch):
    exact = Exact(kind="nade:2")
    whole = exact.model(BiHM).z_moments(1000, inner=3, seed=1)
    monkeypatch.setattr(BiHM, "rows_per_pass", 21)  # 7 pairs, of which 1000 are no multiple
    np.testing.assert_allclose(exact.model(BiHM).z_moments(1000, inner=3, seed=1), whole, atol=1e-6)
    assert whole.dtype == np.float64


@pytest.mark.filterwarnings("ignore:log Z from")
@pytest.mark.parametrize("inner", [1, 10])
@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0, 2.0, 3.0])
@pytest.mark.statistics
def test_two_standard_errors_hold_log_z_about_95_times_in_a_hundred(scale, inner):
    exact = Exact(seed=1, scale=scale)
    found = [log_partition(Moments(u), len(u), inner) for u in draw(exact, RUNS, 500, inner, seed=0)]
    value, stderr = (np.array([one[key] for one in found]) for key in ("value", "stderr"))
    assert 0.92 <= (np.abs(value - exact.log_z) <= 2 * stderr).mean() <= 0.995


@pytest.mark.statistics
def test_the_effective_share_is_that_of_the_closed_form():
    exact, n = Exact(seed=1, scale=2.0), 200_000
    z_squared = np.exp(2 * exact.log_z)
    for inner in (1, 10):
        found = log_partition(exact.model(BiHM), n, inner)
        share = z_squared**2 / (1 / inner + (1 - 1 / inner) * z_squared)
        assert found["ess"] == pytest.approx(share, rel=0.1)
        assert found["stderr"] == pytest.approx(np.sqrt((1 / share - 1) / n) / 2, rel=0.1)
        assert f"effective share {found['ess']:.2g}" in found["protocol"]


def test_one_sample_that_makes_the_estimate_is_warned_of():
    u = np.full(1000, 1e-3)
    u[7] = 1.0  # half of the sum
    with pytest.warns(UserWarning, match="log Z from 1000 samples: one of them makes at least 25% of the estimate"):
        log_partition(Moments(u), 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_partition(Moments(np.random.default_rng(0).exponential(size=1000)), 1000)


@pytest.mark.parametrize("log_u", [-900.0, 0.0, 3.0])
def test_the_standard_error_is_finite_for_any_estimate(log_u):
    class Constant:
        abilities = frozenset({"z_moments"})

        def z_moments(self, num_samples, inner, seed):
            return np.array([log_u, 2 * log_u], np.float32)

    for inner in (1, 10):
        found = log_partition(Constant(), 100, inner)
        assert np.isfinite(found["stderr"]) and 0 <= found["ess"] <= 1
        assert (found["stderr"] > 1e100) == (log_u < 0) and found["value"] == log_u / 2
