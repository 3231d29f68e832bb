"""A user's own files as data sets: folders of images, NumPy's files, tables, and sets that TFDS prepared."""

import errno
import json
import os

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from dgm_zoo import data, serving, training
from dgm_zoo.cli.main import main
from dgm_zoo.data import sets
from dgm_zoo.data.own import making, short_name
from dgm_zoo.data.reading import read_split
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training.build import build
from dgm_zoo.training.checkpoints import Checkpoints

SPLITS = ("train", "validation", "test")
CONFIG = {
    "model": {"name": "vae", "latent_dim": 2, "hidden": [8], "likelihood": "IndependentLogistic"},
    "data": {"name": "folder", "path": "pictures", "batch_size": 4},
    "train": {"epochs": 2, "checkpoint_seconds": 0.0}, "evaluate": {"num_samples": 2, "batch_size": 8},
}


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array, np.uint8)).save(path)


def paint(folder, n=24, size=(16, 16), classes=("ants", "bees"), channels=3):
    """Writes n images of one grey level each, 5 times its number, in turn in the subfolders of the classes."""
    for i in range(n):
        shape = size if channels == 1 else (*size, channels)
        write(folder / (classes[i % len(classes)] if classes else "") / f"{i:03d}.png", np.full(shape, 5 * i))
    return f"folder:{folder}"


def rows(name, split, image_size=None, channels=None):
    """The stored rows of a split, and their labels."""
    return read_split(name, split, "", image_size, channels)[:2]


def levels_of(name):
    """The grey level of each image of each split."""
    return {split: rows(name, split)[0][:, 0, 0, 0].tolist() for split in SPLITS}


def said(call, *arguments, **options):
    with pytest.raises(InvalidInput) as caught:
        call(*arguments, **options)
    return str(caught.value)


# -------------------------------------------------------------------------------------------------------- folders


def test_a_folder_has_the_facts_of_a_set(tmp_path):
    name = paint(tmp_path)
    facts = data.info(name)
    assert facts.image_shape == (16, 16, 3) and facts.num_classes == 2 and facts.levels == 256 and facts.prepared
    assert sum(facts.splits.values()) == 24 and min(facts.splits.values()) >= 1 and facts.licence == "yours"
    assert data.info("folder:" + os.path.relpath(tmp_path)).name == name
    found = levels_of(name)
    assert sorted(sum(found.values(), [])) == [5 * i for i in range(24)]
    x, y = rows(name, "train")
    assert (x[:, 0, 0, 0] // 5 % 2).tolist() == y.tolist()
    assert sum(data.class_shares(name)) == pytest.approx(1)


def test_the_same_folder_by_path_and_by_name_gives_the_same_batches(tmp_path):
    name = paint(tmp_path)
    one, other = (list(data.load(*given, batch_size=4, seed=3, **path)) for given, path in (
        ((name, "train"), {}), (("folder", "train"), {"path": tmp_path})))
    assert len(one) == data.info(name).splits["train"] // 4
    np.testing.assert_array_equal(one, other)
    different = list(data.load(name, "train", 4, seed=4))
    assert np.any(np.asarray(one) != np.asarray(different))


def test_a_row_stays_in_its_split_when_rows_are_added():
    def named(n):
        parts = making.carved([f"{i}.png" for i in range(n)], ["validation", "test"])
        return {split: {i for i in rows if i < 500} for split, rows in parts.items()}

    assert named(500) == named(501) == named(2_000)


def test_a_tenth_of_the_rows_is_held_out_twice():
    parts = making.carved([str(i) for i in range(20_000)], ["validation", "test"])
    assert all(abs(len(parts[split]) - 2_000) < 4 * np.sqrt(1_800) for split in ("validation", "test"))
    assert sorted(np.concatenate(list(parts.values()))) == list(range(20_000))
    for n in range(3, 120):  # of few rows, too, each split has at least one, and a tenth
        parts = making.carved([f"{n}/{i}" for i in range(n)], ["validation", "test"])
        assert min(map(len, parts.values())) >= max(1, min(n // 10, 10))
        assert sorted(np.concatenate(list(parts.values()))) == list(range(n))


def test_subfolders_are_splits_and_classes(tmp_path):
    for split, levels in (("train", range(0, 20)), ("test", range(30, 34))):
        for level in levels:
            write(tmp_path / split / ("even", "odd")[level % 2] / f"{level}.jpg", np.full((8, 8), level))
    name = f"folder:{tmp_path}"
    facts = data.info(name)
    assert facts.splits["test"] == 4 and facts.splits["train"] + facts.splits["validation"] == 20
    assert facts.image_shape == (8, 8, 1) and sorted(levels_of(name)["test"]) == [30, 31, 32, 33]
    write(tmp_path / "val" / "even" / "1.png", np.zeros((8, 8)))
    assert "unknown split beside the subfolder 'train' 'val'" in said(data.info, name)


def test_classes_by_a_csv_sorted_as_numbers_and_missing_ones(tmp_path):
    name = paint(tmp_path, 12, (4, 4), classes=())
    assert data.info(name).num_classes is None
    lines = [f"{i:03d}.png,{['10', '9', ''][i % 3]}" for i in range(12)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *lines]))
    assert data.info(name).num_classes == 2
    for split in SPLITS:
        x, y = rows(name, split)
        assert [[1, 0, -1][level // 5 % 3] for level in x[:, 0, 0, 0]] == y.tolist()
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *lines[1:]]))
    assert "has no line for '000.png'" in said(data.info, name)
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *lines, "x.png,9"]))
    assert "names 'x.png' in line 14" in said(data.info, name)


