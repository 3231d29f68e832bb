"""Batches from arrays in memory, or from `Rows`: order, binarisation and dequantisation as pure functions of the seed.

The pipeline moves whole batches. An epoch's order is one permutation; a batch is a slice of it, one gather (or one
reading of rows by number, several batches at once) and one draw of noise. Every random number comes from a stateless
generator keyed by (seed, purpose, epoch, batch), so nothing depends on the number of threads, and epoch 7 can be
computed without epochs 0 to 6.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from dgm_zoo.data import checks, draws
from dgm_zoo.data.arrays import AUTO, check_arrays, check_targets
from dgm_zoo.data.blocks import READERS, drawn_once, reader, resized
from dgm_zoo.data.checks import SPLITS
from dgm_zoo.data.rows import Rows
from dgm_zoo.errors import InvalidInput


def from_arrays(
    x: Any,
    y: Any = None,
    *,
    split: str = "train",
    batch_size: int,
    labels: bool = False,
    binarize: str | None = None,
    dequantize: bool = False,
    image_size: tuple[int, int] | None = None,
    shuffle: bool | None = None,
    seed: int = 0,
    first_epoch: int | None = None,
    limit: int | None = None,
    labelled_fraction: float | None = None,
    labels_per_class: int | None = None,
    labelled_rows: int | None = None,
    pairs: int | None = None,
    levels: int | str | None = AUTO,
) -> tf.data.Dataset:
    """Returns batches of a user's own arrays, with the pipeline and the options of `load`.

    Args:
      x: array [N, ...] with at least one row; images are [N, H, W, C]. Integers of any type are grey levels
        0 .. levels - 1, which become k / (levels - 1); floats must lie in [0, 1]; booleans are bits. Or `Rows`, which
        are read when a batch needs them and give the batches of the same rows in memory; their values are not checked.
      y: labels [N], integers from 0 on, -1 for a row without one; or, for `pairs`, bits [N, n]; or None.
      split: "train" (shuffled, drops the remainder, fresh noise in each epoch), "validation" or "test" (in
        order, keeps the last partial batch, the same noise every time).
      batch_size: rows of a batch.
      labels, binarize, dequantize, image_size, shuffle, seed, first_epoch, limit, labelled_fraction,
        labels_per_class, labelled_rows, pairs: see `load`.
      levels: number of grey levels of integers, 2 to 256. "auto" infers it: integers that are all 0 or 1 are bits (2
        levels), and those that reach 128 or more are 8-bit grey levels (256); in between, give it explicitly. For 8-bit
        images that happen to contain only 0 and 1, give 256. None for floats that are not pixels, such as points in
        the plane, which may lie outside [0, 1].

    Returns:
      A `tf.data.Dataset` of x float32 [B, ...], or of (x, y) with y int32 [B] when `labels` is true, and float32
      [B, n] when `pairs` is a number.

    Raises:
      InvalidInput: x or y is ragged, sparse, masked, complex, text or empty; x has NaN, values outside [0, 1], or
        integers whose number of levels is ambiguous; y has another length, or labels below -1 or above 2**31 - 1; or
        an option does not fit.

    Example:
      >>> points = np.random.default_rng(0).random((100, 8, 8, 1))
      >>> next(iter(from_arrays(points, batch_size=10))).shape
      TensorShape([10, 8, 8, 1])
      >>> bits = np.array([[0, 1], [1, 1]], "uint8")
      >>> next(iter(from_arrays(bits, split="test", batch_size=2))).numpy().tolist()
      [[0.0, 1.0], [1.0, 1.0]]
    """
    checks.check_flags(labels=labels, dequantize=dequantize)
    if shuffle is not None:
        checks.check_flags(shuffle=shuffle)
    batch_size, seed, first_epoch = checks.check_options(split, batch_size, binarize, dequantize, seed, first_epoch)
    training = split == "train"
    if isinstance(x, Rows):
        y = x.labels() if y is None and labels else y
        y, levels = check_targets(y, len(x), labels, pairs), 256 if levels == AUTO else levels
    else:
        x, y, levels = check_arrays(x, y, labels, pairs, levels)
    limit = checks.check_limit(limit, split, len(x))
    x = dataclasses.replace(x, count=limit or len(x)) if isinstance(x, Rows) else x[:limit]
    y = None if y is None else y[:limit]
    if labelled_fraction is not None or labels_per_class is not None:
        checks.check_hiding(labelled_fraction, labels_per_class)
        if not labels:
            raise InvalidInput("labelled_fraction and labels_per_class hide labels, but labels=False; set it to True")
        y = draws.hidden(y, labelled_fraction, labels_per_class, seed) if training else y
    if pairs is not None:
        pairs = checks.check_pairs(pairs, len(x) if training else None)
        y = draws.hidden_latents(y, pairs, seed) if training else y
    if training and batch_size > len(x):
        raise InvalidInput(f"batch_size={batch_size} is more than the {len(x)} rows of 'train'; lower it")
    if image_size is not None and isinstance(x, Rows):
        before, levels = levels, resized(x.take(np.zeros(1, int)), levels, image_size)[1]
        x = x.changed(lambda rows, _: resized(rows, before, image_size)[0])
    elif image_size is not None:
        x, levels = resized(x, levels, image_size)

    noise = draws.noise_of(binarize, dequantize, x, levels)
    if noise and (not training or binarize in ("fixed", "threshold")):
        x = drawn_once(x, noise, seed, draws.DRAWN_ONCE + SPLITS.index(split), bool(binarize))
        levels, noise = 2 if binarize else None, None

    rows = len(x)
    y = y if labels or pairs is not None else None
    known = np.arange(rows) if y is None or not training else np.flatnonzero((y.reshape(rows, -1) >= 0).any(1))
    mixed = 0 < len(known) < rows
    labelled_rows = checks.check_labelled_rows(labelled_rows, batch_size, mixed, training)
    with tf.device("cpu:0"):
        read = reader(x) if isinstance(x, Rows) else functools.partial(tf.gather, tf.constant(x))
        y = None if y is None else tf.constant(y)

    def gather(epoch, b, rows):
        batch = read(rows)
        batch = noise(batch, draws.key_of(seed, draws.NOISE, epoch, b)) if noise else draws.values(batch, levels)
        if y is None:
            return batch
        given = tf.gather(y, rows)
        return batch, given if labels else tf.cast(given, tf.float32)

    order = seeded_order(
        rows, batch_size=batch_size, training=training, shuffle=shuffle, seed=seed,
        arrange=(lambda order: _mix(order, known, batch_size, labelled_rows)) if mixed else None,
    )
    return batches_of(order, gather, first_epoch, READERS if isinstance(x, Rows) else 2)


class Order(NamedTuple):
    """The order of the rows of each epoch.

    Attributes:
      epoch_of_rows: function of an epoch's number, a scalar int64 tensor, to a data set of `steps` elements, from each
        of which a batch is gathered, such as its row numbers.
      steps: number of batches in an epoch.
      varies: whether epochs differ, in these elements or in what is gathered from them.
    """

    epoch_of_rows: Callable
    steps: int
    varies: bool


def seeded_order(
    rows: int, *, batch_size: int, training: bool, shuffle: bool | None, seed: int, arrange: Callable | None = None
) -> Order:
    """Returns the order of one data set for `batches_of`: each epoch is one pass over all rows.

    The elements of an epoch are (epoch, batch number, row numbers int32 [B]).

    Args:
      rows: number of rows.
      batch_size, shuffle, seed: see `registry.load`.
      training: whether the order is shuffled by default and the remainder dropped.
      arrange: None, or a function that maps an epoch's order, int32 [rows], to another order.
    """
    steps = rows // batch_size if training else -(-rows // batch_size)
    shuffle = training if shuffle is None else shuffle

    def rows_of(order, b):
        return tf.ensure_shape(order[b * batch_size : (b + 1) * batch_size], [None])

    def epoch_of_rows(epoch):
        order = draws.permutation(rows, draws.key_of(seed, draws.ORDER, epoch, 0)) if shuffle else tf.range(rows)
        order = arrange(order) if arrange else order
        if not training:  # the last batch may be smaller
            return tf.data.Dataset.range(steps).map(lambda b: (epoch, b, rows_of(order, b)))
        whole = tf.reshape(order[: steps * batch_size], [steps, batch_size])  # slices need no function to be made ready
        return tf.data.Dataset.from_tensor_slices((tf.fill([steps], epoch), tf.range(steps, dtype=tf.int64), whole))

    return Order(epoch_of_rows, steps, training or shuffle)


def batches_of(order: Order, gather: Callable, first_epoch: int | None = None, at_once: int = 2) -> tf.data.Dataset:
    """Returns the batches of one epoch, or of all epochs from `first_epoch` on, as a `tf.data.Dataset`.

    Args:
      order: which rows are in which batch.
      gather: function from an element of `order.epoch_of_rows` to the batch.
      first_epoch: see `registry.load`.
      at_once: number of batches that are gathered at once.
    """
    cardinality = order.steps if first_epoch is None else tf.data.INFINITE_CARDINALITY
    if first_epoch is not None:
        rows = tf.data.Dataset.range(first_epoch, checks.INT32).flat_map(order.epoch_of_rows)
    elif order.varies:
        rows = _next_epoch().flat_map(order.epoch_of_rows)
    else:
        with tf.device("cpu:0"):
            rows = order.epoch_of_rows(tf.constant(0, tf.int64))
    dataset = rows.map(gather, num_parallel_calls=at_once, deterministic=True)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(cardinality)).prefetch(8)

    options = tf.data.Options()
    options.autotune.enabled = False  # otherwise the end of an epoch waits for the autotuner
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options)


def _mix(order, known, batch_size, labelled_rows):
    """Rearranges an epoch's order so that every batch holds the same number of labelled rows, evenly spaced.

    Labelled and unlabelled rows each keep their order. If a batch needs more of a kind than its share of the data, the
    rows of that kind repeat from the first.

    Args:
      order: a permutation of all rows, int32 [N].
      known: the labelled rows, some but not all rows.
      labelled_rows: number of labelled rows in a batch; None for their share of the data, at least 1.

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
    turns = [np.cumsum(spot) - 1 for spot in (labelled, ~labelled)]  # number of earlier rows of the same kind
    return tf.where(labelled, *(tf.gather(kind, turn % tf.size(kind)) for kind, turn in zip(kinds, turns, strict=True)))


def _next_epoch():
    """A data set of one number: 0 when it is first iterated, then 1, 2, ...

    The number is kept in a queue because a variable created under a distribution strategy is mirrored, and a pipeline
    cannot read a mirrored variable.
    """
    with tf.device("cpu:0"):
        queue = tf.queue.FIFOQueue(1, tf.int64, shapes=[()])
        queue.enqueue(tf.constant(0, tf.int64))

    def take(_):
        epoch = queue.dequeue()
        with tf.control_dependencies([queue.enqueue(epoch + 1)]):
            return tf.identity(epoch)

    return tf.data.Dataset.range(1).map(take)
