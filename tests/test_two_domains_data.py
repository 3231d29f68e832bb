"""Data of two domains: the sets that serve as domains, and pairs of sets as one pipeline."""

import dataclasses
import re
import warnings

import numpy as np
import pytest
import tensorflow_datasets as tfds
from stand_ins import COLOURS, write_digits, write_photographs
from zoo import two_cpus

from dgm_zoo import data
from dgm_zoo.data import draws, sets
from dgm_zoo.data.builders import emoji, mnist_m, usps
from dgm_zoo.data.domains import check_classes
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
def test_a_missing_file_is_named_with_the_command(tmp_path, monkeypatch, name, file):
    monkeypatch.setenv("HOME", str(tmp_path))  # where a set that was prepared before would be found
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


@pytest.mark.exhaustive
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


# ---------------------------------------------------------------------------------------------- two as one pipeline


def domains(n=(50, 20), shape=(4, 4, 1), seed=0):
    """Two arrays whose rows can be told apart: the first pixel is the row's number, the second its domain."""
    rng = np.random.default_rng(seed)
    made = []
    for which, rows in enumerate(n):
        x = rng.random((rows, *shape)).astype("float32")
        x[:, 0, 0], x[:, 0, 1] = (np.arange(rows) / 1000)[:, None], which
        made.append(x)
    return made


def numbers(x):
    return np.rint(np.asarray(x)[:, 0, 0, 0] * 1000).astype(int)


def pair(*arrays, batch_size=10, **options):
    return data.pair_from_arrays(*(arrays or domains()), batch_size=batch_size, **options)


def batches(dataset, count=None):
    """The numbers of the rows of each batch, `[batches, 2, rows]`."""
    return np.array([[numbers(x) for x in xs] for xs, _ in (dataset if count is None else dataset.take(count))])


def test_a_batch_has_half_of_each_domain_with_its_own_labels():
    source, target = domains()
    y = np.arange(50) % 7
    dataset = pair(source, target, y)
    assert dataset.cardinality() == 10 == len(list(dataset))  # the larger domain: 50 rows, 5 in each batch
    for (x_s, x_t), (y_s, y_t) in dataset:
        assert x_s.shape == x_t.shape == (5, 4, 4, 1) and y_s.dtype == y_t.dtype == "int32"
        np.testing.assert_array_equal(x_s, source[numbers(x_s)])
        np.testing.assert_array_equal(x_t, target[numbers(x_t)])
        np.testing.assert_array_equal(y_s, y[numbers(x_s)])
        np.testing.assert_array_equal(y_t, [-1] * 5)


def test_an_epoch_is_one_pass_over_the_larger_domain_and_the_smaller_repeats_in_new_order():
    of_source, of_target = np.moveaxis(batches(pair(first_epoch=0), 20), 1, 0).reshape(2, 100)
    for epoch in range(2):
        assert sorted(of_source[50 * epoch : 50 * epoch + 50]) == list(range(50))
    passes = of_target.reshape(5, 20)  # five passes in two epochs: the third one spans both
    assert all(sorted(one) == list(range(20)) for one in passes)
    assert len({tuple(one) for one in passes}) == 5
    swapped = batches(data.pair_from_arrays(*domains((20, 50)), batch_size=10))
    assert sorted(swapped[:, 1].ravel()) == list(range(50))


def test_two_epochs_equal_one_and_one_resumed():
    whole = batches(pair(first_epoch=0), 20)
    np.testing.assert_array_equal(batches(pair(first_epoch=1), 10), whole[10:])
    again = pair()
    for epoch in range(2):  # the n-th iteration of the finite set is epoch n
        np.testing.assert_array_equal(batches(again), whole[10 * epoch : 10 * epoch + 10])
    assert not np.array_equal(whole, batches(pair(first_epoch=0, seed=1), 20))


def test_two_domains_of_the_same_rows_are_not_paired():
    source, target = domains((200, 200))
    drawn = batches(pair(source, target))
    assert (drawn[:, 0] == drawn[:, 1]).sum() < 10  # 1 of 200 expected


def test_every_replica_has_half_of_each_domain():
    strategy = two_cpus()
    seen = []
    dataset = pair(*domains(), np.arange(50), batch_size=20)
    for (x_s, x_t), (y_s, _) in strategy.experimental_distribute_dataset(dataset):
        for on_s, on_t, labels in zip(*map(strategy.experimental_local_results, (x_s, x_t, y_s)), strict=True):
            assert on_s.shape == on_t.shape == (5, 4, 4, 1)
            assert set(np.ravel(on_s[:, 0, 1])) == {0.0} and set(np.ravel(on_t[:, 0, 1])) == {1.0}
            np.testing.assert_array_equal(labels, numbers(on_s))
            seen.extend(numbers(on_s))
    assert sorted(seen) == list(range(50))


