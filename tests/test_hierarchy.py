"""Groups of normal values: densities, bounds, gradients and log p(x) of a hierarchy whose evidence is a closed form."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from exact_hierarchy import LinearHierarchy
from exact_models import assert_near_zero, draws, gradients
from scipy import stats
from zoo import images, tiny

from dgm_zoo.distributions import (
    BatchNoise,
    GroupedNormalPrior,
    GroupedPrior,
    LadderNormalPosterior,
    ReverseNormalPosterior,
    StandardNormal,
)
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import create

BOTH = pytest.mark.parametrize("inference", ["ladder", "reverse"])


def terms(model, x, n, seed=0):
    x, noise = draws(model, x, n, seed)
    return model.terms(x, (), noise)


@BOTH
def test_with_the_exact_posterior_one_sample_gives_log_p_at_every_seed(inference):
    exact = LinearHierarchy(inference)
    model, x = exact.model(), exact.data(6)
    for seed in range(3):
        np.testing.assert_allclose(model.log_likelihood(x, num_samples=1, seed=seed), exact.log_p(x), atol=1e-4)


@BOTH
def test_the_closed_form_of_the_bound_is_log_p_for_the_exact_posterior_and_lies_below_it_for_another(inference):
    exact, other = LinearHierarchy(inference), LinearHierarchy(inference, away=0.2)
    x = exact.data(6).astype(np.float64)
    np.testing.assert_allclose(exact.elbo(x, exact.parameters()), exact.log_p(x), rtol=1e-6)
    assert (other.elbo(x, other.parameters()).numpy() < exact.log_p(x) - 0.01).all()


@BOTH
def test_the_bound_is_its_closed_form_and_rises_towards_log_p_with_more_samples(inference):
    exact = LinearHierarchy(inference, away=0.2)
    x = exact.data(1)
    elbo, log_p = exact.elbo(x.astype(np.float64), exact.parameters()).numpy(), exact.log_p(x)
    assert_near_zero(terms(exact.model(), x, 20_000)["elbo"] - elbo)
    bounds = {k: terms(exact.model(k=k), x, 20_000)["bound"].numpy() for k in (1, 3, 10)}
    assert_near_zero(bounds[1] - elbo)
    assert elbo < bounds[3].mean() < bounds[10].mean() < log_p


@BOTH
def test_the_bounds_gradient_is_that_of_the_closed_form(inference):
    exact = LinearHierarchy(inference, away=0.2)
    model, x = exact.model(), exact.data(4)
    parameters = [tf.Variable(p, dtype=tf.float64) for p in exact.parameters()]
    with tf.GradientTape() as tape:
        bound = tf.reduce_mean(exact.elbo(x.astype(np.float64), parameters))
    wanted = [g.numpy() for g in tape.gradient(bound, parameters)]
    steps = [len(wanted) - 2] + ([2] if inference == "reverse" else [])  # kernels of a group given another
    known = [np.ones(g.shape, bool) for g in wanted]
    for i in steps:
        known[i][:, known[i].shape[1] // 2 :] = False  # the raw deviations, constant in the closed form
    known, wanted = (np.concatenate([np.ravel(one) for one in these]) for these in (known, wanted))
    gradient = gradients(model)
    found = [gradient(*draws(model, x, 400, seed)) for seed in range(60)]
    assert_near_zero([(np.concatenate([one["eta"], one["theta"]]) - wanted)[known] for one in found])


@BOTH
def test_dreg_agrees_with_the_exact_estimator_in_expectation(inference):
    exact = LinearHierarchy(inference, away=0.2)
    x, found = exact.data(4), {}
    for estimator in ("exact", "dreg"):
        model = exact.model(k=3, estimator=estimator)
        gradient = gradients(model)
        found[estimator] = [gradient(*draws(model, x, 400, seed)) for seed in range(60)]
    pairs = list(zip(found["exact"], found["dreg"], strict=True))
    assert_near_zero([a["eta"] - b["eta"] for a, b in pairs])
    in_q = -18 if inference == "ladder" else None  # the prior's weights are the last of theta, and in a ladder's q too
    for a, b in pairs:
        np.testing.assert_allclose(a["theta"][:in_q], b["theta"][:in_q], rtol=1e-3, atol=1e-5)
    if in_q:
        assert_near_zero([a["theta"][in_q:] - b["theta"][in_q:] for a, b in pairs])


@BOTH
def test_dreg_of_the_exact_posterior_is_zero_at_every_draw(inference):
    exact = LinearHierarchy(inference)
    model, x = exact.model(k=3, estimator="dreg"), exact.data(4)
    found = gradients(model)(*draws(model, x, 40, seed=0))["eta"]
    np.testing.assert_allclose(found, 0.0, atol=1e-4)


@BOTH
def test_the_likelihood_estimate_is_unbiased_and_closes_in_on_the_evidence(inference):
    exact = LinearHierarchy(inference, away=0.1)
    model, x = exact.model(), exact.data(1)
    for num_samples in (1, 3):
        found = model.log_likelihood(np.repeat(x, 8_000, 0), num_samples=num_samples, seed=1)
        assert_near_zero(np.exp(found.astype(np.float64) - exact.log_p(x)) - 1)
    repeats = model.log_likelihood(np.repeat(x, 20, 0), num_samples=4_000, seed=0)
    np.testing.assert_allclose(repeats, np.repeat(exact.log_p(x), 20), atol=0.1)


# ------------------------------------------------------------------------------------------------- the distributions


@BOTH
def test_three_groups_are_scored_by_their_conditionals_and_drawn_as_they_are_scored(inference):
    keras.utils.set_random_seed(1)
    sizes, prior = (2, 3, 1), GroupedNormalPrior((2, 3, 1), (4,))
    posterior = LadderNormalPosterior(sizes) if inference == "ladder" else ReverseNormalPosterior(sizes, (4,))
    params = tf.random.stateless_normal((1, *posterior.params_shape), [0, 1])
    q = posterior(params, **posterior.shares(prior))
    noise = posterior.noise(BatchNoise([0, 0], 50))
    z = posterior.sample(q, noise).numpy()
    z0, z1, z2 = np.split(z, [2, 5], 1)
    of_prior = [lambda: (np.zeros(2), np.ones(2)), lambda: prior.steps[0](z0), lambda: prior.steps[1](z1)]
    if inference == "reverse":
        normals = [posterior.steps[1](z1), posterior.steps[0](z2), (params[:, :1], np.log1p(np.exp(params[:, 1:])))]
    else:
        normals = []
        for own, p in zip(tf.split(params, [4, 6, 2], -1), of_prior, strict=True):
            mean, stddev = np.split(own.numpy(), 2, 1)
            stddev = np.log1p(np.exp(stddev))
            if normals:
                below, spread = (np.asarray(one) for one in p())
                total = stddev**-2 + spread**-2
                mean, stddev = (mean / stddev**2 + below / spread**2) / total, total**-0.5
            normals.append((mean, stddev))
    scored = lambda normal, group: stats.norm(*map(np.asarray, normal)).logpdf(group).sum(1)  # noqa: E731
    wanted = sum(map(scored, normals, (z0, z1, z2)))
    np.testing.assert_allclose(q.log_prob(z), wanted, rtol=1e-3, atol=5e-3)
    parts = np.split(noise.numpy(), [2, 5], 1)
    drawn = [np.asarray(mean) + np.asarray(stddev) * e for (mean, stddev), e in zip(normals, parts, strict=True)]
    np.testing.assert_allclose(z, np.concatenate(drawn, 1), rtol=1e-3, atol=1e-3)
    wanted = sum(scored(p(), group) for p, group in zip(of_prior, (z0, z1, z2), strict=True))
    np.testing.assert_allclose(prior.distribution().log_prob(z), wanted, rtol=1e-4)


@BOTH
def test_a_held_density_has_a_gradient_in_z_alone(inference):
    model = tiny("hvae", group_values="normals", inference=inference)
    x, z = tf.constant(images(8)[0]), tf.constant(np.random.default_rng(0).normal(size=(8, 8)).astype("float32"))
    weights = [v.value for v in model.trainable_variables]
    found = []
    for held in (False, True):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(z)
            q = model.q_z(x)
            log_q = (model.posterior.held(q) if held else q).log_prob(z)
        assert any(g is not None for g in tape.gradient(log_q, weights)) is not held
        found.append(tape.gradient(log_q, z).numpy())
    np.testing.assert_array_equal(*found)
    assert np.abs(found[0]).min() > 0


@BOTH
def test_a_hierarchy_of_normals_ascends_its_bound_and_is_the_same_after_saving(inference, tmp_path):
    model = tiny("hvae", group_values="normals", inference=inference, k=3, estimator="dreg")
    model.compile(keras.optimizers.Adam(1e-2))
    x, _ = images(256)
    history = model.fit(x, batch_size=64, epochs=12, verbose=0).history
    assert history["bound"][-1] > history["bound"][0] + 1.0
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for name in ("mean", "stddev"):
        np.testing.assert_array_equal(loaded.encode(x[:4])[name], model.encode(x[:4])[name])
    np.testing.assert_array_equal(loaded.sample(3, seed=0), model.sample(3, seed=0))
    assert model.limiting_samples(3, steps=2, seed=0).shape == (3, 4, 4, 1)
    assert model.reconstruct(x[:4]).shape == (4, 4, 4, 1)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: create("hvae", image_shape=(4, 4, 1), group_values="normal"), "unknown group_values 'normal'; did"),
        (lambda: create("hvae", image_shape=(4, 4, 1), groups="8", group_values="normals"), "at least two sizes"),
        (lambda: tiny("hvae", group_values="normals", free_bits=0.5), "free_bits 0.5 needs a normal posterior and a"),
        (lambda: LadderNormalPosterior((3, 5)).shares(StandardNormal((8,))),
         "LadderNormalPosterior needs a GroupedNormalPrior, got StandardNormal; give a GroupedNormalPrior and a"),
        (lambda: ReverseNormalPosterior((3, 5)).shares(GroupedPrior((3, 5))), "a GroupedNormalPrior, got GroupedPrior"),
        (lambda: ReverseNormalPosterior((3, 5)).shares(GroupedNormalPrior((5, 3))),
         r"the prior has groups of \(5, 3\) values and the posterior of \(3, 5\); make them equal"),
    ],
)
def test_groups_that_do_not_suit_each_other_are_refused(build, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        build()
