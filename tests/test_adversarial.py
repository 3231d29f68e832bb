"""The adversarial models: their objectives against NumPy and exact gradients, their players, layers with a state."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, log_expit, softmax
from tensorflow_probability import distributions as tfd
from zoo import images, sparing, tiny, two_cpus, weights

from dgm_zoo.distributions import (
    BatchNoise,
    IndependentBernoulli,
    SampledPrior,
    StandardNormal,
    UniformPrior,
    VampPrior,
    jensen_shannon,
)
from dgm_zoo.distributions.codes import Codes
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import AE, CGAN, GAN, VAEGAN, InfoGAN, create, list_models, model_class
from dgm_zoo.networks import dense, dense_discriminator, dense_generator
from dgm_zoo.objectives import (
    Hinge,
    ImportanceWeighted,
    NonSaturating,
    Wasserstein,
    adversarial,
    effective_sample_size,
    energy_distance,
    gradient_penalty,
    importance_weighted,
    log_q,
    log_q_reversed,
)

REAL = np.float32([-3.0, 0.2, 0.7, 5.0])
FAKE = np.float32([2.0, -0.4, -6.0, 0.9])

# phi's utility, theta's utility, and their derivatives by the real and the generated logits, in NumPy.
NUMPY = {
    "NonSaturating": (
        lambda r, f: log_expit(r) + log_expit(-f), lambda f: log_expit(f),
        lambda r, f: (expit(-r), -expit(f)), lambda f: expit(-f),
    ),
    "Saturating": (
        lambda r, f: log_expit(r) + log_expit(-f), lambda f: -log_expit(-f),
        lambda r, f: (expit(-r), -expit(f)), lambda f: expit(f),
    ),
    "LeastSquares": (
        lambda r, f: -((r - 1) ** 2) / 2 - f**2 / 2, lambda f: -((f - 1) ** 2) / 2,
        lambda r, f: (1 - r, -f), lambda f: 1 - f,
    ),
    "Hinge": (
        lambda r, f: np.minimum(0, r - 1) + np.minimum(0, -f - 1), lambda f: f,
        lambda r, f: (1.0 * (r < 1), -1.0 * (f > -1)), lambda f: np.ones_like(f),
    ),
    "Wasserstein": (
        lambda r, f: r - f, lambda f: f,
        lambda r, f: (np.ones_like(r), -np.ones_like(f)), lambda f: np.ones_like(f),
    ),
}


def differentiated(function, *values):
    """The value of a function of tensors, and its gradient by each of them."""
    values = [tf.constant(v) for v in values]
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = function(*values)
    return result, tape.gradient(result, values)


# The objectives.


@pytest.mark.parametrize("y", [0, 1])
def test_log_q_is_that_of_a_bernoulli_and_its_reversal_exchanges_real_and_generated(y):
    logit = np.float32([-200.0, -1.0, 0.0, 3.0, 200.0])
    wanted = log_expit(logit.astype(np.float64) * (1 if y else -1))
    np.testing.assert_allclose(log_q(logit, y), wanted, rtol=1e-6, atol=1e-40)
    np.testing.assert_array_equal(log_q_reversed(logit, y), log_q(logit, 1 - y))


@pytest.mark.parametrize("name", NUMPY)
def test_utilities_and_their_gradients_are_numpys(name):
    objective, (phi, theta, by_both, by_fake) = adversarial(name), NUMPY[name]
    real, fake = REAL.astype(np.float64), FAKE.astype(np.float64)
    value, gradients = differentiated(objective.discriminator, REAL, FAKE)
    np.testing.assert_allclose(value, phi(real, fake), rtol=1e-6)
    np.testing.assert_allclose(gradients, by_both(real, fake), rtol=1e-5, atol=1e-7)
    value, (gradient,) = differentiated(objective.generator, FAKE)
    np.testing.assert_allclose(value, theta(fake), rtol=1e-6)
    np.testing.assert_allclose(gradient, by_fake(fake), rtol=1e-5, atol=1e-7)


def test_accuracies_count_the_right_side_of_the_boundary():
    for name, boundary in (("NonSaturating", 0.0), ("Hinge", 0.0), ("LeastSquares", 0.5)):
        found = adversarial(name).accuracies(tf.constant(REAL), tf.constant(FAKE))
        np.testing.assert_array_equal(found["accuracy_real"], REAL > boundary)
        np.testing.assert_array_equal(found["accuracy_fake"], FAKE <= boundary)
    shifted = [Wasserstein().accuracies(tf.constant(REAL + by), tf.constant(FAKE + by)) for by in (0.0, 100.0)]
    for name in ("accuracy_real", "accuracy_fake"):  # a critic's logits have no zero of their own
        np.testing.assert_array_equal(shifted[0][name], shifted[1][name])


def test_an_objective_is_named_or_described_or_given():
    given = Hinge()
    assert adversarial(given) is given and isinstance(adversarial("Hinge"), Hinge)
    assert adversarial({"name": "Wasserstein", "gradient_penalty": 1.0}) == Wasserstein(1.0)
    assert type(Wasserstein(np.float32(0.5)).gradient_penalty) is float
    assert Wasserstein.from_config(Wasserstein(3.0).get_config()) == Wasserstein(3.0)


@pytest.mark.parametrize("spec, sentence", [
    ("NonSaturated", "unknown objective 'NonSaturated'; did you mean 'NonSaturating'?"),
    ({"gradient_penalty": 1.0}, "unknown objective 'None'"),
    (3, "objective 3 must be a name, such as 'NonSaturating', or a dict with one"),
    ({"name": "Hinge", "margin": 1.0}, "objective Hinge takes no argument 'margin'; it takes none"),
    ({"name": "Wasserstein", "penalty": 1.0}, "takes no argument 'penalty'; it takes gradient_penalty"),
    ({"name": "Wasserstein", "gradient_penalty": -1}, "gradient_penalty is -1; give a number of at least 0"),
    ({"name": "Wasserstein", "gradient_penalty": True}, "gradient_penalty is True"),
], ids=str)
def test_an_objective_is_refused_in_one_sentence(spec, sentence):
    with pytest.raises(InvalidInput) as error:
        adversarial(spec)
    assert sentence in str(error.value) and "\n" not in str(error.value)


# Importance weights.


def mean_gradient(objective, logit):
    return differentiated(lambda f: tf.reduce_mean(objective.generator(f)), np.float32(logit))[1][0].numpy()


def test_importance_weights_of_equal_logits_give_the_plain_gradient():
    logit = np.full(5, 1.3)
    np.testing.assert_allclose(
        mean_gradient(ImportanceWeighted(), logit), mean_gradient(NonSaturating(), logit), rtol=1e-6
    )
    np.testing.assert_allclose(effective_sample_size(tf.constant(np.float32(logit))), 5.0, rtol=1e-6)


def test_one_dominating_logit_gives_that_samples_gradient():
    logit = np.float32([-30.0, -2.0, -25.0])
    wanted = [0.0, expit(2.0), 0.0]  # of log q(y=1|x_2), in a sum, not in a mean of three
    np.testing.assert_allclose(mean_gradient(ImportanceWeighted(), logit), wanted, atol=1e-6)
    np.testing.assert_allclose(effective_sample_size(tf.constant(logit)), 1.0, rtol=1e-6)


def test_importance_weights_are_the_softmax_of_the_logits_held_constant():
    utility, logit = np.float32([0.3, -1.0, 2.0, 0.1]), FAKE
    value, (by_utility, by_logit) = differentiated(importance_weighted, utility, logit)
    np.testing.assert_allclose(tf.reduce_mean(value), np.sum(softmax(logit) * utility), rtol=1e-5)
    np.testing.assert_allclose(by_utility, 4 * softmax(logit), rtol=1e-5)
    assert by_logit is None
    np.testing.assert_allclose(effective_sample_size(tf.constant(logit)), 1 / np.sum(softmax(logit) ** 2), rtol=1e-5)


@pytest.mark.parametrize("spread", [0.0, 60.0])
def test_the_generators_step_is_the_weighted_sum_of_its_samples_gradients(spread):
    model = tiny("iwgan")
    kernel, bias = model.discriminator.get_weights()[-2:]
    model.discriminator.set_weights([*model.discriminator.get_weights()[:-2], kernel * spread, bias])
    model.compile(keras.optimizers.SGD(1.0))
    x, _ = images(6)
    noise = model.prior.noise(BatchNoise([0, 0], 6))
    variables = model.player_variables("theta")
    with tf.GradientTape() as tape:
        logit = model.logit(model.generate(noise))
        utility = log_q(logit, 1)
    each = [np.reshape(j, (6, -1)) for j in tape.jacobian(utility, variables)]
    wanted = softmax(logit.numpy().astype(np.float64)) @ np.concatenate(each, 1)
    before = np.concatenate([np.ravel(v) for v in variables])
    terms = model.ascend(model.theta_terms, tf.constant(x), (), noise, theta="generator")
    after = np.concatenate([np.ravel(v) for v in variables])
    np.testing.assert_allclose(after - before, wanted, atol=2e-6)
    np.testing.assert_allclose(terms["ess"], 1 / np.sum(softmax(logit.numpy()) ** 2), rtol=1e-4)


@pytest.mark.parametrize("name", sparing(["infogan", "aae", "vaegan", "cgan"], ["cgan"]))
def test_importance_weighting_works_for_every_adversarial_model(name):
    model = tiny(name, objective="ImportanceWeighted")
    model.compile(keras.optimizers.Adam(1e-3))
    x, label = images(32)
    given = (x, label) if "label" in model.takes() else (x,)
    history = model.fit(*given, batch_size=16, verbose=0).history
    assert 1.0 <= history["ess"][0] <= 16.0


def test_the_weighted_models_differ_from_their_plain_ones_by_the_objective_alone():
    for plain, weighted in (("gan", "iwgan"), ("cgan", "iwcgan")):
        one, two = tiny(plain, objective="ImportanceWeighted"), tiny(weighted)
        x, label = images(32)
        given = (x, label) if plain == "cgan" else (x,)
        for model in (one, two):
            model.compile("sgd")
            model.fit(*given, batch_size=16, shuffle=False, verbose=0)
        np.testing.assert_array_equal(weights(one), weights(two))


# The gradient penalty, and the distance.


def test_the_penalty_of_a_linear_critic_is_closed_and_so_is_its_gradient():
    rng = np.random.default_rng(0)
    real, fake = (rng.normal(size=(5, 2, 3)).astype("float32") for _ in range(2))
    mix, w = rng.random(5).astype("float32"), rng.normal(size=6).astype("float32")

    def penalty(w):
        critic = lambda x: tf.linalg.matvec(tf.reshape(x, [-1, 6]), w)  # noqa: E731
        return gradient_penalty(critic, tf.constant(real), tf.constant(fake), tf.constant(mix))

    norm = np.linalg.norm(w.astype(np.float64))
    for function in (penalty, tf.function(penalty, jit_compile=True)):
        value, (gradient,) = differentiated(function, w)
        np.testing.assert_allclose(value, np.full(5, (norm - 1) ** 2), rtol=1e-4)
        np.testing.assert_allclose(gradient, 5 * 2 * (norm - 1) * w / norm, rtol=1e-4)


def test_the_penalty_is_taken_between_each_real_example_and_a_generated_one():
    real, fake = np.float32([[1.0], [4.0]]), np.float32([[3.0], [-2.0]])
    mix = np.float32([0.25, 0.5])
    square = lambda x: x[:, 0] ** 2  # noqa: E731  (slope 2 x)
    found = gradient_penalty(square, tf.constant(real), tf.constant(fake), tf.constant(mix))
    np.testing.assert_allclose(found, [(2 * 2.5 - 1) ** 2, (2 * 1.0 - 1) ** 2], rtol=1e-5)


def test_the_penalty_of_a_flat_critic_has_a_finite_gradient():
    zeros = tf.zeros([3, 2])

    def penalty(w):
        return gradient_penalty(lambda x: tf.linalg.matvec(x, w), zeros, zeros, zeros[:, 0])

    value, (gradient,) = differentiated(penalty, np.zeros(2, "float32"))
    np.testing.assert_allclose(value, np.ones(3), atol=1e-5)
    assert np.isfinite(gradient).all()


def test_energy_distance_is_the_unbiased_sum_over_pairs():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 2, 3)).astype("float32"), rng.normal(1.0, 2.0, size=(7, 2, 3)).astype("float32")
    a, b = x.reshape(7, 6).astype(np.float64), y.reshape(7, 6).astype(np.float64)
    norm = lambda p, q: np.linalg.norm(p[:, None] - q[None], axis=-1)  # noqa: E731
    wanted = 2 * norm(a, b).mean() - (norm(a, a).sum() + norm(b, b).sum()) / (7 * 6)
    np.testing.assert_allclose(tf.reduce_mean(energy_distance(tf.constant(x), tf.constant(y))), wanted, rtol=1e-4)
    assert energy_distance(tf.constant(x), tf.constant(y)).shape == (7,)
    np.testing.assert_allclose(energy_distance(tf.zeros([1, 1]), tf.ones([1, 1])), [2.0])


def test_energy_distance_of_one_distribution_is_zero_in_the_mean():
    rng = np.random.default_rng(0)
    draws = [rng.normal(size=(2, 20, 3)).astype("float32") for _ in range(300)]
    found = np.array([tf.reduce_mean(energy_distance(tf.constant(x), tf.constant(y))) for x, y in draws])
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(len(found))


# The unified view, by enumeration: Lemma 1 of Hu et al. on ten states.


@pytest.mark.parametrize("discriminator", ["any", "optimal"])
def test_the_generators_gradient_is_that_of_the_kl_less_the_jsd(discriminator):
    rng = np.random.default_rng(0)
    theta, p_data = tf.constant(rng.normal(size=10)), softmax(rng.normal(size=10))
    p_0 = softmax(theta.numpy())
    logit = np.log(p_data / p_0) if discriminator == "optimal" else rng.normal(size=10)
    posterior = expit(logit) * (p_0 + p_data)  # q^r(x|y=0), up to its normaliser: q_phi(y=1|x) p_theta0(x)
    posterior = posterior / posterior.sum()

    def ours(theta):
        p_g = tf.nn.softmax(theta)
        return -0.5 * tf.reduce_sum(p_g * NonSaturating().generator(tf.constant(logit)))

    def theirs(theta):
        p_g = tf.nn.softmax(theta)
        kl = tf.reduce_sum(p_g * (tf.math.log(p_g) - np.log(posterior)))
        return 0.5 * kl - jensen_shannon(tfd.Categorical(logits=theta), tfd.Categorical(logits=np.log(p_data)))

    (one,), (two,) = (differentiated(function, theta)[1] for function in (ours, theirs))
    assert np.abs(one).max() > 1e-3
    np.testing.assert_allclose(one, two, atol=1e-12)
    if discriminator == "optimal":  # q^r(x|y=0) is then p_data itself, Eq. 8
        np.testing.assert_allclose(posterior, p_data, atol=1e-12)


# Players: each moves what it owns, by its own gradient.


def moved(model, step):
    """What `step()` adds to each player's variables: `{player: [size]}`."""

    def flat():
        return {p: np.concatenate([np.ravel(v) for v in model.player_variables(p)]) for p in model.players}

    before = flat()
    step()
    return {player: after - before[player] for player, after in flat().items()}


