"""Checks of the pipelines' options; each returns Python numbers in place of NumPy's."""

import numbers
from typing import Any

import numpy as np

from dgm_zoo.checks import check_seed
from dgm_zoo.errors import InvalidInput, unknown

SPLITS = ("train", "validation", "test")
BINARIZE = ("stochastic", "fixed", "threshold")
INT32 = 2**31  # one more than the largest seed


def check_image_size(image_size: Any) -> tuple[int, int]:
    """Returns image_size as a tuple (height, width) of positive ints, or raises `InvalidInput`."""
    sides = tuple(image_size) if isinstance(image_size, (tuple, list)) else ()
    if len(sides) != 2 or not all(is_integer(side) and side > 0 for side in sides):
        raise InvalidInput(f"image_size={image_size!r} is not a size; give (height, width) in pixels")
    return tuple(int(side) for side in sides)


def check_channels(channels: Any, shape: tuple) -> None:
    """Raises `InvalidInput` unless channels is None, or 1 or 3 for grey or colour images of `shape`."""
    if channels is not None and not (is_integer(channels) and channels in (1, 3) and shape[-1] in (1, 3)):
        raise InvalidInput(f"channels={channels!r} does not suit images of {shape[-1]} channels; give 1, 3 or None")


def check_split(split: Any) -> None:
    """Raises `InvalidInput` unless split is one of `SPLITS`."""
    if not isinstance(split, str) or split not in SPLITS:
        raise unknown("split", split, SPLITS)


def is_integer(value: Any) -> bool:
    """Whether value is an integer, Python's or NumPy's, and not a boolean."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """Whether value is a real number, Python's or NumPy's, and not a boolean."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_flags(**flags: Any) -> None:
    """Raises `InvalidInput` unless each value is True or False, Python's or NumPy's.

    Example:
      >>> check_flags(labels="False")
      InvalidInput: labels='False' is not a boolean; give True or False
    """
    for name, value in flags.items():
        if not isinstance(value, (bool, np.bool_)):
            raise InvalidInput(f"{name}={value!r} is not a boolean; give True or False")


def check_rows(name: str, rows: Any) -> int:
    """Returns a number of rows as an int; raises `InvalidInput` unless it is an integer and at least 1."""
    if not is_integer(rows) or rows < 1:
        raise InvalidInput(f"{name}={rows!r} is not a number of rows; give an integer of at least 1")
    return int(rows)


def check_limit(limit: Any, split: str, rows: int) -> int | None:
    """Returns limit as an int, or None for None; raises `InvalidInput` unless it is from 1 to the split's rows."""
    if limit is None:
        return None
    if not is_integer(limit) or not 1 <= limit <= rows:
        raise InvalidInput(f"limit={limit!r} does not fit split '{split}'; give 1 to {rows}")
    return int(limit)


def check_hiding(labelled_fraction: Any, labels_per_class: Any) -> None:
    """Raises `InvalidInput` unless exactly one of the two is given and has a valid value."""
    if (labelled_fraction is None) == (labels_per_class is None):
        raise InvalidInput(
            f"labelled_fraction={labelled_fraction!r} and labels_per_class={labels_per_class!r} exclude each other; "
            "give one of them"
        )
    if labelled_fraction is not None and not (is_real(labelled_fraction) and 0 < labelled_fraction <= 1):
        raise InvalidInput(f"labelled_fraction={labelled_fraction!r} is not a share; give more than 0 and at most 1")
    if labels_per_class is not None:
        check_rows("labels_per_class", labels_per_class)


def check_pairs(pairs: Any, rows: int | None) -> int:
    """Returns a number of pairs as an int; raises `InvalidInput` unless it is from 0 to `rows` (None for no limit)."""
    if not is_integer(pairs) or pairs < 0 or (rows is not None and pairs > rows):
        of, fix = ("", "an integer of at least 0") if rows is None else (f"{rows} ", f"0 to {rows}")
        raise InvalidInput(f"pairs={pairs!r} does not fit the {of}rows of 'train'; give {fix}")
    return int(pairs)


def check_labelled_rows(labelled_rows: Any, batch_size: int, mixed: bool, training: bool) -> int | None:
    """Returns labelled_rows as an int, or None for None; raises `InvalidInput` if a batch cannot hold them.

    Args:
      labelled_rows: number of labelled rows in a batch; None for their share of the data.
      batch_size: rows of a batch.
      mixed: whether the data have labelled and unlabelled rows.
      training: whether the split is "train"; the other splits do not mix rows.
    """
    labelled_rows = None if labelled_rows is None else check_rows("labelled_rows", labelled_rows)
    if not training:
        return labelled_rows
    if labelled_rows is not None and not mixed:
        raise InvalidInput(
            f"labelled_rows={labelled_rows}, but the rows of 'train' do not differ in having labels; give "
            "labelled_fraction, labels_per_class or pairs, or leave it out"
        )
    if mixed and (labelled_rows or 1) >= batch_size:
        raise InvalidInput(
            f"batch_size={batch_size} has no room for {labelled_rows or 1} labelled and one unlabelled row; raise it"
        )
    return labelled_rows


def check_options(
    split: Any, batch_size: Any, binarize: Any, dequantize: Any, seed: Any, first_epoch: Any
) -> tuple[int, int, int | None]:
    """Returns batch_size, seed and first_epoch as Python's ints; raises `InvalidInput` if an option is invalid."""
    check_split(split)
    batch_size, seed = check_rows("batch_size", batch_size), check_seed(seed)
    if binarize is not None and not (isinstance(binarize, str) and binarize in BINARIZE):
        raise unknown("binarize", binarize, BINARIZE)
    if binarize and dequantize:
        raise InvalidInput(f"binarize='{binarize}' and dequantize=True exclude each other; give one of them")
    if first_epoch is None:
        return batch_size, seed, None
    if split != "train":
        raise InvalidInput(f"first_epoch={first_epoch!r} is for 'train'; leave it out for '{split}'")
    if not is_integer(first_epoch) or not 0 <= first_epoch < INT32:
        raise InvalidInput(f"first_epoch={first_epoch!r} is not an epoch; give an integer of at least 0")
    return batch_size, seed, int(first_epoch)
