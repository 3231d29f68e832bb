"""A run's logs: one CSV row per epoch, and the same numbers as TensorBoard events."""

import shutil
from pathlib import Path

import keras
import tensorflow as tf

from dgm_zoo.files import whole


def write_csv(history: list[dict], path: str | Path) -> None:
    """Writes the logs as CSV, whole or not at all, one row per epoch, counted from 1.

    Args:
      history: dict of name to float for each epoch.
      path: the file.
    """
    names = list(history[0])
    rows = [",".join(["epoch", *names])]
    rows += [",".join([str(e), *(repr(logs[name]) for name in names)]) for e, logs in enumerate(history, 1)]
    with whole(path) as partial:
        partial.write_text("\n".join(rows) + "\n", encoding="utf-8")


class TensorBoard(keras.callbacks.Callback):
    """Writes each epoch's logs to `<folder>/train` and `<folder>/validation`, under Keras' names (`epoch_loss`).

    A resumed run rewrites the earlier epochs into fresh files, so that no epoch appears twice, even if a killed process
    logged epochs after its last checkpoint.

    Args:
      folder: `<workdir>/tensorboard`; deleted when training begins.
      history: logs of the epochs before this process, a list of dicts.
    """

    def __init__(self, folder: str | Path, history: list[dict]) -> None:
        super().__init__()
        self.folder, self.history = Path(folder), list(history)

    def on_train_begin(self, logs: dict | None = None) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.writers = {
            name: tf.summary.create_file_writer(str(self.folder / name)) for name in ("train", "validation")
        }
        for epoch, logs in enumerate(self.history):
            self.on_epoch_end(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        for name, value in logs.items():
            split = "validation" if name.startswith("val_") else "train"
            with self.writers[split].as_default():
                tf.summary.scalar(f"epoch_{name.removeprefix('val_')}", value, step=epoch + 1)
        for writer in self.writers.values():
            writer.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        for writer in self.writers.values():
            writer.close()
