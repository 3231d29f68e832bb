"""The `mnist_textures` data set: MNIST's digits blended with patches of photographs, in the manner of MNIST-M."""

import os
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from dgm_zoo.data.builders.textured_digits import SIDE, cut, photographs

SPLITS = ("train", "test")


class MnistTextures(tfds.core.GeneratorBasedBuilder):
    """Every digit of MNIST, blended with a patch of a photograph: 28x28 pixels in colour.

    A pixel is |patch - digit| in each channel, with MNIST's grey levels: ink inverts the photograph. The splits and
    their order are MNIST's own, so that row i of a split shows the digit in row i of the same split of `mnist`: a
    translation from one to the other can be compared with the truth. Every fourth photograph, in alphabetical order,
    serves the test split only. Draws for an example depend only on its split and number, by NumPy's legacy
    generator, whose streams are frozen.

    MNIST-M itself has patches of BSDS500 and 32x32 pixels: this set resembles it, and numbers on the two differ.

    Source: after Ganin et al. (2016), Domain-adversarial training of neural networks, section 5.2.4.

    Args:
      mnist: folder of MNIST, as TFDS prepared it.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    A folder `textures` of at least 8 colour photographs, *.jpg, of at least 28x28 pixels, such as those that
    `textured_digits` is made of.
    """

    def __init__(self, *, mnist: str | os.PathLike, **kwargs: Any) -> None:
        self.mnist = mnist
        super().__init__(**kwargs)

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(SIDE, SIDE, 3), dtype=np.uint8),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            disable_shuffling=True,  # the order of MNIST, which TFDS has shuffled
        )

    def _split_generators(self, dl_manager):
        found = photographs(dl_manager.manual_dir / "textures")
        return {split: self._generate_examples(split, list(found[split].values())) for split in SPLITS}

    def _generate_examples(self, split, patched):
        digits = tfds.builder_from_directory(self.mnist).as_dataset(split=split, shuffle_files=False)
        for row, digit in enumerate(tfds.as_numpy(digits)):
            rng = np.random.RandomState([SPLITS.index(split), row])
            patch = cut(patched[rng.randint(len(patched))], rng)
            yield row, {"image": blended(digit["image"], patch), "label": digit["label"]}


def blended(digit: np.ndarray, patch: np.ndarray) -> np.ndarray:
    """Returns |patch - digit| channel by channel, uint8 `[H, W, 3]`.

    Args:
      digit: uint8 `[H, W, 1]`.
      patch: uint8 `[H, W, 3]`.

    Example:
      >>> blended(np.uint8([[[255]]]), np.uint8([[[0, 100, 255]]])).tolist()
      [[[255, 155, 0]]]
    """
    return np.abs(patch.astype(np.int16) - digit).astype(np.uint8)
