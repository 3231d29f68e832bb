"""A prior that can only be sampled: what it draws, what is saved of it, what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import tiny

from dgm_zoo import distributions
from dgm_zoo.distributions import BatchNoise, SampledPrior
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import create


def drawn(prior, n=3000):
    return prior.draw(prior.noise(BatchNoise([0, 0], n)))


@pytest.mark.parametrize("compiled", [False, True])
def test_it_picks_its_latents_all_alike_often(compiled):
    latents = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    prior = SampledPrior((3,), latents)
    noise = prior.noise(BatchNoise([0, 0], 3000))
    z = tf.function(prior.draw, jit_compile=compiled)(noise).numpy()
    counts = (z[:, None] == latents).all(-1).sum(0)
    assert counts.sum() == 3000
    assert np.abs(counts - 600).max() < 4 * np.sqrt(3000 * 0.2 * 0.8)
    assert prior.noise(BatchNoise([0, 0], 4), 7)[0].shape == (7, 4) and prior.draw(
        prior.noise(BatchNoise([0, 0], 4), 7)
    ).shape == (7, 4, 3)


def test_the_ends_of_the_position_are_its_first_and_last_latents():
    prior = SampledPrior((1,), np.arange(3.0)[:, None])
    ends = np.array([0.0, np.nextafter(np.float32(1), np.float32(0))], "float32")
    np.testing.assert_array_equal(prior.draw((tf.constant(ends),)), [[0.0], [2.0]])


@pytest.mark.parametrize("dtype", ["uint8", "bool", "float64", "int64"])
def test_latents_are_saved_as_a_weight_that_does_not_train(dtype, tmp_path):
    latents = np.eye(4).astype(dtype)
    model = tiny("symvae", prior=SampledPrior((4,), latents))
    assert not model.prior.trainable_variables
    assert model.prior.latents.dtype == ("uint8" if dtype in ("uint8", "bool") else "float32")
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert loaded.prior.get_config() == model.prior.get_config()
    np.testing.assert_array_equal(drawn(loaded.prior), drawn(model.prior))
    assert drawn(loaded.prior).dtype == tf.float32 and np.ptp(drawn(loaded.prior)) == 1


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("event_shape", [(13,), (4, 2, 1), (1,)])
def test_booleans_take_a_bit_each_and_are_drawn_as_zeros_and_ones(event_shape, compiled):
    latents = np.random.default_rng(0).random((20, *event_shape)) < 0.5
    prior = SampledPrior(event_shape, latents)
    assert prior.latents.dtype == "uint8" and prior.latents.shape == (20, -(-latents[0].size // 8))
    every = tf.constant((np.arange(20.0) + 0.5) / 20, tf.float32)
    draw = tf.function(lambda position: prior.draw((position,)), jit_compile=compiled)
    np.testing.assert_array_equal(draw(every), latents)
    np.testing.assert_array_equal(draw(tf.reshape(every, [4, 5])), latents.reshape(4, 5, *event_shape))


def test_it_takes_another_models_samples():
    other = tiny("gan")
    prior = SampledPrior.of(other.sample, n=20, seed=3)
    assert prior.event_shape == (4, 4, 1)
    np.testing.assert_array_equal(prior.latents, other.sample(20, seed=3))
    with pytest.raises(InvalidInput, match=r"draw\(5\) must return an array of shape \[5, ...\], got \[2, 3\]"):
        SampledPrior.of(lambda n, seed: np.zeros((2, 3)), n=5)


def shifted(position, normal):
    return position[..., None] + normal


def test_a_function_that_cannot_be_saved_is_refused_when_it_is(tmp_path):
    model = tiny("symvae", posterior="IndependentNormal", prior=SampledPrior((4,), shifted))
    assert model.sample(2).shape == (2, 4, 4, 1)
    with pytest.raises(InvalidInput, match="the sampler 'shifted' of SampledPrior cannot be saved; register it with"):
        model.save(tmp_path / "m.keras")
    registered = keras.saving.register_keras_serializable("tests")(shifted)
    tiny("symvae", posterior="IndependentNormal", prior=SampledPrior((4,), registered)).save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(drawn(loaded.prior), drawn(SampledPrior((4,), shifted)))


def test_a_class_of_an_aae_has_its_share_of_the_latents():
    latents = np.repeat(np.arange(3.0), 10)[:, None] * [1.0, 1.0]
    model = create("aae", image_shape=(4, 4, 1), latent_dim=2, hidden=[8], discriminator_hidden=[8], classes=3,
                   prior=SampledPrior((2,), latents))
    noise, label = model.prior.noise(BatchNoise([0, 0], 30)), np.repeat([0, 1, 2], 10)
    np.testing.assert_array_equal(model.prior_samples(noise, model.condition(label))[:, 0], label)


@pytest.mark.parametrize(("latents", "sentence"), [
    (np.zeros((0, 2)), "must be a function, such as swiss_roll, or an array of latents"),
    ("roll", "sampler 'roll' of SampledPrior must be a function"),
    (lambda position, normal: tf.zeros([7, 2]), r"the sampler of SampledPrior does not return samples of shape \(2,\)"),
    (lambda position, normal: position, r"the sampler of SampledPrior does not return samples of shape \(2,\)"),
    (lambda noise: noise, r"the sampler of SampledPrior does not return samples of shape \(2,\)"),
    (lambda position, normal: 0.5, r"the sampler of SampledPrior does not return samples of shape \(2,\)"),
    ([[0.0, 1.0], [1.0]], "must be a function, such as swiss_roll, or an array of latents"),
    (np.array([["a", "b"]]), r"sampler of <U1 \[1, 2\] of SampledPrior must be a function"),
    (np.zeros((5, 3)), r"the sampler of SampledPrior does not return samples of shape \(2,\)"),
    (np.zeros((5, 3), bool), r"the sampler of SampledPrior does not return samples of shape \(2,\)"),
    (np.array([[0.0, np.nan]]), "the latents of SampledPrior hold NaN or infinity; remove them"),
])
def test_latents_that_are_none_are_refused(latents, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        SampledPrior((2,), latents)


def test_only_a_sampled_prior_and_masks_have_no_density():
    priors = [cls for cls in distributions.HEADS.values() if issubclass(cls, distributions.Prior)]
    assert {cls.__name__ for cls in priors if not cls.has_density} == {"SampledPrior", "MaskAndNoise"}
