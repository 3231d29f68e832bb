"""Every preset that ships: small enough, loadable three ways, and its card's number measured again."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from dgm_zoo import data, serving, training

PRESETS = serving.list_presets()
LIMIT = 6 * 2**20


@pytest.mark.parametrize("name", PRESETS)
def test_is_small_enough(name):
    folder = Path(serving.preset_dir(name))
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= LIMIT


@pytest.mark.parametrize("name", PRESETS)
def test_keras_model_and_saved_model_give_the_same_samples(name):
    model, served = serving.from_preset(name), tf.saved_model.load(str(serving.preset_dir(name)))
    assert isinstance(model, keras.Model)
    seeds = np.arange(4, dtype="int32")
    ours = model.answer("sample", seed=seeds)["x"]
    np.testing.assert_allclose(served.signatures["sample"](seed=tf.constant(seeds))["x"], ours, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_the_number_on_the_card_is_measured_again(name):
    metadata = serving.read_metadata(name)
    config = training.resolve(metadata["config"])
    if not data.info(config.data.name).prepared and config.data.name != "digits":
        pytest.skip(f"data set '{config.data.name}' is not prepared: set TFDS_DATA_DIR")
    model = serving.from_preset(name)
    model.compile()
    again = training.evaluate(model, config, verbose=0)
    for metric, card in metadata["metrics"].items():
        tolerance = card["stderr"] if card["stderr"] else 1e-3 * max(1.0, abs(card["value"]))
        assert abs(again[metric]["value"] - card["value"]) <= tolerance, metric