def gradient_of(model, player, utility):
    """The gradient of the mean of `utility()` for what `player` owns: `[size]`."""
    variables = model.player_variables(player)
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(utility())
    found = tape.gradient(mean, variables)
    pairs = zip(found, variables, strict=True)
    return np.concatenate([np.zeros(v.shape).ravel() if g is None else np.ravel(g) for g, v in pairs])


def assert_moves(found, wanted):
    assert np.abs(wanted).max() > 1e-4
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-6)


@pytest.mark.parametrize("objective", ["NonSaturating", "Saturating", "LeastSquares", "Hinge", "Wasserstein"])
def test_a_round_of_the_gan_is_phis_gradient_and_then_thetas(objective):
    model = tiny("gan", objective=objective)
    model.compile({"theta": keras.optimizers.SGD(1.0), "phi": keras.optimizers.SGD(0.5)})
    x = tf.constant(images(8)[0])
    noise = model.noise(BatchNoise([0, 0], 8))
    ((z_phi, mix),), z_theta = noise

    def phi():
        generated = model.generator(z_phi)
        real, fake = (tf.reshape(model.discriminator(value), [-1]) for value in (x, generated))
        utility = model.objective.discriminator(real, fake)
        if objective == "Wasserstein":
            utility -= 10.0 * gradient_penalty(lambda v: model.discriminator(v)[:, 0], x, generated, mix)
        return utility

    wanted = gradient_of(model, "phi", phi)
    first = moved(model, lambda: model.ascend(model.phi_terms, x, (), (z_phi, mix), phi="discriminator"))
    assert_moves(first["phi"], 0.5 * wanted)
    assert not first["theta"].any()
    wanted = gradient_of(
        model, "theta", lambda: model.objective.generator(model.discriminator(model.generator(z_theta))[:, 0])
    )
    second = moved(model, lambda: model.ascend(model.theta_terms, x, (), z_theta, theta="generator"))
    assert_moves(second["theta"], wanted)
    assert not second["phi"].any()
    whole = tiny("gan", objective=objective)
    whole.compile({"theta": keras.optimizers.SGD(1.0), "phi": keras.optimizers.SGD(0.5)})
    whole.play(x, (), noise)
    np.testing.assert_allclose(weights(whole), weights(model), atol=1e-6)