def test_images_of_several_sizes_are_cropped_and_averaged(tmp_path):
    name = paint(tmp_path, 6, (4, 4), channels=1)
    wide = np.zeros((4, 8))
    wide[:, 2:6] = np.repeat([[10, 20, 30, 40]], 4, axis=0)  # the centred square; the rest is cut off
    write(tmp_path / "ants" / "wide.png", wide)
    assert data.info(name).image_shape == (None, None, 1)
    assert said(data.load, name, "train", 2) == (
        f"the images of '{name}' have 2 sizes, from 4x4 to 4x8; give image_size=(height, width)"
    )
    images = np.concatenate([rows(name, split, (2, 2))[0] for split in SPLITS])
    assert any(x[..., 0].tolist() == [[15, 35], [15, 35]] for x in images)


def test_orientation_transparency_and_channels(tmp_path):
    turned = Image.fromarray(np.arange(32, dtype="uint8").reshape(4, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the picture is 8 high and 4 wide
    for i in range(3):
        turned.save(tmp_path / f"{i}.png", exif=exif)
    name = f"folder:{tmp_path}"
    assert data.info(name).image_shape == (8, 4, 1)
    np.testing.assert_array_equal(rows(name, "test")[0][0, :, :, 0], np.rot90(np.asarray(turned), -1))
    assert data.load(name, "test", 1, channels=3).element_spec.shape == (None, 8, 4, 3)
    clear = tmp_path / "clear"
    for i in range(3):
        write(clear / f"{i}.png", np.zeros((2, 2, 4)))
    assert rows(f"folder:{clear}", "test")[0].min() == 255  # transparent is white
    grey, _ = rows(f"folder:{clear}", "test", channels=1)
    assert grey.shape == (1, 2, 2, 1) and grey.min() == 255


def test_changed_files_are_read_again(tmp_path):
    name = paint(tmp_path, 10, (2, 2), channels=1)
    before, version = levels_of(name), data.info(name).version
    write(tmp_path / "ants" / "000.png", np.full((2, 2), 77))
    os.utime(tmp_path / "ants" / "000.png", ns=(1, 1))
    after = levels_of(name)
    assert data.info(name).version != version and 77 in sum(after.values(), []) and 77 not in sum(before.values(), [])


# -------------------------------------------------------------------------------------------- arrays, tables, TFDS


def test_arrays_of_a_file(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 6, 5), "uint8"), rng.integers(0, 3, 40)
    np.savez(tmp_path / "keras.npz", x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:, None])
    name = f"npz:{tmp_path / 'keras.npz'}"
    facts = data.info(name)
    assert facts.image_shape == (6, 5, 1) and facts.num_classes == 3 and facts.splits["test"] == 10
    assert facts.splits["train"] + facts.splits["validation"] == 30
    test, labels = rows(name, "test")
    np.testing.assert_array_equal(test[..., 0], x[30:])
    np.testing.assert_array_equal(labels, y[30:])
    np.save(tmp_path / "bits.npy", x > 127)
    assert data.info(f"npy:{tmp_path / 'bits.npy'}").levels == 2
    np.save(tmp_path / "points.npy", rng.normal(size=(20, 3)))
    facts = data.info(f"npy:{tmp_path / 'points.npy'}")
    assert facts.image_shape == (3,) and facts.levels is None and facts.num_classes is None


