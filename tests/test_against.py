"""Samples judged by a user's own examples: arrays, folders, and features of her choice."""

import json

import keras
import numpy as np
import pytest
from test_own_data import CONFIG, paint, said

from dgm_zoo import metrics, training
from dgm_zoo.cli.main import main

RNG = np.random.default_rng(0)
REAL = RNG.integers(0, 256, (300, 6, 6, 3), dtype="uint8")
SAMPLES = RNG.random((200, 6, 6, 3)).astype("float32")
SCORES = {"frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage"}


def test_samples_are_compared_with_an_array_by_its_principal_components():
    found = metrics.sample_quality(SAMPLES, REAL)
    assert set(found) == SCORES
    assert "an array of 300 real; features of 64 principal components-" in found["frechet_distance"]["protocol"]
    same = metrics.sample_quality(REAL / np.float32(255), REAL)
    assert abs(same["frechet_distance"]["value"]) < 1e-3 and same["coverage"]["value"] == 1.0
    darker = metrics.sample_quality(0.5 * SAMPLES, REAL)
    assert darker["frechet_distance"]["value"] > 2 * found["frechet_distance"]["value"]


def test_vectors_are_compared_by_their_coordinates_and_features_by_a_function():
    points = RNG.normal(size=(100, 2))
    found = metrics.sample_quality(points + 1, points)["frechet_distance"]
    assert found["value"] == pytest.approx(2, abs=0.1)
    assert found["protocol"].endswith("an array of 100 real; coordinates")
    means = metrics.sample_quality(SAMPLES, REAL, lambda x: np.asarray(x).mean((1, 2)))
    assert means["frechet_distance"]["value"] == pytest.approx(0, abs=1e-2)
    cut = metrics.sample_quality((SAMPLES > 0.5).astype("float32"), REAL, threshold=True)
    assert "half grey" in cut["recall"]["protocol"]


def test_principal_components_are_those_of_numpy():
    seen = metrics.pca(SAMPLES, 5)
    features, none = seen.extract(SAMPLES)
    covariance = np.cov(SAMPLES.reshape(200, -1).T.astype(float))
    np.testing.assert_allclose(features.var(0, ddof=1), np.linalg.eigvalsh(covariance)[::-1][:5], rtol=1e-6)
    assert none is None and seen.name == metrics.pca(SAMPLES, 5).name != metrics.pca(SAMPLES, 6).name


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A network of `keras.applications`, and the file of its weights."""
    from keras.src.applications import mobilenet_v2

    def Tiny(weights="imagenet"):  # noqa: N802
        x = keras.Input((8, 8, 3))
        h = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, activation="relu")(x))
        model = keras.Model(x, keras.layers.Dense(5, activation="softmax")(h))
        if weights is not None:
            model.load_weights(weights)
        return model

    Tiny.__module__ = mobilenet_v2.__name__
    monkeypatch.setattr(keras.applications, "Tiny", Tiny, raising=False)
    Tiny(None).save_weights(tmp_path / "tiny.weights.h5")
    return str(tmp_path / "tiny.weights.h5")


def test_features_by_a_network_of_keras_applications(tiny):
    seen = metrics.keras_application("Tiny", tiny)
    features, probabilities = seen.extract(SAMPLES)
    assert features.shape == (200, 4) and np.allclose(probabilities.sum(1), 1, atol=1e-5)
    grey, _ = seen.extract(SAMPLES[..., :1])
    np.testing.assert_allclose(grey, seen.extract(np.repeat(SAMPLES[..., :1], 3, -1))[0], atol=1e-6)
    assert "inception_score" in metrics.sample_quality(SAMPLES, REAL, seen)


def test_arrays_and_features_that_do_not_suit_are_refused(tiny, tmp_path):
    judge = metrics.sample_quality
    assert said(judge, SAMPLES, REAL[:, :4]) == "samples have shape [6, 6, 3], but real examples [4, 6, 3]"
    assert said(judge, 2 * SAMPLES - 1, REAL).startswith("samples have values from -0.99")
    assert "x has values from 0 to 255, outside [0, 1]; divide by 255" in said(judge, SAMPLES, REAL.astype("float32"))
    assert said(judge, SAMPLES, REAL[:7]) == "7 real examples are too few; give at least 20"
    assert said(judge, SAMPLES[:5], REAL) == "5 samples are too few; give at least 20"
    assert "extracts no features" in said(judge, SAMPLES, REAL, 7)
    assert said(metrics.pca, SAMPLES, 500) == "components=500 does not suit (200, 6, 6, 3); give 1 to 108"
    assert "are of shape [6, 6, 3], not [3, 3, 3]" in said(metrics.pca(SAMPLES, 2).extract, SAMPLES[:, ::2, ::2])
    assert "did you mean 'ResNet50'" in said(metrics.keras_application, "Resnet50", tiny)
    assert said(metrics.keras_application, "Tiny", "none.h5") == (
        "there is no weights file 'none.h5' for Tiny; give the path of one with its top layer"
    )
    (tmp_path / "other.weights.h5").write_text("text")
    assert "the weights" in said(metrics.keras_application, "Tiny", str(tmp_path / "other.weights.h5"))
    seen = metrics.keras_application("Tiny", tiny)
    assert said(seen.extract, 3 * SAMPLES).startswith("Tiny sees images in [0, 1], not from")


# ------------------------------------------------------------------------------------------------------- a command


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The workdir of one epoch on a folder of 40 pictures, and that folder."""
    place = tmp_path_factory.mktemp("run")
    name = paint(place / "pictures", 40, (8, 8))
    config = {**CONFIG, "data": {"name": name, "batch_size": 4}, "train": {"epochs": 1}}
    training.train(config, place / "run", verbose=0)
    return place


