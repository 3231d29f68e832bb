"""The state of a model besides its networks' weights: counts of batches and examples, assigned coefficients, and the
seeds of layers that draw random numbers."""

from typing import Any

import tensorflow as tf

BATCHES = "batches_trained"


def counter(name: str = BATCHES) -> tf.Variable:
    """Returns a counter of training data: an int64 variable, the same on every replica."""
    with tf.init_scope():
        return tf.Variable(
            0, trainable=False, dtype=tf.int64, name=name,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )


def variables(model: Any) -> dict[str, tf.Variable]:
    """The state's variables by name; a coefficient that follows a schedule has none."""
    numbers = {name: one.variable for name, one in model.coefficients.items() if one.variable is not None}
    return {BATCHES: model.batches_trained, **model.counters, **numbers, **seeds(model)}


def seeds(model: Any) -> dict[str, Any]:
    """The states of the seed generators of a model's layers, such as `Dropout`, by name; Keras saves none of them."""
    generators = [one for layer in model._flatten_layers() for one in layer._seed_generators]
    return {f"seed_{i}": one.state for i, one in enumerate(generators)}


def without(store: Any) -> dict[str, Any]:
    """The entries that Keras itself wrote to a model's part of a weights file: a dict."""
    return {key: store[key] for key in store.keys() if key.isdigit()}


def save(model: Any, store: Any) -> None:
    """Writes the variables into the model's own part of a Keras weights file."""
    for name, variable in variables(model).items():
        store[name] = variable.numpy()


def load(model: Any, store: Any) -> None:
    """Reads the variables; those that an older file lacks keep their values."""
    kept = set(store.keys())
    for name, count in {BATCHES: model.batches_trained, **model.counters}.items():
        if name in kept:
            count.assign(int(store[name][()]))
    for name in set(model.coefficients) & kept:
        model.coefficients[name].assign(float(store[name][()]))
    for name, seed in seeds(model).items():
        if name in kept:
            seed.assign(store[name][()])
