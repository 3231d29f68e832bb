"""The transfer table: every pair of it trains, every other has its reason, and what was made for it is exact."""

import functools
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from exact_models import Enumerable, LinearGaussian, assert_near_zero
from ml_collections import ConfigDict
from zoo import CLASSES, SHAPE, examples, images, sparing, tiny, weights

import dgm_zoo
from dgm_zoo import training
from dgm_zoo.cli.commands.transfer import page
from dgm_zoo.cli.main import main
from dgm_zoo.core.registry import MODELS
from dgm_zoo.distributions import BatchNoise
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import IWAE, VAE, model_class
from dgm_zoo.models.evidence.activation import Activated
from dgm_zoo.objectives import ImportanceWeightedEvidence, importance_bound
from dgm_zoo.unified import transfer
from dgm_zoo.unified.transfer import Cell, Recipe, cell, prove, transfer_table

ALL = [one for row in transfer_table().values() for one in row.values()]
RECIPES = {str(one.recipe): one for one in ALL if one.recipe}  # the same recipe once, for whichever pair
N = 8


@functools.cache
def plain(name):
    """The weights of a model that was trained as `prove` does, without a technique."""
    return weights(prove(Cell("nothing", name, Recipe(name, {}), None)))


# Every cell.


FIRST = list({one.technique: one for one in reversed(RECIPES.values())}.values())  # of each technique


@pytest.mark.parametrize("one", sparing(RECIPES.values(), FIRST), ids=lambda one: f"{one.technique}-{one.model}")
def test_a_pair_trains_and_its_arguments_change_the_step(one):
    model = prove(one)
    assert model.registered_name == one.recipe.name and np.isfinite(weights(model)).all()
    if one.technique == "spectral":
        for part in model.players["phi"]:
            kinds = [type(layer) for layer in getattr(model, part).layers if layer.weights]
            assert set(kinds) == {keras.layers.SpectralNormalization}
    elif one.recipe.arguments:
        assert np.abs(weights(model) - plain(one.recipe.name)).max() > 1e-6
    logged = {"importance": {"ess"}, "activation": {"weight_fake"}, "samples": {"ess"}}.get(one.technique, set())
    assert logged <= set(model.logged)


def test_each_cell_is_a_recipe_or_a_sentence_with_its_reason():
    for one in ALL:
        assert (one.recipe is None) != (one.reason is None)
        if one.reason:
            assert 40 < len(one.reason) < 200 and one.reason[0].islower() and not one.reason.endswith(".")


def test_each_recipe_is_a_config():
    for one in RECIPES.values():
        target = {"target": "digits"} if model_class(one.recipe.name).domains else {}
        config = ConfigDict({"model": {}, "data": {"name": "digits", "batch_size": 100, **target}})
        for line in one.config:
            exec(line, {"config": config})
        assert training.resolve(config).model.to_dict() == {"name": one.recipe.name, **one.recipe.arguments}


@pytest.mark.parametrize("one", [cell("activation", "iwae"), cell("samples", "cvae")], ids=lambda one: one.model)
def test_each_recipe_is_a_call(one):
    model = eval(one.call, {"dgm_zoo": dgm_zoo})
    assert model.registered_name == one.recipe.name and model.bound.samples == one.recipe.arguments["k"]
    assert model.takes()["x"].shape == (28, 28, 1)


def test_what_has_a_technique_has_it():
    found = {(one.technique, one.model) for one in ALL if one.recipe == Recipe(one.model, {})}
    assert {("importance", "iwgan"), ("activation", "aavae"), ("sleep", "helmholtz"), ("sleep", "infogan"),
            ("samples", "bihm"), ("samples", "iwae")} <= found
    assert cell("activation", "cvae").recipe == Recipe("aacvae", {})
    assert cell("activation", "iwae").recipe == Recipe("aavae", {"k": 50})
    assert cell("samples", "helmholtz").recipe == Recipe("rws", {})


