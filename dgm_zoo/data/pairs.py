"""Two unpaired domains as one pipeline: half of each batch is source, half target.

An element is `((x_source, x_target), (y_source, y_target))`, with batch_size / 2 rows in each part. The domains are two
tensors because a distribution strategy gives each replica a slice of every tensor: every replica gets half of each
domain, whatever the number of replicas, and the order of rows within a batch does not matter. Labels are always
present, -1 for an unlabelled row, so that Keras never takes the target for a label.

An epoch is one pass over the larger domain. The smaller one is reshuffled and repeated as often as needed; its
passes continue across epochs. The position in each domain is a function of the epoch number, so that a run can start
at any epoch.
"""

import numpy as np
import tensorflow as tf

from dgm_zoo.data import checks, draws, pipeline
from dgm_zoo.data.arrays import AUTO
from dgm_zoo.data.domains import COLOUR, check_classes, check_scales, check_shapes, domain
from dgm_zoo.data.preparing import directory
from dgm_zoo.data.reading import read_split
from dgm_zoo.data.sets import entry
from dgm_zoo.errors import InvalidInput


def load_pair(
    source: str,
    target: str,
    batch_size: int,
    *,
    split: str = "train",
    labels: tuple[bool, bool] = (True, False),
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    limit: tuple[int | None, int | None] | None = None,
    balanced: bool = False,
    seed: int = 0,
    first_epoch: int | None = None,
    data_dir: str | None = None,
) -> tf.data.Dataset:
    """Returns batches of two data sets as two unpaired domains.

    In training both domains are shuffled independently, even if they have the same rows. "validation"
    and "test" come in order and end with the smaller domain, so that no row counts twice: row i of one comes with row
    i of the other, which for `emoji/noto` and `emoji/twemoji` is its true counterpart.

    The scales of the two domains are compared first; see `domains.check_scales`.

    Args:
      source, target: two of `list_datasets()`.
      batch_size: rows of a batch, half of each domain: an even number, and in training with several replicas a multiple
        of twice their number.
      split: "train", "validation" or "test".
      labels: whether to return the labels of (source, target); otherwise y is -1.
      image_size: (height, width) to which both domains are area-averaged; None if they have the same size.
      channels: 3 repeats a grey image in three channels, 1 makes a colour image grey (0.2989 R + 0.587 G + 0.114 B);
        None if both have the same number.
      limit: (rows of source, rows of target), None for all: in training that many rows are drawn from the seed, in the
        other splits the first ones are kept.
      balanced: whether `limit` draws equally many rows of each class; uniformly at random if not. It reads the labels
        of both domains, also those of a target without labels.
      seed: 32-bit integer that determines the order and the rows that `limit` draws.
      first_epoch: None for a data set of one epoch, whose n-th iteration is epoch n; an integer e for an endless stream
        that starts with epoch e. See `load`.
      data_dir: see `load`.

    Returns:
      A `tf.data.Dataset` of `((x_source, x_target), (y_source, y_target))`: x float32 `[batch_size / 2, ...]`, images
      in [0, 1]; y int32 `[batch_size / 2]`.

    Raises:
      InvalidInput: a set is unknown or not prepared, an option is invalid, or the domains differ in shape or scale.

    Warns:
      UserWarning: the domains look like each other's inverse; or the source's labels are read, and the target has more
        or fewer classes.

    Example:
      >>> pair = load_pair("mnist", "usps", 128, limit=(2_000, 1_800))
      >>> pair.cardinality()   # an epoch is 2,000 // 64 steps
      31
    """
    checks.check_split(split)
    wanted, size = _both("labels", labels), None if image_size is None else checks.check_image_size(image_size)
    domains = []
    for role, name, labelled in zip(draws.ORDER_OF, (source, target), wanted, strict=True):
        checks.check_flags(**{f"labels of the {role}": labelled})
        if (labelled or balanced) and entry(name).num_classes is None:
            option = f"labels={tuple(wanted)}" if labelled else "balanced=True"
            raise InvalidInput(f"{option}, but '{name}' has no labels; set it to False for the {role}")
        x, y, _, levels = read_split(name, split, directory(name, data_dir), size)
        domains.append(domain(role, f"'{name}'", x, y, levels=levels))
    if wanted[0]:
        check_classes(source, target, (entry(source).num_classes, entry(target).num_classes))
    return _pair(domains, wanted, batch_size, split, channels, limit, balanced, seed, first_epoch)


