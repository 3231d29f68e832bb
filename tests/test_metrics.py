"""Held-out evidence: what the numbers are the mean of, their standard errors, their protocol; active units."""

import re

import numpy as np
import pytest
import tensorflow as tf
from exact_models import Enumerable, LinearGaussian
from zoo import examples, tiny

from dgm_zoo.core.estimates import ROWS_PER_DECODE
from dgm_zoo.distributions import BernoulliPrior, IndependentBernoulli, IndependentNormal, StraightThroughBernoulli
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics import active_units, bound_terms, log_likelihood
from dgm_zoo.models import IWAE, VAE
from dgm_zoo.networks import dense


class Estimator:
    """Stands for a model whose estimate of log p(x) is x itself and normal noise of its seed."""

    def __init__(self, noise=1.0, labels=False):
        self.noise, self.inputs, self.calls = noise, {"x": None, **({"label": None} if labels else {})}, []

    def takes(self):
        return self.inputs

    def log_likelihood(self, x, num_samples, seed, **given):
        noise = np.random.default_rng(seed).normal(size=len(x))
        self.calls.append({"num_samples": num_samples, "seed": seed, "values": x + self.noise * noise, **given})
        return self.calls[-1]["values"]


def numbers(n, batch):
    return tf.data.Dataset.from_tensor_slices(np.random.default_rng(0).normal(size=n)).batch(batch)


def test_value_and_standard_errors_are_those_of_the_numbers_per_image():
    model = Estimator()
    found = log_likelihood(model, numbers(10, 4), num_samples=7, repetitions=3, seed=5)
    runs = np.concatenate([call["values"] for call in model.calls]).reshape(3, 10)
    np.testing.assert_allclose(found["value"], runs.mean())
    np.testing.assert_allclose(found["stderr"], runs.mean(0).std(ddof=1) / np.sqrt(10))
    np.testing.assert_allclose(found["stderr_samples"], runs.mean(1).std(ddof=1) / np.sqrt(3))
    assert found["images"] == 10 and {call["num_samples"] for call in model.calls} == {7}
    assert "K = 7, 3 repetition(s), nats" in found["protocol"]


def test_one_repetition_says_nothing_of_the_estimators_noise_and_one_image_nothing_of_the_images():
    found = log_likelihood(Estimator(), numbers(1, 4))
    assert found["stderr"] is None and found["stderr_samples"] is None


def test_batches_and_repetitions_have_seeds_of_their_own_that_follow_from_the_one_given():
    def seeds(seed):
        model = Estimator()
        log_likelihood(model, numbers(12, 4), repetitions=5, seed=seed)
        return [call["seed"] for call in model.calls]

    assert len(set(seeds(3))) == 15 and seeds(3) == seeds(3)
    assert not set(seeds(3)) & (set(seeds(4)) | set(seeds(-3)))
    assert all(0 <= seed < 2**31 for seed in seeds(-(2**31)))


def test_repetitions_shrink_the_standard_error_as_independent_ones_do():
    few, many = (log_likelihood(Estimator(), numbers(25, 25), repetitions=r)["stderr_samples"] for r in (25, 100))
    np.testing.assert_allclose([few, many], [0.2 / np.sqrt(25), 0.2 / np.sqrt(100)], rtol=0.3)


def test_labels_reach_a_model_that_takes_them_and_no_other():
    label = np.arange(6, dtype="int32")
    dataset = tf.data.Dataset.from_tensor_slices((np.zeros(6), label)).batch(4)
    for labels in (True, False):
        model = Estimator(labels=labels)
        log_likelihood(model, dataset)
        assert [list(call.get("label", [])) for call in model.calls] == ([[0, 1, 2, 3], [4, 5]] if labels else [[], []])


def test_a_models_value_is_the_mean_of_its_numbers_whatever_the_batches():
    exact = LinearGaussian()  # with the exact posterior the noise has no effect
    x = exact.data(10)
    for batch in (3, 10):
        dataset = tf.data.Dataset.from_tensor_slices(x).batch(batch)
        found = log_likelihood(exact.model(), dataset, num_samples=2, repetitions=2)
        np.testing.assert_allclose(found["value"], exact.log_p(x).mean(), atol=1e-4)
        np.testing.assert_allclose(found["stderr"], exact.log_p(x).std(ddof=1) / np.sqrt(10), atol=1e-4)
        assert found["stderr_samples"] < 1e-5


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"repetitions": 0}, "repetitions is 0"),
        ({"repetitions": 1.5}, "repetitions is 1.5"),
        ({"seed": 2**31}, "seed is 2147483648"),
        ({"dataset": numbers(4, 2).take(0)}, "the data set is empty"),
    ],
)
def test_what_cannot_be_estimated_is_refused(given, names):
    with pytest.raises(InvalidInput, match=names):
        log_likelihood(Estimator(), **{"dataset": numbers(4, 2), **given})


# The model's own estimate, which the metric averages.


