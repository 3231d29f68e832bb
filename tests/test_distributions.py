"""Heads, priors and divergences against SciPy and enumeration: eagerly, in a graph and under XLA."""

import keras
import ml_collections
import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, special, stats
from tensorflow_probability import distributions as tfd
from zoo import two_cpus

from dgm_zoo import distributions
from dgm_zoo.distributions import BatchNoise, jensen_shannon, kl
from dgm_zoo.errors import InvalidInput

SPECS = {  # every head that has a density: spec, event shape, shape of its parameters
    "bernoulli": ("IndependentBernoulli", (2, 3), (2, 3)),
    "straight_through": ("StraightThroughBernoulli", (2, 3), (2, 3)),
    "normal": ("IndependentNormal", (2, 3), (2, 6)),
    "normal_fixed": ({"name": "IndependentNormal", "stddev": 0.3}, (2, 3), (2, 3)),
    "normal_learned": ({"name": "IndependentNormal", "stddev": "learned"}, (2, 3), (2, 3)),
    "logistic": ({"name": "IndependentLogistic", "levels": 17}, (2, 3), (2, 6)),
    "one_hot": ("OneHotCategorical", (2, 3), (2, 3)),
    "one_hot_vector": ("OneHotCategorical", (4,), (4,)),
    "tril": ("MultivariateNormalTriL", (2,), (5,)),
    "mixture": ({"name": "MixtureNormal", "num_components": 2}, (2, 3), (2, 18)),
    "mixture_of_levels": ({"name": "MixtureLogistic", "num_components": 2, "levels": 17}, (2, 3), (2, 14)),
}
POINT = {"point": ("Deterministic", (2, 3), (2, 3))}
PRIORS = {
    "standard": ("StandardNormal", (3,)),
    "uniform": ({"name": "UniformPrior", "low": -2.0, "high": 1.0}, (3,)),
    "bernoulli": ({"name": "BernoulliPrior", "logits": -0.5}, (3,)),
    "mixture": ({"name": "MixturePrior", "num_components": 4}, (3,)),
    "vamp": ({"name": "VampPrior", "data_shape": (2, 2), "num_components": 4}, (3,)),
    "fitted": ({"name": "FittedNormal", "momentum": 0.9}, (3,)),
}


def head_of(key):
    spec, event_shape, _ = {**SPECS, **POINT}[key]
    return distributions.get(spec, event_shape)


def params_of(head, batch=3, scale=1.0, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(0, scale, (batch, *head.params_shape)), tf.float32)


def softplus(raw):
    return np.logaddexp(0, raw) + 1e-4


def compiled_or_not(function, *inputs):
    """The results of `function` without and with XLA."""
    modes = function, tf.function(function, jit_compile=True)
    return [tf.nest.map_structure(np.asarray, mode(*inputs)) for mode in modes]


def within(values, expected, errors=4.0):
    """Asserts that the mean over axis 0 lies within `errors` standard errors of `expected`."""
    values = np.asarray(values, np.float64)
    stderr = values.std(0) / np.sqrt(len(values))
    np.testing.assert_array_less(np.abs(values.mean(0) - expected), errors * stderr + 1e-6)


# ---------------------------------------------------------------------------------------------- log densities


def levels_mass(x, loc, scale, levels):
    """Probability of each level, by float64 differences of the logistic's distribution function."""
    half = 0.5 / (levels - 1)
    upper = np.where(x > 1 - half, 1.0, stats.logistic.cdf(x + half, loc, scale))
    lower = np.where(x < half, 0.0, stats.logistic.cdf(x - half, loc, scale))
    return upper - lower


def scipy_log_prob(key, params, x):
    params, event = np.asarray(params, np.float64), tuple(range(x.ndim - 2, x.ndim))
    if key in ("bernoulli", "straight_through"):
        return stats.bernoulli.logpmf(x, special.expit(params)).sum(event)
    if key.startswith("normal"):
        loc, raw = np.split(params, 2, -1) if key == "normal" else (params, None)
        scale = {"normal_fixed": 0.3, "normal_learned": softplus(0.0)}.get(key)
        return stats.norm.logpdf(x, loc, softplus(raw) if scale is None else scale).sum(event)
    if key == "logistic":
        loc, raw = np.split(params, 2, -1)
        return np.log(levels_mass(x, loc, softplus(raw), 17)).sum(event)
    if key.startswith("one_hot"):
        return (x * special.log_softmax(params, -1)).sum(event if key == "one_hot" else -1)
    if key == "tril":
        (a, b), (p, q, r) = params[:, :2].T, params[:, 2:].T  # fill_triangular([p, q, r]) = [[r, 0], [q, p]]
        lows = [np.array([[softplus(r[i]), 0], [q[i], softplus(p[i])]]) for i in range(len(params))]
        rows = [stats.multivariate_normal([a[i], b[i]], low @ low.T) for i, low in enumerate(lows)]
        return np.stack([row.logpdf(x[:, i]) for i, row in enumerate(rows)], -1)
    if key == "mixture_of_levels":  # two pixels of three channels: two logits, two rows of means, two of raw scales
        logits, loc, raw = params[..., :2], params[..., 2:8], params[..., 8:]
        loc, raw = (part.reshape(*part.shape[:-1], 2, 3) for part in (loc, raw))
        masses = levels_mass(x[..., None, :], loc, softplus(raw), 17).prod(-1)
        return np.log((special.softmax(logits, -1) * masses).sum(-1)).sum(-1)
    logits, loc, raw = (p.reshape(*p.shape[:-1], -1, 2) for p in np.split(params, 3, -1))
    each = special.log_softmax(logits, -1) + stats.norm.logpdf(x[..., None], loc, softplus(raw))
    return special.logsumexp(each, -1).sum(event)


