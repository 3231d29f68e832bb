"""Moving averages of the weights: optimizers with `use_ema=True`, in evaluation and at the end of training."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras


def _averages(model) -> list:
    """Pairs of a variable and its moving average, over all optimizers of `model` that keep one."""
    return [
        pair
        for optimizer in model.optimizer.optimizers
        if optimizer.use_ema
        for pair in zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
    ]


def keeps_averages(model: Any) -> bool:
    """Whether an optimizer of a compiled model keeps moving averages."""
    return any(optimizer.use_ema for optimizer in model.optimizer.optimizers)


@contextlib.contextmanager
def averaged(model: Any) -> Iterator[None]:
    """Context in which the variables of `model` hold their moving averages, if any; restores them exactly."""
    pairs = _averages(model) if model.compiled else []
    before = [variable.numpy() for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(average.numpy())
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, before, strict=True):
            variable.assign(value)


def finalize(model: Any) -> None:
    """Assigns every variable its moving average, if it has one, permanently, as Keras does at the end of `fit`."""
    for optimizer in model.optimizer.optimizers:
        if optimizer.use_ema:
            optimizer.finalize_variable_values(optimizer._trainable_variables)


class EvaluateAverages(keras.callbacks.Callback):
    """Validates with the moving averages during `fit`, because `fit` ends with them as weights."""

    def on_test_begin(self, logs: dict | None = None) -> None:
        self.context = averaged(self.model)
        self.context.__enter__()

    def on_test_end(self, logs: dict | None = None) -> None:
        self.context.__exit__(None, None, None)
