"""Full disks, damaged and unreadable files, killed processes: one sentence each, nothing left over, nothing lost."""

import contextlib
import errno
import json
import os
import resource
import shutil
import stat
import tempfile
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ml_collections import ConfigDict
from test_serving import sampler
from test_training import epochs, kept, saver, scrambled, truncated
from zoo import sparing

from dgm_zoo import data, files, serving, viz
from dgm_zoo.cli import source
from dgm_zoo.cli.commands import train as train_command
from dgm_zoo.cli.main import main
from dgm_zoo.data import preparing, reading
from dgm_zoo.data.stored import stored_files
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training import checkpoints, checksums, logs, workdir

NOISE = np.random.default_rng(0).random((16, 28, 28, 1)).astype("float32")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Full disks.


@contextlib.contextmanager
def too_large():
    """The operating system refuses to write a file beyond 100 bytes, as it does at the end of a quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def full_at_last():
    """The disk is found to be full when what was written is flushed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.ENOSPC, "")))
        yield


WRITERS = {
    "checkpoint": lambda place: epochs(saver(place), [1.0]),
    "record": lambda place: workdir.write_json({"metrics": list(range(100))}, place / "results.json"),
    "log": lambda place: logs.write_csv([{"val_loss": 1.0, "loss": 2.0}] * 50, place / "log.csv"),
    "grid": lambda place: viz.save_grid(NOISE, place / "samples.png"),
    "curves": lambda place: viz.save_curves([{"val_loss": 1.0}] * 3, place / "curves.png"),
    "array": lambda place: source.write(str(place / "x.npy"), None, x=NOISE),
    "arrays": lambda place: source.write(str(place / "x.npz"), None, x=NOISE),
    "export": lambda place: serving.export(sampler(), place, "m"),
}


