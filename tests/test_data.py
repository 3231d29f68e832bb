"""The data pipelines: splits, order, noise, resuming, and the sentence for each mistake."""

import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from dgm_zoo import data
from dgm_zoo.data.vectors import UCI_BINARY
from dgm_zoo.errors import InvalidInput

SPLITS = ("train", "validation", "test")
needs_tfds = pytest.mark.skipif(
    "TFDS_DATA_DIR" not in os.environ, reason="TFDS_DATA_DIR, the folder of prepared data sets, is unset"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data_dir in which digits prepares itself."""
    return str(tmp_path_factory.mktemp("tfds"))


@pytest.fixture
def digits(folder):
    return functools.partial(data.load, "digits", data_dir=folder)


def rows(dataset, count=None):
    """The first `count` batches (all by default) as one array, or a tuple of them."""
    batches = [b if isinstance(b, tuple) else (b,) for b in (dataset.take(count) if count else dataset)]
    columns = tuple(np.concatenate([x.numpy() for x in column]) for column in zip(*batches, strict=True))
    return columns if len(columns) > 1 else columns[0]


def hashes(x):
    return [hashlib.sha256(row.tobytes()).hexdigest() for row in x]


# What there is.


def test_the_registry_lists_and_describes_every_set(tmp_path):
    assert data.list_datasets() == [
        "bars", "binarized_mnist", "digits", "emoji/noto", "emoji/twemoji", "fashion_mnist", "freedoom_bands",
        "gaussian_mixtures/grid", "gaussian_mixtures/moons", "gaussian_mixtures/ring", "jsb_chorales", "mnist",
        "mnist_m", "mnist_textures", "omniglot",
        *(f"patterns/{name}" for name in ("four", "four_bits", "mixed", "sixteen", "sixteen_bits", "skewed")),
        "pianoroll", "textured_digits",
        *(f"uci_binary/{name}" for name in UCI_BINARY), "usps", "usps/16x16",
    ]
    for name in data.list_datasets():
        facts = data.info(name, data_dir=tmp_path)
        assert facts.name == name and set(facts.splits) == set(SPLITS) and facts.source and facts.licence
    assert data.info("binarized_mnist").num_classes is None
    assert data.info("digits").levels == 17
    assert not data.info("mnist", data_dir=tmp_path).prepared


def test_importing_the_room_imports_no_tensorflow():
    code = """
import sys, types
package = sys.modules["dgm_zoo"] = types.ModuleType("dgm_zoo")  # this room, not what the package pulls in
package.__path__ = [sys.argv[1]]
import dgm_zoo.data
dgm_zoo.data.info("mnist")
print({"tensorflow", "tensorflow_datasets", "sklearn"} & set(sys.modules))
"""
    root = pathlib.Path(data.__file__).parents[1]
    out = subprocess.run([sys.executable, "-c", code, root], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


# Digits.


def test_digits_matches_scikit_learn_in_order(digits):
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    parts = [rows(digits(split, 100, labels=True, shuffle=False)) for split in ("validation", "test")]
    for (x, y), (start, stop) in zip(parts, [(1293, 1437), (1437, 1797)], strict=True):
        np.testing.assert_array_equal(x, images[start:stop].reshape(-1, 8, 8, 1).astype("float32") / 16)
        np.testing.assert_array_equal(y, labels[start:stop])
    x, y = rows(digits("train", 1293, labels=True, shuffle=False))
    np.testing.assert_array_equal(np.round(x * 16).reshape(-1, 64), images[:1293])
    np.testing.assert_array_equal(y, labels[:1293])


def test_digits_splits_are_disjoint_and_have_the_stated_sizes(digits):
    parts = {split: hashes(rows(digits(split, 431, shuffle=False))) for split in SPLITS}
    assert {split: len(part) for split, part in parts.items()} == data.info("digits").splits
    for a, b in [("train", "validation"), ("train", "test"), ("validation", "test")]:
        assert not set(parts[a]) & set(parts[b])


def test_shapes_types_range_and_cardinality(digits):
    train = digits("train", 64, labels=True)
    assert train.cardinality() == 1293 // 64 == len(list(train))
    assert train.element_spec[0] == tf.TensorSpec((64, 8, 8, 1), tf.float32)
    assert train.element_spec[1] == tf.TensorSpec((64,), tf.int32)
    test = digits("test", 100)
    assert [len(x) for x in test] == [100, 100, 100, 60] and test.cardinality() == 4
    x = rows(test)
    assert x.dtype == np.float32 and x.min() == 0 and x.max() == 1
    assert digits("train", 64, first_epoch=0).cardinality() == tf.data.INFINITE_CARDINALITY


def test_digits_falls_back_when_the_folder_is_read_only(tmp_path, monkeypatch):
    closed, home = tmp_path / "closed", tmp_path / "home"
    closed.mkdir(mode=0o555)
    monkeypatch.setenv("TFDS_DATA_DIR", str(closed))
    monkeypatch.setenv("HOME", str(home))
    assert data.load("digits", "test", 360).cardinality() == 1
    assert not list(closed.iterdir()) and data.info("digits").prepared
    assert data.prepare("digits") == str(home / "tensorflow_datasets" / "digits" / "1.0.0")


def test_digits_survives_another_process_that_prepares_it_first(tmp_path, monkeypatch):
    rename, place = os.rename, str(tmp_path / "digits" / "1.0.0")

    def rename_after_the_other(source, target):
        if target == place:
            shutil.copytree(source, target)
        rename(source, target)

    monkeypatch.setattr(os, "rename", rename_after_the_other)
    assert data.prepare("digits", str(tmp_path)) == place
    assert os.listdir(tmp_path / "digits") == ["1.0.0"]
    assert data.load("digits", "test", 360, data_dir=str(tmp_path)).cardinality() == 1


def test_digits_is_prepared_silently(tmp_path, capfd):
    data.prepare("digits", str(tmp_path))
    assert capfd.readouterr() == ("", "")


# Bars.


def test_bars_have_their_stated_distribution(tmp_path):
    from scipy import stats

    from dgm_zoo.data.builders import bars

    images, chance = bars.distribution()
    assert len(images) == 30 and chance.sum() == pytest.approx(1)
    assert -(chance * np.log(chance)).sum() == pytest.approx(bars.ENTROPY)
    for split, size in data.info("bars").splits.items():
        x = rows(data.load("bars", split, 500, shuffle=False, data_dir=str(tmp_path)))
        assert x.shape == (size, 4, 4, 1)
        same = (x[:, None] == images[None]).all((2, 3, 4))
        assert same.any(1).all() and stats.chisquare(same.sum(0), chance * size).pvalue > 1e-3


# Binary vectors from a file.


def write_bits(folder, **changes):
    """nips.npz, of the published sizes but random bits."""
    rng = np.random.default_rng(0)
    *counts, bits = UCI_BINARY["nips"]
    arrays = {key: rng.integers(0, 2, (n, bits), np.uint8) for key, n in zip(KEYS, counts, strict=True)}
    folder.mkdir(exist_ok=True)
    np.savez(folder / "nips.npz", **{**arrays, **changes})
    return arrays


KEYS = ("train", "valid", "test")


@pytest.mark.parametrize("given", ["", "files"])
def test_binary_vectors_are_read_from_a_file_in_order(tmp_path, given):
    place = tmp_path / "sets" / "downloads" / "manual" / "uci_binary"
    place.parent.mkdir(parents=True)
    arrays = write_bits(tmp_path / given if given else place)
    sets = str(tmp_path / "sets")
    found = data.prepare("uci_binary/nips", sets, str(tmp_path / given) if given else None)
    assert found == os.path.join(sets, "uci_binary", "nips", "1.0.0")
    assert data.info("uci_binary/nips", sets).prepared and data.info("uci_binary/nips", sets).levels == 2
    for split, key in zip(SPLITS, KEYS, strict=True):
        x = rows(data.load("uci_binary/nips", split, 100, shuffle=False, data_dir=sets))
        assert x.dtype == np.float32
        np.testing.assert_array_equal(x, arrays[key])


def test_a_missing_file_is_named_with_the_command_that_takes_it(tmp_path):
    sets = str(tmp_path)
    for call in (data.prepare, lambda name, data_dir: data.load(name, "test", 1, data_dir=data_dir)):
        with pytest.raises(InvalidInput) as error:
            call("uci_binary/web", data_dir=sets)
        assert str(error.value).startswith(
            f"data set 'uci_binary/web' is read from web.npz, which is not in {sets}/downloads/manual/uci_binary; run "
            "'dgm-zoo data prepare uci_binary/web --manual_dir=FOLDER' with the folder that has it (splits of "
        ) and "\n" not in str(error.value)
    with pytest.raises(InvalidInput, match="manual_dir='x', but 'digits' is read from no file of yours; leave it out"):
        data.prepare("digits", sets, manual_dir="x")


NOT_BINARY = np.zeros((100, 500), np.uint8)
NOT_BINARY[7, 3] = 9


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"valid": NOT_BINARY}, "nips.npz': valid holds 9 in row 7; give zeros and ones"),
        ({"test": NOT_BINARY}, "nips.npz': test has shape [100, 500], but the published split [1240, 500]; give"),
        ({"train": NOT_BINARY[0]}, "nips.npz': train has shape [500], but the published split [400, 500]"),
    ],
)
def test_files_that_are_not_the_published_ones_are_refused(tmp_path, changes, sentence):
    write_bits(tmp_path / "files", **changes)
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        data.prepare("uci_binary/nips", str(tmp_path), str(tmp_path / "files"))
    assert not data.info("uci_binary/nips", str(tmp_path)).prepared
    (tmp_path / "files" / "nips.npz").write_bytes(b"PK no archive")
    with pytest.raises(InvalidInput, match="cannot be read .* give an .npz file with the arrays train, valid and test"):
        data.prepare("uci_binary/nips", str(tmp_path), str(tmp_path / "files"))
    np.savez(tmp_path / "files" / "nips.npz", train=NOT_BINARY)
    with pytest.raises(InvalidInput, match="cannot be read .* give an .npz file with the arrays train, valid and test"):
        data.prepare("uci_binary/nips", str(tmp_path), str(tmp_path / "files"))


@needs_tfds
@pytest.mark.parametrize(
    ("name", "ones"), [("adult", 0.113), ("connect4", 0.333), ("dna", 0.253), ("mushrooms", 0.187)]
)
def test_published_sets_have_the_published_share_of_ones(name, ones):
    if not data.info(f"uci_binary/{name}").prepared:
        pytest.skip(f"uci_binary/{name} is not prepared")
    x = rows(data.load(f"uci_binary/{name}", "train", 200, shuffle=False))
    assert x.shape == (UCI_BINARY[name][0], UCI_BINARY[name][-1])
    assert x.mean() == pytest.approx(ones, abs=5e-3)


# Order and resuming.


@pytest.mark.parametrize("options", [{}, {"binarize": "stochastic"}, {"dequantize": True}])
def test_a_stream_from_epoch_3_continues_the_stream_from_0(digits, options):
    steps = 1293 // 100
    whole, labels = rows(digits("train", 100, labels=True, first_epoch=0, seed=5, **options), 5 * steps)
    late, late_labels = rows(digits("train", 100, labels=True, first_epoch=3, seed=5, **options), 2 * steps)
    np.testing.assert_array_equal(late, whole[3 * steps * 100 :])
    np.testing.assert_array_equal(late_labels, labels[3 * steps * 100 :])


def test_the_nth_iteration_of_the_finite_set_is_epoch_n_of_the_stream(digits):
    options = {"binarize": "stochastic", "seed": 2}
    finite, steps = digits("train", 100, **options), 1293 // 100
    stream = rows(digits("train", 100, first_epoch=0, **options), 3 * steps).reshape(3, steps * 100, 8, 8, 1)
    epochs = [rows(finite) for _ in range(3)]
    np.testing.assert_array_equal(epochs, stream)
    assert not np.array_equal(epochs[0], epochs[1])


def test_order_depends_on_the_seed_alone(digits):
    a, b, c = (rows(digits("train", 64, seed=seed)) for seed in (1, 1, -1))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_an_epoch_is_a_permutation_and_labels_follow_their_images(digits):
    x, y = rows(digits("train", 431, labels=True))
    ordered_x, ordered_y = rows(digits("train", 431, labels=True, shuffle=False))
    label = dict(zip(hashes(ordered_x), ordered_y, strict=True))
    assert sorted(hashes(x)) == sorted(hashes(ordered_x)) and hashes(x) != hashes(ordered_x)
    assert [label[h] for h in hashes(x)] == list(y)


def test_permutations_are_uniform():
    x = np.arange(6, dtype=np.float32)[:, None] / 6
    order = rows(data.from_arrays(x, batch_size=6, first_epoch=0), 3000).reshape(3000, 6) * 6
    counts = np.array([[np.sum(np.round(order[:, place]) == row) for row in range(6)] for place in range(6)])
    assert np.abs(counts - 500).max() < 4.5 * np.sqrt(3000 * 5 / 36)


def test_shuffled_evaluation_keeps_all_rows(digits):
    x, y = rows(digits("test", 100, shuffle=True)), rows(digits("test", 100))
    assert sorted(hashes(x)) == sorted(hashes(y)) and not np.array_equal(x, y)


def test_nothing_depends_on_the_number_of_threads(digits):
    def with_threads(n):
        dataset = digits("train", 100, binarize="stochastic", first_epoch=4)
        options = tf.data.Options()
        options.threading.private_threadpool_size = n
        options.threading.max_intra_op_parallelism = n
        return rows(dataset.with_options(options), 30)

    np.testing.assert_array_equal(with_threads(1), with_threads(8))


def test_works_under_a_distribution_strategy(digits):
    plain = rows(digits("train", 64, binarize="stochastic", seed=3))
    strategy = tf.distribute.MirroredStrategy(["cpu:0"])
    with strategy.scope():
        dataset = strategy.experimental_distribute_dataset(digits("train", 64, binarize="stochastic", seed=3))
    np.testing.assert_array_equal(np.concatenate([x.numpy() for x in dataset]), plain)


def test_keras_fit_takes_both_forms(digits):
    import keras

    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(digits("train", 64, labels=True), epochs=2, verbose=0)
    stream = digits("train", 64, labels=True, first_epoch=2)
    history = model.fit(stream, initial_epoch=2, epochs=4, steps_per_epoch=20, verbose=0)
    assert history.epoch == [2, 3]


# Noise.


def grey(levels=256, count=4000):
    """uint8 [count, 16, 16, 1]: pixel i of every row has grey level i (mod levels)."""
    return np.tile((np.arange(256) % levels).astype(np.uint8).reshape(1, 16, 16, 1), (count, 1, 1, 1))


@pytest.mark.parametrize(
    ("split", "binarize"), [("train", "stochastic"), ("train", "fixed"), ("test", "stochastic")]
)
def test_binarised_means_are_within_four_sigma_of_the_pixels(split, binarize):
    x = rows(data.from_arrays(grey(), split=split, batch_size=500, binarize=binarize, seed=1))
    assert set(np.unique(x)) == {0, 1}
    p = np.arange(256) / 255
    error = x.reshape(4000, 256).mean(axis=0) - p
    assert np.all(np.abs(error) <= 4 * np.sqrt(p * (1 - p) / 4000))
    assert np.abs(error.mean()) < 4 * np.sqrt(np.sum(p * (1 - p)) / 4000) / 256
    np.testing.assert_array_equal(error[[0, 255]], 0)  # black and white are certain


def test_stochastic_is_fresh_each_epoch_and_fixed_is_not(digits):
    options = {"shuffle": False, "seed": 4}
    stochastic, fixed = (digits("train", 100, binarize=b, **options) for b in ("stochastic", "fixed"))
    assert not np.array_equal(rows(stochastic), rows(stochastic))
    np.testing.assert_array_equal(rows(fixed), rows(fixed))
    other = rows(digits("train", 100, binarize="fixed", shuffle=False, seed=5))
    assert not np.array_equal(rows(fixed), other)


def test_fixed_pixels_stay_with_their_image_when_shuffled(digits):
    ordered = rows(digits("train", 431, binarize="fixed", shuffle=False))
    dataset = digits("train", 431, binarize="fixed")
    assert sorted(hashes(rows(dataset))) == sorted(hashes(rows(dataset))) == sorted(hashes(ordered))


@pytest.mark.parametrize("options", [{"binarize": "stochastic"}, {"dequantize": True}])
def test_evaluation_noise_is_a_function_of_seed_and_row(options):
    x = grey(count=2100)
    full = data.from_arrays(x, split="test", batch_size=500, seed=3, **options)
    np.testing.assert_array_equal(rows(full), rows(full))
    few = data.from_arrays(x, split="test", batch_size=77, seed=3, limit=1500, **options)
    np.testing.assert_array_equal(rows(few), rows(full)[:1500])
    for other in ({"split": "test", "seed": 4}, {"split": "validation", "seed": 3}):
        assert not np.array_equal(rows(full), rows(data.from_arrays(x, batch_size=500, **other, **options)))


def test_threshold():
    x = rows(data.from_arrays(grey(count=2), split="test", batch_size=2, binarize="threshold"))
    np.testing.assert_array_equal(x, grey(count=2) > 127.5)


@pytest.mark.parametrize("levels", [2, 17, 256])
@pytest.mark.parametrize("split", ["train", "test"])
def test_dequantisation_inverts_by_floor_and_is_uniform_within(levels, split):
    x = grey(levels, 1000)
    options = {"levels": levels, "dequantize": True, "shuffle": False, "seed": 9}
    noisy = rows(data.from_arrays(x, split=split, batch_size=100, **options))
    assert noisy.min() >= 0 and noisy.max() < 1
    np.testing.assert_array_equal(np.floor(noisy * np.float32(levels)), x)
    u = noisy.astype(np.float64) * levels - x
    assert abs(u.mean() - 0.5) < 4 / np.sqrt(12 * u.size)
    assert np.abs(np.histogram(u, 10, (0, 1))[0] / u.size - 0.1).max() < 4.5 * np.sqrt(0.09 / u.size)


def test_dequantisation_of_rows_with_an_odd_number_of_values():
    x = np.full((5, 3), 7, np.uint8)
    noisy = rows(data.from_arrays(x, split="test", batch_size=5, levels=8, dequantize=True))
    np.testing.assert_array_equal(np.floor(noisy * 8), x)


# Arrays of one's own, sizes and limits.


def test_floats_and_uint8_give_the_same_batches():
    grey_levels = grey(count=50)
    a = rows(data.from_arrays(grey_levels, batch_size=10, binarize="stochastic"))
    b = rows(data.from_arrays(grey_levels.astype("float64") / 255, batch_size=10, binarize="stochastic"))
    np.testing.assert_array_equal(a, b)


def test_real_values_of_any_event_shape():
    points = np.array([[-3.0, 8.0], [0.5, 2.0]])
    dataset = data.from_arrays(points, [4, 5], split="test", batch_size=2, labels=True, levels=None)
    x, y = rows(dataset)
    np.testing.assert_array_equal(x, points)
    np.testing.assert_array_equal(y, [4, 5])


def test_area_resize_averages(digits):
    full, half = rows(digits("test", 360)), rows(digits("test", 360, image_size=(4, 4)))
    means = full.reshape(360, 4, 2, 4, 2, 1).mean(axis=(2, 4))
    assert half.shape == (360, 4, 4, 1) and np.abs(half - means).max() <= 0.5 / 255 + 1e-6
    floats = rows(data.from_arrays(full, split="test", batch_size=360, image_size=[4, 4]))
    np.testing.assert_allclose(floats, means, atol=1e-6)
    np.testing.assert_array_equal(rows(digits("test", 360, image_size=(8, 8))), full)


def test_limit_keeps_the_first_rows(digits):
    x, y = rows(digits("test", 100, limit=150, labels=True))
    full, labels = rows(digits("test", 100, labels=True))
    np.testing.assert_array_equal(x, full[:150])
    np.testing.assert_array_equal(y, labels[:150])


# Mistakes.

X = np.zeros((10, 4, 4, 1), np.float32)
BAD = X.copy()
BAD[6, 1, 1, 0] = np.nan
BAD[8] = np.inf


@pytest.mark.parametrize(
    ("x", "options", "sentence"),
    [
        (X, {"split": "valid"}, "unknown split 'valid'; did you mean 'validation'?"),
        (X, {"binarize": "stocastic"}, "unknown binarize 'stocastic'; did you mean 'stochastic'?"),
        (X, {"binarize": "fixed", "dequantize": True}, "exclude each other; give one of them"),
        (X, {"batch_size": 0}, "batch_size=0 is not a number of rows; give an integer of at least 1"),
        (X, {"batch_size": 2.0}, "batch_size=2.0 is not a number of rows"),
        (X, {"batch_size": 11}, "batch_size=11 is more than the 10 rows of 'train'; lower it"),
        (X, {"seed": 2**31}, "seed is 2147483648; give a whole number from -2**31 to 2**31 - 1"),
        (X, {"seed": 1.5}, "seed is 1.5; give a whole number"),
        (X, {"first_epoch": -1}, "first_epoch=-1 is not an epoch; give an integer of at least 0"),
        (X, {"first_epoch": 1, "split": "test"}, "first_epoch=1 is for 'train'; leave it out"),
        (X, {"limit": 11}, "limit=11 does not fit split 'train'; give 1 to 10"),
        (X, {"limit": 0}, "limit=0 does not fit split 'train'"),
        (X, {"labels": True}, "labels=True, but there are no labels here"),
        (X, {"y": np.zeros(9, int), "labels": True}, "of shape (9,); give integers of shape (10,)"),
        (X, {"y": np.zeros(10), "labels": True}, "y is float64 of shape (10,)"),
        (X, {"dequantize": True}, "dequantize=True needs uint8 grey levels, not float32"),
        (X, {"levels": None, "binarize": "fixed"}, "binarize and dequantize need pixels"),
        (X, {"image_size": 28}, "image_size=28 is not a size; give (height, width) in pixels"),
        (X, {"image_size": (0, 4)}, "image_size=(0, 4) is not a size"),
        (X[:, 0, 0], {"image_size": (4, 4)}, "needs images [N, H, W, C], not shape (10, 1)"),
        (X[:0], {}, "x has shape (0, 4, 4, 1); give at least one row"),
        (X.astype(complex), {}, "x is not an array of numbers; give bits, grey levels 0 to 255, or floats in [0, 1]"),
        (X + 255, {}, "x has values from 255 to 255, outside [0, 1]; divide by 255"),
        (X - 1, {}, "x has values from -1 to -1, outside [0, 1]; rescale"),
        (BAD, {}, "x holds NaN or infinite values, first in row 6; remove or correct that row"),
        (np.full((9, 2), 17, np.uint8), {"levels": 17}, "x has grey level 17 but levels=17; give"),
        (np.zeros((9, 2), np.uint8), {"levels": None}, "levels=None does not fit uint8 data; give 2 to 256"),
    ],
)
def test_each_mistake_has_its_sentence(x, options, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)) as error:
        data.from_arrays(x, **{"batch_size": 3, **options})
    assert "\n" not in str(error.value)


def test_names_that_do_not_exist(tmp_path):
    for function in (data.info, data.prepare, lambda name: data.load(name, "train", 1)):
        with pytest.raises(InvalidInput, match="unknown data set 'mnits'; did you mean 'mnist'?"):
            function("mnits")
    with pytest.raises(InvalidInput, match="unknown split 'dev'"):
        data.load("digits", "dev", 1)
    with pytest.raises(InvalidInput, match="labels=True, but 'binarized_mnist' has no labels"):
        data.load("binarized_mnist", "train", 1, labels=True)


def test_a_set_that_is_not_prepared_names_the_command(tmp_path):
    sentence = f"'mnist' is not prepared in {tmp_path}; run 'dgm-zoo data prepare mnist' once"
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        data.load("mnist", "train", 128, data_dir=tmp_path)


# Sets that TFDS has prepared.


@needs_tfds
@pytest.mark.exhaustive
def test_mnist_validation_is_the_end_of_train():
    import tensorflow_datasets as tfds

    stored = tfds.load("mnist", split="train[54990:]", batch_size=-1, download=False, shuffle_files=False)
    images, labels = stored["image"].numpy(), stored["label"].numpy()
    train, y = rows(data.load("mnist", "train", 5000, labels=True, shuffle=False))
    validation, y_validation = rows(data.load("mnist", "validation", 999, labels=True))
    assert len(train) == 55_000
    np.testing.assert_array_equal(np.round(train[-10:] * 255), images[:10])
    np.testing.assert_array_equal(np.round(validation * 255), images[10:])
    np.testing.assert_array_equal(np.concatenate([y[-10:], y_validation]), labels)


@needs_tfds
@pytest.mark.parametrize("name", ["mnist", "binarized_mnist", "omniglot"])
def test_test_splits_have_the_facts_that_info_states(name):
    facts = data.info(name)
    assert facts.prepared
    x = rows(data.load(name, "test", 1000))
    assert x.shape == (facts.splits["test"], *facts.image_shape)
    assert x.min() == 0 and x.max() == 1 and x.mean() < 0.2  # white ink on black
    if facts.levels == 2:
        assert set(np.unique(x)) == {0, 1}


@needs_tfds
def test_omniglot_is_inverted_and_area_averaged():
    import tensorflow_datasets as tfds

    stored = tfds.load("omniglot", split="train[17352:]", download=False, shuffle_files=False).take(20)
    ink = np.stack([255 - e["image"][..., 0] for e in tfds.as_numpy(stored)]) / 255
    weights = np.zeros((28, 105))  # each of 28 cells is 3.75 pixels wide
    for cell in range(28):
        for pixel in range(105):
            weights[cell, pixel] = max(0, min(pixel + 1, (cell + 1) * 3.75) - max(pixel, cell * 3.75)) / 3.75
    x, y = rows(data.load("omniglot", "validation", 20, labels=True, limit=20))
    np.testing.assert_allclose(x[..., 0], weights @ ink @ weights.T, atol=0.5 / 255 + 1e-4)
    assert y.tolist() == [int(e["label"]) for e in tfds.as_numpy(stored)]
    full = data.load("omniglot", "validation", 20, image_size=(105, 105), limit=20)
    np.testing.assert_allclose(rows(full)[..., 0], ink, atol=1e-6)
