"""Checkpoints that resume to the same bits, and that a kill at any moment leaves whole.

`<workdir>/checkpoints/epoch_000012/` holds

* `model.keras`: the weights after epoch 12, every player's optimizer with its step count, the seed;
* `best.keras`: the weights (their moving averages, where an optimizer keeps them) of the epoch with the least
  validation loss so far, kept in memory between two
  checkpoints (the optimizers in it are the newest ones);
* `history.json`: the logs of all epochs so far; `progress.json`: the seconds that they took.

A folder is written under another name and renamed into place, so that what has a checkpoint's name is a checkpoint.
The one before is deleted after that.

Nothing else is state. The noise is a function of the seed and the step, the data's order and pixels one of the seed
and the epoch, the learning rate one of the step; early stopping and the best epoch are read from the history. A best
epoch that fell between the last checkpoint and a kill is trained again, to the same weights.

On a CPU the same bits need no determinism setting, neither TensorFlow's op determinism nor fewer threads:
`tests/kill_and_resume.py` kills a run three times and compares it with an undisturbed one. They do need the same
machine, number of threads and versions. On a GPU, where this was not measured, some of TensorFlow's kernels add in
any order unless `tf.config.experimental.enable_op_determinism()` was called first, which switches XLA off.

Plain Keras does the same: `model.save("m.keras")` after an epoch and `keras.saving.load_model("m.keras")` give back
everything, and `data.load(..., first_epoch=n)` continues the data.
"""

import json
import os
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dgm_zoo.core.averaging import averaged, keeps_averages
from dgm_zoo.core.state import variables as own_variables
from dgm_zoo.errors import InvalidInput, NonFiniteLoss
from dgm_zoo.training.logs import write_csv
from dgm_zoo.training.workdir import read_json

MONITOR = "val_loss"


def best_epoch(history: list[dict]) -> int:
    """Index of the epoch with the least validation loss, the latest of several equal ones."""
    return min(range(len(history)), key=lambda e: (history[e][MONITOR], -e))


def stopped_early(history: list[dict], patience: int | None) -> bool:
    """Whether the last `patience` epochs brought no better validation loss; never if `patience` is None."""
    return patience is not None and bool(history) and len(history) - 1 - best_epoch(history) >= patience


class Checkpoints(keras.callbacks.Callback):
    """Writes a checkpoint after an epoch once `seconds` have passed since the last one, and after the last epoch.

    A checkpoint never holds NaN or infinity: a step whose terms are not finite stops the epoch, and before the
    epoch's own numbers are used, its logs, the weights and the optimizers are checked.

    Args:
      workdir: the run's folder.
      history: logs of the epochs before this process, a list of dicts.
      seconds: least time between two checkpoints.
      patience: stop after so many epochs without a better validation loss; None never stops.

    Raises (in `fit`):
      NonFiniteLoss: a validation term, a weight or an optimizer's variable is NaN or infinite at the end of an epoch.
    """

    def __init__(self, workdir: str | Path, history: list[dict], seconds: float, patience: int | None) -> None:
        super().__init__()
        self.folder, self.history = Path(workdir) / "checkpoints", list(history)
        self.seconds, self.patience = seconds, patience
        self.saved_at, self.best_weights = time.monotonic(), None
        self.started = self.saved_at - seconds_before(self.folder)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.check_finite(logs)
        self.history.append({name: float(value) for name, value in logs.items()})
        best, stop = best_epoch(self.history), stopped_early(self.history, self.patience)
        if stop:
            self.model.stop_training = True
        if best == epoch:
            with averaged(self.model):
                self.best_weights = self.model.get_weights()
        last = stop or epoch + 1 == self.params["epochs"]
        if last or time.monotonic() - self.saved_at >= self.seconds:
            self.save(epoch, best)
            self.saved_at = time.monotonic()

    def check_finite(self, logs: dict) -> None:
        """Raises `NonFiniteLoss` for the first log, weight or optimizer's variable that is not finite."""
        found = [f"term '{name}'" for name, value in logs.items() if not np.isfinite(value)]
        found += [f"variable '{name}'" for name, v in state(self.model) if not np.isfinite(v.numpy()).all()]
        if found:
            raise NonFiniteLoss(
                f"{found[0]} became NaN or infinite by step {int(np.asarray(self.model.step))}; "
                "lower the learning rate or check the data"
            )

    def save(self, epoch: int, best: int) -> None:
        """Writes the newest checkpoint, with the best weights so far beside it."""
        final = self.folder / f"epoch_{epoch + 1:06d}"
        partial = self.folder / f"partial_{os.getpid()}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self.model.save(partial / "model.keras")
        if best == epoch and not keeps_averages(self.model):
            shutil.copy(partial / "model.keras", partial / "best.keras")
        elif self.best_weights is None:  # the best epoch was before this process started
            shutil.copy(newest(self.folder) / "best.keras", partial / "best.keras")
        else:
            now = self.model.get_weights()
            self.model.set_weights(self.best_weights)
            self.model.save(partial / "best.keras")
            self.model.set_weights(now)
        (partial / "history.json").write_text(json.dumps(self.history))
        seconds = round(time.monotonic() - self.started, 1)
        progress = {"epoch": epoch + 1, "best_epoch": best + 1, "seconds": seconds}
        (partial / "progress.json").write_text(json.dumps(progress))
        write_csv(self.history, self.folder.parent / "log.csv")
        partial.rename(final)
        for old in self.folder.iterdir():  # the checkpoint before, and what killed processes left
            if old != final:
                shutil.rmtree(old)


def newest(folder: str | Path) -> Path | None:
    """The newest checkpoint in `folder`, or None."""
    found = sorted(Path(folder).glob("epoch_*"))
    return found[-1] if found else None


def seconds_before(folder: str | Path) -> float:
    """Seconds of fitting up to the newest checkpoint in `folder`, over all processes; 0 if there is none."""
    found = newest(folder)
    return read_json(found / "progress.json")["seconds"] if found else 0.0


def state(model: keras.Model) -> list[tuple[str, Any]]:
    """Every variable that a checkpoint holds, with its name: the weights, those of each player's optimizer, and the
    count of batches with the coefficients."""
    of_keras = [*model.weights, *(v for optimizer in model.optimizers.values() for v in optimizer.variables)]
    return [*((v.path, v) for v in of_keras), *own_variables(model).items()]


def restore(path: Path, model: keras.Model) -> None:
    """Gives `model`, built and compiled as the run's config says, what a checkpoint's `.keras` file holds.

    Raises:
      InvalidInput: the file is truncated, not a Keras file, or holds another model; `model` stays unchanged.
    """
    advice = "delete its folder or train with --overwrite to start afresh"
    if not zipfile.is_zipfile(path):
        raise InvalidInput(f"checkpoint '{path}' is missing, truncated or no Keras file; {advice}")
    try:
        found = keras.saving.load_model(path)
    except Exception as error:  # what a foreign or damaged file raises depends on its bytes
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        raise InvalidInput(f"checkpoint '{path}' does not load ({type(error).__name__}: {reason}); {advice}") from None
    same = type(found) is type(model) and found.compiled
    if not same or [v.shape for _, v in state(found)] != [v.shape for _, v in state(model)]:
        raise InvalidInput(f"checkpoint '{path}' holds another model than the run's config describes; {advice}")
    for (_, mine), (_, its) in zip(state(model), state(found), strict=True):
        mine.assign(its.numpy())
