"""The folder of a run: checks, locking, deletion, JSON files, and the record of the machine."""

import contextlib
import json
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import filelock
import tensorflow as tf
from ml_collections import ConfigDict

from dgm_zoo import files
from dgm_zoo.errors import InvalidInput, unreadable
from dgm_zoo.files import check_writable, remove_leftovers, whole, writing
from dgm_zoo.serving.integrity import metrics_fault
from dgm_zoo.serving.metadata import git_revision

RESULTS = "docs/results"
OWN_FILES = (  # in the order of deletion; config.json, which marks a run, is last
    "results.json", "log.csv", "export", "progress", "tensorboard", "checkpoints", "schedules.json", "versions.json",
    "config.json",
)
# Keys that may change between two commands on one workdir. A change of the first kind is trained or measured.
MEASURED_AGAIN = r"train\.(epochs|patience)|evaluate\..+"
CHANGEABLE = rf"{MEASURED_AGAIN}|train\.(checkpoint_seconds|sample_every)"
OVER_ALL_EPOCHS = {  # schedules that end with the last epoch: key to whether a value is one
    "train.decay": lambda value: value is not None, "model.domain_weight": lambda value: value == "dann",
}

ADVICE = "choose another workdir, or --overwrite"


def check_workdir(config: ConfigDict, workdir: Path, overwrite: bool) -> None:
    """Raises `InvalidInput` unless the run of `config` can use `workdir`; changes nothing.

    It cannot if `workdir` is not a folder or not writable, holds parts of a run without its config or, without
    `overwrite`, a run of another config. What `evaluate` holds may differ, and the number of epochs, if no fewer are
    asked for than there are.
    """
    check_writable(f"workdir '{workdir}'", workdir, folder=True)
    found = workdir / "config.json"
    if not found.exists():
        parts = [*workdir.glob("checkpoints/epoch_*"), *workdir.glob("results.json")]
        if parts:
            raise InvalidInput(
                f"workdir '{workdir}' holds '{parts[0].relative_to(workdir)}' of a run without its config.json; "
                "restore it, choose another workdir, or delete the run yourself"
            )
        return
    if overwrite:
        return
    before, now = (flat(one) for one in (read_config(workdir), config.to_dict()))
    changed = {key: f"{key} is {before.get(key)!r} there and {now.get(key)!r} here" for key in _changed(before, now)}
    other = [said for key, said in changed.items() if not re.fullmatch(CHANGEABLE, key)]
    if other:
        raise InvalidInput(
            f"workdir '{workdir}' holds a run of another config ({other[0]}); choose another workdir, or --overwrite"
        )
    done = _done(workdir)
    if now["train.epochs"] < done:
        raise InvalidInput(f"workdir '{workdir}' holds {done} epochs; set config.train.epochs to {done} or more")


def rescheduled(config: ConfigDict, workdir: Path) -> str | None:
    """Returns a sentence if `config` continues the run in `workdir` with another schedule, else None.

    It does if a schedule lasts until the last epoch and another number of epochs is asked for after training began: the
    run goes on as one of that many epochs would from here, but it is not that run.
    """
    if not (workdir / "config.json").exists() or not _done(workdir):
        return None
    before, now = (flat(one) for one in (read_config(workdir), config.to_dict()))
    followed = [f"{key}={now[key]!r}" for key, lasts in OVER_ALL_EPOCHS.items() if key in now and lasts(now[key])]
    if before["train.epochs"] == now["train.epochs"] or not followed:
        return None
    there, here = before["train.epochs"], now["train.epochs"]
    return (
        f"{followed[0]} lasts until the last epoch, and workdir '{workdir}' was trained for {there}; it goes on as "
        f"epoch {_done(workdir) + 1} of {here}, which is not the run that had {here} from the start"
    )


def _done(workdir):
    return max((int(path.name[6:]) for path in workdir.glob("checkpoints/epoch_*")), default=0)


def is_measured(config: ConfigDict, workdir: Path) -> bool:
    """Returns whether `workdir`, which suits `config`, holds the results of its epochs and its evaluation."""
    if not (workdir / "results.json").exists():
        return False
    changed = _changed(flat(read_config(workdir)), flat(config.to_dict()))
    return not any(re.fullmatch(MEASURED_AGAIN, key) for key in changed)


def _changed(one, two):
    return [key for key in sorted({*one, *two}) if one.get(key) != two.get(key)]


def flat(config: Any, path: str = "") -> dict:
    """Returns a config, a dict of dicts, as one dict of dotted key to value."""
    if not isinstance(config, dict):
        return {path: config}
    return {key: v for name, value in config.items() for key, v in flat(value, f"{path}.{name}".lstrip(".")).items()}


