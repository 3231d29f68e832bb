"""Every registered model through fit, evaluate, resume, save, XLA, replicas and export, by one set of rules."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import TABLE, examples, tiny, weights

from dgm_zoo.distributions import row_seeds
from dgm_zoo.errors import InvalidInput, NonFiniteLoss
from dgm_zoo.models import list_models, model_class

MODELS = sorted(TABLE)
NOISELESS = {"ae"}  # what they compute does not depend on how the data are cut into batches


def batches(model, n=64, batch=16):
    return tf.data.Dataset.from_tensor_slices(examples(model, n)).batch(batch)


def fitted(name, epochs=1, jit_compile=False, **changes):
    model = tiny(name, **changes)
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=jit_compile)
    model.fit(batches(model), epochs=epochs, verbose=0)
    return model


@pytest.fixture(scope="module")
def trained():
    cache = {}

    def get(name):
        if name not in cache:
            cache[name] = fitted(name, epochs=3)
        return cache[name]

    return get


def test_the_table_names_every_registered_model():
    assert MODELS == list_models()


@pytest.mark.parametrize("name", sorted(NOISELESS))
def test_evaluate_is_a_mean_over_examples_when_the_last_batch_is_partial(name):
    model = tiny(name)
    model.compile("sgd")
    losses = [model.evaluate(batches(model, 40, b), return_dict=True, verbose=0)["loss"] for b in (40, 16)]
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
class TestConformance:
    def test_fit_improves_and_logs_what_it_declares(self, name):
        model = tiny(name)
        model.compile(keras.optimizers.Adam(1e-2, beta_1=0.5))  # with more momentum, adversaries circle each other
        held_out = tf.data.Dataset.from_tensor_slices(examples(model, 128, seed=1)).batch(32)
        before = model.evaluate(held_out, return_dict=True, verbose=0)["loss"]
        history = model.fit(batches(model, 256), epochs=8, verbose=0).history
        assert set(history) == set(model.logged)
        assert history["loss"][-1] < history["loss"][0]
        assert model.evaluate(held_out, return_dict=True, verbose=0)["loss"] < before

    def test_fit_takes_arrays_as_it_takes_a_dataset(self, name):
        one, two = tiny(name), tiny(name)
        for model in (one, two):
            model.compile("sgd")
        one.fit(batches(one), verbose=0)
        two.fit(*examples(two, 64), batch_size=16, shuffle=False, verbose=0)
        # not to the bit: in which order TensorFlow adds depends on whether it knows the size of a batch
        np.testing.assert_allclose(weights(one), weights(two), rtol=0, atol=1e-7)

    def test_evaluate_repeats_itself_and_leaves_training_alone(self, name, trained):
        model = trained(name)
        before = weights(model)
        one, two = (model.evaluate(batches(model, 40), return_dict=True, verbose=0) for _ in range(2))
        assert one == two and set(one) == set(model.logged)
        np.testing.assert_array_equal(weights(model), before)

    def test_validation_does_not_change_training(self, name):
        one, two = tiny(name), tiny(name)
        for model, given in ((one, {}), (two, {"validation_data": batches(two, 24)})):
            model.compile("adam")
            model.fit(batches(model), epochs=2, verbose=0, **given)
        np.testing.assert_array_equal(weights(one), weights(two))

    def test_each_player_has_its_own_built_optimizer(self, name):
        model = tiny(name)
        model.compile("adam")
        assert set(model.optimizers) == set(model.players)
        owned = [id(v) for p in model.players for v in model.player_variables(p)]
        assert sorted(owned) == sorted(id(v) for v in model.trainable_variables), "a variable has no player, or two"
        for player, optimizer in model.optimizers.items():
            assert optimizer.built and len(optimizer.variables) >= 2 * len(model.player_variables(player))
        lines = []
        model.summary(print_fn=lambda line, **_: lines.append(line))
        assert "Optimizer params" in "".join(lines)

    def test_each_players_learning_rate_decays_over_the_steps_that_it_takes(self, name):
        model = tiny(name)
        model.compile("sgd")
        model.fit(batches(model, 32), epochs=3, verbose=0)
        for player, optimizer in model.optimizers.items():
            assert int(optimizer.iterations) == 6 * model.steps_of(player), player

    def test_a_player_moves_only_what_it_owns(self, name):
        for mover in tiny(name).players:
            model = tiny(name)
            model.compile({p: keras.optimizers.SGD(0.1 if p == mover else 1e-30) for p in model.players})
            before = {p: [v.numpy() for v in model.player_variables(p)] for p in model.players}
            model.fit(batches(model), verbose=0)
            moved = {
                p: any(
                    np.abs(v.numpy() - old).max() > 1e-12
                    for v, old in zip(model.player_variables(p), before[p], strict=True)
                )
                for p in model.players
            }
            assert moved == {p: p == mover for p in model.players}

    def test_sample_is_a_function_of_the_seed(self, name, trained):
        model = trained(name)
        if "sample" not in model.endpoints():
            pytest.skip("it generates nothing")
        given = {"label": 1} if "label" in model.takes() else {}
        one, two, other = (model.sample(6, seed=seed, **given) for seed in (3, 3, 4))
        assert one.shape == (6, *model.takes()["x"].shape) and np.isfinite(one).all()
        np.testing.assert_array_equal(one, two)
        assert np.abs(one - other).max() > 0
        np.testing.assert_allclose(model.sample(3, seed=3, **given), one[:3], atol=1e-6)

    def test_endpoints_agree_with_their_xla_twins_and_do_not_depend_on_the_batch(self, name, trained):
        model = trained(name)
        rows = 5
        for endpoint, table in model.endpoints().items():
            rng = np.random.default_rng(0)
            inputs = {
                key: tf.constant(
                    row_seeds(0, rows) if key == "seed" else rng.integers(0, 2, (rows, *wanted.shape)),
                    wanted.dtype,
                )
                for key, wanted in table.inputs.items()
            }
            plain, compiled = model.endpoint_function(endpoint), model.endpoint_function(endpoint, compiled=True)
            whole = plain(**inputs)
            for key, value in compiled(**inputs).items():
                np.testing.assert_allclose(value, whole[key], atol=1e-4, rtol=1e-4)
            one_by_one = [plain(**{k: v[i : i + 1] for k, v in inputs.items()}) for i in range(rows)]
            for key in whole:
                np.testing.assert_allclose(np.concatenate([o[key] for o in one_by_one]), whole[key], atol=1e-4)

    def test_saves_and_loads_with_optimizers(self, name, trained, tmp_path):
        model = fitted(name)
        model.save(tmp_path / "m.keras")
        loaded = keras.saving.load_model(tmp_path / "m.keras")
        np.testing.assert_array_equal(weights(loaded), weights(model))
        for player, optimizer in model.optimizers.items():
            for one, two in zip(loaded.optimizers[player].variables, optimizer.variables, strict=True):
                np.testing.assert_array_equal(one, two)

    def test_resumes_to_the_same_bits(self, name, tmp_path):
        through = fitted(name, epochs=2)
        fitted(name, epochs=1).save(tmp_path / "m.keras")
        resumed = keras.saving.load_model(tmp_path / "m.keras")
        resumed.fit(batches(resumed), verbose=0)
        np.testing.assert_array_equal(weights(resumed), weights(through))

    def test_backup_and_restore_resumes_it_too(self, name, tmp_path):
        through = fitted(name, epochs=2)
        for epochs in (1, 2):
            model = tiny(name)
            model.compile(keras.optimizers.Adam(1e-2))
            backup = keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
            model.fit(batches(model), epochs=epochs, verbose=0, callbacks=[backup])
        np.testing.assert_array_equal(weights(model), weights(through))

    def test_compiled_with_xla_it_takes_the_same_steps(self, name):
        plain, compiled = fitted(name, jit_compile=False), fitted(name, jit_compile=True)
        np.testing.assert_allclose(weights(compiled), weights(plain), atol=1e-4)

    def test_config_mirrors_the_arguments(self, name):
        model = tiny(name)
        copy = type(model).from_config(model.get_config())
        assert copy.get_config() == model.get_config()

    def test_runs_eagerly(self, name):
        model = tiny(name)
        model.compile("adam", run_eagerly=True)
        model.fit(batches(model, 16), verbose=0)

    def test_several_steps_in_one_execution_are_the_same_steps(self, name):
        one, many = tiny(name), tiny(name)
        for model, steps in ((one, 1), (many, 4)):
            model.compile("adam", steps_per_execution=steps)
            model.fit(batches(model), verbose=0)
        np.testing.assert_allclose(weights(one), weights(many), atol=1e-6)

    def test_data_of_another_shape_is_refused_before_training(self, name):
        model = tiny(name)
        model.compile("adam")
        x, label = np.zeros((8, 5, 5, 1), "float32"), np.zeros(8, "int32")
        this = f"but this model takes {re.escape(str(model.takes()['x']))}"
        with pytest.raises(InvalidInput, match=r"x has shape \[8, 5, 5, 1\], " + this):
            model.fit(x, label, verbose=0)
        with pytest.raises(InvalidInput, match=r"fit.validation_data.: x has shape \[8, 5, 5, 1\], " + this):
            model.fit(*examples(model, 8), validation_data=(x, label), verbose=0)
        with pytest.raises(InvalidInput, match=r"evaluate: x has shape \[8, 5, 5, 1\], " + this):
            model.evaluate(x, label, verbose=0)
        with pytest.raises(InvalidInput, match="fit: x is a list; give one array, or a tf.data.Dataset"):
            model.fit([x], label, verbose=0)
        with pytest.raises(InvalidInput, match=r"x has shape \[None, 5, 5, 1\], " + this):
            model.train_on_batch(x, label)

    def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_term(self, name):
        model = tiny(name)
        model.compile("sgd")
        x, *label = examples(model, 64)
        x[40] = np.nan  # in the third batch: fit looks at the first one only
        with pytest.raises(NonFiniteLoss, match=r"term '\w+' became NaN or infinite at step 3;"):
            model.fit(tf.data.Dataset.from_tensor_slices((x, *label)).batch(16), verbose=0)

    def test_learning_rate_callbacks_reach_every_player(self, name):
        model = tiny(name)
        model.compile("adam")
        model.fit(batches(model), verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(lambda e: 0.125)])
        assert {float(o.learning_rate) for o in model.optimizers.values()} == {0.125}

    def test_documented_with_its_source(self, name):
        assert "References:" in model_class(name).__doc__ and "Args:" in model_class(name).__doc__
