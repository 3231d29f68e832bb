"""Batches of phrases from stored bars: consecutive whole bars of one piece, unpacked batch by batch.

A set stays in memory with eight values per byte: 13,000 bars of 96 steps, 84 pitches and 5 tracks take 66 MB instead
of 2.1 GB as float32.
"""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from dgm_zoo.checks import whole_number
from dgm_zoo.data import checks, pipeline
from dgm_zoo.data.sets import SETS
from dgm_zoo.data.tracks import BEATS, PITCHES
from dgm_zoo.errors import InvalidInput

BARS, STEPS, SOUNDING = 4, 16, 1  # defaults: bars of a phrase, steps of a bar, sounding tracks of a phrase


@dataclasses.dataclass(frozen=True)
class Bars:
    """The bars of one split.

    Attributes:
      packed: uint8 `[N, bytes]`, `np.packbits` of each bar `[steps, 84, tracks]`.
      pieces: number of each bar's piece, `[N]`, non-decreasing.
      sounds: bool `[N, tracks]`, whether the track has a note in the bar.
      steps: time steps in a bar.
    """

    packed: np.ndarray
    pieces: np.ndarray
    sounds: np.ndarray
    steps: int


def load(
    name: str, split: str, folder: str, *, batch_size: int, bars: int | None = None, hop: int | None = None,
    steps: int | None = None, sounding: int | None = None, shuffle: bool | None = None, seed: int = 0,
    first_epoch: int | None = None, limit: int | None = None,
) -> tf.data.Dataset:
    """Returns batches of phrases, float32 `[batch, bars, steps, 84, tracks]` of zeros and ones; see `data.load`.

    Args:
      folder: folder of the prepared set.
      name, split, batch_size, bars, hop, steps, sounding, shuffle, seed, first_epoch, limit: see `data.load`.

    Raises:
      InvalidInput: an option is invalid.
    """
    batch_size, seed, first_epoch = checks.check_options(split, batch_size, None, False, seed, first_epoch)
    bars = BARS if bars is None else whole_number("bars", bars)
    stored, firsts = _phrases(name, split, folder, bars, hop, steps, sounding)
    firsts = firsts[: checks.check_limit(limit, split, len(firsts))]
    if split == "train" and batch_size > len(firsts):
        raise InvalidInput(f"batch_size={batch_size} is more than the {len(firsts)} rows of 'train'; lower it")
    shape = (bars, stored.steps, PITCHES, stored.sounds.shape[1])
    with tf.device("cpu:0"):
        packed, firsts = tf.constant(stored.packed), tf.constant(firsts, tf.int32)

    def gather(epoch, b, rows):
        del epoch, b  # nothing is drawn
        return unpacked(tf.gather(packed, tf.gather(firsts, rows)[:, None] + tf.range(bars)), shape)

    order = pipeline.seeded_order(
        len(firsts), batch_size=batch_size, training=split == "train", shuffle=shuffle, seed=seed
    )
    return pipeline.batches_of(order, gather, first_epoch)


def count(
    name: str, split: str, folder: str, *, bars: int | None = None, hop: int | None = None, steps: int | None = None,
    sounding: int | None = None,
) -> int:
    """Returns the number of phrases in the data set of `load`."""
    bars = BARS if bars is None else whole_number("bars", bars)
    return len(_phrases(name, split, folder, bars, hop, steps, sounding)[1])


def shape_of(name: str, bars: int | None = None, steps: int | None = None) -> tuple:
    """Returns the shape of one phrase, (bars, steps, 84, tracks); raises `InvalidInput` for invalid steps."""
    bars = BARS if bars is None else whole_number("bars", bars)
    return bars, _checked_steps(name, steps), PITCHES, len(SETS[name].music.tracks)