def pair_from_arrays(
    source: np.ndarray,
    target: np.ndarray,
    y_source: np.ndarray | None = None,
    y_target: np.ndarray | None = None,
    *,
    batch_size: int,
    split: str = "train",
    ranges: tuple[tuple[float, float] | None, tuple[float, float] | None] = (None, None),
    levels: int | str | None = AUTO,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    limit: tuple[int | None, int | None] | None = None,
    balanced: bool = False,
    seed: int = 0,
    first_epoch: int | None = None,
) -> tf.data.Dataset:
    """Returns batches of a user's own two domains, with the pipeline and the options of `load_pair`.

    Args:
      source, target: arrays `[N, ...]` and `[M, ...]`; images are `[N, H, W, C]`. Either integer grey levels
        0 .. levels - 1, which become k / (levels - 1), or floats in [0, 1].
      y_source, y_target: integer labels, -1 for a row without one; None if no row of the domain has one.
      batch_size, split, image_size, channels, limit, balanced, seed, first_epoch: see `load_pair`.
      ranges: (of source, of target): (low, high) of the domain's values, which is mapped to [0, 1]; None for floats
        that are in [0, 1] already, and for uint8.
      levels: number of grey levels of integers, "auto", or None; see `pipeline.from_arrays`.

    Returns:
      See `load_pair`.

    Raises:
      InvalidInput: the arrays are invalid, or as for `load_pair`.

    Example:
      >>> dark, bright = np.random.default_rng(0).random((2, 100, 8, 8, 1))
      >>> (x_s, x_t), (y_s, y_t) = next(iter(pair_from_arrays(dark, bright, batch_size=20)))
      >>> x_s.shape, int(y_t[0])
      (TensorShape([10, 8, 8, 1]), -1)
    """
    both = zip(draws.ORDER_OF, (source, target), (y_source, y_target), _both("ranges", ranges), strict=True)
    domains = [
        domain(role, role, x, y, levels=levels, span=span, image_size=image_size) for role, x, y, span in both
    ]
    return _pair(domains, (True, True), batch_size, split, channels, limit, balanced, seed, first_epoch)


def _both(name, value):
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InvalidInput(f"{name} must be a pair, (of source, of target), got {value!r}")
    return tuple(value)


def _pair(domains, labelled, batch_size, split, channels, limit, balanced, seed, first_epoch):
    """Returns the pipeline of two `Domain`s."""
    checks.check_flags(balanced=balanced)
    batch_size, seed, first_epoch = checks.check_options(split, batch_size, None, False, seed, first_epoch)
    training = split == "train"
    if batch_size % 2:
        raise InvalidInput(f"batch_size must be even, half of it for each domain, got {batch_size}")
    channels, each = check_shapes(*domains, channels), batch_size // 2
    if balanced and limit is None:
        raise InvalidInput("balanced=True is for the rows that limit draws; give limit, or leave balanced out")
    kept = [
        _kept(one, rows, balanced, training, seed)
        for one, rows in zip(domains, (None, None) if limit is None else _both("limit", limit), strict=True)
    ]
    check_scales(*domains)
    for one, rows in zip(domains, kept, strict=True):
        if training and each > len(rows):
            raise InvalidInput(
                f"batch_size={batch_size} takes {each} rows of {one.name}, which has {len(rows)}; lower it"
            )
    with tf.device("cpu:0"):
        xs = [tf.constant(one.x[rows]) for one, rows in zip(domains, kept, strict=True)]
        ys = [
            tf.constant(one.y[rows] if known else np.full(len(rows), draws.UNLABELLED, np.int32))
            for one, rows, known in zip(domains, kept, labelled, strict=True)
        ]
    counts = [len(rows) for rows in kept]
    steps = max(counts) // each if training else -(-min(counts) // each)

    def epoch_of_rows(epoch):
        if not training:
            return tf.data.Dataset.range(steps).map(lambda b: _in_order(b, each, min(counts)))
        return tf.data.Dataset.zip(tuple(
            _shuffled(n, each, epoch * steps, seed, draws.ORDER_OF[one.role])
            for n, one in zip(counts, domains, strict=True)
        )).take(steps)

    def gather(*rows):
        rows = [tf.ensure_shape(of, [each if training else None]) for of in rows]
        x = tuple(
            with_channels(draws.values(tf.gather(x, of), one.levels), channels)
            for x, of, one in zip(xs, rows, domains, strict=True)
        )
        return x, tuple(tf.gather(y, of) for y, of in zip(ys, rows, strict=True))

    return pipeline.batches_of(pipeline.Order(epoch_of_rows, steps, varies=training), gather, first_epoch)


def _kept(one, limit, balanced, training, seed):
    """Returns the numbers of the rows of a `Domain` that `limit` keeps."""
    rows = len(one.x)
    if limit is None:
        return np.arange(rows)
    if balanced and (one.y < 0).any():
        raise InvalidInput(f"balanced=True needs every row's label, but {one.name} has rows without; set it to False")
    drawn = draws.drawn_rows(one.role, rows, limit, one.y if balanced else None, seed)
    return drawn if training else np.arange(limit)


def _in_order(b, each, rows):
    row = tf.range(b * each, tf.minimum((b + 1) * each, rows))
    return row, row


def _shuffled(rows, each, first, seed, purpose):
    """Yields the row numbers of one domain's batches without end, from batch number `first` on.

    Each pass over the domain has its own permutation, a function of (seed, purpose, pass); its remainder is dropped.
    """
    steps = rows // each

    def one_pass(number):
        order = draws.permutation(rows, draws.key_of(seed, purpose, number, 0))
        return tf.data.Dataset.range(steps).map(lambda b: order[b * each : (b + 1) * each])

    return tf.data.Dataset.range(first // steps, checks.INT32).flat_map(one_pass).skip(first % steps)


def with_channels(x: tf.Tensor, channels: int | None) -> tf.Tensor:
    """Returns images with 3 channels (grey repeated) or 1 (colour made grey); unchanged if `channels` is None."""
    if channels is None or x.shape[-1] == channels:
        return x
    return tf.repeat(x, COLOUR, -1) if channels == COLOUR else tf.image.rgb_to_grayscale(x)