def test_a_table(tmp_path):
    file = tmp_path / "table.csv"
    lines = [f"{i},{['b', 'a'][i % 2]},{i / 10}" for i in range(30)]
    file.write_text("\n".join(["age,Class,height", *lines, ""]))
    facts = data.info(f"csv:{file}")
    assert facts.image_shape == (2,) and facts.num_classes == 2 and facts.levels is None
    x, y = rows(f"csv:{file}", "train")
    np.testing.assert_array_equal(y, 1 - x[:, 0] % 2)
    np.testing.assert_allclose(x[:, 0], 10 * x[:, 1], rtol=1e-6)
    file.write_text("\n".join(["a,b", *["0,1", "1,1"] * 5]))
    assert data.info(f"csv:{file}").levels == 2


def examples(file, images, labels=(), image="image/encoded", label="image/class/label"):
    """Writes a TFRecord file of images, uint8 `[n, H, W, C]`, as PNG."""
    with tf.io.TFRecordWriter(str(file)) as out:
        for i, x in enumerate(images):
            encoded = tf.io.encode_png(x).numpy()
            features = {image: tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded])),
                        "image/height": tf.train.Feature(int64_list=tf.train.Int64List(value=[len(x)]))}
            if i < len(labels):
                features[label] = tf.train.Feature(int64_list=tf.train.Int64List(value=[labels[i]]))
            out.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def test_tfrecord_files(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (30, 4, 6, 3), np.uint8), np.arange(30) % 3
    (tmp_path / "shards").mkdir()
    for i in range(2):
        examples(tmp_path / "shards" / f"train-{i:05d}-of-00002.tfrecord", x[10 * i : 10 * i + 10], y[10 * i :])
    examples(tmp_path / "shards" / "test.tfrecords", x[20:], y[20:])
    name = f"tfrecord:{tmp_path / 'shards'}"
    facts = data.info(name)
    assert (facts.image_shape, facts.num_classes, facts.levels) == ((4, 6, 3), 3, 256)
    assert facts.splits == {"train": 18, "validation": 2, "test": 10}  # a tenth of train
    got, labels = next(iter(data.load(name, "test", 10, labels=True)))
    np.testing.assert_array_equal(np.rint(255 * got), x[20:])
    np.testing.assert_array_equal(labels, y[20:])
    for options in ({}, {"image_size": (2, 3)}, {"channels": 1}):
        inside, outside = (
            list(data.load(name, "train", 5, seed=1, in_memory=kept, **options)) for kept in (True, False)
        )
        np.testing.assert_array_equal(np.concatenate(inside), np.concatenate(outside))
    examples(tmp_path / "one.tfrecord", x[..., :1])
    facts = data.info(f"tfrecord:{tmp_path / 'one.tfrecord'}")  # one file, grey, without labels
    assert (facts.image_shape, facts.num_classes, sum(facts.splits.values())) == ((4, 6, 1), None, 30)
    assert data.info(f"numpy:{saved(tmp_path / 'x.npy', x)}").image_shape == (4, 6, 3)


def saved(path, x):
    np.save(path, x)
    return path