def unpacked(packed: tf.Tensor, shape: tuple) -> tf.Tensor:
    """Returns packed bars, uint8 `[batch, bars, bytes]`, as phrases, float32 `[batch, *shape]` of zeros and ones."""
    bits = tf.bitwise.right_shift(packed[..., None], tf.constant([7, 6, 5, 4, 3, 2, 1, 0], tf.uint8)) & 1
    bits = tf.reshape(bits, [-1, shape[0], 8 * packed.shape[-1]])[..., : int(np.prod(shape[1:]))]
    return tf.reshape(tf.cast(bits, tf.float32), [tf.shape(packed)[0], *shape])


def _phrases(name, split, folder, bars, hop, steps, sounding):
    """Returns the bars of a split, and the rows in which its phrases begin."""
    music = SETS[name].music
    hop = bars if hop is None else whole_number("hop", hop)
    sounding = whole_number("sounding", SOUNDING if sounding is None else sounding, 0)
    if sounding > len(music.tracks):
        raise InvalidInput(f"sounding={sounding} is more than the {len(music.tracks)} tracks of '{name}'; lower it")
    stored = read(name, split, folder, _checked_steps(name, steps))
    firsts = beginnings(stored.pieces, stored.sounds, bars, hop, sounding)
    if not len(firsts):
        raise InvalidInput(
            f"split '{split}' of '{name}' has no phrase with bars={bars} and sounding={sounding}; lower them"
        )
    return stored, firsts


def beginnings(pieces: np.ndarray, sounds: np.ndarray, bars: int, hop: int, sounding: int) -> np.ndarray:
    """Returns the rows in which phrases begin: every `hop` bars of a piece, if `bars` bars of it remain.

    Args:
      pieces, sounds: see `Bars`.
      bars: number of bars in a phrase.
      hop: bars from one phrase to the next.
      sounding: least number of tracks with a note in a phrase.

    Example:
      >>> beginnings(np.array([0, 0, 0, 1, 1]), np.ones((5, 1), bool), bars=2, hop=1, sounding=1)
      array([0, 1, 3])
    """
    edges = np.flatnonzero(np.diff(pieces, prepend=-1, append=-1))
    rows = [np.arange(a, b - bars + 1, hop) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    rows = np.concatenate(rows or [np.arange(0)])
    tracks = sounds[rows[:, None] + np.arange(bars)].any(1).sum(1)
    return rows[tracks >= sounding]


def _checked_steps(name, steps):
    finest = SETS[name].music.steps
    fitting = [n for n in range(BEATS, finest + 1, BEATS) if finest % n == 0]
    steps = STEPS if steps is None else steps
    if steps not in fitting:
        raise InvalidInput(f"steps={steps!r} does not suit '{name}'; give one of {', '.join(map(str, fitting))}")
    return int(steps)


@functools.cache
def read(name: str, split: str, folder: str, steps: int) -> Bars:
    """Reads a prepared set of music into memory, packed, at `steps` time steps a bar.

    A step sounds if any of the finer, stored steps that it covers does.
    """
    import tensorflow_datasets as tfds

    found = SETS[name]
    finest, tracks = found.music.steps, len(found.music.tracks)
    stored = tfds.builder_from_directory(folder).as_dataset(split=found.splits[split][0], shuffle_files=False)
    packed, pieces, sounds = [], [], []
    for number, piece in enumerate(tfds.as_numpy(stored)):
        x = np.unpackbits(piece["bars"], axis=1, count=finest * PITCHES * tracks)
        x = np.bitwise_or.reduce(x.reshape(len(x), steps, finest // steps, -1), 2)
        packed.append(np.packbits(x.reshape(len(x), -1), axis=1))
        pieces.append(np.full(len(x), number))
        sounds.append(np.bitwise_or.reduce(x, 1).reshape(len(x), PITCHES, tracks).any(1))
    packed, pieces, sounds = (np.concatenate(parts) for parts in (packed, pieces, sounds))
    packed.setflags(write=False)  # later calls share it
    return Bars(packed, pieces, sounds, steps)
