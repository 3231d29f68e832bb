"""Applies a function to many rows in chunks."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

ROWS = 500  # in one call, unless something else limits them


def in_chunks(function: Callable, arrays: Sequence, rows: int = ROWS) -> np.ndarray:
    """Applies `function` to slices of at most `rows` rows and joins the results: NumPy, as many rows as the arrays.

    Args:
      function: from a slice of each array, as tensors, to a tensor with as many rows.
      arrays: arrays or tensors with the same number of rows, at least 1; None is passed on unchanged.
      rows: maximum number of rows in one call.

    Example:
      >>> in_chunks(lambda x: 2 * x, [np.arange(5)], rows=2)
      array([0, 2, 4, 6, 8])
    """
    n = max(len(array) for array in arrays if array is not None)
    parts = [
        function(*(None if array is None else tf.constant(array[i : i + rows]) for array in arrays)).numpy()
        for i in range(0, n, rows)
    ]
    return np.concatenate(parts)
