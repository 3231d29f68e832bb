"""TFRecord files: `tf.train.Example`s with an encoded image each, and perhaps a label."""

import contextlib
import io
import os
import re

import numpy as np

from dgm_zoo.data.checks import SPLITS
from dgm_zoo.data.facts import Set
from dgm_zoo.data.own import files_in, making
from dgm_zoo.data.own.folders import fitted, header
from dgm_zoo.data.rows import Rows
from dgm_zoo.errors import InvalidInput

LENGTH, BEFORE, AFTER = 8, 12, 4  # bytes of a record's length, of that and its checksum, of the record's checksum
ENDING = re.compile(r"\.(tfrecords?|tfrec)(-\d+-of-\d+)?$")
WORDS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
         "test": "test", "testing": "test"}
ENCODED = b"\xff\xd8\xff", b"\x89PNG"  # how a JPEG and a PNG file begin
LABELS = ("label", "class", "target")


def find(path: str, version: str) -> Set:
    """Returns the `Set` of a TFRecord file, or of all that a folder holds.

    A word of a file's name, or of its subfolder's, says its split: `cats-train.tfrecord`, `val/00000.tfrecord`. If no
    file has one, all are training files; a split without a file is carved out of train by a hash of files' names and
    records' places. The image of a record is its only feature that holds a JPEG or PNG file, such as `image` or
    `image/encoded`; its label is the integer `label`, or the only integer whose name ends in label, class or target,
    such as `image/class/label`. Every record is read once for its image's size and its label. Images are cropped and
    averaged as those of a folder; they are grey if all are, else RGB.

    Raises:
      InvalidInput: there is no TFRecord file, one is damaged, all are empty, some names say a split and some do not,
        or a record has no image, several images or labels, or lacks what others have.
    """
    files = [path] if os.path.isfile(path) else [os.path.join(path, name) for name in files_in(path)
                                                 if ENDING.search(name)]
    if not files:
        raise InvalidInput(f"folder '{path}' has no TFRecord file; give one with files such as train.tfrecord")
    records = [(file, start, length) for file in files for start, length in _places(file)]
    if not records:
        raise InvalidInput(f"'{path}' has no record; write the examples anew")
    names = _features(records[0])
    headers, labels = [], np.full(len(records), -1, np.int64)
    for i, record in enumerate(records):
        image, label = _values(record, names)
        headers.append(header(io.BytesIO(image), _name(record, i)))
        labels[i] = -1 if label is None else label
    classes = making.numbered(path, int(labels.max())) if names[1] else ()
    sizes, labels = tuple(sorted({size for size, _ in headers})), labels.astype(np.int32)
    channels, rows = 1 if all(grey for _, grey in headers) else 3, _splits(path, records)

    def rows_of(split, image_size, limit):
        wanted, (height, width) = rows[split][:limit], image_size or sizes[0]
        shape = height, width, channels

        def take(numbers):
            x = np.empty((len(numbers), *shape), np.uint8)
            for i, number in enumerate(wanted[numbers]):
                image, _ = _values(records[number], names)
                x[i] = fitted(io.BytesIO(image), shape, _name(records[number], number))
            return x

        return Rows(len(wanted), shape, "uint8", take, lambda: labels[wanted])

    return making.made(
        path, version, (*(sizes[0] if len(sizes) == 1 else (None, None)), channels),
        {split: len(rows[split]) for split in SPLITS}, rows_of, levels=256, in_files=True, sizes=sizes,
        classes=classes,
    )


def index(file: str) -> np.ndarray:
    """Returns where each record of a TFRecord file begins, and its length, int64 `[n, 2]`; ValueError if it is cut."""
    found, start, size = [], 0, os.path.getsize(file)
    with open(file, "rb") as stored:
        while start < size:
            length = int.from_bytes(stored.read(LENGTH), "little")
            found.append((start + BEFORE, length))
            start += BEFORE + length + AFTER
            stored.seek(min(start, size))
    if start != size:
        raise ValueError(f"{os.path.basename(file)} is cut off")
    return np.array(found, np.int64).reshape(-1, 2)


def _splits(path, records):
    """Returns the rows of each split."""
    split_of, above = {}, path if os.path.isdir(path) else os.path.dirname(path)
    for file in dict.fromkeys(file for file, _, _ in records):
        said = [WORDS[word] for word in re.split(r"[^a-z]+", os.path.relpath(file, above).lower()) if word in WORDS]
        split_of[file] = said[0] if said else None
    if any(split_of.values()) and not all(split_of.values()):
        unsaid = next(file for file, split in split_of.items() if split is None)
        raise InvalidInput(f"'{unsaid}' does not say its split, as other files of '{path}' do; put 'train' in its name")
    found = {split: np.array([i for i, (file, _, _) in enumerate(records) if (split_of[file] or "train") == split], int)
             for split in SPLITS}
    keys = [f"{os.path.relpath(file, above)}:{start}" for file, start, _ in records]
    train = found["train"]
    parts = making.carved([keys[i] for i in train], [split for split in SPLITS[1:] if not len(found[split])])
    return {**found, **{split: train[part] for split, part in parts.items()}}


def _features(record):
    """Returns the names of the image and of the label, None without one, in a record."""
    features = _example(record)
    images = [name for name, one in features.items() if one.bytes_list.value[:1]
              and one.bytes_list.value[0].startswith(ENCODED)]
    labels = [name for name, one in features.items() if len(one.int64_list.value) == 1
              and name.rpartition("/")[2] in LABELS]
    labels = ["label"] if "label" in labels else labels
    if len(images) != 1 or len(labels) > 1:
        what = f"{len(images)} features with a JPEG or PNG file and {len(labels)} labels"
        raise InvalidInput(
            f"'{record[0]}' has {what} ({', '.join(sorted(features))}); write one image, and at most one label"
        )
    return images[0], labels[0] if labels else None


def _values(record, names):
    """Returns the image, bytes, and the label, or None, of a record."""
    features = _example(record)
    image, label = (features[name] if name in features else None for name in names)
    label = None if label is None else label.int64_list.value[:1]
    if image is None or not image.bytes_list.value or (names[1] and not (label and label[0] >= -1)):
        raise InvalidInput(
            f"'{record[0]}' has a record without {names[0]}{f' or {names[1]}' if names[1] else ''}; write the same "
            "features in all, a label of at least 0, or -1 for none"
        )
    return image.bytes_list.value[0], label and label[0]


def _example(record):
    """Returns the features of a record by name."""
    import tensorflow as tf

    file, start, length = record
    with _reading(file), open(file, "rb") as stored:
        stored.seek(start)
        return dict(tf.train.Example.FromString(stored.read(length)).features.feature)


def _places(file):
    with _reading(file):
        return index(file)


def _name(record, number):
    return f"{record[0]}, record {number}"


@contextlib.contextmanager
def _reading(file):
    """Turns what a damaged file raises into one sentence with its name."""
    try:
        yield
    except (InvalidInput, MemoryError):
        raise
    except Exception as error:  # protocol buffers raise a kind of their own
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        what = f"'{file}' cannot be read as a TFRecord file of tf.train.Example"
        raise InvalidInput(f"{what} ({reason}); write it anew") from None
