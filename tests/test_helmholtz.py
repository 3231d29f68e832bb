"""Helmholtz machines: estimators, gradients and samplers against a machine that is enumerated."""

import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from exact_helmholtz import KINDS, Exact, after_a_sweep, chi_square, flat, forced
from exact_models import assert_near_zero
from zoo import sparing

import dgm_zoo
from dgm_zoo.checks import layer_sizes
from dgm_zoo.core.signatures import signatures
from dgm_zoo.data.builders import bars
from dgm_zoo.distributions import BatchNoise, row_seeds
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.helmholtz import helmholtz_evidence, log_partition
from dgm_zoo.models.helmholtz.bihm import BiHM
from dgm_zoo.models.helmholtz.helmholtz import HelmholtzMachine
from dgm_zoo.models.helmholtz.rws import RWS
from dgm_zoo.networks import BeliefNetwork, SigmoidBelief
from dgm_zoo.objectives.wake_sleep import centred, power_bound, power_weights, weighted

ALL = [HelmholtzMachine, RWS, BiHM]


every_kind = pytest.mark.parametrize("exact", KINDS, indirect=True)


@pytest.fixture(scope="module")
def exact(request):
    return Exact(kind=getattr(request, "param", "sigmoid"))


# ---------------------------------------------------------------------------------------------- the enumerated machine


@every_kind
def test_z_is_at_most_one_and_the_bounds_are_bounds(exact):
    np.testing.assert_allclose([np.exp(exact.log_px).sum(), np.exp(exact.log_star).sum()], 1.0, rtol=1e-12)
    assert -1.0 < exact.log_z < -0.05
    assert (exact.log_tilde < exact.log_px).all() and (exact.log_tilde < exact.log_star).all()


def test_the_gap_between_the_bounds_is_twice_the_bhattacharyya_distance(exact):
    distance = -np.log(np.sqrt(exact.posterior * exact.q_of_h).sum(1))
    np.testing.assert_allclose(exact.log_px - exact.log_tilde, 2 * distance, rtol=1e-9)


def test_where_q_is_the_posterior_z_is_one(exact):
    no_weights = [0 * a if a.ndim == 2 else a for a in exact.p]
    independent = Exact(p=no_weights, q=[np.zeros((6, 4)), exact.p[2], np.zeros((4, 3)), exact.p[0]])
    np.testing.assert_allclose(independent.log_z, 0, atol=1e-12)
    np.testing.assert_allclose(independent.log_tilde, independent.log_px, atol=1e-12)


@pytest.mark.parametrize("player", ["p", "q"])
def test_the_gradient_of_log_p_tilde_has_the_coefficient_one(exact, player):
    """By finite differences: grad log p~*(x) = sum_h p*(h|x) grad (log p(x, h) + log q(h|x)), not half of it."""
    stated = exact.grad(player, exact.star)
    for index in range(0, len(stated), 3):
        up, down = (exact.moved(player, index, by).log_tilde.sum() for by in (1e-5, -1e-5))
        np.testing.assert_allclose(stated[index], (up - down) / 2e-5, atol=1e-7)


# ---------------------------------------------------------------------------------------------- networks


@every_kind
def test_networks_score_every_configuration_exactly(exact):
    model = exact.model(HelmholtzMachine)
    levels = [exact.x[:, None], exact.h1, exact.h2]
    levels = [tf.constant(level, tf.float32) for level in levels]
    np.testing.assert_allclose(model.generative.log_prob(levels[::-1]), exact.log_p, atol=1e-5)
    np.testing.assert_allclose(model.inference.log_prob(levels), exact.log_q, atol=1e-5)


@every_kind
def test_networks_draw_from_what_they_score(exact):
    model, n = exact.model(HelmholtzMachine), 40_000
    levels, logits = model.generative.draw(BatchNoise([0, 0], n).logistic((13,)))
    np.testing.assert_allclose(model.generative.score(levels, logits), model.generative.log_prob(levels), atol=1e-5)
    drawn = np.concatenate(levels[::-1], 1) @ 2 ** np.arange(12, -1, -1)
    counts = np.bincount(drawn.astype(int), minlength=2**13)
    assert chi_square(counts.reshape(64, 128).sum(1), np.exp(exact.log_px)) > 1e-3
    assert chi_square(counts.reshape(64, 128).sum(0), np.exp(exact.log_p).sum(0)) > 1e-3