def test_several_critic_steps_are_steps_of_phi_alone():
    model = tiny("gan", objective="Wasserstein", critic_steps=3)
    model.compile("adam")
    model.fit(images(32)[0], batch_size=16, verbose=0)
    assert [int(model.optimizers[p].iterations) for p in ("phi", "theta")] == [6, 2]


def test_infogans_information_moves_all_three_players():
    model = tiny("infogan", weight=2.0)
    model.compile(keras.optimizers.SGD(1.0))
    x = tf.constant(images(8)[0])
    ((for_phi, mix),), for_theta = model.noise(BatchNoise([0, 0], 8))

    def both(noise):
        z = model.prior.draw(noise)
        logit, features = model.trunk(model.generator(z))
        params, code = model.recognition(features), z[:, 2:]
        log_class = tf.reduce_sum(code[:, :3] * tf.nn.log_softmax(params[:, :3]), -1)
        log_value = tfd.Normal(params[:, 3], 1.0).log_prob(code[:, 3])
        return logit[:, 0], log_class + log_value

    def phi():
        fake, information = both(for_phi)
        return log_q(model.discriminator(x)[:, 0], 1) + log_q(fake, 0) + 2.0 * information

    def others():
        fake, information = both(for_theta)
        return log_q(fake, 1) + 2.0 * information

    wanted = gradient_of(model, "phi", phi)
    found = moved(model, lambda: model.ascend(model.phi_terms, x, (), (for_phi, mix), phi="discriminator"))
    assert_moves(found["phi"], wanted)
    assert not found["theta"].any() and not found["eta"].any()
    wanted = {player: gradient_of(model, player, others) for player in ("theta", "eta")}
    found = moved(
        model, lambda: model.ascend(model.theta_terms, x, (), for_theta, theta="generator", eta="generator")
    )
    assert not found["phi"].any()
    for player in ("theta", "eta"):
        assert_moves(found[player], wanted[player])


