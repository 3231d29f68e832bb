"""Applies a function to many rows in parts, in Python or inside a graph."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from dgm_zoo.errors import InvalidInput

NOT_FINITE = "give smaller values, or a model with finite weights"
ROWS = 500  # in one call, unless something else limits them


def in_chunks(function: Callable, arrays: Sequence, rows: int = ROWS) -> np.ndarray:
    """Applies `function` to slices of at most `rows` rows and joins the results: NumPy, as many rows as the arrays.

    Args:
      function: from a slice of each array, as tensors, to a tensor with as many rows.
      arrays: arrays or tensors with the same number of rows, at least 1; None is passed on unchanged.
      rows: maximum number of rows in one call.

    Raises:
      InvalidInput: a result is NaN.

    Example:
      >>> in_chunks(lambda x: 2 * x, [np.arange(5)], rows=2)
      array([0, 2, 4, 6, 8])
    """
    n = max(len(array) for array in arrays if array is not None)
    parts = [
        function(*(None if array is None else tf.constant(array[i : i + rows]) for array in arrays)).numpy()
        for i in range(0, n, rows)
    ]
    found = np.concatenate(parts)
    if np.isnan(found).any():
        row = int(np.argwhere(np.isnan(found))[0][0])
        raise InvalidInput(f"the answer is NaN in row {row}; {NOT_FINITE}")
    return found


def in_graph(function: Callable, tensors: dict[str, tf.Tensor], rows: int = ROWS) -> dict[str, tf.Tensor]:
    """Applies `function` to at most `rows` rows at a time, in a loop of the graph: memory does not grow with the rows.

    Without any row it is applied to one row of zeros, since convolutions refuse none, and the answer has no row.

    Args:
      function: from tensors by name to a dict of tensors with as many rows, each of which depends on its own row.
      tensors: dict of name to tensor `[n, ...]`.
      rows: maximum number of rows in one pass.

    Returns:
      Dict of name to tensor, `[n, ...]`.

    Example:
      >>> in_graph(lambda x: {"y": 2 * x}, {"x": tf.range(5)}, rows=2)["y"].numpy()
      array([0, 2, 4, 6, 8], dtype=int32)
    """
    specs = {key: tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype) for key, tensor in tensors.items()}
    traced = tf.function(function, autograph=False).get_concrete_function(**specs)
    n = tf.shape(next(iter(tensors.values())))[0]
    passes, missing = tf.maximum(1, -(-n // rows)), tf.cast(tf.equal(n, 0), tf.int32)

    def body(i, found):
        parts = {key: tensor[i * rows : (i + 1) * rows] for key, tensor in tensors.items()}
        parts = {key: tf.pad(part, [[0, missing], *[[0, 0]] * (part.shape.rank - 1)]) for key, part in parts.items()}
        return i + 1, {key: found[key].write(i, value) for key, value in traced(**parts).items()}

    empty = {
        key: tf.TensorArray(one.dtype, passes, infer_shape=False, element_shape=[None, *one.shape[1:]])
        for key, one in traced.structured_outputs.items()
    }
    _, found = tf.while_loop(lambda i, _: i < passes, body, (0, empty), parallel_iterations=1)
    return {key: array.concat()[:n] for key, array in found.items()}