def test_layers_start_as_the_authors_start_them():
    keras.utils.set_random_seed(0)
    layer = SigmoidBelief(300, 200)
    limit = np.sqrt(6 / 500) / 200
    assert 0.98 * limit < np.abs(layer.kernel).max() < limit
    np.testing.assert_array_equal(layer.bias, np.full(300, -1.0))


@pytest.mark.parametrize("given", ["200,200,10", " 200, 200,10", [200, 200, 10], (200, 200, 10)])
def test_layer_sizes_are_lists_or_strings(given):
    assert layer_sizes(given) == (200, 200, 10)


@pytest.mark.parametrize(("given", "sizes"), [
    ("100-10:5", (100, 56, 32, 18, 10)),
    ("200, 100 - 10 : 5 ,5", (200, 100, 56, 32, 18, 10, 5)),
    ("8-64:4,64-8:2", (8, 16, 32, 64, 64, 8)),
    (["300-30:3", 7], (300, 95, 30, 7)),
    ("5-5:3", (5, 5, 5)),
])
def test_a_range_of_layer_sizes_is_geometric(given, sizes):
    assert layer_sizes(given) == sizes


@pytest.mark.parametrize(("given", "part"), [
    ("200,,10", "''"), ("200;10", "'200;10'"), ("", "''"), ("a", "'a'"), ("20,0", "'0'"), ([200, 0], "0"),
    ([200, -1], "-1"), ([2.5], "2.5"), ([True], "True"), ([], None), (200, None), (None, None),
    ("200,100-10", "'100-10'"), ("100-10:1", "'100-10:1'"), ("0-10:3", "'0-10:3'"), ("10-0:3,4", "'10-0:3'"),
    ("100-10:", "'100-10:'"), ("100:3", "'100:3'"), ("9-5-2:3", "'9-5-2:3'"), ("10--2:3", "'10--2:3'"),
])
def test_layer_sizes_that_do_not_parse_are_named(given, part):
    at = f"layer sizes {given!r} do not parse{f' at {part}' if part else ''}; give positive whole numbers, such as"
    with pytest.raises(InvalidInput, match=re.escape(at)):
        BiHM.create((4, 4, 1), layers=given)


# ---------------------------------------------------------------------------------------------- gradients
# A level takes any bits that are asked for, by the right noise: so the expectation of a gradient is a sum, not a mean
# over draws, and is compared with float64 to rounding error.

ROWS = np.array([3, 20, 37, 62])  # of x, where all 64 times all pairs of h would be too many
ROUNDING = 5e-4  # of gradients of size 1 that are float32 sums of up to 65,536 terms


def expected_gradients(model, x, noise, chance):
    """sum_i chance_i grad term_i of each player, for rows of x and noise with the probabilities `chance`."""

    @tf.function(autograph=False)
    def compute(x, noise, chance):
        with tf.GradientTape(persistent=True) as tape:
            terms = model.terms(x, (), noise)
            sums = {player: tf.reduce_sum(chance * terms[term]) for player, term in model.ascends.items()}
        return {player: tape.gradient(sums[player], model.player_variables(player)) for player in sums}

    found = compute(tf.constant(x), tf.nest.map_structure(tf.constant, noise), tf.constant(chance, tf.float32))
    networks = {"theta": model.generative, "eta": model.inference}
    result = {}
    for player, gradients in found.items():
        of = {id(v): g for v, g in zip(model.player_variables(player), gradients, strict=True)}
        result[player] = flat(networks[player], lambda v, of=of: of[id(v)])
    return result


def awake(exact, k):
    """Every x of `ROWS` with every k-tuple of h: x, q's noise `[k, n, 7]`, q's probability, and the tuples."""
    tuples = np.array(list(itertools.product(range(128), repeat=k)))
    x = np.repeat(exact.images(ROWS), len(tuples), 0)
    noise = np.tile(forced(exact.h[tuples]), (len(ROWS), 1, 1)).transpose(1, 0, 2)
    return x, noise, exact.q_of_h[ROWS][:, tuples].prod(-1), tuples


