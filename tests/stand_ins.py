"""Small stand-ins for the files that some data sets are made of: MNIST as TFDS prepares it, and photographs."""

import numpy as np
import tensorflow_datasets as tfds
from exact_helmholtz import every
from PIL import Image

SIZES = {"train": 60, "test": 20}
COLOURS = every(3) * 190 + 32  # of the eight photographs, each of one


def write_digits(folder):
    """MNIST, as TFDS prepares it, of a few random blots."""
    rng = np.random.default_rng(0)
    blots = {split: 255 * (rng.random((n, 28, 28, 1)) < 0.3).astype("uint8") for split, n in SIZES.items()}
    tfds.dataset_builders.store_as_tfds_dataset(
        "mnist", "3.0.1", data_dir=folder, disable_shuffling=True,
        features=tfds.features.FeaturesDict(
            {"image": tfds.features.Image(shape=(28, 28, 1)), "label": tfds.features.ClassLabel(num_classes=10)}
        ),
        split_datasets={
            split: [(row, {"image": image, "label": row % 10}) for row, image in enumerate(parts)]
            for split, parts in blots.items()
        },
    )


def write_photographs(folder, colours=COLOURS, size=(40, 32)):
    (folder / "textures").mkdir(parents=True)
    for i, colour in enumerate(colours):
        picture = np.broadcast_to(np.uint8(colour), (*size, 3))
        Image.fromarray(picture).save(folder / "textures" / f"photograph_{i}.jpg", quality=95)
