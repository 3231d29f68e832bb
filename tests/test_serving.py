"""Presets: what `export` writes, as TensorFlow Serving, TensorFlow and Keras read it, and the client."""

import concurrent.futures
import contextlib
import http.server
import importlib
import json
import os
import re
import shutil
import socket
import threading
from pathlib import Path

import grpc
import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
import zoo
from google.protobuf import json_format, text_format
from json_replies import JsonReplies
from served import Served, warm_up
from tensorflow.python.saved_model import loader_impl
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2
from zoo import tiny

from dgm_zoo import models, serving
from dgm_zoo.core import state
from dgm_zoo.core.chunks import in_graph
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.distributions import RowNoise, row_seeds
from dgm_zoo.errors import InvalidInput
from dgm_zoo.serving import keras_part
from dgm_zoo.serving import metadata as metadata_room
from dgm_zoo.serving.card import card, number

EXPORT = importlib.import_module("dgm_zoo.serving.export")  # the module: the package's attribute is its function
METRICS = {
    "test_log_likelihood": {"value": -21.23456, "stderr": 0.1234, "protocol": "K = 1000, stochastic binarisation"},
    "active_units": {"value": 2, "stderr": None, "protocol": "of 2 units"},
}
GIVEN = {"config": {"model": {"name": "vae"}}, "dataset": "digits", "seed": 3, "metrics": METRICS}
OUTPUTS = {
    "sample": ["x"], "encode": ["mean", "stddev"], "decode": ["x"], "reconstruct": ["x"],
    "log_likelihood": ["log_likelihood"],
}
INPUTS = {
    "sample": ["seed"], "encode": ["x"], "decode": ["z"], "reconstruct": ["x"], "log_likelihood": ["seed", "x"],
}


@keras.saving.register_keras_serializable("dgm_zoo_tests")
class Sampler(models.GenerativeModel):
    """A generator alone, x = G(z, label).

    Args:
      network: Keras model of [z, one-hot label].
    """

    players = {"theta": ("network",)}

    def __init__(self, network, **kwargs):
        super().__init__(**kwargs)
        self.network = network

    def endpoints(self):
        inputs = {"seed": SEED, "label": Input((), tf.int32, range=(0, 3))}

        def compute(noise, label):
            return {"x": self.network(tf.concat([noise, tf.one_hot(label, 4)], -1))}

        return {"sample": Endpoint(inputs, compute, lambda rng: rng.normal([2]), "x = G(z, label)")}


def sampler(bias=0.0):
    dense = keras.layers.Dense(5, bias_initializer=keras.initializers.Constant(bias))
    network = keras.Sequential([keras.Input((6,)), dense, keras.layers.Reshape((5, 1))])
    return Sampler(network, seed=1)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """(model, its version folder), for a VAE trained a little so that weights and optimizer have moved."""
    model = models.create("vae", image_shape=(8, 8, 1), latent_dim=2, hidden=[16], seed=3)
    model.compile(jit_compile=False)
    model.fit(images(32), batch_size=16, verbose=0)
    return model, Path(serving.export(model, tmp_path_factory.mktemp("saved_models"), "vae_test", metadata=GIVEN))


@pytest.fixture(scope="module")
def served(preset):
    return Served(preset[1])


def images(n):
    return np.random.default_rng(0).integers(0, 2, (n, 8, 8, 1)).astype("float32")


def requests(n):
    """A request of `n` rows to each endpoint of a VAE."""
    x, seed = images(n), row_seeds(5, n)
    z = np.random.default_rng(1).normal(size=(n, 2)).astype("float32")
    return {
        "sample": {"seed": seed}, "encode": {"x": x}, "decode": {"z": z}, "reconstruct": {"x": x},
        "log_likelihood": {"x": x, "seed": seed},
    }


def assert_same(one, other, tolerance):
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_allclose(one[key], other[key], rtol=tolerance, atol=tolerance, err_msg=key)


# ---------------------------------------------------------------------------------------------- the SavedModel


def test_signatures_name_every_input_and_output_and_share_the_batch_dimension(served):
    twins = {f"{name}_xla" for name in OUTPUTS}
    assert set(served.signatures) == {*OUTPUTS, *twins, "serving_default"}
    for name, signature in served.signatures.items():
        endpoint = "sample" if name == "serving_default" else name.removesuffix("_xla")
        assert sorted(signature.inputs) == INPUTS[endpoint]
        assert sorted(signature.outputs) == OUTPUTS[endpoint]
        for array in [*signature.inputs.values(), *signature.outputs.values()]:
            assert array.tensor_shape.dim[0].size == -1


