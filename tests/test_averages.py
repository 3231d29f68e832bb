"""Optimizers: settings that cannot work, averages of the weights, accumulation of gradients, one optimizer for two."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import images, tiny, weights

from dgm_zoo.core.optimizers import assign
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training import load_run, resolve, train


def batches(n=64, size=16):
    return tf.data.Dataset.from_tensor_slices(images(n)[0]).batch(size)


def compiled(**given):
    model = tiny("vae")
    model.compile(keras.optimizers.Adam(1e-2, **given))
    return model


def test_fit_ends_with_the_averages_that_keras_describes():
    class Average(keras.callbacks.Callback):
        value = None

        def on_train_batch_end(self, batch, logs=None):
            now = weights(self.model)
            self.value = now if self.value is None else 0.9 * self.value + 0.1 * now

    plain, averages = compiled(), Average()
    plain.fit(batches(), epochs=3, verbose=0, callbacks=[averages])
    model = compiled(use_ema=True, ema_momentum=0.9)
    model.fit(batches(), epochs=3, verbose=0)
    np.testing.assert_allclose(weights(model), averages.value, atol=1e-6)
    assert np.abs(weights(model) - weights(plain)).max() > 1e-3


def test_validation_is_of_the_averages_and_leaves_training_alone():
    model, other = (compiled(use_ema=True, ema_momentum=0.9) for _ in range(2))
    history = model.fit(batches(), epochs=2, verbose=0, validation_data=batches(32)).history
    other.fit(batches(), epochs=2, verbose=0)
    np.testing.assert_array_equal(weights(model), weights(other))
    ended = model.evaluate(batches(32), return_dict=True, verbose=0)
    assert ended["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-6)


def test_keras_own_callback_for_averages_works():
    for given in ({"swap_on_epoch": True}, {"swap_on_epoch": False}):
        model = compiled(use_ema=True, ema_momentum=0.9)
        callback = keras.callbacks.SwapEMAWeights(**given)
        model.fit(batches(), epochs=2, verbose=0, validation_data=batches(32), callbacks=[callback])
        plain = compiled(use_ema=True, ema_momentum=0.9)
        plain.fit(batches(), epochs=2, verbose=0)
        np.testing.assert_allclose(weights(model), weights(plain), atol=1e-5)


def test_one_player_may_keep_averages_and_the_other_not():
    model = tiny("gan")
    optimizers = {"theta": keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "phi": keras.optimizers.SGD(0.1)}
    model.compile(optimizers)
    model.fit(batches(), verbose=0)
    plain = tiny("gan")
    plain.compile(keras.optimizers.SGD(0.1))
    plain.fit(batches(), verbose=0)
    for player, same in (("phi", True), ("theta", False)):
        pairs = zip(model.player_variables(player), plain.player_variables(player), strict=True)
        assert all(np.array_equal(one, two) for one, two in pairs) == same


@pytest.mark.exhaustive
def test_a_run_measures_and_keeps_the_averages(tmp_path):
    config = resolve({
        "model": {"name": "vae", "latent_dim": 2, "hidden": [8]},
        "data": {"name": "digits", "batch_size": 100, "limit": 400},
        "train": {"epochs": 2, "optimizer": {"name": "adam", "use_ema": True, "ema_momentum": 0.9}},
        "evaluate": {"num_samples": 2, "limit": 20},
    })
    train(config, tmp_path / "run", verbose=0)
    model, *_ = load_run(tmp_path / "run")
    newest = keras.saving.load_model(next((tmp_path / "run" / "checkpoints").glob("epoch_*")) / "model.keras")
    averages = [v.numpy() for o in newest.optimizers.values() for v in o._model_variables_moving_average]
    best = [v.numpy() for p in model.players for v in model.player_variables(p)]
    for one, two in zip(best, averages, strict=True):
        np.testing.assert_array_equal(one, two)


def test_accumulated_gradients_are_of_batches_with_noise_of_their_own():
    x = np.repeat(images(1)[0], 8, 0)
    model = tiny("vae")
    model.compile(keras.optimizers.SGD(1.0, gradient_accumulation_steps=2))
    before = weights(model)
    model.fit(np.concatenate([x, x]), batch_size=8, shuffle=False, verbose=0)
    moved = weights(model) - before
    assert int(model.step) == 2 and int(model.optimizer.iterations) == 1
    single = tiny("vae")
    single.compile(keras.optimizers.SGD(1.0))
    single.fit(x, batch_size=8, shuffle=False, verbose=0)
    assert np.abs(moved - (weights(single) - before)).max() > 1e-4  # as it would be with the same noise twice


def test_one_object_for_two_players_is_copied():
    shared = keras.optimizers.Adam(1e-3)
    model = tiny("gan")
    model.compile({"theta": shared, "phi": shared})
    model.fit(batches(), verbose=0)
    assert model.optimizers["theta"] is not model.optimizers["phi"]


@pytest.mark.parametrize(("given", "sentence"), [
    ({"beta_1": 2.0}, "beta_1 of Adam is 2.0; give a number from 0 to below 1"),
    ({"beta_2": 1.0}, "beta_2 of Adam is 1.0; give a number from 0 to below 1"),
    ({"clipnorm": -1.0}, "clipnorm of Adam is -1.0; give None, or a positive number"),
    ({"weight_decay": -1.0}, "weight_decay of Adam is -1.0; give None, or a number of at least 0"),
    ({"learning_rate": -1e-3}, "learning_rate of Adam is -0.001"),
    ({"learning_rate": float("nan")}, "learning_rate of Adam is nan; give a number of at least 0"),
    ({"epsilon": 0.0}, "epsilon of Adam is 0.0; give a positive number"),
])
def test_settings_that_cannot_work_are_refused_by_compile(given, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        tiny("vae").compile(keras.optimizers.Adam(**given))


OF_KERAS = sorted(
    name for name, one in vars(keras.optimizers).items()
    if isinstance(one, type) and issubclass(one, keras.optimizers.Optimizer)
    and not {"args", "inner_optimizer", "optimizer_map"} & set(inspect.signature(one).parameters)
)


@pytest.mark.parametrize("name", OF_KERAS)
def test_the_defaults_of_every_optimizer_of_keras_are_taken_by_compile_and_by_configs(name):
    settings = {key: one.default for key, one in inspect.signature(vars(keras.optimizers)[name]).parameters.items()
                if isinstance(one.default, (bool, int, float))}
    assert isinstance(assign(vars(keras.optimizers)[name](), ["theta"], {})["theta"], vars(keras.optimizers)[name])
    assert resolve({
        "model": {"name": "vae", "latent_dim": 2}, "data": {"name": "digits", "batch_size": 100},
        "train": {"optimizer": {"name": name.lower(), **settings}},
    })["train"]["optimizer"]["name"] == name.lower()


@pytest.mark.parametrize(("given", "name"), [
    ({"batch_size": 0}, "batch_size is 0"), ({"batch_size": -1}, "batch_size is -1"), ({"epochs": -1}, "epochs is -1"),
    ({"epochs": 1.5}, "epochs is 1.5"), ({"batch_size": "16"}, "batch_size is '16'"),
])
def test_counts_that_are_not_whole_are_refused_by_fit(given, name):
    with pytest.raises(InvalidInput, match=f"{name}; give a whole number of at least 1"):
        compiled().fit(images(16)[0], verbose=0, **given)


def test_a_count_of_steps_that_is_not_whole_is_refused_by_compile():
    with pytest.raises(InvalidInput, match="steps_per_execution is 0; give a whole number of at least 1"):
        tiny("vae").compile("adam", steps_per_execution=0)
