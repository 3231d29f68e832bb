"""Random shifts, turns and zooms of the images that a network sees in training."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import shown
from dgm_zoo.errors import InvalidInput


def moved(x: tf.Tensor, shift: tf.Tensor, turn: tf.Tensor, zoom: tf.Tensor) -> tf.Tensor:
    """Images shifted, turned and zoomed about their centre, by bilinear interpolation; outside an image pixels are 0.

    Args:
      x: images, floats `[batch, height, width, channels]`.
      shift: down and to the right, in pixels, `[batch, 2]`.
      turn: clockwise, in radians, `[batch]`.
      zoom: factor of size, above 0, `[batch]`.

    Example:
      >>> moved(x, shift=[[0.0, 1.0]], turn=[0.0], zoom=[1.0])[0, :, 1:]   # x[0, :, :-1], one pixel to the right
    """
    height, width, channels = x.shape[1:]
    shift = tf.reshape(tf.cast(shift, tf.float32), [-1, 2, 1, 1])
    down = tf.reshape(tf.range(height, dtype=tf.float32) - (height - 1) / 2, [-1, 1]) - shift[:, 0]
    right = tf.range(width, dtype=tf.float32) - (width - 1) / 2 - shift[:, 1]
    cos, sin = (tf.reshape(f(turn) / zoom, [-1, 1, 1]) for f in (tf.cos, tf.sin))
    row, column = cos * down - sin * right + (height - 1) / 2, sin * down + cos * right + (width - 1) / 2
    rows, columns = list(_neighbours(row, height)), list(_neighbours(column, width))
    pixels = tf.reshape(x, [-1, channels])
    image = tf.reshape(tf.range(tf.shape(x)[0]) * height * width, [-1, 1, 1])
    found = 0.0
    for i, of_row in rows:
        for j, of_column in columns:
            found += tf.cast(of_row * of_column, x.dtype)[..., None] * tf.gather(pixels, image + i * width + j)
    return found


def _neighbours(at, size):
    """The two pixels beside each coordinate, and their weights, which are 0 outside the image."""
    first = tf.floor(at)
    for pixel in (first, first + 1):
        inside = tf.cast((pixel >= 0) & (pixel <= size - 1), tf.float32)
        yield tf.cast(tf.clip_by_value(pixel, 0, size - 1), tf.int32), inside * (1 - tf.abs(at - pixel))


@keras.saving.register_keras_serializable("dgm_zoo")
class RandomMoves(keras.layers.Layer):
    """Moves images at random in training, each on its own; otherwise returns them as they are. See `moved`.

    Unlike Keras' layers of the kind it compiles under XLA. Its seed is saved and restored with a model.

    Args:
      shift: most shift, as a share of height and width.
      turn: most turn, as a share of half a turn.
      zoom: most enlargement or reduction, as a share of the size.
      seed: seed of the moves; None for a random one.
    """

    def __init__(self, shift: float = 0.0, turn: float = 0.0, zoom: float = 0.0, seed: int | None = None,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shift, self.turn, self.zoom, self.seed = shift, turn, zoom, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        if not training:
            return x
        by = keras.random.uniform((tf.shape(x)[0], 4), -1.0, 1.0, dtype="float32", seed=self.seed_generator)
        size = np.array(x.shape[1:3], "float32")
        return moved(x, self.shift * size * by[:, :2], np.pi * self.turn * by[:, 2], 1 + self.zoom * by[:, 3])

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shift": self.shift, "turn": self.turn, "zoom": self.zoom, "seed": self.seed}


def augmented(network: keras.Model, by: float) -> keras.Model:
    """Returns `network` behind `RandomMoves` with shift and turn of up to `by`, and a zoom of up to twice `by`.

    Args:
      network: Keras model of one input, images `[batch, height, width, channels]`.
      by: share of the image, in [0, 0.5); 0 returns `network` itself.

    Raises:
      InvalidInput: `by` is not such a share.

    Example:
      >>> trunk = augmented(lenet((28, 28, 1)), 0.1)   # by up to 2.8 pixels, 18 degrees and 20 %
      >>> trunk(x, training=True).shape
      TensorShape([64, 256])
    """
    if isinstance(by, bool) or not isinstance(by, (int, float)) or not 0 <= by < 0.5:
        raise InvalidInput(f"augment is {shown(by)}; give a share of the image from 0 to below 0.5, such as 0.1")
    if not by:
        return network
    x = keras.Input(network.input_shape[1:], name="x")
    return keras.Model(x, network(RandomMoves(by, by, 2 * by, name="moves")(x)), name=network.name)