def events(key, shape, rng):
    if key in ("bernoulli", "straight_through"):
        return rng.integers(0, 2, shape)
    if key in ("logistic", "mixture_of_levels"):
        return rng.integers(0, 17, shape) / 16
    if key.startswith("one_hot"):
        return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    return rng.normal(0, 2, shape)


@pytest.mark.parametrize("key", SPECS)
def test_log_prob_is_scipys(key):
    head = head_of(key)
    params, x = params_of(head), events(key, (5, 3, *head.event_shape), np.random.default_rng(1))
    expected = scipy_log_prob(key, params, x)
    assert expected.shape == (5, 3)
    log_prob = lambda p, x: head(p).log_prob(x)  # noqa: E731
    for mode in (log_prob, tf.function(log_prob), tf.function(log_prob, jit_compile=True)):
        result = mode(params, tf.constant(x, tf.float32)).numpy()
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("key", [*SPECS, *POINT])
def test_params_shape_and_the_shapes_of_the_distribution(key):
    head, wanted = head_of(key), {**SPECS, **POINT}[key][2]
    assert head.params_shape == wanted and head.params_size == np.prod(wanted)
    q = head(params_of(head))
    assert q.batch_shape == (3,) and q.event_shape == head.event_shape
    assert head.code(q).shape == (3, *head.event_shape)
    assert all(value.shape[0] == 3 for value in head.moments(q).values())
    for samples, lead in ((None, (3,)), (5, (5, 3))):
        z = head.sample(q, head.noise(BatchNoise([0, 0], 3), samples))
        assert z.shape == (*lead, *head.event_shape)
        assert q.log_prob(z).shape == lead


@pytest.mark.parametrize("key", SPECS)
def test_xla_takes_the_gradient_for_a_batch_of_unknown_size(key):
    head = head_of(key)

    @tf.function(jit_compile=True, input_signature=[tf.TensorSpec([None, *head.params_shape])] * 2)
    def compiled(params, other):
        return gradient(params, other)

    def gradient(params, other):
        with tf.GradientTape() as tape:
            tape.watch(params)
            q, p = head(params), head(other)
            divergence = kl(q, p, tf.zeros([1, *head.event_shape]))
            value = divergence + q.log_prob(tf.ones([1, *head.event_shape]))
        return tape.gradient(value, params)

    inputs = params_of(head), params_of(head, seed=1)
    np.testing.assert_allclose(compiled(*inputs), gradient(*inputs), rtol=1e-3, atol=1e-4)


def test_moments_name_the_parameters():
    names = {key: set(head_of(key).moments(head_of(key)(params_of(head_of(key))))) for key in [*SPECS, *POINT]}
    assert names["bernoulli"] == names["one_hot"] == {"logits"}
    assert names["normal"] == names["mixture"] == {"mean", "stddev"}
    assert names["logistic"] == {"mean", "scale"}
    assert names["tril"] == {"mean", "stddev", "scale_tril"}
    assert names["point"] == {"mean"}


@pytest.mark.parametrize("key", [*SPECS, *POINT])
def test_bfloat16_parameters_give_float32_densities(key):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        head = head_of(key)
        q = head(tf.cast(params_of(head), tf.bfloat16))
    finally:
        keras.config.set_dtype_policy("float32")
    z = head.sample(q, head.noise(BatchNoise([0, 0], 3)))
    assert z.dtype == q.log_prob(z).dtype == q.mean().dtype == tf.float32


@pytest.mark.parametrize("key", SPECS)
def test_density_and_gradient_stay_finite_at_extreme_parameters(key):
    head = head_of(key)
    rows = [np.resize(row, head.params_shape) for row in ([50.0], [-50.0], [50.0, -50.0], [0.0])]
    params = tf.constant(np.stack(rows), tf.float32)

    def density(params, noise):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(params)
            q = head(params)
            z = head.sample(q, noise)
            edges = [q.log_prob(tf.fill(tf.shape(z), float(value))) for value in (0, 1) if head.range]
            densities = tf.stack([q.log_prob(tf.stop_gradient(z)), *edges])
        return densities, tape.gradient(densities, params), z

    for values in compiled_or_not(density, params, head.noise(BatchNoise([1, 2], 4))):
        assert all(np.isfinite(value).all() for value in values)


# ---------------------------------------------------------------------------------------------- discretised logistic


def one_logistic(loc, scale, levels):
    """The head's distribution over one value, for a given scale of at least 1e-4."""
    head = distributions.IndependentLogistic((1,), levels=levels)
    raw = np.log(np.expm1(max(scale - 1e-4, 1e-30))) if scale < 30 else scale
    return head(tf.constant([[loc, raw]], tf.float32))


@pytest.mark.parametrize("levels", [2, 17, 256])
@pytest.mark.parametrize("loc", [-3.0, 0.0, 0.37, 1.0, 20.0])
@pytest.mark.parametrize("scale", [1e-4, 3e-3, 0.2, 50.0])
def test_masses_of_all_levels_sum_to_one(levels, loc, scale):
    grid = np.arange(levels) / (levels - 1)
    masses = np.exp(np.float64(one_logistic(loc, scale, levels).log_prob(grid[:, None].astype(np.float32))))
    assert abs(masses.sum() - 1) < 3e-5
    np.testing.assert_allclose(masses, levels_mass(grid, loc, scale, levels), atol=2e-4)


def test_log_mass_far_from_loc_is_exact():
    loc, scale, half = -5.0, 2e-3, 0.5 / 255
    x = np.array([0.0, 100 / 255, 1.0])
    tail = stats.logistic.logsf  # log P(X > t)
    lower, upper = tail(x - half, loc, scale), tail(x + half, loc, scale)
    expected = np.where(x == 1, lower, lower + np.log1p(-np.exp(upper - lower)))
    expected[0] = stats.logistic.logcdf(half, loc, scale)
    got = one_logistic(loc, scale, 256).log_prob(x[:, None].astype(np.float32))
    np.testing.assert_allclose(np.ravel(got), expected, rtol=3e-4, atol=1e-6)


