"""The `jsb_chorales` data set: four-part chorales by J. S. Bach, read from a file that the user supplies."""

import zipfile
from typing import Any

import numpy as np

from dgm_zoo.data.builders.freedoom_bands import KEYS
from dgm_zoo.data.builders.packed_bars import PackedBars
from dgm_zoo.data.tracks import LOWEST_PITCH, PITCHES, VOICES
from dgm_zoo.errors import InvalidInput

STEPS = 16


class JsbChorales(PackedBars):
    """382 chorales by J. S. Bach in four voices, 16 steps to a bar of four beats, as piano-rolls of four tracks.

    A piece whose length is not a whole number of bars begins with an upbeat, as most of them do: these first steps are
    left out. A repeated note does not differ from a held one.

    Source: the sixteenth-note, voice-separated form of C.-Z. A. Huang et al. (2017), Counterpoint by Convolution, with
    the splits of N. Boulanger-Lewandowski, Y. Bengio and P. Vincent (2012).
    """

    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    jsb_chorales_16th.npz: for each of `train`, `valid` and `test` an int8 matrix [steps, 4] of MIDI pitches (soprano,
    alto, tenor, bass; -1 is a rest), all pieces one after another, and `..._offsets`, where each begins and the last
    ends. The GitHub repository czhuang/JSB-Chorales-dataset holds the same pieces as Jsb16thSeparated.npz.
    """

    def pieces(self, dl_manager: Any) -> dict:
        path = dl_manager.manual_dir / "jsb_chorales_16th.npz"
        try:
            with np.load(path) as file:
                pieces = {s: np.split(file[key], file[f"{key}_offsets"][1:-1]) for s, key in KEYS.items()}
        except (OSError, EOFError, TypeError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
            raise InvalidInput(
                f"'{path}' cannot be read ({error}); give an .npz file with train, valid, test and their offsets"
            ) from None
        return {split: [bars_of(piece) for piece in part] for split, part in pieces.items()}


def bars_of(piece: np.ndarray) -> np.ndarray:
    """Returns a chorale, MIDI pitches `[steps, 4]` with -1 for a rest, as packed bars, uint8 `[bars, bytes]`.

    Raises:
      InvalidInput: pitches outside C1 to B7, or another number of voices.
    """
    if piece.ndim != 2 or piece.shape[1] != len(VOICES):
        raise InvalidInput(f"a chorale has shape {list(piece.shape)}; give pitches [steps, {len(VOICES)}]")
    piece = piece[len(piece) % STEPS :].astype(int)
    rows = np.where(piece < 0, -1, piece - LOWEST_PITCH)
    if (rows[piece >= 0] < 0).any() or (rows >= PITCHES).any():
        raise InvalidInput(
            f"a chorale has pitches from {piece[piece >= 0].min()} to {piece.max()}; give MIDI pitches from "
            f"{LOWEST_PITCH} to {LOWEST_PITCH + PITCHES - 1}"
        )
    roll = rows[:, None, :] == np.arange(PITCHES)[:, None]
    return np.packbits(roll.reshape(len(piece) // STEPS, -1), axis=1)