def test_held_out_splits_come_in_order_and_end_with_the_smaller_domain():
    drawn = [(xs, ys) for xs, ys in pair(split="test", batch_size=16)]
    for which in range(2):
        np.testing.assert_array_equal(np.concatenate([numbers(xs[which]) for xs, _ in drawn]), np.arange(20))
    assert [len(xs[0]) for xs, _ in drawn] == [8, 8, 4]


def test_limit_draws_rows_from_the_seed():
    y = np.arange(50) % 5
    kept = {seed: set(batches(pair(*domains(), y, limit=(15, 10), seed=seed))[:, 0].ravel()) for seed in (0, 1)}
    assert len(kept[0]) == len(kept[1]) == 15 and kept[0] != kept[1]
    source, target = domains((50, 40))
    dataset = pair(source, target, y, np.arange(40) % 4, limit=(15, 10), balanced=True, first_epoch=0)
    labels = [np.concatenate(parts) for parts in zip(*[ys for _, ys in dataset.take(30)], strict=True)]
    numbered = batches(dataset, 30)
    chosen = [set(numbered[:, which].ravel()) for which in range(2)]
    assert [len(one) for one in chosen] == [15, 10]
    assert np.bincount([row % 5 for row in chosen[0]]).tolist() == [3] * 5
    assert np.bincount([row % 4 for row in chosen[1]]).tolist() == [3, 3, 2, 2]
    np.testing.assert_array_equal(labels[0], numbered[:, 0].ravel() % 5)


def test_a_uniform_limit_takes_every_row_equally_often():
    taken = np.zeros(20)
    for seed in range(400):
        taken[draws.drawn_rows("target", 20, 5, seed=seed)] += 1
    assert np.abs(taken - 100).max() < 4 * np.sqrt(400 * 0.25 * 0.75)


def test_grey_becomes_colour_by_repetition_and_colour_grey_by_luma():
    rng = np.random.default_rng(0)
    grey, colour = rng.random((20, 4, 4, 1)).astype("float32"), rng.random((20, 4, 4, 3)).astype("float32")
    (x_s, x_t), _ = next(iter(pair(grey, colour, split="test", channels=3)))
    np.testing.assert_array_equal(x_s, np.repeat(grey[:5], 3, -1))
    np.testing.assert_array_equal(x_t, colour[:5])
    (x_s, x_t), _ = next(iter(pair(grey, colour, split="test", channels=1)))
    np.testing.assert_array_equal(x_s, grey[:5])
    np.testing.assert_allclose(x_t[..., 0], colour[:5] @ np.float32([0.2989, 0.587, 0.114]), atol=1e-6)


def test_sizes_and_ranges_are_brought_together():
    small, large = np.random.default_rng(0).random((2, 20, 8, 8, 1)).astype("float32")
    (x_s, x_t), _ = next(iter(pair(small[:, ::2, ::2], large, split="test", image_size=(4, 4))))
    np.testing.assert_array_equal(x_s, small[:5, ::2, ::2])
    np.testing.assert_allclose(x_t, large[:5].reshape(5, 4, 2, 4, 2, 1).mean((2, 4)), atol=1e-6)
    levels = np.rint(large * 255).astype("uint8")
    (x_s, x_t), _ = next(iter(pair(small * 2 - 1, levels, split="test", ranges=((-1, 1), None))))
    np.testing.assert_allclose(x_s, small[:5], atol=1e-6)
    np.testing.assert_allclose(x_t, levels[:5] / 255, atol=1e-7)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64"])
def test_integers_of_a_domain_mean_what_their_values_say(dtype):
    bits = np.random.default_rng(0).random((20, 8, 8, 1)) < 0.5
    (x_s, x_t), _ = next(iter(pair(bits.astype(dtype), bits.astype("float32"), split="test")))
    np.testing.assert_array_equal(x_s, bits[:5])
    np.testing.assert_array_equal(x_s, x_t)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda x: x + 1j, "source: x is not an array of numbers; give integers or floats"),
        (lambda x: x.astype(str), "source: x is not an array of numbers"),
        (lambda x: np.ma.masked_greater(x, 0.5), "source: x has masked values; fill them, or drop their rows"),
    ],
)
def test_arrays_of_a_domain_that_would_be_misread_are_refused_with_a_range_too(change, sentence):
    x = np.random.default_rng(0).random((20, 8, 8, 1)).astype("float32")
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        pair(change(x), x, ranges=((0, 1), None))


def test_unequal_numbers_of_classes_are_warned_of():
    with pytest.warns(UserWarning, match="the source 'mnist' has 10 classes and the target 'omniglot' 1,623: a class"):
        check_classes("mnist", "omniglot", (10, 1_623))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_classes("mnist", "usps", (10, 10))
        check_classes("mnist", "emoji/noto", (10, None))


