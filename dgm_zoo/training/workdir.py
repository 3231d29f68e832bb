"""The folder of a run: checks, locking, deletion, JSON files, and the record of the machine."""

import contextlib
import json
import os
import platform
import shutil
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import filelock
import tensorflow as tf
from ml_collections import ConfigDict

from dgm_zoo.errors import InvalidInput
from dgm_zoo.serving.metadata import git_revision

RESULTS = "docs/results"
OWN_FILES = (  # in the order of deletion; config.json, which marks a run, is last
    "results.json", "log.csv", "export", "tensorboard", "checkpoints", "versions.json", "config.json",
)


def check_workdir(config: ConfigDict, workdir: Path, overwrite: bool) -> None:
    """Raises `InvalidInput` unless the run of `config` can use `workdir`; changes nothing.

    It cannot if `workdir` is not a folder or not writable or, without `overwrite`, holds a run of another config.
    """
    there = next(path for path in (workdir, *workdir.absolute().parents) if path.exists())
    if not there.is_dir():
        raise InvalidInput(f"workdir '{workdir}' cannot be made, since '{there}' is a file; give a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InvalidInput(f"workdir '{workdir}' cannot be written, since '{there}' is read-only; choose another")
    found = workdir / "config.json"
    if overwrite or not found.exists():
        return
    changed = _differences(read_json(found), config.to_dict())
    if changed:
        raise InvalidInput(
            f"workdir '{workdir}' holds a run of another config ({changed[0]}); choose another workdir, or --overwrite"
        )


def _differences(one, two, path=""):
    if not (isinstance(one, dict) and isinstance(two, dict)):
        return [] if one == two else [f"{path or 'it'} is {one!r} there and {two!r} here"]
    keys = sorted({*one, *two})
    return [d for k in keys for d in _differences(one.get(k), two.get(k), f"{path}.{k}".lstrip("."))]


@contextlib.contextmanager
def claimed(workdir: Path) -> Iterator[None]:
    """Context in which only this process may use `workdir`, created if missing; a claim ends with its process.

    Raises:
      InvalidInput: another process is training in it.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    try:
        held = filelock.FileLock(workdir / ".lock").acquire(timeout=0)
    except filelock.Timeout:
        raise InvalidInput(
            f"another process is training in workdir '{workdir}'; wait for it, or choose another workdir"
        ) from None
    with held:
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
    for name in (results, *measured, *others):
        for path in sorted(workdir.glob(name)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def results_folder(out: str | Path | None, quick: bool, quick_out: str | Path) -> Path:
    """Returns the folder for the results of an experiment: `out` if given, else RESULTS, or `quick_out` if `quick`.

    Raises:
      InvalidInput: a quick run is to write into RESULTS, which is for numbers that mean something.
    """
    if quick and out is not None and Path(out).resolve() == Path(RESULTS).resolve():
        raise InvalidInput(f"numbers of a quick run are meaningless and do not go to '{RESULTS}'; give another folder")
    return Path(out or (quick_out if quick else RESULTS))


def machine() -> dict:
    """Returns what a result depends on besides its config: versions, git revision, machine."""
    packages = ("dgm_zoo", "tensorflow", "keras", "tensorflow_probability", "tensorflow_datasets", "numpy")
    cores = tf.config.threading.get_intra_op_parallelism_threads() or _cores()
    return {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "git_revision": git_revision(),
        "machine": f"{platform.machine()}, {cores} CPU cores, {len(tf.config.list_physical_devices('GPU'))} GPUs",
    }


def made_by(results: dict) -> str:
    """Returns the machine and the revision of `machine()` as text; the version, if the package is not in a checkout."""
    revision = results["git_revision"]
    made = f"git revision {revision}" if revision else f"dgm_zoo {results['versions']['dgm_zoo']}"
    return f"{results['machine']}; {made}"


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def write_json(value: dict, path: Path) -> None:
    """Writes JSON atomically."""
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)  # also over a file on Windows


def read_json(path: Path) -> dict | list:
    """Reads a JSON file of a run; raises `InvalidInput` if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"'{path}' is damaged ({error}); choose another workdir, or --overwrite") from None
