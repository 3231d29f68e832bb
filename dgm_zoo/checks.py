"""Checks of numbers and shapes given by a user: each returns the value or raises `InvalidInput`."""

import numbers
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from dgm_zoo.errors import InvalidInput


def is_whole(value: Any, least: int = 1) -> bool:
    """Returns whether `value` is a whole number (Python or NumPy, not a bool) of at least `least`."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least


def whole_number(name: str, value: Any, least: int = 1) -> int:
    """Returns `value` as an int; raises `InvalidInput` unless it is whole and at least `least`.

    Example:
      >>> whole_number("k", 0)
      InvalidInput: k is 0; give a whole number of at least 1
    """
    if not is_whole(value, least):
        raise InvalidInput(f"{name} is {value!r}; give a whole number of at least {least}")
    return int(value)


def nonnegative(name: str, value: Any) -> float:
    """Returns `value` as a float; raises `InvalidInput` unless it is a finite number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < float("inf"):
        raise InvalidInput(f"{name} is {value!r}; give a number of at least 0")
    return float(value)


def check_seed(seed: Any) -> int:
    """Returns a seed as an int; raises `InvalidInput` unless it is a whole number that fits an int32."""
    if not is_whole(seed, -(2**31)) or seed >= 2**31:
        raise InvalidInput(f"seed is {seed!r}; give a whole number from -2**31 to 2**31 - 1")
    return int(seed)


def dropout_rate(value: Any) -> float:
    """Returns a dropout probability as a float; raises `InvalidInput` unless it is in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise InvalidInput(f"dropout is {value!r}; give a probability from 0 to below 1")
    return float(value)


def input_shape(network: Any, index: int = 0) -> tuple[int | None, ...]:
    """Returns the event shape of a Keras model's input, `()` if it has none of that index.

    Raises:
      InvalidInput: the network has no shape yet, as a subclassed model or a `Sequential` without `keras.Input`.
    """
    return _shape(network, "input", index)


def output_shape(network: Any, index: int = 0) -> tuple[int | None, ...]:
    """Returns the event shape of a Keras model's output; see `input_shape`."""
    return _shape(network, "output", index)


def _shape(network, side, index):
    try:  # a model has `inputs`; a layer that was called has `input`
        tensors = getattr(network, f"{side}s", None) or [getattr(network, side)]
    except (AttributeError, ValueError):
        raise InvalidInput(
            f"network {getattr(network, 'name', network)!r} has no {side} shape yet; give a functional keras.Model, or "
            "a keras.Sequential that begins with keras.Input"
        ) from None
    return tuple(tensors[index].shape[1:]) if index < len(tensors) else ()


def match(one: str, shape: Sequence[int], other: str, wanted: Sequence[int]) -> None:
    """Raises `InvalidInput`, naming both shapes, unless they are equal.

    Args:
      one, other: names of the two things that have the shapes, for the message.
      shape, wanted: the two shapes.
    """
    if tuple(shape) != tuple(wanted):
        raise InvalidInput(f"the {one} has shape {tuple(shape)}, but the {other} has {tuple(wanted)}; make them equal")


def layer_sizes(sizes: Sequence[int] | str) -> tuple[int, ...]:
    """Returns the sizes of latent layers as a tuple of ints, starting next to the data.

    Args:
      sizes: a list or tuple of positive whole numbers, or a string of them such as "200,200,10". In a string, "a-b:n"
        stands for n sizes, at least 2, in geometric progression from a to b, rounded to whole numbers.

    Raises:
      InvalidInput: anything else; the message names it and the part that does not parse.

    Example:
      >>> layer_sizes("200,100-10:5,5")
      (200, 100, 56, 32, 18, 10, 5)
    """
    parts = sizes.split(",") if isinstance(sizes, str) else sizes
    if not isinstance(parts, (list, tuple)) or not parts:
        raise InvalidInput(f"layer sizes {sizes!r} do not parse; {_GRAMMAR}")
    result = []
    for part in parts:
        if not (found := _sizes(part)):
            raise InvalidInput(f"layer sizes {sizes!r} do not parse at {part!r}; {_GRAMMAR}")
        result += found
    return tuple(result)


_GRAMMAR = (
    "give positive whole numbers, such as '200,200,10', or a-b:n for n >= 2 of them from a to b, such as '200,100-10:5'"
)


def _sizes(part):
    """Returns the sizes that one part stands for; an empty list if it does not parse."""
    if not isinstance(part, str):
        return [int(part)] if is_whole(part) else []
    if found := re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*:\s*(\d+)\s*", part):
        first, last, n = map(int, found.groups())
        return [int(size) for size in np.geomspace(first, last, n).round()] if first and last and n >= 2 else []
    return [int(part)] if part.strip().isdecimal() and int(part) else []