def test_unequal_ranges_are_refused_and_opposite_polarity_is_warned_of():
    rng = np.random.default_rng(0)
    ink = (rng.random((40, 8, 8, 1)) < 0.2).astype("float32")
    sentence = r"source \(mean .*, 0 to 1\) and target \(mean [\d.]+, std [\d.]+, 0 to 0.00392\) have unequal"
    with pytest.raises(InvalidInput, match=sentence):
        pair(ink, ink.astype("uint8"), levels=256)  # zeros and ones where 0 to 255 are meant
    with pytest.raises(InvalidInput, match=re.escape("target: x has values from 0 to 255, outside [0, 1]")):
        pair(ink, ink * 255)
    with pytest.raises(InvalidInput, match="unequal ranges"):
        pair(ink * 2 - 1, ink, levels=None)
    with pytest.warns(UserWarning, match="opposite polarity"):
        pair(ink, 1 - ink)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pair(ink, (rng.random((40, 8, 8, 1)) < 0.5).astype("float32"))  # as MNIST beside MNIST-M
        pair(1 - ink, 1 - ink)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"batch_size": 9}, "batch_size must be even, half of it for each domain, got 9"),
        ({"batch_size": 42}, "batch_size=42 takes 21 rows of target, which has 20; lower it"),
        ({"limit": 15}, "limit must be a pair, (of source, of target), got 15"),
        ({"limit": (51, 20)}, "limit must be a whole number from 1 to the 50 rows of the source, got 51"),
        ({"balanced": "no"}, "balanced='no' is not a boolean; give True or False"),
        ({"balanced": True}, "balanced=True is for the rows that limit draws; give limit, or leave balanced out"),
        ({"limit": (20, 10), "balanced": True}, "balanced=True needs every row's label, but source has rows without"),
        ({"channels": 2}, "channels=2 does not suit source [4, 4, 1] and target [4, 4, 1]; give 1 or 3"),
        ({"ranges": ((1, 0), None)}, "source: its range must be (low, high) with low < high, got (1, 0)"),
        ({"split": "test", "first_epoch": 0}, "first_epoch=0 is for 'train'"),
    ],
)
def test_each_mistake_has_its_sentence(given, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        pair(**{"batch_size": 10, **given})


def test_domains_of_different_shapes_are_refused():
    for other, sentence in (
        ((20, 8, 8, 1), "source [4, 4, 1] and target [8, 8, 1] differ in size; give image_size=(4, 4), say"),
        ((20, 4, 4, 3), "source [4, 4, 1] and target [4, 4, 3] differ in channels; channels=3 repeats grey"),
        ((20, 4), "source [4, 4, 1] and target [4] differ in shape; give two domains of one shape"),
    ):
        with pytest.raises(InvalidInput, match=re.escape(sentence)):
            pair(domains()[0], np.random.default_rng(0).random(other))
    few = np.repeat([0, 1], [49, 1])
    with pytest.raises(InvalidInput, match=re.escape("takes 10 rows of each, but class 1 of the source has 1")):
        pair(*domains(), few, np.arange(20) % 2, limit=(20, 10), balanced=True)


@pytest.mark.filterwarnings("ignore:.*opposite polarity")  # of the stand-in photographs
def test_sets_of_the_zoo_make_a_pair(textures, tmp_path):
    dataset = data.load_pair("mnist_textures", "digits", 20, image_size=(8, 8), channels=1, data_dir=textures)
    (x_s, x_t), (y_s, y_t) = next(iter(dataset))
    assert x_s.shape == x_t.shape == (10, 8, 8, 1) and dataset.cardinality() == 129
    assert (y_s.numpy() >= 0).all() and (y_t.numpy() == -1).all()
    (_, x_t), (y_s, y_t) = next(iter(data.load_pair(
        "mnist_textures", "digits", 20, split="test", labels=(False, True), image_size=(8, 8), channels=1,
        data_dir=textures,
    )))
    test, labels = next(iter(data.load("digits", "test", 10, labels=True, data_dir=textures)))
    np.testing.assert_array_equal(x_t, test)
    np.testing.assert_array_equal(y_t, labels)
    assert (y_s.numpy() == -1).all()
    emoji_pair = data.load_pair("emoji/noto", "emoji/twemoji", 64, labels=(False, False), data_dir=str(tmp_path))
    assert emoji_pair.cardinality() == 1_559 // 32
    with pytest.raises(InvalidInput, match=re.escape("labels=(True, False), but 'emoji/noto' has no labels; set it")):
        data.load_pair("emoji/noto", "emoji/twemoji", 64, data_dir=str(tmp_path))
    with pytest.raises(InvalidInput, match=re.escape("'digits' [8, 8, 1] and 'emoji/noto' [32, 32, 3] differ in size")):
        data.load_pair("digits", "emoji/noto", 64, data_dir=str(tmp_path))
