"""The points in the plane: what each configuration draws, how it is read, and what it refuses."""

import dataclasses
import functools
import re

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from dgm_zoo import data
from dgm_zoo.data.builders import gaussian_mixtures
from dgm_zoo.errors import InvalidInput

NAMES = ["gaussian_mixtures/grid", "gaussian_mixtures/moons", "gaussian_mixtures/ring"]
MIXTURES = {"gaussian_mixtures/grid": 25, "gaussian_mixtures/ring": 8}


@functools.cache
def drawn(name, split):
    """What the builder draws for a split, without writing it: points `[n, 2]` and labels `[n]`."""
    builder = gaussian_mixtures.GaussianMixtures(config=name.split("/")[1], data_dir="/nowhere")
    examples = [example for _, example in builder._generate_examples(split)]
    return np.stack([e["point"] for e in examples]), np.array([e["label"] for e in examples])


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    """`data.load` of the ring, which prepares itself in a folder of its own."""
    return functools.partial(data.load, "gaussian_mixtures/ring", data_dir=str(tmp_path_factory.mktemp("tfds")))


def rows(dataset):
    columns = zip(*(batch if isinstance(batch, tuple) else (batch,) for batch in dataset), strict=True)
    columns = [np.concatenate([x.numpy() for x in column]) for column in columns]
    return columns if len(columns) > 1 else columns[0]


# What is drawn.


@pytest.mark.parametrize(("name", "modes"), MIXTURES.items())
def test_a_mixtures_points_lie_about_the_modes_that_info_states(name, modes):
    facts = data.info(name)
    centres, stddev = np.array(facts.modes.centres), facts.modes.stddev
    assert centres.shape == (modes, 2) and facts.num_classes == modes
    x, y = drawn(name, "train")
    off = (x - centres[y]) / stddev
    assert np.abs(off.mean(0)).max() < 4 / np.sqrt(len(x))
    assert np.abs(np.cov(off.T) - np.eye(2)).max() < 4 * np.sqrt(2 / len(x))
    counts = np.bincount(y, minlength=modes)
    assert ((counts - len(x) / modes) ** 2).sum() / (len(x) / modes) < modes - 1 + 4 * np.sqrt(2 * (modes - 1))
    gaps = np.linalg.norm(centres[:, None] - centres, axis=-1)[~np.eye(modes, dtype=bool)]
    assert gaps.min() > 6 * stddev  # no sample is within 3 standard deviations of two modes


def test_grid_and_ring_have_the_shapes_that_they_are_named_after():
    grid = sorted(data.info("gaussian_mixtures/grid").modes.centres)
    assert grid == [(x, y) for x in (-1, -0.5, 0, 0.5, 1) for y in (-1, -0.5, 0, 0.5, 1)]
    ring = np.array(data.info("gaussian_mixtures/ring").modes.centres)
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 1)
    np.testing.assert_allclose(np.diff(np.unwrap(np.arctan2(ring[:, 1], ring[:, 0]))), np.pi / 4)


def test_moons_are_two_half_circles_about_the_origin_and_have_no_modes():
    from sklearn.datasets import make_moons

    x, y = drawn("gaussian_mixtures/moons", "train")
    assert data.info("gaussian_mixtures/moons").modes is None and set(y) == {0, 1}
    curve, side = make_moons(1000, noise=None)
    for label in (0, 1):
        distance = np.linalg.norm(x[y == label][:500, None] - (curve[side == label] - [0.5, 0.25]), axis=-1).min(1)
        assert 0.8 * 0.05 < np.sqrt(np.mean(distance**2)) < 1.2 * 0.05  # off the curve in one direction
    assert np.abs(x.mean(0)).max() < 0.05


@pytest.mark.parametrize("name", NAMES)
def test_splits_are_disjoint_and_have_the_stated_sizes(name):
    parts = {split: drawn(name, split)[0] for split in ("train", "validation", "test")}
    assert {split: len(x) for split, x in parts.items()} == data.info(name).splits
    seen = [row.tobytes() for x in parts.values() for row in x]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("name", "point", "label"),
    [
        ("gaussian_mixtures/grid", (0.9898074, 0.5290642), 23),
        ("gaussian_mixtures/moons", (0.0582603, -0.6899729), 1),
        ("gaussian_mixtures/ring", (-0.7047125, -0.7177906), 5),
    ],
)
def test_the_points_are_the_same_everywhere(name, point, label):
    x, y = drawn(name, "test")
    np.testing.assert_allclose(x[0], point, atol=1e-6)
    assert y[0] == label


