"""Images shifted, turned and zoomed, by given amounts or at random: pure functions that XLA compiles."""

import numpy as np
import tensorflow as tf


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


def augmented(x: tf.Tensor, uniform: tf.Tensor, by: float) -> tf.Tensor:
    """Images moved at random, each on its own: see `moved`.

    Args:
      x: images, floats `[batch, height, width, channels]`.
      uniform: noise on [0, 1), `[batch, 4]`.
      by: share of the image, in [0, 0.5): shifts are up to `by` of height and width, turns up to `by` of half a turn,
        zooms up to twice `by` of the size.

    Example:
      >>> x = augmented(x, BatchNoise(seed, 64).uniform((4,)), 0.1)   # by up to 2.8 of 28 pixels, 18 degrees and 20 %
    """
    amount = by * (2 * uniform - 1)
    return moved(x, amount[:, :2] * np.array(x.shape[1:3], "float32"), np.pi * amount[:, 2], 1 + 2 * amount[:, 3])
