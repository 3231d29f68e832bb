"""Data of two domains: the sets that serve as domains, and pairs of sets as one pipeline."""

import dataclasses
import re

import numpy as np
import pytest
import tensorflow_datasets as tfds
from stand_ins import COLOURS, write_digits, write_photographs

from dgm_zoo import data
from dgm_zoo.data import sets
from dgm_zoo.data.builders import emoji, mnist_m, usps
from dgm_zoo.errors import InvalidInput

SPLITS = ("train", "validation", "test")


def rows(dataset):
    batches = [b if isinstance(b, tuple) else (b,) for b in dataset]
    columns = [np.concatenate([part.numpy() for part in column]) for column in zip(*batches, strict=True)]
    return columns if len(columns) > 1 else columns[0]


# ---------------------------------------------------------------------------------------------- the sets


def usps_arrays():
    rng = np.random.default_rng(0)
    arrays = {}
    for split, counts in usps.PER_CLASS.items():
        arrays[f"{split}_labels"] = rng.permutation(np.repeat(np.arange(10, dtype="uint8"), counts))
        arrays[f"{split}_images"] = rng.integers(0, 256, (sum(counts), 16, 16), dtype="uint8")
    return arrays


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data_dir with a `usps` of noise."""
    folder = tmp_path_factory.mktemp("sets")
    np.savez(folder / "usps.npz", **usps_arrays())
    data.prepare("usps", str(folder), str(folder))
    return str(folder)


def test_usps_keeps_its_order_and_its_last_tenth_validates(folder):
    arrays = usps_arrays()
    parts = {split: rows(data.load("usps/16x16", split, 6_562 if split == "train" else 729, labels=True, shuffle=False,
                                   data_dir=folder)) for split in SPLITS}
    for split, images, labels in (
        ("train", arrays["train_images"][:6_562], arrays["train_labels"][:6_562]),
        ("validation", arrays["train_images"][6_562:], arrays["train_labels"][6_562:]),
        ("test", arrays["test_images"], arrays["test_labels"]),
    ):
        np.testing.assert_array_equal(np.rint(parts[split][0][..., 0] * 255), images)
        np.testing.assert_array_equal(parts[split][1], labels)


def test_usps_is_enlarged_by_bilinear_interpolation(folder):
    assert data.info("usps", folder).prepared and data.info("usps/16x16", folder).prepared  # one is read from the other
    small, large = (rows(data.load(name, "test", 2_007, data_dir=folder)) for name in ("usps/16x16", "usps"))
    assert large.shape == (2_007, 28, 28, 1)
    place = np.clip((np.arange(28) + 0.5) * 16 / 28 - 0.5, 0, 15)  # of each pixel's centre among the small ones
    low = np.minimum(place.astype(int), 14)
    weights = np.zeros((28, 16))
    weights[np.arange(28), low], weights[np.arange(28), low + 1] = 1 - (place - low), place - low
    wanted = np.einsum("ai,nij,bj->nab", weights, small[:5, ..., 0], weights)
    np.testing.assert_allclose(large[:5, ..., 0], wanted, atol=0.51 / 255)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"test_images": np.zeros((2_007, 28, 28), "uint8")}, "test_images has shape [2007, 28, 28], but the pub"),
        ({"train_images": np.zeros((7_291, 16, 16), "float32")}, "train_images has dtype float32; give uint8 values"),
        ({"test_labels": np.zeros(2_007, "uint8")}, "test_labels has [2007, 0, 0, 0, 0, 0, 0, 0, 0, 0] digits of each"),
        ({"test_labels": None}, "give an .npz file with the arrays train_images, test_images, train_labels and test_l"),
    ],
)
def test_another_usps_is_refused(tmp_path, changes, sentence):
    arrays = {key: array for key, array in {**usps_arrays(), **changes}.items() if array is not None}
    np.savez(tmp_path / "usps.npz", **arrays)
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        data.prepare("usps", str(tmp_path / "sets"), str(tmp_path))


@pytest.mark.parametrize(("name", "file"), [("usps", "usps.npz"), ("mnist_m", "mnist_m_subset.npz")])
def test_a_missing_file_is_named_with_the_command(tmp_path, name, file):
    sentence = f"data set '{name}' is read from {file}, which is not in {tmp_path}/downloads/manual/{name}; run "
    with pytest.raises(InvalidInput, match=re.escape(f"{sentence}'dgm-zoo data prepare {name} --manual_dir=FOLDER'")):
        data.load(name, "test", 10, data_dir=str(tmp_path))


def test_mnist_m_says_that_it_is_a_subset_and_keeps_its_order(tmp_path, monkeypatch):
    assert "subset of 10,000" in data.info("mnist_m").source and "subset" in mnist_m.MnistM.__doc__
    monkeypatch.setattr(mnist_m, "SIZES", {"train": 30, "test": 10})
    small = dataclasses.replace(sets.SETS["mnist_m"], splits=sets._carved(20, 10, 10))
    monkeypatch.setitem(sets.SETS, "mnist_m", small)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 32, 32, 3), dtype="uint8")
    labels = rng.integers(0, 10, 40, dtype="uint8")
    np.savez(tmp_path / "mnist_m_subset.npz", train_images=images[:30], test_images=images[30:],
             train_labels=labels[:30], test_labels=labels[30:])
    data.prepare("mnist_m", str(tmp_path), str(tmp_path))
    for split, part in (("train", slice(0, 20)), ("validation", slice(20, 30)), ("test", slice(30, 40))):
        x, y = rows(data.load("mnist_m", split, 10, labels=True, shuffle=False, data_dir=str(tmp_path)))
        np.testing.assert_array_equal(np.rint(x * 255), images[part])
        np.testing.assert_array_equal(y, labels[part])


@pytest.fixture(scope="module")
def textures(tmp_path_factory):
    """A data_dir with a small `mnist_textures`: 40 examples to train, 20 to validate, 20 to test."""
    folder = tmp_path_factory.mktemp("textures")
    write_digits(folder)
    write_photographs(folder / "manual")
    small = dataclasses.replace(sets.SETS["mnist_textures"], splits=sets._carved(40, 20, 20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sets.SETS, "mnist_textures", small)
        data.prepare("mnist_textures", str(folder), str(folder / "manual"))
        yield str(folder)


def test_row_i_of_mnist_textures_is_row_i_of_mnist_on_a_photograph_of_its_split(textures):
    stored = {
        split: next(iter(tfds.load("mnist", split=part, data_dir=textures, download=False).batch(60)))
        for split, part in (("train", "train[:40]"), ("validation", "train[40:]"), ("test", "test"))
    }
    seen = {}
    for split, mnist in stored.items():
        x, y = rows(data.load("mnist_textures", split, 20, labels=True, shuffle=False, data_dir=textures))
        np.testing.assert_array_equal(y, mnist["label"])
        ink, x = mnist["image"].numpy()[..., 0] > 0, np.rint(x * 255)
        seen[split] = set()
        for digit, picture in zip(ink, x, strict=True):  # the stand-in photographs have one colour each
            ground = picture[~digit].mean(0)
            nearest = np.abs(COLOURS - ground).sum(-1).argmin()
            assert np.abs(picture[~digit] - COLOURS[nearest]).max() < 8
            assert np.abs(picture[digit] - (255 - COLOURS[nearest])).max() < 8
            seen[split].add(nearest)
    assert seen["train"] == {0, 1, 2, 4, 5, 6} and seen["test"] == {3, 7} and seen["validation"] <= seen["train"]


def test_emoji_prepare_themselves_with_pairs_in_the_test_split_only(tmp_path):
    archive = np.load(emoji.ARCHIVE)
    parts = {}
    for design in ("noto", "twemoji"):
        counts = data.info(f"emoji/{design}").splits
        for split in SPLITS:
            x = rows(data.load(f"emoji/{design}", split, counts[split], shuffle=False, data_dir=str(tmp_path)))
            assert x.shape == (counts[split], 32, 32, 3)
            parts[design, split] = np.rint(x * 255).astype("uint8")
        held_out = emoji.held_out(archive[f"{design}_base"])
        np.testing.assert_array_equal(parts[design, "validation"], archive[f"{design}_images"][held_out])
        np.testing.assert_array_equal(parts[design, "train"], archive[f"{design}_images"][~held_out])
        base = archive[f"{design}_base"]
        assert not set(base[held_out]) & set(base[~held_out])  # all skin tones of an emoji are in one split
    assert not set(archive["noto_base"]) & set(archive["twemoji_base"])
    noto, twemoji = (parts[design, "test"].astype("float32") for design in ("noto", "twemoji"))
    apart = np.array([np.abs(twemoji - one).mean((1, 2, 3)) for one in noto])
    assert round(float(np.diag(apart).mean()), 1) == 42.9  # the numbers of the docstring
    assert round(100 * float((apart.argmin(1) == np.arange(426)).mean()), 1) == 30.0


def test_the_emoji_are_shipped_with_their_licences():
    beside = emoji.ARCHIVE.parent
    notice = (beside / "NOTICE.txt").read_text()
    assert "Copyright 2020 Twitter, Inc and other contributors" in notice and "CC BY 4.0" in notice
    assert "Apache License" in (beside / "LICENSE-noto-apache-2.0.txt").read_text()