def test_the_aaes_adversary_moves_the_encoder_and_not_the_decoder():
    model = tiny("aae", weight=3.0)
    model.compile(keras.optimizers.SGD(1.0))
    x = tf.constant(images(8)[0])
    for_phi, for_others = model.noise(BatchNoise([0, 0], 8))

    def others():
        z = model.encoder(x)
        return model.likelihood(model.decoder(z)).log_prob(x) + 3.0 * log_q(model.discriminator(z)[:, 0], 1)

    wanted = gradient_of(
        model, "phi",
        lambda: log_q(model.discriminator(for_phi[1])[:, 0], 1) + log_q(model.discriminator(model.encoder(x))[:, 0], 0),
    )
    found = moved(model, lambda: model.ascend(model.phi_terms, x, (), for_phi, phi="discriminator"))
    assert_moves(found["phi"], wanted)
    assert not found["theta"].any() and not found["eta"].any()
    wanted = {player: gradient_of(model, player, others) for player in ("theta", "eta")}
    alone = gradient_of(model, "theta", lambda: model.likelihood(model.decoder(model.encoder(x))).log_prob(x))
    np.testing.assert_array_equal(wanted["theta"], alone)
    found = moved(model, lambda: model.ascend(model.terms, x, (), for_others, theta="objective", eta="objective"))
    assert not found["phi"].any()
    for player in ("theta", "eta"):
        assert_moves(found[player], wanted[player])


def test_the_label_phase_moves_the_encoder_by_the_labelled_examples_alone():
    model = tiny("ssaae")
    model.compile(keras.optimizers.SGD(1.0))
    x, label = images(8)
    label[::2] = -1

    def log_q_of_labels():
        log_q = tf.nn.log_softmax(model.encoder(x[1::2])[:, 2:])
        return tf.gather(log_q, label[1::2], batch_dims=1)

    wanted = gradient_of(model, "eta", log_q_of_labels)

    def step(label):
        rate, some = (8 / 4, True) if (label >= 0).any() else (0.0, False)
        given = tf.constant(x), tf.constant(label), tf.constant(rate)
        return model.ascend(model.label_terms, *given, eta="taught", phase="classification", when=tf.constant(some))

    found = moved(model, lambda: step(label))
    assert_moves(found["eta"], wanted)
    assert not found["theta"].any() and not found["phi"].any()
    found = moved(model, lambda: step(np.full(8, -1, "int32")))
    assert not found["eta"].any()


@pytest.mark.statistics
def test_a_few_labels_teach_a_semi_supervised_model_its_classes():
    model, (x, label) = tiny("ssaae"), images(256)
    model.compile(keras.optimizers.Adam(5e-3, beta_1=0.5))
    model.fit(x, np.where(np.arange(256) < 64, label, -1), batch_size=16, epochs=15, verbose=0)
    held_out, truth = images(200, seed=1)
    found = model.classify(held_out)["probabilities"].argmax(1)
    assert (found == truth).mean() > 0.8


def test_vaegan_has_three_gradients_and_none_leaks():
    model = tiny("vaegan", gamma=0.1, margin=None)
    model.compile(keras.optimizers.SGD(1.0))
    x = tf.constant(images(8)[0])
    noise = for_posterior, z_p = model.noise(BatchNoise([0, 0], 8))

    def passed():
        loc, raw = tf.split(model.encoder(x), 2, -1)
        scale = tf.nn.softplus(raw) + 1e-4
        kl = tf.reduce_sum(0.5 * (scale**2 + loc**2 - 1.0) - tf.math.log(scale), -1)
        reconstructed, sampled = model.generator(loc + scale * for_posterior), model.generator(z_p)
        (real, f), (of_q, f_q), (of_p, _) = (model.features(value) for value in (x, reconstructed, sampled))
        likelihood = -0.5 * tf.reduce_sum((f - f_q) ** 2, -1)
        adversary = log_q(real, 1)[:, 0] + 0.5 * (log_q(of_q, 0) + log_q(of_p, 0))[:, 0]
        return likelihood, kl, adversary, 0.5 * (log_q(of_q, 1) + log_q(of_p, 1))[:, 0]

    wanted = {
        "eta": gradient_of(model, "eta", lambda: passed()[0] - passed()[1]),
        "theta": gradient_of(model, "theta", lambda: 0.1 * passed()[0] + passed()[3]),
        "phi": gradient_of(model, "phi", lambda: passed()[2]),
    }
    # What must not leak would show if it did.
    assert np.abs(gradient_of(model, "eta", lambda: passed()[3])).max() > 1e-4
    assert np.abs(gradient_of(model, "phi", lambda: passed()[0])).max() > 1e-4
    found = moved(model, lambda: model.play(x, (), noise))
    for player in model.players:
        assert_moves(found[player], wanted[player])