def test_every_plain_signature_answers_as_the_model_does(preset, served):
    model, _ = preset
    for name, request in requests(3).items():
        assert_same(served(name, **request), model.answer(name, **request), 1e-5)
    np.testing.assert_allclose(served("serving_default", seed=row_seeds(7, 4))["x"], model.sample(4, seed=7), atol=1e-5)


def test_a_row_does_not_depend_on_its_batch(served):
    for name, request in requests(5).items():
        whole = served(name, **request)
        rows = [served(name, **{key: value[i : i + 1] for key, value in request.items()}) for i in range(5)]
        assert_same(whole, {key: np.concatenate([row[key] for row in rows]) for key in whole}, 1e-5)


def test_an_empty_request_has_an_empty_answer(served):
    for name, request in requests(1).items():
        for key, value in served(name, **{key: value[:0] for key, value in request.items()}).items():
            assert value.shape[0] == 0, (name, key)


def test_xla_twins_agree_with_the_plain_endpoints(served):
    for name, request in requests(4).items():
        assert_same(served(name, **request), served(f"{name}_xla", **request), 1e-4)


def test_twins_share_what_they_compute(preset):
    """The graph of each endpoint of the VAE is in the file once, not once for each of its two twins."""
    library = loader_impl.parse_saved_model(str(preset[1])).meta_graphs[0].graph_def.library
    multiplying = [one for one in library.function if any(node.op == "MatMul" for node in one.node_def)]
    assert len(multiplying) == len(OUTPUTS)


def test_no_plain_signature_reaches_a_function_that_xla_must_compile(served):
    for name in served.signatures:
        compiled = served.xla_functions(name)
        assert bool(compiled) == name.endswith("_xla"), (name, compiled)


def test_warmup_replays_one_request_to_each_plain_endpoint(preset, served):
    _, folder = preset
    names = []
    for model, name, answer in warm_up(served, folder):
        assert model == folder.parent.name
        assert all(len(value) == 1 and np.all(np.isfinite(value)) for value in answer.values())
        names.append(name)
    assert sorted(names) == sorted(OUTPUTS)


X = images(2)
BAD = {
    "rank": ("encode", {"x": X[..., 0]}, "encode: x must have shape [batch, 8, 8, 1], got [2 8 8]"),
    "size": ("reconstruct", {"x": X[:, :4]}, "reconstruct: x must have shape [batch, 8, 8, 1], got [2 4 8 1]"),
    "scalar": ("sample", {"seed": np.int32(1)}, "sample: seed must have shape [batch], got []"),
    "latent": ("decode", {"z": np.zeros((2, 3), "float32")}, "decode: z must have shape [batch, 2], got [2 3]"),
    "range": ("encode", {"x": X * 3}, "encode: x has values from 0 to 3, outside [0, 1]; rescale it"),
    "nan": ("encode", {"x": X * np.float32("nan")}, "encode: x holds NaN or infinity; remove it"),
    "rows": (
        "log_likelihood", {"x": X, "seed": np.zeros(3, "int32")},
        "log_likelihood: x, seed must have the same number of rows, got [2 3]",
    ),
}


@pytest.mark.parametrize("twin", ["", "_xla"])
@pytest.mark.parametrize("case", BAD)
def test_a_request_that_does_not_fit_gets_one_sentence(served, case, twin):
    name, request, sentence = BAD[case]
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        served(name + twin, **request)
    assert error.value.message.splitlines()[0] == f"assertion failed: [{sentence}]"


def test_tensorflow_alone_loads_it(preset):
    model, folder = preset
    loaded = tf.saved_model.load(str(folder))
    answer = loaded.signatures["encode"](x=tf.constant(X))
    assert_same({key: value.numpy() for key, value in answer.items()}, model.encode(X), 1e-5)
    assert loaded.encode(x=tf.constant(X))["mean"].shape == (2, 2)


# ---------------------------------------------------------------------------------------------- the preset


