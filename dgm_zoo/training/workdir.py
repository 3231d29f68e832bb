"""The folder of a run: whose it is, what is in it, and what made it."""

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import tensorflow as tf

from dgm_zoo.errors import InvalidInput

WRITTEN = ("config.json", "versions.json", "results.json", "log.csv", "checkpoints", "tensorboard", "export")


def check_workdir(config, workdir, overwrite):
    """Raises `InvalidInput` if `workdir` is no folder, or holds a run of another config and may not be overwritten."""
    if workdir.exists() and not workdir.is_dir():
        raise InvalidInput(f"workdir '{workdir}' is a file; give a folder")
    found = workdir / "config.json"
    if overwrite or not found.is_file():
        return
    try:
        other = json.loads(found.read_text())
    except ValueError:
        raise InvalidInput(f"workdir '{workdir}' holds a damaged config.json; choose another or --overwrite") from None
    changed = _differences(other, config.to_dict())
    if changed:
        raise InvalidInput(
            f"workdir '{workdir}' holds a run of another config ({changed[0]}); choose another workdir, or --overwrite"
        )


def _differences(one, two, path=""):
    if not (isinstance(one, dict) and isinstance(two, dict)):
        return [] if one == two else [f"{path} is {one!r} there and {two!r} here"]
    keys = sorted({*one, *two})
    return [d for k in keys for d in _differences(one.get(k), two.get(k), f"{path}.{k}".lstrip("."))]


def remove_run(workdir):
    """Deletes what a run wrote in `workdir`, and nothing else."""
    for name in [*WRITTEN, *(p.name for p in workdir.glob("*.png"))]:
        path = workdir / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def machine():
    """What a result depends on besides its config: versions, git revision, machine."""
    packages = ("dgm_zoo", "tensorflow", "keras", "tensorflow_probability", "tensorflow_datasets", "numpy")
    return {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "git_revision": git_revision(),
        "machine": f"{platform.machine()}, {tf.config.threading.get_intra_op_parallelism_threads() or _cores()} CPU cores, "
        f"{len(tf.config.list_physical_devices('GPU'))} GPUs",
    }


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def git_revision():
    """The commit of the checkout that this package runs from, or None outside one."""
    found = subprocess.run(
        ["git", "-C", Path(__file__).parent, "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


def write_json(value, path):
    """Writes JSON whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(value, indent=2) + "\n")
    partial.rename(path)
