"""Every preset that ships: small enough, loadable three ways, and its card's number measured again."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import sparing

from dgm_zoo import data, serving, training

PRESETS = serving.list_presets()
LIMIT, LIMIT_TOGETHER = 6 * 2**20, 80_000_000
KINDS = {"vae_digits", "gan_mnist", "svae_mnist", "symvae_mnist", "ada_mnist_usps", "classifier_digits"}


@pytest.mark.parametrize("name", PRESETS)
def test_is_small_enough(name):
    assert size(serving.preset_dir(name)) <= LIMIT


def test_all_together_are_small_enough():
    assert sum(size(serving.preset_dir(name)) for name in PRESETS) <= LIMIT_TOGETHER


def size(folder):
    """Bytes of the files in a folder and below."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


@pytest.mark.parametrize("name", [name for name in PRESETS if serving.read_metadata(name)["model"] == "musegan"])
def test_a_preset_of_music_has_samples_to_see_and_to_hear_beside_its_card(name):
    folder = Path(serving.preset_dir(name))
    card = (folder / "README.md").read_text(encoding="utf-8")
    for file in ("samples.png", "samples.mid"):
        assert (folder / file).stat().st_size > 100 and f"({file})" in card


def some(wanted, rows=4):
    """Values that an `Input` takes."""
    rng, (low, high) = np.random.default_rng(0), wanted.range or (-1, 1)
    if wanted.dtype == tf.int32:
        return rng.integers(low, high, (rows, *wanted.shape), endpoint=True, dtype="int32")
    values = rng.uniform(low, high, (rows, *wanted.shape)).astype("float32")
    return values.round() if wanted.binary else values


@pytest.mark.parametrize("name", sparing(PRESETS, KINDS))
def test_keras_model_and_saved_model_give_the_same_answers(name):
    model, served = serving.from_preset(name), tf.saved_model.load(str(serving.preset_dir(name)))
    assert isinstance(model, keras.Model)
    for endpoint, table in model.endpoints().items():
        inputs = {key: some(wanted) for key, wanted in table.inputs.items()}
        answers = served.signatures[endpoint](**{key: tf.constant(value) for key, value in inputs.items()})
        for key, value in model.answer(endpoint, **inputs).items():
            np.testing.assert_allclose(answers[key], value, atol=1e-3, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_the_number_on_the_card_is_measured_again(name):
    metadata = serving.read_metadata(name)
    config = training.resolve(metadata["config"])
    for needed in filter(None, (config.data.name, config.data.get("target"))):
        if not data.info(needed).prepared and needed != "digits":
            pytest.skip(f"data set '{needed}' is not prepared: set TFDS_DATA_DIR")
    model = serving.from_preset(name)
    model.compile()
    again = training.evaluate(model, config, verbose=0)
    for metric, card in metadata["metrics"].items():
        tolerance = card["stderr"] if card["stderr"] else 1e-3 * max(1.0, abs(card["value"]))
        assert abs(again[metric]["value"] - card["value"]) <= tolerance, metric
