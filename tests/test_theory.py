"""The claims of the unified view, to the last digit: both sides of every identity, where they hold and where not."""

import itertools
import json
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_probability import distributions as tfd

from dgm_zoo import data
from dgm_zoo.cli.main import main
from dgm_zoo.distributions import jensen_shannon
from dgm_zoo.errors import InvalidInput
from dgm_zoo.objectives import NonSaturating
from dgm_zoo.training import directions
from dgm_zoo.unified import theory
from dgm_zoo.unified.theory.fits import DIVERGENCES, fit

SEEDS = range(4)
N, M = 6, 3  # values of x, and of z
same = np.testing.assert_allclose
softmax = tf.nn.log_softmax


def close(one, two, atol=1e-12):
    """Two gradients agree, and neither is nothing."""
    tf.nest.map_structure(lambda a, b: same(a, b, rtol=0, atol=atol), one, two)
    assert max(np.abs(part).max() for part in tf.nest.flatten(one)) > 1e-3


def apart(one, two):
    """Two gradients differ by far more than rounding."""
    assert max(np.abs(a - b).max() for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(two), strict=True)) > 1e-3


def wide(theta):
    """A p(x) whose parameters are not its logits: theta `[2]` to log p `[N]`."""
    x = tf.constant(np.linspace(-1, 1, N))
    return softmax(theta[0] * x - tf.exp(theta[1]) * x**2)


def gan(seed):
    """log p(x|y), theta_0, logits and p_data of a GAN on N values, another one for every seed."""
    rng = np.random.default_rng(seed)
    data = rng.dirichlet(np.ones(N))
    return theory.real_and_generated(wide, data), rng.normal(size=2), rng.normal(size=N), data


# Lemma 1.


@pytest.mark.parametrize("seed", SEEDS)
def test_lemma_1_is_an_identity_of_gradients_and_not_of_values(seed):
    log_p, theta, logit, _ = gan(seed)
    found = theory.lemma_1(log_p, theta, logit)
    close(found.left, found.right)
    assert abs(found.left_value - found.right_value) > 1e-2


@pytest.mark.parametrize("seed", SEEDS)
def test_lemma_1_fails_away_from_theta_0(seed):
    log_p, theta, logit, _ = gan(seed)
    found = theory.lemma_1(log_p, theta, logit, theta=theta + [0.5, -0.5])
    apart(found.left, found.right)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_left_side_of_lemma_1_is_what_the_objective_descends(seed):
    log_p, theta, logit, _ = gan(seed)
    theta = tf.constant(theta)
    with tf.GradientTape() as tape:
        tape.watch(theta)
        loss = -tf.reduce_sum(tf.exp(log_p(theta)[0]) * NonSaturating().generator(tf.constant(logit)))
    close(theory.lemma_1(log_p, theta, logit).left, 0.5 * tape.gradient(loss, theta))


@pytest.mark.parametrize("seed", SEEDS)
def test_lemma_1_holds_where_theta_moves_both_domains(seed):
    rng = np.random.default_rng(seed)
    both = lambda theta: softmax(theta["kernel"] @ theta["features"])  # noqa: E731
    theta = {"kernel": rng.normal(size=(2, 3)), "features": rng.normal(size=(3, N))}
    found = theory.lemma_1(both, theta, rng.normal(size=N))
    close(found.left, found.right)
    assert set(found.left) == {"kernel", "features"}


def test_the_right_side_of_lemma_1_is_the_divergence_that_it_names():
    log_p, theta, logit, _ = gan(0)
    given = log_p(tf.constant(theta))
    p, d = np.exp(given), 1 / (1 + np.exp(-logit))
    q_r = np.stack([d, 1 - d]) * p.mean(0)
    q_r /= q_r.sum(1, keepdims=True)
    divergence = 0.5 * (p * np.log(p / q_r)).sum()
    jsd = jensen_shannon(*(tfd.Categorical(logits=row) for row in given))
    same(theory.lemma_1(log_p, theta, logit).right_value, divergence - jsd, atol=1e-12)


def test_a_constant_discriminator_moves_nothing():
    log_p, theta, _, _ = gan(1)
    found = theory.lemma_1(log_p, theta, np.full(N, 0.7))
    same(found.left, 0, atol=1e-12)
    same(found.right, 0, atol=1e-12)


# Eq. 7 and 8.