def test_a_new_model_has_a_row(monkeypatch):
    class Another(VAE):
        pass

    class Different(VAE):
        def terms(self, x, c, noise):
            return super().terms(x, c, noise)

    monkeypatch.setitem(MODELS, "another", Another)
    monkeypatch.setitem(MODELS, "different", Different)
    row = transfer_table()["another"]
    assert row["samples"].recipe == Recipe("another", {"k": 5}) and row["sleep"].recipe
    assert row["activation"].recipe == Recipe("aavae", {})
    assert "no activated form of it is registered" in cell("activation", "different").reason


def test_a_model_that_generates_nothing_has_none():
    assert "classifier" not in transfer_table()
    with pytest.raises(InvalidInput, match="classifier generates nothing; give one of aacvae, "):
        cell("sleep", "classifier")


def test_a_player_that_does_not_move_is_an_error(monkeypatch):
    monkeypatch.setattr(VAE, "player_variables", lambda self, player: [v for v in self.decoder.trainable_variables])
    monkeypatch.setattr(VAE, "train_step", VAE.test_step)
    with pytest.raises(RuntimeError, match="vae with sleep did not train: player theta did not move"):
        prove(cell("sleep", "vae"))


def test_the_page_is_what_the_code_says():
    found = (Path(__file__).parents[1] / "docs" / "transfer.md").read_text()
    assert found == page(transfer_table()), "run dgm-zoo transfer --out=docs/transfer.md"


# k samples.


def batch(model, label=None):
    x, found = images(N)
    return model.unpack((x, found if label is None else label) if "label" in model.takes() else x)


def twins(name, **changes):
    """A model with and one without the changes, of the same weights."""
    one, other = tiny(name, **changes), tiny(name)
    one.set_weights(other.get_weights())
    return one, other


def assert_the_same(model, other):
    """Two models have the same terms, to the bit, and log the same."""
    x, c = batch(model)
    noise = model.noise(BatchNoise([0, 0], N))
    one, two = model.terms(x, c, noise), other.terms(x, c, noise)
    assert set(one) == set(two) and set(model.logged) == set(other.logged)
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


def test_a_vae_of_k_samples_is_the_iwae():
    assert_the_same(tiny("vae", k=3), tiny("iwae", k=3))


@pytest.mark.parametrize("name", ["vae", "cvae"])
def test_one_sample_is_the_base_with_an_estimated_kl(name):
    one, base = twins(name, k=1)
    x, c = batch(one)
    noise = base.noise(BatchNoise([0, 0], N))
    found, wanted = one.terms(x, c, noise[None]), base.terms(x, c, noise)
    q = base.q_z(x, *c)
    z = base.posterior.sample(q, noise)
    estimated = q.log_prob(z) - base.p_z().log_prob(z)
    np.testing.assert_allclose(found["reconstruction"], wanted["reconstruction"], rtol=1e-5)
    np.testing.assert_allclose(found["kl"], estimated, atol=1e-4)
    np.testing.assert_allclose(found["objective"], wanted["reconstruction"] - estimated, rtol=1e-5)
    assert np.abs(estimated - wanted["kl"]).max() > 1e-3


def test_the_svaes_bound_is_that_of_each_class_in_the_mean():
    model = tiny("svae", k=4)
    label = np.where(np.arange(N) % 2, np.arange(N) % CLASSES, -1).astype("int32")
    x, c = batch(model, label)
    noise = model.noise(BatchNoise([0, 0], N))
    found = model.terms(x, c, noise)
    bounds = []
    for k in range(CLASSES):
        given = tf.one_hot(tf.fill([N], k), CLASSES)
        q = model.q_z(x, given)
        z = model.posterior.sample(q, noise)
        log_w = model.p_x(z, given).log_prob(x) + model.p_z().log_prob(z) - q.log_prob(z)
        bounds.append(importance_bound(log_w) - np.log(CLASSES))
    bounds, log_q = np.stack(bounds, 1), model.log_q_c(x).numpy()
    wanted = np.where(label >= 0, bounds[np.arange(N), label], (np.exp(log_q) * (bounds - log_q)).sum(1))
    np.testing.assert_allclose(found["bound"], wanted, rtol=1e-5)
    classified = np.where(label >= 0, log_q[np.arange(N), label], 0.0)
    np.testing.assert_allclose(found["objective"], wanted + 0.1 * classified, rtol=1e-5)


