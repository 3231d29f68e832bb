"""A user's own `tf.data.Dataset` as a pipeline of the zoo."""

from typing import Any

import numpy as np
import tensorflow as tf

from dgm_zoo.checks import shown
from dgm_zoo.data import pipeline
from dgm_zoo.data.own import making
from dgm_zoo.errors import InvalidInput

_READ = 1024  # elements that are read at a time


def from_dataset(dataset: tf.data.Dataset, *, batch_size: int, **options: Any) -> tf.data.Dataset:
    """Returns batches of a user's own `tf.data.Dataset`, with the pipeline and the options of `from_arrays`.

    Its elements are read once, into memory, so that order, noise and the resumption of a run are those of the zoo's own
    sets. `fit` also takes a `tf.data.Dataset` of batches as it is, in its own order; for data larger than memory there
    is `Rows`.

    Args:
      dataset: finite; its elements are single examples, x or (x, y), all of one shape. `dataset.unbatch()` turns
        batches into examples.
      batch_size, **options: see `from_arrays`. There is labels=True for (x, y).

    Raises:
      InvalidInput: it is no `tf.data.Dataset`, is infinite or empty, has other elements, or needs more than half of
        the memory; or as `from_arrays`.

    Example:
      >>> squares = tf.data.Dataset.from_tensor_slices(np.ones((100, 8, 8, 1), "float32"))
      >>> next(iter(from_dataset(squares, batch_size=10))).shape
      TensorShape([10, 8, 8, 1])
    """
    if not isinstance(dataset, tf.data.Dataset):
        raise InvalidInput(f"dataset is {shown(dataset)}; give a tf.data.Dataset, or arrays to from_arrays")
    spec = dataset.element_spec
    parts = spec if isinstance(spec, tuple) else (spec,)
    if len(parts) > 2 or not all(isinstance(one, tf.TensorSpec) for one in parts):
        raise InvalidInput(f"an element of dataset is {spec}; map it to x, or to (x, y)")
    if not all(one.shape.is_fully_defined() for one in parts):
        raise InvalidInput(f"an element of dataset is {spec}, without a fixed shape; resize it, or unbatch() first")
    rows = int(dataset.cardinality())
    if rows == tf.data.INFINITE_CARDINALITY:
        raise InvalidInput("dataset is infinite; leave out repeat(), or end it with take(n)")
    size, read, found = parts[0].shape.num_elements() * parts[0].dtype.size, 0, []
    for batch in dataset.batch(_READ):
        found.append([one.numpy() for one in (batch if isinstance(spec, tuple) else (batch,))])
        read += len(found[-1][0])
        making.check_memory("dataset", making.COPIES * size * max(read, rows))
    if not found:
        raise InvalidInput("dataset has no element; give at least one")
    x, *y = (np.concatenate(part) for part in zip(*found, strict=True))
    return pipeline.from_arrays(x, *y, batch_size=batch_size, **options)
