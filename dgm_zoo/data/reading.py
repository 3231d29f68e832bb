"""Reads the files of a data set into arrays in memory."""

import functools

from dgm_zoo.data.facts import Set
from dgm_zoo.data.sets import entry
from dgm_zoo.errors import InvalidInput


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
    x, y, z, levels = (_own if found.own else _stored)(name, found, split, folder, image_size, limit)
    if channels is not None:
        x = _with_channels(x, channels)
    x.setflags(write=False)  # later calls share the array
    return x, None if found.num_classes is None else y, z, levels


def _own(name, found, split, folder, image_size, limit):
    """Reads a split of a user's own set."""
    from dgm_zoo.data import pipeline
    from dgm_zoo.data.own import making

    rows = min(found.splits[split][1], limit or found.splits[split][1])
    shape = found.image_shape if image_size is None else (*image_size, found.image_shape[-1])
    making.check_memory(f"split '{split}' of '{name}'", making.memory(rows, shape, found.own.dtype))
    x, y = found.own.read(split, image_size, limit)
    x, levels = (x, found.levels) if image_size is None else pipeline.resized(x, found.levels, image_size)
    return x, y, None, levels


def _stored(name, found, split, folder, image_size, limit):
    """Reads a split that TFDS stores."""
    import numpy as np

    from dgm_zoo.data import pipeline, stored

    xs, ys, zs, levels = [], [], [], found.levels
    for block in stored.blocks(name, folder, split=found.splits[split][0], batch_size=1000):
        x = block[found.feature]
        x = found.from_stored(x) if found.from_stored else x
        if len(found.image_shape) == 3:
            x, levels = pipeline.resized(x, found.levels, image_size)
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