def test_a_value_between_two_levels_counts_as_the_nearer():
    q = one_logistic(0.4, 0.1, 5)
    np.testing.assert_array_equal(q.log_prob([[0.26], [0.37]]), q.log_prob([[0.25], [0.25]]))
    np.testing.assert_array_equal(q.log_prob([[0.38], [0.99]]), q.log_prob([[0.5], [1.0]]))


@pytest.mark.parametrize("levels", [5, 256])
@pytest.mark.parametrize("loc", [-0.2, 0.1, 0.5, 1.5])
def test_mean_is_near_that_of_the_levels(levels, loc):
    grid, step = np.arange(levels) / (levels - 1), 1 / (levels - 1)
    for scale in (1e-3, step, 0.5):
        exact = (grid * levels_mass(grid, loc, scale, levels)).sum()
        mean = float(one_logistic(loc, scale, levels).mean()[0, 0])
        assert 0 <= mean <= 1
        assert abs(mean - exact) <= (0.5 if scale < step else 0.02) * step + 1e-5


def test_sampled_levels_have_their_masses():
    head = distributions.IndependentLogistic((20000,), levels=5)
    q = head(tf.reshape(tf.concat([tf.fill([20000], 0.3), tf.fill([20000], -1.5)], 0), [1, -1]))
    x = head.sample(q, head.noise(BatchNoise([0, 3], 1))).numpy().ravel()
    grid = np.arange(5) / 4
    assert set(x) == set(grid.astype(np.float32))
    within(x[:, None] == grid, levels_mass(grid, 0.3, softplus(-1.5), 5))


def test_the_ends_of_the_noise_give_the_outermost_levels():
    head = distributions.IndependentLogistic((2,))
    q = head(tf.constant([[0.5, 0.5, 1.0, 1.0]]))
    x = head.sample(q, tf.constant([[-38.0, 38.0]]))
    np.testing.assert_array_equal(x, [[0.0, 1.0]])


@pytest.mark.parametrize("channels, levels", [(1, 256), (3, 6)])
def test_the_masses_of_a_mixture_of_logistics_sum_to_one(channels, levels):
    head = distributions.MixtureLogistic((1, channels), num_components=4, levels=levels)
    params = params_of(head, 5, scale=3.0)
    grid = np.stack(np.meshgrid(*[np.arange(levels) / (levels - 1)] * channels), -1).reshape(-1, 1, 1, channels)
    masses = np.exp(np.float64(head(params).log_prob(tf.constant(grid, tf.float32))))
    assert masses.shape == (levels**channels, 5)
    np.testing.assert_allclose(masses.sum(0), 1, atol=2e-5)


def test_sampled_pixels_have_the_masses_of_the_mixture():
    head = distributions.MixtureLogistic((20000, 2), num_components=2, levels=3)
    one = np.array([0.5, 0.0, 0.0, 0.1, 1.0, 0.9, -3.0, -2.0, -2.0, -1.5])  # logits, means, raw scales of two channels
    q = head(tf.constant(np.tile(one, (1, 20000, 1)), tf.float32))
    x = head.sample(q, head.noise(BatchNoise([0, 3], 1))).numpy()[0]
    pairs = np.stack(np.meshgrid(*[[0, 0.5, 1]] * 2), -1).reshape(-1, 2)
    alone = distributions.MixtureLogistic((1, 2), num_components=2, levels=3)(tf.constant(one[None, None], tf.float32))
    masses = np.exp(alone.log_prob(tf.constant(pairs[:, None, None], tf.float32)))[:, 0]
    within((x[:, None] == pairs).all(-1), masses)
    assert np.corrcoef(x.T)[0, 1] > 0.4  # the channels share a component


def test_a_mixture_of_one_logistic_is_a_logistic():
    mixture, logistic = distributions.MixtureLogistic((2, 3), 1), distributions.IndependentLogistic((2, 3))
    params = params_of(logistic)
    given = tf.concat([tf.zeros([3, 2, 1]), params], -1)
    x = tf.constant(np.random.default_rng(0).integers(0, 256, (3, 2, 3)) / 255, tf.float32)
    np.testing.assert_allclose(mixture(given).log_prob(x), logistic(params).log_prob(x), rtol=1e-5)
    np.testing.assert_allclose(mixture(given).mean(), logistic(params).mean(), rtol=1e-5)
    noise = mixture.noise(BatchNoise([0, 0], 3))
    np.testing.assert_array_equal(
        mixture.sample(mixture(given), noise), logistic.sample(logistic(params), noise[1]))


# ---------------------------------------------------------------------------------------------- sampling


def drawn(head, params, n=20000, seed=0):
    """Samples `[n, *event_shape]` for one row of parameters."""
    q = head(params)
    return q, head.sample(q, head.noise(BatchNoise([seed, 9], 1), n)).numpy()[:, 0]


@pytest.mark.parametrize("key", [k for k in SPECS if k not in ("logistic", "mixture_of_levels")])
def test_samples_have_the_distributions_moments(key):
    head = head_of(key)
    q, z = drawn(head, params_of(head, 1, seed=4))
    within(z, q.mean()[0])
    within((z - q.mean()[0]) ** 2, q.variance()[0] if key != "tril" else np.diag(q.covariance()[0]))


@pytest.mark.parametrize("key", ["bernoulli", "one_hot", "tril", "mixture", "normal", "logistic",
                                 "mixture_of_levels", "point"])
def test_samples_are_the_same_under_xla(key):
    head = head_of(key)
    sample = lambda p, noise: head.sample(head(p), noise)  # noqa: E731
    eager, compiled = compiled_or_not(sample, params_of(head), head.noise(BatchNoise([0, 0], 3), 4))
    np.testing.assert_allclose(compiled, eager, rtol=1e-5, atol=1e-6)


