"""Training data as a model takes them: the parts of a batch by name, and checks of their values."""

import types
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import is_whole, nonnegative, real_array, shown, whole_number
from dgm_zoo.core.endpoints import Input, check_array
from dgm_zoo.core.explaining import explaining
from dgm_zoo.errors import InvalidInput

X, LABEL, Y, WEIGHT = ("x", "image"), "label", "y", "sample_weight"  # the keys of a batch that is a dict
COUNTS = {  # arguments of `fit`, `evaluate` and `predict` that are whole numbers, with the least
    "batch_size": 1, "epochs": 1, "initial_epoch": 0, "steps_per_epoch": 1, "validation_steps": 1,
    "validation_batch_size": 1, "steps": 1,
}
NO_DATA = (str, bytes, set, range, np.generic)  # though Python iterates over them or indexes them
WEIGHTS = Input((), range=(0.0, 1e12))  # sample weights, so small that a batch's sum is finite


def batch(where: str, model: Any, data: Any) -> tuple[Any, Any, Any]:
    """Returns (x, y, sample weights) of a batch, or of whole arrays, as Keras takes them; y and weights may be None.

    A dict, such as TensorFlow Datasets yields, is read by its keys: "x" or "image"; "label", if the model takes labels,
    or "y"; "sample_weight"; for a model of several `domains`, their names and "<domain>_label". Others are ignored.

    Args:
      where: names the caller, for the message.
      model: a `GenerativeModel`.
      data: x, a tuple of up to three, or a dict.

    Raises:
      InvalidInput: a dict without x.

    Example:
      >>> batch("VAE.fit", vae, {"image": images, "label": labels})[1] is None
      True
    """
    x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
    if not isinstance(x, dict):
        return x, y, weight
    names = [(domain,) for domain in model.domains] or [X]
    found = tuple(next((x[name] for name in accepted if name in x), None) for accepted in names)
    for accepted, value in zip(names, found, strict=True):
        if value is None:
            raise InvalidInput(
                f"{where}: the batch is a dict with the keys {', '.join(map(repr, x))}; give the "
                f"{'examples' if accepted == X else accepted[0]} as {' or '.join(map(repr, accepted))}, or give x, or "
                "(x, y), in the place of the dict"
            )
    if y is None and model.domains:
        labels = tuple(x.get(f"{domain}_label") for domain in model.domains)
        y = None if all(label is None for label in labels) else labels
    elif y is None:
        y = x[LABEL] if LABEL in x and LABEL in model.takes() else x.get(Y)
    return found if model.domains else found[0], y, x.get(WEIGHT, weight)