def test_from_preset_gives_the_model_back_without_its_optimizer(preset, monkeypatch):
    model, folder = preset
    monkeypatch.setenv("DGM_ZOO_PRESETS", str(folder.parents[1]))
    for where in (folder.parent.name, folder.parent, str(folder)):
        assert serving.preset_dir(where) == str(folder)
    copy = serving.from_preset(folder.parent.name, version=1)
    assert type(copy) is type(model) and not copy.compiled
    np.testing.assert_array_equal(copy.sample(3, seed=1), model.sample(3, seed=1))
    assert_same(copy.encode(X), model.encode(X), 0)
    stored = sum(path.stat().st_size for path in (folder / "variables").iterdir())
    assert stored < 4 * model.count_params() + 20_000  # the weights once; the optimizer would be twice as much on top
    assert not (folder / "model.keras").exists()
    assert model.compiled and model.optimizers["theta"].iterations == 2


def test_a_preset_has_weights_that_no_endpoint_uses(tmp_path):
    model = models.create("gan", image_shape=(8, 8, 1), latent_dim=2, hidden=[8], seed=5)
    loaded = serving.from_preset(serving.export(model, tmp_path, "gan"))
    for mine, its in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(its, mine)


@pytest.mark.slow  # every model twice
@pytest.mark.parametrize("name", models.list_models())
def test_every_models_config_and_weights_are_all_of_it(name, tmp_path):
    model = zoo.tiny(name)
    copy = EXPORT._without_optimizer(model)
    keras_part.write(copy, tmp_path)
    listed = tf.train.Checkpoint(**{keras_part.WEIGHTS: keras_part.weights(copy)})
    listed.write(str(tmp_path / "variables" / "variables"))
    copy.save(tmp_path / "whole.keras")
    whole, loaded = keras.saving.load_model(tmp_path / "whole.keras"), keras_part.load(tmp_path, models.GenerativeModel)
    numbers = {key: value for key, value in copy.get_config().items() if isinstance(value, (int, float))}
    assert loaded.get_config() == {**whole.get_config(), **numbers}  # a .keras file rounds coefficients to float32
    assert len(loaded.weights) == len(model.weights)
    for mine, its in zip(whole.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(its, mine)
    for key, value in state.variables(whole).items():
        np.testing.assert_array_equal(state.variables(loaded)[key], value)


def test_metadata_tells_where_the_preset_comes_from(preset):
    model, folder = preset
    found = serving.read_metadata(folder)
    assert (found["name"], found["version"], found["class"]) == (folder.parent.name, 1, type(model).__name__)
    assert found["config"] == GIVEN["config"] and found["seed"] == 3 and found["metrics"] == METRICS
    assert found["dataset"]["version"] == "1.0.0" and "CC BY" in found["dataset"]["licence"]
    assert found["parameters"] == model.count_params()
    assert found["versions"]["tensorflow"] == tf.__version__ and found["versions"]["keras"] == keras.__version__
    assert found["serving_default"] == "sample" and set(found["endpoints"]) == set(OUTPUTS)
    encode = found["endpoints"]["encode"]
    x = {"dtype": "float32", "shape": [None, 8, 8, 1], "range": [0.0, 1.0], "binary": False}
    assert encode["inputs"] == {"x": x}
    assert encode["outputs"]["mean"] == {"dtype": "float32", "shape": [None, 2]}


def test_git_revision_is_that_of_this_package_alone(tmp_path, monkeypatch):
    revision = metadata_room.git_revision()
    assert revision is None or re.fullmatch(r"[0-9a-f]{40}(-dirty)?", revision)
    inside = Path(metadata_room.__file__).parents[1] / "data" / "site-packages" / "dgm_zoo" / "serving" / "metadata.py"
    for elsewhere in (inside, tmp_path / "dgm_zoo" / "serving" / "metadata.py"):
        monkeypatch.setattr(metadata_room, "__file__", str(elsewhere))
        assert metadata_room.git_revision() is None


def test_the_card_is_made_from_the_metadata(preset):
    model, folder = preset
    page = (folder / "README.md").read_text()
    name = folder.parent.name
    for text in (
        f"\n# {name}, version 1\n",
        type(model).__doc__.split("\n")[0],
        "| test_log_likelihood | -21.23 ± 0.12 | K = 1000, stochastic binarisation |",
        "| active_units | 2 | of 2 units |",
        "`digits` 1.0.0.",
        "Licence: CC BY 4.0.",
        f'dgm_zoo.from_preset("{name}")',
        f'tf.saved_model.load("{name}/1")',
        f'-v "$PWD/{name}:/models/{name}" tensorflow/serving',
        "| `encode` | `x` float32 [batch, 8, 8, 1] from 0 to 1 | `mean` float32 [batch, 2], `stddev`",
        "| the mean of p(x\\|z) |",
        "## Limits",
    ):
        assert text in page
    assert "    max_{theta, eta}" in page  # the objective, as a code block


def test_a_card_names_both_domains(tmp_path):
    given = {"dataset": {"name": "digits", "target": "usps"}}
    folder = Path(serving.export(sampler(), tmp_path, "pair", metadata=given))
    found = serving.read_metadata(folder)["dataset"]
    assert found["target"]["version"] == "1.0.0" and "Licence" not in found["target"]["source"]
    page = (folder / "README.md").read_text()
    assert 'datasets: ["digits", "usps"]' in page
    assert "`digits` 1.0.0. Source" in page and "`usps` 1.0.0. Source" in page
    assert "trained only on `digits` and `usps`;" in page


def test_numbers_are_shown_to_their_precision():
    assert number(-86.7612, 0.0834) == "-86.761 ± 0.083"
    assert number(1234.6, 52.0) == "1235 ± 52"
    assert number(0.5) == "0.5"


@pytest.mark.exhaustive
def test_an_iwae_is_served_too(tmp_path):
    model = models.create("iwae", image_shape=(8, 8, 1), latent_dim=2, hidden=[8], k=3, seed=4)
    folder = serving.export(model, tmp_path, "iwae_test")
    request = requests(3)["log_likelihood"]
    assert_same(Served(folder)("log_likelihood", **request), model.answer("log_likelihood", **request), 1e-5)
    assert serving.from_preset(folder).bound.samples == 3


def test_a_model_with_sample_and_label_alone_is_served_from_its_table(tmp_path):
    model = sampler()
    folder = serving.export(model, tmp_path, "sampler")
    served = Served(folder)
    assert set(served.signatures) == {"sample", "sample_xla", "serving_default"}
    request = {"seed": row_seeds(0, 2), "label": np.array([1, 3], "int32")}
    assert_same(served("serving_default", **request), model.answer("sample", **request), 1e-5)
    sentence = "sample: label has values from 1 to 4, outside [0, 3]; give whole numbers from 0 to 3"
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(sentence)):
        served("sample", **{**request, "label": np.array([1, 4], "int32")})
    np.testing.assert_array_equal(
        serving.from_preset(folder).sample(3, seed=2, label=1), model.sample(3, seed=2, label=1)
    )
    card = (Path(folder) / "README.md").read_text()
    assert "`label` int32 [batch] from 0 to 3" in card and "No metrics were recorded." in card
    assert "model.sample(64, seed=0, label=3)" in card