def test_one_hot_samples_are_one_hot_with_the_softmaxs_frequencies():
    logits = np.array([[2.0, 0.0, -1.0, -40.0]], np.float32)
    _, z = drawn(distributions.OneHotCategorical((4,)), tf.constant(logits))
    np.testing.assert_array_equal(np.sort(z, -1), np.tile([0, 0, 0, 1], (len(z), 1)))
    within(z, special.softmax(logits[0].astype(float)))


def test_normal_samples_pass_kolmogorov_smirnov():
    _, z = drawn(distributions.IndependentNormal((1,)), tf.constant([[0.7, -0.5]]))
    assert stats.kstest(z.ravel(), stats.norm(0.7, softplus(-0.5)).cdf).pvalue > 1e-3


def test_tril_samples_are_white_once_multiplied_by_the_inverse_factor():
    head = distributions.MultivariateNormalTriL((3,))
    q, z = drawn(head, params_of(head, 1, seed=2))
    low = head.moments(q)["scale_tril"][0].numpy()
    white = np.linalg.solve(low, (z - q.mean()[0].numpy()).T).T
    within(white[:, :, None] * white[:, None, :], np.eye(3))
    assert stats.kstest(white.ravel(), "norm").pvalue > 1e-3


def mixture_cdf(t, logits, loc, raw):
    return (special.softmax(logits) * stats.norm.cdf(np.asarray(t)[..., None], loc, softplus(raw))).sum(-1)


def test_mixture_samples_pass_kolmogorov_smirnov():
    logits, loc, raw = np.array([0.3, -1.0, 0.8]), np.array([-3.0, 0.0, 2.0]), np.array([0.5, -1.0, 0.1])
    params = np.concatenate([logits, loc, raw])[None].astype(np.float32)
    _, z = drawn(distributions.MixtureNormal((1,), num_components=3), tf.constant(params))
    assert stats.kstest(z.ravel(), lambda t: mixture_cdf(t, logits, loc, raw)).pvalue > 1e-3


def test_a_mixture_of_one_component_is_a_normal():
    params = tf.constant([[0.3, -0.2, 1.0, 2.0, 0.1, 0.5]])  # logits, means, raw scales of two values
    mixture = distributions.MixtureNormal((2,), num_components=1)
    normal = distributions.IndependentNormal((2,))
    x = tf.constant([[0.4, 1.1]])
    np.testing.assert_allclose(mixture(params).log_prob(x), normal(params[:, 2:]).log_prob(x), rtol=1e-5)
    noise = mixture.noise(BatchNoise([0, 0], 1))
    drawn = normal.sample(normal(params[:, 2:]), noise[1])
    np.testing.assert_allclose(mixture.sample(mixture(params), noise), drawn, rtol=1e-6)


def test_mixture_samples_carry_the_exact_gradient_to_weights_means_and_scales():
    head = distributions.MixtureNormal((1,), num_components=2)
    params = tf.constant([[0.4, -0.3, -1.0, 1.5, 0.2, -0.8]])
    n = 20000

    def gradients(rows, noise):  # one row of parameters for each sample, so that each has its own gradient
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(rows)
            q = head(rows)
            second = head.sample(q, noise) ** 2
            exact = q.variance() + q.mean() ** 2
        return tape.gradient(second, rows), tape.gradient(exact, rows)

    for each, exact in compiled_or_not(gradients, tf.tile(params, [n, 1]), head.noise(BatchNoise([5, 1], n))):
        within(each, exact[0])


def test_reparametrised_samples_carry_their_gradient():
    for head, noise in [(distributions.IndependentNormal((1,)), tf.constant([[2.0]])),
                        (distributions.MultivariateNormalTriL((1,)), tf.constant([[2.0]]))]:
        params = tf.constant([[0.3, 0.8]])
        with tf.GradientTape() as tape:
            tape.watch(params)
            z = head.sample(head(params), noise)
        np.testing.assert_allclose(tape.gradient(z, params), [[1.0, 2.0 * special.expit(0.8)]], rtol=1e-6)


def test_a_point_is_its_own_sample_mean_and_code():
    head = distributions.Deterministic((2,))
    params = tf.constant([[1.0, -2.0]])
    with tf.GradientTape() as tape:
        tape.watch(params)
        z = head.sample(head(params), head.noise(BatchNoise([0, 0], 1), 4))
    np.testing.assert_array_equal(z, np.tile(params, (4, 1, 1)))
    np.testing.assert_array_equal(tape.gradient(z, params), [[4.0, 4.0]])
    np.testing.assert_array_equal(head.code(head(params)), params)


@pytest.mark.parametrize("key", [*SPECS, *POINT])
def test_held_has_the_same_density_and_no_gradient_to_its_parameters(key):
    head = head_of(key)
    variables = head.trainable_variables

    params = params_of(head)
    z = tf.stop_gradient(head.sample(head(params), head.noise(BatchNoise([0, 0], 3), 2)))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([params, z])
        free, held = head(params).log_prob(z), head.held(head(params)).log_prob(z)
    assert tape.gradient(held, [params, *variables]) == [None] * (1 + len(variables))
    np.testing.assert_array_equal(held, free)
    free_z, held_z = (tape.gradient(one, z, unconnected_gradients="zero") for one in (free, held))
    np.testing.assert_array_equal(held_z, free_z)


@pytest.mark.parametrize("key", ["normal", "mixture", "tril"])
def test_held_under_xla_leaves_the_path_through_the_sample(key):
    head = head_of(key)

    def gradient(params, noise):  # of log q(z) with q held: what the doubly reparametrised estimator takes
        with tf.GradientTape() as tape:
            tape.watch(params)
            q = head(params)
            log_q = head.held(q).log_prob(head.sample(q, noise))
        return tape.gradient(log_q, params)

    eager, compiled = compiled_or_not(gradient, params_of(head), head.noise(BatchNoise([0, 0], 3), 2))
    assert np.any(eager != 0)
    np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------------------------------------- priors


