"""Data that stay in their files: the batches of the same rows in memory, in little memory, resumed to the bit."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from test_own_data import CONFIG, paint, said

from dgm_zoo import data, training
from dgm_zoo.data.own import making
from dgm_zoo.data.reading import AUTO, open_split
from dgm_zoo.data.rows import Rows
from dgm_zoo.training.build import build
from dgm_zoo.training.checkpoints import Checkpoints


def same(one, other):
    """Whether two data sets have the same batches, bit for bit."""
    one, other = ([tf.nest.flatten(batch) for batch in batches] for batches in (one, other))
    assert len(one) == len(other)
    for batch, twin in zip(one, other, strict=True):
        for x, y in zip(batch, twin, strict=True):
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)


def both(name, split, batch_size, **options):
    """A split in memory, and from its files."""
    return (data.load(name, split, batch_size, in_memory=kept, seed=3, **options) for kept in (True, False))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("pictures"), 40, (6, 8))


@pytest.mark.parametrize("options", [
    {}, {"labels": True, "labelled_fraction": 0.5}, {"image_size": (3, 4), "channels": 1}, {"dequantize": True},
    {"binarize": "stochastic"}, {"binarize": "fixed"}, {"binarize": "threshold", "limit": 30},
])
def test_a_streamed_folder_gives_the_batches_of_memory(pictures, options):
    same(*both(pictures, "train", 4, **options))
    held_out = {key: value for key, value in options.items() if key not in ("labelled_fraction", "limit")}
    same(*both(pictures, "test", 3, **held_out))


def test_noise_that_is_drawn_once_crosses_blocks():
    x = np.random.default_rng(0).integers(0, 256, (2_100, 3), "uint8")
    rows = Rows(len(x), (3,), "uint8", lambda numbers: x[numbers], lambda: np.arange(2_100) % 3)
    for options in ({"split": "test", "binarize": "stochastic"}, {"split": "validation", "dequantize": True},
                    {"split": "train", "binarize": "fixed"}, {"split": "test", "dequantize": True, "shuffle": True}):
        same(*(data.from_arrays(one, batch_size=700, levels=256, **options) for one in (x, rows)))
    of_both = ((x, np.arange(2_100) % 3), (rows, None))
    same(*(data.from_arrays(one, y, labels=True, batch_size=700) for one, y in of_both))


def test_an_array_file_is_streamed(tmp_path):
    rng = np.random.default_rng(0)
    for name, x in {"grey": rng.integers(0, 256, (60, 4, 4), "uint8"), "bits": rng.random((60, 5)) > 0.5,
                    "points": rng.normal(size=(60, 2)), "colour": rng.random((60, 4, 4, 3))}.items():
        np.save(tmp_path / f"{name}.npy", x)
        same(*both(f"npy:{tmp_path / name}.npy", "train", 7))
    same(*both(f"npy:{tmp_path / 'colour'}.npy", "test", 7, image_size=(2, 2)))
    same(*both(f"npy:{tmp_path / 'grey'}.npy", "train", 7, image_size=(2, 2), channels=3))


class Shards(tfds.core.GeneratorBasedBuilder):
    """Fifty images in the files of one split."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, disable_shuffling=True, features=tfds.features.FeaturesDict({
            "image": tfds.features.Image(shape=(4, 5, 1)), "label": tfds.features.ClassLabel(num_classes=2),
        }))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i in range(50):
            yield i, {"image": np.full((4, 5, 1), i, np.uint8), "label": i % 2}


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_a_set_of_several_files_is_streamed_in_their_order(tmp_path, monkeypatch, file_format):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    settings = tfds.download.DownloadConfig(num_shards=3)
    Shards(data_dir=tmp_path, file_format=file_format).download_and_prepare(download_config=settings)
    x, y = next(iter(data.load("tfds:shards", "train", 40, labels=True, shuffle=False, in_memory=False)))
    np.testing.assert_array_equal(np.round(255 * x[:, 0, 0, 0]), np.arange(40))
    np.testing.assert_array_equal(y, np.arange(40) % 2)
    same(*both("tfds:shards", "train", 7, labels=True, image_size=(2, 2)))
    same(*both("tfds:shards", "validation", 7))


