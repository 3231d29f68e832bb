"""Checkpoints that resume bit for bit and stay intact if the process is killed at any moment.

`<workdir>/checkpoints/epoch_000012/` holds

* `model.keras`: the weights after epoch 12, every player's optimizer with its step count, the seed, and
  the states of the seeds of layers such as `Dropout`;
* `best.keras`: the weights (their moving averages, if an optimizer keeps them) of the epoch with the least validation
  loss so far, kept in memory between two checkpoints (the optimizers in it are the newest ones);
* `history.json`: the logs of all epochs so far; `progress.json`: their duration in seconds;
* `sha256.json`: the checksums of these files.

A folder is written under another name, flushed to the disk and renamed into place, so that a folder with a checkpoint's
name is complete. The two newest ones are kept: if the newest is damaged nevertheless, the one before it is used, with a
warning, and its later epochs are trained again, to the same bits.

SIGTERM, which pre-emptible machines send before they stop, saves the last whole epoch, unless its checkpoint is there
already, and ends the process with exit code 143.

There is no other state. The noise is a function of the seed and the step, the data's order and pixels are a function of
the seed and the epoch, and the learning rate is a function of the step; early stopping and the best epoch are computed
from the history. A best epoch between the last checkpoint and a kill is trained again, to the same weights.

On a CPU, bit-for-bit resumption needs neither TensorFlow's op determinism nor fewer threads:
`tests/kill_and_resume.py` kills a run three times and compares it with an undisturbed one. It does need the same
machine, number of threads and versions. On a GPU this was not measured: some of TensorFlow's kernels sum in an
arbitrary order unless `tf.config.experimental.enable_op_determinism()` was called first, which switches XLA off.

Plain Keras code can do the same: `model.save("m.keras")` after an epoch and `keras.saving.load_model("m.keras")`
restore everything, and `data.load(..., first_epoch=n)` continues the data.
"""

import contextlib
import json
import shutil
import signal
import sys
import threading
import time
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dgm_zoo.core.averaging import averaged, keeps_averages
from dgm_zoo.core.state import variables as own_variables
from dgm_zoo.errors import InvalidInput, NonFiniteLoss
from dgm_zoo.files import remove_leftovers, whole
from dgm_zoo.training.checksums import MONITOR, damage, write_sums
from dgm_zoo.training.logs import write_csv
from dgm_zoo.training.workdir import read_json

ADVICE = "delete its folder or train with --overwrite to start afresh"
TERMINATED = 143  # exit code: 128 + SIGTERM


def best_epoch(history: list[dict]) -> int:
    """Returns the index of the epoch with the least validation loss; the latest one in a tie."""
    return min(range(len(history)), key=lambda e: (history[e][MONITOR], -e))


def stopped_early(history: list[dict], patience: int | None) -> bool:
    """Returns whether the last `patience` epochs did not improve the validation loss; False if `patience` is None."""
    return patience is not None and bool(history) and len(history) - 1 - best_epoch(history) >= patience


