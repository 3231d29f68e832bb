"""The contents of a data set, found by reading it: for a user's own files, before a model is trained on them."""

import os
from typing import Any

from dgm_zoo.data import checks, own
from dgm_zoo.data.preparing import directory
from dgm_zoo.data.reading import open_split
from dgm_zoo.data.rows import Rows
from dgm_zoo.data.sets import entry
from dgm_zoo.errors import InvalidInput


def describe(
    name: str, image_size: tuple[int, int] | None = None, *, path: str | os.PathLike | None = None
) -> dict[str, Any]:
    """Reads all splits of a data set and returns what is in them.

    Args:
      name: one of `list_datasets()`, except music, or `kind:path` for your own data; see `load`.
      image_size: (height, width) to read images at; None for their own size, or, if it differs, the square of the
        shortest side.
      path: path of your own data, if name is the kind only.

    Returns:
      dict:
        name, source: the set's name, and where it comes from.
        shape: shape of one x as read.
        sizes: number of sizes of the images in the files.
        levels: number of grey levels of a pixel; None for points.
        splits: number of rows of each split.
        classes: dict of each class to its number of rows in each split; None without labels.
        unlabelled: number of rows without a label in each split; None without labels.
        range: the least and the largest stored value.
        megabytes: memory that the largest split would need.
        in_memory: whether each split fits in it; those that do not are read from their files in each epoch.
        problems: sentences on what would stop or mislead a training.

    Raises:
      InvalidInput: the set is unknown or not prepared, or a file is damaged.

    Example:
      >>> describe("digits")["range"]
      [0, 16]
    """
    import numpy as np

    from dgm_zoo.data.own import making

    name = own.full_name(name, path)
    found, problems = entry(name), []
    if found.music:
        raise InvalidInput(f"'{name}' is music, which is not described; give images, points or bits")
    size = None if image_size is None else checks.check_image_size(image_size)
    sizes = found.own.sizes if found.own else ()
    if size is None and len(sizes) > 1:
        size = (min(min(one) for one in sizes),) * 2
        problems.append(
            f"the images have {len(sizes)} sizes, from {sizes[0][0]}x{sizes[0][1]} to {sizes[-1][0]}x{sizes[-1][1]}: "
            f"image_size is required, for example ({size[0]}, {size[1]})"
        )
    xs, ys, ends = {}, {}, []
    for split in checks.SPLITS:
        x, ys[split], _, levels = open_split(name, split, directory(name), size)
        xs[split] = x if isinstance(x, Rows) else making.held(x, ys[split])
        ends += [(block.min(), block.max()) for block in xs[split].blocks()]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    needed = {split: making.memory(x) for split, x in xs.items()}
    classes = unlabelled = None
    if found.num_classes is not None:
        counts = {split: np.bincount(y[y >= 0], minlength=found.num_classes).tolist() for split, y in ys.items()}
        names = found.own.classes if found.own else [str(i) for i in range(found.num_classes)]
        classes = {one: {split: counts[split][i] for split in counts} for i, one in enumerate(names)}
        unlabelled = {split: int((y < 0).sum()) for split, y in ys.items()}
        problems += [f"class '{one}' has no row in train" for one, rows in classes.items() if not rows["train"]]
    elif found.own and found.own.classes:
        problems.append(f"it {found.unlabelled}")
    small = [one for one in sizes if size and (one[0] < size[0] or one[1] < size[1])]
    if small and size:
        problems.append(f"{len(small)} of {len(sizes)} sizes are smaller than {size[0]}x{size[1]} and are enlarged")
    if low == high:
        problems.append(f"every value is {low:g}")
    if levels is None and (low < 0 or high > 1):
        problems.append(
            "values lie outside [0, 1]: a likelihood of real values, such as IndependentNormal, suits them, and a "
            "scale near 1"
        )
    return {
        "name": name, "source": found.source, "shape": list(xs["train"].shape), "sizes": max(1, len(sizes)),
        "levels": levels, "splits": {split: len(x) for split, x in xs.items()}, "classes": classes,
        "unlabelled": unlabelled, "range": [low.item(), high.item()],
        "megabytes": max(needed.values()) / 1e6, "in_memory": {split: making.fits(x) for split, x in needed.items()},
        "problems": problems,
    }