def asleep(exact):
    """Every dream: p's noise `[1, n, 13]` for h_2, h_1 and x, and its probability `[64, 128]`."""
    x, h = np.repeat(exact.x, 128, 0), np.tile(exact.h, (64, 1))
    return forced(np.concatenate([h[:, 4:], h[:, :4], x], 1))[None], np.exp(exact.log_p)


def expected_coefficients(exact, chance, tuples, per_sample):
    """c(x, h) = E sum_k weight_k [h_k = h] for the `[rows, tuples, k]` weights of each tuple's samples: `[64, 128]`."""
    c = np.zeros((64, 128))
    for row, of_tuple, weights in zip(ROWS, chance, per_sample, strict=True):
        for k in range(tuples.shape[1]):
            c[row] += np.bincount(tuples[:, k], of_tuple * weights[:, k], 128)
    return c


def self_normalised(exact, tuples, power):
    """w_k^power / sum_j w_j^power in float64: `[rows, tuples, k]`."""
    w = np.exp(power * (exact.log_p - exact.log_q))[ROWS][:, tuples]
    return w / w.sum(-1, keepdims=True)


@every_kind
def test_the_wake_phase_is_the_exact_gradient(exact):
    x, noise, chance, _ = awake(exact, 1)
    unused = np.ones((1, len(x), 13), np.float32)
    found = expected_gradients(exact.model(HelmholtzMachine), x, (noise, unused), chance.ravel())
    c = np.zeros((64, 128))
    c[ROWS] = exact.q_of_h[ROWS]
    np.testing.assert_allclose(found["theta"], exact.grad("p", c), atol=ROUNDING)


@every_kind
def test_the_sleep_phase_is_the_exact_gradient(exact):
    dreams, chance = asleep(exact)
    x, unused = np.zeros((8192, *exact.shape), np.float32), np.ones((1, 8192, 7), np.float32)
    found = expected_gradients(exact.model(HelmholtzMachine), x, (unused, dreams), chance.ravel())
    np.testing.assert_allclose(found["eta"], exact.grad("q", chance), atol=ROUNDING)


@every_kind
@pytest.mark.parametrize("weights", sparing([(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)], [(0.5, 0.5)]))
def test_both_terms_of_reweighted_wake_sleep_are_the_exact_gradients_for_two_samples(exact, weights):
    wake_eta, sleep_eta = weights
    model = exact.model(RWS, k=2, wake_theta=0.25, wake_eta=wake_eta, sleep_eta=sleep_eta)
    x, noise, chance, tuples = awake(exact, 2)
    c = expected_coefficients(exact, chance, tuples, self_normalised(exact, tuples, 1.0))
    blank = np.ones((1, len(x), 13), np.float32)  # the same dream for all: x = h = 0
    found = expected_gradients(model, x, (noise, blank), chance.ravel())
    asleep_in_0 = np.zeros((64, 128))
    asleep_in_0[0, 0] = len(ROWS)
    np.testing.assert_allclose(found["theta"], 0.25 * exact.grad("p", c), atol=ROUNDING)
    np.testing.assert_allclose(
        found["eta"], wake_eta * exact.grad("q", c) + sleep_eta * exact.grad("q", asleep_in_0), atol=ROUNDING
    )


@every_kind
def test_both_terms_of_the_bidirectional_machine_are_the_exact_gradients_for_two_samples(exact):
    x, noise, chance, tuples = awake(exact, 2)
    c = expected_coefficients(exact, chance, tuples, self_normalised(exact, tuples, 0.5))
    found = expected_gradients(exact.model(BiHM, k=2), x, noise, chance.ravel())
    np.testing.assert_allclose(found["theta"], exact.grad("p", c), atol=ROUNDING)
    np.testing.assert_allclose(found["eta"], exact.grad("q", c), atol=ROUNDING)  # the baseline is 0 in expectation


