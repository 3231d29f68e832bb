"""Checkpoints that resume to the same bits, and that a kill at any moment leaves whole.

`<workdir>/checkpoints/epoch_000012/` holds `model.keras` (weights, every player's optimizer, the seed) and
`history.json` (the logs of all epochs so far). A folder is written under another name and renamed into place, so
that what has a checkpoint's name is a checkpoint. Two are kept: the newest, and the best by validation loss.

Nothing else is state: the noise is a function of the seed and the step, the data's order one of the seed and the
epoch, and early stopping reads the history.
"""

import json
import os
import shutil
import time
import zipfile
from pathlib import Path

import keras

from dgm_zoo.errors import InvalidInput

MONITOR = "val_loss"


def best_epoch(history):
    """Index of the epoch with the least validation loss."""
    return min(range(len(history)), key=lambda e: history[e][MONITOR])


class Checkpoints(keras.callbacks.Callback):
    """Writes a checkpoint after an epoch that is the best so far, when `seconds` have passed, and at the end.

    Args:
      workdir: the run's folder.
      history: logs of the epochs before this run, a list of dicts.
      seconds: least time between two checkpoints that are not the best; a best one waits for it too, in memory.
      patience: stop after so many epochs without a better validation loss; None never stops.
    """

    def __init__(self, workdir, history, seconds, patience):
        super().__init__()
        self.folder, self.history = Path(workdir) / "checkpoints", list(history)
        self.seconds, self.patience = seconds, patience
        self.saved_at, self.best_weights = time.monotonic(), None
        found = newest(self.folder)
        before = json.loads((found / "progress.json").read_text())["seconds"] if found else 0.0
        self.started = time.monotonic() - before

    def elapsed(self):
        """Seconds of fitting, those of earlier processes up to their last checkpoint included."""
        return time.monotonic() - self.started

    def on_epoch_end(self, epoch, logs=None):
        self.history.append({name: float(value) for name, value in logs.items()})
        best = best_epoch(self.history)
        stop = self.patience is not None and epoch - best >= self.patience
        last = epoch + 1 == self.params["epochs"]
        if stop:
            self.model.stop_training = True
        if best == epoch:
            self.best_weights = self.model.get_weights()
        if stop or last or time.monotonic() - self.saved_at >= self.seconds:
            self.save(epoch, best)
            self.saved_at = time.monotonic()

    def save(self, epoch, best):
        """Writes the newest checkpoint, with the best weights so far beside it."""
        final = self.folder / f"epoch_{epoch + 1:06d}"
        partial = self.folder / f"partial_{os.getpid()}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self.model.save(partial / "model.keras")
        (partial / "history.json").write_text(json.dumps(self.history))
        if best == epoch:
            shutil.copy(partial / "model.keras", partial / "best.keras")
        elif self.best_weights is None:  # the best epoch was before this process started
            shutil.copy(newest(self.folder) / "best.keras", partial / "best.keras")
        else:
            now = self.model.get_weights()
            self.model.set_weights(self.best_weights)
            self.model.save(partial / "best.keras")
            self.model.set_weights(now)
        progress = {"epoch": epoch + 1, "best_epoch": best + 1, "seconds": round(self.elapsed(), 1)}
        (partial / "progress.json").write_text(json.dumps(progress))
        write_csv(self.history, self.folder.parent / "log.csv")
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        for old in self.folder.iterdir():
            if old != final:
                shutil.rmtree(old)


def newest(folder):
    """The newest checkpoint in `folder`, or None."""
    found = sorted(Path(folder).glob("epoch_*"))
    return found[-1] if found else None


def load(path):
    """Loads a `.keras` file; raises `InvalidInput` if it is truncated or was not written by this package."""
    path = Path(path)
    if not zipfile.is_zipfile(path):
        raise InvalidInput(f"checkpoint '{path}' is truncated or no Keras file; delete its folder to start afresh")
    try:
        model = keras.saving.load_model(path)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        first = str(error).strip().splitlines()[0]
        raise InvalidInput(f"checkpoint '{path}' does not load ({first}); delete its folder to start afresh") from None
    return model


def write_csv(history, path):
    """Writes the logs as CSV, one row per epoch, whole or not at all."""
    names = list(history[0])
    rows = [",".join(["epoch", *names])]
    rows += [",".join([str(e), *(repr(logs[name]) for name in names)]) for e, logs in enumerate(history, 1)]
    partial = Path(path).with_suffix(".partial")
    partial.write_text("\n".join(rows) + "\n")
    partial.rename(path)
