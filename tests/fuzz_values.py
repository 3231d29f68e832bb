"""Values of every wrong kind, as tables: label to a function of the good value, and which of them may be right."""

import math
import types
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

LOOP = []
LOOP.append(LOOP)


class Kind(NamedTuple):
    """What an argument is given.

    Attributes:
      values: dict of label to a function of the good value.
      may: labels of values that may be accepted, if the door's rule holds for the answer.
    """

    values: dict
    may: frozenset = frozenset()

    def allowing(self, *labels):
        assert set(labels) <= set(self.values), labels
        return self._replace(may=self.may | set(labels))

    def without(self, *labels):
        """The same, without values that are right but whose answer takes long."""
        return self._replace(values={label: value for label, value in self.values.items() if label not in labels})


def constant(table):
    return {label: (lambda good, value=value: value) for label, value in table.items()}


ODD = {  # right nowhere, except where an argument says so
    "None": None,
    "text": "abc",
    "no text": "",
    "zero byte": "a\0b",
    "long text": "a" * 300,
    "bytes": b"abc",
    "set": {1, 2},
    "object": object(),
    "dict": {"abc": 1},
    "no dict": {},
    "list": [1, "a"],
    "no list": [],
    "loop": LOOP,
    "complex": 1j,
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "lambda": lambda: 0,
    "type": int,
    "module": types,
    "range": range(3),
    "ragged list": [[1.0], [1.0, 2.0]],
}
NUMBERS = {
    "-1": -1,
    "0": 0,
    "1": 1,
    "2.5": 2.5,
    "2.0": 2.0,
    "True": True,
    "False": False,
    "2**63": 2**63,
    "-2**63": -(2**63),
    "10**30": 10**30,
    "10**400": 10**400,
    "1e300": 1e300,
    "'3'": "3",
    "int64": np.int64(2),
    "float64": np.float64(2.0),
    "0-d": np.array(2),
    "one in a list": [2],
    "one in an array": np.array([2]),
    "NumPy's nan": np.float32("nan"),
    "tensor": tf.constant(2),
}
LARGE = {"2**31": 2**31, "10**12": 10**12}
NUMBER = Kind(constant({**ODD, **NUMBERS, **LARGE}))
COUNT = NUMBER.allowing("1", "int64")
SEED = NUMBER.allowing("-1", "0", "1", "int64")
REAL = NUMBER.allowing("0", "1", "2.5", "2.0", "int64", "float64")
NAME = Kind(constant({**ODD, **NUMBERS}))
PATH = Kind(constant({**ODD, **NUMBERS, "a folder": "/", "under a file": "/dev/null/a", "nowhere": "/proc/nowhere/a"}))
SHAPES = {
    "()": (),
    "float": (4.0, 4, 1),
    "0 in it": (0, 4, 1),
    "-1 in it": (4, -1, 1),
    "None in it": (None, 4, 1),
    "True in it": (True, 4, 1),
    "text in it": ("4", 4, 1),
    "nan in it": (math.nan, 4, 1),
    "huge": (10**9, 10**9, 3),
    "10**12 in it": (10**12,),
    "2**63 in it": (2**63, 4, 1),
    "nested": ((4, 4), 1),
    "object in it": (object(), 4),
    "array": np.array([4, 4, 1]),
    "list of it": [4, 4, 1],
    "NumPy's": (np.int64(4), 4, 1),
    "vector": (16,),
    "7 axes": (1,) * 7,
}
SHAPE = Kind(constant({**ODD, **NUMBERS, **SHAPES})).allowing(
    "list of it", "one in a list", "NumPy's", "vector", "array", "range", "7 axes"
)


def like(good, value):
    """An array of the good one's shape, filled with a value, of the value's dtype."""
    return np.full(np.shape(good), value)


def first(value):
    def change(good):
        changed = np.array(good, np.float64)
        changed.flat[:1] = value
        return changed

    return change


ARRAYS = {
    "object array": lambda good: np.full(np.shape(good), object(), object),
    "array of text": lambda good: like(good, "a"),
    "array of bytes": lambda good: like(good, b"a"),
    "array of None": lambda good: np.full(np.shape(good), None),
    "array of complex": lambda good: like(good, 1j),
    "dates": lambda good: np.zeros(np.shape(good), "datetime64[s]"),
    "records": lambda good: np.zeros(np.shape(good), [("a", "f4")]),
    "0-d": lambda good: np.float32(0.0),
    "0": lambda good: 0,
    "True": lambda good: True,
    "ragged tensor": lambda good: tf.ragged.constant([[1.0], [1.0, 2.0]]),
    "sparse tensor": lambda good: tf.sparse.from_dense(np.ones(np.shape(good), "float32")),
    "array of ragged rows": lambda good: np.array([[1.0], [1.0, 2.0]], object),
    "keras input": lambda good: keras.KerasTensor((None, *np.shape(good)[1:])),
    "masked": lambda good: np.ma.masked_array(good, True),
    "NaN in it": first(np.nan),
    "inf in it": first(np.inf),
    "-inf in it": first(-np.inf),
    "1e300 in it": first(1e300),
    "3e38": lambda good: like(good, 3e38),
    "-1.0": lambda good: like(good, -1.0),
    "2.5 in it": first(2.5),
    "0.5": lambda good: like(good, 0.5),
    "2**40": lambda good: like(good, 2**40),
    "no rows": lambda good: np.asarray(good)[:0],
    "one row": lambda good: np.asarray(good)[:1],
    "one axis more": lambda good: np.asarray(good)[..., None],
    "one axis less": lambda good: np.asarray(good)[0],
    "twice as wide": lambda good: np.concatenate([good, good], -1),
    "no columns": lambda good: np.asarray(good)[..., :0],
    "dict of it": lambda good: {"abc": good},
    "tuple of two": lambda good: (good, good),
    "list of it": lambda good: np.asarray(good).tolist(),
    "booleans": lambda good: like(good, False),
    "int8": lambda good: np.zeros(np.shape(good), np.int8),
    "uint64": lambda good: np.zeros(np.shape(good), np.uint64),
    "float16": lambda good: np.zeros(np.shape(good), np.float16),
    "float64": lambda good: np.asarray(good, np.float64),
    "tensor": lambda good: tf.constant(good),
    "reversed": lambda good: np.asarray(good)[::-1],
}
FINE = ("list of it", "booleans", "int8", "uint64", "float16", "float64", "tensor", "reversed")
ARRAY = Kind({**constant(ODD), **ARRAYS}).allowing(*FINE)


def array_of(wanted, several=False):
    """The `Kind` of an endpoint's input: its `core.endpoints.Input` says which values are in range.

    Args:
      wanted: the `Input`.
      several: whether other arrays come with it, so that another number of rows cannot be right.
    """
    low, high = wanted.range or (-math.inf, math.inf)
    values = {"-1.0": -1.0, "3e38": 3e38, "0.5": 0.5, "2.5 in it": 2.5, "2**40": 2.0**40}
    whole = wanted.dtype.is_integer or wanted.binary
    may = [label for label, value in values.items() if low <= value <= high and not (whole and value % 1)]
    if wanted.dtype.is_integer or wanted.binary:
        may = [label for label in may if label == "-1.0" and not wanted.binary]
    if not several:
        may += ["no rows", "one row", *(() if wanted.shape else ("no list", "range", "twice as wide", "no columns"))]
    return ARRAY.allowing(*may)
