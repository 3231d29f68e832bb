"""A set of images that TensorFlow Datasets has prepared, with its own splits."""

import glob
import itertools
import os
import re

import numpy as np
from PIL import Image

from dgm_zoo.data.checks import SPLITS
from dgm_zoo.data.facts import Set
from dgm_zoo.data.own import making
from dgm_zoo.data.own.folders import resized
from dgm_zoo.data.stored import blocks, stored_files
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
        info = tfds.builder_from_directory(folder).info
    features, stored = info.features, info.splits
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

    def read(split, image_size, limit):
        part, rows = parts[split]
        rows = rows if limit is None else min(limit, rows)
        x, y = np.empty((rows, *(image_size or shape[:2]), shape[-1]), np.uint8), np.full(rows, -1, np.int32)
        wanted = {key: True for key in (image, label) if key}
        decoders = tfds.decode.PartialDecoding(wanted)
        examples = blocks(f"tfds:{path}", folder, split=part, decoders=decoders)
        for i, example in enumerate(itertools.islice(examples, rows)):
            one = example[image]
            fits = one.shape == x.shape[1:]
            x[i] = one if fits else resized(Image.fromarray(one[..., 0] if shape[-1] == 1 else one), x.shape[1:])
            y[i] = example[label] if label else -1
        return x, y

    return making.made(
        path, version, shape, {split: rows for split, (_, rows) in parts.items()}, read, levels=256,
        classes=tuple(features[label].names) if label else (),
    )