@pytest.mark.parametrize("seed", SEEDS)
def test_equation_8(seed):
    log_p, theta, _, data = gan(seed)
    found = theory.equation_8(wide, theta, data)
    close(found.left, found.right)
    best = theory.optimal_discriminator(log_p(tf.constant(theta)))
    close(found.right, theory.lemma_1(log_p, theta, best).right)
    away = theory.equation_8(wide, theta, data, theta=theta + [0.5, -0.5])
    apart(away.left, away.right)


def test_the_optimal_discriminator_cannot_be_improved():
    log_p, theta, _, _ = gan(2)
    logit = theory.optimal_discriminator(log_p(tf.constant(theta)))
    p = tf.exp(log_p(tf.constant(theta)))
    same(tf.sigmoid(logit), p[1] / (p[0] + p[1]), atol=1e-12)
    with tf.GradientTape() as tape:
        tape.watch(logit)
        utility = tf.reduce_sum(p * tf.stack([-tf.nn.softplus(logit), -tf.nn.softplus(-logit)]))
    same(tape.gradient(utility, logit), 0, atol=1e-12)


def test_a_generator_that_has_the_datas_distribution_is_left_alone():
    theta = np.array([0.3, -0.2])
    found = theory.equation_8(wide, theta, np.exp(wide(tf.constant(theta))))
    same(found.left, 0, atol=1e-12)
    same(found.right, 0, atol=1e-12)


# InfoGAN, Eq. 9 and 10.