@pytest.mark.statistics
@pytest.mark.parametrize(("cls", "given"), [(RWS, {"wake_eta": 1.0, "sleep_eta": 0.0}), (BiHM, {})])
def test_with_many_samples_the_mean_gradient_is_that_of_the_limit(exact, cls, given):
    """RWS: grad log p(x) for theta, -grad KL(p(h|x) || q(h|x)) for eta. BiHM: grad log p~*(x) for both."""
    model, c = exact.model(cls, k=4_000, **given), np.zeros((64, 128))
    c[ROWS] = (exact.posterior if cls is RWS else exact.star)[ROWS]
    one = np.ones(len(ROWS))
    found = [
        expected_gradients(model, exact.images(ROWS), model.noise(BatchNoise([seed, 0], len(ROWS))), one)
        for seed in range(20)
    ]
    for player, wanted in {"theta": exact.grad("p", c), "eta": exact.grad("q", c)}.items():
        assert_near_zero([gradients[player] - wanted for gradients in found])


def test_one_sample_of_the_bidirectional_machine_is_refused_since_eta_would_not_learn(exact):
    with pytest.raises(InvalidInput, match=re.escape("k is 1, which leaves eta without a utility")):
        exact.model(BiHM, k=1)


def test_weights_are_powers_that_sum_to_one_and_carry_no_gradient():
    log_w = tf.constant(np.random.default_rng(0).normal(size=(7, 5)))
    with tf.GradientTape() as tape:
        tape.watch(log_w)
        weights = power_weights(log_w, 0.5)
        utility = weighted(log_w, weights)
    root = np.exp(log_w / 2)
    np.testing.assert_allclose(weights, root / root.sum(0), rtol=1e-12)
    np.testing.assert_allclose(tape.gradient(utility, log_w), weights, rtol=1e-12)
    np.testing.assert_allclose(tf.reduce_sum(centred(weights), 0), np.zeros(5), atol=1e-12)


def test_reweighted_wake_sleep_with_one_sample_is_wake_sleep(exact):
    model = exact.model(HelmholtzMachine)
    noise = model.noise(BatchNoise([0, 1], 64))
    one = expected_gradients(model, exact.images(), noise, np.ones(64))
    two = expected_gradients(exact.model(RWS, k=1, wake_eta=0, sleep_eta=1), exact.images(), noise, np.ones(64))
    for player in one:
        np.testing.assert_allclose(one[player], two[player], atol=1e-5)


# ---------------------------------------------------------------------------------------------- estimators


def test_power_bounds_are_the_logarithms_of_power_means(exact):
    log_w = np.random.default_rng(0).normal(size=(7, 5))
    for power in (0.5, 1.0):
        wanted = np.log((np.exp(log_w) ** power).mean(0)) / power
        np.testing.assert_allclose(power_bound(tf.constant(log_w), power), wanted, rtol=1e-12)


@pytest.mark.parametrize("cls", ALL)
def test_moments_of_the_weights_are_within_their_errors(exact, cls):
    found = exact.model(cls).weight_moments(exact.images(), num_samples=20_000, seed=1)
    ratio = np.exp(exact.log_p - exact.log_q)
    for column, power in enumerate((0.5, 1.0, 2.0)):
        mean, square = ((exact.q_of_h * ratio**p).sum(1) for p in (power, 2 * power))
        stderr = np.sqrt((square / mean**2 - 1) / 20_000)
        assert (np.abs(found[:, column] - np.log(mean)) < 4 * stderr + 1e-5).all()


def test_evidence_is_within_its_reported_errors(exact):
    model, images = exact.model(BiHM), exact.images()
    log_z = log_partition(model, num_samples=50_000, inner=10, seed=3)
    found = helmholtz_evidence(model, tf.data.Dataset.from_tensor_slices(images).batch(30), 5_000, seed=2, log_z=log_z)
    wanted_of = {"log_likelihood": exact.log_px, "log_p_tilde": exact.log_tilde, "log_p_star": exact.log_star}
    for name, wanted in wanted_of.items():
        assert 0 < found[name]["stderr_samples"] < 0.05 < found[name]["stderr"]
        assert abs(found[name]["value"] - wanted.mean()) < 4 * found[name]["stderr_samples"], name
    ratio = np.exp(exact.log_p - exact.log_q)
    for name, w in {"ess_p": ratio, "ess_star": np.sqrt(ratio)}.items():
        wanted = ((exact.q_of_h * w).sum(1) ** 2 / (exact.q_of_h * w**2).sum(1)).mean()
        np.testing.assert_allclose(found[name]["value"], wanted, rtol=0.02)


