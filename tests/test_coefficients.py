"""Weights of an objective that change during training: assigned, scheduled, compiled, saved, resumed."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import SHAPE, images, sparing, tiny, weights

import dgm_zoo
from dgm_zoo.core.coefficients import Warmup
from dgm_zoo.distributions import BatchNoise
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import create

# model: its coefficient, and the term that changes with it
COEFFICIENTS = {
    "vae": ("beta", "objective"), "svae": ("alpha", "objective"), "aae": ("weight", "objective"),
    "ssaae": ("weight", "objective"), "infogan": ("weight", "generator"), "vaegan": ("gamma", "generator"),
    "symvae": ("dream_weight", "encoder"), "rws": ("wake_theta", "utility_theta"),
}


def batches(n=64, size=16):
    return tf.data.Dataset.from_tensor_slices(images(n)[0]).batch(size)


def compiled(jit_compile=False, **given):
    model = tiny("vae", **given)
    model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
    return model


@pytest.mark.parametrize("name", sorted(COEFFICIENTS))
def test_every_coefficient_is_a_number_that_can_be_assigned_or_a_schedule(name):
    coefficient, _ = COEFFICIENTS[name]
    model = tiny(name, **{coefficient: 0.5})
    assert getattr(model, coefficient) == 0.5 and float(model.now(coefficient)) == 0.5
    setattr(model, coefficient, np.float32(0.25))
    assert getattr(model, coefficient) == 0.25 and float(model.now(coefficient)) == 0.25
    assert type(model).from_config(model.get_config()).coefficients[coefficient].given == 0.25 or name == "vae"
    scheduled = tiny(name, **{coefficient: {"warmup_steps": 10, "value": 2.0}})
    assert float(scheduled.now(coefficient)) == 0.0
    with pytest.raises(InvalidInput, match=f"{coefficient} cannot change between a number and a schedule"):
        setattr(scheduled, coefficient, 1.0)
    for wrong in (-1.0, float("nan"), "a", None, True, [1.0]):
        with pytest.raises(InvalidInput, match=f"{coefficient} is .*; give a number of at least 0"):
            setattr(model, coefficient, wrong)


@pytest.mark.parametrize("jit_compile", sparing([False, True], [False]))
def test_a_callback_that_assigns_trains_as_a_schedule_does(jit_compile):
    class Assign(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.beta = min(batch / 4, 1.0)

    assigned, scheduled = compiled(jit_compile, beta=1.0), compiled(jit_compile, beta={"warmup_steps": 4})
    assigned.fit(batches(128), verbose=0, callbacks=[Assign()])
    scheduled.fit(batches(128), verbose=0)
    np.testing.assert_array_equal(weights(assigned), weights(scheduled))
    constant = compiled(jit_compile, beta=1.0)
    constant.fit(batches(128), verbose=0)
    assert np.abs(weights(constant) - weights(scheduled)).max() > 1e-4


def test_a_warm_up_is_linear_and_may_come_again():
    rise = Warmup(4, value=2.0, start=1.0)
    assert [float(rise(step)) for step in range(6)] == [1.0, 1.25, 1.5, 1.75, 2.0, 2.0]
    again = Warmup(2, cycle_steps=4)
    assert [float(again(step)) for step in range(9)] == [0.0, 0.5, 1.0, 1.0, 0.0, 0.5, 1.0, 1.0, 0.0]


def test_any_keras_schedule_serves():
    model = compiled(beta=keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.0, 1.0]))
    model.fit(batches(), verbose=0)
    assert float(model.now("beta")) == 1.0 and int(model.step) == 4


def test_held_out_data_are_evaluated_with_the_final_value_of_a_warm_up():
    warm, plain = compiled(beta={"warmup_steps": 1000}), compiled(beta=1.0)
    one, two = (model.evaluate(batches(), return_dict=True, verbose=0) for model in (warm, plain))
    assert one == two


def test_a_changed_number_and_the_count_of_batches_are_saved_and_restored(tmp_path):
    model = compiled(beta=1.0)
    model.fit(batches(), verbose=0)
    model.beta = 0.125
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert loaded.beta == 0.125 and int(loaded.step) == 4
    model.save_weights(tmp_path / "m.weights.h5")
    other = compiled(beta=1.0)
    other.load_weights(tmp_path / "m.weights.h5")
    assert other.beta == 0.125 and int(other.step) == 4


def test_a_schedule_resumes_to_the_same_bits(tmp_path):
    through = compiled(beta={"warmup_steps": 6})
    through.fit(batches(), epochs=2, verbose=0)
    half = compiled(beta={"warmup_steps": 6})
    half.fit(batches(), verbose=0)
    half.save(tmp_path / "m.keras")
    resumed = keras.saving.load_model(tmp_path / "m.keras")
    resumed.fit(batches(), verbose=0)
    np.testing.assert_array_equal(weights(resumed), weights(through))


def test_what_the_compiled_step_would_not_see_cannot_be_assigned():
    model = compiled()
    for name in ("encoder", "prior", "bound", "sleep", "seed"):
        with pytest.raises(InvalidInput, match=f"{name} of VAE cannot change once it is compiled"):
            setattr(model, name, getattr(model, name))
    with pytest.raises(InvalidInput, match="latent_dim of VAE cannot change once it is compiled"):
        model.latent_dim = 5  # an argument of `create` only


@pytest.mark.parametrize(("given", "sentence"), [
    ({"warmup_steps": 0}, "warmup_steps is 0; give a whole number of training steps"),
    ({"warmup_steps": 10, "cycle_steps": 5}, "cycle_steps 5 is shorter than warmup_steps 10"),
    ({"warm_up_steps": 10}, "unknown key of beta's schedule 'warm_up_steps'; did you mean 'warmup_steps'"),
    ({"value": 2.0}, "a schedule without 'warmup_steps'; add it"),
    ({"warmup_steps": 10, "value": -1.0}, "value is -1.0; give a number of at least 0"),
])
def test_a_schedule_that_cannot_be_is_refused_when_the_model_is_built(given, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        create("vae", image_shape=SHAPE, beta=given)


def test_a_coefficient_weighs_its_term_in_the_step():
    for name, (coefficient, term) in COEFFICIENTS.items():
        found = []
        for value in (0.5, 1.0):
            model = tiny(name, **{coefficient: value})
            x, label = images(8)
            noise = model.noise(BatchNoise([0, 0], 8))
            if name in ("infogan",):
                terms = model.theta_terms(tf.constant(x), (), noise[1])
            elif name in ("aae",):
                terms = model.terms(tf.constant(x), (), noise[1])
            elif name in ("ssaae",):
                terms = model.terms(tf.constant(x), noise[1])
            else:
                data = (x, label) if "label" in model.takes() else x
                terms = model.terms(*model.unpack(data), noise)
            found.append(np.asarray(terms[term]))
        assert np.abs(found[0] - found[1]).max() > 1e-5, name


def test_a_config_states_a_schedule(tmp_path):
    config = dgm_zoo.training.resolve({
        "model": {"name": "vae", "latent_dim": 2, "hidden": [8], "beta": {"warmup_steps": 8}},
        "data": {"name": "digits", "batch_size": 100, "limit": 400},
        "train": {"epochs": 1}, "evaluate": {"num_samples": 2, "limit": 20},
    })
    assert "test_elbo" in dgm_zoo.training.train(config, tmp_path / "run", verbose=0)["metrics"]
    model, *_ = dgm_zoo.training.load_run(tmp_path / "run")
    assert float(model.now("beta")) == 0.5  # four batches
