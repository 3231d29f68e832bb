"""The classifier: what it learns, what dropout does and does not touch, its answers, and its network."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import SHAPE, images

from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.supervised.classifier import Classifier
from dgm_zoo.networks import dense
from dgm_zoo.networks.lenet import lenet
from dgm_zoo.training import load_config

CLASSES = 3


def classifier(seed=0, **given):
    keras.utils.set_random_seed(seed)
    return Classifier.create(SHAPE, **{"num_classes": CLASSES, "filters": (4, 8), "hidden": 16, "seed": seed, **given})


def linear(dropout=0.0):
    """A classifier of 2 values whose features are those values, doubled: hand-made, so that its answers are known."""
    trunk, head = dense((1, 2, 1), (2,), ()), dense((2,), (CLASSES,), ())
    trunk.set_weights([2 * np.eye(2, dtype="float32"), np.zeros(2, "float32")])
    head.set_weights([np.array([[1, 0, 0], [0, 1, 0]], "float32"), np.zeros(CLASSES, "float32")])
    return Classifier(trunk, head, dropout=dropout, seed=0)


# What it learns.


def test_it_learns_to_tell_bars_apart():
    model, (x, y) = classifier(), images(512)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(x, y, batch_size=32, epochs=6, verbose=0)
    held_out, label = images(256, seed=1)
    assert model.evaluate(held_out, label, return_dict=True, verbose=0)["accuracy"] > 0.95
    assert (model.classify(held_out)["probabilities"].argmax(1) == label).mean() > 0.95


def test_the_loss_is_the_cross_entropy_of_its_own_probabilities_and_the_accuracy_their_score():
    model, (x, y) = classifier(), images(40)
    model.compile("sgd")
    found = model.evaluate(tf.data.Dataset.from_tensor_slices((x, y)).batch(16), return_dict=True, verbose=0)
    p = model.classify(x)["probabilities"]
    np.testing.assert_allclose(found["loss"], -np.log(p[np.arange(40), y]).mean(), rtol=1e-5)
    np.testing.assert_allclose(found["accuracy"], (p.argmax(1) == y).mean(), rtol=1e-6)


def test_labels_are_needed_and_must_be_classes():
    model, (x, y) = classifier(), images(16)
    model.compile("sgd")
    with pytest.raises(InvalidInput, match="Classifier needs labels; give"):
        model.fit(x, verbose=0)
    with pytest.raises(InvalidInput, match=r"label has values from 3 to 5, outside \[0, 2\]"):
        model.fit(x, y + CLASSES, verbose=0)


# Dropout.


def test_dropout_keeps_the_stated_share_of_the_features_and_their_mean():
    model = linear(dropout=0.75)
    model.compile("sgd")
    x, y = np.full((4000, 1, 2, 1), 0.5, "float32"), np.zeros(4000, "int32")
    noise = model.noise(model.rng(x))
    assert noise.shape == (4000, 2)
    kept = np.asarray(noise >= 0.75)
    assert np.abs(kept.mean(0) - 0.25).max() < 4 * np.sqrt(0.25 * 0.75 / 4000)
    logits = np.pad(4.0 * kept, [(0, 0), (0, 1)])  # a feature of 1 that stays is worth 1 / (1 - 0.75)
    wanted = logits[:, 0] - np.log(np.exp(logits).sum(1))
    np.testing.assert_allclose(model.terms(x, (y,), noise)["log_q"], wanted, atol=1e-5)


def test_a_training_step_drops_features_and_evaluation_and_endpoints_do_not():
    logs = {}
    for dropout in (0.0, 0.5):
        model, (x, y) = classifier(dropout=dropout), images(64)
        model.compile(keras.optimizers.SGD(1e-9))
        logs[dropout] = (
            model.fit(x, y, batch_size=64, verbose=0).history["loss"][0],
            model.evaluate(x, y, return_dict=True, verbose=0)["loss"],
            model.features(x),
        )
    assert abs(logs[0.5][0] - logs[0.0][0]) > 1e-3
    np.testing.assert_allclose(logs[0.5][1], logs[0.0][1], rtol=1e-5)
    np.testing.assert_allclose(logs[0.5][2], logs[0.0][2], atol=1e-6)
    np.testing.assert_allclose(logs[0.0][0], logs[0.0][1], rtol=1e-5)


# Its answers.


def test_endpoints_give_the_features_the_logits_and_the_probabilities():
    model, x = linear(), np.array([[0.5, 0.0], [0.25, 1.0]], "float32").reshape(2, 1, 2, 1)
    logits = np.array([[1, 0, 0], [0.5, 2, 0]])
    assert set(model.endpoints()) == {"classify", "features"}
    np.testing.assert_allclose(model.features(x), logits[:, :2])
    np.testing.assert_allclose(model.classify(x)["logits"], logits)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(model.classify(x)["probabilities"], probabilities, rtol=1e-6)
    np.testing.assert_allclose(model(x), probabilities, rtol=1e-6)


def test_a_saved_classifier_answers_alike(tmp_path):
    model, (x, _) = classifier(dropout=0.25), images(8)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.features(x), model.features(x))
    assert loaded.dropout == 0.25 and loaded.num_classes == CLASSES


def test_images_outside_zero_to_one_are_refused():
    with pytest.raises(InvalidInput, match=r"features: x has values from 0 to 255, outside \[0, 1\]; rescale it"):
        classifier().features(255 * images(8)[0])


# What it is made of.


@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 8, 1), (28, 28, 1), (5, 30, 3), (32, 32, 3)])
def test_a_lenet_takes_images_from_4_pixels_on(shape):
    network = lenet(shape, (2, 3), 7)
    assert np.asarray(network(np.ones((2, *shape), "float32"))).shape == (2, 7)
    assert [layer.filters for layer in network.layers if isinstance(layer, keras.layers.Conv2D)] == [2, 3]


def test_without_padding_a_lenet_has_the_sizes_of_the_original():
    network = lenet((28, 28, 1), (20, 50), 500, padding="valid")
    assert network.get_layer("pool_1").output.shape[1:3] == (12, 12)
    assert network.get_layer("pool_2").output.shape[1:] == (4, 4, 50)
    assert lenet((16, 16, 1), (2, 3), 7, padding="valid").get_layer("pool_2").output.shape[1:3] == (1, 1)
    with pytest.raises(InvalidInput, match="of at least 16x16 pixels, with padding 'valid'"):
        lenet((15, 16, 1), (2, 3), 7, padding="valid")
    with pytest.raises(InvalidInput, match="unknown padding 'vaild'; did you mean 'valid'?"):
        lenet((28, 28, 1), padding="vaild")


def test_features_are_rectified():
    assert (np.asarray(classifier().features(images(64)[0])) >= 0).all()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"image_shape": (3, 8, 1)}, "image_shape (3, 8, 1) does not suit a LeNet; give (height, width, channels)"),
        ({"image_shape": (2,)}, "image_shape (2,) does not suit a LeNet"),
        ({"filters": (4,)}, "filters (4,) and hidden 256 must be two positive whole numbers and one"),
        ({"filters": 4}, "filters 4 and hidden 256 must be"),
        ({"hidden": 0}, "filters (32, 64) and hidden 0 must be"),
        ({"num_classes": 0}, "num_classes is 0; give a whole number of at least 1"),
        ({"dropout": 1.0}, "dropout is 1.0; give a probability from 0 to below 1"),
        ({"dropout": "half"}, "dropout is 'half'; give a probability"),
    ],
)
def test_what_does_not_suit_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)) as error:
        Classifier.create(**{"image_shape": (8, 8, 1), "num_classes": 10, **given})
    assert "\n" not in str(error.value)


def test_a_trunk_and_a_head_that_do_not_fit_are_both_named():
    with pytest.raises(InvalidInput, match=r"trunk's output has shape \(7,\), but the head's input has \(5,\)"):
        Classifier(lenet(SHAPE, (2, 3), 7), dense((5,), (CLASSES,), ()))


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist", "digits"])
def test_there_is_a_config_for_each_data_set(dataset, pytestconfig):
    config = load_config(pytestconfig.rootpath / f"configs/classifier_{dataset}.py")
    assert config.model.name == "classifier" and config.data.name == dataset
