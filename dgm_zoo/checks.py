"""Checks of numbers and shapes given by a user: each returns the value or raises `InvalidInput`."""

import itertools
import math
import numbers
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from dgm_zoo.errors import LONGEST, InvalidInput

LARGEST = 2**31 - 1  # an int32, as TensorFlow counts
LARGEST_FLOAT = float(np.finfo(np.float32).max)
LONGEST_NAME = 255  # bytes of the name of a file, in most file systems


def shown(value: Any) -> str:
    """Returns a value as a message shows it: its `repr`, at most 200 characters of it."""
    try:
        text = repr(value)
    except Exception:  # a number of more digits than Python prints, a tensor of a graph
        text = f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


class Kind(NamedTuple):
    """A kind of value: whether a value is of it, and how a message names it."""

    fits: Callable[[Any], bool]
    wanted: str

    def check(self, name: str, value: Any) -> None:
        """Raises `InvalidInput`, naming `name`, unless `value` is of this kind.

        Example:
          >>> Kind(is_whole, "a whole number of at least 1").check("k", 0)
          InvalidInput: k is 0; give a whole number of at least 1
        """
        if not self.fits(value):
            raise InvalidInput(f"{name} is {shown(value)}; give {self.wanted}")

    def or_none(self) -> "Kind":
        return Kind(lambda value: value is None or self.fits(value), f"None, or {self.wanted}")


def one_of(*values: Any) -> Kind:
    """The kind of these values; True is not 1."""
    *others, last = map(repr, values)
    said = f"{', '.join(others)} or {last}"
    return Kind(lambda value: any(type(value) is type(one) and value == one for one in values), said)


def is_number(value: Any) -> TypeGuard[float]:
    """Returns whether `value` is a real number, Python's or NumPy's and no bool, that a float32 holds."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    value = float(value) if isinstance(value, np.floating) else value  # a float16 would overflow in the comparison
    return real and -LARGEST_FLOAT <= value <= LARGEST_FLOAT


def is_whole(value: Any, least: int = 1, most: float = LARGEST) -> bool:
    """Returns whether `value` is a whole number (Python or NumPy, not a bool) from `least` to `most`."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and least <= value <= most


def whole_number(name: str, value: Any, least: int = 1, most: int = LARGEST) -> int:
    """Returns `value` as an int; raises `InvalidInput` unless it is whole, at least `least` and at most `most`.

    Example:
      >>> whole_number("k", 0)
      InvalidInput: k is 0; give a whole number of at least 1
    """
    if not is_whole(value, least, most):
        bound = f"most {most:,}" if is_whole(value, least, math.inf) else f"least {least}"
        raise InvalidInput(f"{name} is {shown(value)}; give a whole number of at {bound}")
    return int(value)


def boolean(name: str, value: Any) -> bool:
    """Returns `value`, True or False, Python's or NumPy's, as a bool; raises `InvalidInput` if it is anything else."""
    if not isinstance(value, (bool, np.bool_)):
        raise InvalidInput(f"{name} is {shown(value)}; give True or False")
    return bool(value)


def layer_size(name: str, value: Any, least: int = 1) -> int:
    """Returns the size of a layer as an int; raises `InvalidInput` as `whole_number`, or if it fits into no memory."""
    size = whole_number(name, value, least, 2**63 - 1)
    check_memory(name, size, 4 * size)
    return size


def shape(name: str, value: Any) -> tuple[int, ...]:
    """Returns a shape as a tuple of ints; raises `InvalidInput` unless it is a list or tuple of positive whole numbers.

    Example:
      >>> shape("image_shape", (28.0, 28, 1))
      InvalidInput: image_shape is (28.0, 28, 1); give the shape of one x, such as (28, 28, 1) or (16,)
    """
    if not (isinstance(value, (tuple, list)) and value and all(is_whole(size) for size in value)):
        raise InvalidInput(f"{name} is {shown(value)}; give the shape of one x, such as (28, 28, 1) or (16,)")
    check_memory(name, tuple(value), 4 * math.prod(map(int, value)))
    return tuple(map(int, value))


def check_memory(name: str, value: Any, needed: float) -> None:
    """Raises `InvalidInput` if what an argument asks for needs more memory than this machine has.

    Args:
      name, value: the argument.
      needed: bytes that it needs at least.

    Example:
      >>> check_memory("n", 10**9, 10**9 * 4 * 784)
      InvalidInput: n is 1000000000, which needs at least 3,136 GB of memory, of which there are 24; give less
    """
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 2**40
    if needed > there:
        raise InvalidInput(
            f"{name} is {shown(value)}, which needs at least {min(needed, 1e30) / 1e9:,.0f} GB of memory, of which "
            f"there are {there / 1e9:,.0f}; give less"
        )


def check_path(name: str, path: Any) -> str:
    """Returns a path as a string; raises `InvalidInput` if it is empty, has a zero byte, or is of another type.

    Example:
      >>> check_path("data_dir", 3)
      InvalidInput: data_dir is 3; give a path
    """
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path) or "\0" in str(os.fspath(path)):
        raise InvalidInput(f"{name} is {shown(path)}; give a path")
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in re.split(r"[/\\]", os.fsdecode(path))):
        raise InvalidInput(f"{name} is {shown(path)}; give a path whose names have at most {LONGEST_NAME} bytes")
    return os.fspath(path)


