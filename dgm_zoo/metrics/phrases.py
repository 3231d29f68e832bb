"""Phrases of music compared as sets: features for a Fréchet distance, nearest neighbours, and shuffled tracks."""

import math

import numpy as np

from dgm_zoo.checks import check_seed, real_array
from dgm_zoo.data.tracks import Track
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.music import SIXTEENTHS, begun, checked_phrases
from dgm_zoo.metrics.rows import bits, flat_rows

BLOCK = 256  # phrases of the set in one product of `nearest`
OCTAVE = 12


def phrase_features(phrases: np.ndarray, tracks: tuple[Track, ...]) -> np.ndarray:
    """Features of phrases for a Fréchet distance: of each track its rhythm, its pitches and its repetition.

    Of each track: the mean number of notes that begin in each sixteenth of a bar, 16 values; the mean number of
    sounding pitches per step in each octave, 7 values for 84 pitches; for a track that is not drums, that in each pitch
    class, 12 values; the share of empty bars; and the mean Jaccard similarity of neighbouring bars, 0 for empty ones.

    Args:
      phrases: zeros and ones, `[n, bars, steps, pitches, tracks]`, of whole octaves. If steps and sixteenths do not
        divide, notes are counted on the finest grid that both divide into.
      tracks: see `music_quality`.

    Returns:
      float64 `[n, features]`.

    Raises:
      InvalidInput: the phrases have another shape values other than 0 and 1, or not whole octaves.

    Example:
      >>> features = phrase_features(phrases, data.info("freedoom_bands").music.tracks)   # [n, 173]
      >>> metrics.frechet_distance(features[:500], features[500:])["value"]
    """
    x = checked_phrases(phrases, tracks)
    n, bars, steps, pitches = x.shape[:-1]
    if pitches % OCTAVE:
        raise InvalidInput(f"phrases of {pitches} pitches do not divide into octaves; give a multiple of {OCTAVE}")
    grid, found = math.gcd(steps, SIXTEENTHS), []
    for index, track in enumerate(tracks):
        one = x[..., index]
        flat = one.reshape(n, bars, -1)
        notes = begun(one.reshape(-1, steps, pitches), 1).sum(-1)  # that begin in each step
        by_pitch = one.mean((1, 2)).reshape(n, -1, OCTAVE)
        both, either = (flat[:, 1:] & flat[:, :-1]).sum(-1), (flat[:, 1:] | flat[:, :-1]).sum(-1)
        found += [
            notes.reshape(n, bars, grid, -1).sum(-1).mean(1),
            by_pitch.sum(2),
            *([] if track.drum else [by_pitch.sum(1)]),
            (~flat.any(-1)).mean(1)[:, None],
            (both / np.maximum(either, 1)).sum(1)[:, None] / max(bars - 1, 1),
        ]
    return np.concatenate(found, 1)


def nearest_distances(x: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Jaccard distance, 1 - |both| / |either|, of each phrase to its nearest in a set: float `[n]`, 0 for a copy.

    Args:
      x: zeros and ones, `[n, ...]`.
      others: the set, `np.packbits` of each flattened phrase: uint8 `[m, bytes]`.

    Raises:
      InvalidInput: an array is empty, x holds other values, or the phrases of the two have other lengths.

    Example:
      >>> nearest_distances(np.array([[1, 1, 0, 0]]), np.packbits([[0, 1, 1, 0], [0, 0, 0, 1]], 1))
      array([0.66666667])
    """
    if np.ndim(real_array("x", x)) < 2:
        raise InvalidInput(f"x has shape {list(np.shape(x))}; give phrases, [n, ...]")
    x, others = bits("x", flat_rows("x", x)).astype(np.float32), real_array("others", others)
    if others.dtype != np.uint8 or others.ndim != 2 or not others.size or others.shape[1] != -(-x.shape[1] // 8):
        raise InvalidInput(
            f"others is {others.dtype} of shape {list(others.shape)}, but x has {x.shape[1]} values per phrase; give "
            f"uint8 [m, {-(-x.shape[1] // 8)}], np.packbits of each flattened phrase"
        )
    best = np.ones(len(x))
    for start in range(0, len(others), BLOCK):
        other = np.unpackbits(others[start : start + BLOCK], 1, x.shape[1]).astype(np.float32)
        both = x @ other.T
        either = x.sum(1)[:, None] + other.sum(1) - both
        best = np.minimum(best, 1 - np.max(both / np.maximum(either, 1), 1))
    return best


def shuffled_tracks(phrases: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same bars, each track in a random order of its own: tracks that do not belong together.

    Args:
      phrases: zeros and ones, `[n, bars, steps, pitches, tracks]`.
      seed: int32.

    Raises:
      InvalidInput: the phrases have another shape or other values, or the seed is not an int32.

    Example:
      >>> together = music_quality(phrases, tracks)["TD"]
      >>> apart = music_quality(shuffled_tracks(phrases), tracks)["TD"]   # larger
    """
    x = real_array("phrases", phrases)
    if x.ndim != 5 or not x.size:
        raise InvalidInput(f"phrases has shape {list(x.shape)}; give [n, bars, steps, pitches, tracks]")
    bits("phrases", x)
    rng, bars = np.random.default_rng(check_seed(seed) % 2**32), x.reshape(-1, *x.shape[2:])
    one_by_one = [bars[rng.permutation(len(bars)), ..., track] for track in range(bars.shape[-1])]
    return np.stack(one_by_one, -1).reshape(x.shape)