@pytest.mark.parametrize(("real", "fake", "moves"), [
    (0.0, 0.0, (True, True)),  # both losses are log 2
    (4.0, -4.0, (False, True)),  # the discriminator is ahead
    (4.0, 0.0, (False, True)),
    (-4.0, 4.0, (True, False)),  # the generator is
    (4.0, 4.0, (True, True)),  # one loss is low, the other high: neither rests
])
def test_vaegans_players_rest_out_of_equilibrium(real, fake, moves):
    model = tiny("vaegan", equilibrium=0.68, margin=0.35)
    losses = -log_q(tf.constant(real), 1), -log_q(tf.constant(fake), 0)
    for compiled in (False, True):
        function = tf.function(model.moves, jit_compile=compiled)
        assert tuple(bool(m) for m in function(*losses)) == moves
    assert all(bool(m) for m in tiny("vaegan", margin=None).moves(*losses))


def test_a_resting_player_of_vaegan_gets_no_gradient_and_the_others_keep_theirs():
    x = tf.constant(images(8)[0])
    found = {}
    for margin in (None, 0.0):  # with no margin, every step of the untrained model is out of equilibrium
        model = tiny("vaegan", equilibrium=0.0 if margin == 0.0 else 0.68, margin=margin)
        model.compile(keras.optimizers.SGD(1.0))
        found[margin] = moved(model, lambda m=model: m.play(x, (), m.noise(BatchNoise([0, 0], 8))))
    assert not found[0.0]["theta"].any() and found[None]["theta"].any()
    for player in ("phi", "eta"):
        np.testing.assert_array_equal(found[0.0][player], found[None][player])


def test_whether_a_player_of_vaegan_rests_is_decided_once_for_all_replicas():
    strategy = two_cpus()
    with strategy.scope():
        model = tiny("vaegan", equilibrium=0.68, margin=0.35)
    losses = [tf.constant(0.1), tf.constant(3.0)]  # of the replicas, each of which would decide otherwise
    assert [tuple(bool(m) for m in model.moves(one, one)) for one in losses] == [(False, True), (True, False)]
    given = strategy.experimental_distribute_values_from_function(lambda c: losses[c.replica_id_in_sync_group])
    decided = strategy.run(lambda loss: model.decided({"loss_real": loss, "loss_fake": loss}), (given,))
    for player, wanted in (("phi", True), ("theta", False)):
        assert [bool(m) for m in strategy.experimental_local_results(decided[player])] == [wanted, wanted]


# Layers with a state: what a step of training keeps, and what evaluation leaves alone.


@keras.saving.register_keras_serializable("tests")
class Doubled(keras.layers.Layer):
    """Twice its input in training."""

    def call(self, x, training=None):
        return 2.0 * x if training else x


def normed_gan(**given):
    """A GAN of user-supplied networks in which each player has one `BatchNormalization`."""
    keras.utils.set_random_seed(0)
    norm = lambda: keras.layers.BatchNormalization(momentum=0.75)  # noqa: E731
    z, x = keras.Input((3,)), keras.Input((2,))
    generator = keras.Model(z, keras.layers.Dense(2)(norm()(keras.layers.Dense(4, name="before")(z))))
    discriminator = keras.Model(x, keras.layers.Dense(1)(norm()(keras.layers.Dense(5, name="before")(x))))
    return GAN(generator, discriminator, seed=0, **given)


def norm_of(network):
    (layer,) = (one for one in network.layers if isinstance(one, keras.layers.BatchNormalization))
    return layer


def moving(network):
    return [np.asarray(norm_of(network).moving_mean), np.asarray(norm_of(network).moving_variance)]


def updated(network, *inputs):
    """The moving averages after these inputs, one update each, in NumPy."""
    mean, variance = moving(network)
    kernel, bias = network.get_layer("before").get_weights()
    for h in (np.asarray(x) @ kernel + bias for x in inputs):
        mean, variance = 0.75 * mean + 0.25 * h.mean(0), 0.75 * variance + 0.25 * h.var(0)
    return [mean, variance]


