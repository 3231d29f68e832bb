"""Estimators against brute force where a test would take too long: `python tests/campaign_estimators.py [WORD]`.

Each check prints the value found, the value wanted, the allowed difference and the seconds that it took; WORD selects
checks whose name contains it. Values are exact, or sums in float64 by the published formula; the allowed difference is
4.5 standard errors of a simulation, or the rounding of float32. Exits with 1 if a check fails.
"""

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import scipy.linalg
import tensorflow as tf
from exact_helmholtz import Exact
from exact_models import Enumerable, LinearGaussian

from dgm_zoo import metrics
from dgm_zoo.distributions import BatchNoise, BernoulliPrior, IndependentBernoulli, StraightThroughBernoulli
from dgm_zoo.distributions.discrete import draw_bits
from dgm_zoo.models import VAE
from dgm_zoo.models.helmholtz.bihm import BiHM
from dgm_zoo.models.helmholtz.rws import RWS
from dgm_zoo.networks import dense
from dgm_zoo.objectives.energy import energy_distance

CHECKS: dict[str, Callable] = {}  # name to a function that yields (what, found, wanted, allowed difference)


def check(function):
    CHECKS[function.__name__] = function
    return function


def rng(seed=0):
    return np.random.default_rng(seed)


# Bits and their evidence.


@check
def bits_of_rare_logits():
    """2 x 10^8 bits of each logit: at -17, uniform numbers of float32 gave three times as many."""
    for logit in (-14.0, -17.0, 14.0, 17.0):
        draw = tf.function(lambda seed, logit=logit: tf.math.count_nonzero(
            draw_bits(logit, BatchNoise(seed, 1000).logistic((1000,))) == float(logit < 0)))
        rare = sum(int(draw(tf.constant([seed, 1]))) for seed in range(200))
        wanted = 2e8 / (1 + np.exp(abs(logit)))
        yield f"logit {logit:g}", rare, wanted, 4.5 * np.sqrt(wanted)


@check
def evidence_of_certain_bits():
    """300 latents of p-logit -12 and q-logit -40, on which x does not depend: log p(x) = 10 log 1/2."""
    encoder, decoder = dense((10,), (300,), hidden=()), dense((300,), (10,), hidden=())
    encoder.set_weights([np.zeros((10, 300)), np.full(300, -40.0)])
    decoder.set_weights([np.zeros((300, 10)), np.zeros(10)])
    model = VAE(encoder, decoder, BernoulliPrior((300,), logits=-12.0), likelihood=IndependentBernoulli((10,)),
                posterior=StraightThroughBernoulli((300,)))
    found = model.log_likelihood(np.zeros((40, 10), "float32"), num_samples=10_000)
    yield "largest of 40 images, K = 10,000", found.max(), -10 * np.log(2), 0.01


@check
def evidence_of_a_million_samples():
    exact, rows = LinearGaussian(away=0.3), 3
    x = exact.data(rows)
    several = np.stack([exact.model().log_likelihood(x, num_samples=100_000, seed=seed) for seed in range(10)])
    found = exact.model().log_likelihood(x, num_samples=1_000_000, seed=99)
    for i, wanted in enumerate(exact.log_p(x)):
        yield f"linear Gaussian, image {i}", found[i], wanted, 4.5 * several[:, i].std() / np.sqrt(10) + 1e-5
    exact, rows = Enumerable(), [0, 21, 63]
    found = exact.model().log_likelihood(exact.images()[rows], num_samples=1_000_000)
    ratio = np.exp(exact.log_w - exact.log_p[:, None])
    error = np.sqrt(((exact.q * ratio**2).sum(1) - 1) / 1e6)
    for i, row in enumerate(rows):
        yield f"bits, image {row}", found[i], exact.log_p[row], 4.5 * error[row] + 1e-5


@check
def evidence_of_one_sample():
    """E log w of K = 1 is the evidence lower bound: over 50,000 seeds, by copies of an image."""
    exact, n = Enumerable(), 50_000
    found = exact.model().log_likelihood(np.repeat(exact.images()[5:6], n, 0), num_samples=1)
    mean = (exact.q * exact.log_w).sum(1)[5]
    spread = np.sqrt((exact.q * exact.log_w**2).sum(1)[5] - mean**2)
    yield "mean of 50,000", found.mean(dtype=np.float64), mean, 4.5 * spread / np.sqrt(n)


@check
def moments_of_a_machine():
    exact = Exact(scale=1.0)
    found = exact.model(RWS).weight_moments(exact.images([0, 40]), num_samples=1_000_000)
    for i, row in enumerate((0, 40)):
        for power, one in zip((0.5, 1.0, 2.0), found[i], strict=True):
            log_w = power * (exact.log_p[row] - exact.log_q[row])
            mean, second = ((exact.q_of_h[row] * np.exp(n * log_w)).sum() for n in (1, 2))
            yield f"image {row}, power {power}", one, np.log(mean), 4.5 * np.sqrt((second / mean**2 - 1) / 1e6) + 1e-5


@check
def log_z():
    for kind in ("sigmoid", "darn", "nade:2"):
        exact = Exact(scale=1.0, kind=kind)
        for inner, n in ((1, 4_000_000), (10, 1_000_000)):
            start = time.perf_counter()
            found = metrics.log_partition(exact.model(BiHM), n, inner)
            took = time.perf_counter() - start
            what = f"{kind}, {n:,} samples, J = {inner}, {took:.0f} s"
            yield what, found["value"], exact.log_z, 4.5 * found["stderr"]


