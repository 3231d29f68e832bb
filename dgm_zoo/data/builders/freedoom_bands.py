"""The `freedoom_bands` data set: five-track band music that comes with this package, so it needs no network."""

from importlib import resources
from typing import Any

import numpy as np

from dgm_zoo.data.builders.packed_bars import PackedBars

KEYS = {"train": "train", "validation": "valid", "test": "test"}


class FreedoomBands(PackedBars):
    """The music of the game Freedoom as piano-rolls: 197 pieces, 16,374 bars of 4/4, 96 steps, 84 pitches, five tracks.

    The tracks are bass, drums, guitar, lead and strings, by General MIDI program. From all versions of the project's
    MIDI files: near copies merged, pieces in other signatures or off the beat left out, non-drum notes shorter than 2
    steps dropped, the last step of a note silent, drums as onsets. Similar pieces are in the same split.

    Source: the Freedoom project (github.com/freedoom/freedoom), BSD 3-clause; the licence lies beside the file.
    """

    def pieces(self, dl_manager: Any) -> dict:
        with resources.files("dgm_zoo.data").joinpath("shipped", "freedoom_bands.npz").open("rb") as file:
            arrays = np.load(file)
            return {split: np.split(arrays[key], arrays[f"{key}_offsets"][1:-1]) for split, key in KEYS.items()}
