"""All randomness in the data: order, pixels and hidden labels as pure functions of the seed."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from dgm_zoo.data import checks
from dgm_zoo.data.checks import SPLITS
from dgm_zoo.data.rows import Rows
from dgm_zoo.errors import InvalidInput

# Purposes of random streams. Purpose and seed form the first half of the generator's key.
ORDER, NOISE, DRAWN_ONCE = 0, 1, 2  # DRAWN_ONCE + the position of the split in SPLITS
_LABELS = DRAWN_ONCE + len(SPLITS)
_LATENTS = _LABELS + 1
ORDER_OF = {"source": _LATENTS + 1, "target": _LATENTS + 2}  # each domain of a pair has its own order
_ROWS_OF = {"source": _LATENTS + 3, "target": _LATENTS + 4}
UNLABELLED = -1  # the label of an unlabelled row, and each latent of an unpaired one


def key_of(seed: int, purpose: int, epoch: int | tf.Tensor, batch: int | tf.Tensor) -> tf.Tensor:
    """Returns the key of a random stream, int64 [2]: four 32-bit numbers, unique to the stream."""
    low = tf.bitwise.left_shift(tf.cast(epoch, tf.int64), tf.constant(32, tf.int64))
    return tf.stack([tf.constant(purpose << 32 | seed % 2**32, tf.int64), low | tf.cast(batch, tf.int64)])


def permutation(n: int, key: tf.Tensor) -> tf.Tensor:
    """Returns a random permutation of 0 .. n - 1, int32 [n]: the ranks of n random 64-bit integers."""
    ranks = tf.random.stateless_uniform([n], key, minval=None, maxval=None, dtype=tf.int64, alg="philox")
    return tf.argsort(ranks, stable=True)


def noise_of(binarize: str | None, dequantize: bool, x: np.ndarray | Rows, levels: int | None) -> Callable | None:
    """Returns the function (rows, key) -> float32 rows for the given options, or None for plain pixels."""
    if (binarize or dequantize) and levels is None:
        raise InvalidInput("binarize and dequantize need pixels; with levels=None leave both out")
    if dequantize:
        if np.dtype(x.dtype) != np.uint8:
            raise InvalidInput(
                f"dequantize=True needs uint8 grey levels, not {x.dtype}; give x as uint8 with its levels"
            )
        return lambda rows, key: _dequantized(rows, levels, key)
    if binarize == "threshold":
        return lambda rows, key: tf.cast(values(rows, levels) > 0.5, tf.float32)
    if binarize:
        return lambda rows, key: _bernoulli(values(rows, levels), key)
    return None


def values(rows: tf.Tensor, levels: int | None) -> tf.Tensor:
    """Returns pixels as float32: grey level k becomes k / (levels - 1); floats stay unchanged."""
    return tf.cast(rows, tf.float32) / (levels - 1) if rows.dtype == tf.uint8 else rows


def _bernoulli(p, key):
    """Ones with probability p: exactly for p = 0 and 1, else to within 2**-23, the resolution of the uniforms."""
    return tf.cast(tf.random.stateless_uniform(tf.shape(p), key, alg="philox") < p, tf.float32)


def _dequantized(rows, levels, key):
    """(k + u) / levels with u uniform on the odd multiples of 2**-16 in (0, 1).

    With these u, k + u is exact in float32, so that floor(levels * x) recovers k; with finer ones it can round up
    to k + 1.
    """
    count = tf.size(rows)
    words = tf.random.stateless_uniform([(count + 1) // 2], key, None, None, tf.uint32, alg="philox")
    bits = tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:count] | tf.constant(1, tf.uint16)
    u = tf.reshape(tf.cast(bits, tf.float32) / 2**16, tf.shape(rows))
    return (tf.cast(rows, tf.float32) + u) / levels


def hidden(
    y: np.ndarray, labelled_fraction: float | None = None, labels_per_class: int | None = None, seed: int = 0
) -> np.ndarray:
    """Hides labels: returns y with -1 in place of all but some labels of each class, drawn from the seed.

    Args:
      y: labels int32 [N]; a label of -1 stays -1.
      labelled_fraction: share of each class, in (0, 1], whose labels stay, rounded to whole rows.
      labels_per_class: number of rows of each class whose labels stay; give one of the two.

    Raises:
      InvalidInput: both or neither are given, or a value is invalid or does not suit the smallest class.

    Example:
      >>> hidden(np.array([0, 0, 1, 1, 1, 1]), labelled_fraction=0.5)   # one 0 and two 1 stay
    """
    checks.check_hiding(labelled_fraction, labels_per_class)
    kept = np.full_like(y, UNLABELLED)
    for label in np.unique(y[y >= 0]):
        rows = np.flatnonzero(y == label)
        count = round(labelled_fraction * len(rows)) if labels_per_class is None else labels_per_class
        if count == 0:
            raise InvalidInput(
                f"labelled_fraction={labelled_fraction} leaves class {label}, which has {len(rows)} rows, without "
                f"labels; give at least {1 / len(rows):.2g}"
            )
        if count > len(rows):
            raise InvalidInput(
                f"labels_per_class={count} is more than the {len(rows)} rows of class {label}; give at most that"
            )
        with tf.device("cpu:0"):
            order = permutation(len(rows), key_of(seed, _LABELS, 0, label)).numpy()
        kept[rows[order[:count]]] = label
    return kept


def hidden_latents(z: np.ndarray, pairs: int, seed: int = 0) -> np.ndarray:
    """Hides latents: returns z with -1 in all rows except `pairs` of them, drawn from the seed.

    With the same seed, the rows of a smaller `pairs` are a subset of those of a larger one.

    Args:
      z: int8 [N, n].
      pairs: number of rows whose latents stay, 0 to N.

    Raises:
      InvalidInput: `pairs` is not an integer from 0 to N.
    """
    pairs = checks.check_pairs(pairs, len(z))
    kept = np.full_like(z, UNLABELLED)
    with tf.device("cpu:0"):
        rows = permutation(len(z), key_of(seed, _LATENTS, 0, 0)).numpy()[:pairs]
    kept[rows] = z[rows]
    return kept


def drawn_rows(domain: str, rows: int, limit: int, y: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """Draws rows of a domain from the seed; returns their numbers, ascending, int64 `[limit]`.

    Args:
      domain: "source" or "target"; the two draw independently of each other.
      rows: number of rows in the domain.
      limit: number of rows to draw, 1 to `rows`.
      y: labels int32 `[rows]`; if given, every class gets an equal number of rows, and the lowest classes get one
        more if `limit` is not a multiple of the number of classes. None for a uniform draw.
      seed: 32-bit integer.

    Raises:
      InvalidInput: `limit` is out of range, or a class has too few rows.

    Example:
      >>> drawn_rows("target", 7_291, 1_800, seed=0).shape
      (1800,)
    """
    if not checks.is_integer(limit) or not 1 <= limit <= rows:
        raise InvalidInput(f"limit must be a whole number from 1 to the {rows} rows of the {domain}, got {limit!r}")
    with tf.device("cpu:0"):
        order = permutation(rows, key_of(seed, _ROWS_OF[domain], 0, 0)).numpy()
    if y is None:
        return np.sort(order[:limit])
    classes = np.unique(y)
    chosen = []
    for i, label in enumerate(classes):
        of_class = order[y[order] == label]
        wanted = limit // len(classes) + (i < limit % len(classes))
        if len(of_class) < wanted:
            raise InvalidInput(
                f"limit={limit} balanced over {len(classes)} classes takes {wanted} rows of each, but class {label} of "
                f"the {domain} has {len(of_class)}; lower limit, or set balanced=False"
            )
        chosen.append(of_class[:wanted])
    return np.sort(np.concatenate(chosen))
