"""The examples: models outside the package, on a folder of pictures, as their page walks through them."""

import json
import runpy
import shutil

import numpy as np
import pytest
from pages import ROOT, blocks, walk

from dgm_zoo import training
from dgm_zoo.core import registry

EXAMPLES = ROOT / "examples"
SHORT = ["--config.train.epochs=2", "--config.train.sample_every=1", "--config.evaluate.num_samples=2"]


@pytest.fixture
def copied(folder):
    """A folder with the examples and the pictures, as a user has it."""
    for path in EXAMPLES.glob("*.py"):
        shutil.copy(path, folder)
    runpy.run_path(str(folder / "shapes.py"), run_name="__main__")
    assert len(list((folder / "shapes").iterdir())) == 400
    return folder


def test_the_page_of_models_shows_the_example():
    code, = (block.code for block in blocks("add_a_model") if block.file == "wae.py")
    assert code == f"# wae.py\n{(EXAMPLES / 'wae.py').read_text()}"


def test_the_parts_of_the_tcvae_are_those_of_the_evidence_bound(copied):
    import keras
    import tensorflow as tf

    config = training.load_config("tcvae_shapes.py", ["model.beta=1.0"])
    model = training.build.build(config)
    model.compile(keras.optimizers.SGD(0.0))
    x = tf.constant(np.random.default_rng(0).random((8, 16, 16, 1)), tf.float32)
    terms = model.terms(x, (), model.posterior.noise(model.rng(x, training=False), None))
    parts = terms["mutual_information"] + terms["total_correlation"] + terms["dimensions_kl"]
    np.testing.assert_allclose(terms["objective"], terms["reconstruction"] - parts, rtol=1e-5)
    assert registry.MODELS["tcvae"] is type(model)


@pytest.mark.slow  # two minutes: two runs, one that goes on, and a sweep of four processes
def test_the_page_of_the_examples_runs(copied):
    names = walk("tutorials/your_research", {"train": SHORT, "sweep": SHORT})
    assert names["codes"].shape == (8, 4) and names["tcvae"].sample(2, seed=0).shape == (2, 16, 16, 1)
    assert (copied / "wae.png").is_file() and (copied / "runs" / "wae" / "progress" / "epoch_000002.png").is_file()
    found = json.loads((copied / "runs" / "sweep" / "comparison.json").read_text())
    assert [(row["label"], row["finished"]) for row in found["rows"]] == [("model.beta=1", 2), ("model.beta=6", 2)]
    assert (copied / "runs" / "compared" / "comparison.png").is_file()