def test_an_images_number_does_not_depend_on_the_others_given_with_it():
    exact = LinearGaussian(away=0.2)
    model, x = exact.model(), exact.data(45)
    alone, together = (model.log_likelihood(part, num_samples=250, seed=3) for part in (x[:22], x))  # 20 in one call
    np.testing.assert_allclose(together[:22], alone, atol=1e-5)
    same = model.log_likelihood(np.repeat(x[:1], 30, 0), num_samples=250, seed=3)
    assert len(set(same)) == 30  # yet each has samples of its own


@pytest.mark.parametrize("num_samples", [201, 250, 450])
def test_k_is_the_number_of_samples_whether_or_not_it_fills_its_chunks(num_samples):
    exact = Enumerable()
    model = exact.model()
    sums = [
        k * np.exp(model.log_likelihood(exact.images(), num_samples=k, seed=0) - exact.log_p)
        for k in (num_samples - 1, num_samples)
    ]
    weights = np.exp(exact.log_w - exact.log_p[:, None])  # what one more sample can add
    assert np.abs(weights - (sums[1] - sums[0])[:, None]).min(1).max() < 5e-3


def test_memory_does_not_grow_with_k_and_every_k_has_the_same_trace(monkeypatch):
    exact, traces = Enumerable(), []
    draw = IndependentBernoulli.noise

    def noise(head, rng, samples=None):
        traces.append(samples)
        tf.debugging.assert_less_equal(2 * samples, ROWS_PER_DECODE)
        return draw(head, rng, samples)

    monkeypatch.setattr(IndependentBernoulli, "noise", noise)
    rows, num_samples, model = [5, 40], 100_000, exact.model()
    found = model.log_likelihood(exact.images()[rows], num_samples=num_samples)
    for k in (1, 2, 150, 300):
        model.log_likelihood(exact.images()[rows], num_samples=k)
    assert len(traces) == 1
    ratio = np.exp(exact.log_w - exact.log_p[:, None])
    stderr = np.sqrt(((exact.q * ratio**2).sum(1) - 1) / num_samples)
    assert (np.abs(found - exact.log_p[rows]) < 4 * stderr[rows]).all()


# The bound's terms and the active units.


def test_bound_terms_are_evaluates_means_with_their_units():
    exact = LinearGaussian()
    model, x = exact.model(IWAE, k=3), exact.data(10)
    model.compile("sgd")
    found = bound_terms(model, tf.data.Dataset.from_tensor_slices(x).batch(5))
    assert set(found) == set(model.logged)
    np.testing.assert_allclose(found["bound"]["value"], exact.log_p(x).mean(), atol=1e-4)
    np.testing.assert_allclose(found["loss"]["value"], -exact.log_p(x).mean(), atol=1e-4)
    np.testing.assert_allclose(found["ess"]["value"], 3.0, atol=1e-4)
    assert found["bound"]["protocol"] == "mean over images, nats"
    assert found["ess"]["protocol"] == "mean over images, effective number of samples"
    assert all(isinstance(term["value"], float) for term in found.values())


def test_the_squared_error_is_not_in_nats():
    model = tiny("ae")
    model.compile("sgd")
    found = bound_terms(model, tf.data.Dataset.from_tensor_slices(examples(model, 8)[0]).batch(4))
    assert found["mse"]["protocol"] == "mean over images, squared error per value"
    assert found["reconstruction"]["protocol"] == "mean over images, nats"


def _with_encoder(posterior, kernel, bias, prior=None):
    encoder, decoder = dense((3,), posterior.params_shape, ()), dense(posterior.event_shape, (3,), ())
    encoder.set_weights([np.asarray(kernel, "float32"), np.asarray(bias, "float32")])
    return VAE(encoder, decoder, prior, likelihood=IndependentNormal((3,), stddev=1.0), posterior=posterior, seed=0)


def test_active_units_are_those_whose_mean_moves_with_x():
    x = np.random.default_rng(0).normal(size=(500, 3)).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(200)
    kernel = np.zeros((3, 8))
    kernel[0, :4] = [0.0, 0.05, 0.2, 1.0]  # the means' standard deviations over x
    kernel[1, 4:] = 5.0  # the spreads move too, which does not count
    model = _with_encoder(IndependentNormal((4,)), kernel, np.arange(8))
    found = active_units(model, dataset)
    assert found["value"] == 2 and re.search("of 4 units, variance .* above 0.01", found["protocol"])
    assert active_units(model, dataset, threshold=0.001)["value"] == 3
    assert active_units(model, dataset, threshold=2.0)["value"] == 0


@pytest.mark.filterwarnings("error")
def test_active_units_of_binary_codes_are_those_whose_probability_moves():
    x = np.random.default_rng(0).normal(size=(500, 3)).astype("float32")
    kernel = np.zeros((3, 4))
    kernel[0] = [0.3, 1.0, 1.0, 100.0]  # the first moves by too little: its probability's variance is 0.005
    bias = [0.0, 0.0, 20.0, 0.0]  # the third is always 1
    model = _with_encoder(StraightThroughBernoulli((4,)), kernel, bias, BernoulliPrior((4,)))
    assert active_units(model, tf.data.Dataset.from_tensor_slices(x).batch(200))["value"] == 2