@pytest.mark.parametrize("inner", [1, 10])
def test_both_estimators_of_log_z_are_within_their_errors(exact, inner):
    model = exact.model(BiHM)
    found = [log_partition(model, num_samples=4_000, inner=inner, seed=seed) for seed in range(30)]
    errors = np.array([(one["value"] - exact.log_z) / one["stderr"] for one in found])
    assert np.abs(errors).max() < 4 and 0.6 < errors.std() < 1.5  # the reported error is the error's size
    assert abs(np.mean([one["value"] for one in found]) - exact.log_z) < 4 * found[0]["stderr"] / np.sqrt(30)


def test_an_inner_estimate_lowers_the_error_of_log_z(exact):
    pairs, inner = (log_partition(exact.model(BiHM), 20_000, inner)["stderr"] for inner in (1, 10))
    assert inner < 0.9 * pairs


def test_an_image_has_the_same_numbers_in_any_company_and_for_any_chunk(exact):
    model, x = exact.model(BiHM), exact.images()
    whole = model.weight_moments(x, num_samples=450, seed=4)
    np.testing.assert_allclose(model.weight_moments(x[:5], num_samples=450, seed=4), whole[:5], atol=1e-5)
    assert model.weight_moments(x[:0]).shape == (0, 3)
    np.testing.assert_array_equal(model.log_likelihood(x, 450, seed=4), whole[:, 1])
    np.testing.assert_array_equal(model.log_p_tilde(x, 450, seed=4), 2 * whole[:, 0])


def test_the_served_log_likelihood_is_the_estimate(exact):
    model, x = exact.model(BiHM), exact.images(ROWS)
    answers = model.answer("log_likelihood", x=np.repeat(x, 200, 0), seed=np.arange(800))
    for name, wanted in {"log_likelihood": exact.log_px, "log_p_tilde": exact.log_tilde}.items():
        found = answers[name].reshape(4, 200)
        np.testing.assert_allclose(found.mean(1), wanted[ROWS], atol=0.1)  # low, by about half of (1 / ess - 1) / 128


# ---------------------------------------------------------------------------------------------- samplers


@pytest.mark.parametrize("candidates", [1, 10])
def test_block_gibbs_leaves_p_star_as_it_is(exact, candidates, monkeypatch):
    monkeypatch.setattr(BiHM, "candidates", candidates)
    before, after, (h, other) = after_a_sweep(exact, exact.model(BiHM), 60_000, np.zeros(6), seed=1)
    star = np.exp(exact.log_star)
    assert (before != after).mean() > 0.3, "the chain does not move"
    assert chi_square(np.bincount(after, minlength=64), star) > 1e-3
    joint = star[:, None] * exact.star
    for columns in (h, other):
        assert chi_square(np.bincount(columns, minlength=128), joint.sum(0)) > 1e-3
        assert chi_square(np.bincount(after * 128 + columns, minlength=8192), joint.ravel()) > 1e-3
    pairs = np.einsum("x,xh,xg->hg", star, exact.star, exact.star)
    assert chi_square(np.bincount(h * 128 + other, minlength=128**2), pairs.ravel()) > 1e-3


@pytest.mark.statistics
def test_inpainting_draws_the_missing_bits_from_p_star_given_the_others(exact):
    known = np.array([1, 0, 1, 0, 0, 0])
    x, mask, n = exact.x[41], np.array([1, 1, 0, 0, 1, 0]), 6_000
    given = np.where(mask, x, 1 - known)  # what x holds where it is missing does not matter
    found = exact.model(BiHM).inpaint(
        np.tile(given.reshape(1, *exact.shape), (n, 1, 1, 1)), mask.reshape(exact.shape), steps=15, seed=5
    )
    fits = (exact.x[:, mask == 1] == x[mask == 1]).all(1)
    chance = np.where(fits, np.exp(exact.log_star), 0)
    rows = (found.reshape(n, 6) @ 2 ** np.arange(5, -1, -1)).astype(int)
    counts = np.bincount(rows, minlength=64)
    assert counts[~fits].sum() == 0
    assert chi_square(counts, chance / chance.sum()) > 1e-3