def carried(x: Any, y: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Returns (x, y, sample weights) such that Keras does not drop the weights of arrays without y, nor refuse a
    generator of x only."""
    if isinstance(x, types.GeneratorType):
        return (one if isinstance(one, tuple) else (one,) for one in x), y, weight
    if isinstance(weight, (list, tuple)):  # to Keras a list is several arrays
        weight = np.asarray(weight, np.float32)
    if weight is None or y is not None or not isinstance(x, (np.ndarray, tf.Tensor, dict)):
        return x, y, weight
    return {**(x if isinstance(x, dict) else {X[0]: x}), WEIGHT: weight}, None, None


def steps_per_epoch(model: Any, dataset: tf.data.Dataset, given: Any) -> Any:
    """Returns `steps_per_epoch` as given, or the number of batches of a data set that knows it, on one replica.

    Keras makes an iterator at the end of such an epoch, and without this number a second one for the next epoch, which
    takes as long as a few training steps.
    """
    if given is not None or model.distribute_strategy.num_replicas_in_sync > 1:
        return given
    batches = int(dataset.cardinality())
    return batches if batches > 0 else None  # unknown and infinite are negative


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


def wanted(where: str, model: Any, x: Any, y: Any, weight: Any) -> dict[str, tuple[Any, Input]]:
    """Returns each part that the model takes, and the sample weights if there are any, by name, with its `Input`.

    Raises:
      InvalidInput: labels are missing, or the model takes no sample weights.
    """
    name, takes, given = type(model).__name__, model.takes(), parts(model, x, y)
    for key in takes:
        if given.get(key) is None:
            raise InvalidInput(f"{where}: {name} needs labels; give (x, y)")
    if weight is None:
        return {key: (given[key], one) for key, one in takes.items()}
    if not model.takes_weights:
        raise InvalidInput(
            f"{where}: {name} takes no sample weights, since not all that it ascends is a mean over examples; leave "
            "them out"
        )
    return {**{key: (given[key], one) for key, one in takes.items()}, WEIGHT: (weight, WEIGHTS)}


def check(where: str, model: Any, x: Any, y: Any, weight: Any) -> None:
    """Raises `InvalidInput` if arrays do not suit `model`.

    Args:
      where: names the caller, for the message.
      model: a `GenerativeModel`.
      x, y, weight: see `batch`.
    """
    found, takes = wanted(where, model, x, y, weight), model.takes()
    arrays = {name: check_array(where, name, value, one) for name, (value, one) in found.items()}
    rows = {name: len(array) for name, array in arrays.items()}
    for domain in model.domains:
        if not rows[domain]:
            raise InvalidInput(f"{where}: the {domain} has no examples; give at least one")
    if len({rows[domain] for domain in model.domains}) > 1:
        stated = " and ".join(f"the {domain} {rows[domain]}" for domain in model.domains)
        raise InvalidInput(f"{where}: {stated} rows; give equally many, as data.load_pair does")
    if y is not None and LABEL not in takes and not model.domains:  # Keras batches it, though the model ignores it
        of_y = y if isinstance(y, tf.Tensor) else real_array(f"{where}: y", y, "a label for each example, or none")
        rows["y"] = of_y.shape[0] if of_y.ndim else 0
    if len(set(rows.values())) > 1:
        stated = " and ".join(f"{name} {count}" for name, count in rows.items())
        raise InvalidInput(f"{where}: {stated} rows; give equally many")


def check_first_batch(model: Any, method: str, x: Any, y: Any = None, weight: Any = None) -> tuple[Any, Any] | None:
    """Raises `InvalidInput` if arrays, or the first batch of a `tf.data.Dataset`, do not suit `model`.

    Args:
      model: a `GenerativeModel`.
      method: name of the called method, for the error message.
      x, y, weight: as Keras takes them.

    Returns:
      The checked (x, y), or None for a generator, since inspecting it would consume it; every batch is checked in its
      step too, see `core.vetting`.
    """
    where = f"{type(model).__name__}.{method}"
    data = (x, y, weight)
    if isinstance(x, tf.data.Dataset):
        data = explaining(next)(iter(x.take(1)), None)
        if data is None:
            raise InvalidInput(f"{where}: the data set is empty; check its split and batch size")
    elif is_stream(x):
        return None
    elif isinstance(x, (*NO_DATA, type)) or not (hasattr(x, "__iter__") or hasattr(x, "__getitem__")):
        raise InvalidInput(f"{where}: x is {shown(x)}; give an array, or a tf.data.Dataset")
    x, y, weight = batch(where, model, data)
    for name, part in (("x", x), ("y", y)):
        if isinstance(part, (list, tuple)) and not model.domains:
            raise InvalidInput(f"{where}: {name} is a {type(part).__name__}; give one array, or a tf.data.Dataset")
    if not _rows(x):
        raise InvalidInput(f"{where}: x has no rows; give at least one")
    check(where, model, x, y, weight)
    return x, y


def _rows(x):
    """The number of rows of the first array of x; 1 if it has none that can be counted, which `check` refuses."""
    first = x[0] if isinstance(x, (list, tuple)) and x else x
    shape = tuple(first.shape) if hasattr(first, "shape") else ()
    return shape[0] if shape else 1


def is_stream(x: Any) -> bool:
    """Whether batches are drawn from `x`, as from a `tf.data.Dataset` or a generator; False for arrays, also in a list,
    tuple or dict."""
    if isinstance(x, (*NO_DATA, type, list, tuple, dict)) or (hasattr(x, "shape") and hasattr(x, "dtype")):
        return False
    return hasattr(x, "__iter__") or hasattr(x, "__getitem__")


def check_amounts(validation_split: float = 0.0, validation_freq: Any = 1, **counts: Any) -> None:
    """Raises `InvalidInput` unless the numbers that `fit` takes are possible ones; counts may be None, but of epochs.

    Example:
      >>> check_amounts(epochs=-1)
      InvalidInput: epochs is -1; give a whole number of at least 1
    """
    for name, value in counts.items():
        if name in COUNTS and (value is not None or name in ("epochs", "initial_epoch")):
            whole_number(name, value, COUNTS[name])
    if nonnegative("validation_split", validation_split) >= 1:
        raise InvalidInput(f"validation_split is {validation_split!r}; give a share from 0 to below 1")
    for epoch in validation_freq if isinstance(validation_freq, (list, tuple, set)) else [validation_freq]:
        whole_number("validation_freq", epoch)


def checked_validation(model: Any, held_out: Any) -> Any:
    """Returns the `validation_data` of `fit`, whose weights Keras keeps; raises `InvalidInput` if they do not suit."""
    if not isinstance(held_out, (tuple, list, np.ndarray, dict)):
        if held_out is not None:
            check_first_batch(model, "fit(validation_data)", held_out)
        return held_out
    given = keras.utils.unpack_x_y_sample_weight(held_out)
    check_first_batch(model, "fit(validation_data)", *given)
    return keras.utils.pack_x_y_sample_weight(*carried(*given))


def class_weights(where: str, model: Any, given: Any, weight: Any) -> dict[int, float] | None:
    """Returns Keras' `class_weight` with a weight for every class, 1 for a class that is not named; None for None.

    Raises:
      InvalidInput: the model takes no sample weights or not every example has a class; sample weights are given too;
        an unknown class; or a weight that is not a number of at least 0.
    """
    if given is None:
        return None
    label = model.takes().get(LABEL)
    if label is None or label.range is None or label.range[0] < 0 or not model.takes_weights:
        raise InvalidInput(
            f"{where}: {type(model).__name__} takes no class_weight, since it does not weigh examples by a class that "
            "each of them has; leave it out"
        )
    if weight is not None:
        raise InvalidInput(f"{where}: class_weight and sample_weight are both given; give their product by row")
    if not isinstance(given, dict):
        raise InvalidInput(f"{where}: class_weight is {shown(given)}; give a dict of class to weight")
    classes = range(int(label.range[1]) + 1)
    for one in given:
        if not is_whole(one, 0) or one not in classes:
            raise InvalidInput(f"{where}: class_weight names the class {one!r}; give classes from 0 to {classes[-1]}")
    return {one: nonnegative(f"class_weight of class {one}", given.get(one, 1.0)) for one in classes}
