"""A set of images that TensorFlow Datasets has prepared, with its own splits."""

import contextlib
import functools
import glob
import os
import re

import numpy as np
from PIL import Image

from dgm_zoo.data.checks import SPLITS
from dgm_zoo.data.facts import Set
from dgm_zoo.data.own import making
from dgm_zoo.data.own.folders import resized
from dgm_zoo.data.own.records import index
from dgm_zoo.data.rows import Rows
from dgm_zoo.data.stored import stored_files
from dgm_zoo.errors import InvalidInput


def place(path: str) -> str:
    """Returns the folder of a prepared set: `path` if it is one, else that of the newest version of that set.

    Raises:
      InvalidInput: no version is prepared.
    """
    from dgm_zoo.data.preparing import data_folder

    name, _, version = path.partition(":")
    sets = os.path.join(glob.escape(data_folder(None)), glob.escape(name), glob.escape(version) or "*")
    found = [path] if os.path.isdir(path) else glob.glob(sets)
    found = [one for one in found if os.path.isfile(os.path.join(one, "dataset_info.json"))]
    if not found:
        raise InvalidInput(
            f"'{path}' is not prepared in {data_folder(None)}; run 'tfds build {path} --data_dir={data_folder(None)}' "
            "once, or set TFDS_DATA_DIR"
        )
    return max(found, key=lambda one: [int(number) for number in re.findall(r"\d+", os.path.basename(one))])


def find(path: str, version: str) -> Set:
    """Returns the `Set` of a prepared set: its only image, and its label, or its only class label.

    The last tenth of train is validation, and the tenth before it is test, if the set has no such split.

    Raises:
      InvalidInput: the set has no image or several, or no split "train".
    """
    import tensorflow_datasets as tfds

    folder = place(path)
    with stored_files(f"tfds:{path}", folder):
        builder = tfds.builder_from_directory(folder)
        features, stored = builder.info.features, builder.info.splits
    images = [key for key, one in features.items() if isinstance(one, tfds.features.Image)]
    labels = [key for key, one in features.items() if isinstance(one, tfds.features.ClassLabel)]
    if len(images) != 1 or "train" not in stored:
        raise InvalidInput(
            f"'{path}' has the features {', '.join(features)} and the splits {', '.join(stored)}; choose one with "
            "one image and a split 'train'"
        )
    image, label = images[0], "label" if "label" in labels else labels[0] if len(labels) == 1 else None
    parts, left = {}, stored["train"].num_examples
    for split in SPLITS[1:]:
        rows = stored[split].num_examples if split in stored else max(1, stored["train"].num_examples // 10)
        parts[split] = (split if split in stored else f"train[{left - rows}:{left}]", rows)
        left -= 0 if split in stored else rows
    parts["train"] = (f"train[:{left}]", left)
    shape = features[image].shape
    indexed = functools.cache(index)

    def rows_of(split, image_size, limit):
        part, rows = parts[split]
        rows = rows if limit is None else min(limit, rows)
        wanted = (*(image_size or shape[:2]), shape[-1])
        images = _examples(path, builder, part, image, indexed)

        def take(numbers):
            x = np.empty((len(numbers), *wanted), np.uint8)
            for i, one in enumerate(images(numbers)):
                grey = one[..., 0] if shape[-1] == 1 else one
                x[i] = one if one.shape == wanted else resized(Image.fromarray(grey), wanted)
            return x

        @functools.cache
        def labels():
            if label is None:
                return np.full(rows, -1, np.int32)
            return np.fromiter(_examples(path, builder, part, label, indexed)(range(rows)), np.int32, rows)

        return Rows(rows, wanted, "uint8", take, labels)

    return making.made(
        path, version, shape, {split: rows for split, (_, rows) in parts.items()}, rows_of, levels=256, in_files=True,
        classes=tuple(features[label].names) if label else (),
    )


def _examples(path, builder, part, key, indexed):
    """Returns a function from row numbers of a split to an iterator over one feature of them; no other is decoded."""
    import tensorflow_datasets as tfds

    features = tfds.decode.PartialDecoding({key: True}).extract_features(builder.info.features)
    with stored_files(f"tfds:{path}", builder.data_path):
        records = _records(builder, part, indexed)

    def examples(numbers):
        left = records(numbers)
        while True:
            with stored_files(f"tfds:{path}", builder.data_path):
                record = next(left, None)
                if record is None:
                    return
                example = features.deserialize_example_np(record)[key]
            yield example

    return examples


def _records(builder, part, indexed):
    """Returns a function from row numbers of a split to an iterator over their records.

    Those of TFRecord files are found by an index of their places, which `indexed` makes for a file; other formats have
    their own.
    """
    if builder.info.file_format.value != "tfrecord":
        source = builder.as_data_source(split=part).data_source
        return lambda numbers: iter(source.__getitems__([int(number) for number in numbers]))
    files = [(one.filename, indexed(one.filename)[one.skip :][: one.take if one.take >= 0 else None])
             for one in builder.info.splits[part].file_instructions]
    ends = np.cumsum([len(places) for _, places in files])

    def records(numbers):
        with contextlib.ExitStack() as stack:
            stored = {}
            for number in numbers:
                at = int(np.searchsorted(ends, number, "right"))
                file, places = files[at]
                stored[at] = stored.get(at) or stack.enter_context(open(file, "rb"))
                start, length = places[number - ends[at]]  # counted from the end of this file's rows
                stored[at].seek(start)
                yield stored[at].read(length)

    return records
