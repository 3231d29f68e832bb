"""Symmetric VAEs against a game that is enumerated: utilities, equilibria, pairs, the chain, groups, the metric."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from exact_equilibrium import Enumerated, Game
from exact_helmholtz import every, forced, sigmoid
from exact_models import Enumerable, assert_near_zero, draws, gradients
from zoo import images, tiny, two_cpus, weights

from dgm_zoo.distributions import (
    BatchNoise,
    BernoulliPrior,
    IndependentNormal,
    SampledPrior,
    StandardNormal,
    StraightThroughBernoulli,
)
from dgm_zoo.distributions.groups import GroupedPrior, LadderPosterior, ReversePosterior
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics import consistency
from dgm_zoo.models import VAE, SymmetricVAE, create
from dgm_zoo.networks import dense
from dgm_zoo.objectives import ImportanceWeightedEvidence, decoder_utility, encoder_utility, kinds

ROUNDING = 2e-6  # of float32 sums whose terms sum to 1 in absolute value


def flat(by_player):
    return {player: np.concatenate([np.ravel(g) for g in parts]) for player, parts in by_player.items()}


# ---------------------------------------------------------------------------------------------- the two utilities


def test_the_means_of_the_weighted_rows_are_the_means_of_each_kind():
    known = tf.constant([True, False, False, True, False])
    weights = kinds(known, 5.0, 2.0)
    log_p, pairs, latents = (tf.constant(np.random.default_rng(i).normal(size=5), tf.float32) for i in range(3))
    decoder = tf.reduce_mean(decoder_utility(tf.where(weights[1] > 0, pairs, log_p), latents, weights))
    encoder = tf.reduce_mean(encoder_utility(log_p, pairs, weights, dreams=0.5))
    of_data, of_pairs = log_p.numpy()[~known.numpy()].mean(), pairs.numpy()[known.numpy()].mean()
    np.testing.assert_allclose(decoder, of_data + of_pairs + latents.numpy().mean(), rtol=1e-5)
    np.testing.assert_allclose(encoder, 0.5 * log_p.numpy().mean() + of_pairs, rtol=1e-5)


@pytest.mark.parametrize("known", [True, False])
def test_a_kind_without_rows_is_left_out(known):
    of_data, of_pairs = kinds(tf.fill([3], known), 3.0, 3.0 * known)
    np.testing.assert_array_equal(of_data, np.full(3, 0.0 if known else 1.0))
    np.testing.assert_array_equal(of_pairs, np.full(3, 1.0 if known else 0.0))


def test_the_models_expected_gradients_are_the_exact_ones():
    game, data = Game.random(4, 2), Game.consistent(4, 2).px
    found = flat(Enumerated(game.model(), game, data).gradients())
    for player, wanted in game.gradients(data).items():
        assert np.abs(wanted).max() > 0.05
        np.testing.assert_allclose(found[player], wanted, atol=ROUNDING)


def test_the_mean_of_the_estimators_is_the_exact_gradient():
    game, rows = Game.random(4, 2), [1, 6, 11, 12]
    data = np.zeros(16)
    data[rows] = 0.25
    exact, model = game.gradients(data), game.model()
    estimate = gradients(model)
    found = [estimate(*draws(model, game.images(rows), 400, seed)) for seed in range(60)]
    for player, wanted in exact.items():
        assert_near_zero([one[player] - wanted for one in found])


def test_the_loss_is_that_of_the_enumerated_bound():
    exact, rows = Enumerable(), [0, 21, 42, 63]
    model = exact.model(SymmetricVAE)
    x, noise = draws(model, exact.images()[rows], 40_000, seed=0)
    terms = model.terms(x, (), noise)
    elbo = (exact.q * exact.log_w).sum(1)[rows]
    assert_near_zero(np.reshape(terms["elbo"], (4, -1)).T - elbo)
    np.testing.assert_array_equal(terms["loss"], -terms["elbo"])


# ---------------------------------------------------------------------------------------------- equilibria


def test_where_the_joints_agree_neither_player_can_gain():
    game = Game.consistent(4, 2)
    np.testing.assert_allclose(game.px[:, None] * game.q, game.p, atol=1e-12)
    for found in flat(Enumerated(game.model(), game, game.px).gradients()).values():
        np.testing.assert_allclose(found, 0, atol=ROUNDING)


@pytest.mark.parametrize(("bits", "steps", "apart"), [
    (1, 1000, 5e-3), pytest.param(2, 3000, 1e-2, marks=pytest.mark.statistics),
])
def test_simultaneous_ascent_from_random_starts_ends_where_the_joints_agree(bits, steps, apart):
    data = Game.consistent(4, bits).px
    for seed in (1, 2):
        start = Game.random(4, bits, seed)
        assert np.abs(start.p - data[:, None] * start.q).sum() / 2 > 0.2
        run = Enumerated(start.model(), start, data)
        assert run.ascend(tf.constant(steps), 1.0) < apart
        assert max(np.abs(g).max() for g in flat(run.gradients()).values()) < 1e-3


def test_players_that_ignore_each_other_are_an_equilibrium_too_but_not_a_stable_one():
    data = Game.consistent(4, 1).px
    mean = data @ every(4)
    logit = np.log(mean / (1 - mean))
    alone = Game((np.zeros((1, 4)), logit), (np.zeros((4, 1)), np.zeros(1)))
    for found in flat(Enumerated(alone.model(), alone, data).gradients()).values():
        np.testing.assert_allclose(found, 0, atol=ROUNDING)
    nudged = Game((np.full((1, 4), 1e-2) * [1, -1, 1, 1], logit), (np.full((4, 1), 1e-2), np.zeros(1)))
    run, before = Enumerated(nudged.model(), nudged, data), np.abs(alone.p - data[:, None] * alone.q).sum() / 2
    assert before > 0.2 and run.ascend(tf.constant(1500), 1.0) < 0.01


# ---------------------------------------------------------------------------------------------- pairs and latents


@pytest.mark.exhaustive
def test_on_labelled_pairs_alone_the_updates_are_those_of_supervised_maximum_likelihood():
    game, rng = Game.random(4, 2), np.random.default_rng(0)
    z, x = rng.integers(0, 2, (32, 2)).astype("float32"), game.images(rng.integers(0, 16, 32))
    model = game.model(dream_weight=0.0)
    flat_x = x.reshape(32, 4)
    to_x = flat_x - sigmoid(z @ game.decoder[0] + game.decoder[1])
    to_z = z - sigmoid(flat_x @ game.encoder[0] + game.encoder[1])
    wanted = {
        "theta": np.concatenate([(z.T @ to_x).ravel(), to_x.sum(0)]) / 32,
        "eta": np.concatenate([(flat_x.T @ to_z).ravel(), to_z.sum(0)]) / 32,
    }
    before = flat({player: model.player_variables(player) for player in model.players})
    model.compile(keras.optimizers.SGD(1.0))
    model.fit(x, z, batch_size=32, verbose=0)
    after = flat({player: model.player_variables(player) for player in model.players})
    for player in wanted:
        np.testing.assert_allclose(after[player] - before[player], wanted[player], atol=1e-5)


def few_pairs(model, n=32, known=6, seed=0):
    x, _ = images(n, seed)
    z = np.random.default_rng(seed).integers(0, 2, (n, *model.posterior.event_shape)).astype("float32")
    z[known:] = -1
    return x, z


@pytest.mark.parametrize("name", ["symvae", "hsymvae"])
def test_a_batch_of_both_kinds_adds_the_mean_over_the_pairs_to_each_utility(name):
    model = tiny(name)
    model.compile("sgd")
    x, z = few_pairs(model)
    noise = model.noise(BatchNoise([0, 0], 32))
    terms, alone = model.terms(*model.unpack((x, z)), noise), model.terms(tf.constant(x), (), noise)
    x, z = tf.constant(x[:6]), tf.constant(z[:6])
    q, log_p = model.q_z(x), model.log_joint(x, z)
    mean, log_q = tf.reduce_mean, q.log_prob(z)
    np.testing.assert_allclose(mean(terms["decoder"]), mean(alone["decoder"][6:]) + mean(log_p), rtol=1e-5)
    np.testing.assert_allclose(mean(terms["encoder"]), mean(alone["encoder"]) + mean(log_q), rtol=1e-5)
    np.testing.assert_allclose(terms["loss"], tf.concat([-log_p, alone["loss"][6:]], 0), rtol=1e-5)


@pytest.mark.exhaustive
def test_the_mean_over_the_pairs_is_that_of_all_replicas():
    x, z = few_pairs(tiny("symvae"), 16, 11)  # 8 pairs on the one, 3 on the other
    trained = []
    for strategy in (tf.distribute.get_strategy(), two_cpus()):
        with strategy.scope():
            parts = dict(tiny("symvae").get_config(), dream_weight=0.0)
            keras.utils.set_random_seed(0)
            model = SymmetricVAE.from_config(parts)
            model.compile({"theta": keras.optimizers.SGD(1e-30), "eta": keras.optimizers.SGD(0.1)})
        model.fit(tf.data.Dataset.from_tensor_slices((x, z)).batch(16), verbose=0)
        trained.append(weights(model))
    np.testing.assert_allclose(*trained, atol=1e-6)


def test_a_prior_is_learned_from_latents_alone_which_the_dreams_begin_with():
    game = Game.random(4, 2)
    z = every(2)[[1, 1, 1, 3]]
    model = game.model(latents=SampledPrior((2,), z))
    prior = BernoulliPrior((2,))
    learned = SymmetricVAE(model.encoder, model.decoder, prior, likelihood=model.likelihood, latents=model.latents)
    noise = learned.noise(BatchNoise([0, 0], 4000))
    awake, (_, for_x) = noise
    positions = tf.constant(np.repeat([0.1, 0.3, 0.6, 0.9], 1000), tf.float32)
    dreamt, _ = learned.dreamt(((positions,), for_x))
    np.testing.assert_array_equal(dreamt, np.repeat(z, 1000, 0))
    x = tf.constant(game.images(np.zeros(4000, int)))
    with tf.GradientTape() as tape:
        utility = tf.reduce_mean(learned.terms(x, (), (awake, ((positions,), for_x)))["decoder"])
    awake_z = learned.posterior.sample(learned.q_z(x), awake)
    wanted = (z.mean(0) - 0.5) + (tf.reduce_mean(awake_z, 0) - 0.5)  # d log p(z) / d logits = z - 1/2
    np.testing.assert_allclose(tape.gradient(utility, prior.logits.value), wanted, atol=1e-4)


# ---------------------------------------------------------------------------------------------- the chain


def test_limiting_samples_are_those_of_the_enumerated_chain():
    game, n = Game.random(4, 2, scale=1.5), 4000
    model = game.model()
    px_of_z = np.exp(game.log_p) * 4
    to_z = px_of_z.T @ game.q  # from z by way of x to z, [4, 4]
    for steps in (0, 1, 5):
        chance = np.full(4, 0.25) @ np.linalg.matrix_power(to_z, steps)
        found = model.limiting_samples(n, steps=steps, seed=steps)
        assert_near_zero(found.reshape(n, 4) - chance @ sigmoid(game.z @ game.decoder[0] + game.decoder[1]))
    np.testing.assert_allclose(model.limiting_samples(9, 0, seed=3), model.sample(9, seed=3), atol=1e-6)
    np.testing.assert_allclose(model.limiting_samples(5, 4, 3), model.limiting_samples(9, 4, 3)[:5], atol=1e-6)


def test_a_chain_of_consistent_players_stays_where_it_starts_and_another_does_not():
    for game, stays in ((Game.consistent(4, 2), True), (Game.random(4, 2, scale=1.5), False)):
        moved = np.full(4, 0.25) @ (np.exp(game.log_p) * 4).T @ game.q
        assert (np.abs(moved - 0.25).max() < 1e-9) == stays


@pytest.mark.parametrize(("given", "sentence"), [
    ({"n": 0}, "n is 0; give a whole number of at least 1"),
    ({"n": 2, "steps": None}, "steps is None; give a whole number of at least 0"),
    ({"n": 2, "steps": -1}, "steps is -1; give a whole number of at least 0"),
])
def test_a_chain_of_no_length_is_refused(given, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        tiny("symvae").limiting_samples(**given)


# ---------------------------------------------------------------------------------------------- groups of bits


def grouped(kind, sizes=(2, 3), hidden=(4,)):
    """Prior, q(z|x) for one x, and all z with the logits of q and p that NumPy finds."""
    keras.utils.set_random_seed(1)
    prior = GroupedPrior(sizes, hidden)
    posterior = LadderPosterior(sizes) if kind == "ladder" else ReversePosterior(sizes, hidden)
    for variable in prior.variables + posterior.variables:
        variable.assign(np.random.default_rng(variable.shape.num_elements()).normal(size=variable.shape))
    params = tf.constant(np.random.default_rng(5).normal(size=(1, *posterior.params_shape)), tf.float32)
    return prior, posterior, posterior(params, prior_logits=prior.logits), params.numpy()[0]


def logits_of(step, given):
    """What a `BitsGivenBits` computes, in NumPy."""
    (layer,) = step.perceptron
    w1, b1, w2, b2 = (v.numpy().astype(np.float64) for v in (layer.kernel, layer.bias, step.kernel, step.bias))
    return np.concatenate([given, np.tanh(given @ w1 + b1)], -1) @ w2 + b2


@pytest.mark.parametrize("kind", ["ladder", "reverse"])
def test_groups_have_the_densities_that_their_factors_state(kind):
    prior, posterior, q, params = grouped(kind)
    z = every(5)
    z0, z1 = z[:, :2], z[:, 2:]
    of_p = [np.zeros((32, 2)), logits_of(prior.steps[0], z0)]
    of_q = [params[:2], of_p[1] + params[2:]] if kind == "ladder" else [logits_of(posterior.steps[0], z1), params]
    for density, (zero, one) in ((prior.distribution(), of_p), (q, of_q)):
        wanted = sum((b * s - np.logaddexp(0, s)).sum(-1) for b, s in ((z0, zero), (z1, one)))
        np.testing.assert_allclose(np.exp(wanted).sum(), 1.0)
        np.testing.assert_allclose(density.log_prob(tf.constant(z, tf.float32)), wanted, atol=1e-5)


@pytest.mark.parametrize("kind", ["ladder", "reverse"])
def test_groups_are_drawn_from_their_density(kind):
    prior, posterior, q, _ = grouped(kind)
    noise = BatchNoise([0, 0], 20_000).logistic((5,))
    for density in (prior.distribution(), q):
        drawn = density.draw(noise).numpy() @ 2 ** np.arange(4, -1, -1)
        found = np.bincount(drawn.astype(int), minlength=32) / 20_000
        chance = np.exp(density.log_prob(tf.constant(every(5), tf.float32)))
        assert np.abs((found - chance) / np.sqrt(chance / 20_000)).max() < 4.5


def test_the_likeliest_groups_follow_those_drawn_before_them():
    prior, posterior, q, params = grouped("reverse")
    z1 = (params > 0).astype(float)
    z0 = logits_of(posterior.steps[0], z1)
    np.testing.assert_allclose(posterior.moments(q)["logits"][0], [*z0, *params], rtol=1e-5)
    np.testing.assert_array_equal(posterior.code(q)[0], [*(z0 > 0), *z1])


@pytest.mark.parametrize("kind", ["ladder", "reverse"])
def test_the_encoders_step_does_not_move_what_it_shares_with_the_decoder(kind):
    model = tiny("hsymvae", inference=kind)
    shared = {id(v) for v in model.prior.trainable_variables}
    assert shared and not shared & {id(v) for v in model.player_variables("eta")}
    x, noise = images(8)[0], model.noise(BatchNoise([0, 0], 8))
    with tf.GradientTape() as tape:
        encoder = tf.reduce_sum(model.terms(tf.constant(x), (), noise)["encoder"])
    found = tape.gradient(encoder, [v.value for v in model.prior.trainable_variables])
    assert all((g is not None) == (kind == "ladder") for g in found)


@pytest.mark.exhaustive
def test_a_reverse_encoder_trains_and_is_saved(tmp_path):
    model = tiny("hsymvae", inference="reverse", groups="2,3,4")
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(images(256)[0], batch_size=16, epochs=6, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.sample(4, seed=0), model.sample(4, seed=0))
    np.testing.assert_array_equal(loaded.encode(images(4)[0])["logits"], model.encode(images(4)[0])["logits"])


# ---------------------------------------------------------------------------------------------- the metric


def exact_divergences(game, data):
    """KL(p(z|x) || q(z|x)) over p(x), and KL(q(z|x) || p(z|x)) over the data, nats."""
    posterior = game.p / game.px[:, None]
    difference = np.log(posterior) - game.log_q
    return (game.p * difference).sum(), -(data[:, None] * game.q * difference).sum()


def test_consistency_is_the_enumerated_divergence():
    game = Game.random(4, 2, scale=1.0)
    data = tf.data.Dataset.from_tensor_slices(np.tile(game.images(), (60, 1, 1, 1))).batch(480)
    found = consistency(game.model(), data, num_samples=300, dreams=3000)
    asleep, awake = exact_divergences(game, np.full(16, 1 / 16))
    assert min(asleep, awake) > 0.1
    assert found["asleep"]["lower"] < found["asleep"]["value"]
    for value, wanted, stderr in (
        (found["asleep"]["lower"], asleep, found["asleep"]["stderr"]),
        (found["asleep"]["value"], asleep, found["asleep"]["stderr"]),
        (found["awake"]["value"], awake, found["awake"]["stderr"]),
    ):
        assert 0 < stderr < 0.1 and abs(value - wanted) < 4 * stderr


def test_with_few_samples_the_divergence_lies_between_its_two_estimates():
    game = Game.random(4, 2, scale=1.0)
    found = consistency(game.model(), tf.data.Dataset.from_tensor_slices(game.images()).batch(16), 2, dreams=3000)
    asleep, _ = exact_divergences(game, np.full(16, 1 / 16))
    assert found["asleep"]["lower"] + 4 * found["asleep"]["stderr"] < asleep
    assert found["asleep"]["value"] - 4 * found["asleep"]["stderr"] > asleep


def test_consistent_players_are_found_to_be_consistent():
    game = Game.consistent(4, 2)
    found = consistency(game.model(), tf.data.Dataset.from_tensor_slices(game.images()).batch(16), 1, dreams=200)
    for value in (found["asleep"]["lower"], found["asleep"]["value"], found["awake"]["value"]):
        np.testing.assert_allclose(value, 0, atol=1e-5)


def test_consistency_is_measured_of_a_hierarchical_model_too():
    model = tiny("hsymvae")
    found = consistency(model, tf.data.Dataset.from_tensor_slices(images(32)[0]).batch(32), 50, dreams=100)
    assert 0 < found["asleep"]["lower"] < found["asleep"]["value"] and found["awake"]["value"] > 0


def test_what_has_no_consistency_says_so():
    data = tf.data.Dataset.from_tensor_slices(images(8)[0]).batch(8)
    with pytest.raises(InvalidInput, match="consistency takes no labels, which CVAE is conditioned on"):
        consistency(tiny("cvae"), data)
    for name in ("rws", "gan", "aae"):
        with pytest.raises(InvalidInput, match="has no conditionals p.x.z. and q.z.x. to compare; give a VAE"):
            consistency(tiny(name), data)
    with pytest.raises(InvalidInput, match="consistency needs log p.z., but SampledPrior can only be sampled; compare"):
        consistency(sampled(), data)
    with pytest.raises(InvalidInput, match="dreams is 0; give a whole number of at least 1"):
        consistency(tiny("symvae"), data, dreams=0)


# ---------------------------------------------------------------------------------------------- other values, refusals


def sampled(prior=None, **given):
    """A model on images of 4 x 4 whose p(z) has samples alone."""
    keras.utils.set_random_seed(0)
    prior = SampledPrior((4,), every(4)[[1, 2, 4, 8]]) if prior is None else prior
    return create("symvae", image_shape=(4, 4, 1), latent_dim=4, hidden=[16], prior=prior, seed=0, **given)


@pytest.mark.exhaustive
def test_with_a_prior_that_has_samples_alone_it_trains_and_compares_utilities(tmp_path):
    model = sampled()
    model.compile(keras.optimizers.Adam(1e-2))
    held_out = images(200, seed=1)[0]
    before = model.evaluate(held_out, batch_size=200, return_dict=True, verbose=0)
    history = model.fit(images(512)[0], batch_size=32, epochs=12, verbose=0).history
    assert set(history) == {"loss", "decoder", "encoder"}
    after = model.evaluate(held_out, batch_size=200, return_dict=True, verbose=0)
    assert after["loss"] < 0.7 * before["loss"]
    np.testing.assert_allclose(after["loss"], -after["decoder"] - after["encoder"], rtol=1e-5)
    assert "log_likelihood" not in model.endpoints()
    with pytest.raises(InvalidInput, match="log p.x. needs log p.z., but SampledPrior can only be sampled"):
        model.log_likelihood(held_out)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.sample(8, seed=0), model.sample(8, seed=0))
    np.testing.assert_array_equal(loaded.limiting_samples(3, 2), model.limiting_samples(3, 2))


def test_latents_may_be_normal():
    model = create("symvae", image_shape=(4, 4, 1), latent_dim=2, hidden=[16], prior="StandardNormal",
                   posterior="IndependentNormal", likelihood={"name": "IndependentNormal", "stddev": "learned"}, seed=0)
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(images(256)[0], batch_size=16, epochs=6, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert model.limiting_samples(3, 2).shape == (3, 4, 4, 1)


@pytest.mark.parametrize(("build", "sentence"), [
    (lambda: tiny("symvae", posterior="IndependentNormal"),
     "BernoulliPrior and IndependentNormal take different values of z; give a BernoulliPrior for bits"),
    (lambda: tiny("symvae", posterior="Deterministic", prior="StandardNormal"),
     "SymmetricVAE needs log q(z|x) and log p(x|z), but Deterministic has no density; give IndependentNormal"),
    (lambda: tiny("symvae", beta=0.5), "unknown argument of symvae 'beta'"),
    (lambda: tiny("symvae", estimator="dreg"), "unknown argument of symvae 'estimator'"),
    (lambda: Game.random(4, 2).model(dream_weight=-1.0), "dream_weight is -1.0; give a number of at least 0"),
    (lambda: Game.random(4, 2).model(latents=StandardNormal((2,))),
     "latents of SymmetricVAE is a StandardNormal; give a SampledPrior"),
    (lambda: Game.random(4, 2).model(latents=SampledPrior((3,), every(3))),
     "the latents' event has shape (3,), but the posterior's event has (2,); make them equal"),
    (lambda: tiny("symvae", latent_dim=2, prior=SampledPrior((2,))),
     "but IndependentBernoulli takes only 0 and 1; give a prior over such values"),
    (lambda: Game.random(4, 2).model(latents=SampledPrior((2,), every(2) * 255)), "SampledPrior gives 255, but"),
    (lambda: tiny("hsymvae", groups=[5]), "groups [5] must have at least two sizes"),
    (lambda: tiny("hsymvae", inference="lader"), "unknown inference 'lader'; did you mean 'ladder'?"),
    (lambda: VAE(dense((2,), (8,)), dense((4,), (2,)), SampledPrior((4,), every(4)),
                 likelihood=IndependentNormal((2,), stddev=1.0)),
     "VAE needs log p(z), but SampledPrior can only be sampled; use SymmetricVAE or AAE, or a prior with a density"),
    (lambda: tiny("iwae", prior=SampledPrior((2,))), "IWAE needs log p(z), but SampledPrior can only be sampled"),
    (lambda: VAE(dense((2,), (8,)), dense((8,), (2,)), likelihood=IndependentNormal((2,), stddev=1.0),
                 posterior=LadderPosterior((3, 5))), "LadderPosterior needs a GroupedPrior, got StandardNormal; give"),
    (lambda: VAE(dense((2,), (4,)), dense((4,), (2,)), BernoulliPrior((4,)),
                 bound=ImportanceWeightedEvidence(3, "dreg"),
                 likelihood=IndependentNormal((2,), stddev=1.0), posterior=StraightThroughBernoulli((4,))),
     "estimator 'dreg' passes a gradient through z, which samples of StraightThroughBernoulli carry only in part"),
])
def test_what_does_not_fit_is_refused_in_one_sentence(build, sentence):
    with pytest.raises(InvalidInput) as error:
        build()
    assert sentence in str(error.value) and "\n" not in str(error.value)


def test_a_hierarchy_of_other_parts_is_refused():
    parts = tiny("hsymvae")
    rest = {"encoder": parts.encoder, "decoder": parts.decoder, "likelihood": parts.likelihood}
    with pytest.raises(InvalidInput, match="LadderPosterior needs a GroupedPrior, got BernoulliPrior"):
        type(parts)(prior=BernoulliPrior((8,)), posterior=parts.posterior, **rest)
    with pytest.raises(InvalidInput, match=r"the prior has groups of \(5, 3\) bits and the posterior of \(3, 5\)"):
        type(parts)(prior=GroupedPrior((5, 3)), posterior=parts.posterior, **rest)


def test_data_that_do_not_suit_are_refused_before_training():
    model = tiny("symvae")
    model.compile("sgd")
    x, label = images(8)
    with pytest.raises(InvalidInput, match=r"the given latents have shape .*, but the model's have \[None, 4\]"):
        model.fit(x, label, verbose=0)
    z = every(4)[:8]
    for wrong, sentence in ((z * 255, "SymmetricVAE.fit: the latents of row 1 hold 255; give zeros and ones, or -1"),
                            (np.where(z == 0, -1, z), "the latents of row 1 hold -1; give zeros and ones, or -1")):
        with pytest.raises(InvalidInput, match=sentence):
            model.fit(x, wrong, verbose=0)
    alone = Game.random(4, 2).model(dream_weight=0.0)
    alone.compile("sgd")
    with pytest.raises(InvalidInput, match="dream_weight 0 leaves eta without a utility on x only; give pairs"):
        alone.fit(Game.random(4, 2).images(), verbose=0)


def test_forced_noise_draws_the_bits_that_are_asked_for():
    model = Game.random(4, 2).model()
    z = every(2)
    np.testing.assert_array_equal(model.posterior.sample(model.q_z(Game.random(4, 2).images()[:4]), forced(z)), z)
