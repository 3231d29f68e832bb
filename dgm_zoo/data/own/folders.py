"""A folder of JPEG and PNG images: classes by subfolder or by `labels.csv`, splits by subfolder or carved."""

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import IO

import numpy as np
from PIL import Image, ImageOps

from dgm_zoo.data.checks import SPLITS
from dgm_zoo.data.facts import Set
from dgm_zoo.data.own import files_in, making, tables
from dgm_zoo.data.rows import Rows
from dgm_zoo.errors import InvalidInput, unknown

ENDINGS = (".jpg", ".jpeg", ".png")
LABELS = "labels.csv"
_ORIENTATION, _ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)  # the EXIF tag of a camera's orientation, and its quarter turns


def find(path: str, version: str) -> Set:
    """Returns the `Set` of a folder of images.

    If there is a subfolder `train`, the subfolders `train`, `validation` and `test` are the splits; one that is missing
    is carved out of `train` by a hash of the files' names, as are both without a subfolder `train`. Within that, the
    subfolders are the classes, sorted; images directly in the folder have none, unless a file `labels.csv` with the
    columns file and label, in the folder, names a class for each image (or none, by an empty label).

    Images are turned as their EXIF orientation says, transparent ones are laid on white; they are grey if all files
    are, else RGB.

    Raises:
      InvalidInput: the folder has no image, an unreadable one, images beside subfolders, or splits of other names.
    """
    names = [name for name in files_in(path) if name.lower().endswith(ENDINGS)]
    if not names:
        raise InvalidInput(f"folder '{path}' has no image; give one with files {', '.join(ENDINGS)}")
    names = [names[i] for i in making.order_of(names)]
    given = any(name.startswith("train/") for name in names)
    rows = _splits(path, names) if given else making.carved(names, ("validation", "test"))
    labels, classes = making.as_classes(_labels(path, names, given))
    with ThreadPoolExecutor() as pool:
        headers = list(pool.map(lambda name: header(os.path.join(path, name)), names))
    sizes = tuple(sorted({size for size, _ in headers}))
    channels = 1 if all(grey for _, grey in headers) else 3

    def rows_of(split, image_size, limit):
        wanted, (height, width) = rows[split][:limit], image_size or sizes[0]
        shape = height, width, channels

        def take(numbers):
            x = np.empty((len(numbers), *shape), np.uint8)

            def fill(i):
                x[i] = fitted(os.path.join(path, names[wanted[numbers[i]]]), shape)

            with ThreadPoolExecutor() as pool:
                list(pool.map(fill, range(len(numbers))))
            return x

        return Rows(len(wanted), shape, "uint8", take, lambda: labels[wanted])

    return making.made(
        path, version, (*(sizes[0] if len(sizes) == 1 else (None, None)), channels),
        {split: len(rows[split]) for split in SPLITS}, rows_of, levels=256, in_files=True, classes=classes, sizes=sizes,
    )


def _splits(path, names):
    """Returns the rows of each split that a subfolder names, those missing carved out of train."""
    tops = [name.partition("/")[0] for name in names]
    for top, name in zip(tops, names, strict=True):
        if top == name:
            raise InvalidInput(f"'{path}' has the image '{name}' beside its subfolder 'train'; move it into a split")
        if top not in SPLITS:
            raise unknown("split beside the subfolder 'train'", top, SPLITS)
    found = {split: np.array([i for i, top in enumerate(tops) if top == split], int) for split in SPLITS}
    train = found["train"]
    parts = making.carved([names[i] for i in train], [split for split in SPLITS if not len(found[split])])
    return {**found, **{split: train[part] for split, part in parts.items()}}


def _labels(path, names, given):
    """Returns the name of each image's class, "" for an image without one."""
    listed = os.path.join(path, LABELS)
    if os.path.isfile(listed):
        return _listed(listed, names)
    below = [name.partition("/")[2] if given else name for name in names]
    classes = [name.partition("/")[0] if "/" in name else "" for name in below]
    if any(classes) and not all(classes):
        raise InvalidInput(
            f"'{path}' has images both in subfolders and beside them ('{names[classes.index('')]}'); move each into "
            f"the subfolder of its class, or list all in {LABELS}"
        )
    return classes


def _listed(file, names):
    """Returns the labels of `labels.csv` for the images `names`."""
    header, lines = tables.read_table(file)
    if sorted(header) != ["file", "label"]:
        raise InvalidInput(f"'{file}' has the columns {', '.join(header)}; give it file and label")
    columns, found = [header.index(name) for name in ("file", "label")], {}
    known = set(names)
    for number, cells in lines:
        name, label = (cells[column].strip() for column in columns)
        if name not in known:
            raise InvalidInput(f"'{file}' names '{name}' in line {number}, which is not an image beside it; correct it")
        found[name] = label
    without = [name for name in names if name not in found]
    if without:
        raise InvalidInput(f"'{file}' has no line for '{without[0]}'; add one, with an empty label if it has no class")
    return [found[name] for name in names]


def header(file: str | IO, name: str | None = None) -> tuple[tuple[int, int], bool]:
    """Returns an image's size, (height, width), and whether it is grey, without decoding it; see `fitted`."""
    name = name or str(file)
    with _reading(name), Image.open(file) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE:
            width, height = height, width
        if image.mode[0] in "IF":
            raise InvalidInput(f"'{name}' has more than 8 bits in a pixel; save it with 8")
        return (height, width), image.mode in ("1", "L", "LA")


def fitted(file: str | IO, shape: tuple[int, int, int], name: str | None = None) -> np.ndarray:
    """Reads an image as uint8 of `shape` (height, width, channels): cropped about its centre, then averaged over areas.

    Args:
      file: its path, or a binary file object.
      shape: of the result.
      name: how errors name it; `file` if None.

    Raises:
      InvalidInput: the file is damaged, or not an image.
    """
    with _reading(name or str(file)), Image.open(file) as image:
        image = ImageOps.exif_transpose(image)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return resized(image.convert("L" if shape[-1] == 1 else "RGB"), shape)


def resized(image: Image.Image, shape: tuple[int, int, int]) -> np.ndarray:
    """Returns an image as uint8 of `shape`: the largest centred part of its aspect ratio, averaged over areas."""
    height, width, _ = shape
    scale = min(image.width / width, image.height / height)
    left, top = (image.width - scale * width) / 2, (image.height - scale * height) / 2
    if image.size != (width, height):
        box = left, top, left + scale * width, top + scale * height
        image = image.resize((width, height), Image.Resampling.BOX, box=box)
    return np.asarray(image).reshape(shape)


@contextlib.contextmanager
def _reading(file):
    """Turns what a damaged file raises, which may be any exception, into one sentence with its name.

    A file that the operating system refuses, such as for want of permission, may be whole, and is not called damaged.
    """
    try:
        yield
    except (InvalidInput, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise InvalidInput(
                f"'{file}' cannot be opened ({error.strerror}); correct its permissions, or check the disk"
            ) from None
        raise InvalidInput(f"'{file}' cannot be read as an image ({error}); replace or remove it") from None
