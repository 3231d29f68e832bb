"""The `usps` data sets: handwritten digits from envelopes, in 16x16 pixels."""

import os

import numpy as np
import tensorflow_datasets as tfds

from dgm_zoo.data.builders.archives import check_grey_levels, read_arrays
from dgm_zoo.errors import InvalidInput

SIDE = 16
PER_CLASS = {
    "train": (1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644),
    "test": (359, 264, 198, 166, 200, 160, 170, 147, 166, 177),
}


class Usps(tfds.core.GeneratorBasedBuilder):
    """Digits of the United States Postal Service, white ink on black, 7,291 to train and 2,007 to test.

    `usps/16x16` is what is stored, the published pixels in the published order; `usps` is read from it and resized to
    28x28 pixels. The test part is known to be harder than the training part.

    Source: LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition; the files are those of
    Hastie, Tibshirani and Friedman, The Elements of Statistical Learning.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="16x16")]
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    usps.npz with the arrays train_images and test_images, uint8 [7291, 16, 16] and [2007, 16, 16] with white ink on
    black, and train_labels and test_labels, uint8. The originals, zip.train.gz and zip.test.gz, are on the page of The
    Elements of Statistical Learning; a value v from -1 to 1 there is the grey level round((v + 1) / 2 * 255).
    """

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(SIDE, SIDE, 1), dtype=np.uint8),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://hastie.su.domains/ElemStatLearn/",
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        parts = read(dl_manager.manual_dir / "usps.npz")
        return {split: self._generate_examples(*part) for split, part in parts.items()}

    def _generate_examples(self, images, labels):
        for row, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield row, {"image": image[..., None], "label": int(label)}


def read(path: str | os.PathLike) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns `{"train": (images uint8 [7291, 16, 16], labels uint8 [7291]), "test": ...}`.

    Raises:
      InvalidInput: the file cannot be read, does not have the published number of digits of each class, or its values
        are not grey levels.
    """
    counts = {split: sum(classes) for split, classes in PER_CLASS.items()}
    shapes = {f"{split}_images": (n, SIDE, SIDE) for split, n in counts.items()}
    arrays = read_arrays(path, shapes | {f"{split}_labels": (n,) for split, n in counts.items()})
    check_grey_levels(path, arrays)
    for split, wanted in PER_CLASS.items():
        found = np.bincount(arrays[f"{split}_labels"], minlength=10)
        if tuple(found) != wanted:
            raise InvalidInput(
                f"'{path}': {split}_labels has {found.tolist()} digits of each class, but the published set "
                f"{list(wanted)}; give the published one"
            )
    return {split: (arrays[f"{split}_images"], arrays[f"{split}_labels"]) for split in PER_CLASS}
