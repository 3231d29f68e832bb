"""The `emoji` data sets: the same emoji in two designs, Google's Noto and Twitter's Twemoji, 32x32 pixels."""

import pathlib

import numpy as np
import tensorflow_datasets as tfds

from dgm_zoo.data.builders.archives import check_grey_levels, read_arrays

ARCHIVE = pathlib.Path(__file__).parents[1] / "shipped" / "emoji_pairs.npz"  # its licences are in the same folder
SIDE = 32
ROWS = {"noto": 1_685, "twemoji": 1_675}  # of training and validation together
PAIRS = 426  # in the test split of both
HELD_OUT = 0.1  # share of the emoji, not counting skin tones, in the validation split


class Emoji(tfds.core.GeneratorBasedBuilder):
    """Emoji of one design on white, 32x32 pixels in colour, for translation without pairs.

    No emoji is in train or validation of both designs: a model that is trained on the two sees no pair. The test splits
    hold the same 426 emoji in the same order, so that there the true counterpart is known. The skin tones of an emoji
    are always in one split; which emoji validate is drawn once, by NumPy's legacy generator, whose streams are frozen.

    On the 426 pairs the mean absolute difference of the two designs is 42.9 grey levels, and the nearest image of
    Twemoji to one of Noto is its counterpart for 30.0 %: what a translation must improve.

    Source: the npm packages emoji-datasource-google and emoji-datasource-twitter 16.0.0; 64x64 pixels, composed on
    white, averaged over 2x2. Noto Emoji: Google, Apache 2.0. Twemoji: copyright 2020 Twitter, Inc and other
    contributors, CC BY 4.0.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ROWS]

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict({"image": tfds.features.Image(shape=(SIDE, SIDE, 3), dtype=np.uint8)}),
            homepage="https://github.com/iamcal/emoji-data",
            disable_shuffling=True,  # the test splits of the two designs keep one order
        )

    def _split_generators(self, dl_manager):
        name = self.builder_config.name
        rows = ROWS[name]
        images, pairs, base = (f"{name}_{part}" for part in ("images", "pairs", "base"))
        arrays = read_arrays(ARCHIVE, {images: (rows, SIDE, SIDE, 3), pairs: (PAIRS, SIDE, SIDE, 3), base: (rows,)})
        check_grey_levels(ARCHIVE, {key: arrays[key] for key in (images, pairs)})
        validates = held_out(arrays[base])
        return {
            "train": self._generate_examples(arrays[images][~validates]),
            "validation": self._generate_examples(arrays[images][validates]),
            "test": self._generate_examples(arrays[pairs]),
        }

    def _generate_examples(self, images):
        for row, image in enumerate(images):
            yield row, {"image": image}


def held_out(base: np.ndarray) -> np.ndarray:
    """Returns which rows are in the validation split, bool `[N]`: a tenth of the emoji, with all skin tones.

    Args:
      base: number of the emoji in each row, equal for all its skin tones, int `[N]`.

    Example:
      >>> base = np.repeat(np.arange(100), 2)
      >>> held_out(base).sum(), np.all(held_out(base)[::2] == held_out(base)[1::2])
      (20, True)
    """
    emoji = np.unique(base)
    drawn = np.random.RandomState(0).permutation(emoji)[: round(HELD_OUT * len(emoji))]
    return np.isin(base, drawn)
