"""MuseGAN's five measures of bars of music, by their published definitions.

Compare a value with that of real music, not with 0 or 100. Values measured with different numbers of steps per bar,
or with different chromas, are not comparable.

References: Dong et al., MuseGAN, 2018, section "Objective Metrics for Evaluation" (EB, UPC, QN, DP, TD). Harte, Sandler
  and Gasser, Detecting Harmonic Change in Musical Audio, 2006 (the tonal centroid).
"""

import itertools

import numpy as np

from dgm_zoo.checks import real_array
from dgm_zoo.data.tracks import BEATS, FINEST, Track, check_tracks
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.metrics.rows import bits

CHROMAS = ("folded", "v1")
QUALIFIED = 3  # least length of a qualified note, in steps of 96 per bar
NEXT_TO = 0.3  # weight of a drum hit one step beside a sixteenth
SIXTEENTHS = 16  # of a bar
RADII = (1.0, 1.0, 0.5)  # of the circles of fifths, minor thirds and major thirds


def empty_bars(bars: np.ndarray) -> np.ndarray:
    """EB: whether each bar is empty, bool `[n]`.

    Args:
      bars: zeros and ones of one track, `[n, steps, pitches]`.
    """
    return ~np.any(bars, (1, 2))


def pitch_classes(bars: np.ndarray, chroma: str = "folded") -> np.ndarray:
    """UPC: number of pitch classes that each bar uses, 0 to 12, int `[n]`.

    Args:
      bars: zeros and ones of one track, `[n, steps, pitches]`.
      chroma: see `chroma_of`.

    Raises:
      InvalidInput: an unknown chroma, or pitches that are not whole octaves.

    Example:
      >>> c_major = np.zeros((1, 16, 84)); c_major[:, :, [0, 4, 7, 12]] = 1
      >>> pitch_classes(c_major)
      array([3])
    """
    return (chroma_of(bars, chroma).sum(1) > 0).sum(-1)


def qualified_notes(bars: np.ndarray) -> np.ndarray:
    """QN: share of each bar's notes that are not too short, float `[n]`; NaN for an empty bar.

    A note is a run of steps of one pitch within the bar. It qualifies if it lasts at least 3 steps of 96 per bar,
    a thirty-second note; with fewer steps per bar, if it lasts at least as long, and at least 2 steps. Many short notes
    mean fragmented music.

    Args:
      bars: zeros and ones of one track, `[n, steps, pitches]`.
    """
    least = _qualified_steps(np.shape(bars)[1])
    notes, long_ones = begun(bars, 1).sum((1, 2)), begun(bars, least).sum((1, 2))
    return _share(long_ones, notes)


def drum_patterns(bars: np.ndarray) -> np.ndarray:
    """DP: share of each bar's drum hits that lie on sixteenths, float `[n]`; NaN for an empty bar.

    A hit, the first step of a run, counts 1 on a sixteenth, 0.3 one step beside it, and otherwise 0. The grid may
    shift by whole steps; the best shift counts, as in the authors' code.

    Args:
      bars: zeros and ones of a drum track, `[n, steps, pitches]`; steps a multiple of 16 and at least 32.

    Raises:
      InvalidInput: so few steps per bar that every hit lies on a sixteenth.
    """
    steps = np.shape(bars)[1]
    period = steps // SIXTEENTHS
    if steps % SIXTEENTHS or period < 2:
        raise InvalidInput(
            f"bars of {steps} steps cannot show whether drum hits lie on sixteenths; give 32 steps or another larger "
            "multiple of 16"
        )
    weight = np.zeros(period)
    weight[[1, -1]], weight[0] = NEXT_TO, 1.0
    hits = begun(bars, 1).sum(2).reshape(len(bars), SIXTEENTHS, period).sum(1)
    best = np.max([hits @ np.roll(weight, shift) for shift in range(period)], 0)
    return _share(best, hits.sum(1))


def tonal_distances(a: np.ndarray, b: np.ndarray, chroma: str = "folded") -> np.ndarray:
    """TD: mean over beats of the distance of two tracks' tonal centroids, float `[n]`.

    NaN if one of the tracks is silent for a whole beat: such a bar does not count.

    Args:
      a, b: zeros and ones of one track each, `[n, steps, pitches]`.
      chroma: see `chroma_of`.

    Raises:
      InvalidInput: an unknown chroma, or pitches that are not whole octaves.
    """
    first, second = (tonal_centroids(chroma_of(bars, chroma)) for bars in (a, b))
    return np.linalg.norm(first - second, axis=-1).mean(1)