# Scores of samples.


@check
def neighbourhoods_of_many_rows():
    real, fake, k = rng(1).normal(size=(100_000, 3)), 0.9 * rng(2).normal(size=(5_000, 3)), 5
    real, fake = (np.round(64 * x) / 64 + 1e4 for x in (real, fake))  # many ties, far from the origin, exact in float64
    radius = np.concatenate([
        np.partition(((rows[:, None] - real) ** 2).sum(-1), k, 1)[:, k] for rows in np.array_split(real[:500], 50)
    ])
    away = [((fake - one) ** 2).sum(1) for one in real[:500]]
    inside = np.array([(d < r).sum() for d, r in zip(away, radius, strict=True)])
    found = metrics.density_coverage(real, fake, k)
    error = 4.5 * (inside > 0).std() / np.sqrt(500)
    yield "coverage, of the first 500 balls", found["coverage"]["value"], (inside > 0).mean(), error
    scale = len(real) / k / len(fake)
    wanted, error = scale * inside.mean(), scale * inside.std() / np.sqrt(500)
    yield "density, of the first 500 balls", found["density"]["value"], wanted, 4.5 * error


@check
def distances_of_many_rows():
    real, fake = rng(1).normal(size=(100_000, 64)), 1.1 * rng(2).normal(size=(50_000, 64)) + 0.01
    for name, shift, scale in (("plain", 0.0, 1.0), ("offset 1e6", 1e6, 1.0), ("stddev 1e-6", 0.0, 1e-6)):
        x, y = scale * real + shift, scale * fake + shift
        m, c, n, d = x.mean(0), np.cov(x.T), y.mean(0), np.cov(y.T)
        wanted = ((m - n) ** 2).sum() + np.trace(c + d) - 2 * scipy.linalg.sqrtm(c @ d).real.trace()
        yield f"Frechet distance, {name}", metrics.frechet_distance(x, y)["value"], wanted, 1e-6 * np.trace(c)
    kernel = lambda a, b: (a @ b.T / 64 + 1) ** 3  # noqa: E731
    parts = [np.array_split(rng(0).permutation(len(x)), 10) for x in (real, fake)]
    wanted = []
    for i, j in zip(*parts, strict=True):
        within = [kernel(x, x)[~np.eye(len(x), dtype=bool)].mean() for x in (real[i], fake[j])]
        wanted.append(sum(within) - 2 * kernel(real[i], fake[j]).mean())
    yield "kernel distance", metrics.kernel_distance(real, fake)["value"], np.mean(wanted), 1e-10


@check
def energy_of_many_rows():
    for name, shift, scale in (("plain", 0.0, 1.0), ("offset 1e6", 1e6, 256.0), ("stddev 1e-6", 0.0, 1e-6)):
        x, y = (np.float32(scale * np.round(256 * rng(i).normal(size=(3000, 20))) / 256 + shift) for i in (1, 2))
        away = lambda a, b: np.sqrt(((a[:, None].astype(float) - b) ** 2).sum(-1))  # noqa: E731
        within = sum(sum(away(rows, a).sum() for rows in np.array_split(a, 30)) / 3000 / 2999 for a in (x, y))
        wanted = 2 * sum(away(rows, y).sum() for rows in np.array_split(x, 30)) / 3000**2 - within
        yield f"energy distance, {name}", float(np.mean(energy_distance(tf.constant(x), tf.constant(y)))), wanted, (
            3e-5 * scale)


@check
def retrieval_of_many_images():
    x = rng(1).random((3000, 8, 8, 1))
    y = x + 0.3 * rng(2).normal(size=x.shape)
    away = np.stack([np.abs(one.reshape(64) - y.reshape(3000, 64)).mean(1) for one in x])
    yield "retrieval", metrics.retrieval(x, y)["value"], (away.argmin(1) == np.arange(3000)).mean(), 0.0


@check
def consistency_of_bits():
    """Both divergences of an enumerable machine, each between its bounds."""
    exact = Enumerable()
    joint = np.exp(exact.log_w) * exact.q
    posterior = joint / joint.sum(1, keepdims=True)
    asleep = (joint * np.log(posterior / exact.q)).sum()
    rows = tf.data.Dataset.from_tensor_slices(exact.images()).repeat(50).batch(400)
    found = metrics.consistency(exact.model(), rows, num_samples=2000, dreams=20_000)
    yield "asleep", found["asleep"]["value"], asleep, 4.5 * found["asleep"]["stderr"] + 2e-3
    awake = (exact.q * np.log(exact.q / posterior)).sum(1).mean()
    yield "awake", found["awake"]["value"], awake, 4.5 * found["awake"]["stderr"] + 2e-3


def main(word: str = "") -> int:
    """Runs the checks whose names contain `word`; returns the number of values that were wrong."""
    warnings.filterwarnings("ignore", message="log Z from")
    wrong = 0
    for name, function in CHECKS.items():
        if word not in name:
            continue
        start = time.perf_counter()
        for what, found, wanted, allowed in function():
            right = abs(found - wanted) <= allowed
            wrong += not right
            print(f"{'ok   ' if right else 'WRONG'} {name}: {what}: {found:.8g}, wanted {wanted:.8g} +- {allowed:.2g}",
                  flush=True)
        print(f"      {name}: {time.perf_counter() - start:.0f} s", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