def test_versions_follow_one_another_and_presets_are_listed(tmp_path, monkeypatch):
    model = sampler()
    one, two = tmp_path / "a" / "one", tmp_path / "b" / "two"
    (one / "7").mkdir(parents=True)  # not ours, and not to be written over
    assert serving.export(model, tmp_path / "a", "one") == str(one / "8")
    assert serving.export(model, tmp_path / "b", "two", version=3) == str(two / "3")
    shutil.copytree(two / "3", two / "12")
    with pytest.raises(InvalidInput, match="two/12 exists; give another version"):
        serving.export(model, tmp_path / "b", "two", version=12)
    monkeypatch.setenv("DGM_ZOO_PRESETS", os.pathsep.join(map(str, [tmp_path / "a", tmp_path / "b", tmp_path / "no"])))
    assert {"one", "two", "vae_digits"} <= set(serving.list_presets())
    assert serving.preset_dir("two") == str(two / "12")
    assert serving.preset_dir("two", version=3) == str(two / "3")
    monkeypatch.delenv("DGM_ZOO_PRESETS")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").rename(tmp_path / "saved_models")
    assert "two" in serving.list_presets()


def test_an_interrupted_export_leaves_nothing_visible(tmp_path, monkeypatch):
    seen = []

    def interrupt(folder, metadata):
        seen.extend(path.name for path in (tmp_path / "m").iterdir())
        raise KeyboardInterrupt

    monkeypatch.setattr(EXPORT, "write_card", interrupt)
    with pytest.raises(KeyboardInterrupt):
        serving.export(sampler(), tmp_path, "m")
    assert seen and all(name.startswith(".") for name in seen)  # while it was written: a hidden name alone
    assert list((tmp_path / "m").iterdir()) == []