def posterior(x):
    """A linear q(z|x) for x `[batch, 2, 2]`, z of 3 dimensions."""
    x = tf.reshape(x, [-1, 4])
    w = tf.constant(np.random.default_rng(3).normal(0, 2, (4, 6)), tf.float32)
    return distributions.IndependentNormal((3,))(x @ w)


def prior_of(key, seed=0):
    """A prior with random weights, so that nothing is symmetric."""
    prior, rng = distributions.get(*PRIORS[key]), np.random.default_rng(seed)
    if key == "fitted":
        for _ in range(3):
            prior.update(tf.constant(rng.normal(1, 2, (50, 3)), tf.float32))
    else:
        prior.set_weights([rng.normal(0, 1, w.shape) for w in prior.get_weights()])
    return prior


@pytest.mark.parametrize("key", PRIORS)
def test_a_prior_has_no_batch_and_agrees_with_itself_under_xla(key):
    prior = prior_of(key)

    def use(noise):
        p = prior.distribution(posterior)
        z = prior.draw(noise, posterior)
        assert p.batch_shape == () and p.event_shape == prior.event_shape
        return z, p.log_prob(z)

    results = compiled_or_not(use, prior.noise(BatchNoise([0, 0], 6), 2))
    for z, log_prob in results:
        assert z.shape == (2, 6, 3) and log_prob.shape == (2, 6) and np.isfinite(log_prob).all()
        np.testing.assert_allclose(z, results[0][0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(log_prob, results[0][1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("key", PRIORS)
def test_prior_samples_have_the_densitys_moments(key):
    prior = prior_of(key)
    z = prior.draw(prior.noise(BatchNoise([1, 1], 20000)), posterior).numpy()
    p = prior.distribution(posterior)
    variance = np.diag(p.covariance()) if key == "fitted" else p.variance()
    within(z, p.mean())
    within((z - p.mean()) ** 2, variance)


def test_standard_normal_is_scipys():
    x = np.random.default_rng(0).normal(0, 2, (5, 3))
    expected = stats.norm.logpdf(x).sum(-1)
    np.testing.assert_allclose(prior_of("standard").distribution().log_prob(x.astype(np.float32)), expected, rtol=1e-5)


def test_mixture_prior_is_scipys_mixture_over_whole_events():
    prior = prior_of("mixture")
    logits, loc, raw = prior.get_weights()
    x = np.random.default_rng(0).normal(0, 2, (5, 3))
    each = special.log_softmax(logits) + stats.norm.logpdf(x[:, None], loc, softplus(raw)).sum(-1)
    expected = special.logsumexp(each, -1)
    for result in compiled_or_not(lambda x: prior.distribution().log_prob(x), tf.constant(x, tf.float32)):
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


def test_mixture_prior_starts_from_equal_weights_and_unit_scales():
    p = distributions.MixturePrior((3,), num_components=4).distribution()
    np.testing.assert_allclose(p.mixture_distribution.probs_parameter(), np.full(4, 0.25))
    np.testing.assert_allclose(p.components_distribution.distribution.scale, np.ones((4, 3)), atol=2e-4)


def test_vamp_prior_is_the_mean_of_its_posteriors():
    prior = prior_of("vamp")
    inputs = special.expit(prior.get_weights()[0])
    q = posterior(tf.constant(inputs, tf.float32))
    loc, scale = q.mean().numpy(), q.stddev().numpy()
    x = np.random.default_rng(0).normal(0, 2, (5, 3))
    expected = special.logsumexp(stats.norm.logpdf(x[:, None], loc, scale).sum(-1), -1) - np.log(4)
    for result in compiled_or_not(lambda x: prior.distribution(posterior).log_prob(x), tf.constant(x, tf.float32)):
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
    with tf.GradientTape() as tape:
        log_prob = prior.distribution(posterior).log_prob(x.astype(np.float32))
    assert np.all(tape.gradient(log_prob, prior.trainable_variables)[0].numpy() != 0)


def test_vamp_prior_refuses_what_it_cannot_average():
    prior = distributions.VampPrior((3,), data_shape=(2, 2), num_components=4)
    with pytest.raises(InvalidInput, match="average of posteriors"):
        prior()
    head = distributions.IndependentBernoulli((3,))
    with pytest.raises(InvalidInput, match="needs a posterior of the head IndependentNormal"):
        prior.distribution(lambda x: head(tf.zeros([4, 3])))


def test_bernoulli_prior_is_scipys_and_may_be_fixed():
    prior = distributions.BernoulliPrior((3,), logits=-0.5)
    x = np.array([[0, 0, 1], [1, 1, 1]])
    expected = stats.bernoulli.logpmf(x, special.expit(-0.5)).sum(-1)
    np.testing.assert_allclose(prior.distribution().log_prob(x.astype(np.float32)), expected, rtol=1e-5)
    assert len(prior.trainable_variables) == 1
    assert not distributions.BernoulliPrior((3,), trainable=False).trainable_variables


def test_trainable_variables_exist_from_the_start():
    counts = {key: len(distributions.get(*PRIORS[key]).trainable_variables) for key in PRIORS}
    assert counts == {"standard": 0, "uniform": 0, "bernoulli": 1, "mixture": 3, "vamp": 1, "fitted": 0}
    assert all(distributions.get(*PRIORS[key]).built for key in PRIORS)


def correlated(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)) @ np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 0.1]]) + [5.0, 0.0, -1.0]


