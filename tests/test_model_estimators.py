"""Estimators of `dgm_zoo.metrics` that ask a model: extreme parameters, codes of every posterior, what log p(x) is."""

import re

import numpy as np
import pytest
import tensorflow as tf
from exact_models import Enumerable, LinearGaussian
from zoo import images, tiny

from dgm_zoo import metrics
from dgm_zoo.distributions import (
    Deterministic,
    IndependentLogistic,
    IndependentNormal,
    MixtureNormal,
    MultivariateNormalTriL,
    StandardNormal,
)
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.densities import reading


def binary_batches(n=64):
    return tf.data.Dataset.from_tensor_slices(Enumerable().images()[:n]).batch(30)


@pytest.mark.parametrize("n", [1, 64])
@pytest.mark.parametrize("logit", [1e-6, 1.0, 100.0])
def test_the_log_likelihood_of_certain_pixels_is_exact(n, logit):
    """With a decoder of zero weights p(x|z) = p(x), and with q(z|x) = p(z) every sample gives it."""
    exact, bias = Enumerable(), logit * np.array([1.0, -1, 1, -1, 1, -1])
    model = exact.model()
    model.decoder.set_weights([0 * exact.decoder[0], bias])
    model.encoder.set_weights([0 * exact.encoder[0], exact.prior_logits])
    wanted = (exact.x[:n] * bias - np.logaddexp(0, bias)).sum(1)
    found = metrics.log_likelihood(model, binary_batches(n), num_samples=3)
    assert found["value"] == pytest.approx(wanted.mean(), rel=1e-5, abs=1e-5)
    if n == 1:
        assert found["stderr"] is None
    else:
        assert found["stderr"] == pytest.approx(wanted.std(ddof=1) / np.sqrt(n), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(("scale", "active"), [(100.0, 4), (1e-6, 0)])
def test_active_units_of_extreme_logits(scale, active):
    exact = Enumerable()
    model = exact.model()
    model.encoder.set_weights([scale * exact.encoder[0], 0 * exact.encoder[1]])
    assert metrics.active_units(model, binary_batches())["value"] == active


def test_active_units_do_not_depend_on_where_the_origin_is():
    class Encoder:
        def takes(self):
            return {}

        def encode(self, x):
            return {"mean": x}

    x = 1e4 + 0.05 * np.random.default_rng(0).normal(size=(10_000, 3)).astype("float32")  # its variance is 0.0025
    assert metrics.active_units(Encoder(), tf.data.Dataset.from_tensor_slices(x).batch(1000))["value"] == 0


class Linear:
    """Stands for a model with codes of x = 0 whose parameters are constants, and a standard normal prior."""

    def __init__(self, posterior, params):
        self.posterior, self.params, self.prior = posterior, np.float32(params), StandardNormal(posterior.event_shape)

    def q_z(self, x):
        return self.posterior(tf.tile(self.params[None], [len(x), 1]))

    def prior_samples(self, noise):
        return self.prior.draw(noise)


POSTERIORS = {
    "correlated": (MultivariateNormalTriL((2,)), [0.0, 0.0, 0.0, 2.0, 0.0]),
    "mixture": (MixtureNormal((1,), 2), [0.0, 0.0, -3.0, 3.0, -5.0, -5.0]),
    "independent": (IndependentNormal((2,)), [1.0, -1.0, 0.0, 2.0]),
    "stddev 1e-4": (IndependentNormal((2,)), [1.0, -1.0, -100.0, -100.0]),
    "a point": (Deterministic((2,)), [1.0, -1.0]),
}


@pytest.mark.parametrize("name", POSTERIORS)
def test_codes_are_drawn_by_the_posterior_itself(name):
    posterior, params = POSTERIORS[name]
    model, n = Linear(posterior, params), 20_000
    codes, prior = metrics.codes_and_prior(model, tf.data.Dataset.from_tensor_slices(np.zeros(n)).batch(3000))
    q = model.q_z([0])
    assert codes.shape == prior.shape == (n, posterior.event_shape[0])
    cov = np.cov(codes.T).reshape(len(codes.T), -1)
    wanted = np.diag(np.ravel(q.variance())) if name != "correlated" else q.covariance()[0].numpy()
    np.testing.assert_allclose(codes.mean(0), q.mean()[0], atol=0.05)
    np.testing.assert_allclose(cov, wanted, atol=0.05 * max(1, np.abs(wanted).max()))
    if name == "correlated":
        assert abs(np.corrcoef(codes.T)[0, 1]) > 0.5
    if name == "mixture":
        assert (np.abs(np.abs(codes) - 3) < 0.1).mean() > 0.99  # a normal of the same moments would be near 0, too


def test_codes_do_not_depend_on_the_batches_and_the_prior_passes_for_itself():
    posterior, x = MultivariateNormalTriL((2,)), tf.data.Dataset.from_tensor_slices(np.zeros(1000))
    model = Linear(posterior, [0.0, 0.0, 0.5413, 0.0, 0.5413])  # the identity, whatever the order of the entries
    if not np.allclose(model.q_z([0]).covariance()[0], np.eye(2), atol=1e-3):
        model = Linear(posterior, [0.0, 0.0, 0.5413, 0.5413, 0.0])
    np.testing.assert_allclose(model.q_z([0]).covariance()[0], np.eye(2), atol=1e-3)
    one, other = (metrics.codes_and_prior(model, x.batch(size), seed=3)[0] for size in (1000, 77))
    np.testing.assert_array_equal(one, other)
    found = metrics.aggregate_posterior(model, x.batch(77))
    assert abs(found["value"]) < 4 * found["stderr"]
    with pytest.raises(InvalidInput, match="the data set is empty"):
        metrics.codes_and_prior(model, x.batch(10).take(0))


# What log p(x) is the log of.


def grey(n=40):
    return tf.data.Dataset.from_tensor_slices(0.5 * images(n)[0]).batch(16)


def bits(n=40):
    return tf.data.Dataset.from_tensor_slices(images(n)[0]).batch(16)


@pytest.mark.parametrize(
    ("likelihood", "batches", "phrase"),
    [
        ("IndependentBernoulli", bits, None),
        ("IndependentBernoulli", grey, "not a log-likelihood: IndependentBernoulli scores x that is not binary by the"),
        ({"name": "IndependentLogistic", "levels": 2}, bits, None),
        ({"name": "IndependentLogistic", "levels": 3}, grey, None),
        ({"name": "IndependentLogistic", "levels": 2}, grey, "of x rounded to the 2 levels of IndependentLogistic"),
        ("IndependentNormal", grey, "a density, of IndependentNormal: not comparable with masses of pixels"),
    ],
)
def test_the_protocol_says_what_log_p_is(likelihood, batches, phrase):
    found = metrics.log_likelihood(tiny("vae", likelihood=likelihood), batches(), num_samples=2)
    ending = found["protocol"].partition("nats per image")[2]
    assert ending == "" if phrase is None else ending.startswith(f"; {phrase}")


def test_one_grey_image_among_binary_ones_is_enough():
    x = np.concatenate([images(39)[0], 0.5 * images(1)[0]])
    found = metrics.log_likelihood(tiny("vae"), tf.data.Dataset.from_tensor_slices(x).batch(16), num_samples=2)
    assert "not a log-likelihood" in found["protocol"]


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("symvae", {"prior": "SampledPrior", "latent_dim": 2, "posterior": "IndependentNormal"},
         "needs log p(z), but SampledPrior can only be sampled; compare samples, with metrics.sample_quality"),
    ],
)
def test_log_p_without_a_density_is_refused(name, given, sentence):
    model = tiny(name, **given)
    with pytest.raises(InvalidInput, match=re.escape(f"log p(x) {sentence}")):
        metrics.log_likelihood(model, bits(), num_samples=2)
    with pytest.raises(InvalidInput, match=re.escape(f"consistency {sentence}")):
        metrics.consistency(model, bits(), num_samples=2)