def chroma_of(bars: np.ndarray, chroma: str = "folded") -> np.ndarray:
    """Number of sounding steps of each pitch class in each beat, `[n, 4, 12]`.

    Args:
      bars: zeros and ones of one track, `[n, steps, pitches]`; pitches whole octaves from C on, steps whole beats.
      chroma: "folded" adds up the octaves. "v1" is the chroma of MuseGAN's released code, twelve groups of
        neighbouring pitches, with which the published UPC and TD were very likely measured: use it only to compare
        with those numbers.

    Raises:
      InvalidInput: an unknown chroma, or pitches that are not whole octaves.
    """
    n, steps, pitches = np.shape(bars)
    if pitches % 12 or steps % BEATS:
        raise InvalidInput(
            f"bars of {steps} steps and {pitches} pitches do not divide into beats and octaves; give a multiple of "
            f"{BEATS} steps and of 12 pitches"
        )
    check_known("chroma", chroma, CHROMAS)
    beats = np.asarray(bars, np.float64).reshape(n, BEATS, steps // BEATS, pitches).sum(2)
    if chroma == "v1":
        return beats.reshape(n, BEATS, 12, pitches // 12).sum(3)
    return beats.reshape(n, BEATS, pitches // 12, 12).sum(2)


def tonal_centroids(chroma: np.ndarray) -> np.ndarray:
    """The tonal centroid of Harte et al., Eq. 1, of each chroma `[..., 12]`: `[..., 6]`, NaN for silence."""
    angles = np.pi * np.arange(12) * np.array([[7 / 6], [3 / 2], [2 / 3]])
    basis = np.stack([np.sin(angles), np.cos(angles)], 1) * np.array(RADII)[:, None, None]
    total = chroma.sum(-1, keepdims=True)
    weights = np.divide(chroma, total, out=np.full_like(chroma, np.nan, dtype=float), where=total > 0)
    return weights @ basis.reshape(6, 12).T


def music_quality(phrases: np.ndarray, tracks: tuple[Track, ...], chroma: str = "folded") -> dict:
    """MuseGAN's measures of each track and each pair of tracks, with their uncertainty.

    Drums have EB and DP, the other tracks EB, UPC and QN, and each pair of non-drum tracks TD. DP needs at least 32
    steps per bar and is left out with fewer. Except in EB, bars in which the track is empty do not count;
    in TD, bars in which one of the two tracks is silent for a beat do not count. A measure is None if no bar counts.

    Args:
      phrases: zeros and ones, `[n, bars, steps, pitches, tracks]`.
      tracks: the tracks of the last axis, such as `data.info(name).music.tracks`.
      chroma: "folded", or "v1" to compare with the published tables; see `chroma_of`.

    Returns:
      dict of `EB`, `UPC`, `QN`, `DP` (dicts of track name) and `TD` (of "name-name") to a dict of `value` (EB, QN and
      DP in per cent), `stderr` over bars, and `bars`, the number of bars counted; and `protocol`.

    Raises:
      InvalidInput: the phrases have another shape or values other than 0 and 1, or the chroma is unknown.

    Example:
      >>> music_quality(model.sample(500, seed=0), data.info("freedoom_bands").music.tracks)["TD"]["bass-guitar"]
    """
    x = checked_phrases(phrases, tracks)
    check_known("chroma", chroma, CHROMAS)
    x, steps = x.reshape(-1, *x.shape[2:]), x.shape[2]
    result = {"EB": {}, "UPC": {}, "QN": {}, "DP": {}, "TD": {}}
    for index, track in enumerate(tracks):
        bars = x[..., index]
        empty = empty_bars(bars)
        result["EB"][track.name] = _mean(100.0 * empty)
        if not track.drum:
            result["UPC"][track.name] = _mean(np.where(empty, np.nan, pitch_classes(bars, chroma)))
            result["QN"][track.name] = _mean(100 * qualified_notes(bars))
        elif steps > SIXTEENTHS and steps % SIXTEENTHS == 0:
            result["DP"][track.name] = _mean(100 * drum_patterns(bars))
    pitched = [index for index, track in enumerate(tracks) if not track.drum]
    for i, j in itertools.combinations(pitched, 2):
        result["TD"][f"{tracks[i].name}-{tracks[j].name}"] = _mean(tonal_distances(x[..., i], x[..., j], chroma))
    result["protocol"] = (
        f"mean and standard error over {len(x):,} bars of {steps} steps, {chroma} chroma, notes of at least "
        f"{_qualified_steps(steps)} steps qualified; empty bars count in EB only"
    )
    return result


def _qualified_steps(steps):
    return max(2, -(-QUALIFIED * steps // FINEST))


def begun(bars: np.ndarray, least: int) -> np.ndarray:
    """Whether a run of at least `least` steps of one pitch begins at each step of a bar: bool `[n, steps, pitches]`.

    Args:
      bars: zeros and ones of one track, `[n, steps, pitches]`.
      least: at least 1; with 1, every note's first step.
    """
    x = np.pad(np.asarray(bars, bool), ((0, 0), (1, least), (0, 0)))
    steps = np.shape(bars)[1]
    begins = x[:, 1 : steps + 1] & ~x[:, :steps]
    for later in range(1, least):
        begins &= x[:, 1 + later : steps + 1 + later]
    return begins


def _share(part, whole):
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _mean(values):
    """The mean of the values that are not NaN, with its standard error."""
    values = values[~np.isnan(values)]
    if not len(values):
        return {"value": None, "stderr": None, "bars": 0}
    stderr = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {"value": float(values.mean()), "stderr": stderr, "bars": len(values)}


def checked_phrases(phrases: np.ndarray, tracks: tuple[Track, ...]) -> np.ndarray:
    """Returns phrases as bools, `[n, bars, steps, pitches, tracks]`.

    Raises:
      InvalidInput: the phrases have another shape, no bar, or values other than 0 and 1.
    """
    check_tracks(tracks)
    x = real_array("phrases", phrases)
    if x.ndim != 5 or not x.size or x.shape[-1] != len(tracks):
        raise InvalidInput(
            f"phrases has shape {list(x.shape)}; give [n, bars, steps, pitches, {len(tracks)}] with at least one bar"
        )
    return bits("phrases", x)