def real_array(name: str, value: Any, wanted: str = "real numbers") -> np.ndarray:
    """Returns `value` as a NumPy array of real numbers or booleans; of any shape, and maybe NaN.

    Raises:
      InvalidInput: it is ragged, sparse, masked, complex, text, or not an array; the message says which, or ends with
        `wanted`.

    Example:
      >>> real_array("x", [[0.0, 1.0], [1.0]])
      InvalidInput: x is not an array of numbers: its rows differ in shape; make them equal
    """
    several = isinstance(value, (list, tuple))
    if any(np.ma.is_masked(part) for part in (value if several else [value])):
        raise InvalidInput(f"{name} has masked values; fill them, or drop their rows")
    try:
        array = np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:  # tensors of a graph, sparse and ragged ones: each library raises another
        if several and "inhomogeneous shape" in str(error):
            raise InvalidInput(
                f"{name} is not an array of numbers: its rows differ in shape; make them equal"
            ) from None
        array = np.array(None)
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise InvalidInput(f"{name} is not an array of numbers; give {wanted}")
    return array


def nonnegative(name: str, value: Any) -> float:
    """Returns `value` as a float; raises `InvalidInput` unless it is a finite number of at least 0."""
    if not is_number(value) or value < 0:
        raise InvalidInput(f"{name} is {shown(value)}; give a number of at least 0 that a float32 holds")
    return float(value)


def value_range(name: str, given: Any) -> tuple[float, float] | None:
    """Returns a closed range (low, high) as floats, None as None; raises `InvalidInput` for anything else."""
    if given is None:
        return None
    ends = tuple(given) if isinstance(given, (tuple, list, np.ndarray)) else ()
    if len(ends) != 2 or not all(map(is_number, ends)) or not ends[0] < ends[1]:
        raise InvalidInput(f"{name} is {shown(given)}; give two numbers (low, high) with low < high, or None")
    return float(ends[0]), float(ends[1])


def check_seed(seed: Any) -> int:
    """Returns a seed as an int; raises `InvalidInput` unless it is a whole number that fits an int32."""
    if not is_whole(seed, -(2**31)):
        raise InvalidInput(f"seed is {shown(seed)}; give a whole number from -2**31 to 2**31 - 1")
    return int(seed)


def dropout_rate(value: Any) -> float:
    """Returns a dropout probability as a float; raises `InvalidInput` unless it is in [0, 1)."""
    if not is_number(value) or not 0 <= value < 1:
        raise InvalidInput(f"dropout is {shown(value)}; give a probability from 0 to below 1")
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


def check_networks(inputs: int, **networks: Any) -> None:
    """Raises `InvalidInput` unless each of these has so many inputs, and one output.

    Args:
      inputs: 2 for networks that take a condition too.
      **networks: functional `keras.Model`s, by the names that the message gives them.
    """
    for name, network in networks.items():
        found = [len(getattr(network, side, None) or [None]) for side in ("inputs", "outputs")]
        if found != [inputs, 1]:
            raise InvalidInput(
                f"the {name} has {found[0]} inputs and {found[1]} outputs; give a network of {inputs} and 1"
            )


def match(one: str, shape: Sequence[int], other: str, wanted: Sequence[int]) -> None:
    """Raises `InvalidInput`, naming both shapes, unless they are equal.

    Args:
      one, other: names of the two things that have the shapes, for the message.
      shape, wanted: the two shapes.
    """
    if tuple(shape) != tuple(wanted):
        raise InvalidInput(f"the {one} has shape {tuple(shape)}, but the {other} has {tuple(wanted)}; make them equal")


def layer_sizes(sizes: Sequence[int] | str, empty: bool = False) -> tuple[int, ...]:
    """Returns the sizes of latent layers as a tuple of ints, starting next to the data.

    Args:
      sizes: a list or tuple of positive whole numbers, or a string of them such as "200,200,10". In a string, "a-b:n"
        stands for n sizes, at least 2, in geometric progression from a to b, rounded to whole numbers.
      empty: whether there may be none.

    Raises:
      InvalidInput: anything else; the message names it and the part that does not parse.

    Example:
      >>> layer_sizes("200,100-10:5,5")
      (200, 100, 56, 32, 18, 10, 5)
    """
    if empty and isinstance(sizes, (list, tuple, str)) and not sizes:
        return ()
    parts = sizes.split(",") if isinstance(sizes, str) else sizes
    if not isinstance(parts, (list, tuple)) or not parts:
        raise InvalidInput(f"layer sizes {shown(sizes)} do not parse; {_GRAMMAR}")
    result = []
    for part in parts:
        if not (found := _sizes(part)):
            raise InvalidInput(f"layer sizes {shown(sizes)} do not parse at {shown(part)}; {_GRAMMAR}")
        result += found
    check_memory("layer sizes", sizes, 4 * sum(a * b for a, b in itertools.pairwise([1, *result])))
    return tuple(result)


_GRAMMAR = (
    "give positive whole numbers, such as '200,200,10', or a-b:n for n >= 2 of them from a to b, such as '200,100-10:5'"
)


def _sizes(part):
    """Returns the sizes that one part stands for; an empty list if it does not parse."""
    if not isinstance(part, str):
        return [int(part)] if is_whole(part) else []
    if found := re.fullmatch(r"\s*(\d{1,9})\s*-\s*(\d{1,9})\s*:\s*(\d{1,3})\s*", part):
        first, last, n = map(int, found.groups())
        return [int(size) for size in np.geomspace(first, last, n).round()] if first and last and n >= 2 else []
    return [int(part)] if re.fullmatch(r"\s*\d{1,9}\s*", part, re.ASCII) and int(part) else []