def test_log_p_of_a_model_of_ones_own_with_a_point_for_a_code_is_refused():
    model = Linear(*POSTERIORS["a point"])
    with pytest.raises(InvalidInput, match=re.escape("needs the density q(z|x), but the posterior of Linear is De")):
        metrics.log_likelihood(model, bits(), num_samples=2)


@pytest.mark.statistics
def test_the_consistency_of_the_exact_posterior_is_zero_whatever_the_protocol_of_log_p():
    exact = LinearGaussian()
    x = tf.data.Dataset.from_tensor_slices(exact.data(20)).batch(10)
    found = metrics.consistency(exact.model(), x, num_samples=5, dreams=20)
    for phase in ("asleep", "awake"):
        assert found[phase]["value"] == pytest.approx(0, abs=1e-4)
    assert "a density, of IndependentNormal" in metrics.log_likelihood(exact.model(), x, num_samples=2)["protocol"]


def test_a_discretised_likelihood_is_a_mass():
    head = IndependentLogistic((1,), levels=256)
    x = np.arange(256, dtype="float32")[:, None] / 255
    masses = head(tf.zeros([256, 2])).prob(x)
    assert float(tf.reduce_sum(masses)) == pytest.approx(1.0, abs=1e-5)

    class Model:
        likelihood = head

    assert reading(Model(), x) is None
    assert "rounded to the 256 levels" in reading(Model(), x + 1e-3)
