"""Arrays and pipelines of a user's own: data sets registered by name, and `tf.data.Dataset`s."""

import sys

import numpy as np
import pytest
import tensorflow as tf

import dgm_zoo
from dgm_zoo import data, training
from dgm_zoo.cli.main import main
from dgm_zoo.data.own.registered import REGISTERED
from dgm_zoo.errors import InvalidInput

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (60, 6, 6, 1), np.uint8), np.arange(60) % 3
MODULE = """
import numpy as np

import dgm_zoo


def spots():
    rng = np.random.default_rng(0)
    return {"x": rng.integers(0, 256, (80, 6, 6, 1), np.uint8), "y": np.arange(80) % 2}


dgm_zoo.register_dataset("spots", spots, version="7")
"""


@pytest.fixture(autouse=True)
def as_before():
    before = dict(REGISTERED)
    yield
    REGISTERED.clear()
    REGISTERED.update(before)


def said(function, *args, **options):
    with pytest.raises(InvalidInput) as caught:
        function(*args, **options)
    return str(caught.value)


def test_a_registered_set_is_like_one_of_the_zoo():
    parts = {"x_train": X[:40], "y_train": Y[:40], "x_validation": X[40:50], "y_validation": Y[40:50],
             "x_test": X[50:], "y_test": Y[50:]}
    dgm_zoo.register_dataset("dots", lambda: parts, version="3")
    facts = data.info("dots")
    assert (facts.image_shape, facts.num_classes, facts.levels, facts.version) == ((6, 6, 1), 3, 256, "3")
    assert facts.splits == {"train": 40, "validation": 10, "test": 10} and "dots" in data.list_datasets()
    x, y = next(iter(data.load("dots", "test", 10, labels=True)))
    np.testing.assert_allclose(x, X[50:] / 255, atol=1e-6)
    np.testing.assert_array_equal(y, Y[50:])
    assert data.describe("dots")


def test_splits_are_carved_from_arrays_alone():
    dgm_zoo.register_dataset("alone", lambda: X)
    assert sum(data.info("alone").splits.values()) == 60 and data.info("alone").num_classes is None
    dgm_zoo.register_dataset("labelled", lambda: (X, Y))
    assert data.info("labelled").num_classes == 3


def test_names_and_arrays_that_do_not_suit_are_refused():
    for name in ("", 3, "folder:x", "npz", "mnist"):
        assert "\n" not in said(dgm_zoo.register_dataset, name, lambda: X)
    assert "give a function" in said(dgm_zoo.register_dataset, "mine", X)
    dgm_zoo.register_dataset("mine", lambda: {"images": X})
    assert "give x and perhaps y" in said(data.info, "mine")
    assert "exists already" in said(dgm_zoo.register_dataset, "mine", np.ones)
    assert "did you mean 'mine'" in said(data.info, "mina")


def test_a_config_imports_the_module_that_registers_its_data(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_spots.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    config = {
        "imports": ["my_spots"], "model": {"name": "vae", "latent_dim": 2, "hidden": [8]},
        "data": {"name": "spots", "batch_size": 10}, "train": {"epochs": 2}, "evaluate": {"num_samples": 3},
    }
    results = training.train(config, "run", verbose=0)
    assert results["dataset"] == {"name": "spots", "version": "7"}
    assert main(["sample", "--workdir=run", "--n=2", "--out=x.npy"]) == 0
    capsys.readouterr()
    sys.modules.pop("my_spots")


def test_a_pipeline_of_ones_own():
    both = tf.data.Dataset.from_tensor_slices((X, Y))
    for options in ({"labels": True}, {"split": "test"}, {"binarize": "stochastic", "seed": 3}):
        ours = list(data.from_dataset(both, batch_size=20, **options))
        theirs = list(data.from_arrays(X, Y, batch_size=20, **options))
        for one, other in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
            np.testing.assert_array_equal(one, other)
    alone = data.from_dataset(both.map(lambda x, y: x).batch(7).unbatch(), batch_size=20, split="test")
    assert sum(len(x) for x in alone) == 60


def test_pipelines_that_do_not_suit_are_refused():
    ones = tf.data.Dataset.from_tensor_slices(np.ones((4, 2), "float32"))
    for given, wanted in (
        (X, "give a tf.data.Dataset"), (ones.repeat(), "is infinite"), (ones.take(0), "no element"),
        (ones.map(lambda x: {"x": x}), "map it to x, or to (x, y)"), (ones.batch(2), "unbatch() first"),
        (ones.map(lambda x: (x, x, x)), "map it to x, or to (x, y)"),
    ):
        assert wanted in said(data.from_dataset, given, batch_size=2)


def test_the_three_doors_are_names_of_the_package():
    assert {"register_model", "register_dataset", "register_measure"} <= set(dgm_zoo.__all__)
    for name in ("register_model", "register_dataset", "register_measure"):
        assert callable(getattr(dgm_zoo, name))