@pytest.mark.parametrize("jit_compile", sparing([False, True], [False]))
def test_a_players_step_updates_the_statistics_of_its_own_networks_alone(jit_compile):
    model = normed_gan()
    model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
    x = tf.constant(np.random.default_rng(0).normal(3.0, 2.0, (16, 2)), tf.float32)
    ((z_phi, mix),), z_theta = model.noise(BatchNoise([0, 0], 16))
    wanted, kept = updated(model.discriminator, x, model.generator(z_phi, training=True)), moving(model.generator)
    norm_of(model.generator).set_weights([*norm_of(model.generator).get_weights()[:2], *kept])  # training=True moved it
    tf.function(lambda: model.ascend(model.phi_terms, x, (), (z_phi, mix), phi="discriminator"))()
    np.testing.assert_allclose(moving(model.discriminator), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(moving(model.generator), kept)
    wanted, kept = updated(model.generator, z_theta), moving(model.discriminator)
    tf.function(lambda: model.ascend(model.theta_terms, x, (), z_theta, theta="generator"))()
    np.testing.assert_allclose(moving(model.generator), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(moving(model.discriminator), kept)
    before = weights(model)
    model.evaluate(x, batch_size=8, verbose=0)
    np.testing.assert_array_equal(weights(model), before)


@pytest.mark.parametrize("jit_compile", sparing([False, True], [False]))
def test_statistics_are_the_mean_over_replicas(jit_compile):
    strategy = two_cpus()
    with strategy.scope():
        model = normed_gan()
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
    x = np.random.default_rng(0).normal(3.0, 2.0, (16, 2)).astype("float32")
    z = np.random.default_rng(1).normal(size=(16, 3)).astype("float32")
    halves = [updated(model.generator, half) for half in (z[:8], z[8:])]
    wanted = [np.mean(pair, 0) for pair in zip(*halves, strict=True)]

    def half(value):
        return strategy.experimental_distribute_values_from_function(
            lambda c: tf.split(tf.constant(value), 2)[c.replica_id_in_sync_group]
        )

    step = lambda x, z: model.ascend(model.theta_terms, x, (), z, theta="generator")  # noqa: E731
    tf.function(lambda *args: strategy.run(step, args))(half(x), half(z))
    np.testing.assert_allclose(moving(model.generator), wanted, rtol=1e-4, atol=1e-5)
    model.fit(tf.data.Dataset.from_tensor_slices(x).batch(8), verbose=0)
    for network in (model.generator, model.discriminator):
        for variable in network.non_trainable_variables:
            copies = [np.asarray(v) for v in strategy.experimental_local_results(variable.value)]
            np.testing.assert_array_equal(*copies)


@pytest.mark.exhaustive
def test_networks_with_a_state_train_alike_with_and_without_xla_and_resume(tmp_path):
    x = np.random.default_rng(0).normal(size=(32, 2)).astype("float32")

    def fitted(epochs, jit_compile=False):
        model = normed_gan()
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
        model.fit(tf.data.Dataset.from_tensor_slices(x).batch(8), epochs=epochs, verbose=0)
        return model

    through = fitted(2)
    np.testing.assert_allclose(weights(fitted(2, jit_compile=True)), weights(through), atol=1e-4)
    fitted(1).save(tmp_path / "m.keras")
    resumed = keras.saving.load_model(tmp_path / "m.keras")
    resumed.fit(tf.data.Dataset.from_tensor_slices(x).batch(8), verbose=0)
    np.testing.assert_array_equal(weights(resumed), weights(through))


@pytest.mark.parametrize("jit_compile", sparing([False, True], [False]))
def test_a_spectral_norm_holds_its_own_players_kernels_at_one(jit_compile):
    model = tiny("gan", normalization="spectral")
    model.compile({"theta": "sgd", "phi": keras.optimizers.SGD(1e-6)}, jit_compile=jit_compile)
    kernels = lambda: [w for w in model.discriminator.get_weights() if w.ndim == 2 and min(w.shape) > 1]  # noqa: E731
    assert abs(np.linalg.norm(kernels()[0], 2) - 1.0) > 0.1
    model.fit(np.repeat(images(16)[0], 10, 0), batch_size=8, verbose=0)
    for kernel in kernels()[:1]:
        np.testing.assert_allclose(np.linalg.norm(kernel, 2), 1.0, atol=0.01)
    before = model.discriminator.get_weights()
    z = model.prior.noise(BatchNoise([0, 0], 8))
    model.ascend(model.theta_terms, tf.constant(images(8)[0]), (), z, theta="generator")
    for one, two in zip(before, model.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_layers_are_in_training_mode_in_a_step_of_any_model_and_nowhere_else():
    keras.utils.set_random_seed(0)
    x = keras.Input((3, 2, 1))
    encoder = keras.Model(x, Doubled()(keras.layers.Dense(2)(keras.layers.Flatten()(x))))
    model = AE(encoder, dense((2,), (3, 2, 1), ()), likelihood=IndependentBernoulli((3, 2, 1)), seed=0)
    model.compile(keras.optimizers.SGD(0.0))
    data = np.random.default_rng(0).integers(0, 2, (4, 3, 2, 1)).astype("float32")
    code = model.encode(data)["mean"]
    np.testing.assert_allclose(model.ascend(model.terms, tf.constant(data), theta="reconstruction")["code"], 2 * code)
    np.testing.assert_allclose(model.terms(tf.constant(data))["code"], code)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_regularisers_of_weights_and_activities_act_on_their_own_player(jit_compile):
    def gan(**given):
        keras.utils.set_random_seed(0)
        z, x = keras.Input((2,)), keras.Input((2,))
        generator = keras.Model(z, keras.layers.Dense(2, **given)(z))
        model = GAN(generator, keras.Model(x, keras.layers.Dense(1)(x)), seed=0)
        model.compile(keras.optimizers.SGD(1.0), jit_compile=jit_compile)
        return model

    x = tf.constant(np.random.default_rng(0).normal(size=(8, 2)), tf.float32)
    plain, weight = gan(), gan(kernel_regularizer=keras.regularizers.L2(0.1))
    activity = gan(activity_regularizer=keras.regularizers.L2(0.1))
    noise = plain.noise(BatchNoise([0, 0], 8))
    kernel, bias = (np.asarray(v) for v in plain.generator.get_weights())
    z = np.asarray(noise[1])
    steps = [moved(m, lambda m=m: [m.play(x, (), noise) for _ in range(1)]) for m in (plain, weight, activity)]
    for step in steps[1:]:
        np.testing.assert_allclose(step["phi"], steps[0]["phi"], atol=1e-6)
    off = steps[0]["theta"] - steps[1]["theta"]
    np.testing.assert_allclose(off, [*np.ravel(0.2 * kernel), 0.0, 0.0], atol=1e-5)
    out = z @ kernel + bias
    off = steps[0]["theta"] - steps[2]["theta"]
    np.testing.assert_allclose(off, [*np.ravel(0.2 * z.T @ out / 8), *(0.2 * out.mean(0))], atol=1e-5)


# A discriminator that has won.


def lopsided(**given):
    """A GAN whose data its generator cannot reach: they lie apart, and theta barely moves."""
    keras.utils.set_random_seed(0)
    model = create("gan", image_shape=(2,), latent_dim=2, hidden=[16], seed=0, **given)
    model.compile({"theta": keras.optimizers.SGD(1e-6), "phi": keras.optimizers.Adam(0.05)})
    return model, np.random.default_rng(0).normal(20.0, 0.1, (64, 2)).astype("float32")


def test_a_discriminator_that_saturates_for_an_epoch_is_reported_with_both_accuracies():
    model, x = lopsided()
    sentence = r"saturated in epoch 3: its accuracy was 1\.0000 on real and 1\.0000 on generated examples"
    with pytest.warns(UserWarning, match=sentence):
        model.fit(x, batch_size=16, epochs=3, verbose=0, callbacks=keras.callbacks.History())


def test_neither_a_fair_game_nor_a_critic_without_a_boundary_is_reported():
    critic, x = lopsided(objective="Wasserstein")
    fair = create("gan", image_shape=(2,), latent_dim=2, hidden=[16], seed=0)
    fair.compile(keras.optimizers.Adam(1e-3, beta_1=0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        critic.fit(x, batch_size=16, epochs=3, verbose=0)
        fair.fit(np.random.default_rng(0).normal(size=(64, 2)).astype("float32"), batch_size=16, epochs=3, verbose=0)


# Conditions, codes and priors.


def test_a_label_reaches_generator_and_discriminator():
    model = tiny("cgan")
    z = np.zeros((1, 2), "float32")
    one, two = (model.decode(z, label=[label]) for label in (0, 2))
    assert np.abs(one - two).max() > 1e-3
    logits = [model.logit(tf.zeros([1, 4, 4, 1]), *model.condition([label])) for label in (0, 2)]
    assert abs(float(logits[0][0] - logits[1][0])) > 1e-4


def test_codes_are_noise_a_class_and_values():
    codes = Codes((6,), categories=3, continuous=2)
    z = codes.draw(codes.noise(BatchNoise([0, 0], 5000))).numpy()
    normal, onehot, values = z[:, :1], z[:, 1:4], z[:, 4:]
    assert set(np.unique(onehot)) == {0.0, 1.0} and (onehot.sum(1) == 1).all()
    np.testing.assert_allclose(onehot.mean(0), np.full(3, 1 / 3), atol=0.03)
    assert values.min() >= -1 and values.max() < 1 and abs(values.mean()) < 0.03
    assert abs(values.var() - 1 / 3) < 0.02 and abs(normal.var() - 1) < 0.1
    np.testing.assert_allclose(codes.entropy, np.log(3) + 2 * np.log(2))
    params = np.random.default_rng(0).normal(size=(5000, 5)).astype("float32")
    wanted = np.log(softmax(params[:, :3], 1))[np.arange(5000), onehot.argmax(1)]
    wanted = wanted - 0.5 * ((values - params[:, 3:]) ** 2 + np.log(2 * np.pi)).sum(1) + codes.entropy
    np.testing.assert_allclose(codes.information(tf.constant(params), tf.constant(z)), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("given", [{"categories": 3, "continuous": 0}, {"categories": 0, "continuous": 2}])
def test_a_code_may_be_a_class_or_values_alone(given):
    model = tiny("infogan", **given)
    model.compile("adam")
    model.fit(images(16)[0], batch_size=8, verbose=0)
    assert model.sample(2).shape == (2, 4, 4, 1)
    encoded = model.encode(images(3)[0])
    assert set(encoded) == ({"logits"} if given["categories"] else {"mean", "stddev"})
    part = {"category": 1} if given["categories"] else {"continuous": np.zeros((2, 2))}
    assert model.sample(2, **part).shape == (2, 4, 4, 1)


def test_infogan_samples_a_given_code_with_the_seeds_noise():
    model = tiny("infogan")
    values = np.linspace(-1, 1, 3)[:, None]
    one = model.sample(3, seed=1, category=2, continuous=values)
    np.testing.assert_array_equal(one, model.sample(3, seed=1, category=[2, 2, 2], continuous=values))
    assert np.abs(one - model.sample(3, seed=1, category=1, continuous=values)).max() > 1e-3
    assert np.abs(one - model.sample(3, seed=2, category=2, continuous=values)).max() > 1e-3


@pytest.mark.parametrize(("given", "sentence"), [
    ({"category": 1.5, "continuous": [[0.0]]}, "category holds 1.5 in row 0; give whole numbers"),
    ({"category": "two", "continuous": [[0.0]]}, "category is not an array of numbers; give shape [batch]"),
    ({"category": 3, "continuous": [[0.0]]}, "category has values from 3 to 3, outside [0, 2]"),
    ({"category": 1, "continuous": [[2.0]]}, "continuous has values from 2 to 2, outside [-1, 1]"),
    ({"category": 1, "continuous": [[0.0, 0.0]]}, "continuous has shape [1, 2], but this model takes [batch, 1]"),
    ({"category": 1}, "continuous is missing; give shape [batch, 1]"),
])
def test_a_code_of_the_wrong_kind_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(InvalidInput) as error:
        tiny("infogan").sample(1, **given)
    assert sentence in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(InvalidInput, match="the code has no 'continuous'; its parts are category"):
        tiny("infogan", continuous=0).sample(1, category=0, continuous=[[0.0]])


def labelled_aae(prior, **given):
    keras.utils.set_random_seed(0)
    return create("aae", image_shape=(4, 4, 1), latent_dim=2, hidden=[16], discriminator_hidden=[16], prior=prior,
                  classes=3, seed=0, **given)


def test_a_label_picks_its_component_of_a_mixture_and_no_label_all_of_them():
    model = labelled_aae({"name": "MixturePrior", "num_components": 3})
    centres = np.array([[-10.0, 0.0], [0.0, 10.0], [10.0, 0.0]])
    model.prior.loc.assign(centres)
    noise = model.prior.noise(BatchNoise([0, 0], 300))
    label = np.repeat([0, 1, 2], 100)
    z = model.prior_samples(noise, model.condition(label)).numpy()
    np.testing.assert_array_equal(np.linalg.norm(z[:, None] - centres, axis=-1).argmin(1), label)
    z = model.prior_samples(noise, model.condition(np.full(300, -1))).numpy()
    np.testing.assert_array_equal(z, model.prior.draw(noise))
    assert len(set(np.linalg.norm(z[:, None] - centres, axis=-1).argmin(1))) == 3
    assert model.condition([-1, 1])[0].numpy().tolist() == [[0, 0, 0, 1], [0, 1, 0, 0]]


def test_a_swiss_roll_by_samples_alone_takes_each_label_on_its_stretch():
    model = labelled_aae("SampledPrior")
    noise = model.prior.noise(BatchNoise([0, 0], 300))
    drawn = [model.prior_samples(noise, model.condition(np.full(300, c))).numpy() for c in range(3)]
    radius = [np.linalg.norm(z, axis=1) for z in drawn]
    assert radius[0].mean() + 0.3 < radius[1].mean() < radius[2].mean() - 0.3
    x, label = images(64)
    label[::3] = -1
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(x, label, batch_size=16, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]
    assert model.sample(3, label=1).shape == (3, 4, 4, 1)
    np.testing.assert_array_equal(model.encode(x, label)["mean"], model.encode(x)["mean"])
    with pytest.raises(InvalidInput, match=r"label has values from -1 to 3, outside \[-1, 2\]"):
        model.fit(x, np.where(label == 2, 3, label), verbose=0)


@pytest.mark.parametrize("posterior", ["Deterministic", "IndependentNormal"])
def test_an_aae_saves_whatever_prior_it_has(posterior, tmp_path):
    for prior in ("SampledPrior", {"name": "MixturePrior", "num_components": 3}):
        model = labelled_aae(prior, posterior=posterior)
        model.save(tmp_path / "m.keras")
        loaded = keras.saving.load_model(tmp_path / "m.keras")
        np.testing.assert_array_equal(loaded.sample(3, label=1), model.sample(3, label=1))
        assert not loaded.prior.trainable_variables


def test_a_prior_of_uniform_values():
    prior = UniformPrior((3,))
    z = prior.draw(prior.noise(BatchNoise([0, 0], 5000))).numpy()
    assert z.min() >= -1 and z.max() < 1 and abs(z.mean()) < 0.02
    np.testing.assert_allclose(prior.distribution().log_prob(z[:4]), np.full(4, -3 * np.log(2)), rtol=1e-6)
    assert create("gan", image_shape=(2,), prior={"name": "UniformPrior", "low": 0.0}).prior.low == 0.0
    with pytest.raises(InvalidInput, match="low 2 of UniformPrior is not below high 1"):
        UniformPrior((3,), low=2, high=1)
    with pytest.raises(InvalidInput, match="high nan of UniformPrior must be one finite number"):
        UniformPrior((3,), high=float("nan"))


def test_a_sampled_prior_has_samples_and_no_density():
    prior = SampledPrior((2,))
    z = prior.draw(prior.noise(BatchNoise([0, 0], 400))).numpy()
    assert z.shape == (400, 2) and 1.5 < np.linalg.norm(z, axis=1).max() < 2.3
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(prior))
    np.testing.assert_array_equal(again.draw(prior.noise(BatchNoise([0, 0], 400))), z)
    with pytest.raises(InvalidInput, match="SampledPrior has no density"):
        prior.distribution()
    with pytest.raises(InvalidInput, match=r"the sampler of SampledPrior does not return samples of shape \(3,\)"):
        SampledPrior((3,))
    with pytest.raises(InvalidInput, match="sampler 'roll' of SampledPrior must be a function"):
        SampledPrior((2,), sampler="roll")


# Refusals.


def gan_of(generator=((3,), (2,)), discriminator=(2,), **given):
    return GAN(dense_generator(*generator, [4]), dense_discriminator(discriminator, [4]), **given)


@pytest.mark.parametrize(("build", "sentence"), [
    (lambda: gan_of(discriminator=(3,)),
     "the generator's output has shape (2,), but the discriminator's input has (3,); make them equal"),
    (lambda: gan_of(prior=StandardNormal((4,))),
     "the generator's input has shape (3,), but the prior's event has (4,)"),
    (lambda: GAN(dense_generator((3,), (2,), [4]), dense((2,), (3,), [4])),
     "the discriminator's output has shape (3,), but the logit has (1,)"),
    (lambda: gan_of(prior=VampPrior((3,), (2,), 4)), "GAN takes no VampPrior"),
    (lambda: gan_of(critic_steps=0), "critic_steps is 0; give a whole number of at least 1"),
    (lambda: create("gan", image_shape=(8, 8, 1), hidden=[4, 4], normalization="batch", objective="Wasserstein"),
     "but the discriminator has BatchNormalization; give normalization='none' or 'spectral'"),
    (lambda: CGAN(dense_generator((3,), (2,), [4]), dense_discriminator((2,), [4]), num_classes=3),
     "the generator's condition has shape (), but the one-hot class has (3,)"),
    (lambda: create("infogan", image_shape=(2,), latent_dim=12), "z of size 12 cannot hold 10 categories, 2"),
    (lambda: create("infogan", image_shape=(2,), categories=0, continuous=0), "Codes needs a code, got categories=0"),
    (lambda: InfoGAN(dense_generator((3,), (2,), [4]), dense_discriminator((2,), [4]), dense((4,), (2,), [4]),
                     StandardNormal((3,))),
     "prior of InfoGAN is a StandardNormal; give a Codes"),
    (lambda: create("aae", image_shape=(2, 2, 1), classes=3), "StandardNormal cannot be split into 3 classes"),
    (lambda: create("aae", image_shape=(2, 2, 1), posterior="IndependentBernoulli"),
     "AAE cannot train through samples of IndependentBernoulli"),
    (lambda: create("aae", image_shape=(2, 2, 1), weight=-1.0), "weight is -1.0; give a number of at least 0"),
    (lambda: create("vaegan", image_shape=(2,), objective="Hinge"), "the logits of Hinge are not those of a q(y|x)"),
    (lambda: VAEGAN(
        dense((2,), (6,), [4]), dense_generator((3,), (2,), [4]), dense_discriminator((2,), [4]), layer="f"
     ), "unknown layer of the discriminator 'f'"),
])
def test_what_does_not_fit_is_refused_in_one_sentence(build, sentence):
    with pytest.raises(InvalidInput) as error:
        build()
    assert sentence in str(error.value) and "\n" not in str(error.value)


def test_a_label_outside_the_classes_and_pixels_outside_their_range_are_refused_before_training():
    model = tiny("cgan")
    model.compile("adam")
    x, label = images(8)
    with pytest.raises(InvalidInput, match=r"label has values from .* to 3, outside \[0, 2\]"):
        model.fit(x, np.full(8, 3), verbose=0)
    with pytest.raises(InvalidInput, match=r"label holds 1.5 in row 2; give whole numbers"):
        model.fit(x, np.array([0, 1, 1.5, 2, 0, 1, 2, 0]), verbose=0)
    with pytest.raises(InvalidInput, match=r"label has values from 7 to 7, outside \[0, 2\]"):
        model.sample(2, label=7)
    with pytest.raises(InvalidInput, match=r"x has values from 0 to 255, outside \[0, 1\]"):
        model.fit(255.0 * x, label, verbose=0)


@pytest.mark.parametrize("name", [name for name in list_models() if "phi" in model_class(name).players])
def test_a_missing_optimizer_is_named(name):
    with pytest.raises(InvalidInput, match="player 'phi' has no optimizer"):
        tiny(name).compile({player: "adam" for player in tiny(name).players if player != "phi"})
