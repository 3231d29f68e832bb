"""Helpers of the music commands: the tracks of a trained model, and the writing of a piece."""

import os
from typing import TYPE_CHECKING

from dgm_zoo.cli import source
from dgm_zoo.errors import unknown
from dgm_zoo.files import whole

if TYPE_CHECKING:
    import numpy as np

ENDINGS = (".mid", ".wav", ".png", ".npy")
PANELS = 4  # largest number of phrases in a picture


def tracks_of(trained: source.Source) -> tuple:
    """Returns the tracks of a model's training data, () if they are not music."""
    from dgm_zoo import data

    music = data.info(trained.config.data.name).music
    return () if music is None else music.tracks


def check_out(path: str) -> None:
    """Raises `InvalidInput` if an output path has no ending that `write` knows, or cannot be written."""
    ending = os.path.splitext(path)[1]
    if ending not in ENDINGS:
        raise unknown("ending of --out", ending or path, ENDINGS)
    source.check_file(path)


def write(path: str, piece: "np.ndarray", tracks: tuple, bars: int, tempo: float) -> None:
    """Writes a piece `[n, steps, pitches, tracks]` by the path's ending; see `check_out`.

    Args:
      path: the file.
      piece: zeros and ones.
      tracks: the tracks of the last axis.
      bars: number of bars in a phrase; a picture shows the first phrases side by side.
      tempo: beats per minute, for MIDI and sound.
    """
    import numpy as np

    from dgm_zoo import viz

    if path.endswith(".mid"):
        viz.save_midi(piece, tracks, path, tempo)
    elif path.endswith(".wav"):
        viz.save_wav(piece, tracks, path, tempo)
    elif path.endswith(".npy"):
        with whole(path) as partial:
            np.save(partial, piece)
    else:
        first = piece[: max(1, min(len(piece) // bars, PANELS)) * bars]
        bars = min(bars, len(piece))
        viz.save_pianoroll(first.reshape(-1, bars, *piece.shape[1:]), tracks, path)