class Checkpoints(keras.callbacks.Callback):
    """Writes a checkpoint after an epoch once `seconds` have passed since the last one, and after the last epoch.

    A checkpoint never contains NaN or infinity: a step with a non-finite term stops the epoch, and the logs, weights
    and optimizers are checked at the end of an epoch before anything is written.

    Args:
      workdir: the run's folder.
      history: logs of the epochs before this process, a list of dicts.
      seconds: least time between two checkpoints, in seconds.
      patience: number of epochs without a better validation loss after which to stop; None never stops.
      writes: whether this process writes; of several workers, of which all stop together, only the first does.

    Raises (in `fit`):
      NonFiniteLoss: a validation term, a weight or an optimizer's variable is NaN or infinite at the end of an epoch.
      InvalidInput: a checkpoint cannot be written, for example on a full disk; nothing of it is left.
      SystemExit: after SIGTERM, see `until_sigterm`.
    """

    def __init__(
        self, workdir: str | Path, history: list[dict], seconds: float, patience: int | None, writes: bool = True
    ) -> None:
        super().__init__()
        self.writes = writes
        self.folder, self.history = Path(workdir) / "checkpoints", list(history)
        self.seconds, self.patience = seconds, patience
        self.saved_at, self.best_weights = time.monotonic(), None
        self.unsaved, self.terminated = None, False
        self.started = self.saved_at - seconds_before(self.folder)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.check_finite(logs)
        self.history.append({name: float(value) for name, value in logs.items()})
        best, stop = best_epoch(self.history), stopped_early(self.history, self.patience)
        if stop:
            self.model.stop_training = True
        if best == epoch and self.writes:
            with averaged(self.model):
                self.best_weights = self.model.get_weights()
        last = stop or epoch + 1 == self.params["epochs"]
        if last or time.monotonic() - self.saved_at >= self.seconds:
            self.save(epoch, best)
            self.saved_at = time.monotonic()
        elif self.writes:
            self.unsaved = epoch, best, [v.numpy() for _, v in state(self.model)]

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.end_if_terminated()

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.end_if_terminated()

    @contextlib.contextmanager
    def until_sigterm(self) -> Iterator[None]:
        """Context in which SIGTERM saves the last whole epoch after the current batch and then raises `SystemExit`.

        Outside the main thread, where Python sets no handlers, it changes nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, lambda *_: setattr(self, "terminated", True))
        try:
            yield
            self.end_if_terminated()
        finally:
            signal.signal(signal.SIGTERM, before)

    def end_if_terminated(self) -> None:
        if not self.terminated:
            return
        self.save_unsaved()
        kept = newest(self.folder)
        where = f"the last whole epoch is in {kept}" if kept else "no epoch was complete, so nothing is saved"
        print(f"dgm-zoo: ended by SIGTERM; {where}; run the same command again to resume", file=sys.stderr)
        raise SystemExit(TERMINATED)

    def save_unsaved(self) -> None:
        """Writes the checkpoint of the last whole epoch, unless it is there already."""
        if self.unsaved:
            epoch, best, values = self.unsaved
            for (_, variable), value in zip(state(self.model), values, strict=True):
                variable.assign(value)
            self.save(epoch, best)

    def check_finite(self, logs: dict) -> None:
        """Raises `NonFiniteLoss` for the first log, weight or optimizer variable that is not finite."""
        found = non_finite(self.model, logs)
        if found:
            raise NonFiniteLoss(
                f"{found[0]} became NaN or infinite by step {int(np.asarray(self.model.step))}; "
                "lower the learning rate or check the data"
            )

    def save(self, epoch: int, best: int) -> None:
        """Writes a checkpoint of the current weights and of the best weights so far."""
        if not self.writes:
            return
        final = self.folder / f"epoch_{epoch + 1:06d}"
        with whole(final) as partial:
            partial.mkdir()
            self.model.save(partial / "model.keras")
            if best == epoch and not keeps_averages(self.model):
                shutil.copy(partial / "model.keras", partial / "best.keras")
            elif self.best_weights is None:  # the best epoch precedes this process
                shutil.copy(newest(self.folder) / "best.keras", partial / "best.keras")
            else:
                now = self.model.get_weights()
                self.model.set_weights(self.best_weights)
                self.model.save(partial / "best.keras")
                self.model.set_weights(now)
            (partial / "history.json").write_text(json.dumps(self.history), encoding="utf-8")
            seconds = round(time.monotonic() - self.started, 1)
            progress = {"epoch": epoch + 1, "best_epoch": best + 1, "seconds": seconds}
            (partial / "progress.json").write_text(json.dumps(progress), encoding="utf-8")
            write_sums(partial)
            write_csv(self.history, self.folder.parent / "log.csv")
        self.unsaved = None
        kept = [final, *(one for one in _all(self.folder) if one < final)][:2]
        for old in _all(self.folder):
            if old not in kept:
                shutil.rmtree(old)
        remove_leftovers(self.folder)


def _all(folder):
    """Returns the checkpoints in `folder`, the newest first; whatever else lies there is not ours."""
    return sorted((one for one in Path(folder).glob("epoch_*") if one.name[6:].isdecimal()), reverse=True)


def newest(folder: str | Path) -> Path | None:
    """Returns the newest checkpoint in `folder`, or None."""
    return next(iter(_all(folder)), None)


def newest_whole(folder: str | Path, delete: bool = False) -> Path | None:
    """Returns the newest checkpoint in `folder` that is not damaged, or None if there is no checkpoint.

    Warns if a newer one is damaged, and deletes it if `delete`.

    Raises:
      InvalidInput: all are damaged, or a file cannot be read.
    """
    damaged = []
    for found in _all(folder):
        reason = damage(found)
        if reason is None:
            if damaged:
                warnings.warn(f"{damaged[0]}; {found} is used instead", stacklevel=3)
            for one in _all(folder) if delete else ():
                if one > found:
                    shutil.rmtree(one)
            return found
        damaged.append(f"checkpoint '{found}' is damaged ({reason})")
    if damaged:
        raise InvalidInput(f"{damaged[0]}; {ADVICE}")
    return None


def seconds_before(folder: str | Path) -> float:
    """Returns the seconds of fitting up to the newest checkpoint in `folder`, over all processes; 0 without one."""
    found = newest(folder)
    return read_json(found / "progress.json")["seconds"] if found else 0.0


def state(model: keras.Model) -> list[tuple[str, Any]]:
    """Returns every variable of a checkpoint with its name: the weights, each player's optimizer variables, the
    batch count, the coefficients and the layers' seeds."""
    of_keras = [*model.weights, *(v for optimizer in model.optimizers.values() for v in optimizer.variables)]
    return [*((v.path, v) for v in of_keras), *own_variables(model).items()]


def non_finite(model: keras.Model, logs: dict) -> list[str]:
    """Returns what is NaN or infinite at the end of an epoch: terms of the logs, weights, variables of optimizers."""
    found = [f"term '{name}'" for name, value in logs.items() if not np.isfinite(value)]
    return found + [f"variable '{name}'" for name, v in state(model) if not np.isfinite(v.numpy()).all()]


def restore(path: Path, model: keras.Model) -> None:
    """Assigns the variables of a checkpoint's `.keras` file to `model`, built and compiled by the run's config.

    Raises:
      InvalidInput: the file is truncated, not a Keras file, or holds another model; `model` stays unchanged.
    """
    if not zipfile.is_zipfile(path):
        raise InvalidInput(f"checkpoint '{path}' is missing, truncated or not a Keras file; {ADVICE}")
    try:
        found = keras.saving.load_model(path)
    except Exception as error:  # a foreign or damaged file may raise any exception
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        raise InvalidInput(f"checkpoint '{path}' does not load ({type(error).__name__}: {reason}); {ADVICE}") from None
    same = type(found) is type(model) and found.compiled
    if not same or [v.shape for _, v in state(found)] != [v.shape for _, v in state(model)]:
        raise InvalidInput(f"checkpoint '{path}' holds another model than the run's config describes; {ADVICE}")
    for (_, mine), (_, its) in zip(state(model), state(found), strict=True):
        mine.assign(its.numpy())
