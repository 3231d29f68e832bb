"""From arrays in memory to batches: order, binarisation and dequantisation as pure functions of the seed.

The pipeline moves whole batches. An epoch's order is one permutation; a batch is a slice of it, one gather
and one draw of noise. Every random number comes from a stateless generator keyed by (seed, purpose, epoch,
batch), so nothing depends on the number of threads, and epoch 7 can be had without running epochs 0 to 6.
"""

import numbers

import numpy as np
import tensorflow as tf

from dgm_zoo.errors import InvalidInput, unknown

SPLITS = ("train", "validation", "test")
BINARIZE = ("stochastic", "fixed", "threshold")

# What a random stream is for; together with the seed it makes the first half of the generator's key.
_ORDER, _NOISE, _DRAWN_ONCE = 0, 1, 2  # _DRAWN_ONCE + the position of the split in SPLITS
_LABELS = _DRAWN_ONCE + len(SPLITS)
UNLABELLED = -1  # the label of a row that has none
_BLOCK = 1024  # rows that are drawn or resized at a time where a whole split is
_INT32 = 2**31


def from_arrays(
    x,
    y=None,
    *,
    split="train",
    batch_size,
    labels=False,
    binarize=None,
    dequantize=False,
    image_size=None,
    shuffle=None,
    seed=0,
    first_epoch=None,
    limit=None,
    labelled_fraction=None,
    labels_per_class=None,
    labelled_rows=None,
    levels=256,
):
    """Returns batches of a user's own arrays, by the same pipeline and with the same options as `load`.

    Args:
      x: array [N, ...] with at least one row; images are [N, H, W, C]. Either uint8 grey levels
        0 .. levels - 1, which become k / (levels - 1), or floats in [0, 1].
      y: integer labels [N], -1 for a row without one; or None.
      split: "train" (shuffled, drops the remainder, fresh noise in each epoch), "validation" or "test" (in
        order, keeps the last partial batch, the same noise every time).
      batch_size: rows of a batch.
      labels, binarize, dequantize, image_size, shuffle, seed, first_epoch, limit, labelled_fraction,
        labels_per_class, labelled_rows: see `load`.
      levels: number of grey levels of uint8 data; None for real values that are no pixels, such as points in
        the plane, which may lie outside [0, 1].

    Returns:
      A `tf.data.Dataset` of x float32 [B, ...], or of (x, y) with y int32 [B] when `labels` is true.

    Raises:
      InvalidInput: NaN or values outside [0, 1] in x, or an option that does not fit.

    Example:
      >>> points = np.random.default_rng(0).random((100, 8, 8, 1))
      >>> next(iter(from_arrays(points, batch_size=10))).shape
      TensorShape([10, 8, 8, 1])
    """
    training = split == "train"
    _check_options(split, batch_size, binarize, dequantize, seed, first_epoch)
    x, y = _check_arrays(x, y, labels, levels)
    if limit is not None:
        if not _is_integer(limit) or not 1 <= limit <= len(x):
            raise InvalidInput(f"limit={limit!r} does not fit split '{split}'; give 1 to {len(x)}")
        x, y = x[:limit], None if y is None else y[:limit]
    if labelled_fraction is not None or labels_per_class is not None:
        if not labels:
            raise InvalidInput("labelled_fraction and labels_per_class hide labels, but labels=False; set it to True")
        y = hidden(y, labelled_fraction, labels_per_class, seed) if training else y
    if training and batch_size > len(x):
        raise InvalidInput(f"batch_size={batch_size} is more than the {len(x)} rows of 'train'; lower it")
    if image_size is not None:
        x, levels = resized(x, levels, image_size)

    noise = _noise(binarize, dequantize, x, levels)
    if noise and (not training or binarize in ("fixed", "threshold")):
        purpose = _DRAWN_ONCE + SPLITS.index(split)
        drawn = _by_block(lambda rows, block: noise(rows, _key(seed, purpose, 0, block)), x)
        x, levels, noise = (drawn.astype(np.uint8), 2, None) if binarize else (drawn, None, None)

    rows = len(x)
    steps = rows // batch_size if training else -(-rows // batch_size)
    shuffle = training if shuffle is None else shuffle
    known = np.flatnonzero(y >= 0) if training and labels else np.arange(rows)
    mixed = 0 < len(known) < rows
    _check_labelled_rows(labelled_rows, batch_size, mixed, training)
    with tf.device("cpu:0"):
        x = tf.constant(x)
        y = tf.constant(y) if labels else None

    def epoch_of_rows(epoch):
        order = _permutation(rows, _key(seed, _ORDER, epoch, 0)) if shuffle else tf.range(rows)
        order = _mix(order, known, batch_size, labelled_rows) if mixed else order
        batches = tf.data.Dataset.range(steps)
        return batches.map(lambda b: (epoch, b, order[b * batch_size : (b + 1) * batch_size]))

    def gather(epoch, b, rows):
        rows = tf.ensure_shape(rows, [batch_size if training else None])
        batch = tf.gather(x, rows)
        batch = noise(batch, _key(seed, _NOISE, epoch, b)) if noise else _values(batch, levels)
        return (batch, tf.gather(y, rows)) if labels else batch

    if first_epoch is None:
        epochs, cardinality = _next_epoch(), steps
    else:
        epochs, cardinality = tf.data.Dataset.range(first_epoch, _INT32), tf.data.INFINITE_CARDINALITY
    dataset = epochs.flat_map(epoch_of_rows).map(gather, num_parallel_calls=2, deterministic=True)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(cardinality)).prefetch(8)

    options = tf.data.Options()
    options.autotune.enabled = False  # with it on, the end of an epoch waits for the autotuner to wake up
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options)