def test_a_split_that_does_not_fit_stays_in_its_files(pictures, monkeypatch):
    assert isinstance(open_split(pictures, "train", "", None)[0], np.ndarray)
    monkeypatch.setattr(making, "available", lambda: 4_000)
    rows, labels, _, levels = open_split(pictures, "train", "", None, in_memory=AUTO)
    assert isinstance(rows, Rows) and len(labels) == len(rows) and levels == 256
    found = data.describe(pictures)
    assert not found["in_memory"]["train"] and found["in_memory"]["test"] and found["range"] == [0, 195]
    assert sum(data.class_shares(pictures)) == pytest.approx(1)


def test_a_stream_resumes_at_an_epoch(pictures):
    steps = data.info(pictures).splits["train"] // 4
    whole, later = (data.load(pictures, "train", 4, in_memory=False, first_epoch=e, binarize="stochastic")
                    for e in (0, 2))
    same(whole.take(3 * steps).skip(2 * steps), later.take(steps))


def test_two_replicas_get_halves_of_each_batch(pictures):
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    plain = list(data.load(pictures, "train", 4, in_memory=False))
    shared = strategy.experimental_distribute_dataset(data.load(pictures, "train", 4, in_memory=False))
    for batch, halves in zip(plain, shared, strict=True):
        np.testing.assert_array_equal(batch, np.concatenate(strategy.experimental_local_results(halves)))


@pytest.mark.exhaustive
def test_a_streamed_run_resumes_to_the_weights_of_a_run_in_memory(pictures, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    def stop(self, epoch, logs=None):
        write_epoch(self, epoch, logs)
        raise Killed

    configs = [{**CONFIG, "data": {"name": pictures, "batch_size": 4, "in_memory": kept}} for kept in (True, False)]
    whole = training.train_model(configs[0], tmp_path / "whole", verbose=0).model
    write_epoch = Checkpoints.on_epoch_end
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "on_epoch_end", stop)
        with pytest.raises(Killed):
            training.train_model(configs[1], tmp_path / "streamed", verbose=0)
    resumed = training.train_model(configs[1], tmp_path / "streamed", verbose=0).model
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# ------------------------------------------------------------------------------------------------------- bad input


def test_a_file_that_breaks_during_training_is_named_in_one_sentence(tmp_path):
    name = paint(tmp_path, 12, (4, 4), channels=1)
    config = training.resolve({**CONFIG, "data": {"name": name, "batch_size": 2, "in_memory": False}})
    model = build(config)
    model.compile("adam")
    batches = data.load(name, "train", 2, in_memory=False, first_epoch=0)
    for file in tmp_path.rglob("*.png"):
        file.write_text("text")
    message = said(model.fit, batches, steps_per_epoch=3, verbose=0)
    assert "cannot be read as an image" in message and "replace or remove it" in message and "Traceback" not in message


def test_options_that_do_not_suit_streaming_are_refused(pictures, tmp_path):
    assert said(data.load, pictures, "train", 4, in_memory="no") == (
        "in_memory='no' is not a choice; give True, False or 'auto'"
    )
    assert said(data.load, "digits", "train", 4, in_memory=False) == (
        "in_memory=False, but 'digits' is not read row by row, as a folder, .npy or TFDS's files are; leave it out"
    )
    (tmp_path / "table.csv").write_text("a\n1\n2\n3\n")
    assert "is not read row by row" in said(data.load, f"csv:{tmp_path / 'table.csv'}", "train", 1, in_memory=False)
    assert "config.data.in_memory is 'x'; give True, False or 'auto'" in said(
        training.resolve, {**CONFIG, "data": {"name": pictures, "batch_size": 1, "in_memory": "x"}})


def test_damaged_records_and_array_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    Shards(data_dir=tmp_path).download_and_prepare()
    file = next(tmp_path.rglob("*.tfrecord*"))
    file.write_bytes(file.read_bytes()[:-7])
    refused = said(data.load, "tfds:shards", "train", 4, in_memory=False)
    assert "is cut off); delete it and prepare the set again" in refused
    x = np.random.default_rng(0).random((5_000, 4)).astype("float32")[:, :, None]
    x[3_500, 2] = np.nan
    np.save(tmp_path / "x.npy", x)
    assert "holds NaN or infinite values, first in row 3500" in said(data.info, f"npy:{tmp_path / 'x.npy'}")
