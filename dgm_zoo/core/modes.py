"""Whether the layers of a network run as in `fit` or as in `evaluate`, whoever calls the network."""

import functools
from collections.abc import Callable
from typing import Any

import keras


class _Mode(keras.layers.Layer):
    def call(self, function: Callable, training: bool | None = None) -> Any:
        return function()


_mode = _Mode(name="mode", dtype="float32", autocast=False)


def in_mode(training: bool, function: Callable) -> Callable:
    """Returns `function`, in which layers that are not told otherwise see `training`, as in a layer that Keras runs.

    Without it a layer takes what its `call` has as default, which is False for `Dropout` and True for `RandomFlip`.

    Example:
      >>> flip = keras.layers.RandomFlip(seed=0)
      >>> bool((in_mode(False, flip)(images) == images).numpy().all())
      True
    """

    @functools.wraps(function)
    def run(*args, **kwargs):
        return _mode(function=lambda: function(*args, **kwargs), training=training)

    return run