def test_fitted_normal_starts_standard_and_ends_at_the_codes_moments():
    prior, codes = distributions.FittedNormal((3,), momentum=0.9), correlated(500)
    x = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    np.testing.assert_allclose(prior.distribution().log_prob(x), stats.norm.logpdf(x).sum(-1), rtol=1e-4)
    update = tf.function(prior.update)
    for _ in range(100):
        update(tf.constant(codes, tf.float32))
    mean, covariance = codes.mean(0), np.cov(codes.T, bias=True)
    np.testing.assert_allclose(prior.loc, mean, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(prior.covariance, covariance, rtol=1e-2, atol=1e-3)
    expected = stats.multivariate_normal(mean, covariance).logpdf(codes)
    np.testing.assert_allclose(prior.distribution().log_prob(codes.astype(np.float32)), expected, rtol=0.01, atol=0.02)


def test_fitted_normals_moments_are_those_of_the_weighted_codes():
    prior, batches = distributions.FittedNormal((3,), momentum=0.25), [correlated(40, seed) for seed in (1, 2, 3)]
    for codes in batches:
        prior.update(tf.constant(codes, tf.float32))
    kept = [min(0.25, (1 + t) / (10 + t)) for t in range(3)]
    weights = [(1 - kept[t]) * np.prod(kept[t + 1 :]) for t in range(3)]
    start = np.prod(kept)  # the share of N(0, I) that is left
    mean = sum(w * codes.mean(0) for w, codes in zip(weights, batches, strict=True))
    second = start * np.eye(3) + sum(w * codes.T @ codes / 40 for w, codes in zip(weights, batches, strict=True))
    np.testing.assert_allclose(prior.loc, mean, rtol=1e-5)
    np.testing.assert_allclose(prior.covariance, second - np.outer(mean, mean), rtol=1e-4, atol=1e-4)
    assert int(prior.updates) == 3


def test_fitted_normal_survives_codes_without_spread():
    prior = distributions.FittedNormal((3,), momentum=0.0)
    line = np.linspace(-100, 100, 64)[:, None] * np.array([[1.0, 1.0, 0.0]]) + [0.0, 7.0, 7.0]
    for codes in (line, np.full((64, 3), 7.0)):
        for _ in range(3):
            prior.update(tf.constant(codes, tf.float32))
        z = prior.draw(prior.noise(BatchNoise([0, 0], 8)))
        assert np.isfinite(z).all() and np.isfinite(prior.distribution().log_prob(z)).all()
    np.testing.assert_allclose(z, np.full((8, 3), 7.0), atol=1e-2)


def test_fitted_normal_on_two_replicas_is_that_of_one():
    strategy = two_cpus()
    one = distributions.FittedNormal((3,), momentum=0.5)
    with strategy.scope():
        two = distributions.FittedNormal((3,), momentum=0.5)
    update = tf.function(lambda codes: strategy.run(two.update, args=(codes,)))
    for seed in range(4):
        codes = tf.constant(correlated(8, seed), tf.float32)
        one.update(codes)
        update(strategy.experimental_distribute_values_from_function(
            lambda replica, codes=codes: codes[4 * replica.replica_id_in_sync_group :][:4]
        ))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


# ---------------------------------------------------------------------------------------------- divergences


def normal(loc, scale):
    return tfd.Independent(tfd.Normal(tf.constant([loc]), tf.constant([scale])), 1)


def integral(integrand):
    return integrate.quad(integrand, -15, 15, points=[-2, 0, 2], limit=200)[0]


def test_kl_of_normals_in_both_directions_is_the_integral():
    q, p = stats.norm(0.5, 0.7), stats.norm(-1.0, 2.0)
    for (a, b), (x, y) in [((q, p), ((0.5, 0.7), (-1.0, 2.0))), ((p, q), ((-1.0, 2.0), (0.5, 0.7)))]:
        expected = integral(lambda t, a=a, b=b: a.pdf(t) * (a.logpdf(t) - b.logpdf(t)))
        np.testing.assert_allclose(kl(normal(*x), normal(*y), None), expected, rtol=1e-5)


@pytest.mark.parametrize("extreme", [1.0, 50.0])
def test_kl_of_bernoullis_is_the_enumeration(extreme):
    a, b = np.array([[0.3, -1.0, 2.0]]) * extreme, np.array([[1.0, 1.0, -0.5]]) * extreme
    head = distributions.IndependentBernoulli((3,))
    grid = np.stack(np.meshgrid(*[[0.0, 1.0]] * 3), -1).reshape(-1, 3)
    log = lambda logits: (grid * logits - np.logaddexp(0, logits)).sum(-1)  # noqa: E731
    expected = (np.exp(log(a)) * (log(a) - log(b))).sum()
    logits = tf.constant(a, tf.float32), tf.constant(b, tf.float32)
    for result in compiled_or_not(lambda a, b: kl(head(a), head(b), None), *logits):
        np.testing.assert_allclose(result, [expected], rtol=1e-5)


def test_kl_of_categoricals_is_the_enumeration():
    head = distributions.OneHotCategorical((2, 3))
    a, b = params_of(head, 1, seed=1), params_of(head, 1, seed=2)
    log_a, log_b = special.log_softmax(np.float64(a), -1), special.log_softmax(np.float64(b), -1)
    np.testing.assert_allclose(kl(head(a), head(b), None), [(np.exp(log_a) * (log_a - log_b)).sum()], rtol=1e-5)


def test_kl_between_full_and_independent_normals_is_closed_in_both_directions():
    full, plain = distributions.MultivariateNormalTriL((2,)), distributions.IndependentNormal((2,))
    q, p = full(params_of(full, 3)), plain(params_of(plain, 3, seed=1))

    def expected(a, b, mean_a, mean_b):
        inverse, shift = np.linalg.inv(b), mean_b - mean_a
        return 0.5 * (np.trace(inverse @ a) + shift @ inverse @ shift - 2 + np.log(np.linalg.det(b) / np.linalg.det(a)))

    a, b = np.float64(q.covariance()), np.stack([np.diag(v) for v in np.float64(p.variance())])
    m, n = np.float64(q.mean()), np.float64(p.mean())
    for result in compiled_or_not(lambda: (kl(q, p, None), kl(p, q, None))):
        np.testing.assert_allclose(result[0], [expected(a[i], b[i], m[i], n[i]) for i in range(3)], rtol=1e-4)
        np.testing.assert_allclose(result[1], [expected(b[i], a[i], n[i], m[i]) for i in range(3)], rtol=1e-4)
    fixed = distributions.IndependentNormal((2,), stddev=0.5)(tf.zeros([3, 2]))
    np.testing.assert_allclose(kl(q, fixed, None)[0], expected(a[0], np.eye(2) / 4, m[0], np.zeros(2)), rtol=1e-4)
    prior = distributions.StandardNormal((2,)).distribution()
    np.testing.assert_allclose(kl(q, prior, None)[0], expected(a[0], np.eye(2), m[0], np.zeros(2)), rtol=1e-4)


def test_kl_to_a_mixture_is_estimated_without_bias_in_both_directions():
    head = distributions.MixtureNormal((1,), num_components=2)
    params = tf.constant([[0.4, -0.3, -1.0, 1.5, 0.2, -0.8]])
    p, q = head(params), normal(0.5, 0.7)
    log_p = lambda t: special.logsumexp(  # noqa: E731
        special.log_softmax([0.4, -0.3]) + stats.norm.logpdf(t, [-1.0, 1.5], softplus(np.array([0.2, -0.8])))
    )
    log_q = stats.norm(0.5, 0.7).logpdf
    rng = BatchNoise([0, 0], 20000)
    z = 0.5 + 0.7 * rng.normal((1,))
    within(kl(q, p, z), integral(lambda t: np.exp(log_q(t)) * (log_q(t) - log_p(t))))
    z = head.sample(p, head.noise(rng))
    within(kl(p, q, z), integral(lambda t: np.exp(log_p(t)) * (log_p(t) - log_q(t))))


def test_jensen_shannon_of_categoricals_is_exact():
    a, b = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]), np.array([[0.0, 0.1, 0.9], [0.2, 0.3, 0.5]])
    m = (a + b) / 2
    expected = (special.rel_entr(a, m) + special.rel_entr(b, m)).sum(-1) / 2
    probs = tf.constant(a, tf.float32), tf.constant(b, tf.float32)
    exact = lambda a, b: jensen_shannon(tfd.Categorical(probs=a), tfd.Categorical(probs=b))  # noqa: E731
    for result in compiled_or_not(exact, *probs):
        np.testing.assert_allclose(result, expected, atol=1e-6)
    one_hot = jensen_shannon(*(tfd.OneHotCategorical(probs=p) for p in probs))
    np.testing.assert_allclose(one_hot, expected, atol=1e-6)
    head = distributions.OneHotCategorical((3,))
    result = jensen_shannon(head(tf.constant([[60.0, 0.0, 0.0]])), head(tf.constant([[0.0, 60.0, 0.0]])))
    np.testing.assert_allclose(result, [np.log(2)], rtol=1e-6)


