"""What `jit_compile="auto"` means on a machine without a GPU: what a benchmark wrote into a table."""

import json
from pathlib import Path

import keras
import pytest
import zoo

import dgm_zoo
from dgm_zoo.core import compiling
from dgm_zoo.models import list_models

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def table(monkeypatch):
    """A table in the place of the package's."""
    monkeypatch.setattr(compiling, "_faster_on_cpu", lambda: {"gan": ["convolutional"], "bihm": ["dense"]})
    monkeypatch.setattr(compiling.tf.config, "list_physical_devices", lambda kind: [])


def auto(name, **given):
    model = dgm_zoo.create(name, **given, seed=0)
    model.compile(jit_compile="auto")
    return model.xla


def test_auto_takes_xla_where_the_table_says_so(table):
    image = {"image_shape": (8, 8, 1), "hidden": [4, 4]}
    assert auto("gan", **image)
    assert not auto("gan", **image, network="dense")
    assert not auto("vae", **image, network="conv", latent_dim=2)
    assert auto("bihm", image_shape=(8,), layers=[4, 2])


def test_auto_takes_no_xla_in_other_precisions_or_in_a_users_subclass(table):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert not auto("gan", image_shape=(8, 8, 1), hidden=[4, 4])
    finally:
        keras.config.set_dtype_policy("float32")

    class Mine(dgm_zoo.models.GAN):
        pass

    mine = Mine.create((8, 8, 1), hidden=[4, 4])
    mine.compile(jit_compile="auto")
    assert not mine.xla


def test_auto_takes_no_xla_under_a_strategy(table):
    with zoo.two_cpus().scope():
        assert not auto("bihm", image_shape=(8,), layers=[4, 2])


def test_auto_takes_xla_on_a_gpu(monkeypatch):
    monkeypatch.setattr(compiling, "_faster_on_cpu", dict)
    monkeypatch.setattr(compiling.tf.config, "list_physical_devices", lambda kind: ["GPU:0"] * (kind == "GPU"))
    assert compiling.chosen(zoo.tiny("vae"))


def test_the_table_of_the_package_names_registered_models_whose_gain_was_measured():
    table = json.loads(compiling.TABLE.read_text(encoding="utf-8"))
    assert set(table["faster"]) <= set(list_models())
    for name, kinds in table["faster"].items():
        for kind in kinds:
            one = table["measured"][f"{name}, {kind}"]
            assert one["gain"]["low"] >= 1.05 and one["command"].startswith("python benchmarks/xla.py")


def test_results_replace_older_ones_of_the_same_system(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import xla

    def one(low, pays=10.0):
        gain = {"median": low + 0.1, "low": low, "high": low + 0.2}
        return {"gain": gain, "longer_to_compile_seconds": 3.0, "pays_after_seconds": pays}

    path = tmp_path / "table.json"
    first = xla.merged(path, {"gan, convolutional": one(1.3), "vae, dense": one(0.9), "vae, convolutional": one(1.2)},
                       "command")
    assert first["faster"] == {"gan": ["convolutional"], "vae": ["convolutional"]}
    path.write_text(json.dumps(first))
    again = xla.merged(path, {"gan, convolutional": one(1.02), "vae, dense": one(1.3, pays=1000.0)}, "command")
    assert again["faster"] == {"vae": ["convolutional"]}
    assert again["measured"]["gan, convolutional"]["gain"]["low"] == 1.02


def test_the_kinds_of_networks_are_those_of_the_layers():
    kinds = {name: compiling.networks_of(zoo.tiny(name)) for name in ("vae", "musegan")}
    assert kinds == {"vae": "dense", "musegan": "convolutional"}
    model = dgm_zoo.create("vae", image_shape=(8, 8, 1), network="conv", latent_dim=2, seed=0)
    assert compiling.networks_of(model) == "convolutional"
