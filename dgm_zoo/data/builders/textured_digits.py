"""The `textured_digits` data set: MNIST's digits, cut out of one photograph and placed on another."""

import os
import pathlib
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from dgm_zoo.errors import InvalidInput

SIZES = {"train": 22_000, "test": 5_000}
SIDE = 28
EACH = 4  # every fourth photograph, in alphabetical order, is for the test split
CONTRAST = 50  # grey levels between digit and ground that make the digit visible
TRIES = 20  # pairs of patches to try before taking the one with the most contrast


class TexturedDigits(tfds.core.GeneratorBasedBuilder):
    """Digits of photographic texture on a ground of another, 28x28 pixels in colour, with the mask of each digit.

    The mask is where MNIST's pixel is above half grey. Digit and ground are patches of two photographs, drawn until
    their mean colours are 50 grey levels apart (root mean square over the channels), so that the digit can be seen. It
    may be darker or brighter, and either has the photograph's own edges and shades: a mask by the best threshold of
    brightness for all images has an intersection over union of 0.28 with the true one (first 2,000 of test), by the
    best for each image, which no one knows without the mask, 0.87.

    The splits are the first 22,000 and 5,000 examples of MNIST's own, in order. Every fourth photograph, in
    alphabetical order, serves the test split only. Draws for an example depend only on its split and
    number, by NumPy's legacy generator, whose streams are frozen.

    Source: after MNIST-M of Y. Ganin et al. (2016), Domain-adversarial training of neural networks, whose digits
    invert one patch.

    Args:
      mnist: folder of MNIST, as TFDS prepared it.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    A folder `textures` of at least 8 colour photographs, *.jpg. Those that this package's numbers are from are 29: the
    24 of the Kodak Lossless True Color Image Suite (r0k.us/graphics/kodak, kodim01 to kodim24, reduced to two thirds),
    and astronaut, chelsea, coffee, hubble_deep_field (reduced to one half) and rocket, the sample images that
    scikit-image ships (`skimage.data`).
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
                    "mask": tfds.features.Image(shape=(SIDE, SIDE, 1), dtype=np.uint8),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "mask"),
            disable_shuffling=True,  # the order of MNIST, which TFDS has shuffled
        )

    def _split_generators(self, dl_manager):
        found = photographs(dl_manager.manual_dir / "textures")
        return {split: self._generate_examples(split, found[split]) for split in SIZES}

    def _generate_examples(self, split, patched):
        digits = tfds.builder_from_directory(self.mnist).as_dataset(split=split, shuffle_files=False)
        for row, digit in enumerate(tfds.as_numpy(digits.take(SIZES[split]))):
            mask = (digit["image"] > 127).astype(np.uint8)
            rng = np.random.RandomState([list(SIZES).index(split), row])
            yield row, {"image": textured(mask, list(patched.values()), rng), "mask": mask, "label": digit["label"]}


def photographs(folder: pathlib.Path) -> dict[str, dict[str, np.ndarray]]:
    """Returns the photographs of each split, `{"train": {name: uint8 [H, W, 3]}, "test": ...}`; no name is in both.

    Raises:
      InvalidInput: the test split would have fewer than two photographs, or a photograph cannot be read or is smaller
        than a digit.
    """
    files = sorted(folder.glob("*.jpg"))
    if len(files) < 2 * EACH:
        raise InvalidInput(f"'{folder}' has {len(files)} photographs; give at least {2 * EACH}, as *.jpg")
    found = {"train": {}, "test": {}}
    for number, file in enumerate(files, 1):
        found["train" if number % EACH else "test"][file.name] = _read(file)
    return found


def _read(file):
    try:
        with Image.open(str(file)) as image:
            pixels = np.asarray(image.convert("RGB"))
    except OSError as error:
        raise InvalidInput(f"'{file}' cannot be read ({error}); give a photograph as JPEG") from None
    if min(pixels.shape[:2]) < SIDE:
        raise InvalidInput(f"'{file}' has {pixels.shape[1]}x{pixels.shape[0]} pixels; give at least {SIDE}x{SIDE}")
    return pixels


def textured(mask: np.ndarray, patched: list[np.ndarray], rng: np.random.RandomState) -> Any:
    """Returns one image: a patch of one photograph where `mask` is 1, a patch of another elsewhere.

    Args:
      mask: uint8 `[28, 28, 1]`, zeros and ones.
      patched: photographs to cut patches from, uint8 `[H, W, 3]` each.
      rng: a `np.random.RandomState`.

    Returns:
      uint8 `[28, 28, 3]`.
    """
    inside, most, best = mask[..., 0] > 0, -1.0, None
    for _ in range(TRIES):
        digit, ground = (cut(patched[i], rng) for i in rng.choice(len(patched), 2, replace=False))
        contrast = np.sqrt(np.mean((digit[inside].mean(0) - ground[~inside].mean(0)) ** 2))
        if contrast > most:
            most, best = contrast, np.where(mask, digit, ground)
        if most >= CONTRAST:
            break
    return best


def cut(photograph: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Returns a patch of a photograph, uint8 `[28, 28, 3]`, at a random position drawn from `rng`."""
    top, left = (rng.randint(side - SIDE + 1) for side in photograph.shape[:2])
    return photograph[top : top + SIDE, left : left + SIDE]
