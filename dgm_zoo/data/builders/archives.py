"""Reads a user's `.npz` files and checks their arrays against the published shapes."""

import os
import zipfile

import numpy as np

from dgm_zoo.errors import InvalidInput


def read_arrays(path: str | os.PathLike, shapes: dict[str, tuple]) -> dict[str, np.ndarray]:
    """Returns the arrays of an `.npz` file, `{key: array}`.

    Args:
      path: the file.
      shapes: `{key: shape}` of the arrays to read, as published.

    Raises:
      InvalidInput: the file cannot be read, lacks an array, or an array has another shape.

    Example:
      >>> read_arrays("usps.npz", {"test_labels": (2007,)})["test_labels"].shape
      (2007,)
    """
    *first, last = shapes
    names = f"{', '.join(first)} and {last}" if first else last
    try:
        with np.load(path) as file:
            arrays = {key: file[key] for key in shapes}
    except (OSError, EOFError, TypeError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"'{path}' cannot be read ({error}); give an .npz file with the arrays {names}") from None
    for key, wanted in shapes.items():
        if arrays[key].shape != tuple(wanted):
            raise InvalidInput(
                f"'{path}': {key} has shape {list(arrays[key].shape)}, but the published split {list(wanted)}; "
                "give the published one"
            )
    return arrays


def check_grey_levels(path: str | os.PathLike, arrays: dict[str, np.ndarray]) -> None:
    """Raises `InvalidInput` unless every array is uint8.

    Args:
      path: the file, for the message.
      arrays: `{key: array}`, as `read_arrays` returns them.
    """
    for key, array in arrays.items():
        if array.dtype != np.uint8:
            raise InvalidInput(f"'{path}': {key} has dtype {array.dtype}; give uint8 values from 0 to 255")
