"""What the kinds of a user's own sets share: splits, classes, memory, and the `Set` that they make."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from dgm_zoo.data.checks import SPLITS
from dgm_zoo.data.facts import Own, Set
from dgm_zoo.data.rows import Rows
from dgm_zoo.errors import InvalidInput

HELD_OUT = 0.1  # share of the rows in each split that is carved out of the training rows
SHARE = 0.5  # of the machine's memory, above which a split is read from its files batch by batch
EXACT = 10  # rows of a split, up to which a tenth is a tenth: chance would make a small split too small
CLASSES = 2**16  # at most, of labels that are numbers
COPIES = 2  # of a split in memory: the array, and the pipeline's tensor


def order_of(keys: Sequence[str]) -> np.ndarray:
    """Returns the positions of `keys`, sorted by their hash: a random order that is the same on every machine."""
    return np.argsort(_hashes(keys), kind="stable")


def _hashes(keys):
    """Numbers in [0, 1), uniform over keys."""
    digests = (hashlib.sha256(os.fsencode(key)).digest() for key in keys)
    return np.fromiter((int.from_bytes(digest[:6], "big") / 2**48 for digest in digests), float)


def carved(keys: Iterable[str], wanted: Iterable[str]) -> dict[str, np.ndarray]:
    """Splits rows by a hash of their keys: about a tenth, at least one, for each split of `wanted`, the rest "train".

    A row stays in its split when rows are added. Of few rows a tenth is exact, up to `EXACT` rows in a split, so that a
    row may move.

    Args:
      keys: a name for each row, such as a file's relative name.
      wanted: "validation", "test", both or neither.

    Returns:
      dict of split to the numbers of its rows, in the order of `order_of`.

    Raises:
      InvalidInput: there are too few rows for one in each split.

    Example:
      >>> {split: len(rows) for split, rows in carved([f"{i}.png" for i in range(100)], ["validation", "test"]).items()}
      {'validation': 10, 'test': 10, 'train': 80}
    """
    wanted, hashes = list(wanted), _hashes(keys)
    order, rows = np.argsort(hashes, kind="stable"), len(hashes)
    least = max(1, min(int(HELD_OUT * rows), EXACT))
    if rows <= len(wanted):
        raise InvalidInput(f"{rows} rows do not fill the {len(wanted) + 1} splits; give at least one for each")
    ends, start, found = np.searchsorted(hashes[order], HELD_OUT * np.arange(1, len(wanted) + 1)), 0, {}
    for i, split in enumerate(wanted):
        end = int(np.clip(ends[i], start + least, rows - len(wanted) + i))
        found[split], start = order[start:end], end
    return {**found, "train": order[start:]}


def as_classes(labels: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns labels as int32 numbers of their sorted names, -1 for an empty one, and these names.

    Names that are all integers are sorted as numbers.

    Example:
      >>> as_classes(["cat", "", "ant"])
      (array([ 1, -1,  0], dtype=int32), ('ant', 'cat'))
    """
    names = sorted({label for label in labels if label})
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    number = {"": -1, **{name: i for i, name in enumerate(names)}}
    return np.array([number[label] for label in labels], np.int32), tuple(names)


def numbered(path: str, most: int) -> tuple[str, ...]:
    """Returns the names "0", "1", ... of classes that are numbered up to `most`.

    Raises:
      InvalidInput: there would be more than `CLASSES` of them.
    """
    if most >= CLASSES:
        raise InvalidInput(f"'{path}' has the label {most}, of more than {CLASSES:,} classes; number them from 0 on")
    return tuple(map(str, range(1 + most)))


def held(x: np.ndarray, y: np.ndarray | None) -> Rows:
    """Returns the `Rows` of arrays that are in memory already."""
    return Rows(len(x), x.shape[1:], x.dtype.name, lambda numbers: x[numbers], lambda: y)


def made(
    path: str, version: str, image_shape: tuple, counts: dict[str, int], rows: Callable, *, levels: int | None,
    in_files: bool = False, classes: tuple[str, ...] = (), sizes: tuple = (),
) -> Set:
    """Returns the `Set` of a user's own files.

    Args:
      path, rows, in_files, classes, sizes: see `Own`.
      version: digest of the files.
      image_shape, levels: see `Set`; height and width are None if the sizes of images differ.
      counts: dict of split to its number of rows.
    """
    only = f"has one class only, '{classes[0]}', where labels need two" if len(classes) == 1 else "has no labels"
    return Set(
        version=version,
        image_shape=image_shape,
        num_classes=len(classes) if len(classes) > 1 else None,
        splits={split: (split, counts[split]) for split in SPLITS},
        source=path,
        licence="yours",
        levels=levels,
        own=Own(path, rows, in_files, classes, sizes),
        unlabelled=only,
    )


def memory(rows: Rows) -> int:
    """Returns the bytes of memory that a split needs as an array, with the pipeline's copy of it."""
    return COPIES * rows.count * int(np.prod(rows.shape)) * np.dtype(rows.dtype).itemsize


def available() -> int | None:
    """Returns the bytes of memory of this machine that a split may take; None if the system does not say."""
    try:
        return int(SHARE * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def fits(needed: int) -> bool:
    """Returns whether this many bytes are at most the share `SHARE` of this machine's memory, if it is known."""
    free = available()
    return free is None or needed <= free


def check_memory(what: str, needed: int) -> None:
    """Raises `InvalidInput` if `needed` bytes are more than the share `SHARE` of this machine's memory.

    Example:
      >>> check_memory("split 'train' of 'folder:/data/cats'", 10**12)
      InvalidInput: split 'train' of 'folder:/data/cats' needs 1,000.0 GB, more than half of the memory ...
    """
    free = available()
    if free is not None and needed > free:
        raise InvalidInput(
            f"{what} needs {needed / 1e9:,.1f} GB, more than half of the memory here ({free / 1e9:,.1f} GB); give a "
            "smaller image_size, or limit"
        )
