"""What a model holds besides its networks' variables: the count of batches, and coefficients that were assigned."""

from typing import Any

import tensorflow as tf

BATCHES = "batches_trained"


def counter(name: str = BATCHES) -> tf.Variable:
    """A count of what was trained on: an int64 variable, the same on every replica."""
    with tf.init_scope():
        return tf.Variable(
            0, trainable=False, dtype=tf.int64, name=name,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )


def variables(model: Any) -> dict[str, tf.Variable]:
    """The variables by name; coefficients that follow a schedule have none."""
    numbers = {name: one.variable for name, one in model.coefficients.items() if one.variable is not None}
    return {BATCHES: model.batches_trained, **model.counters, **numbers}


def without(store: Any) -> dict[str, Any]:
    """What else a model's own part of a weights file holds: a dict."""
    return {key: store[key] for key in store.keys() if key.isdigit()}


def save(model: Any, store: Any) -> None:
    """Writes the variables into the model's own part of a Keras weights file."""
    for name, variable in variables(model).items():
        store[name] = variable.numpy()


def load(model: Any, store: Any) -> None:
    """Reads them; a file from before they were kept leaves them as they are."""
    kept = set(store.keys())
    for name, count in {BATCHES: model.batches_trained, **model.counters}.items():
        if name in kept:
            count.assign(int(store[name][()]))
    for name in set(model.coefficients) & kept:
        model.coefficients[name].assign(float(store[name][()]))
