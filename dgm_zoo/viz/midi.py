"""From piano-rolls to MIDI files and to sound."""

import os
from typing import TYPE_CHECKING

import numpy as np

from dgm_zoo.data.tracks import BEATS, LOWEST_PITCH, Track
from dgm_zoo.errors import InvalidInput
from dgm_zoo.viz.percussion import hits

if TYPE_CHECKING:
    import pretty_midi

TEMPO = 120.0  # beats a minute
VELOCITY = 100
RESOLUTION = 480  # ticks of a beat, which whole numbers of steps fill for 4 to 96 steps of a bar
RATE = 22_050  # samples a second of a sound file


def to_midi(phrase: np.ndarray, tracks: tuple[Track, ...], tempo: float = TEMPO) -> "pretty_midi.PrettyMIDI":
    """Returns a `pretty_midi.PrettyMIDI` of a phrase: one instrument for each track, with its name and program.

    Consecutive steps of one pitch are one held note; a roll cannot tell it from a repeated one, unless the last step of
    every note is silent, as in sets of 96 steps. On a drum track, written to MIDI channel 10, every step is a hit.
    `dgm_zoo.data.midi.read_midi(path, tracks, steps, articulate=False)` reads the same roll back, but for empty bars at
    its ends.

    Args:
      phrase: zeros and ones, `[bars, steps, 84, tracks]`.
      tracks: the tracks of the last axis.
      tempo: beats a minute.

    Raises:
      InvalidInput: another shape, values that are not 0 and 1, or a tempo that is not positive.

    Example:
      >>> to_midi(x[0], data.info("freedoom_bands").music.tracks).write("phrase.mid")
    """
    import pretty_midi

    x = _checked(phrase, tracks)
    if not tempo > 0:
        raise InvalidInput(f"tempo={tempo!r} is not positive; give beats a minute, such as 120")
    seconds = 60 * BEATS / (tempo * x.shape[1])  # of a step
    song = pretty_midi.PrettyMIDI(resolution=RESOLUTION, initial_tempo=tempo)
    song.time_signature_changes.append(pretty_midi.TimeSignature(BEATS, 4, 0))
    for index, track in enumerate(tracks):
        instrument = pretty_midi.Instrument(track.program, is_drum=track.drum, name=track.name)
        for pitch, start, end in _notes(x[..., index].reshape(-1, x.shape[2]), track.drum):
            instrument.notes.append(
                pretty_midi.Note(VELOCITY, int(pitch) + LOWEST_PITCH, start * seconds, end * seconds)
            )
        song.instruments.append(instrument)
    return song


def save_midi(phrase: np.ndarray, tracks: tuple[Track, ...], path: str, tempo: float = TEMPO) -> None:
    """Writes a phrase as a MIDI file; see `to_midi`.

    Args:
      phrase, tracks, tempo: see `to_midi`.
      path: the file.

    Raises:
      InvalidInput: see `to_midi`.
    """
    song = to_midi(phrase, tracks, tempo)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    song.write(str(path))


def save_wav(phrase: np.ndarray, tracks: tuple[Track, ...], path: str, tempo: float = TEMPO) -> None:
    """Writes a phrase as a sound file, 16 bits, one channel: sines with two overtones, and percussion for drums.

    It is for hearing harmony and rhythm; every pitched instrument sounds the same.

    Args:
      phrase, tracks, tempo: see `to_midi`.
      path: the WAV file.

    Raises:
      InvalidInput: see `to_midi`.
    """
    from scipy.io import wavfile

    song, x = to_midi(phrase, tracks, tempo), np.asarray(phrase)
    sound = np.zeros(round((x.shape[0] * BEATS * 60 / tempo + 0.5) * RATE))  # half a second to die away in
    for instrument in song.instruments:
        # pretty_midi is silent on drums
        part = hits(instrument.notes, RATE) if instrument.is_drum else instrument.synthesize(RATE, wave=_wave)
        part = part[: len(sound)]
        sound[: len(part)] += part
    loudest = np.abs(sound).max()
    samples = np.round(sound / loudest * 0.9 * 32_767) if loudest > 0 else sound
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    wavfile.write(path, RATE, samples.astype(np.int16))


def _wave(phase):
    """A sine with two overtones, without which small loudspeakers are silent on a bass."""
    return np.sin(phase) + np.sin(2 * phase) / 2 + np.sin(3 * phase) / 4


def _notes(roll, drum):
    """(pitch, start, end) of the notes of one track `[time, pitches]`."""
    if drum:
        return [(pitch, start, start + 1) for start, pitch in np.argwhere(roll)]
    change = np.diff(roll.astype(np.int8), axis=0, prepend=0, append=0)
    starts, ends = (np.argwhere(change.T == sign) for sign in (1, -1))  # by pitch, then by time
    return [(pitch, start, end) for (pitch, start), (_, end) in zip(starts, ends, strict=True)]


def _checked(phrase, tracks):
    x = np.asarray(phrase)
    if x.ndim != 4 or not x.size or x.shape[-1] != len(tracks):
        raise InvalidInput(f"phrase has shape {list(x.shape)}; give [bars, steps, pitches, {len(tracks)}]")
    other = x[(x != 0) & (x != 1)]
    if len(other):
        raise InvalidInput(f"phrase holds {other[0]:g}; give zeros and ones, such as those above a threshold")
    return x.astype(bool)
