"""Reads the files of a prepared data set into arrays in memory."""

import functools

from dgm_zoo.data.sets import SETS


@functools.cache
def read_split(name: str, split: str, folder: str, image_size: tuple[int, int] | None) -> tuple:
    """Reads a split into memory; later calls return the same arrays.

    Args:
      name: one of `list_datasets()`.
      split: "train", "validation" or "test".
      folder: folder of the prepared set, `preparing.directory(name, data_dir)`.
      image_size: (height, width), a tuple, or None; see `load`.

    Returns:
      x uint8 [N, H, W, C] or float32 [N, 2], labels y [N] or None, latents z uint8 [N, n] or None, and x's levels.
    """
    import numpy as np
    import tensorflow_datasets as tfds

    from dgm_zoo.data import pipeline

    found = SETS[name]
    stored = tfds.builder_from_directory(folder).as_dataset(
        split=found.splits[split][0], batch_size=1000, shuffle_files=False
    )
    xs, ys, zs, levels = [], [], [], found.levels
    for block in tfds.as_numpy(stored):
        x = block[found.feature]
        x = found.from_stored(x) if found.from_stored else x
        if len(found.image_shape) == 3:
            x, levels = pipeline.resized(x, found.levels, image_size or found.image_shape[:2])
        xs.append(x)
        ys.append(block.get("label"))
        zs.append(block[found.latents].reshape(len(x), -1) if found.latents else None)
    x, y = np.concatenate(xs), None if found.num_classes is None else np.concatenate(ys)
    x.setflags(write=False)  # later calls share the array
    return x, y, np.concatenate(zs) if found.latents else None, levels
