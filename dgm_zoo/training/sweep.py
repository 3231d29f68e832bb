"""Sweeps: one config with every combination of some values, each for several seeds, in processes beside each other."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import tensorflow as tf
from ml_collections import ConfigDict

from dgm_zoo.errors import InvalidInput
from dgm_zoo.files import check_writable
from dgm_zoo.training.build import build
from dgm_zoo.training.comparison import compare_runs
from dgm_zoo.training.config import load_config
from dgm_zoo.training.workdir import check_workdir, cores, is_measured

TERMINATED = 143


class Job(NamedTuple):
    """One run of a sweep: its resolved config and its folder."""

    config: ConfigDict
    folder: Path


class Child(NamedTuple):
    """The process of a job, the file with its messages, and when it began."""

    job: Job
    process: subprocess.Popen
    messages: IO[bytes]
    began: float


def sweep(
    config: str | Path, grid: dict[str, list], workdir: str | Path, seeds: int = 1, overrides: Iterable[str] = (),
    processes: int | None = None, metrics: Iterable[str] | None = None, progress: Callable = print,
) -> dict:
    """Trains a config with every combination of the grid's values for each seed, and compares the runs.

    Each run has a folder of its own in `workdir`, such as `latent_dim=8-seed0`. Finished runs are not repeated, an
    interrupted one is resumed, and a grid may grow from one call to the next. All runs are checked before the first is
    trained. A run that fails does not stop the others.

    Args:
      config: name or path of a config, as `load_config` takes it.
      grid: dict of key, such as "model.latent_dim", to its values.
      workdir: folder of the runs and of the comparison.
      seeds: number of seeds, `train.seed` 0, 1, ...
      overrides: strings such as "train.epochs=5", for all runs.
      processes: number of runs at a time, which share the cores; None for one on each core, and for a single one if
        there is a GPU, since TensorFlow takes the memory of all GPUs.
      metrics: see `compare_runs`.
      progress: function that receives a line of text after each run.

    Returns:
      What `compare_runs` returns, with the files in `workdir`.

    Raises:
      InvalidInput: the grid, a config or a number is invalid, before any run; or a run failed, after all others.

    Example:
      >>> sweep("vae_digits", {"model.latent_dim": [8, 16]}, "runs/sweep", seeds=3)["rows"][0]["label"]
      'model.latent_dim=8'
    """
    workdir = Path(workdir)
    check_writable(f"workdir '{workdir}'", workdir, folder=True)
    jobs = list(_jobs(config, grid, seeds, list(overrides), workdir))
    limit = cores()
    if processes is not None and not (type(processes) is int and 1 <= processes <= limit):
        raise InvalidInput(f"processes is {processes!r}; give a whole number from 1 to {limit}, the number of cores")
    left = [job for job in jobs if not is_measured(job.config, job.folder)]
    if processes is None:
        processes = 1 if tf.config.list_physical_devices("GPU") else limit
    failed = _run(left, max(1, min(processes, len(left))), progress)
    if failed:
        name, reason = next(iter(failed.items()))
        raise InvalidInput(
            f"{len(failed)} of {len(jobs)} runs failed, first '{name}': {reason}; correct it and run the same command "
            "again, which repeats no finished run"
        )
    return compare_runs([job.folder for job in jobs], metrics, workdir)


def _jobs(config, grid, seeds, overrides, workdir) -> Iterator[Job]:
    """Yields the runs of a sweep, each checked as far as it can be without its data."""
    if type(seeds) is not int or seeds < 1:
        raise InvalidInput(f"seeds is {seeds!r}; give a whole number of at least 1")
    if not grid:
        raise InvalidInput("the grid is empty; give a key with its values, such as model.latent_dim=8,16")
    for key, values in grid.items():
        if not isinstance(values, (list, tuple)) or not values or len({repr(value) for value in values}) < len(values):
            raise InvalidInput(f"grid key '{key}' has the values {values!r}; give at least one, each once")
    if any(one.partition("=")[0] == "train.seed" for one in (*grid, *overrides)):
        raise InvalidInput("train.seed is set by the number of seeds; leave it out of the grid and of all changes")
    leaves = [key.rpartition(".")[2] for key in grid]
    short = {key: leaf if leaves.count(leaf) == 1 else key for key, leaf in zip(grid, leaves, strict=True)}
    points = {}
    for values in itertools.product(*grid.values()):
        point = dict(zip(grid, values, strict=True))
        name = re.sub(r"[^\w.=,+-]", "_", ",".join(f"{short[key]}={value}" for key, value in point.items()))
        if name in points:
            raise InvalidInput(f"two points of the grid would have the folder '{name}'; give values that differ in it")
        points[name] = [*overrides, *(f"{key}={value!r}" for key, value in point.items())]
    for name, changes in points.items():
        for seed in range(seeds):
            job = Job(load_config(config, [*changes, f"train.seed={seed}"]), workdir / f"{name}-seed{seed}")
            check_workdir(job.config, job.folder, overwrite=False)
            if seed == 0 and not is_measured(job.config, job.folder):
                build(job.config)
            yield job


def _run(jobs, processes, progress):
    """Runs all jobs, `processes` at a time; returns the reason of each that failed, by its folder's name."""
    threads = max(1, cores() // processes) if processes > 1 else 0
    waiting, running, failed, done = list(jobs), [], {}, 0
    with _sigterm_exits():
        try:
            while waiting or running:
                while waiting and len(running) < processes:
                    running.append(_start(waiting.pop(0), threads))
                for child in [child for child in running if child.process.poll() is not None]:
                    running.remove(child)
                    name, reason = child.job.folder.name, _reason(child)
                    done += 1
                    if reason:
                        failed[name] = reason
                    said = f"failed: {reason}" if reason else f"{time.monotonic() - child.began:.0f} s"
                    progress(f"{done} of {len(jobs)}: {name}, {said}")
                time.sleep(0.05)
        finally:  # after Ctrl-C or SIGTERM each run saves its last epoch
            for child in running:
                child.process.terminate()
            for child in running:
                child.process.wait()
    return failed


def _start(job, threads):
    """Starts a process for one run."""
    given, messages = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    given.write(json.dumps(job.config.to_dict()).encode())
    given.seek(0)
    path = os.pathsep.join(one for one in (*sys.path, os.environ.get("PYTHONPATH")) if one)
    environment = {key: value for key, value in os.environ.items() if key != "TF_CONFIG"}
    with given:
        process = subprocess.Popen(
            [sys.executable, "-m", "dgm_zoo.training.child", str(job.folder), str(threads)],
            env={**environment, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}, stdin=given,
            stdout=subprocess.DEVNULL, stderr=messages,
        )
    return Child(job, process, messages, time.monotonic())


def _reason(child):
    """Returns why a process failed, the last line that it wrote; None if it did not."""
    with child.messages as messages:
        messages.seek(0)
        lines = messages.read().decode("utf-8", "replace").split("\n")
    code = child.process.returncode
    return next((line for line in reversed(lines) if line.strip()), f"it ended with code {code}") if code else None


@contextmanager
def _sigterm_exits():
    """Context in which SIGTERM raises `SystemExit`, so that the processes of the runs are ended too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(*_: Any) -> None:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
