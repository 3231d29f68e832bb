"""Estimators and gradients of AE, VAE, CVAE and IWAE on models that can be solved exactly."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from exact_models import Enumerable, LinearGaussian, assert_near_zero, draws, gradients
from sklearn.decomposition import PCA

from dgm_zoo.distributions import (
    BatchNoise,
    IndependentBernoulli,
    IndependentNormal,
    MixturePrior,
    VampPrior,
)
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import AE, CVAE, IWAE, VAE, create
from dgm_zoo.networks import dense


def _given(model, x, n):
    """What `terms` takes, for `n` rows of repeated x."""
    x, noise = draws(model, x, n, seed=0)
    return x, (), noise


# A linear-Gaussian VAE: log p(x), the posterior, the bound and its gradient are closed forms.


@pytest.mark.parametrize("orthogonal", [False, True])
def test_with_the_exact_posterior_one_sample_gives_log_p_at_every_seed(orthogonal):
    exact = LinearGaussian(orthogonal=orthogonal)
    model, x = exact.model(), exact.data(6)
    for seed in range(3):
        np.testing.assert_allclose(model.log_likelihood(x, num_samples=1, seed=seed), exact.log_p(x), atol=1e-4)


@pytest.mark.parametrize("orthogonal", [False, True])
def test_with_the_exact_posterior_the_bound_is_log_p_in_expectation(orthogonal):
    exact = LinearGaussian(orthogonal=orthogonal)
    model, x = exact.model(), exact.data(1)
    elbo = model.terms(*_given(model, x, 20_000))["elbo"]
    assert_near_zero(elbo - exact.log_p(x))


@pytest.mark.parametrize("orthogonal", [False, True])
def test_the_bounds_terms_are_the_closed_forms(orthogonal):
    exact = LinearGaussian(away=0.2, orthogonal=orthogonal)
    model, x = exact.model(), exact.data(1)
    log_px, kl = (value.numpy() for value in exact.elbo_terms(x.astype(np.float64), exact.parameters()))
    terms = model.terms(*_given(model, x, 20_000))
    np.testing.assert_allclose(terms["kl"], np.full(20_000, kl[0]), rtol=1e-5)  # analytic: the same for all noise
    assert_near_zero(terms["reconstruction"] - log_px)
    assert_near_zero(terms["elbo"] - (log_px - kl))
    assert log_px - kl < exact.log_p(x) - 0.01


@pytest.mark.parametrize("orthogonal", [False, True])
def test_the_bounds_gradient_is_that_of_the_closed_form(orthogonal):
    exact = LinearGaussian(away=0.2, orthogonal=orthogonal)
    model, x = exact.model(), exact.data(4)
    parameters = [tf.Variable(p, dtype=tf.float64) for p in exact.parameters()]
    with tf.GradientTape() as tape:
        log_px, kl = exact.elbo_terms(x.astype(np.float64), parameters)
        bound = tf.reduce_mean(log_px - kl)
    wanted = np.concatenate([np.ravel(g) for g in tape.gradient(bound, parameters)])
    gradient = gradients(model)
    found = [gradient(*draws(model, x, 400, seed)) for seed in range(60)]
    assert_near_zero([np.concatenate([one["eta"], one["theta"]]) - wanted for one in found])


@pytest.mark.parametrize(("cls", "given"), [(VAE, {}), (IWAE, {"k": 3}), (IWAE, {"k": 3, "estimator": "dreg"})])
def test_a_training_step_moves_each_player_up_its_own_gradient(cls, given):
    model, x = LinearGaussian(away=0.2).model(cls, **given), LinearGaussian().data(8)
    model.compile(keras.optimizers.SGD(1.0))
    wanted = gradients(model)(x, model.noise(model.rng(x)))
    before = _values(model)
    model.fit(x, batch_size=8, shuffle=False, verbose=0)
    for player, after in _values(model).items():
        np.testing.assert_allclose(after - before[player], wanted[player], rtol=1e-3, atol=1e-5)


def _values(model):
    return {p: np.concatenate([np.ravel(v) for v in model.player_variables(p)]) for p in model.players}


def test_the_likelihood_estimate_is_unbiased_and_its_log_lies_below():
    exact = LinearGaussian(away=0.2)
    model, x = exact.model(), exact.data(1)
    for num_samples in (1, 3):
        found = model.log_likelihood(np.repeat(x, 8_000, 0), num_samples=num_samples, seed=1)
        over = found.astype(np.float64) - exact.log_p(x)
        assert_near_zero(np.exp(over) - 1)
        assert over.mean() < -4 * over.std() / np.sqrt(len(over))


def test_the_likelihood_estimate_closes_in_on_the_evidence():
    exact = LinearGaussian(away=0.2)
    model, x = exact.model(), exact.data(1)
    repeats = model.log_likelihood(np.repeat(x, 20, 0), num_samples=4_000, seed=0)
    np.testing.assert_allclose(repeats, np.repeat(exact.log_p(x), 20), atol=0.1)
    assert_near_zero(repeats - exact.log_p(x))


# 4 latent bits, 6 visible ones: every expectation is a sum over the codes.


def test_the_enumerated_masses_sum_to_one_and_the_bounds_rise_towards_log_p():
    exact = Enumerable()
    np.testing.assert_allclose(np.exp(exact.log_p).sum(), 1.0)
    elbo = (exact.q * exact.log_w).sum(1)
    bounds = np.stack([exact.bound(k) for k in (1, 2, 3)])
    np.testing.assert_allclose(bounds[0], elbo)
    assert (np.diff(bounds, axis=0) > 0).all() and (bounds[-1] < exact.log_p).all()


@pytest.mark.parametrize("k", [1, 2, 3])
def test_iwae_terms_have_the_enumerated_expectations(k):
    exact, rows = Enumerable(), [0, 21, 42, 63]
    model = exact.model(IWAE, k=k)
    terms = model.terms(*_given(model, exact.images()[rows], 40_000))
    elbo, log_px = (exact.q * exact.log_w).sum(1), (exact.q * exact.log_px).sum(1)
    ess = exact.expected(k, lambda log_w: np.exp(log_w).sum(-1) ** 2 / np.exp(2 * log_w).sum(-1))
    for name, wanted in {
        "objective": exact.bound(k), "bound": exact.bound(k), "elbo": elbo,
        "reconstruction": log_px, "kl": log_px - elbo,
    }.items():
        assert_near_zero(np.reshape(terms[name], (4, -1)).T - wanted[rows])
    if k == 1:
        np.testing.assert_allclose(terms["bound"], terms["elbo"], atol=1e-5)
        np.testing.assert_allclose(terms["ess"], 1.0, rtol=1e-5)
    else:
        assert_near_zero(np.reshape(terms["ess"], (4, -1)).T - ess[rows])


def test_the_vae_on_binary_latents_has_the_enumerated_bound():
    exact, rows = Enumerable(), [0, 21, 42, 63]
    model = exact.model(VAE)
    terms = model.terms(*_given(model, exact.images()[rows], 40_000))
    elbo, log_px = (exact.q * exact.log_w).sum(1), (exact.q * exact.log_px).sum(1)
    assert_near_zero(np.reshape(terms["elbo"], (4, -1)).T - elbo[rows])
    np.testing.assert_allclose(np.reshape(terms["kl"], (4, -1))[:, 0], (log_px - elbo)[rows], atol=1e-5)  # analytic


def test_the_likelihood_of_every_image_is_the_enumerated_one():
    exact, num_samples = Enumerable(), 4_000
    ratio = np.exp(exact.log_w - exact.log_p[:, None])
    stderr = np.sqrt(((exact.q * ratio**2).sum(1) - 1) / num_samples)  # of the estimate of p(x), relative: exact
    found = exact.model().log_likelihood(exact.images(), num_samples=num_samples, seed=0)
    assert np.abs((np.exp(found - exact.log_p) - 1) / stderr).max() < 4
    served = exact.model().answer("log_likelihood", x=exact.images(), seed=np.arange(64))["log_likelihood"]
    assert np.abs((np.exp(served - exact.log_p) - 1) / stderr).max() < 4 * np.sqrt(num_samples / 128)


# The gradients of the importance weighted bound.


def test_the_iwae_gradient_is_the_weighted_sum_of_the_samples_gradients():
    exact = LinearGaussian(away=0.3)
    model, x = exact.model(IWAE, k=4), exact.data(1)
    noise = model.noise(BatchNoise([0, 0], 1))
    found = gradients(model)(x, noise)
    for player in model.players:
        variables = model.player_variables(player)
        with tf.GradientTape() as tape:
            log_w = model.log_weights(x, (), model.q_z(x), noise)[:, 0]
        each = np.concatenate([np.reshape(j, (4, -1)) for j in tape.jacobian(log_w, variables)], 1)
        weights = np.exp(log_w.numpy().astype(np.float64))
        np.testing.assert_allclose(found[player], weights / weights.sum() @ each, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("estimator", ["exact", "dreg"])
def test_one_sample_of_iwae_moves_theta_as_the_vae_with_an_estimated_kl_does(estimator):
    exact = LinearGaussian(away=0.3)
    keras.utils.set_random_seed(0)
    prior = MixturePrior((2,), num_components=2)  # no closed form of the KL
    vae, iwae = exact.model(VAE, prior), exact.model(IWAE, prior, k=1, estimator=estimator)
    x, noise = draws(vae, exact.data(4), 16, seed=0)
    one, many = gradients(vae)(x, noise), gradients(iwae)(x, noise[None])
    np.testing.assert_allclose(many["theta"], one["theta"], rtol=1e-4, atol=1e-5)
    if estimator == "exact":
        np.testing.assert_allclose(many["eta"], one["eta"], rtol=1e-4, atol=1e-5)


def _both_estimators(exact, k, prior=None, n=200, blocks=60):
    """The gradients of the exact and of the DReG estimator from the same noise: two lists of dicts."""
    x, runs = exact.data(4), []
    for estimator in ("exact", "dreg"):
        model = exact.model(IWAE, prior, k=k, estimator=estimator)
        step = gradients(model)
        runs.append([step(*draws(model, x, n, seed)) for seed in range(blocks)])
    return runs


@pytest.mark.parametrize("prior", ["standard", "vamp"])
def test_dreg_agrees_with_the_exact_estimator_for_eta_in_expectation_and_for_theta_always(prior):
    exact = LinearGaussian(away=0.3, orthogonal=True)
    keras.utils.set_random_seed(0)
    prior = {"standard": None, "vamp": VampPrior((2,), (5,), num_components=3)}[prior]
    plain, dreg = _both_estimators(exact, 4, prior)
    for one, two in zip(plain, dreg, strict=True):
        np.testing.assert_array_equal(one["theta"], two["theta"])
    assert_near_zero([one["eta"] - two["eta"] for one, two in zip(plain, dreg, strict=True)])


def test_dreg_has_less_variance_for_many_samples_near_the_optimum():
    plain, dreg = _both_estimators(LinearGaussian(away=0.02), 20, n=4, blocks=60)
    variances = [np.var([run["eta"] for run in runs], 0).sum() for runs in (plain, dreg)]
    assert variances[1] < 0.2 * variances[0]


def test_dreg_of_the_exact_posterior_is_zero_at_every_draw():
    plain, dreg = _both_estimators(LinearGaussian(), 5, n=4, blocks=2)
    for one, two in zip(plain, dreg, strict=True):
        assert np.abs(two["eta"]).max() < 1e-4 < 1e-2 < np.abs(one["eta"]).max()


def test_iwae_refuses_the_weights_of_a_kl_that_it_does_not_have():
    for given in ({"beta": 2.0}, {"free_bits": 0.1}):
        with pytest.raises(InvalidInput, match=f"unknown argument of iwae '{next(iter(given))}'"):
            create("iwae", image_shape=(5,), **given)


# The VAE's two weights.


def test_beta_scales_the_kl_alone():
    exact = LinearGaussian(away=0.2)
    models = {beta: exact.model(beta=beta) for beta in (0.0, 1.0, 3.0)}
    x, noise = draws(models[1.0], exact.data(4), 8, seed=0)
    terms = {beta: model.terms(x, (), noise) for beta, model in models.items()}
    steps = {beta: gradients(model)(x, noise) for beta, model in models.items()}
    for beta in models:
        for name in ("elbo", "reconstruction", "kl"):
            np.testing.assert_array_equal(terms[beta][name], terms[1.0][name])
        np.testing.assert_allclose(
            terms[beta]["objective"], terms[1.0]["reconstruction"] - beta * terms[1.0]["kl"], rtol=1e-5
        )
        np.testing.assert_array_equal(steps[beta]["theta"], steps[1.0]["theta"])
        wanted = steps[0.0]["eta"] + beta * (steps[1.0]["eta"] - steps[0.0]["eta"])
        np.testing.assert_allclose(steps[beta]["eta"], wanted, rtol=1e-4, atol=1e-5)


def _kl_gradient(model, x, noise):
    """The gradient for eta of what is taken off the reconstruction."""
    found = [gradients(model, {"eta": term})(x, noise)["eta"] for term in ("reconstruction", "objective")]
    return found[0] - found[1]


def test_free_bits_stop_the_pressure_below_the_floor_and_there_alone():
    exact = LinearGaussian(away=0.2, orthogonal=True)
    plain = exact.model(beta=2.0)
    x, noise = draws(plain, exact.data(16), 16, seed=0)
    q, p = plain.q_z(x), plain.p_z()
    per_dimension = tf.reduce_mean(q.distribution.kl_divergence(p.distribution), 0).numpy()
    low, high = sorted(per_dimension)
    assert 0.01 < low < high - 0.01
    pressure, reported = _kl_gradient(plain, x, noise), plain.terms(x, (), noise)
    for floor, pressed in ((low / 2, per_dimension > 0), ((low + high) / 2, per_dimension == high), (2 * high, [])):
        model = exact.model(beta=2.0, free_bits=float(floor))
        pressed = np.tile(np.asarray(pressed if len(pressed) else [False, False]), 2)  # the mean's, the spread's
        wanted = np.where(np.tile(pressed, 6), pressure, 0.0)  # the kernel's five rows, then the bias
        np.testing.assert_allclose(_kl_gradient(model, x, noise), wanted, rtol=1e-3, atol=1e-5)
        terms = model.terms(x, (), noise)
        penalty = 2.0 * np.maximum(per_dimension, floor).sum()
        np.testing.assert_allclose(terms["objective"], terms["reconstruction"] - penalty, rtol=1e-5)
        for name in ("elbo", "reconstruction", "kl"):
            np.testing.assert_array_equal(terms[name], reported[name])


# The condition.


def _cvae(num_classes, hidden=(6,)):
    keras.utils.set_random_seed(0)
    encoder = dense((3, 2, 1), (4,), hidden, condition_size=num_classes)
    decoder = dense((2,), (3, 2, 1), hidden, condition_size=num_classes)
    return CVAE(encoder, decoder, likelihood=IndependentBernoulli((3, 2, 1)), num_classes=num_classes, seed=0)


def test_a_cvae_that_does_not_look_at_its_one_class_is_the_vae():
    cvae = _cvae(1)
    networks = dense((3, 2, 1), (4,), (6,)), dense((2,), (3, 2, 1), (6,))
    for network, conditioned in zip(networks, (cvae.encoder, cvae.decoder), strict=True):
        first, *others = conditioned.get_weights()
        first[-1] = 0.0  # the label joins last
        conditioned.set_weights([first, *others])
        network.set_weights([first[:-1], *others])
    vae = VAE(*networks, likelihood=IndependentBernoulli((3, 2, 1)), seed=0)
    x = np.random.default_rng(0).integers(0, 2, (5, 3, 2, 1)).astype("float32")
    label, noise = np.zeros(5, "int32"), vae.noise(BatchNoise([0, 0], 5))
    one, two = vae.terms(x, (), noise), cvae.terms(tf.constant(x), cvae.condition(label), noise)
    for name in one:
        np.testing.assert_allclose(two[name], one[name], atol=1e-5)
    np.testing.assert_allclose(
        cvae.log_likelihood(x, label, num_samples=300), vae.log_likelihood(x, num_samples=300), atol=1e-5
    )
    np.testing.assert_allclose(cvae.sample(3, seed=1, label=0), vae.sample(3, seed=1), atol=1e-6)
    np.testing.assert_allclose(cvae.reconstruct(x, label), vae.reconstruct(x), atol=1e-6)


def test_the_label_reaches_every_answer():
    model = _cvae(3)
    x = np.random.default_rng(0).integers(0, 2, (4, 3, 2, 1)).astype("float32")
    z, seed = np.zeros((4, 2), "float32"), np.arange(4, dtype="int32")
    labels = [np.full(4, c, "int32") for c in (0, 2)]
    for name, endpoint in model.endpoints().items():
        assert endpoint.inputs["label"].range == (0, 2)
        given = {key: value for key, value in {"x": x, "z": z, "seed": seed}.items() if key in endpoint.inputs}
        one, two = (model.answer(name, **given, label=label) for label in labels)
        assert all(np.abs(one[key] - two[key]).max() > 1e-3 for key in one), name
    one, two = (model.log_likelihood(x, label, num_samples=20) for label in labels)
    assert np.abs(one - two).min() > 1e-4


def test_labels_for_another_number_of_images_are_refused():
    model, x = _cvae(3), np.zeros((4, 3, 2, 1), "float32")
    for call in (model.log_likelihood, model.reconstruct, model.encode):
        with pytest.raises(InvalidInput, match=r"inputs have \[3, 4\] rows; give each the same number"):
            call(x, np.zeros(3, "int32"))


def test_each_sample_of_a_row_is_decoded_under_that_rows_label():
    model = _cvae(3)
    label = np.array([2, 0, 1], "int32")
    z = np.random.default_rng(0).normal(size=(5, 3, 2)).astype("float32")
    together = model.p_x(tf.constant(z), *model.condition(label)).mean()
    apart = np.stack([model.decode(one, label) for one in z])
    np.testing.assert_allclose(together, apart, atol=1e-6)


# The auto-encoder.


def _linear_ae(x, latent):
    keras.utils.set_random_seed(0)
    d = x.shape[1]
    networks = dense((d,), (latent,), ()), dense((latent,), (d,), ())
    return AE(*networks, likelihood=IndependentNormal((d,), stddev=1.0), seed=0)


def test_with_unit_variance_the_reconstruction_is_the_squared_error_up_to_a_constant():
    x = np.random.default_rng(0).normal(size=(7, 6)).astype("float32")
    terms = _linear_ae(x, 2).terms(tf.constant(x))
    wanted = -0.5 * 6 * (terms["mse"].numpy().astype(np.float64) + np.log(2 * np.pi))
    np.testing.assert_allclose(terms["reconstruction"], wanted, rtol=1e-5)


def test_a_linear_autoencoder_comes_down_to_the_error_of_pca():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6)) @ np.diag([3, 2, 0.5, 0.4, 0.3, 0.2]) @ np.linalg.qr(rng.normal(size=(6, 6)))[0]
    pca = PCA(2).fit(x)
    least = np.mean((pca.inverse_transform(pca.transform(x)) - x) ** 2)
    model, x = _linear_ae(x, 2), x.astype("float32")
    model.compile(keras.optimizers.Adam(0.03), steps_per_execution=100)
    error = lambda: model.evaluate(x, batch_size=200, return_dict=True, verbose=0)["mse"]  # noqa: E731
    assert error() > 2 * least
    model.fit(tf.data.Dataset.from_tensors(x).repeat(600), verbose=0)
    assert least * (1 - 1e-5) < error() < 1.02 * least
    np.testing.assert_allclose(np.mean((model.reconstruct(x) - x) ** 2), error(), rtol=1e-4)


@pytest.mark.parametrize(("name", "given", "sentence"), [
    ("vae", {"posterior": "IndependentBernoulli", "prior": "BernoulliPrior"},
     "VAE cannot train through samples of IndependentBernoulli, which carry no gradient; give a posterior such as"),
    ("iwae", {"posterior": "Deterministic"}, "needs log q(z|x) and log p(x|z), but Deterministic has no density"),
    ("vae", {"likelihood": "Deterministic"}, "needs log q(z|x) and log p(x|z), but Deterministic has no density"),
    ("vae", {"prior": "BernoulliPrior"}, "BernoulliPrior and IndependentNormal take different values of z"),
    ("vae", {"prior": "UniformPrior"}, "UniformPrior and IndependentNormal take different values of z"),
    ("vae", {"posterior": "StraightThroughBernoulli"}, "StandardNormal and StraightThroughBernoulli take different"),
])
def test_heads_that_have_no_bound_together_are_refused_when_the_model_is_built(name, given, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        create(name, image_shape=(2, 2, 1), latent_dim=2, hidden=[4], **given)


def test_the_likelihood_of_no_images_is_no_numbers():
    model = create("vae", image_shape=(2, 2, 1), latent_dim=2, hidden=[4])
    assert model.log_likelihood(np.zeros((0, 2, 2, 1), "float32")).shape == (0,)
