"""Checks of a user's own arrays: the meaning of their integers, and arrays that the pipeline cannot use."""

import mmap
from typing import Any

import numpy as np

from dgm_zoo.checks import real_array
from dgm_zoo.data.checks import INT32, is_integer
from dgm_zoo.data.rows import slices
from dgm_zoo.errors import InvalidInput

WANTED = "bits, grey levels 0 to 255, or floats in [0, 1]"
AUTO = "auto"  # infers `levels` from the values of x
_BITS_OR_LEVELS = "biu"  # kinds of dtype: booleans, signed and unsigned integers
_EIGHT_BITS = 128  # from this grey level on, the data must have 8 bits


def check_arrays(
    x: Any, y: Any, labels: bool, pairs: int | None, levels: Any
) -> tuple[np.ndarray, np.ndarray | None, int | None]:
    """Returns the arrays in the pipeline's dtypes, and the number of grey levels of x.

    Args:
      x, y, labels, pairs, levels: see `pipeline.from_arrays`.

    Returns:
      x as uint8 or float32 `[N, ...]`, y as int32 `[N]` (labels), int8 `[N, n]` (latents) or None; and the number
      of grey levels of x if it is uint8, else `levels`; None if the values are not pixels.

    Raises:
      InvalidInput: an array is ragged, sparse, masked, empty, of another type, or out of range.

    Example:
      >>> check_arrays(np.array([[0, 1]]), None, False, None, AUTO)
      (array([[0, 1]], dtype=uint8), None, 2)
    """
    x = real_array("x", x, WANTED)
    levels = check_values(x, levels)
    return converted(x), check_targets(y, len(x), labels, pairs), levels


def check_targets(y: Any, rows: int, labels: bool, pairs: int | None) -> np.ndarray | None:
    """Returns y as int32 `[rows]` (labels), int8 `[rows, n]` (latents) or None.

    Args:
      y, labels, pairs: see `pipeline.from_arrays`.
      rows: number of rows of x.

    Raises:
      InvalidInput: y has another shape or type, or is missing.
    """
    if pairs is not None:
        if labels:
            raise InvalidInput(f"labels=True and pairs={pairs!r} exclude each other; give one of them")
        return _latents(y, rows)
    if y is None and labels:
        raise InvalidInput("labels=True, but there are no labels here; leave labels out, or give y")
    return None if y is None else _labels(y, rows)


def check_values(x: np.ndarray, levels: Any) -> int | None:
    """Checks the values of x and returns their number of grey levels; None if they are not pixels.

    The values are read a block of rows at a time, so that x may be a memory map that is larger than memory.

    Args:
      x: array `[N, ...]`.
      levels: see `pipeline.from_arrays`.

    Raises:
      InvalidInput: `levels` is not a number of levels, or x is empty, of another type, or out of range.

    Example:
      >>> check_values(np.array([[0, 200]]), AUTO)
      256
    """
    number = is_integer(levels) and 2 <= levels <= 256
    if not (number or levels is None or (isinstance(levels, str) and levels == AUTO)):
        raise InvalidInput(f"levels={levels!r} is not a number of grey levels; give 2 to 256, None or '{AUTO}'")
    if x.ndim < 2 or not x.size:
        raise InvalidInput(f"x has shape {x.shape}; give at least one row of at least one value, as [N, ...]")
    if x.dtype.kind in _BITS_OR_LEVELS:
        return _check_integers(x, levels)
    if x.dtype.kind == "f":
        _check_floats(x, levels)
        return 256 if levels == AUTO else levels
    raise InvalidInput(f"x has dtype {x.dtype}; give {WANTED}")


def converted(x: np.ndarray) -> np.ndarray:
    """Returns the checked values as uint8, or as float32 if they are floats; without a copy if they are that."""
    return x.astype(np.float32 if x.dtype.kind == "f" else np.uint8, copy=False)


