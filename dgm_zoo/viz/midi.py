"""Writes piano-rolls as MIDI files and as sound files."""

import numbers
from typing import TYPE_CHECKING

import numpy as np

from dgm_zoo.checks import real_array, shown
from dgm_zoo.data.tracks import BEATS, LOWEST_PITCH, Track, check_tracks
from dgm_zoo.errors import InvalidInput
from dgm_zoo.files import whole
from dgm_zoo.viz.percussion import hits

if TYPE_CHECKING:
    import pretty_midi

TEMPO = 120.0  # beats per minute
SLOWEST = 4  # beats per minute: a MIDI file states at most 16.8 seconds per beat
VELOCITY = 100
HIGHEST_PITCH = 127  # of MIDI
RESOLUTION = 480  # ticks per beat, a whole number of ticks per step for 4 to 96 steps per bar
RATE = 22_050  # samples per second of a sound file


def to_midi(phrase: np.ndarray, tracks: tuple[Track, ...], tempo: float = TEMPO) -> "pretty_midi.PrettyMIDI":
    """Returns a `pretty_midi.PrettyMIDI` of a phrase: one instrument per track, with the track's name and program.

    Consecutive steps of one pitch become one held note; a roll does not distinguish held from repeated notes, unless
    the last step of every note is silent, as in data sets with 96 steps. On a drum track, written to MIDI channel 10,
    every step is a hit. `dgm_zoo.data.midi.read_midi(path, tracks, steps, articulate=False)` reads the same roll back,
    except for empty bars at its ends.

    Args:
      phrase: zeros and ones, `[bars, steps, 84, tracks]`.
      tracks: the tracks of the last axis.
      tempo: beats per minute.

    Raises:
      InvalidInput: the shape is wrong, pitches are out of MIDI's range, a value is neither 0 nor 1, or the tempo is not
        positive.

    Example:
      >>> to_midi(x[0], data.info("freedoom_bands").music.tracks).write("phrase.mid")
    """
    import pretty_midi

    x = _checked(phrase, tracks)
    if isinstance(tempo, bool) or not isinstance(tempo, numbers.Real) or not SLOWEST <= tempo <= 10_000:
        raise InvalidInput(f"tempo={shown(tempo)}; give {SLOWEST} to 10,000 beats per minute, such as 120")
    seconds = 60 * BEATS / (tempo * x.shape[1])  # per step
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
    with whole(path) as partial:
        song.write(str(partial))


def save_wav(phrase: np.ndarray, tracks: tuple[Track, ...], path: str, tempo: float = TEMPO) -> None:
    """Writes a phrase as a mono 16-bit WAV file: sines with two overtones, and percussion for drums.

    The file conveys harmony and rhythm only; all pitched instruments sound the same.

    Args:
      phrase, tracks, tempo: see `to_midi`.
      path: the WAV file.

    Raises:
      InvalidInput: see `to_midi`.
    """
    from scipy.io import wavfile

    song, x = to_midi(phrase, tracks, tempo), np.asarray(phrase)
    sound = np.zeros(round((x.shape[0] * BEATS * 60 / tempo + 0.5) * RATE))  # plus half a second of decay
    for instrument in song.instruments:
        # pretty_midi does not synthesise drums
        part = hits(instrument.notes, RATE) if instrument.is_drum else instrument.synthesize(RATE, wave=_wave)
        part = part[: len(sound)]
        sound[: len(part)] += part
    loudest = np.abs(sound).max()
    samples = np.round(sound / loudest * 0.9 * 32_767) if loudest > 0 else sound
    with whole(path) as partial:
        wavfile.write(partial, RATE, samples.astype(np.int16))


def _wave(phase):
    """A sine with two overtones, so that bass notes are audible on small loudspeakers."""
    return np.sin(phase) + np.sin(2 * phase) / 2 + np.sin(3 * phase) / 4


def _notes(roll, drum):
    """Returns (pitch, start, end) of the notes of one track `[time, pitches]`."""
    if drum:
        return [(pitch, start, start + 1) for start, pitch in np.argwhere(roll)]
    change = np.diff(roll.astype(np.int8), axis=0, prepend=0, append=0)
    starts, ends = (np.argwhere(change.T == sign) for sign in (1, -1))  # by pitch, then by time
    return [(pitch, start, end) for (pitch, start), (_, end) in zip(starts, ends, strict=True)]


def _checked(phrase, tracks):
    check_tracks(tracks)
    x = real_array("phrase", phrase)
    if x.ndim != 4 or not x.size or x.shape[-1] != len(tracks):
        raise InvalidInput(f"phrase has shape {list(x.shape)}; give [bars, steps, pitches, {len(tracks)}]")
    if x.shape[2] > HIGHEST_PITCH - LOWEST_PITCH + 1:
        raise InvalidInput(
            f"phrase has {x.shape[2]} pitches from MIDI {LOWEST_PITCH} on, but MIDI ends at {HIGHEST_PITCH}; give at "
            f"most {HIGHEST_PITCH - LOWEST_PITCH + 1}, such as 84"
        )
    other = x[(x != 0) & (x != 1)]
    if len(other):
        raise InvalidInput(f"phrase holds {other[0]:g}; give zeros and ones, such as those above a threshold")
    return x.astype(bool)