def test_an_export_does_not_overwrite_one_that_was_faster(tmp_path, monkeypatch):
    def overtake(folder, metadata):
        (tmp_path / "m" / "1").mkdir()
        (tmp_path / "m" / "1" / "theirs").touch()

    monkeypatch.setattr(EXPORT, "write_card", overtake)
    with pytest.raises(InvalidInput, match="1' was written by another process at the same time"):
        serving.export(sampler(), tmp_path, "m")
    assert [path.name for path in (tmp_path / "m").rglob("*")] == ["1", "theirs"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../up"}, "name '../up' cannot be served"),
        ({"name": ".hidden"}, "name '.hidden' cannot be served"),
        ({"version": 0}, "version must be a whole number of at least 1, got 0"),
        ({"version": "1"}, "version must be a whole number of at least 1, got '1'"),
        ({"metadata": {"metric": {}}}, "unknown metadata key 'metric'; did you mean 'metrics'"),
        ({"metadata": {"metrics": {"nll": {"value": 1.0}}}}, "metric 'nll' has no 'protocol'"),
        ({"metadata": {"metrics": {"nll": {"value": float("nan"), "protocol": ""}}}}, "metric 'nll' is nan ± None"),
        ({"metadata": {"dataset": "digit"}}, "unknown data set 'digit'; did you mean 'digits'"),
        ({"metadata": {"dataset": {"name": "mnist", "target": "ups"}}}, "unknown data set 'ups'; did you mean 'usps'"),
        ({"metadata": {"dataset": {"name": "mnist", "target": 3}}}, "'target' of metadata 'dataset' is 3; give a name"),
        ({"model": models.GenerativeModel(seed=0)}, "GenerativeModel has no endpoints"),
        ({"model": sampler(np.nan)}, "of Sampler is NaN or infinite, so every answer would be; train it again"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_anything_is_written(tmp_path, change, message):
    arguments = {"model": sampler(), "directory": tmp_path, "name": "m", **change}
    with pytest.raises(InvalidInput, match=re.escape(message)):
        serving.export(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="file/m' cannot be written .Not a directory.; choose another place"):
        serving.export(sampler(), tmp_path / "file", "m")


def test_what_is_no_preset_is_refused_in_one_sentence(preset, tmp_path, monkeypatch):
    _, folder = preset
    monkeypatch.setenv("DGM_ZOO_PRESETS", str(folder.parents[1]))
    name = folder.parent.name
    broken = tmp_path / "broken" / "1"
    broken.mkdir(parents=True)
    for call, message in (
        (lambda: serving.from_preset(name[:-1]), f"unknown preset '{name[:-1]}'; did you mean '{name}'"),
        (lambda: serving.from_preset(name, version=9), "has no version 9; it has 1"),
        (lambda: serving.from_preset(folder, version=9), "is already a version folder"),
        (lambda: serving.from_preset(tmp_path), "has no version of a preset"),
        (lambda: serving.from_preset(tmp_path / "missing"), "does not exist"),
    ):
        with pytest.raises(InvalidInput, match=re.escape(message)):
            call()
    foreign = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    foreign.save(tmp_path / "foreign.keras")
    zipped, config = (tmp_path / "foreign.keras").read_bytes(), (folder / "model.json").read_text()
    for name, content in (
        *(("model.keras", content) for content in (zipped[:1000], zipped[: len(zipped) // 2], b"", zipped)),
        *(("model.json", content.encode()) for content in (config[:99], "", "[]", '{"class_name": "Nobody"}', config)),
    ):
        (broken / "model.json").unlink(missing_ok=True)
        (broken / name).write_bytes(content)  # the last has no variables beside it
        with pytest.raises(InvalidInput, match=f"{name}' (cannot be loaded|holds a Sequential)") as error:
            serving.from_preset(broken.parent)
        assert "\n" not in str(error.value)
    shutil.copytree(folder / "variables", broken / "variables")
    assert serving.from_preset(broken.parent).sample(1, seed=0).shape == (1, 8, 8, 1)
    other = models.create("vae", image_shape=(8, 8, 1), latent_dim=3, hidden=[16])
    keras_part.write(other, broken)
    with pytest.raises(InvalidInput, match="model.json' cannot be loaded"):
        serving.from_preset(broken.parent)
    (broken / "metadata.json").write_text("{")
    with pytest.raises(InvalidInput, match="metadata.json' cannot be read"):
        serving.read_metadata(broken)


# ---------------------------------------------------------------------------------------------- parts, cards, files


def counted(x, seed):
    """Outputs that tell how many rows are computed at once."""
    rows = tf.fill([tf.shape(x)[0]], tf.shape(x)[0])
    return {"rows": rows, "x": x + 1.0, "noise": RowNoise(seed).normal([2])}


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7])
def test_parts_of_a_request_are_computed_one_after_another_to_the_same_answer(n):
    given = {"x": tf.random.stateless_normal([n, 3, 1], [0, 1]), "seed": tf.constant(row_seeds(0, n))}
    found, whole = tf.function(lambda **given: in_graph(counted, given, 3))(**given), counted(**given)
    assert found["rows"].numpy().tolist() == {0: [], 1: [1], 2: [2, 2], 3: [3, 3, 3], 7: [3] * 6 + [1]}[n]
    for key in ("x", "noise"):
        np.testing.assert_array_equal(found[key], whole[key])


@keras.saving.register_keras_serializable("dgm_zoo_tests")
class Convolutional(Sampler):
    """x = G(z), with convolutions, which refuse an empty batch; `square` may overflow.

    Args:
      network: Keras model of images.
    """

    def endpoints(self):
        def compute(z):
            return {"x": self.network(z), "size": tf.shape(z)[:1] * tf.ones_like(z[:, 0, 0, 0], tf.int32)}

        square = Endpoint({"z": Input((2,))}, lambda z: {"x": z * z})
        return {"decode": Endpoint({"z": Input((4, 4, 3))}, compute, rows=2), "square": square}


@pytest.fixture(scope="module")
def convolutional(tmp_path_factory):
    network = keras.Sequential([
        keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 3, strides=2), keras.layers.BatchNormalization(),
        keras.layers.Conv2DTranspose(1, 2),
    ])
    return Served(serving.export(Convolutional(network, seed=1), tmp_path_factory.mktemp("convolutional"), "m"))


@pytest.mark.parametrize("twin", ["", "_xla"])
def test_no_rows_are_answered_by_convolutions_too(convolutional, twin):
    one = convolutional(f"decode{twin}", z=np.ones((5, 4, 4, 3), "float32"))
    assert one["x"].shape == (5, 2, 2, 1) and one["size"].tolist() == [2, 2, 2, 2, 1]
    for none in (np.ones((0, 4, 4, 3), "float32"), np.ones(0, "float32")):  # the second is what JSON's [] becomes
        found = convolutional(f"decode{twin}", z=none)
        assert {key: value.shape for key, value in found.items()} == {"x": (0, 2, 2, 1), "size": (0,)}
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"z must have shape \[batch, 4, 4, 3\], got \[0 4\]"):
        convolutional(f"decode{twin}", z=np.ones((0, 4), "float32"))


@pytest.mark.parametrize("twin", ["", "_xla"])
def test_an_answer_that_is_not_finite_is_refused(convolutional, twin):
    assert convolutional(f"square{twin}", z=np.full((2, 2), 2, "float32"))["x"].tolist() == [[4, 4], [4, 4]]
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        convolutional(f"square{twin}", z=np.float32([[1, 1], [1, 3e38]]))
    first, node = error.value.message.splitlines()
    said = "square: x of the answer is NaN or infinite; give smaller values, or a model with finite weights"
    assert first == f"assertion failed: [{said}]"
    assert len(node) < 80  # all that TensorFlow adds


def test_python_refuses_an_answer_that_is_not_finite_too():
    network = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(InvalidInput, match="square: x of the answer is NaN or infinite in row 1; give smaller values"):
        Convolutional(network, seed=1).answer("square", z=[[1, 1], [1, 3e38]])


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", models.list_models())
def test_every_endpoint_of_every_model_answers_no_rows(name):
    model = tiny(name)
    for endpoint, entry in model.endpoints().items():
        def served(**given):
            return in_graph(model.endpoint_function(endpoint), given, entry.rows)  # noqa: B023

        given = {key: tf.zeros([3, *wanted.shape], wanted.dtype) for key, wanted in entry.inputs.items()}
        served = tf.function(served, autograph=False)
        none = served(**{key: value[:0] for key, value in given.items()})
        whole = model.answer(endpoint, **given)
        assert {key: (0, *value.shape[1:]) for key, value in whole.items()} == {k: v.shape for k, v in none.items()}
        assert_same({key: value.numpy() for key, value in served(**given).items()}, whole, 1e-5)


def snippets(page):
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


@pytest.mark.parametrize("name", serving.list_presets())
def test_the_code_of_a_card_is_python(name):
    found = snippets(card(serving.read_metadata(name)))
    assert len(found) == 2
    for code in found:
        compile(code, f"{name}.md", "exec")
        assert "…" not in code


@pytest.mark.parametrize("name, given, call", [
    pytest.param(
        "cvae", {"num_classes": 2}, "x = model.sample(64, seed=0, label=1)", marks=pytest.mark.exhaustive,
    ),
    ("classifier", {"num_classes": 3}, 'answer = model.answer("classify", x=np.full([2, 4, 4, 1], 0, "float32"))'),
])
def test_the_code_of_a_card_runs(name, given, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DGM_ZOO_PRESETS", str(tmp_path))
    folder = serving.export(tiny(name, **given), tmp_path, "fresh")
    keras_code, tensorflow_code = snippets((Path(folder) / "README.md").read_text())
    assert call in keras_code
    for code in (keras_code, tensorflow_code):
        found = {}
        exec(compile(code, "card", "exec"), found)
        answer = found.get("answer", {"x": found.get("x")})
        assert all(np.isfinite(value).all() for value in answer.values())


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", serving.list_presets())
def test_the_code_of_a_presets_card_runs(name, monkeypatch):
    monkeypatch.chdir(Path(serving.preset_dir(name)).parents[1])
    for code in snippets(card(serving.read_metadata(name))):
        exec(compile(code, name, "exec"), {})


FILES = Path(__file__).parents[1] / "docs" / "serving"


def test_the_config_of_all_presets_is_what_a_server_reads():
    read = text_format.Parse((FILES / "models.config").read_text(), model_server_config_pb2.ModelServerConfig())
    served = {one.name: (one.base_path, one.model_platform) for one in read.model_config_list.config}
    folders = sorted(path.name for path in (FILES.parents[1] / "saved_models").iterdir() if path.is_dir())
    assert served == {name: (f"/models/{name}", "tensorflow") for name in folders}


def test_the_compose_file_serves_them():
    service, = yaml.safe_load((FILES / "docker-compose.yaml").read_text())["services"].values()
    mounted = dict(volume.split(":")[:2] for volume in service["volumes"])
    assert {(FILES / host).resolve(): place for host, place in mounted.items()} == {
        FILES.parents[1] / "saved_models": "/models", FILES / "models.config": "/config/models.config",
    }
    assert "--model_config_file=/config/models.config" in service["command"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_batching_file_is_what_a_server_reads():
    text = (FILES / "batching.pbtxt").read_text()
    sizes = [int(size) for size in re.findall(r"^allowed_batch_sizes: (\d+)", text, re.MULTILINE)]
    assert sizes == sorted(sizes) and f"max_batch_size {{ value: {sizes[-1]} }}" in text
    protos = pytest.importorskip(
        "tensorflow_serving.servables.tensorflow.session_bundle_config_pb2",
        reason="tensorflow-serving-api ships no proto of the batching parameters",
    )
    assert text_format.Parse(text, protos.BatchingParameters()).max_batch_size.value == sizes[-1]


# ---------------------------------------------------------------------------------------------- the client


class GrpcDouble(prediction_service_pb2_grpc.PredictionServiceServicer):
    """TensorFlow Serving's answers over gRPC, from a SavedModel in a session."""

    def __init__(self, served):
        self.served = served

    def GetModelMetadata(self, request, context):
        reply = get_model_metadata_pb2.GetModelMetadataResponse()
        reply.metadata["signature_def"].Pack(
            get_model_metadata_pb2.SignatureDefMap(signature_def=dict(self.served.graph.signature_def))
        )
        return reply

    def Predict(self, request, context):
        if request.model_spec.name != "m":
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(other)")
        arrays = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        try:
            answer = self.served(request.model_spec.signature_name, **arrays)
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
        return predict_pb2.PredictResponse(outputs={key: tf.make_tensor_proto(one) for key, one in answer.items()})


@contextlib.contextmanager
def grpc_server(served):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(GrpcDouble(served), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


@contextlib.contextmanager
def running(handler):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def rest_server(served):
    """TensorFlow Serving's answers over REST in column form, from a SavedModel in a session."""

    class Handler(JsonReplies):
        def do_GET(self):
            if self.path != "/v1/models/m/metadata":
                return self.answer(404, {"error": "Servable not found for request: Latest(other)"})
            found = get_model_metadata_pb2.SignatureDefMap(signature_def=dict(served.graph.signature_def))
            signatures = json_format.MessageToDict(found, preserving_proto_field_name=True)
            return self.answer(200, {"model_spec": {"name": "m"}, "metadata": {"signature_def": signatures}})

        def do_POST(self):
            assert self.path == "/v1/models/m:predict"
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = request["signature_name"]
            dtypes = {k: tf.as_dtype(v.dtype).as_numpy_dtype for k, v in served.signatures[name].inputs.items()}
            arrays = {key: np.asarray(value, dtypes[key]) for key, value in request["inputs"].items()}
            try:
                answer = {key: value.tolist() for key, value in served(name, **arrays).items()}
            except tf.errors.InvalidArgumentError as error:
                return self.answer(400, {"error": error.message})
            return self.answer(200, {"outputs": next(iter(answer.values())) if len(answer) == 1 else answer})

    with running(Handler) as address:
        yield address


@pytest.fixture(scope="module", params=["grpc", "rest"])
def server(request, served):
    """(protocol, address) of a running server of model "m"."""
    with {"grpc": grpc_server, "rest": rest_server}[request.param](served) as address:
        yield request.param, address


def test_the_client_gets_what_the_model_answers(server, preset):
    protocol, address = server
    client = serving.Client(address, model="m", protocol=protocol)
    for name, request in requests(2).items():
        answer = client.call(name, **{key: value.tolist() for key, value in request.items()})
        assert_same(answer, preset[0].answer(name, **request), 1e-5)
        assert all(value.dtype == np.float32 for value in answer.values())


def test_the_client_says_what_is_wrong_in_one_sentence(server):
    protocol, address = server
    client = serving.Client(address, model="m", protocol=protocol)
    code = {"grpc": "INVALID_ARGUMENT", "rest": "HTTP 400"}[protocol]
    for call, message in (
        (lambda: client.call("encode", x=X[:, :4]), f"{code}: encode: x must have shape [batch, 8, 8, 1], got [2 4"),
        (lambda: client.call("encoed", x=X), "unknown endpoint 'encoed'; did you mean 'encode'"),
        (lambda: client.call("encode", y=X), "unknown input of encode 'y'"),
        (lambda: client.call("log_likelihood", x=X), "log_likelihood: seed is missing"),
        (lambda: client.call("sample", seed=[2**40]), "sample: seed holds a value that int32 cannot represent"),
        (lambda: client.call("sample", seed=["a"]), "sample: seed is not an array of numbers"),
    ):
        with pytest.raises(InvalidInput, match=re.escape(message)) as error:
            call()
        assert "\n" not in str(error.value)


def test_a_client_without_a_server_says_so(server):
    protocol, address = server
    with pytest.raises(InvalidInput, match="no (gRPC|REST) server answers at 127.0.0.1:9 "):
        serving.Client("127.0.0.1:9", model="m", protocol=protocol).call("sample", seed=[1])
    other = serving.Client(address, model="other", protocol=protocol)
    with pytest.raises(InvalidInput, match="Servable not found for request"):
        other.call("sample", seed=[1])
    with pytest.raises(InvalidInput, match="unknown protocol 'http'"):
        serving.Client(address, model="m", protocol="http")


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_server_that_does_not_answer_is_given_up(protocol):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        client = serving.Client(address, model="m", protocol=protocol, timeout=0.3)
        with pytest.raises(InvalidInput, match=f"no answer from {address} within 0.3 s"):
            client.call("sample", seed=[1])


def test_a_web_server_of_another_kind_is_told_apart(tmp_path):
    class Page(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *arguments):
            pass

    with running(Page) as address, pytest.raises(InvalidInput, match=f"{address} is not a REST port"):
        serving.Client(address, model="m", protocol="rest").call("sample", seed=[1])