@pytest.mark.statistics
@pytest.mark.parametrize("steps", [20, 0])
def test_gibbs_samples_are_of_p_star_and_where_they_start_of_p(exact, steps):
    found = exact.model(BiHM).gibbs(6_000, steps=steps, seed=0)
    counts = np.bincount((found.reshape(-1, 6) @ 2 ** np.arange(5, -1, -1)).astype(int), minlength=64)
    likely, not_so = (exact.log_star, exact.log_px) if steps else (exact.log_px, exact.log_star)
    assert chi_square(counts, np.exp(likely)) > 1e-3
    assert chi_square(counts, np.exp(not_so)) < 1e-6


@pytest.mark.parametrize("candidates", [100, 1])
def test_resampled_samples_are_of_p_star_and_of_one_candidate_of_p(exact, candidates):
    found = exact.model(BiHM).resample(4_000, candidates=candidates, inner=2, seed=0)
    counts = np.bincount((found.reshape(-1, 6) @ 2 ** np.arange(5, -1, -1)).astype(int), minlength=64)
    likely, not_so = (exact.log_star, exact.log_px) if candidates > 1 else (exact.log_px, exact.log_star)
    assert chi_square(counts, np.exp(likely)) > 1e-3
    assert chi_square(counts, np.exp(not_so)) < 1e-6


def test_resampling_is_a_function_of_the_seed_and_refuses_no_candidates(exact):
    model = exact.model(BiHM)
    one = model.resample(50, candidates=20, seed=3)
    assert one.shape == (50, *exact.shape) and set(np.unique(one)) == {0.0, 1.0}
    np.testing.assert_array_equal(model.resample(7, candidates=20, seed=3), one[:7])
    assert np.abs(model.resample(50, candidates=20, seed=4) - one).max() == 1
    with pytest.raises(InvalidInput, match="candidates is 0; give a whole number of at least 1"):
        model.resample(5, candidates=0)