# Order and noise.


def _key(seed, purpose, epoch, batch):
    """Key of a random stream, int64 [2]: four 32-bit numbers, so that no two streams share one."""
    low = tf.bitwise.left_shift(tf.cast(epoch, tf.int64), tf.constant(32, tf.int64))
    return tf.stack([tf.constant(purpose << 32 | seed % 2**32, tf.int64), low | tf.cast(batch, tf.int64)])


def _permutation(n, key):
    """A permutation of 0 .. n - 1, int32 [n]: the ranks of n random 64-bit integers."""
    ranks = tf.random.stateless_uniform([n], key, minval=None, maxval=None, dtype=tf.int64, alg="philox")
    return tf.argsort(ranks, stable=True)


def _mix(order, known, batch_size, labelled_rows):
    """Rearranges an epoch's order so that every batch holds the same number of labelled rows, evenly spaced.

    Both kinds keep the order in which they came. Where a batch wants more of a kind than its share of the data, the
    epoch begins again with the first of that kind.

    Args:
      order: a permutation of all rows, int32 [N].
      known: the rows that have a label, some but not all of them.
      labelled_rows: of a batch; None for the share that they have in the data, and at least 1.

    Returns:
      The rows of all whole batches in turn, int32 [N - N % batch_size].
    """
    rows = order.shape[0]
    several = max(1, round(batch_size * len(known) / rows)) if labelled_rows is None else labelled_rows
    several = min(several, batch_size - 1)
    spots = np.zeros(batch_size, bool)
    spots[np.arange(several) * batch_size // several] = True
    labelled = np.tile(spots, rows // batch_size)
    has_label = np.isin(np.arange(rows), known)
    kinds = [tf.boolean_mask(order, tf.gather(kind, order)) for kind in (has_label, ~has_label)]
    turns = [np.cumsum(spot) - 1 for spot in (labelled, ~labelled)]  # how many of the kind came before
    return tf.where(labelled, *(tf.gather(kind, turn % tf.size(kind)) for kind, turn in zip(kinds, turns, strict=True)))


def _next_epoch():
    """A data set of one number: 0 when it is first iterated, then 1, 2, ...

    The number lives in a queue rather than in a variable, because a variable that is made under a
    distribution strategy is mirrored, and a pipeline cannot read it then.
    """
    with tf.device("cpu:0"):
        queue = tf.queue.FIFOQueue(1, tf.int64, shapes=[()])
        queue.enqueue(tf.constant(0, tf.int64))

    def take(_):
        epoch = queue.dequeue()
        with tf.control_dependencies([queue.enqueue(epoch + 1)]):
            return tf.identity(epoch)

    return tf.data.Dataset.range(1).map(take)


def _noise(binarize, dequantize, x, levels):
    """Returns the function (rows, key) -> float32 rows that the options ask for, or None for plain pixels."""
    if (binarize or dequantize) and levels is None:
        raise InvalidInput("binarize and dequantize need pixels; with levels=None leave both out")
    if dequantize:
        if x.dtype != np.uint8:
            raise InvalidInput(
                f"dequantize=True needs uint8 grey levels, not {x.dtype}; give x as uint8 with its levels"
            )
        return lambda rows, key: _dequantized(rows, levels, key)
    if binarize == "threshold":
        return lambda rows, key: tf.cast(_values(rows, levels) > 0.5, tf.float32)
    if binarize:
        return lambda rows, key: _bernoulli(_values(rows, levels), key)
    return None


def _values(rows, levels):
    """Pixels in [0, 1] as float32: grey level k is k / (levels - 1), floats are what they are."""
    return tf.cast(rows, tf.float32) / (levels - 1) if rows.dtype == tf.uint8 else rows


def _bernoulli(p, key):
    """Ones with probability p: exactly for p = 0 and 1, and to 2**-23, the grid of the uniforms, between."""
    return tf.cast(tf.random.stateless_uniform(tf.shape(p), key, alg="philox") < p, tf.float32)


def _dequantized(rows, levels, key):
    """(k + u) / levels with u uniform on the odd multiples of 2**-16 in (0, 1).

    Those u leave k + u exact in float32, so that floor(levels * x) gives k back; with finer ones it can round
    up to k + 1.
    """
    count = tf.size(rows)
    words = tf.random.stateless_uniform([(count + 1) // 2], key, None, None, tf.uint32, alg="philox")
    bits = tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:count] | tf.constant(1, tf.uint16)
    u = tf.reshape(tf.cast(bits, tf.float32) / 2**16, tf.shape(rows))
    return (tf.cast(rows, tf.float32) + u) / levels


# Labels.


def hidden(y, labelled_fraction=None, labels_per_class=None, seed=0):
    """Hides labels: returns y with -1 in place of all but some labels of each class, drawn from the seed.

    Args:
      y: labels int32 [N]; where one is -1 already it stays so.
      labelled_fraction: share of each class, in (0, 1], whose labels stay, rounded to whole rows.
      labels_per_class: number of rows of each class whose labels stay; give one of the two.

    Raises:
      InvalidInput: both or neither, one that cannot be meant, or one that does not suit the smallest class.

    Example:
      >>> hidden(np.array([0, 0, 1, 1, 1, 1]), labelled_fraction=0.5)   # one 0 and two 1 stay
    """
    if (labelled_fraction is None) == (labels_per_class is None):
        raise InvalidInput(
            f"labelled_fraction={labelled_fraction!r} and labels_per_class={labels_per_class!r} exclude each other; "
            "give one of them"
        )
    if labelled_fraction is not None and not (_is_real(labelled_fraction) and 0 < labelled_fraction <= 1):
        raise InvalidInput(f"labelled_fraction={labelled_fraction!r} is no share; give more than 0 and at most 1")
    if labels_per_class is not None and not (_is_integer(labels_per_class) and labels_per_class >= 1):
        raise InvalidInput(f"labels_per_class={labels_per_class!r} is no number of rows; give an integer of at least 1")
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
            order = _permutation(len(rows), _key(seed, _LABELS, 0, label)).numpy()
        kept[rows[order[:count]]] = label
    return kept


# Whole splits.


def _by_block(function, x):
    """Applies `function(rows, block number)` to x in blocks of rows; returns one NumPy array.

    The blocks bound the memory, and make the numbers drawn for a row independent of how many rows follow.
    """
    starts = range(0, len(x), _BLOCK)
    with tf.device("cpu:0"):
        return np.concatenate([function(tf.constant(x[i : i + _BLOCK]), i // _BLOCK).numpy() for i in starts])


def resized(x, levels, image_size):
    """Area-averages images to another size.

    Args:
      x: uint8 or float32 array [N, H, W, C].
      levels: number of grey levels of x if it is uint8.
      image_size: (height, width) in pixels.

    Returns:
      The images [N, height, width, C] and their number of levels: grey levels of another size are rounded to
      256 levels, since means of the old levels lie between them; floats stay floats.
    """
    size = check_image_size(image_size)
    if x.ndim != 4:
        raise InvalidInput(f"image_size={size} needs images [N, H, W, C], not shape {x.shape}; leave it out")
    if x.shape[1:3] == size:
        return x, levels
    if x.dtype != np.uint8:
        return _by_block(lambda rows, _: tf.image.resize(rows, size, method="area"), x), levels

    def resize(rows, _):
        mean = tf.image.resize(tf.cast(rows, tf.float32), size, method="area")
        return tf.cast(tf.round(mean * (255 / (levels - 1))), tf.uint8)

    return _by_block(resize, x), 256


# What the caller gave.


def check_image_size(image_size):
    """Returns image_size as a tuple (height, width) of positive ints, or raises `InvalidInput`."""
    sides = tuple(image_size) if isinstance(image_size, (tuple, list)) else ()
    if len(sides) != 2 or not all(_is_integer(side) and side > 0 for side in sides):
        raise InvalidInput(f"image_size={image_size!r} is no size; give (height, width) in pixels")
    return sides


def check_split(split):
    """Raises `InvalidInput` unless split is one of `SPLITS`."""
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_real(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _check_labelled_rows(labelled_rows, batch_size, mixed, training):
    if labelled_rows is not None and not (_is_integer(labelled_rows) and labelled_rows >= 1):
        raise InvalidInput(f"labelled_rows={labelled_rows!r} is no number of rows; give an integer of at least 1")
    if not training:
        return
    if labelled_rows is not None and not mixed:
        raise InvalidInput(
            f"labelled_rows={labelled_rows}, but the rows of 'train' do not differ in having labels; give "
            "labelled_fraction or labels_per_class, or leave it out"
        )
    if mixed and (labelled_rows or 1) >= batch_size:
        raise InvalidInput(
            f"batch_size={batch_size} has no room for {labelled_rows or 1} labelled and one unlabelled row; raise it"
        )


def _check_options(split, batch_size, binarize, dequantize, seed, first_epoch):
    check_split(split)
    if not _is_integer(batch_size) or batch_size < 1:
        raise InvalidInput(f"batch_size={batch_size!r} is no number of rows; give an integer of at least 1")
    if binarize is not None and binarize not in BINARIZE:
        raise unknown("binarize", binarize, BINARIZE)
    if binarize and dequantize:
        raise InvalidInput(f"binarize='{binarize}' and dequantize=True exclude each other; give one of them")
    if not _is_integer(seed) or not -_INT32 <= seed < _INT32:
        raise InvalidInput(f"seed={seed!r} is no 32-bit integer; give one from -2**31 to 2**31 - 1")
    if first_epoch is not None:
        if split != "train":
            raise InvalidInput(f"first_epoch={first_epoch!r} is for 'train'; leave it out for '{split}'")
        if not _is_integer(first_epoch) or not 0 <= first_epoch < _INT32:
            raise InvalidInput(f"first_epoch={first_epoch!r} is no epoch; give an integer of at least 0")


def _check_arrays(x, y, labels, levels):
    """Returns x as uint8 or float32 and y as int32 or None, or raises `InvalidInput`."""
    x = np.asarray(x)
    if x.ndim < 2 or not len(x):
        raise InvalidInput(f"x has shape {x.shape}; give at least one row, as [N, ...]")
    if x.dtype == np.uint8:
        if levels is None or not 2 <= levels <= 256:
            raise InvalidInput(f"levels={levels} does not fit uint8 data; give 2 to 256")
        if x.max() >= levels:
            raise InvalidInput(f"x has grey level {x.max()} but levels={levels}; give at least {x.max() + 1}")
    elif np.issubdtype(x.dtype, np.floating):
        x = x.astype(np.float32, copy=False)
        _check_floats(x, levels)
    else:
        raise InvalidInput(f"x has dtype {x.dtype}; give uint8 grey levels or floats in [0, 1]")

    if y is not None:
        y = np.asarray(y)
        if y.shape != (len(x),) or not np.issubdtype(y.dtype, np.integer):
            raise InvalidInput(f"y is {y.dtype} of shape {y.shape}; give integers of shape ({len(x)},)")
        y = y.astype(np.int32)
    elif labels:
        raise InvalidInput("labels=True, but there are no labels here; leave labels out, or give y")
    return x, y


def _check_floats(x, levels):
    low, high = x.min(), x.max()
    if not np.isfinite([low, high]).all():
        row = int(np.argmin(np.isfinite(x.reshape(len(x), -1)).all(axis=1)))
        raise InvalidInput(f"x holds NaN or infinite values, first in row {row}; remove or mend that row")
    if levels is not None and (low < 0 or high > 1):
        fix = "divide by 255" if low >= 0 and high <= 255 else "rescale, or levels=None if no pixels"
        raise InvalidInput(f"x has values from {low:g} to {high:g}, outside [0, 1]; {fix}")
