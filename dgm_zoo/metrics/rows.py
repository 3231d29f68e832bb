"""Helpers shared by the sample scores: checks of their rows, and the result dict of each number."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dgm_zoo.checks import real_array, shown, whole_number
from dgm_zoo.errors import InvalidInput

BATCHES = "give batches, as tf.data.Dataset.from_tensor_slices(x).batch(500)"
MOST = 1e20  # the scores take up to the twelfth power of a row's values


def parts_of(name: str, n: int, parts: int, least: int = 1) -> list[np.ndarray]:
    """The row numbers 0 .. n - 1 split into `parts` disjoint parts by a fixed random permutation."""
    if n < whole_number("number of parts", parts) * least:
        raise InvalidInput(f"{name} over {parts} parts needs at least {parts * least} rows, not {n}; give more")
    return np.array_split(np.random.default_rng(0).permutation(n), parts)


def checked_pair(
    real: np.ndarray, generated: np.ndarray, name: str, least: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns both sets of features as float64; raises `InvalidInput` unless they have equal widths.

    Args:
      real, generated: features `[n, d]` and `[m, d]`.
      name: the score that needs them.
      least: number of rows that it needs of each set.
    """
    real, generated = checked_rows("real", real), checked_rows("generated", generated)
    if real.shape[1] != generated.shape[1]:
        raise InvalidInput(
            f"real rows have {real.shape[1]} features and generated ones {generated.shape[1]}; give the same features"
        )
    for which, rows in (("real", real), ("generated", generated)):
        if len(rows) < least:
            raise InvalidInput(f"{name} needs at least {least} {which} rows, not {len(rows)}; give more")
    return real, generated


def checked_labels(label: np.ndarray, n: int, classes: int) -> np.ndarray:
    """Returns labels `[n]` as an array; raises `InvalidInput` unless they are integers from 0 to `classes` - 1."""
    label = whole_rows("label", label)
    if label.shape != (n,):
        raise InvalidInput(f"labels of shape {list(label.shape)} do not fit {n} samples; give one for each")
    if label.min() < 0 or label.max() >= classes:
        raise InvalidInput(f"labels from {label.min()} to {label.max()} do not fit {classes} classes; correct them")
    return label


def whole_rows(name: str, values: np.ndarray) -> np.ndarray:
    """Returns integers `[n]` as an array; raises `InvalidInput` for values of another type or shape."""
    values = real_array(name, values, "integers [n]")
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise InvalidInput(f"{name} is {values.dtype} of shape {list(values.shape)}; give integers [n]")
    return values


def checked_rows(name: str, x: Any) -> np.ndarray:
    """Returns rows `[n, d]` as float64; raises `InvalidInput` unless they are real, finite and not empty."""
    x = real_array(name, x).astype(np.float64)
    if x.ndim != 2 or not x.size:
        raise InvalidInput(f"{name} has shape {list(x.shape)}; give one row for each image, [n, d]")
    if not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x))[0][0])
        raise InvalidInput(f"{name} holds NaN or infinity in row {row}; correct the model that made it")
    if np.abs(x).max() > MOST:
        raise InvalidInput(f"{name} holds {np.abs(x).max():g}, whose powers no float64 holds; rescale the rows")
    return x


def flat_rows(name: str, values: np.ndarray) -> np.ndarray:
    """Returns values `[n, ...]` as float64 rows, `[n, values]`; raises `InvalidInput` as `checked_rows` does."""
    values = real_array(name, values)
    if not values.ndim or not values.size:
        raise InvalidInput(f"{name} has shape {list(values.shape)}; give at least one example, [n, ...]")
    return checked_rows(name, values.reshape(len(values), -1))


def bits(name: str, values: np.ndarray) -> np.ndarray:
    """Returns an array of zeros and ones as booleans; raises `InvalidInput` if it holds anything else.

    Example:
      >>> bits("phrases", np.array([0, 2]))
      InvalidInput: phrases holds 2; give zeros and ones
    """
    other = values[(values != 0) & (values != 1)]
    if len(other):
        raise InvalidInput(f"{name} holds {other[0]:g}; give zeros and ones")
    return values.astype(bool)


def check_model(model: Any, number: str, *needs: str) -> None:
    """Raises `InvalidInput` unless a model has the methods and parts that a number needs.

    Example:
      >>> check_model(gan, "log p(x)", "log_likelihood")
      InvalidInput: log p(x) needs a model with log_likelihood, which GAN has not; give another
    """
    missing = [name for name in needs if not hasattr(model, name)]
    if missing or isinstance(model, type):
        raise InvalidInput(
            f"{number} needs a model with {', '.join(needs)}, which {type(model).__name__} has not; give another"
        )


def check_batches(dataset: Any) -> None:
    """Raises `InvalidInput` unless `dataset` can be iterated over for batches."""
    if isinstance(dataset, (str, bytes, dict, set)) or hasattr(dataset, "ndim") or not hasattr(dataset, "__iter__"):
        raise InvalidInput(f"the data are {'one array' if hasattr(dataset, 'ndim') else shown(dataset)}; {BATCHES}")


def batches(dataset: Any) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Yields (x, y) of each batch in NumPy, y may be None; raises `InvalidInput` for what holds no batches."""
    check_batches(dataset)
    empty = True
    for batch in dataset:
        parts = batch if isinstance(batch, tuple) else (batch,)
        if not all(hasattr(part, "numpy") for part in parts):
            raise InvalidInput(f"the data hold {shown(parts[0])}, not a tensor; {BATCHES}")
        x, y, *_ = *(part.numpy() for part in parts), None
        yield real_array("x", x), y
        empty = False
    if empty:
        raise InvalidInput("the data set is empty; check its split and batch size")


def metric(value: float, se: float | None, protocol: str) -> dict:
    """Returns the result dict of one number: `value`, `stderr` and `protocol`."""
    return {"value": float(value), "stderr": se, "protocol": protocol}


def stderr(values: np.ndarray) -> float | None:
    """The standard error of the mean of independent values `[n]`; None for a single one."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