def test_an_aavae_of_k_samples_is_the_activated_iwae():
    class AAIWAE(Activated, IWAE):
        formulation = IWAE.formulation

    model = tiny("aavae", k=3)
    parts = {name: getattr(model, name) for name in ("encoder", "decoder", "likelihood", "posterior", "discriminator")}
    assert_the_same(model, AAIWAE(**parts, bound=ImportanceWeightedEvidence(3), seed=0))


def test_a_kl_cannot_be_weighed_in_the_bound_of_k_samples():
    for given in ({"beta": 2.0}, {"free_bits": 0.1}):
        with pytest.raises(InvalidInput, match="a KL, which the bound of 2 samples does not contain"):
            tiny("vae", k=2, **given)
    with pytest.raises(InvalidInput, match="k is 0; give a whole number of at least 1"):
        tiny("cvae", k=0)


# The sleep phase.


def sleep_gradients(model, batches=20, n=2000):
    """The gradient of the mean of `sleep` by eta's variables, for some batches of dreams: `[batches, size]`."""
    theta, eta = (model.player_variables(player) for player in ("theta", "eta"))

    @tf.function(autograph=False)
    def gradient(noise):
        with tf.GradientTape() as tape:
            mean = tf.reduce_mean(model.dreams((), noise)["sleep"])
        of_theta, of_eta = tape.gradient(mean, [theta, eta])
        assert of_theta == [None] * len(theta)
        return tf.concat([tf.reshape(g, [-1]) for g in of_eta], 0)

    return np.stack([gradient(model.sleep_noise(BatchNoise([0, i], n))) for i in range(batches)])


def test_eta_ascends_log_q_of_dreams_and_theta_sees_none_of_it():
    exact = Enumerable()
    # d log q / d logits = z - sigmoid(logits), and the mean is over all 64 x 16 pairs
    logits = exact.x @ exact.encoder[0] + exact.encoder[1]
    away = exact.z - 1 / (1 + np.exp(-logits[:, None]))
    joint = exact.q * np.exp(exact.log_w)
    wanted = [np.einsum("xz,xi,xzj->ij", joint, exact.x, away), np.einsum("xz,xzj->j", joint, away)]
    wanted = np.concatenate([np.ravel(g) for g in wanted])
    assert_near_zero(sleep_gradients(exact.model()) - wanted)
    assert np.abs(wanted).max() > 0.05


def test_it_rests_where_q_is_the_posterior():
    for away, rests in ((0.0, True), (0.3, False)):
        found = sleep_gradients(LinearGaussian(away, orthogonal=True).model())
        worst = np.abs(found.mean(0) / (found.std(0, ddof=1) / np.sqrt(len(found)))).max()
        assert (worst < 4) == rests


def test_a_step_is_that_of_the_base_and_then_one_of_eta():
    rate, (one, base) = 0.1, twins("cvae", sleep=True)
    given = examples(one, 16)
    for model in (one, base):
        model.compile(keras.optimizers.SGD(rate), run_eagerly=True)
    _, c = one.unpack(given)
    rng = one.rng(tf.constant(given[0]))
    base.fit(*given, batch_size=16, shuffle=False, verbose=0)
    base.noise(rng)  # what the wake phase has drawn before
    noise, eta = base.sleep_noise(rng), base.player_variables("eta")
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(base.dreams(c, noise)["sleep"])
    wanted = [v + rate * g for v, g in zip(eta, tape.gradient(mean, [v.value for v in eta]), strict=True)]
    logs = one.fit(*given, batch_size=16, shuffle=False, verbose=0).history
    np.testing.assert_allclose(logs["sleep"][0], mean, rtol=1e-5)
    for player, values in {"theta": base.player_variables("theta"), "eta": wanted}.items():
        for found, value in zip(one.player_variables(player), values, strict=True):
            np.testing.assert_allclose(found, value, atol=1e-6)
    assert {name: int(one.optimizers[name].iterations) for name in one.optimizers} == {"theta": 1, "eta": 1, "sleep": 1}


def test_evaluation_is_of_the_bound_and_moves_nothing():
    one, base = twins("vae", sleep=True)
    x = images(64)[0]
    found = []
    for model in (one, base):
        model.compile("sgd", run_eagerly=True)
        found.append(model.evaluate(x, return_dict=True, verbose=0))
    sleep = found[0].pop("sleep")
    assert found[0] == found[1] and np.isfinite(sleep)
    np.testing.assert_array_equal(weights(one), weights(base))