@pytest.mark.parametrize("fault", [too_large, full_at_last])
@pytest.mark.parametrize("what", sparing(WRITERS, set(WRITERS) - {"export"}))
def test_a_full_disk_leaves_nothing_half_written_and_the_next_try_succeeds(what, fault, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with fault(), pytest.raises(InvalidInput, match="was not written .*; free space and run the same") as error:
        WRITERS[what](tmp_path)
    assert "\n" not in str(error.value)
    assert list(contents(tmp_path)) == [Path("mine")]
    WRITERS[what](tmp_path)
    assert len(contents(tmp_path)) > 1


def test_a_full_disk_keeps_the_checkpoint_before_and_what_was_there(tmp_path):
    found = saver(tmp_path)
    epochs(found, [2.0])
    before = contents(tmp_path)
    with too_large(), pytest.raises(InvalidInput, match="epoch_000002' was not written"):
        epochs(found, [1.0])
    assert contents(tmp_path) == before
    resumed = saver(tmp_path, [2.0])
    epochs(resumed, [1.0])
    assert kept(tmp_path, "model.keras") == 2.0


def test_other_refusals_of_the_system_are_one_sentence_and_faults_of_the_package_are_not(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="file/x.json' cannot be written .File exists.; choose another place"):
        workdir.write_json({}, tmp_path / "file" / "x.json")
    with pytest.raises(ZeroDivisionError), files.whole(tmp_path / "y"):
        1 / 0  # noqa: B018
    with files.whole(tmp_path / "file") as hidden:
        hidden.write_text("new")
    assert contents(tmp_path) == {Path("file"): b"new"}


# Checkpoints.


def rewritten(change):
    """A damage that its checksums do not show: the files were written so."""
    def damage(folder):
        change(folder)
        (folder / checksums.SUMS_FILE).unlink()
        checksums.write_sums(folder)

    return damage


def older(name):
    return lambda folder: shutil.copy(folder.parent / "epoch_000001" / name, folder / name)


DAMAGES = {  # damage of the folder of the second of two epochs: what is said
    "truncated": (lambda folder: truncated(folder / "model.keras"), "model.keras is not the file that was written"),
    "scrambled": (lambda folder: scrambled(folder / "best.keras"), "best.keras is not the file that was written"),
    "other weights": (older("model.keras"), "model.keras is not the file that was written"),
    "other history": (older("history.json"), "history.json is not the file that was written"),
    "missing": (lambda folder: (folder / "model.keras").unlink(), "model.keras is missing"),
    "no sums": (lambda folder: (folder / checksums.SUMS_FILE).write_text("[]"), "sha256.json is not a table"),
    "half the sums": (lambda folder: truncated_text(folder / checksums.SUMS_FILE), "a record is not JSON"),
    "fewer epochs": (rewritten(older("history.json")), "history.json has 1 epochs"),
    "no logs": (
        rewritten(lambda folder: (folder / "history.json").write_text("{}")), "does not hold the logs of each epoch",
    ),
    "no seconds": (rewritten(lambda folder: (folder / "progress.json").write_text("[]")), "progress.json has no secon"),
}


def truncated_text(path):
    path.write_text(path.read_text()[:20])


@pytest.fixture(scope="module")
def two_epochs(tmp_path_factory):
    place = tmp_path_factory.mktemp("two_epochs")
    epochs(saver(place), [2.0, 1.0, 3.0])
    assert sorted(path.name for path in (place / "checkpoints").iterdir()) == ["epoch_000002", "epoch_000003"]
    shutil.rmtree(place / "checkpoints")
    epochs(saver(place), [2.0, 1.0])
    return place


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_used(case, two_epochs, tmp_path):
    damage, said = DAMAGES[case]
    folder = tmp_path / "checkpoints"
    shutil.copytree(two_epochs / "checkpoints", folder)
    assert checkpoints.newest_whole(folder).name == "epoch_000002"
    damage(folder / "epoch_000002")
    with pytest.warns(UserWarning, match=f"epoch_000002' is damaged .*{said}.*; .*epoch_000001 is used instead"):
        assert checkpoints.newest_whole(folder, delete=True).name == "epoch_000001"
    assert [path.name for path in folder.iterdir()] == ["epoch_000001"]
    truncated(folder / "epoch_000001" / "model.keras")
    with pytest.raises(InvalidInput, match="epoch_000001' is damaged .*; delete its folder or train with --overwrite"):
        checkpoints.newest_whole(folder)


def test_a_checkpoint_that_cannot_be_read_is_not_called_damaged(two_epochs, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(checksums, "sha256", refuse)  # a mode does not stop root
    with pytest.raises(InvalidInput, match="best.keras' cannot be read .Permission denied.; correct its permissions"):
        checkpoints.newest_whole(two_epochs / "checkpoints", delete=True)
    assert len(list((two_epochs / "checkpoints").iterdir())) == 2


def test_a_checkpoint_of_an_earlier_version_is_taken_without_checksums(two_epochs, tmp_path):
    shutil.copytree(two_epochs / "checkpoints", tmp_path / "checkpoints")
    (tmp_path / "checkpoints" / "epoch_000002" / checksums.SUMS_FILE).unlink()
    assert checkpoints.newest_whole(tmp_path / "checkpoints").name == "epoch_000002"


def test_sigterm_before_the_first_epoch_ends_says_that_nothing_is_saved(tmp_path, capsys):
    found = saver(tmp_path)
    found.terminated = True
    with pytest.raises(SystemExit, match="143"):
        found.on_train_batch_end(0)
    assert "no epoch was complete, so nothing is saved; run the same command" in capsys.readouterr().err


# Workdirs.


CONTENTS = ["", "[]", "{}", "null", "3", '{"model": 1, "metrics": 1}', '{"model": {"na', "\xff"]


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("name, read", [("config.json", workdir.read_config), ("results.json", workdir.read_results)])
def test_a_record_that_is_something_else_is_named_with_a_way_out(name, read, content, tmp_path, monkeypatch):
    (tmp_path / name).write_bytes(content.encode("latin1"))
    way = {"config.json": "restore it, choose another workdir", "results.json": "delete it to measure the run again"}
    with pytest.raises(InvalidInput, match=f"{name}' is damaged .*; {way[name]}"):
        read(tmp_path)
    monkeypatch.setattr(Path, "read_text", lambda path, **_: (_ for _ in ()).throw(PermissionError(errno.EACCES, "No")))
    with pytest.raises(InvalidInput, match=f"{name}' cannot be read .No.; correct its permissions"):
        read(tmp_path)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("part", ["checkpoints/epoch_000002", "results.json"])
def test_a_run_without_its_config_is_neither_resumed_nor_overwritten(part, overwrite, tmp_path):
    (tmp_path / part).mkdir(parents=True)
    with pytest.raises(InvalidInput, match=f"holds '{part}' of a run without its config.json; restore it, choose"):
        workdir.check_workdir(ConfigDict(), tmp_path, overwrite)
    assert (tmp_path / part).exists()


def test_what_a_killed_process_left_is_deleted_by_the_next(tmp_path):
    for place in (tmp_path / "run", tmp_path / "m"):
        (place / ".incomplete-1" / "variables").mkdir(parents=True)
        (place / ".incomplete-2.json").touch()
    with workdir.claimed(tmp_path / "run"):
        assert list(contents(tmp_path / "run")) == [Path(".lock")]
    serving.export(sampler(), tmp_path, "m")
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["1"]


def test_a_clock_that_was_set_back_does_not_export_another_version(tmp_path):
    place = tmp_path / "export" / "m" / "1"
    place.mkdir(parents=True)
    (place / "model.keras").touch()
    metrics = {"test_loss": {"value": 0.1, "stderr": None, "protocol": "mean"}}
    found = SimpleNamespace(metrics=metrics, config=SimpleNamespace(train=SimpleNamespace(seed=3)))
    assert train_command.exported(str(tmp_path), found) is None  # no record yet
    record = {"name": "m", "config": {}, "dataset": None, "metrics": metrics, "seed": 3, "endpoints": {}}
    (place / "metadata.json").write_text(json.dumps(record))
    os.utime(place, (0, 0))
    assert train_command.exported(str(tmp_path), found) == str(place)
    found.config.train.seed = 4
    assert train_command.exported(str(tmp_path), found) is None


# Places to write to.


@pytest.mark.parametrize("command", [
    ["sample", "--preset=nowhere", "--out={}/x.png"], ["export", "--preset=nowhere", "--out={}/x"],
    ["reconstruct", "--preset=nowhere", "--out={}/x.npz"], ["transfer", "--out={}"],
    ["export", "--preset=nowhere", "--out={}"], ["directions", "--out={}"], ["reproduce", "iwae_mnist", "--out={}"],
    ["train", "--config=CONFIG", "--workdir={}/x"],
])
def test_an_out_that_cannot_be_written_is_refused_before_the_work(command, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("mine")
    place = tmp_path / "file"
    if command[0] == "transfer":
        monkeypatch.setattr(os, "access", lambda *_: False)
    began = time.monotonic()
    digits = Path(__file__).parents[1] / "configs" / "vae_digits.py"
    assert main([word.format(place).replace("CONFIG", str(digits)) for word in command]) == 2
    err = capsys.readouterr().err
    assert f"'{place}' is a file" in err or f"'{place}' is read-only" in err
    assert time.monotonic() - began < 60 and contents(tmp_path) == {Path("file"): b"mine"}


# Data.


def test_a_set_to_download_without_a_network_is_given_up_soon(tmp_path, monkeypatch):
    for asked, said in ((partial(refused, seconds=5), "no answer within 0.2 s"), (refused, "no route")):
        monkeypatch.setattr(preparing.urllib.request, "urlopen", asked)
        monkeypatch.setattr(preparing, "_PATIENCE", 0.2)
        began = time.monotonic()
        with pytest.raises(InvalidInput, match=f"cannot be reached: {said}.*it needs a network"):
            data.prepare("mnist", tmp_path)
        assert time.monotonic() - began < 15


def refused(*_, seconds=0, **__):
    time.sleep(seconds)
    raise OSError("no route")


def test_a_shared_temporary_folder_is_used_only_if_it_is_private(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    (tmp_path / "home").touch()  # no folder can be made in it
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    place = Path(data.prepare("bars"))
    last = tmp_path / f"dgm_zoo_data_{os.getuid()}"
    assert place.is_relative_to(last) and stat.S_IMODE(last.stat().st_mode) == 0o700
    assert preparing.prepared_in("bars", None) == str(place)
    last.chmod(0o750)
    assert preparing.prepared_in("bars", None) is None
    with pytest.raises(InvalidInput, match="others can write to it or own it; delete it"):
        data.prepare("bars")
    last.chmod(0o700)
    last.rename(tmp_path / "elsewhere")
    last.symlink_to(tmp_path / "elsewhere")
    assert preparing.prepared_in("bars", None) is None


BAD_FILES = {  # damage of the folder of a prepared set
    "flipped": lambda folder: [flipped(path) for path in folder.glob("*.tfrecord*")],
    "cut": lambda folder: [truncated(path) for path in folder.glob("*.tfrecord*")],
    "empty": lambda folder: [path.write_bytes(b"") for path in folder.glob("*.tfrecord*")],
    "gone": lambda folder: [path.unlink() for path in folder.glob("*.tfrecord*")],
    "half the facts": lambda folder: truncated_text(folder / "dataset_info.json"),
    "other facts": lambda folder: (folder / "dataset_info.json").write_text("null"),
    "other features": lambda folder: (folder / "features.json").write_text("{}"),
}


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    place = tmp_path_factory.mktemp("bars")
    data.prepare("bars", place)
    return place


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_damaged_data_set_is_named_with_its_folder(case, bars, tmp_path, monkeypatch):
    shutil.copytree(bars, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(reading, "_read", reading._read.__wrapped__)  # without the cache
    folder = Path(preparing.prepared_in("bars", tmp_path))
    BAD_FILES[case](folder)
    for name in ("bars", f"tfds:{folder}"):
        place = {} if name.startswith("tfds:") else {"data_dir": str(tmp_path)}
        with pytest.raises(InvalidInput, match=f"'{folder}', .* is damaged .*; delete it and prepare the set again"):
            data.load(name, "train", 5, **place)


def test_what_the_system_refuses_is_not_called_damaged(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read .Too many open files.; correct its permissions, or check"):
        with stored_files("bars", tmp_path):
            raise OSError(errno.EMFILE, "Too many open files")


RECORDS = {
    "deep": "[" * 100_000, "half": '{"name": ', "list": "[]", "binary": "\xff\x00",
    "files": '{"files": 3}', "sums": '{"files": ["a"]}', "metrics": '{"metrics": 3}', "config": '{"config": []}',
    "a metric": '{"metrics": {"nll": {"value": "low", "protocol": "mean"}}}', "endpoints": '{"endpoints": 3}',
}


@pytest.mark.parametrize("case", RECORDS)
def test_a_record_of_a_preset_that_is_something_else_is_named(case, tmp_path):
    place = tmp_path / "1"
    place.mkdir()
    (place / "model.json").write_text("{}")
    (place / "metadata.json").write_bytes(RECORDS[case].encode("latin1"))
    for read in (serving.read_metadata, serving.from_preset):
        with pytest.raises(InvalidInput, match="1/metadata.json' .*; export the preset again") as error:
            read(str(place))
        assert "\n" not in str(error.value) and len(str(error.value)) < 400
