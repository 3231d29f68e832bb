"""The `pianoroll` data set: a user's own folder of MIDI files."""

import pathlib
from typing import Any

import numpy as np

from dgm_zoo.data.builders.packed_bars import PackedBars
from dgm_zoo.data.midi import read_midi
from dgm_zoo.errors import InvalidInput

SEED = 0  # of the split
HELD_OUT = 0.1  # share of the pieces in each of validation and test


class Pianoroll(PackedBars):
    """Your own MIDI files as piano-rolls of five tracks, 96 steps to a bar of 4/4; see `dgm_zoo.data.midi.read_midi`.

    Of the pieces, shuffled by a fixed seed, a tenth is validation and a tenth is test, at least one each. Files with
    the same bars count as one piece.
    """

    MANUAL_DOWNLOAD_INSTRUCTIONS = "A folder with MIDI files (.mid or .midi), which may lie in folders of their own."

    def pieces(self, dl_manager: Any) -> dict:
        folder = pathlib.Path(dl_manager.manual_dir)
        pieces, failures = [], []
        for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".mid", ".midi")):
            try:
                roll = read_midi(path)
                pieces.append(np.packbits(roll.reshape(len(roll), -1), axis=1))
            except InvalidInput as error:
                failures.append(str(error))
        if failures:
            others = {1: "", 2: " (and 1 more file has faults)"}
            more = f" (and {len(failures) - 1} more files have faults)"
            raise InvalidInput(failures[0] + others.get(len(failures), more))
        return divide(pieces)


def divide(pieces: list) -> dict:
    """Returns the pieces, without copies, as a dict of the lists `train`, `validation` and `test`.

    Raises:
      InvalidInput: there are fewer than three different pieces.
    """
    pieces = list({piece.tobytes(): piece for piece in pieces}.values())
    if len(pieces) < 3:
        raise InvalidInput(f"the folder has {len(pieces)} different pieces; give at least 3, one for each split")
    order = np.random.RandomState(SEED).permutation(len(pieces))
    held_out = max(1, round(HELD_OUT * len(pieces)))
    parts = zip(("validation", "test", "train"), np.split(order, [held_out, 2 * held_out]), strict=True)
    return {split: [pieces[i] for i in part] for split, part in parts}
