"""Synthesises drums from noise bursts and falling sines, by General MIDI percussion key."""

import numpy as np

KICKS, SNARES, TOMS = (35, 36), (37, 38, 39, 40), (41, 43, 45, 47, 48, 50)
SHORT = (42, 44, 54, 69, 70, 80)  # closed hi-hats, tambourine, cabasa, maracas, mute triangle
CYMBALS = (46, 49, 51, 52, 53, 55, 57, 59)
LONGEST = 0.5  # duration of a hit, seconds


def hits(notes: list, rate: int) -> np.ndarray:
    """Returns the sound of drum notes, float `[samples]`, deterministically; a full hit has a peak of about 1.

    Args:
      notes: `pretty_midi.Note`s of a drum track.
      rate: samples per second.
    """
    length = round(LONGEST * rate)
    last = max((round(note.start * rate) for note in notes), default=0)
    sound = np.zeros(last + length)
    for note in notes:
        start = round(note.start * rate)
        sound[start : start + length] += note.velocity / 127 * _hit(note.pitch, length, rate)
    return sound


def _hit(pitch, length, rate):
    """One hit, float `[length]`."""
    time = np.arange(length) / rate
    noise = np.random.RandomState(pitch).uniform(-1, 1, length)
    if pitch in KICKS:
        return np.sin(2 * np.pi * (50 * time + 4 * (1 - np.exp(-30 * time)))) * np.exp(-12 * time)
    if pitch in TOMS:
        return np.sin(2 * np.pi * 20 * (pitch - 36) ** 0.75 * time) * np.exp(-10 * time)
    if pitch in SNARES:
        return noise * np.exp(-25 * time)
    bright = np.diff(noise, prepend=0) / 2  # attenuates low frequencies
    decay = 80 if pitch in SHORT else 8 if pitch in CYMBALS else 40
    return bright * np.exp(-decay * time)