def test_dreams_of_an_svae_have_a_class_too():
    model, n = tiny("svae", class_prior=[0.6, 0.3, 0.1], sleep=True), 2000
    noise = uniform, of_zx = model.sleep_noise(BatchNoise([0, 0], n))
    label = (uniform.numpy()[:, None] >= np.cumsum([0.6, 0.3])).sum(1)
    c = tf.one_hot(label, CLASSES)
    z, x = model.dreamt(of_zx, c)
    assert x.shape == (n, *SHAPE) and set(np.unique(x)) == {0.0, 1.0}
    wanted = model.q_z(x, c).log_prob(z) + model.log_q_c(x).numpy()[np.arange(n), label]
    np.testing.assert_allclose(model.dreams((None, None), noise)["sleep"], wanted, rtol=1e-5)


@pytest.mark.exhaustive
def test_k_samples_and_a_sleep_phase_go_together_compiled_and_saved(tmp_path):
    found = []
    for compiled in (False, True):
        model = tiny("cvae", k=2, sleep=True)
        model.compile(keras.optimizers.Adam(1e-2), jit_compile=compiled)
        model.fit(*examples(model, 32), batch_size=16, shuffle=False, verbose=0)
        found.append(weights(model))
    np.testing.assert_allclose(*found, atol=1e-4)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert (loaded.bound.samples, loaded.sleep) == (2, True) and loaded.logged == model.logged
    np.testing.assert_array_equal(weights(loaded), weights(model))


def test_sleep_is_true_or_false():
    with pytest.raises(InvalidInput, match="sleep is 0.5; give True or False"):
        tiny("vae", sleep=0.5)


# The command.


def test_the_command_shows_the_table_and_a_cell(capsys):
    assert main(["transfer"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 120
    assert re.search(r"iwae +– +✓ aavae k=50 +✓ sleep=True +✓ has it +–", text)
    assert main(["transfer", "samples", "cvae"]) == 0
    text = capsys.readouterr().out
    assert 'dgm_zoo.create("cvae", image_shape=(28, 28, 1), num_classes=10, k=5)' in text
    assert 'config.model.name = "cvae"' in text and "config.model.k = 5" in text
    assert main(["transfer", "importance", "vae"]) == 0
    assert "vae with importance weighting: no, it has no discriminator" in capsys.readouterr().out


def test_the_command_prints_json(capsys):
    assert main(["transfer", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)["table"]
    assert table["vae"]["activation"]["config"] == ['config.model.name = "aavae"']
    assert table["gan"]["sleep"]["goes"] is False and "infogan" in table["gan"]["sleep"]["reason"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sleeep", "vae"], "unknown technique 'sleeep'; did you mean 'sleep'?"),
        (["sleep", "vea"], "unknown model 'vea'; did you mean 'vae'?"),
        (["sleep"], "MODEL is missing; for example dgm-zoo transfer sleep vae"),
        (["sleep", "vae", "--out=t.md"], "--out=t.md writes the whole table; leave out sleep vae"),
        (["--out=nowhere/t.md"], "--out=nowhere/t.md is in no folder that exists"),
    ],
)
def test_the_command_says_what_is_wrong(words, sentence, capsys):
    assert main(["transfer", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_the_page_is_written_once_every_pair_has_trained(tmp_path, monkeypatch, capsys):
    out, proven = tmp_path / "t.md", []
    monkeypatch.setattr(transfer, "prove", proven.append)
    assert main(["transfer", f"--out={out}"]) == 0
    assert out.read_text() == page(transfer_table()) and len(proven) == len(RECIPES)
    assert f"{len(RECIPES)} of {len(RECIPES)}:" in capsys.readouterr().out

    def fail(one):
        raise RuntimeError("it did not train")

    monkeypatch.setattr(transfer, "prove", fail)
    with pytest.raises(RuntimeError):
        main(["transfer", f"--out={tmp_path / 'other.md'}"])
    assert not (tmp_path / "other.md").exists()