def test_inpaint_is_a_function_of_the_seed_and_agrees_with_its_endpoint(exact):
    model, x = exact.model(BiHM), exact.images()
    mask = np.array([1, 1, 1, 0, 0, 0]).reshape(exact.shape)
    one, two, other = (model.inpaint(x, mask, steps=model.endpoint_steps, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() == 1 and set(np.unique(one)) == {0.0, 1.0}
    np.testing.assert_array_equal(one[mask[None].repeat(64, 0) == 1], x[mask[None].repeat(64, 0) == 1])
    np.testing.assert_array_equal(model.inpaint(x[:7], mask, steps=model.endpoint_steps, seed=3), one[:7])
    served = model.answer("inpaint", x=x, mask=np.broadcast_to(mask, x.shape), seed=row_seeds(3, 64))["x"]
    np.testing.assert_array_equal(served, one)


def test_ancestral_samples_are_means_of_x_given_h(exact):
    model = exact.model(HelmholtzMachine)
    found = model.sample(2_000, seed=0).reshape(-1, 6)
    assert len(np.unique(found.round(4), axis=0)) <= 16  # one for each h_1
    assert_near_zero(found - np.exp(exact.log_px) @ exact.x)


# ---------------------------------------------------------------------------------------------- learning


@pytest.mark.statistics
@pytest.mark.parametrize(("cls", "most"), [(HelmholtzMachine, 1.0), (RWS, 0.15), (BiHM, 0.3)])
def test_bars_are_learned(cls, most):
    """KL(data || p) in nats; independent pixels have 7.7. Wake-sleep needs many times as long as the others.

    BiHM's lies between 0.04 and 0.24 with the seeds 0 to 5.
    """
    images, chance = bars.distribution()
    np.testing.assert_allclose(-(chance * np.log(chance)).sum(), bars.ENTROPY, rtol=1e-12)
    keras.utils.set_random_seed(0)
    model = cls.create((4, 4, 1), layers="16,8", seed=0)
    model.compile(keras.optimizers.Adam(0.02), steps_per_execution=50)
    x = images[np.random.default_rng(0).choice(len(images), 20_000, p=chance)].astype("float32")
    model.fit(x, batch_size=50, epochs=8, verbose=0)
    divergence = -(chance * model.log_likelihood(images.astype("float32"), num_samples=2_000)).sum() - bars.ENTROPY
    assert 0 < divergence < most


# ---------------------------------------------------------------------------------------------- bad input


@pytest.fixture(scope="module")
def small():
    return BiHM.create((4, 4, 1), layers=[5, 3], k=2, seed=0)


def test_data_that_are_not_binary_are_refused_with_their_first_value(small):
    x = np.zeros((8, 4, 4, 1), "float32")
    x[5, 1, 2] = 0.25
    x[6] = 0.5
    message = "x holds 0.25 in row 5, but this model takes 0 and 1 only; binarise it"
    small.compile("sgd")
    for data in (x, tf.data.Dataset.from_tensor_slices(x).batch(8)):
        with pytest.raises(InvalidInput, match=f"BiHM.fit: {message}"):
            small.fit(data, verbose=0)
        with pytest.raises(InvalidInput, match=f"BiHM.evaluate: {message}"):
            small.evaluate(data, verbose=0)
        with pytest.raises(InvalidInput, match=f"BiHM.fit.validation_data.: {message}"):
            small.fit(np.round(x), validation_data=data, verbose=0)
    with pytest.raises(InvalidInput, match=f"log_likelihood: {message}"):
        small.log_likelihood(x)
    with pytest.raises(InvalidInput, match=f"log_likelihood: {message}"):
        small.answer("log_likelihood", x=x, seed=np.arange(8))
    with pytest.raises(InvalidInput, match="inpaint: mask holds 0.25 in row 5, but this model takes 0 and 1 only"):
        small.inpaint(np.zeros_like(x), x)


def test_served_requests_that_are_not_binary_are_refused(small, tmp_path):
    x = np.zeros((4, 4, 4, 1), "float32")
    served = signatures(small)
    x[2, 1] = 0.25
    for name in ("log_likelihood", "inpaint", "log_likelihood_xla"):
        given = {"mask": tf.zeros_like(x)} if name == "inpaint" else {}
        message = f"{name.removesuffix('_xla')}.*: x holds values besides 0 and 1, first .0.25.; binarise it"
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            served[name](x=tf.constant(x), seed=tf.range(4), **given)
        served[name](x=tf.round(x), seed=tf.range(4), **given)


def test_log_p_star_needs_log_z_and_says_which_command_estimates_it(exact):
    model, x = exact.model(BiHM), exact.images()
    with pytest.raises(InvalidInput, match="no estimate; set model.log_z to the log_z that 'dgm-zoo evaluate --work"):
        model.log_p_star(x)
    assert set(model.answer("log_likelihood", x=x, seed=np.arange(64))) == {"log_likelihood", "log_p_tilde"}
    for wrong in ("0.5", True, np.nan):
        with pytest.raises(InvalidInput, match="log_z is .*; give a finite number of nats, or None"):
            model.log_z = wrong
    model.log_z = exact.log_z
    np.testing.assert_allclose(model.log_p_star(x, num_samples=20_000), exact.log_star, atol=0.05)
    served = model.answer("log_likelihood", x=x, seed=np.arange(64))
    np.testing.assert_allclose(served["log_p_tilde"] - served["log_p_star"], 2 * exact.log_z, rtol=1e-4)
    assert f"log Z = {exact.log_z:.4f}" in model.endpoints()["log_likelihood"].doc
    assert BiHM.from_config(model.get_config()).log_z == model.log_z
    model.compile("sgd")
    with pytest.raises(InvalidInput, match="this model takes 0 and 1 only"):
        model.fit(0.5 * x, verbose=0)
    assert model.log_z == exact.log_z


@pytest.mark.parametrize("change", [
    lambda model, x, path: model.fit(x, batch_size=32, verbose=0),
    lambda model, x, path: model.train_on_batch(x),
    lambda model, x, path: model.load_weights(path),
])
def test_log_z_goes_with_the_weights_that_it_belonged_to(exact, change, tmp_path):
    model = exact.model(BiHM)
    model.compile("sgd")
    model.save_weights(tmp_path / "m.weights.h5")
    model.log_z = -0.5
    change(model, exact.images(), tmp_path / "m.weights.h5")
    assert model.log_z is None


def test_metrics_refuse_what_they_cannot_measure(exact):
    x = exact.images()
    rows = tf.data.Dataset.from_tensor_slices(x).batch(32)
    with pytest.raises(InvalidInput, match="log_z is -0.5; give what log_partition.model. returned, which has its"):
        helmholtz_evidence(exact.model(BiHM), rows, 10, log_z=-0.5)
    with pytest.raises(InvalidInput, match="RWS has no p. whose Z could be estimated; give a BiHM"):
        log_partition(exact.model(RWS))
    with pytest.raises(InvalidInput, match="the data are one array; give batches, as tf.data.Dataset.from_tensor"):
        helmholtz_evidence(exact.model(BiHM), x, 10)


def test_masks_that_do_not_fit_are_refused(small):
    x = np.zeros((8, 4, 4, 1), "float32")
    with pytest.raises(InvalidInput, match=r"mask has shape \[8, 4, 2, 1\], but this model takes \[batch, 4, 4, 1\]"):
        small.inpaint(x, x[:, :, :2])
    with pytest.raises(InvalidInput, match="x has 8 rows and the mask 3; give each the same number"):
        small.inpaint(x, x[:3])
    with pytest.raises(InvalidInput, match="inpaint: mask is not an array of numbers: its rows differ in shape"):
        small.inpaint(x, [[1, 0], [1]])
    with pytest.raises(InvalidInput, match="unknown input of inpaint 'steps'"):
        small.answer("inpaint", x=x, mask=x, seed=np.arange(8), steps=3)


def test_numbers_may_be_those_of_numpy(small):
    one = small.resample(3, candidates=4, inner=2, seed=1)
    np.testing.assert_array_equal(small.resample(np.int64(3), np.int32(4), np.int64(2), np.int64(1)), one)
    assert RWS.create((4, 4, 1), wake_eta=np.float32(0.5)).wake_eta == 0.5
    with pytest.raises(InvalidInput, match="image_shape is 16; give the shape of one x, such as"):
        dgm_zoo.create("bihm", image_shape=16)


@pytest.mark.parametrize("value", [0, -1, 2.5, True])
def test_numbers_of_samples_and_steps_start_at_one(small, value):
    x = np.zeros((2, 4, 4, 1), "float32")
    for call in (
        lambda: BiHM.create((4, 4, 1), k=value),
        lambda: RWS.create((4, 4, 1), k=value),
        lambda: small.log_likelihood(x, num_samples=value),
        lambda: small.inpaint(x, x, steps=value),
        lambda: log_partition(small, num_samples=value),
        lambda: log_partition(small, inner=value),
    ):
        with pytest.raises(InvalidInput, match="give a whole number of at least 1"):
            call()


@pytest.mark.parametrize("given", [{"wake_theta": 0}, {"wake_eta": 0, "sleep_eta": 0}, {"wake_eta": -1}])
def test_weights_that_leave_a_player_idle_are_refused(given):
    with pytest.raises(InvalidInput, match="wake_"):
        RWS.create((4, 4, 1), **given)


def test_networks_that_do_not_fit_are_refused():
    p, q = BeliefNetwork((3, 16), root=True), BeliefNetwork((16, 3))
    with pytest.raises(InvalidInput, match="opposite order"):
        RWS(p, BeliefNetwork((16, 4)))
    with pytest.raises(InvalidInput, match="p needs a root and q none"):
        RWS(BeliefNetwork((3, 16)), q)
    with pytest.raises(InvalidInput, match=r"image_shape \(4, 5\) does not hold the 16 values"):
        RWS(p, q, image_shape=(4, 5))
