"""Runs that met a fault: what is said, and that they end with the same bits as a run that nothing disturbed.

The table of docs/faults.md has a row for each case here, and for each test of other faults in `COVERED`.
"""

import contextlib
import errno
import json
import os
import shutil
import signal
from pathlib import Path

import pytest
import test_faults
import test_training
from PIL import Image
from test_training import PNG, assert_same_bits, fit
from zoo import sparing

from dgm_zoo.errors import InvalidInput
from dgm_zoo.training import checkpoints, logs

CHANGES = ["train.epochs=3", "train.steps_per_execution=4"]
PAGE = Path(__file__).parents[1] / "docs" / "faults.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds `through`, a run that nothing disturbed, and `half`, one that was killed after its second epoch."""
    place = tmp_path_factory.mktemp("recovery")
    fit(place, "through", *CHANGES)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(test_training.Killed):
        patch.setattr(logs.TensorBoard, "on_epoch_begin", at_epoch(2, test_training.die))
        fit(place, "half", *CHANGES)
    return place


def at_epoch(at, act):
    """An `on_epoch_begin` that acts when `at` epochs are over."""
    return lambda callback, epoch, logs=None: act() if epoch == at else None


def full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextlib.contextmanager
def patched(owner, name, change):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, change)
        yield


def spoilt(*names, change=test_faults.truncated):
    """Damages files of a run before it goes on."""
    def damage(place):
        for name in names:
            change(place / name)
        return contextlib.nullcontext()

    return damage


def during(*patch):
    return lambda place: patched(*patch)


NEWEST, BEFORE = "checkpoints/epoch_000002/model.keras", "checkpoints/epoch_000001/best.keras"
FAULTS = {  # row of the table: the run it starts from, what happens, what is raised, what is said, what else resumes it
    "the disk is full when a checkpoint is written": (
        None, during(checkpoints, "write_csv", lambda *_: full()), InvalidInput, "epoch_000001' was not written", (),
    ),
    "the disk is full when a picture is written": (
        "half", during(Image.Image, "save", lambda *_, **__: full()), InvalidInput, "png' was not written", (),
    ),
    "SIGTERM, as pre-emptible machines send it": (
        None, during(logs.TensorBoard, "on_epoch_begin", at_epoch(1, lambda: os.kill(os.getpid(), signal.SIGTERM))),
        SystemExit, "143", (),
    ),
    "Ctrl-C": (
        None, during(logs.TensorBoard, "on_epoch_begin", at_epoch(1, lambda: signal.raise_signal(signal.SIGINT))),
        KeyboardInterrupt, "^$", (),
    ),
    "the process is killed": ("half", spoilt(), None, "", ()),
    "the newest checkpoint is damaged": ("half", spoilt(NEWEST), UserWarning, "epoch_000001 is used instead", ()),
    "both checkpoints are damaged": (
        "half", spoilt(NEWEST, BEFORE), InvalidInput, "is damaged .*; delete its folder or train with --overwrite",
        ("overwrite",),
    ),
    "the log or the record of versions is lost": (
        "half", spoilt("log.csv", "versions.json", change=os.unlink), None, "", (),
    ),
    "the results are damaged": (
        "through", spoilt("results.json", change=test_faults.truncated_text), InvalidInput,
        "results.json' is damaged .*; delete it to measure the run again", ("results.json",),
    ),
    "the config of a run is damaged": (
        "half", spoilt("config.json", change=test_faults.truncated_text), InvalidInput,
        "config.json' is damaged .*; restore it, choose another workdir, or delete the run with --overwrite",
        ("overwrite",),
    ),
}
COVERED = {  # row of the table: the test
    "the disk is full when an export, a sample or another file is written":
        test_faults.test_a_full_disk_leaves_nothing_half_written_and_the_next_try_succeeds,
    "SIGTERM before the first epoch ends":
        test_faults.test_sigterm_before_the_first_epoch_ends_says_that_nothing_is_saved,
    "a checkpoint cannot be read": test_faults.test_a_checkpoint_that_cannot_be_read_is_not_called_damaged,
    "the config of a run is lost": test_faults.test_a_run_without_its_config_is_neither_resumed_nor_overwritten,
    "an export is killed": test_faults.test_what_a_killed_process_left_is_deleted_by_the_next,
    "the clock is set back": test_faults.test_a_clock_that_was_set_back_does_not_export_another_version,
    "a data set's files are damaged": test_faults.test_a_damaged_data_set_is_named_with_its_folder,
    "a file of a preset is damaged or edited": test_faults.test_a_record_of_a_preset_that_is_something_else_is_named,
    "there is no network": test_faults.test_a_set_to_download_without_a_network_is_given_up_soon,
}


@pytest.mark.parametrize("row", sparing(list(FAULTS), [
    "the disk is full when a checkpoint is written", "the newest checkpoint is damaged",
]))
def test_a_run_that_met_a_fault_ends_with_the_same_bits(row, folder, tmp_path):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background job ignores
    start, fault, raised, said, then = FAULTS[row]
    place = tmp_path / "run"
    if start:
        shutil.copytree(folder / start, place)
    shutil.copy(folder / "config.py", tmp_path)
    with fault(place):
        if raised is UserWarning:
            with pytest.warns(UserWarning, match=said):
                fit(tmp_path, "run", *CHANGES)
        elif raised:
            with pytest.raises(raised, match=said):
                fit(tmp_path, "run", *CHANGES)
    assert not list(place.rglob(".incomplete-*"))
    for name in set(then) - {"overwrite"}:
        (place / name).unlink()
    found = fit(tmp_path, "run", *CHANGES, overwrite="overwrite" in then)
    wanted = json.loads((folder / "through" / "results.json").read_text())
    assert found["metrics"] == wanted["metrics"] and found["best_epoch"] == wanted["best_epoch"]
    last = "checkpoints/epoch_000003"
    for name in ("log.csv", f"{last}/history.json"):
        assert (place / name).read_bytes() == (folder / "through" / name).read_bytes()
    assert_same_bits(place / last, folder / "through" / last)
    assert (place / "samples.png").read_bytes().startswith(PNG)


def test_the_page_has_a_row_for_each_fault_and_no_other():
    cells = [line.split(" | ")[0].removeprefix("| ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert sorted(cells[1:]) == sorted([*FAULTS, *COVERED])
