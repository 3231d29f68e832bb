"""Storage of piano-roll sets: one record for each piece, with its bars in order and their bits packed."""

from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from dgm_zoo.data.sets import SETS
from dgm_zoo.data.tracks import PITCHES


class PackedBars(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base class of the music builders: a subclass returns each split's pieces from `pieces`.

    A row of `bars` is `np.packbits` of a bar's `[steps, 84, tracks]`, read in C order.
    """

    VERSION = tfds.core.Version("1.0.0")

    def pieces(self, dl_manager: Any) -> dict:
        """Returns, for each split, a list of pieces: uint8 arrays `[bars, bytes]`."""
        raise NotImplementedError(f"{type(self).__name__} must implement pieces(dl_manager)")

    def _info(self):
        music = SETS[self.name].music
        size = -(-music.steps * PITCHES * len(music.tracks) // 8)
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict(
                {"bars": tfds.features.Tensor(shape=(None, size), dtype=np.uint8, encoding="zlib")}
            ),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(pieces) for split, pieces in self.pieces(dl_manager).items()}

    def _generate_examples(self, pieces):
        for number, bars in enumerate(pieces):
            yield number, {"bars": bars}