def test_jensen_shannon_of_normals_is_the_integral_and_symmetric():
    q, p = stats.norm(0.5, 0.7), stats.norm(-1.0, 2.0)
    middle = lambda t: np.logaddexp(q.logpdf(t), p.logpdf(t)) - np.log(2)  # noqa: E731
    expected = 0.5 * sum(integral(lambda t, a=a: a.pdf(t) * (a.logpdf(t) - middle(t))) for a in (q, p))
    rng = BatchNoise([0, 0], 40000)
    z, y = 0.5 + 0.7 * rng.normal((1,)), -1.0 + 2.0 * rng.normal((1,))
    one, other = normal(0.5, 0.7), normal(-1.0, 2.0)
    estimate = jensen_shannon(one, other, z, y)
    assert estimate.shape == ()
    assert abs(float(estimate) - expected) < 4 * 0.5 / np.sqrt(40000)  # each term's deviation is below 0.5
    np.testing.assert_allclose(jensen_shannon(other, one, y, z), estimate, rtol=1e-6)
    assert float(jensen_shannon(one, one, z, z)) == 0


def test_jensen_shannon_far_apart_is_log_two_with_a_finite_gradient():
    loc = tf.constant(500.0)
    with tf.GradientTape() as tape:
        tape.watch(loc)
        far = tfd.Normal(loc, 0.1)
        value = jensen_shannon(far, tfd.Normal(0.0, 0.1), tf.stack([loc]), tf.constant([0.0]))
    np.testing.assert_allclose(value, np.log(2), rtol=1e-6)
    assert np.isfinite(tape.gradient(value, loc))


def test_jensen_shannon_of_several_choices_or_densities_asks_for_samples():
    head = distributions.OneHotCategorical((2, 3))
    several = tfd.Independent(tfd.Categorical(tf.zeros([2, 3])), 1)
    for p in (normal(0.0, 1.0), head(tf.zeros([1, 2, 3])), several):
        with pytest.raises(InvalidInput, match="give samples_p and samples_q"):
            jensen_shannon(p, p)


# ---------------------------------------------------------------------------------------------- specs and configs


# Tested with the models that they are of: test_sampled_prior.py, test_adversarial.py, test_equilibrium.py, and
# test_segmentation.py.
ELSEWHERE = {
    "SampledPrior", "Codes", "GroupedPrior", "LadderPosterior", "ReversePosterior", "GroupedNormalPrior",
    "LadderNormalPosterior", "ReverseNormalPosterior", "MaskAndNoise",
}