# How it is read.


def test_load_gives_what_the_builder_draws(ring):
    x, y = rows(ring("test", 1000, labels=True))
    points, labels = drawn("gaussian_mixtures/ring", "test")
    np.testing.assert_array_equal(x, points)
    np.testing.assert_array_equal(y, labels)


def test_shapes_and_types(ring):
    train = ring("train", 64, labels=True)
    assert train.element_spec[0] == tf.TensorSpec((64, 2), tf.float32)
    assert train.element_spec[1] == tf.TensorSpec((64,), tf.int32)
    assert train.cardinality() == 10_000 // 64
    assert data.info("gaussian_mixtures/ring").image_shape == (2,)
    assert data.info("gaussian_mixtures/ring").levels is None


def test_training_is_shuffled_by_the_seed_and_resumes(ring):
    one, two, other = (rows(ring("train", 100, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    whole = rows(ring("train", 1000, first_epoch=0).take(20))
    np.testing.assert_array_equal(rows(ring("train", 1000, first_epoch=1).take(10)), whole[10_000:])


def test_it_prepares_itself_under_its_configurations_name(ring):
    ring("test", 1000)
    folder = data.prepare("gaussian_mixtures/ring", ring.keywords["data_dir"])
    assert folder.endswith("/gaussian_mixtures/ring/1.0.0")
    builder = tfds.builder_from_directory(folder)
    assert builder.name == "gaussian_mixtures" and builder.info.features["label"].num_classes == 8
    assert data.info("gaussian_mixtures/ring", ring.keywords["data_dir"]).prepared


def test_every_configuration_is_listed_and_described_in_plain_values():
    assert [name for name in data.list_datasets() if name.startswith("gaussian")] == NAMES
    for name in NAMES:
        facts = dataclasses.asdict(data.info(name))
        assert facts["source"] and facts["licence"] and set(facts["splits"]) == {"train", "validation", "test"}
    assert dataclasses.asdict(data.info("gaussian_mixtures/ring"))["modes"]["stddev"] == 0.01


# What it refuses.


@pytest.mark.parametrize(
    "option", [{"binarize": "stochastic"}, {"dequantize": True}, {"image_size": (8, 8)}], ids=lambda o: next(iter(o))
)
def test_options_for_images_are_refused_before_anything_is_prepared(option, tmp_path):
    (name, value), = option.items()
    sentence = f"{name}={value!r} is for images, but 'gaussian_mixtures/moons' holds points; leave it out"
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        data.load("gaussian_mixtures/moons", "train", 100, data_dir=str(tmp_path), **option)
    assert not list(tmp_path.iterdir())


def test_the_name_without_a_configuration_is_answered_with_one():
    with pytest.raises(InvalidInput, match="unknown data set 'gaussian_mixtures'; did you mean 'gaussian_mixtures/"):
        data.info("gaussian_mixtures")


# What a model of them draws.


def test_a_vae_draws_points_with_the_noise_of_its_likelihood():
    import dgm_zoo
    from dgm_zoo import distributions

    stddev = 0.3
    model = dgm_zoo.create(
        "vae", image_shape=(2,), latent_dim=2, hidden=[8], seed=0,
        likelihood=distributions.IndependentNormal((2,), stddev=stddev),
    )
    means, drawn = model.sample(2000, seed=3), model.draw(2000, seed=3)
    noise = (drawn - means) / stddev  # of the same z
    assert np.abs(noise.mean(0)).max() < 4 / np.sqrt(2000)
    assert np.abs(np.cov(noise.T) - np.eye(2)).max() < 4 * np.sqrt(2 / 2000)
    np.testing.assert_allclose(model.draw(10, seed=3), drawn[:10], atol=1e-6)
    with pytest.raises(InvalidInput, match="n is 0"):
        model.draw(0)
