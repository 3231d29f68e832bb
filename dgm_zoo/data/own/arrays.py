"""NumPy's files: `.npz` with x and y, or with x_train, y_train, x_test, y_test; `.npy` with x, read row by row."""

import mmap
import os
import zipfile

import numpy as np

from dgm_zoo.data.arrays import AUTO, check_arrays, check_values, converted
from dgm_zoo.data.checks import SPLITS
from dgm_zoo.data.facts import Set
from dgm_zoo.data.own import making
from dgm_zoo.data.rows import Rows
from dgm_zoo.errors import InvalidInput


def find(path: str, version: str) -> Set:
    """Returns the `Set` of a NumPy file.

    Splits are the pairs x_train, y_train and so on; those missing are carved out of train by a hash of the rows'
    numbers. Images `[N, H, W]` get a channel. Integers are bits or grey levels, as in `from_arrays`; floats are pixels
    in [0, 1] in images, and points in vectors. The rows of an `.npy` file stay in it.

    Raises:
      InvalidInput: the file is damaged or has other arrays, or an array is unsuitable.
    """
    stored = _stored(path)
    if isinstance(stored, np.ndarray):
        return _one(path, version, stored)
    making.check_memory(f"'{path}'", os.path.getsize(path))
    return of_splits(path, version, stored)


def _one(path, version, x):
    """Returns the `Set` of an `.npy` file, whose memory map is x."""
    try:
        levels = check_values(x, _levels(x))
    except InvalidInput as error:
        raise InvalidInput(f"'{path}': {error}") from None
    shape = (*x.shape[1:], 1) if x.ndim == 3 else x.shape[1:]
    dtype = "float32" if x.dtype.kind == "f" else "uint8"
    rows = making.carved(map(str, range(len(x))), SPLITS[1:])

    def rows_of(split, image_size, limit):
        wanted = rows[split][:limit]

        def take(numbers):
            stored = _stored(path)  # mapped anew: pages that were read would otherwise count as memory in use
            if (np.diff(numbers) != 1).any() and hasattr(mmap, "MADV_RANDOM"):  # read no neighbours of scattered rows
                stored._mmap.madvise(mmap.MADV_RANDOM)
            return converted(np.asarray(stored[wanted[numbers]])).reshape(len(numbers), *shape)

        return Rows(len(wanted), shape, dtype, take)

    return making.made(
        path, version, shape, {split: len(rows[split]) for split in SPLITS}, rows_of, levels=levels, in_files=True
    )


def of_splits(path: str, version: str, stored: dict) -> Set:
    """Returns the `Set` of arrays in memory, by the names that `find` says.

    Args:
      path: what errors call them.
      version: see `making.made`.
      stored: dict of name to array.

    Raises:
      InvalidInput: there are other names, or an array is unsuitable.
    """
    given = _parts(path, stored)
    x, y, levels = {}, {}, _levels(given["train"][0])
    for split, (images, labels) in given.items():
        images = images[..., None] if images.ndim == 3 else images
        labels = labels[:, 0] if labels is not None and labels.ndim == 2 and labels.shape[1] == 1 else labels
        try:
            x[split], y[split], levels = check_arrays(images, labels, False, None, levels)
        except InvalidInput as error:
            raise InvalidInput(f"'{path}', split '{split}': {error}") from None
    shapes = {split: part.shape[1:] for split, part in x.items()}
    for split, shape in shapes.items():
        if shape != shapes["train"]:
            raise InvalidInput(
                f"'{path}' has x of shape {shapes['train']} in train, but {shape} in {split}; make them equal"
            )
    carved = making.carved(map(str, range(len(x["train"]))), [split for split in SPLITS if split not in given])
    rows = {**{split: np.arange(len(x[split])) for split in given}, **(carved if len(carved) > 1 else {})}
    labelled = [part for part in y.values() if part is not None and (part >= 0).any()]

    def rows_of(split, image_size, limit):
        part, wanted = split if split in given else "train", rows[split][:limit]
        return making.held(x[part][wanted], None if y[part] is None else y[part][wanted])

    return making.made(
        path, version, shapes["train"], {split: len(rows[split]) for split in SPLITS}, rows_of, levels=levels,
        classes=making.numbered(path, max(int(part.max()) for part in labelled)) if labelled else (),
    )


def _stored(path):
    """Returns the memory map of an `.npy` file, or the arrays of an `.npz` file by name."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        return found if isinstance(found, np.ndarray) else {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        objects = "pickle" in str(error) or "Python objects" in str(error)  # NumPy's two ways to refuse them
        reason = "it is another file, or holds Python objects" if objects else error
        raise InvalidInput(
            f"'{path}' cannot be read as arrays of NumPy ({reason}); save numbers by numpy.save or numpy.savez"
        ) from None


def _parts(path, stored):
    """Returns (x, y or None) of each split that the file names; of "train" for x and y."""
    names = {"train": "", **dict.fromkeys(SPLITS[1:])} if "x" in stored else {split: f"_{split}" for split in SPLITS}
    given = {split: (stored[f"x{end}"], stored.get(f"y{end}")) for split, end in names.items()
             if end is not None and f"x{end}" in stored}
    taken = {f"{axis}{names[split]}" for split in given for axis in "xy"}
    if "train" not in given or set(stored) - taken:
        raise InvalidInput(
            f"'{path}' has the arrays {', '.join(stored) or '(none)'}; give x and perhaps y, or x_train, y_train, "
            "x_test, y_test"
        )
    without = [split for split, (_, y) in given.items() if y is None]
    if 0 < len(without) < len(given):
        raise InvalidInput(f"'{path}' has no y_{without[0]}, but y for another split; give it for all, or for none")
    return given


def _levels(x):
    """Returns the levels to check x by: real vectors are points, the rest is inferred."""
    return None if x.ndim == 2 and x.dtype.kind == "f" else AUTO