def test_tfrecord_files_that_do_not_suit(tmp_path):
    x = np.zeros((6, 4, 4, 1), np.uint8)
    examples(tmp_path / "cut.tfrecord", x)
    (tmp_path / "cut.tfrecord").write_bytes((tmp_path / "cut.tfrecord").read_bytes()[:-9])
    (tmp_path / "text.tfrecord").write_text("no records")
    (tmp_path / "none.tfrecord").write_bytes(b"")
    examples(tmp_path / "some.tfrecord", x, [0, 1])
    examples(tmp_path / "below.tfrecord", x, [0, 1, -2, 0, 1, 0])
    examples(tmp_path / "far.tfrecord", x, [0, 1, 2**40, 0, 1, 0])
    np.savez(tmp_path / "far.npz", x=x, y=np.array([0, 1, 2**30, 0, 1, 0]))
    with tf.io.TFRecordWriter(str(tmp_path / "other.tfrecord")) as out:
        out.write(b"\xff" * 20)
    with tf.io.TFRecordWriter(str(tmp_path / "imageless.tfrecord")) as out:
        out.write(tf.train.Example().SerializeToString())
    (tmp_path / "mixed").mkdir()
    for file in ("train.tfrecord", "more.tfrecord"):
        examples(tmp_path / "mixed" / file, x)
    (tmp_path / "empty").mkdir()
    for name, wanted in {
        "cut.tfrecord": "cut.tfrecord is cut off", "text.tfrecord": "cannot be read as a TFRecord file",
        "none.tfrecord": "has no record", "some.tfrecord": "a record without image/encoded or image/class/label",
        "below.tfrecord": "a label of at least 0", "far.tfrecord": "of more than 65,536 classes",
        "other.tfrecord": "cannot be read as a TFRecord file",
        "imageless.tfrecord": "has 0 features with a JPEG or PNG file and 0 labels",
        "mixed": "more.tfrecord' does not say its split", "empty": "has no TFRecord file",
        "nowhere": "there is no",
    }.items():
        message = said(data.info, f"tfrecord:{tmp_path / name}")
        assert wanted in message and "\n" not in message, name
    assert "of more than 65,536 classes" in said(data.info, f"npz:{tmp_path / 'far.npz'}")


def test_subfolders_of_tfrecord_files_say_their_split(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (24, 4, 4, 1), np.uint8)
    for split, rows in {"train": x[:12], "val": x[12:16], "test": x[16:]}.items():
        (tmp_path / split).mkdir()
        examples(tmp_path / split / "00000.tfrecord", rows)
    name = f"tfrecord:{tmp_path}"
    assert data.info(name).splits == {"train": 12, "validation": 4, "test": 8}
    np.testing.assert_array_equal(np.rint(255 * next(iter(data.load(name, "test", 8)))), x[16:])