def test_a_run_is_judged_by_a_folder(run, tiny, capsys):
    words = ["evaluate", f"--workdir={run / 'run'}", f"--against=folder:{run / 'pictures'}", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["metrics"]) == SCORES and found["split"] == "all"
    protocol = found["metrics"]["coverage"]["protocol"]
    assert "an array of 40 real" in protocol and protocol.endswith("folder:pictures, all splits")
    assert main([*words, "--split=train", f"--features=keras:Tiny:{tiny}"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "inception_score" in found["metrics"] and "features of Tiny-" in found["metrics"]["recall"]["protocol"]


def test_what_cannot_judge_is_refused(run, tmp_path, capsys):
    np.save(tmp_path / "points.npy", RNG.normal(size=(40, 2)))
    paint(tmp_path / "few", 9, (8, 8))
    source = f"--workdir={run / 'run'}"
    for words, sentence in {
        ("--against=foldr:x",): "unknown data set 'foldr:x'; did you mean 'folder:PATH'?",
        ("--against=folder:nowhere",): "there is no",
        (f"--against=npy:{tmp_path / 'points.npy'}",): "has examples of shape [2], but the model's have [8, 8, 3]",
        (f"--against=folder:{tmp_path / 'few'}",): "are too few to judge samples by; give at least 20",
        (f"--against=folder:{run / 'pictures'}", "--split=tests"): "unknown split 'tests'; did you mean 'test'?",
        (f"--against=folder:{run / 'pictures'}", "--features=vae_digits"): "preset 'vae_digits' is not a classifier",
        (f"--against=folder:{run / 'pictures'}", "--features=keras:Mobile:x"): "unknown network of keras.applications",
        ("--features=classifier_digits",): "--features=classifier_digits is for --against=NAME",
        ("--split=all",): "unknown held-out split 'all'",
    }.items():
        assert main(["evaluate", source, *words]) == 2
        error = capsys.readouterr().err.strip()
        assert sentence in error and "Traceback" not in error, words
