"""Plots piano-rolls: pitch against time, one panel per track."""

import numpy as np

from dgm_zoo.checks import real_array
from dgm_zoo.data.tracks import BEATS, LOWEST_PITCH, Track, check_tracks
from dgm_zoo.errors import InvalidInput
from dgm_zoo.viz.plots import _colours, _figure, _save, _style

OCTAVE = 12


def save_pianoroll(phrases: np.ndarray, tracks: tuple[Track, ...], path: str) -> None:
    """Saves a figure of phrases side by side, with the tracks of a phrase stacked.

    Lines mark bars, thin lines beats. The panels of a track show the octaves that it uses in any phrase.

    Args:
      phrases: `[n, bars, steps, 84, tracks]` in [0, 1]: bits, or probabilities, drawn as opacity.
      tracks: the tracks of the last axis.
      path: the PNG file.

    Raises:
      InvalidInput: the shape is wrong, the array is empty, or a value is outside [0, 1].

    Example:
      >>> save_pianoroll(model.sample(4, seed=0), data.info("freedoom_bands").music.tracks, "phrases.png")
    """
    check_tracks(tracks)
    x = real_array("phrases", phrases).astype(np.float32)
    if x.ndim != 5 or not x.size or x.shape[-1] != len(tracks):
        raise InvalidInput(
            f"phrases has shape {list(x.shape)}; give [n, bars, steps, pitches, {len(tracks)}] with at least one phrase"
        )
    if not (x.min() >= 0 and x.max() <= 1):
        raise InvalidInput(f"phrases has values from {x.min():g} to {x.max():g}; give values from 0 to 1")
    n, bars, steps, pitches, _ = x.shape
    ranges = [_octaves(x[..., index], pitches) for index in range(len(tracks))]
    heights = [0.35 + 0.32 * (high - low) / OCTAVE for low, high in ranges]

    with _style():
        figure = _figure(1.2 + (0.5 + 1.4 * bars) * n, 0.6 + sum(heights))
        panels = figure.subplots(len(tracks), n, squeeze=False, sharex=True, height_ratios=heights)
        for index, (track, (low, high), colour) in enumerate(zip(tracks, ranges, _colours(len(tracks)), strict=True)):
            for number, axes in enumerate(panels[index]):
                _draw(axes, x[number, :, :, low:high, index].reshape(bars * steps, -1).T, colour)
                axes.set_xticks(np.arange(bars) * steps - 0.5, [str(bar + 1) for bar in range(bars)])
                axes.set_xticks(np.arange(bars * BEATS) * steps / BEATS - 0.5, minor=True)
                places, names = _named(low, high)
                axes.set_yticks(places, names if number == 0 else [""] * len(names), fontsize=7)
                axes.set_axisbelow(True)
                axes.grid(axis="x", which="minor", color="0.85", linewidth=0.5)
                axes.grid(axis="x", which="major", color="0.3", linewidth=0.9)
                axes.tick_params(which="both", length=0)
                for octave in range(low, high, OCTAVE):
                    axes.axhline(octave - low - 0.5, color="0.85", linewidth=0.5, zorder=0.5)
            panels[index, 0].set_ylabel(track.name, fontsize=9)
        for number, axes in enumerate(panels[-1]):
            axes.set_xlabel("bar", fontsize=9)
            panels[0, number].set_title(f"phrase {number + 1}", fontsize=9)
        _save(figure, path)


def _octaves(x, pitches):
    """The first row, and one past the last row, of the octaves with notes; the middle octave if there are none."""
    used = np.flatnonzero(x.any((0, 1, 2)))
    low, high = (used[0], used[-1]) if len(used) else (pitches // 2, pitches // 2)
    return low // OCTAVE * OCTAVE, min(pitches, (high // OCTAVE + 1) * OCTAVE)


def _named(low, high):
    """The first row of each octave, and the name of its C; MIDI pitch 24 is C1."""
    rows = np.arange(low, high, OCTAVE)
    return rows - low, [f"C{(row + LOWEST_PITCH) // OCTAVE - 1}" for row in rows]


def _draw(axes, roll, colour):
    """Draws a roll `[pitches, time]` in the track's colour, above the grid lines, which would split held notes."""
    picture = np.concatenate([np.broadcast_to(colour, (*roll.shape, 3)), roll[..., None]], -1)
    axes.imshow(picture, origin="lower", aspect="auto", interpolation="nearest", zorder=3)
