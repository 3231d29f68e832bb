"""What a caller of the pipelines may give."""

import numbers

import numpy as np

from dgm_zoo.errors import InvalidInput, unknown

SPLITS = ("train", "validation", "test")
BINARIZE = ("stochastic", "fixed", "threshold")
INT32 = 2**31  # one more than the largest seed


def check_image_size(image_size):
    """Returns image_size as a tuple (height, width) of positive ints, or raises `InvalidInput`."""
    sides = tuple(image_size) if isinstance(image_size, (tuple, list)) else ()
    if len(sides) != 2 or not all(is_integer(side) and side > 0 for side in sides):
        raise InvalidInput(f"image_size={image_size!r} is no size; give (height, width) in pixels")
    return sides


def check_split(split):
    """Raises `InvalidInput` unless split is one of `SPLITS`."""
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)


def is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_real(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_labelled_rows(labelled_rows, batch_size, mixed, training):
    if labelled_rows is not None and not (is_integer(labelled_rows) and labelled_rows >= 1):
        raise InvalidInput(f"labelled_rows={labelled_rows!r} is no number of rows; give an integer of at least 1")
    if not training:
        return
    if labelled_rows is not None and not mixed:
        raise InvalidInput(
            f"labelled_rows={labelled_rows}, but the rows of 'train' do not differ in having labels; give "
            "labelled_fraction, labels_per_class or pairs, or leave it out"
        )
    if mixed and (labelled_rows or 1) >= batch_size:
        raise InvalidInput(
            f"batch_size={batch_size} has no room for {labelled_rows or 1} labelled and one unlabelled row; raise it"
        )


def check_options(split, batch_size, binarize, dequantize, seed, first_epoch):
    check_split(split)
    if not is_integer(batch_size) or batch_size < 1:
        raise InvalidInput(f"batch_size={batch_size!r} is no number of rows; give an integer of at least 1")
    if binarize is not None and binarize not in BINARIZE:
        raise unknown("binarize", binarize, BINARIZE)
    if binarize and dequantize:
        raise InvalidInput(f"binarize='{binarize}' and dequantize=True exclude each other; give one of them")
    if not is_integer(seed) or not -INT32 <= seed < INT32:
        raise InvalidInput(f"seed={seed!r} is no 32-bit integer; give one from -2**31 to 2**31 - 1")
    if first_epoch is not None:
        if split != "train":
            raise InvalidInput(f"first_epoch={first_epoch!r} is for 'train'; leave it out for '{split}'")
        if not is_integer(first_epoch) or not 0 <= first_epoch < INT32:
            raise InvalidInput(f"first_epoch={first_epoch!r} is no epoch; give an integer of at least 0")


def check_limit(limit, rows, split):
    """Returns `limit`, or raises `InvalidInput` unless it is a number of rows that the split has."""
    if not is_integer(limit) or not 1 <= limit <= rows:
        raise InvalidInput(f"limit={limit!r} does not fit split '{split}'; give 1 to {rows}")
    return limit


def check_arrays(x, y, labels, pairs, levels):
    """Returns x as uint8 or float32 and y as int32 (labels), int8 (latents) or None, or raises `InvalidInput`."""
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

    if pairs is not None:
        if labels:
            raise InvalidInput(f"labels=True and pairs={pairs!r} exclude each other; give one of them")
        return x, _check_latents(y, len(x))
    if y is not None:
        y = np.asarray(y)
        if y.shape != (len(x),) or not np.issubdtype(y.dtype, np.integer):
            raise InvalidInput(f"y is {y.dtype} of shape {y.shape}; give integers of shape ({len(x)},)")
        y = y.astype(np.int32)
    elif labels:
        raise InvalidInput("labels=True, but there are no labels here; leave labels out, or give y")
    return x, y


def _check_latents(z, rows):
    z = np.asarray(z)
    if z.ndim != 2 or len(z) != rows:
        raise InvalidInput(f"pairs need the latents of each row, but y has shape {z.shape}; give [{rows}, n]")
    other = np.argwhere((z != 0) & (z != 1))
    if len(other):
        row, bit = other[0]
        raise InvalidInput(f"y holds {z[row, bit]} in row {row}, but the latents of pairs are bits; give 0 and 1")
    return z.astype(np.int8)


def _check_floats(x, levels):
    low, high = x.min(), x.max()
    if not np.isfinite([low, high]).all():
        row = int(np.argmin(np.isfinite(x.reshape(len(x), -1)).all(axis=1)))
        raise InvalidInput(f"x holds NaN or infinite values, first in row {row}; remove or mend that row")
    if levels is not None and (low < 0 or high > 1):
        fix = "divide by 255" if low >= 0 and high <= 255 else "rescale, or levels=None if no pixels"
        raise InvalidInput(f"x has values from {low:g} to {high:g}, outside [0, 1]; {fix}")