def codes(seed):
    """log q(z|x,y), `[2, M, N]`, and log p(x|z,y) of a generator of two codes more than the data have."""
    rng = np.random.default_rng([seed, 1])
    log_q_z = softmax(tf.constant(rng.normal(size=(2, M, N))), 1)
    log_data = tf.math.log(tf.constant(rng.dirichlet(np.ones(N))))
    given_z = lambda theta: tf.stack([softmax(theta), tf.broadcast_to(log_data, [M, N])])  # noqa: E731
    return log_q_z, given_z, rng.normal(size=(M, N)), rng.normal(size=N), rng.dirichlet(np.ones(M), 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_equation_10_holds_for_every_code(seed):
    log_p, theta, logit, _ = gan(seed)
    log_q_z, *_ = codes(seed)
    for z in range(M):
        found = theory.equation_10(log_p, theta, logit, log_q_z[:, z])
        close(found.left, found.right)
        apart(found.left, theory.lemma_1(log_p, theta, logit).left)


@pytest.mark.parametrize("seed", SEEDS)
def test_infogans_generator_has_the_mutual_information_of_its_codes_too(seed):
    log_q_z, given_z, theta, logit, prior = codes(seed)
    found = theory.infogan(given_z, theta, logit, log_q_z, prior)
    close(found.left, found.right)
    apart(*theory.infogan(given_z, theta, logit, log_q_z, prior, theta=1.5 * theta)[:2])


def test_of_one_code_infogan_is_the_gan():
    log_p, theta, logit, _ = gan(0)
    found = theory.infogan(lambda t: log_p(t)[:, None], theta, logit, np.zeros((2, 1, N)), [[1.0], [1.0]])
    close(found.left, theory.lemma_1(log_p, theta, logit).left)
    close(found.right, theory.lemma_1(log_p, theta, logit).right)


# Lemma 2 and Eq. 17.


def vae(seed):
    """The arguments of `lemma_2`, another model for every seed."""
    rng = np.random.default_rng(seed)
    parameters = {"theta": rng.normal(size=(M, N)), "eta": rng.normal(size=(N, M))}
    return softmax, softmax, parameters, rng.dirichlet(np.ones(M)), rng.dirichlet(np.ones(N))


def elsewhere(parameters):
    return {name: v + 0.5 * np.cos(np.arange(v.size)).reshape(v.shape) for name, v in parameters.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_lemma_2_everywhere_and_in_value(seed):
    given = vae(seed)
    for at in (None, elsewhere(given[2])):
        found = theory.lemma_2(*given, at=at)
        close(found.left, found.right)
        same(found.left_value, found.right_value, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_lemma_2_is_a_kl_in_eta_everywhere_and_in_theta_where_the_data_were_generated(seed):
    given = vae(seed)
    found = theory.lemma_2_as_kl(*given)
    close(found.left, found.right)
    assert abs(found.left_value - found.right_value) > 1e-2
    away = theory.lemma_2_as_kl(*given, at=elsewhere(given[2]))
    close(away.left["eta"], away.right["eta"])
    apart(away.left["theta"], away.right["theta"])


@pytest.mark.parametrize("seed", SEEDS)
def test_equation_17_is_what_the_activated_models_ascend(seed):
    given, rng = vae(seed), np.random.default_rng([seed, 1])
    for d in (rng.uniform(0.05, 0.95, (2, N)), [[0.3], [0.3]], [[1.0], [0.0]]):
        for at in (None, elsewhere(given[2])):
            found = theory.equation_17(*given, d, at=at)
            close(found.left, found.right)
    perfect, trained = theory.lemma_2(*given), theory.equation_17(*given, rng.uniform(0.05, 0.95, (2, N)))
    apart(perfect.left, trained.left)


# Wake and sleep.


def machine(seed):
    """log p(x,h) and log q(h|x), functions of parameters, and p_data."""
    rng = np.random.default_rng(seed)
    log_joint = lambda theta: tf.reshape(softmax(tf.reshape(theta, [-1])), [N, M])  # noqa: E731
    parameters = {"theta": rng.normal(size=(N, M)), "eta": rng.normal(size=(N, M))}
    return log_joint, softmax, parameters, rng.dirichlet(np.ones(N))


@pytest.mark.parametrize("seed", SEEDS)
def test_each_phase_is_its_direction_of_the_kl(seed):
    log_joint, log_q, parameters, data = machine(seed)
    theta, eta = parameters.values()
    p, q = np.exp(log_joint(tf.constant(theta))), np.exp(log_q(tf.constant(eta)))
    inference, dreams = q * data[:, None], q * p.sum(1, keepdims=True)
    wake, sleep = theory.wake(log_joint, theta, q, data), theory.sleep(log_q, eta, p)
    close(wake.left, wake.right)
    same(wake.left, p - inference, atol=1e-12)
    same(wake.right_value, (inference * np.log(inference / p)).sum(), atol=1e-12)
    close(sleep.left, sleep.right)
    same(sleep.right_value, (p * np.log(p / dreams)).sum(), atol=1e-12)


def test_sleep_is_not_the_direction_that_wake_would_take():
    log_joint, log_q, parameters, _ = machine(0)
    p = np.exp(log_joint(tf.constant(parameters["theta"])))
    asleep = theory.sleep(log_q, parameters["eta"], p)
    awake = theory.vae_as_wake(log_joint, log_q, parameters, p.sum(1))  # data that the model itself made
    apart(asleep.left, awake.left["eta"])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_vae_is_the_wake_phase_of_both_players(seed):
    log_joint, log_q, parameters, data = machine(seed)
    found = theory.vae_as_wake(log_joint, log_q, parameters, data)
    close(found.left, found.right)
    q = np.exp(log_q(tf.constant(parameters["eta"])))
    close(found.left["theta"], theory.wake(log_joint, parameters["theta"], q, data).left)
    same(found.left_value - found.right_value, -(data * np.log(data)).sum(), atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gans_discriminator_sleeps_and_its_generator_is_moved_too(seed):
    log_p, theta, _, _ = gan(seed)
    features = tf.constant(np.random.default_rng([seed, 1]).normal(size=(N, 2)))
    phi = np.array([0.4, -0.7])
    logit = lambda phi: tf.linalg.matvec(features, phi)  # noqa: E731
    found = theory.gan_as_sleep(log_p, logit, {"theta": theta, "phi": phi})
    for player in ("theta", "phi"):
        close(found[player].left, found[player].right)
    generated, real = np.exp(log_p(tf.constant(theta)))
    phi = tf.constant(phi)
    with tf.GradientTape() as tape:
        tape.watch(phi)
        one, two = logit(phi)[:, None], logit(phi)[None]
        utility = tf.reduce_sum(real[:, None] * generated * NonSaturating().discriminator(one, two))
    close(found["phi"].left, -0.5 * tape.gradient(utility, phi))


# The importance weighted GAN, Eq. 15 and 16.


@pytest.mark.parametrize("y", [0, 1])
def test_the_bound_of_k_samples_rises_to_log_q(y):
    log_p, theta, logit, _ = gan(y)
    log_p = log_p(tf.constant(theta))
    bounds, limits = zip(*(theory.equation_15(log_p, logit, k, y) for k in range(1, 6)), strict=True)
    p, d = np.exp(log_p), 1 / (1 + np.exp(-logit))
    q_r = (1 - d if y else d) * p.mean(0)
    same(limits, np.log(q_r.sum()), atol=1e-12)
    same(limits[0] - bounds[0], (p[y] * np.log(p[y] * q_r.sum() / q_r)).sum(), atol=1e-12)
    assert (np.diff(bounds) > 0).all() and bounds[-1] < limits[0]


@pytest.mark.parametrize("y", [0, 1])
def test_the_weights_of_equation_16_are_exact_under_the_best_discriminator_alone(y):
    log_p, theta, logit, _ = gan(y)
    log_p = log_p(tf.constant(theta))
    exact, approximate = theory.log_weights(log_p, theory.optimal_discriminator(log_p), y)
    same(exact - approximate, -np.log(2), atol=1e-12)
    exact, approximate = theory.log_weights(log_p, logit, y)
    same(approximate, -logit if y else logit, atol=1e-12)
    assert np.ptp(exact - approximate) > 1e-2


def points(theta):
    """x(z, theta) in the plane for each of 4 codes."""
    z = tf.constant([[-1.0, 0.5], [0.3, 0.8], [1.2, -0.4], [0.0, -1.5]], tf.float64)
    return tf.tanh(z @ theta["kernel"]) + theta["bias"]


def judge(x):
    return 2 * x[:, 0] - x[:, 1] ** 2 + tf.sin(3 * x[:, 1])


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_objective_has_the_expected_gradient_of_equation_16(seed, k):
    rng = np.random.default_rng(seed)
    theta, prior = {"kernel": rng.normal(size=(2, 2)), "bias": rng.normal(size=2)}, rng.dirichlet(np.ones(4))
    found = theory.equation_16(points, judge, theta, prior, k)
    close(found.left, found.right)
    same(found.left_value, found.right_value, atol=1e-12)
    d = 1 / (1 + np.exp(-judge(points(tf.nest.map_structure(tf.constant, theta))).numpy()))
    wanted = sum(
        prior[list(codes)].prod() * np.average(np.log(d[list(codes)]), weights=(d / (1 - d))[list(codes)])
        for codes in itertools.product(range(4), repeat=k)
    )
    same(found.left_value, wanted, atol=1e-12)


def test_one_sample_is_the_gan_and_several_are_not():
    theta, prior = {"kernel": np.eye(2), "bias": np.zeros(2)}, np.full(4, 0.25)
    one, two = (theory.equation_16(points, judge, theta, prior, k) for k in (1, 2))
    utility = lambda t: tf.reduce_mean(NonSaturating().generator(judge(points(t))))  # noqa: E731
    now = tf.nest.map_structure(tf.constant, theta)
    with tf.GradientTape() as tape:
        tape.watch(now)
        value = utility(now)
    close(one.left, {name: g.numpy() for name, g in tape.gradient(value, now).items()})
    apart(one.left, two.left)


# The directions of the KL, made visible.


@pytest.mark.statistics
@pytest.mark.parametrize(("divergence", "spread"), [("KL(data || model)", 1.0), ("KL(model || data)", 0.1)])
def test_a_gaussian_covers_two_modes_by_one_direction_and_takes_one_by_the_other(divergence, spread):
    x, nats = fit(divergence, [[-1.0, 0.0], [1.0, 0.0]], 0.1, 1, seeds=[0, 1], samples=2_000, steps=600)
    assert x.shape == (2, 2_000, 2) and nats.shape == (2, 2)
    same(x[..., 0].std(1), spread, rtol=0.1)
    same(np.abs(x[..., 0].mean(1)), 1.0 if spread < 1 else 0.0, atol=0.1)
    covering = np.log(1.005**0.5 / 0.1) - np.log(2)  # entropies of a Gaussian over both, and of the data
    same(nats.min(0), covering if spread == 1 else np.log(2), rtol=0.1)


def test_directions_measures_every_seed_and_keeps_the_points_of_the_first(monkeypatch):
    centres = np.array(data.info(directions.DATASET).modes.centres, np.float32)
    draws = lambda modes, seed: centres[(np.arange(directions.SAMPLES) + seed) % modes]  # noqa: E731

    def fits(divergence, *given):
        assert given[2:] == (4, [3, 5], directions.SAMPLES, 7)
        x = np.stack([draws(8 if divergence == "KL(data || model)" else 4, seed) for seed in given[3]])
        return x, np.array([[2.0, 2.5], [1.0, 3.0]])

    monkeypatch.setattr(directions, "fit", fits)
    said = []
    rows, found = directions.directions({"one": lambda seed: draws(seed, 0)}, [3, 5], steps=7, progress=said.append)
    covered = [row["modes_covered"] for row in rows]
    assert [one["value"] for one in covered] == [8, 4, 4, 4] and covered[3]["values"] == [3, 5]
    assert [one["stderr"] for one in covered] == [0, 0, 0, 1] and rows[0]["high_quality"]["value"] == 1
    assert rows[0]["nats"] == {"wide": [2.0, 2.5], "narrow": [1.0, 3.0]} and rows[3]["nats"] is None
    assert list(found) == ["data, 8 modes", *(row["objective"] for row in rows)] and len(said) == 4
    np.testing.assert_array_equal(found["one"], draws(3, 0))


def test_the_command_writes_the_table_the_numbers_and_the_picture(monkeypatch, tmp_path, capsys):
    made = {}

    def measured(zoo, seeds, steps):
        made.update(zoo=list(zoo), seeds=list(seeds), steps=steps)
        one = {"value": 7.5, "values": [8, 7], "stderr": 0.5, "protocol": "of 8 modes"}
        share = {"value": 0.25, "values": [0.2, 0.3], "stderr": 0.05, "protocol": "share of samples"}
        x = np.random.default_rng(0).normal(size=(100, 2))
        row = {"objective": "VAE", "nats": None, "modes_covered": one, "high_quality": share}
        return [row], {"data, 8 modes": x, "VAE": x}

    monkeypatch.setattr(directions, "directions", measured)
    assert main(["directions", f"--out={tmp_path}", "--seeds=2"]) == 0
    assert made == {"zoo": ["VAE", "GAN"], "seeds": [0, 1], "steps": 2_000}
    assert "modes covered 7.5 ± 0.5" in capsys.readouterr().out
    written = json.loads((tmp_path / "kl_directions.json").read_text())
    assert written["rows"][0]["modes_covered"]["values"] == [8, 7] and {"versions", "machine"} <= set(written)
    assert "| VAE | 7.5 ± 0.5 (8, 7) | 0.25 ± 0.05 | - | 2 |" in (tmp_path / "kl_directions.md").read_text()
    assert Image.open(tmp_path / "kl_directions.png").size[0] > 500
    assert main(["directions", f"--out={tmp_path}", "--seeds=0"]) == 2
    assert "--seeds=0 must be at least 1" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_runs_from_fits_and_models_to_files(tmp_path):
    assert main(["directions", f"--out={tmp_path}", "--seeds=1", "--quick"]) == 0
    written = json.loads((tmp_path / "kl_directions.json").read_text())
    assert [row["objective"].split(",")[0] for row in written["rows"]] == [*DIVERGENCES, "VAE", "GAN"]


# What is refused.


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: theory.real_and_generated(softmax, [0.5, 0.6]), "data must add up to 1, but adds up to 1.1"),
        (lambda: theory.real_and_generated(softmax, [0.0, 1.0]),
         "data must hold probabilities above 0, but its least is 0"),
        (lambda: theory.lemma_1(lambda t: t, np.zeros((2, 3)), np.zeros(3)),
         "exp of log_p must add up to 1, but adds up to 3"),
        (lambda: theory.lemma_1(lambda t: tf.cast(softmax(t), tf.float32), np.zeros((2, 3)), np.zeros(3)),
         "log_p gave float32 of shape [2, 3]; give float64 with 2 axes"),
        (lambda: theory.lemma_1(softmax, np.zeros((2, 3)), np.zeros(4)),
         "log_p has shape [2, 3], but q [2, 4]; make them equal"),
        (lambda: theory.equation_17(*vae(0), np.full((2, N), 1.5)),
         f"d of shape [2, {N}] must hold values from 0 to 1, [2, {N}]"),
        (lambda: theory.lemma_2(*vae(0)[:3], [0.5, 0.5], np.full(N, 1 / N)),
         "do not fit; give [m, n], [n, m], [m] and [n]"),
        (lambda: theory.equation_15(softmax(tf.zeros((2, 10), tf.float64)), np.zeros(10), 7),
         "k is 7; give a whole number from 1, with 10**k at most 1,000,000"),
        (lambda: theory.equation_16(lambda t: t, lambda x: x, np.zeros((4, 2)), np.full(4, 0.25), 2),
         "logit gave float64 of shape [4, 2]; give float64 [4]"),
        (lambda: directions.directions({}, seeds=[1, 1]), "seeds [1, 1] must be at least one, and differ"),
        (lambda: fit("JSD", [[0.0, 0.0]], 0.1, 2, [0], 10), "components is 2; give at most 1, the number of modes"),
        (lambda: fit("KL(model || dat)", [[0.0, 0.0]], 0.1, 1, [0], 10),
         "unknown divergence 'KL(model || dat)'; did you mean 'KL(model || data)'?"),
    ],
)
def test_what_does_not_fit_is_refused(call, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        call()
