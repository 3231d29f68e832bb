"""Reads the files of a data set: into arrays in memory, or, if they do not fit, row by row."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from dgm_zoo.data.facts import Set
from dgm_zoo.data.sets import entry
from dgm_zoo.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np

AUTO = "auto"  # a split is in memory if it fits


def open_split(
    name: str, split: str, folder: str, image_size: tuple[int, int] | None, channels: int | None = None,
    limit: int | None = None, in_memory: bool | str = AUTO,
) -> tuple:
    """Returns a split as `read_split` does, or with `Rows` in place of x if it is to stay in its files.

    Args:
      name, split, folder, image_size, channels, limit: see `read_split`.
      in_memory: see `registry.load`.

    Raises:
      InvalidInput: as `read_split`; or in_memory is invalid, or False for a set that is not read from files by row.
    """
    if not (isinstance(in_memory, bool) or in_memory == AUTO):
        raise InvalidInput(f"in_memory={in_memory!r} is not a choice; give True, False or '{AUTO}'")
    found = entry(name)
    if in_memory is True or (in_memory == AUTO and not (found.own and found.own.in_files)):
        return read_split(name, split, folder, image_size, channels, limit)
    if not (found.own and found.own.in_files):
        raise InvalidInput(
            f"in_memory=False, but '{name}' is not read row by row, as a folder, .npy or TFDS's files are; leave it out"
        )
    from dgm_zoo.data.own import making

    rows, levels = _rows(name, found, split, image_size, channels, limit)
    if in_memory == AUTO and making.fits(making.memory(rows)):
        return read_split(name, split, folder, image_size, channels, limit)
    return rows, rows.labels() if found.num_classes is not None else None, None, levels


def labels_of(name: str, split: str, folder: str, limit: int | None = None) -> np.ndarray:
    """Returns the labels of a split of a set that has some, int32 `[N]`; those of a user's own set without its images.

    Args:
      name, split, folder: see `read_split`.
      limit: number of rows, the first ones, or None for all.
    """
    found = entry(name)
    if not found.own:
        return read_split(name, split, folder, None)[1][:limit]
    return found.own.rows(split, found.own.sizes[0] if found.own.sizes else None, limit).labels()


def _rows(name, found, split, image_size, channels, limit):
    """Returns the `Rows` of a split of a user's own set, and their number of levels."""
    from dgm_zoo.data import blocks

    size = size_of(name, found, image_size) if len(found.image_shape) == 3 else None
    rows, levels = found.own.rows(split, size, limit), found.levels
    if size is not None and rows.shape[:2] != size:
        rows, levels = rows.changed(lambda x, _: blocks.resized(x, found.levels, size)[0]), 256
    return rows if channels is None else rows.changed(lambda x, _: _with_channels(x, channels)), levels


def read_split(
    name: str, split: str, folder: str, image_size: tuple[int, int] | None, channels: int | None = None,
    limit: int | None = None,
) -> tuple:
    """Reads a split into memory; later calls return the same arrays, unless a user's own files have changed.

    Args:
      name: one of `list_datasets()`, or `kind:path`.
      split: "train", "validation" or "test".
      folder: folder of the prepared set, `preparing.directory(name, data_dir)`.
      image_size: (height, width), a tuple, or None; see `load`.
      channels: 1, 3 or None; see `load`.
      limit: number of rows of a user's own set to read, the first ones, or None; a set of the zoo is read whole.

    Returns:
      x uint8 [N, H, W, C] or float32 [N, n], labels y [N] or None, latents z uint8 [N, n] or None, and x's levels.

    Raises:
      InvalidInput: images have several sizes and image_size is None; the split does not fit in memory; or files of a
        user's own set are damaged.
    """
    found = entry(name)
    size = size_of(name, found, image_size) if len(found.image_shape) == 3 else None
    return _read(name, found.version, split, folder, size, channels, limit if found.own else None)


def size_of(name: str, found: Set, image_size: tuple[int, int] | None) -> tuple[int, int]:
    """Returns (height, width) at which the images of a set are read; raises if they differ and no size is given."""
    if image_size is None and None in found.image_shape:
        seen = found.own.sizes if found.own else ()
        some = f"{len(seen)} sizes, from {_text(seen[0])} to {_text(seen[-1])}" if seen else "several sizes"
        raise InvalidInput(f"the images of '{name}' have {some}; give image_size=(height, width)")
    return image_size or found.image_shape[:2]


def _text(size):
    return "x".join(map(str, size))


@functools.cache
def _read(name, version, split, folder, image_size, channels, limit):
    """Reads a split of one version of a set."""
    del version  # a key of the cache: it changes with a user's files
    found = entry(name)
    if found.own:
        x, y, z, levels = _own(name, found, split, image_size, channels, limit)
    else:
        x, y, z, levels = _stored(name, found, split, folder, image_size)
        x = x if channels is None else _with_channels(x, channels)
    x.setflags(write=False)  # later calls share the array
    return x, None if found.num_classes is None else y, z, levels


def _own(name, found, split, image_size, channels, limit):
    """Reads a split of a user's own set."""
    from dgm_zoo.data.own import making

    rows, levels = _rows(name, found, split, image_size, channels, limit)
    making.check_memory(f"split '{split}' of '{name}'", making.memory(rows))
    return rows.in_memory(), rows.labels(), None, levels


def _stored(name, found, split, folder, image_size):
    """Reads a split that TFDS stores."""
    import numpy as np

    from dgm_zoo.data import blocks, stored

    xs, ys, zs, levels = [], [], [], found.levels
    for block in stored.blocks(name, folder, split=found.splits[split][0], batch_size=1000):
        x = block[found.feature]
        x = found.from_stored(x) if found.from_stored else x
        if len(found.image_shape) == 3:
            x, levels = blocks.resized(x, found.levels, image_size)
        xs.append(x)
        ys.append(block.get("label"))
        zs.append(block[found.latents].reshape(len(x), -1) if found.latents else None)
    y = None if found.num_classes is None else np.concatenate(ys)
    return np.concatenate(xs), y, np.concatenate(zs) if found.latents else None, levels


def _with_channels(x, channels):
    """Returns images with 3 channels (grey repeated) or 1 (colour made grey)."""
    import numpy as np

    if x.shape[-1] == channels:
        return x
    if channels == 3:
        return np.repeat(x, 3, axis=-1)
    grey = x @ np.array([[0.2989], [0.587], [0.114]], np.float32)
    return np.rint(grey).astype(np.uint8) if x.dtype == np.uint8 else grey
