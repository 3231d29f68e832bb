"""What is done to all rows of a split, array or `Rows`: resizing, noise that is drawn once, and reading."""

import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from dgm_zoo.data import checks, draws
from dgm_zoo.data.rows import Rows
from dgm_zoo.errors import InvalidInput

_BLOCK = 1024  # rows per block when a whole split is drawn or resized
READERS = max(2, os.cpu_count() or 1)  # batches of `Rows` that are read at once


def reader(x: Rows) -> Callable:
    """Returns the function from row numbers, int32 [B], to the tensor of these `Rows`."""

    def read(rows):
        batch = tf.numpy_function(x.take, [rows], tf.dtypes.as_dtype(x.dtype), stateful=False)
        return tf.ensure_shape(batch, [*rows.shape, *x.shape])

    return read


def drawn_once(
    x: np.ndarray | Rows, noise: Callable, seed: int, purpose: int, binarize: bool
) -> np.ndarray | Rows:
    """Returns rows with noise that is a function of (seed, row): uint8 if it makes bits, else float32.

    Args:
      x: rows of a split.
      noise: see `draws.noise_of`.
      seed, purpose: key of the noise; see `draws.key_of`.
      binarize: whether the noise makes bits.
    """

    def draw(rows, block):
        drawn = noise(rows, draws.key_of(seed, purpose, 0, block))
        return tf.cast(drawn, tf.uint8) if binarize else drawn

    def draw_rows(rows, numbers):
        drawn = []
        for block in np.unique(numbers // _BLOCK):
            of_block = np.flatnonzero(numbers // _BLOCK == block)
            places = numbers[of_block] - block * _BLOCK
            before = np.zeros((int(places.max()) + 1, *rows.shape[1:]), rows.dtype)  # a row's noise follows the rows'
            before[places] = rows[of_block]  # before it in its block
            with tf.device("cpu:0"):
                drawn.append(draw(tf.constant(before), block).numpy()[places])
        return np.concatenate(drawn)[np.argsort(np.argsort(numbers // _BLOCK, kind="stable"), kind="stable")]

    return x.changed(draw_rows) if isinstance(x, Rows) else _by_block(draw, x)


def _by_block(function, x):
    """Applies `function(rows, block number)` to x in blocks of rows; returns one NumPy array.

    Blocks bound the memory use and make the numbers drawn for a row independent of the number of rows that follow.
    """
    starts = range(0, len(x), _BLOCK)
    with tf.device("cpu:0"):
        return np.concatenate([function(tf.constant(x[i : i + _BLOCK]), i // _BLOCK).numpy() for i in starts])


def resized(
    x: np.ndarray, levels: int | None, image_size: tuple[int, int]
) -> tuple[np.ndarray, int | None]:
    """Area-averages images to another size.

    Args:
      x: uint8 or float32 array [N, H, W, C].
      levels: number of grey levels of x if it is uint8.
      image_size: (height, width) in pixels.

    Returns:
      The images [N, height, width, C] and their number of levels: resized grey levels are rounded to 256
      levels, since means lie between the old levels; floats stay floats.
    """
    size = checks.check_image_size(image_size)
    if x.ndim != 4:
        raise InvalidInput(f"image_size={size} needs images [N, H, W, C], not shape {x.shape}; leave it out")
    if x.shape[1:3] == size:
        return x, levels
    if x.dtype != np.uint8 or levels is None:
        return _by_block(lambda rows, _: tf.image.resize(rows, size, method="area"), x), levels

    scale = 255 / (levels - 1)

    def resize(rows, _):
        mean = tf.image.resize(tf.cast(rows, tf.float32), size, method="area")
        return tf.cast(tf.round(mean * scale), tf.uint8)

    return _by_block(resize, x), 256
