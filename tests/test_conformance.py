"""Every registered model through fit, evaluate, resume, save, XLA and export, by one set of rules: see `life`."""

import re

import numpy as np
import pytest
import tensorflow as tf
from life import STEPS, batches, life, reloaded, with_xla
from zoo import EXCEPTIONS, KEPT, VARIANTS, class_of, sparing, tiny, weights

from dgm_zoo.distributions import row_seeds
from dgm_zoo.errors import InvalidInput, NonFiniteLoss
from dgm_zoo.models import list_models

BY_ROW = {"ae"}  # what they compute does not depend on how the data are cut into batches
NOISELESS = {"ada", "ae", "pm"}  # their steps draw nothing

# What the default tier asks: of every model its first life, but of the one that takes half a minute to trace; of one
# model of each family, and of the three that most others come from, what its file does. Of the Helmholtz machines that
# is not the one whose endpoints take longest to compile.
ALL = [*list_models(), *VARIANTS]
LIVES = {*ALL} - {"musegan"}
KINDS = {*KEPT, "gan", "helmholtz", "vae"} - {"bihm"}


def test_every_exception_is_of_a_registered_model():
    assert {*EXCEPTIONS, *(name for name, _ in VARIANTS.values())} <= set(list_models())


@pytest.mark.parametrize("name", sorted(BY_ROW))
def test_evaluate_is_a_mean_over_examples_when_the_last_batch_is_partial(name):
    model = tiny(name)
    model.compile("sgd")
    losses = [model.evaluate(batches(model, 40, b), return_dict=True, verbose=0)["loss"] for b in (40, 16)]
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize("name", sparing(ALL, LIVES))
class TestConformance:
    def test_fit_improves_and_logs_what_it_declares(self, name):
        lived = life(name)
        logged = set(lived.model.logged)
        assert set(lived.history) == logged and set(lived.first) == logged | {f"val_{name}" for name in logged}
        assert lived.history["loss"][-1] < lived.history["loss"][0]
        assert lived.history["loss"][-1] < lived.first["loss"][0]
        assert lived.later["loss"] < lived.before["loss"]

    def test_evaluate_repeats_itself_and_leaves_training_alone(self, name):
        lived = life(name)
        one, two = lived.evaluations
        assert one == two and set(one) == set(lived.model.logged)
        np.testing.assert_array_equal(*lived.untouched)

    def test_each_player_has_its_own_built_optimizer(self, name):
        lived = life(name)
        model = lived.model
        assert set(model.optimizers) == {*model.players, *model.phases}
        owned = [id(v) for p in model.players for v in model.player_variables(p)]
        assert sorted(owned) == sorted(id(v) for v in model.trainable_variables), "a variable has no player, or two"
        for player in model.players:
            assert lived.at_compile[player] >= 2 * len(model.player_variables(player))
        lines = []
        model.summary(print_fn=lambda line, **_: lines.append(line))
        assert "Optimizer params" in "".join(lines)

    def test_each_players_learning_rate_decays_over_the_steps_that_it_takes(self, name):
        lived = life(name)
        assert lived.taken == {name: 2 * STEPS * lived.model.steps_of(name) for name in lived.model.optimizers}

    def test_sample_is_a_function_of_the_seed(self, name):
        model = life(name).model
        if "sample" not in model.endpoints():
            pytest.skip("it generates nothing")
        given = {"label": 1} if "label" in model.takes() else {}
        one, two, other = (model.sample(6, seed=seed, **given) for seed in (3, 3, 4))
        assert one.shape == (6, *model.takes()["x"].shape) and np.isfinite(one).all()
        np.testing.assert_array_equal(one, two)
        assert np.abs(one - other).max() > 0
        np.testing.assert_allclose(model.sample(3, seed=3, **given), one[:3], atol=1e-6)

    def test_config_mirrors_the_arguments(self, name):
        model = tiny(name)
        copy = type(model).from_config(model.get_config())
        assert copy.get_config() == model.get_config()

    def test_data_of_another_shape_is_refused_before_training(self, name):
        model = tiny(name)
        if model.domains:
            pytest.skip("tests/test_domains.py has the sentences for two domains")
        model.compile("adam")
        before = weights(model)
        x, label = np.zeros((8, 5, 5, 1), "float32"), np.zeros(8, "int32")
        this = f"but this model takes {re.escape(str(model.takes()['x']))}"
        with pytest.raises(InvalidInput, match=r"x has shape \[8, 5, 5, 1\], " + this):
            model.fit(x, label, verbose=0)
        with pytest.raises(InvalidInput, match=r"evaluate: x has shape \[8, 5, 5, 1\], " + this):
            model.evaluate(x, label, verbose=0)
        with pytest.raises(InvalidInput, match=r"x has shape \[8, 5, 5, 1\], " + this):
            model.train_on_batch(x, label)
        np.testing.assert_array_equal(weights(model), before)

    def test_documented_with_its_source(self, name):
        assert "References:" in class_of(name).__doc__ and "Args:" in class_of(name).__doc__


@pytest.mark.parametrize("name", sparing(ALL, KINDS))
class TestReloaded:
    def test_endpoints_agree_with_their_xla_twins_and_do_not_depend_on_the_batch(self, name):
        model = life(name).model
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

    def test_a_player_moves_only_what_it_owns(self, name):
        assert reloaded(name).moved == {player: {player} for player in class_of(name).players}

    def test_each_step_draws_its_own_noise(self, name):
        epochs = zip(*reloaded(name).resting.values(), strict=True)
        assert len(set(epochs)) == (1 if name in NOISELESS else 2)

    def test_saves_and_loads_with_optimizers(self, name):
        lived, loaded = life(name), reloaded(name)
        np.testing.assert_array_equal(loaded.weights, lived.after[0])
        assert set(loaded.slots) == set(lived.slots)
        for player, values in lived.slots.items():
            for one, two in zip(loaded.slots[player], values, strict=True):
                np.testing.assert_array_equal(one, two)

    def test_resumes_to_the_same_bits_and_validation_changes_none(self, name):
        """The life is validated after it was saved and before it goes on; what was loaded goes on without."""
        np.testing.assert_array_equal(reloaded(name).resumed, life(name).after[1])

    def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_term(self, name):
        found = reloaded(name)
        with pytest.raises(NonFiniteLoss, match=rf"term '\w+' became NaN or infinite at step {found.step};"):
            raise found.error or AssertionError("NaN did not stop the run")

    def test_a_later_batch_that_does_not_suit_stops_with_the_step_and_the_row(self, name):
        found = reloaded(name)
        with pytest.raises(InvalidInput, match=rf"fit, step {found.step}: \w+ holds NaN or infinity in row 8; remove"):
            raise found.refused or AssertionError("NaN among the data did not stop the run")

    def test_learning_rate_callbacks_reach_every_player(self, name):
        assert reloaded(name).rates == dict.fromkeys((*class_of(name).players, *class_of(name).phases), 0.125)


@pytest.mark.parametrize("name", sparing(ALL, KEPT))
def test_compiled_with_xla_it_takes_the_same_steps(name):
    np.testing.assert_allclose(with_xla(name), life(name).after[0], atol=1e-4)