def test_every_head_and_prior_is_named_after_its_class():
    specs = [spec for spec, *_ in [*SPECS.values(), *POINT.values(), *PRIORS.values()]]
    named = {spec if isinstance(spec, str) else spec["name"] for spec in specs}
    assert named | ELSEWHERE == set(distributions.HEADS)
    for name, cls in distributions.HEADS.items():
        assert cls.__name__ == name and getattr(distributions, name) is cls


@pytest.mark.parametrize("key", [*SPECS, *POINT])
def test_a_head_survives_serialisation(key):
    head = head_of(key)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(head))
    assert type(again) is type(head) and again.get_config() == head.get_config()
    again.set_weights(head.get_weights())
    params = params_of(head)
    z = head.sample(head(params), head.noise(BatchNoise([0, 0], 3)))
    np.testing.assert_array_equal(again(params).log_prob(z), head(params).log_prob(z))


@pytest.mark.parametrize("key", PRIORS)
def test_a_prior_survives_serialisation(key):
    prior = prior_of(key)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(prior))
    assert type(again) is type(prior) and again.get_config() == prior.get_config()
    again.set_weights(prior.get_weights())
    z = prior.draw(prior.noise(BatchNoise([0, 0], 4)), posterior)
    np.testing.assert_array_equal(again.distribution(posterior).log_prob(z), prior.distribution(posterior).log_prob(z))


def test_a_config_holds_the_arguments():
    config = distributions.VampPrior((3,), data_shape=(2, 2), num_components=4, name="p").get_config()
    assert config == {"name": "p", "trainable": True, "event_shape": [3], "data_shape": [2, 2], "num_components": 4}


def test_get_takes_a_head_a_name_a_dict_or_a_config():
    head = distributions.IndependentBernoulli((3,))
    assert distributions.get(head, (5,)) is head
    assert distributions.get("IndependentNormal", 3).event_shape == (3,)
    spec = {"name": "IndependentLogistic", "levels": 16}
    for given in (spec, ml_collections.ConfigDict(spec)):
        assert distributions.get(given, (4, 4, 1)).levels == 16
    assert spec == {"name": "IndependentLogistic", "levels": 16}


@pytest.mark.parametrize(("spec", "key"), [
    ({"name": "IndependentNormal", "stddev": np.float32(0.5)}, "stddev"),
    ({"name": "UniformPrior", "low": np.float32(0.25), "high": np.int64(1)}, "low"),
    ({"name": "BernoulliPrior", "logits": np.float16(0.5)}, "start"),
    ({"name": "FittedNormal", "momentum": np.float32(0.5)}, "momentum"),
])
def test_a_number_may_be_numpys(spec, key):
    assert type(getattr(distributions.get(spec, (3,)), key)) is float


REFUSED = [
    ("IndependentNormall", "unknown head 'IndependentNormall'; did you mean 'IndependentNormal'?"),
    ({"stddev": 0.1}, "unknown head 'None'"),
    ({"name": ["IndependentNormal"]}, "unknown head"),
    (3, "head 3 must be a name, such as 'IndependentNormal', or a dict with one"),
    ({"name": "IndependentNormal", "sd": 1}, "head IndependentNormal takes no argument 'sd'; it takes stddev"),
    ({"name": "OneHotCategorical", "classes": 3}, "head OneHotCategorical takes no argument 'classes'; it takes none"),
    ({"name": "IndependentNormal", "event_shape": 3}, "takes no argument 'event_shape'"),
    ("MixtureNormal", "head MixtureNormal needs 'num_components'"),
    ("VampPrior", "head VampPrior needs 'data_shape'"),
    ({"name": "VampPrior", "data_shape": (0, 2)}, r"data_shape \(0, 2\) of VampPrior needs positive whole numbers"),
    ({"name": "IndependentNormal", "stddev": -1}, "stddev -1 of IndependentNormal must be None"),
    ({"name": "IndependentNormal", "stddev": True}, "stddev True of"),
    ({"name": "IndependentNormal", "stddev": [1]}, r"stddev \[1\] of"),
    ({"name": "IndependentLogistic", "levels": 1}, "levels 1 of IndependentLogistic must be a whole number of"),
    ({"name": "MixtureLogistic", "num_components": 0}, "num_components 0 of MixtureLogistic must be a whole number"),
    ({"name": "MixtureLogistic", "num_components": 2, "levels": 1}, "levels 1 of MixtureLogistic must be a whole"),
    ({"name": "MixtureNormal", "num_components": 0}, "num_components 0 of MixtureNormal must be a whole number"),
    ({"name": "MixturePrior", "num_components": 2.0}, "num_components 2.0 of MixturePrior must be a whole number"),
    ({"name": "BernoulliPrior", "logits": "0"}, "logits '0' of BernoulliPrior must be one finite number"),
    ({"name": "UniformPrior", "low": 2, "high": 1}, "low 2 of UniformPrior is not below high 1"),
    ({"name": "FittedNormal", "momentum": 1.0}, r"momentum 1.0 of FittedNormal must be a number in \[0, 1\)"),
]


@pytest.mark.parametrize("spec, sentence", REFUSED, ids=str)
def test_get_refuses_with_one_sentence(spec, sentence):
    with pytest.raises(InvalidInput, match=sentence) as caught:
        distributions.get(spec, (4,))
    assert "__init__" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(), 0, (2, -1), (2.5,), (True,), "ab", None, ("a",)])
def test_an_event_shape_needs_positive_whole_numbers(shape):
    with pytest.raises(InvalidInput, match="of IndependentNormal needs positive whole numbers"):
        distributions.IndependentNormal(shape)


@pytest.mark.parametrize("name", ["MultivariateNormalTriL", "FittedNormal"])
def test_a_full_covariance_needs_a_vector(name):
    with pytest.raises(InvalidInput, match=r"event_shape \(2, 2\) of .* has 2 axes; give one"):
        distributions.get(name, (2, 2))