@contextlib.contextmanager
def claimed(workdir: Path) -> Iterator[None]:
    """Context in which only this process may use `workdir`, created if missing; a claim ends with its process.

    Raises:
      InvalidInput: another process is training in it.
    """
    with writing(workdir):
        workdir.mkdir(parents=True, exist_ok=True)
        try:
            held = filelock.FileLock(workdir / ".lock").acquire(timeout=0)
        except filelock.Timeout:
            raise InvalidInput(
                f"another process is training in workdir '{workdir}'; wait for it, or choose another workdir"
            ) from None
    with held:
        remove_leftovers(workdir)
        yield


def remove_run(workdir: Path, measured: Iterable[str] = ()) -> None:
    """Deletes the files of the run in `workdir`, if it holds one, and nothing else.

    Args:
      workdir: folder of the run.
      measured: names or patterns of the files that measures write.
    """
    if not (workdir / "config.json").exists():
        return
    results, *others = OWN_FILES
    _remove(workdir, (results, *measured, *others))


def remove_results(workdir: Path, measured: Iterable[str] = ()) -> None:
    """Deletes the numbers and pictures of the run in `workdir`, which are to be measured again; see `remove_run`."""
    _remove(workdir, (OWN_FILES[0], *measured))


def _remove(workdir, names):
    for name in names:
        for path in sorted(workdir.glob(name)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def results_folder(out: str | Path | None, quick: bool, quick_out: str | Path) -> Path:
    """Returns the folder for the results of an experiment: `out` if given, else RESULTS, or `quick_out` if `quick`.

    Raises:
      InvalidInput: a quick run is to write into RESULTS, which is for numbers that mean something.
    """
    if quick and out is not None and is_results(out):
        raise InvalidInput(f"numbers of a quick run are meaningless and do not go to '{RESULTS}'; give another folder")
    return Path(out or (quick_out if quick else RESULTS))


def is_results(folder: str | Path) -> bool:
    """Returns whether `folder` is RESULTS, of the current folder."""
    return Path(folder).resolve() == Path(RESULTS).resolve()


def machine() -> dict:
    """Returns what a result depends on besides its config: versions, git revision, machine."""
    packages = ("dgm_zoo", "tensorflow", "keras", "tensorflow_probability", "tensorflow_datasets", "numpy")
    threads = tf.config.threading.get_intra_op_parallelism_threads() or cores()
    return {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "git_revision": git_revision(),
        "machine": f"{platform.machine()}, {threads} CPU cores, {len(tf.config.list_physical_devices('GPU'))} GPUs",
    }


def made_by(results: dict) -> str:
    """Returns the machine and the revision of `machine()` as text; the version, if the package is not in a checkout."""
    revision = results["git_revision"]
    made = f"git revision {revision}" if revision else f"dgm_zoo {results['versions']['dgm_zoo']}"
    return f"{results['machine']}; {made}"


def cores() -> int:
    """Returns the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def write_json(value: dict, path: Path) -> None:
    """Writes JSON whole or not at all."""
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def read_config(workdir: Path) -> dict:
    """Returns the contents of a run's `config.json`; raises `InvalidInput` as `read_json` does."""
    def is_config(value):
        return isinstance(value, dict) and all(isinstance(value.get(key), dict) for key in ("model", "data", "train"))

    advice = "restore it, choose another workdir, or delete the run with --overwrite"
    return read_json(workdir / "config.json", is_config, advice)


def read_results(workdir: Path) -> dict | None:
    """Returns the contents of a run's `results.json`, or None without it; raises `InvalidInput` as `read_json` does."""
    def is_results(value):
        return isinstance(value, dict) and metrics_fault(value.get("metrics")) is None

    path = workdir / "results.json"
    return read_json(path, is_results, "delete it to measure the run again") if path.exists() else None


def read_json(path: Path, fits: Callable = lambda value: True, advice: str = ADVICE) -> Any:
    """Returns the contents of a JSON file of a run.

    Args:
      path: the file.
      fits: function from its contents to whether they are what a run writes.
      advice: how a message about a damaged file ends.

    Raises:
      InvalidInput: the file is missing, damaged or holds something else; or it cannot be read, and may be whole.
    """
    try:
        value = files.read_json(path)
    except (FileNotFoundError, ValueError) as error:
        raise InvalidInput(f"'{path}' is damaged ({error}); {advice}") from None
    except OSError as error:
        raise unreadable(path, error) from None
    if not fits(value):
        raise InvalidInput(f"'{path}' is damaged (it holds something else than a run writes); {advice}")
    return value
