"""Checks of the data passed to `fit` and `evaluate`, before the first step."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.core.endpoints import check_array
from dgm_zoo.errors import InvalidInput


def parts(model: Any, x: Any, y: Any = None) -> dict[str, Any]:
    """Returns the parts of training data by the names that `model.takes()` gives them: a dict.

    Args:
      model: a `GenerativeModel`.
      x, y: a batch, or whole arrays. For a model of several `domains`, x is a tuple with a part for each of them,
        and y None or such a tuple.

    Raises:
      InvalidInput: for a model of several domains, x or y has another number of parts.

    Example:
      >>> list(parts(model_of_two_domains, (x_source, x_target)))
      ['source', 'target', 'source_label', 'target_label']
    """
    domains = model.domains
    if not domains:
        return {"x": x, "label": y}
    for what, value in (("x", x), ("y", (None,) * len(domains) if y is None else y)):
        if not (isinstance(value, (list, tuple)) and len(value) == len(domains)):
            raise InvalidInput(
                f"{type(model).__name__} takes {len(domains)} domains, but {what} has another number of parts; give "
                f"{what} as the tuple ({', '.join(domains)})"
            )
    labels = (None,) * len(domains) if y is None else y
    return {**dict(zip(domains, x, strict=True)), **{f"{d}_label": v for d, v in zip(domains, labels, strict=True)}}


def _check_rows(where, model, given):
    """Raises `InvalidInput` unless every domain has examples, and all have the same number."""
    rows = {domain: len(given[domain]) for domain in model.domains}
    for domain, count in rows.items():
        if not count:
            raise InvalidInput(f"{where}: the {domain} has no examples; give at least one")
    if len(set(rows.values())) > 1:
        stated = " and ".join(f"the {domain} {count}" for domain, count in rows.items())
        raise InvalidInput(f"{where}: {stated} rows; give equally many, as data.load_pair does")


def check_first_batch(model: Any, method: str, x: Any, y: Any = None) -> tuple[Any, Any] | None:
    """Raises `InvalidInput` if arrays, or the first batch of a `tf.data.Dataset`, do not suit `model`.

    Args:
      model: a `GenerativeModel`.
      method: name of the called method, for the error message.
      x, y: as Keras takes them.

    Returns:
      The checked (x, y), or None for a generator, since inspecting it would consume it.
    """
    name = type(model).__name__
    where = f"{name}.{method}"
    if isinstance(x, tf.data.Dataset):
        batch = next(iter(x.take(1)), None)
        if batch is None:
            raise InvalidInput(f"{where}: the data set is empty; check its split and batch size")
        x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
    if isinstance(x, (list, tuple)) and not model.domains:
        raise InvalidInput(f"{where}: x is a {type(x).__name__}; give one array, or a tf.data.Dataset")
    if not isinstance(x, (np.ndarray, tf.Tensor, list, tuple)):
        return None
    takes, given = model.takes(), parts(model, x, y)
    _check_rows(where, model, given)
    for key, value in given.items():
        if key in takes:
            if value is None:
                raise InvalidInput(f"{where}: {name} needs labels; give (x, y)")
            check_array(where, key, value, takes[key])
    return x, y


def check_validation(model: Any, held_out: Any) -> None:
    """Raises `InvalidInput` if the `validation_data` of `fit` do not suit `model`."""
    if isinstance(held_out, (tuple, np.ndarray)):
        check_first_batch(model, "fit(validation_data)", *keras.utils.unpack_x_y_sample_weight(held_out)[:2])
    elif held_out is not None:
        check_first_batch(model, "fit(validation_data)", held_out)
