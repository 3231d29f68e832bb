"""Pictures of samples during training, every few epochs: files of the workdir, and TensorBoard's images."""

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from dgm_zoo.core.averaging import averaged
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.training import checkpoints
from dgm_zoo.training.measure import SAMPLES, sampling
from dgm_zoo.training.measures import Context

FOLDER = "progress"


class Pictures(keras.callbacks.Callback):
    """Draws samples after every n-th epoch into `<workdir>/progress/epoch_000010.png` and into TensorBoard.

    The picture is the one that the finished run draws as `samples.png`, of the weights of its epoch (their moving
    averages, if an optimizer keeps them). Drawing changes no weight and no random stream of training.

    Args:
      draw: function of a `Context`, as `sampling` returns it.
      context: the model, its config and its data.
      workdir: the run's folder.
      epochs: number of epochs before this process, whose pictures are logged again.
    """

    def __init__(self, draw: Callable, context: Context, workdir: str | Path, epochs: int) -> None:
        super().__init__()
        self.draw, self.context, self.workdir, self.epochs = draw, context, Path(workdir), epochs
        self.every = context.config.train.sample_every

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.writer = tf.summary.create_file_writer(str(self.workdir / "tensorboard" / "samples"))
        for epoch in range(self.every, self.epochs + 1, self.every):
            if self.path(epoch).is_file():
                self.log(epoch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if (epoch + 1) % self.every or checkpoints.non_finite(self.model, logs or {}):  # the checkpoint refuses it
            return
        with averaged(self.model):
            self.draw(self.context)[SAMPLES](self.path(epoch + 1))
        self.log(epoch + 1)

    def on_train_end(self, logs: dict | None = None) -> None:
        self.writer.close()

    def path(self, epoch: int) -> Path:
        """Returns the path of an epoch's picture."""
        return self.workdir / FOLDER / f"epoch_{epoch:06d}.png"

    def log(self, epoch: int) -> None:
        """Writes an epoch's picture into TensorBoard's events."""
        with self.writer.as_default():
            picture = tf.io.decode_png(self.path(epoch).read_bytes())
            tf.summary.image("samples", picture[None], step=epoch)
        self.writer.flush()


def pictures(model: GenerativeModel, config: ConfigDict, workdir: Path, history: list[dict]) -> list[Pictures]:
    """Returns the callback that `config.train.sample_every` asks for, in a list; an empty one if it is None.

    Args:
      model: the model that `fit` trains.
      config: the resolved config of its run.
      workdir: folder of the run.
      history: logs of the epochs before this process.
    """
    draw = sampling(model, config) if config.train.sample_every else None
    return [Pictures(draw, Context(model, config), workdir, len(history))] if draw else []
