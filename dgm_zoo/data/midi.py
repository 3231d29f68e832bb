"""Reads MIDI files as bars of a piano-roll."""

import itertools
import warnings
from pathlib import Path

import numpy as np

from dgm_zoo.data.facts import Music
from dgm_zoo.data.tracks import BAND, BEATS, FINEST, LOWEST_PITCH, PITCHES, Track
from dgm_zoo.errors import InvalidInput, unknown

SHORTEST = 2  # least length of an articulated note, in steps of `FINEST`


def read_midi(path: str | Path, tracks: tuple[Track, ...] = BAND, steps: int = FINEST,
              articulate: bool = True) -> np.ndarray:
    """Returns a MIDI file as bars of a piano-roll, bool `[bars, steps, 84, tracks]`.

    Time is counted in beats, so tempo changes do not matter. Starts and ends are rounded to the nearest step. A drum
    hit keeps only its first step. If an instrument strikes a pitch again while it sounds, the first note ends there.
    Notes outside C1 to B7, programs that belong to no track, and empty bars at the beginning and the end are left out.

    Args:
      path: the file, in 4/4; a missing time signature means 4/4.
      tracks: the tracks, each with the programs that belong to it.
      steps: time steps in a bar.
      articulate: MuseGAN's cleaning: notes shorter than 2 steps of 96 are dropped, and the last step of a note is left
        silent, so that a repeated note differs from a held one. False keeps each note's steps as they are.

    Raises:
      InvalidInput: the file cannot be read, has another time signature, or has no notes for the tracks.

    Example:
      >>> read_midi("song.mid", steps=16, articulate=False).shape
      (64, 16, 84, 5)

    Reference: Dong et al., MuseGAN, 2018, for the cleaning.
    """
    import pretty_midi

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about tempo events outside the first track, which are read all the same
            song = pretty_midi.PrettyMIDI(str(path))
    except FileNotFoundError:
        raise InvalidInput(f"there is no '{path}'; correct the path") from None
    except Exception as error:  # the parser may raise any exception
        reason = "it ends too early" if isinstance(error, EOFError) else f"{type(error).__name__}: {error}"
        raise InvalidInput(f"'{path}' cannot be read as a MIDI file ({reason}); correct or remove it") from None
    for signature in song.time_signature_changes:
        if (signature.numerator, signature.denominator) != (BEATS, 4):
            raise InvalidInput(
                f"'{path}' has the time signature {signature.numerator}/{signature.denominator}, but bars have four "
                "quarter notes; remove the file"
            )
    per_step = song.resolution * BEATS / steps
    parts = []
    for instrument in song.instruments:
        track = _track_of(instrument, tracks)
        if track is not None:
            notes = [
                (note.pitch - LOWEST_PITCH, *(round(song.time_to_tick(t) / per_step) for t in (note.start, note.end)))
                for note in instrument.notes
            ]
            parts.append((track, notes))
    x = rasterise(parts, tracks, steps, articulate)
    if not len(x):
        names = ", ".join(track.name for track in tracks)
        raise InvalidInput(f"'{path}' has no notes between C1 and B7 for the tracks {names}; remove the file")
    return x


def read_track(path: str | Path, music: Music, name: str, steps: int) -> np.ndarray:
    """Returns one track of a MIDI file, as a model of `steps` steps a bar is conditioned on it: `[bars, steps, 84]`.

    Args:
      path: the file; see `read_midi`.
      music: the axes of the data that the model was trained on.
      name: of the track, one of `music.tracks`.
      steps: steps of a bar, a number that divides `music.steps`.

    Raises:
      InvalidInput: as `read_midi`; the track is unknown, or has no note in the file.

    Example:
      >>> read_track("song.mid", data.info("freedoom_bands").music, "strings", 16).shape
      (64, 16, 84)
    """
    names = [track.name for track in music.tracks]
    if name not in names:
        raise unknown("track", name, names)
    rolls = read_midi(path, music.tracks, music.steps, articulate=music.steps == FINEST)
    rolls = np.asarray(rolls.reshape(len(rolls), steps, music.steps // steps, *rolls.shape[2:]).any(2))
    found = rolls[..., names.index(name)].astype("float32")
    if not found.any():
        others = ", ".join(other for i, other in enumerate(names) if rolls[..., i].any())
        raise InvalidInput(
            f"'{path}' has no note for the track '{name}', only for {others}; give --track to take one of these"
        )
    return found


def rasterise(parts: list, tracks: tuple[Track, ...], steps: int, articulate: bool) -> np.ndarray:
    """Returns notes as bars, bool `[bars, steps, 84, tracks]`, without empty bars at either end.

    Args:
      parts: a tuple (track, notes) for each instrument. Instruments of the same track are merged. A note is a tuple
        (pitch, start, end): the row of the roll, and steps from the beginning.
      tracks, steps, articulate: see `read_midi`.

    Example:
      >>> rasterise([(0, [(12, 0, 4)])], BAND, 16, articulate=False).sum()
      4
    """
    parts = [(track, sorted(note for note in notes if 0 <= note[0] < PITCHES)) for track, notes in parts]
    last = max((max(start + 1, end) for _, notes in parts for _, start, end in notes), default=0)
    bars = -(-last // steps)
    x = np.zeros((bars * steps, PITCHES, len(tracks)), bool)
    for track, notes in parts:
        pairs = itertools.zip_longest(notes, notes[1:], fillvalue=(None, 0, 0))
        for (pitch, start, end), (next_pitch, next_start, _) in pairs:
            if tracks[track].drum:
                x[start, pitch, track] = True
                continue
            if next_pitch == pitch:
                end = min(end, next_start)
            if not articulate or (end - start) * FINEST >= SHORTEST * steps:
                x[start : end - articulate, pitch, track] = True
    x = x.reshape(bars, steps, PITCHES, len(tracks))
    sounding = np.flatnonzero(x.any((1, 2, 3)))
    return x[sounding[0] : sounding[-1] + 1] if len(sounding) else x[:0]


def _track_of(instrument, tracks):
    """The index of the track that takes an instrument; None if none does."""
    for index, track in enumerate(tracks):
        if instrument.is_drum == track.drum and (track.drum or instrument.program in track.programs):
            return index
    return None
