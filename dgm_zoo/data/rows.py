"""Rows that are read from their files when they are needed, for data larger than memory.

A batch asks for its rows by number. The order of an epoch, its noise and its labels are therefore those of the same
rows in memory, bit for bit, and a stream that starts at a later epoch reads no earlier row.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

_BYTES = 2**26  # of a block of rows that is read at a time


def slices(count: int, shape: Sequence[int], dtype: Any) -> list[slice]:
    """Returns slices of at most 1,024 rows each, and about 64 MB, that cover `count` rows of a shape and dtype."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    step = max(1, min(1024, _BYTES // size))
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows of a data set that are read by number.

    Attributes:
      count: number of rows.
      shape: shape of one row.
      dtype: "uint8" for bits and grey levels, or "float32".
      take: function from row numbers, an integer array `[B]`, to x of this dtype, `[B, *shape]`. It may be called by
        several threads at once, and must return the same row for the same number.
      labels: function without arguments to the labels of all rows, int32 `[count]`, -1 for a row without one; or to
        None, as by default. It is called only if labels are wanted.

    Example:
      >>> x = np.lib.format.open_memmap("faces.npy")
      >>> faces = Rows(len(x), x.shape[1:], "uint8", lambda numbers: x[numbers])
    """

    count: int
    shape: tuple
    dtype: str
    take: Callable[[np.ndarray], np.ndarray]
    labels: Callable[[], np.ndarray | None] = lambda: None

    def __len__(self) -> int:
        return self.count

    def blocks(self) -> Iterator[np.ndarray]:
        """Yields x in order, a block of rows at a time."""
        for rows in slices(self.count, self.shape, self.dtype):
            yield self.take(np.arange(self.count)[rows])

    def in_memory(self) -> np.ndarray:
        """Returns all rows, `[count, *shape]`."""
        x = np.empty((self.count, *self.shape), self.dtype)
        for rows in slices(self.count, self.shape, self.dtype):
            x[rows] = self.take(np.arange(self.count)[rows])
        return x

    def changed(self, function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> "Rows":
        """Returns the rows after a change that does not depend on the other rows of a batch.

        Args:
          function: from rows x `[B, *shape]` and their numbers, integers `[B]`, to the changed rows.
        """
        one = function(self.take(np.zeros(1, int)), np.zeros(1, int))
        take = lambda numbers: function(self.take(numbers), numbers)  # noqa: E731
        return dataclasses.replace(self, shape=one.shape[1:], dtype=one.dtype.name, take=take)