def test_a_set_that_tfds_prepared(tmp_path, monkeypatch):
    class Spots(tfds.core.GeneratorBasedBuilder):
        """Images of several sizes."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return tfds.core.DatasetInfo(builder=self, disable_shuffling=True, features=tfds.features.FeaturesDict({
                "picture": tfds.features.Image(shape=(None, None, 3)), "id": tfds.features.Text(),
                "kind": tfds.features.ClassLabel(names=["one", "two"]),
            }))

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples(20), "test": self._generate_examples(5)}

        def _generate_examples(self, n):
            for i in range(n):
                yield i, {"picture": np.full((4, 4 + i % 2, 3), i, np.uint8), "id": str(i), "kind": i % 2}

    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert f"run 'tfds build spots --data_dir={tmp_path}' once" in said(data.info, "tfds:spots")
    Spots(data_dir=tmp_path).download_and_prepare()
    for name in ("tfds:spots", "tfds:spots:1.0.0", f"tfds:{tmp_path / 'spots' / '1.0.0'}"):
        facts = data.info(name)
        assert facts.splits == {"train": 18, "validation": 2, "test": 5} and facts.num_classes == 2
        assert facts.image_shape == (None, None, 3)
    x, y = rows("tfds:spots", "validation", (4, 4))
    assert x[:, 0, 0, 0].tolist() == [18, 19] and y.tolist() == [0, 1]


# ------------------------------------------------------------------------------------------------------- bad input


def broken(tmp_path):
    """Files and folders that cannot be data sets."""
    (tmp_path / "empty").mkdir()
    paint(tmp_path / "one_class", 6, (4, 4), classes=("cats",))
    paint(tmp_path / "two", 2, (4, 4))
    paint(tmp_path / "mixed", 6, (4, 4))
    write(tmp_path / "mixed" / "loose.png", np.zeros((4, 4)))
    paint(tmp_path / "not_an_image", 6, (4, 4))
    (tmp_path / "not_an_image" / "ants" / "x.jpg").write_text("text")
    paint(tmp_path / "cut", 6, (40, 40), channels=1)
    noise = np.random.default_rng(0).integers(0, 256, (40, 40))
    for i in range(6):
        write(tmp_path / "cut" / "ants" / f"n{i}.jpg", noise)
        file = tmp_path / "cut" / "ants" / f"n{i}.jpg"
        file.write_bytes(file.read_bytes()[:600])
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "deep.png")
    for name, text in {
        "text": "a,city\n1,Rome\n2,Paris\n3,Oslo\n", "gap": "a,b\n1,2\n3,\n5,6\n", "short": "a,b\n1,2\n3\n4,5\n",
        "headless": "1,2\n3,4\n5,6\n", "few": "a,b\n1,2\n3,4\n", "infinite": "a,b\n1,inf\n2,3\n4,5\n", "none": "a,b\n",
        "labels_only": "label\na\nb\nc\n",
    }.items():
        (tmp_path / f"{name}.csv").write_text(text)
    np.savez(tmp_path / "y.npz", x=np.zeros((6, 4), "uint8"), y=np.zeros(5, int))
    np.savez(tmp_path / "names.npz", images=np.zeros((6, 4), "uint8"))
    np.save(tmp_path / "objects.npy", np.array([{}], object))
    (tmp_path / "torn.npz").write_bytes(b"PK\3\4torn")


BAD = {
    "folder:none": "there is no '{}/none' for data set 'folder'; correct the path",
    "folder:empty": "folder '{}/empty' has no image; give one with files .jpg, .jpeg, .png",
    "folder:few.csv": "'{}/few.csv' is a file, not a folder; correct it",
    "csv:empty": "'{}/empty' is a folder, not a csv; correct it",
    "folder:two": "2 rows do not fill the 3 splits; give at least one for each",
    "folder:mixed": "'{}/mixed' has images both in subfolders and beside them ('loose.png')",
    "folder:not_an_image": "'{}/not_an_image/ants/x.jpg' cannot be read as an image",
    "folder:cut": "jpg' cannot be read as an image",
    "csv:text.csv": "'{}/text.csv' has 'Rome' in line 2, column 'city', which is not a finite number",
    "csv:gap.csv": "'{}/gap.csv' has no value in line 3, column 'b'; fill it, or remove the line",
    "csv:short.csv": "line 3 of '{}/short.csv' has 1 cells, but there are 2 columns; correct it",
    "csv:headless.csv": "the first line of '{}/headless.csv' is '1,2'; let it give each column its own name",
    "csv:few.csv": "2 rows do not fill the 3 splits",
    "csv:infinite.csv": "has 'inf' in line 2, column 'b'",
    "csv:none.csv": "'{}/none.csv' has no line below its names of columns",
    "csv:labels_only.csv": "'{}/labels_only.csv' has no column besides 'label'",
    "npz:y.npz": "'{}/y.npz', split 'train': y is int64 of shape (5,); give integers of shape (6,)",
    "npz:names.npz": "'{}/names.npz' has the arrays images; give x and perhaps y",
    "npy:objects.npy": "'{}/objects.npy' cannot be read as arrays of NumPy (it is another file, or",
    "npz:text.csv": "'{}/text.csv' cannot be read as arrays of NumPy (it is another file, or",
    "npz:torn.npz": "'{}/torn.npz' cannot be read as arrays of NumPy",
    "foldr:cats": "unknown data set 'foldr:cats'; did you mean 'folder:PATH'?",
    "folder": "data set 'folder' needs a path, not ''; give path='...', or the name 'folder:PATH'",
}


def test_bad_files_are_refused_in_one_sentence(tmp_path):
    broken(tmp_path)
    for name, wanted in BAD.items():
        kind, colon, file = name.partition(":")
        full = f"{kind}:{tmp_path / file}" if colon and kind != "foldr" else name
        message = said(lambda one: [data.load(one, split, 1) for split in SPLITS], full)
        assert wanted.format(tmp_path) in message, name
        assert "\n" not in message
    for i in range(3):
        (tmp_path / "empty" / f"{i}.png").write_bytes((tmp_path / "deep.png").read_bytes())
    assert "more than 8 bits" in said(data.info, f"folder:{tmp_path}/empty")


def test_a_path_without_its_kind_is_told_its_name(tmp_path):
    for file, kind in (("faces.npz", "npz"), ("table.CSV", "csv"), ("cats", "folder")):
        path = tmp_path / file
        path.mkdir() if kind == "folder" else path.write_bytes(b"")
        assert said(data.load, str(path), "train", 1).startswith(
            f"data set '{path}' is a path; write its kind before it, '{kind}:{path}'"
        )


def test_options_that_do_not_fit_are_refused(tmp_path):
    name = paint(tmp_path, 6, (4, 4), classes=("cats",))
    one_class = "has one class only, 'cats', where labels need two"
    assert said(data.load, name, "train", 1, labels=True) == f"labels=True, but '{name}' {one_class}; leave labels out"
    assert said(data.class_shares, name) == f"data set '{name}' {one_class}; choose another"
    config = {**CONFIG, "model": {"name": "cvae"}, "data": {"name": name, "batch_size": 1}}
    assert one_class in said(build, training.resolve(config))
    assert "leave data_dir out" in said(data.load, name, "train", 1, data_dir=tmp_path)
    assert "names its path, and path='x' is given too" in said(data.load, name, "train", 1, path="x")
    kinds = "folder, npz, npy, numpy, csv, tfrecord, tfds"
    assert f"for data of your own ({kinds}), not" in said(data.load, "digits", "train", 1, path="x")
    assert said(data.load, name, "train", 1, channels=2) == (
        "channels=2 does not suit images of 3 channels; give 1, 3 or None"
    )
    for given in ({"name": "folder"}, {"name": "folder", "path": 7}, {"name": "folder", "path": "a\0b"}):
        assert "needs a path" in said(training.resolve, {**CONFIG, "data": {**given, "batch_size": 1}})


def test_a_set_larger_than_half_of_the_memory_is_not_read_into_it(tmp_path, monkeypatch):
    name = paint(tmp_path)
    monkeypatch.setattr(making, "available", lambda: 10_000)
    with_memory = {"in_memory": True}
    assert said(data.load, name, "train", 4, **with_memory).startswith(
        f"split 'train' of '{name}' needs 0.0 GB, more than half of")
    assert data.load(name, "train", 2, limit=4, **with_memory).cardinality() == 2
    assert data.load(name, "train", 4, image_size=(8, 8), **with_memory).element_spec.shape == (4, 8, 8, 3)


# ------------------------------------------------------------------------------------------------ commands and runs


def test_describe_says_what_was_found(tmp_path, capsys):
    name = paint(tmp_path, 24, (16, 12))
    found = data.describe("folder", path=tmp_path)
    assert found["shape"] == [16, 12, 3] and found["range"] == [0, 115] and found["problems"] == []
    assert {one: sum(counts.values()) for one, counts in found["classes"].items()} == {"ants": 12, "bees": 12}
    assert found["megabytes"] == pytest.approx(2 * found["splits"]["train"] * 16 * 12 * 3 / 1e6)
    write(tmp_path / "moths" / "small.png", np.zeros((8, 8)))
    assert main(["data", "describe", "folder", f"--path={tmp_path}", "--image_size=16,16"]) == 0
    printed = capsys.readouterr().out
    assert f"{name}: 16x16x3, 256 levels, stored values from 0 to 115" in printed
    assert "classes: 3, rows in train, validation, test" in printed
    assert "problem: 2 of 2 sizes are smaller than 16x16 and are enlarged" in printed
    assert main(["data", "describe", name, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["shape"] == [8, 8, 3] and "image_size is required, for example (8, 8)" in found["problems"][0]
    assert main(["data", "describe", "folder"]) == 2 and "needs a path" in capsys.readouterr().err


@pytest.fixture(scope="module")
def run_of_a_folder(tmp_path_factory):
    """A workdir of two epochs on a folder of 24 images, and its folder, named in a config relative to it."""
    place = tmp_path_factory.mktemp("own")
    paint(place / "pictures", channels=1)
    before = os.getcwd()
    os.chdir(place)
    try:
        (place / "tiny.py").write_text(f"def get_config():\n    return {CONFIG!r}\n")
        assert main(["train", "--config=tiny.py", "--workdir=run"]) == 0
    finally:
        os.chdir(before)
    return place


def test_a_run_on_a_folder_leaves_results_and_samples(run_of_a_folder, monkeypatch):
    run = run_of_a_folder / "run"
    results = json.loads((run / "results.json").read_text())
    name = f"folder:{run_of_a_folder / 'pictures'}"
    assert results["dataset"] == {"name": name, "version": data.info(name).version}
    assert np.isfinite(results["metrics"]["test_log_likelihood"]["value"]) and (run / "samples.png").is_file()
    monkeypatch.chdir(run_of_a_folder / "pictures")  # the recorded path is absolute
    assert training.load_run(run).model.sample(2, seed=0).shape == (2, 16, 16, 1)


@pytest.mark.exhaustive
def test_an_export_names_the_folder_without_its_path(run_of_a_folder, tmp_path, capsys):
    assert main(["export", f"--workdir={run_of_a_folder / 'run'}", f"--out={tmp_path}"]) == 0
    (exported,) = tmp_path.iterdir()
    metadata = serving.read_metadata(exported)
    assert metadata["dataset"]["name"] == metadata["config"]["data"]["name"] == "folder:pictures"
    assert str(run_of_a_folder) not in json.dumps(metadata)
    assert short_name("tfds:emoji/noto") == "tfds:emoji/noto" and short_name("emoji/noto") == "emoji/noto"


@pytest.mark.exhaustive
def test_a_run_on_a_folder_resumes_to_the_same_weights(run_of_a_folder, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    def stop(self, epoch, logs=None):
        write_epoch(self, epoch, logs)
        raise Killed

    monkeypatch.chdir(run_of_a_folder)
    write_epoch = Checkpoints.on_epoch_end
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "on_epoch_end", stop)
        with pytest.raises(Killed):
            training.train_model(CONFIG, tmp_path, verbose=0)
    resumed, whole = training.train_model(CONFIG, tmp_path, verbose=0), training.load_run(run_of_a_folder / "run")
    for one, other in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.exhaustive
def test_a_run_on_a_table_draws_its_first_two_columns(tmp_path):
    lines = [f"{i},{i / 3},{-i}" for i in range(30)]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,c", *lines]))
    config = {
        **CONFIG, "model": {"name": "vae", "latent_dim": 2, "hidden": [8], "likelihood": "IndependentNormal"},
        "data": {"name": "csv", "path": str(tmp_path / "table.csv"), "batch_size": 4},
    }
    training.train(config, tmp_path / "run", verbose=0)
    assert (tmp_path / "run" / "samples.png").is_file()


def test_names_of_a_users_own_sets_are_absolute_in_a_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = training.load_config("vae_folder", ["data.path=faces"])
    assert config.data.name == f"folder:{tmp_path / 'faces'}" and "path" not in config.data
    assert training.resolve(config) == config
    with pytest.raises(InvalidInput, match="there is no"):
        sets.entry(config.data.name)


def test_an_image_that_the_system_refuses_is_not_called_damaged(monkeypatch, tmp_path):
    paint(tmp_path)

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(InvalidInput, match="cannot be opened .Permission denied.; correct its permissions"):
        data.info(f"folder:{tmp_path}")