def _blocks(x):
    for rows in slices(len(x), x.shape[1:], x.dtype):
        yield rows.start, x[rows]
        if isinstance(x, np.memmap) and x.mode == "r" and hasattr(mmap, "MADV_DONTNEED"):
            x._mmap.madvise(mmap.MADV_DONTNEED)  # pages that were read would otherwise count as memory in use


def _check_integers(x: np.ndarray, levels: int | str | None) -> int:
    """Returns the number of levels of bits or grey levels."""
    if x.dtype == bool:
        if levels not in (AUTO, 2):
            raise InvalidInput(f"levels={levels} does not fit x, which is bool and so has 2; leave levels out")
        return 2
    if levels is None:
        raise InvalidInput(f"levels=None does not fit {x.dtype} data; give 2 to 256, or x as floats")
    low, high = int(x[0].min()), int(x[0].max())
    for _, block in _blocks(x):
        low, high = min(low, int(block.min())), max(high, int(block.max()))
        if x.dtype == np.uint8 and levels in (AUTO, 256) and high >= _EIGHT_BITS:
            return 256  # whatever the other rows hold
    if low < 0 or high > 255:
        raise InvalidInput(
            f"x has integers from {low} to {high}, but integers are bits (0 and 1) or grey levels (0 to 255); give "
            "floats in [0, 1], or floats and levels=None if they are not pixels"
        )
    if levels == AUTO:
        if 1 < high < _EIGHT_BITS:
            raise InvalidInput(
                f"x has integers from {low} to {high}, which may be {high + 1} grey levels or some of 256; give "
                f"levels={high + 1} or levels=256"
            )
        levels = 2 if high <= 1 else 256
    if high >= levels:
        raise InvalidInput(f"x has grey level {high} but levels={levels}; give at least {high + 1}")
    return int(levels)


def _check_floats(x: np.ndarray, levels: int | str | None) -> None:
    """Raises `InvalidInput` unless values are finite as float32, and in [0, 1] unless `levels` is None."""
    low, high = np.inf, -np.inf
    for start, block in _blocks(x):
        with np.errstate(over="ignore"):
            rows = block.astype(np.float32, copy=False)
        ends = rows.min(), rows.max()
        if not np.isfinite(ends).all():
            row = start + int(np.argmin(np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)))
            raise InvalidInput(f"x holds NaN or infinite values, first in row {row}; remove or correct that row")
        low, high = min(low, ends[0]), max(high, ends[1])
    if levels is not None and (low < 0 or high > 1):
        fix = "divide by 255" if low >= 0 and high <= 255 else "rescale, or levels=None if not pixels"
        raise InvalidInput(f"x has values from {low:g} to {high:g}, outside [0, 1]; {fix}")


def _labels(y: Any, rows: int) -> np.ndarray:
    """Returns labels as int32 `[rows]`, -1 for an unlabelled row."""
    y = real_array("y", y, f"integers of shape ({rows},)")
    if y.shape != (rows,) or y.dtype.kind not in "iu":
        raise InvalidInput(f"y is {y.dtype} of shape {y.shape}; give integers of shape ({rows},)")
    wrong = np.flatnonzero((y < -1) | (y >= INT32))
    if len(wrong):
        raise InvalidInput(
            f"y holds {y[wrong[0]]} in row {wrong[0]}; give labels from 0 to 2**31 - 1, and -1 for a row without one"
        )
    return y.astype(np.int32)


def _latents(z: Any, rows: int) -> np.ndarray:
    """Returns latents as int8 `[rows, n]`, zeros and ones."""
    if z is None:
        raise InvalidInput(f"pairs need the latents of each row; give them as y, zeros and ones [{rows}, n]")
    z = real_array("y", z, f"the latents of each row, zeros and ones [{rows}, n]")
    if z.ndim != 2 or len(z) != rows or not z.size:
        raise InvalidInput(f"pairs need the latents of each row, but y has shape {z.shape}; give [{rows}, n]")
    other = np.argwhere((z != 0) & (z != 1))
    if len(other):
        row, bit = other[0]
        raise InvalidInput(f"y holds {z[row, bit]} in row {row}, but the latents of pairs are bits; give 0 and 1")
    return z.astype(np.int8)
