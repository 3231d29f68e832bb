"""Generated music: statistics compared with the test split's, pictures, MIDI and sound."""

import numpy as np
import tensorflow as tf

from dgm_zoo import data, metrics, viz
from dgm_zoo.data.tracks import Track
from dgm_zoo.training.measures.base import Context, Measure, register_measure

SHOWN = 3  # phrases in the picture, of the samples and of the test split each
HEARD = 4  # phrases in the piece written as MIDI and as sound
COMPARED = 200  # number of samples, and of test phrases, compared with training phrases
BLOCK = 256  # training phrases compared at a time
COUNTED = ("EB", "UPC", "QN", "DP", "TD")


def tracks_of(context: Context) -> tuple[Track, ...]:
    """Returns the tracks of the run's data."""
    return data.info(context.config.data.name).music.tracks


def phrases(context: Context, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Returns the first n phrases of the split (all evaluated ones if None), and as many samples.

    For a model with a condition, sample i accompanies the condition's track of phrase i.

    Returns:
      Two arrays `[n, bars, steps, pitches, tracks]`.
    """
    real = np.concatenate([x.numpy() for x in context.batches])[:n]
    return real, context.model.perform(real, seed=context.seed)


def measure_statistics(context: Context) -> dict:
    """Returns per cent of bars (EB), notes (QN), drum hits (DP); pitch classes (UPC); distances (TD); see
    `music_quality`."""
    real, drawn = phrases(context)
    of_real, of_drawn = (metrics.music_quality(x, tracks_of(context)) for x in (real, drawn))
    found = {}
    for name in COUNTED:
        for track in of_drawn[name]:
            for number, whose in ((of_drawn[name][track], ""), (of_real[name][track], "_real")):
                if number["value"] is not None:
                    kind = "real" if whose else "sampled"
                    found[f"{context.split}_{name}_{track.replace('-', '_')}{whose}"] = {
                        "value": number["value"], "stderr": number["stderr"],
                        "protocol": f"mean over {number['bars']:,} {kind} bars of {real.shape[2]} steps",
                    }
    return found


def measure_neighbours(context: Context) -> dict:
    real, drawn = phrases(context, COMPARED)
    training = np.concatenate([np.packbits(x.numpy().astype(bool).reshape(len(x), -1), 1)
                               for x in context.examples("train", shuffle=False, batch_size=1)])
    found = {}
    for name, x in (("nearest_training", drawn), ("nearest_training_real", real)):
        distance = nearest(x, training)
        found[f"{context.split}_{name}"] = {
            "value": float(distance.mean()), "stderr": float(distance.std(ddof=1) / len(distance) ** 0.5),
            "protocol": f"Jaccard distance to the nearest of {len(training):,} training phrases (0: a copy, 1: no "
                        f"common note), mean over {len(x)} {'test phrases' if 'real' in name else 'samples'}",
        }
    return found


def nearest(x: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """Returns each phrase's Jaccard distance, 1 - |both| / |either|, to its nearest phrase in a set, float `[n]`.

    Args:
      x: zeros and ones, `[n, ...]`.
      packed: the set, `np.packbits` of each flattened phrase: uint8 `[m, bytes]`.

    Example:
      >>> nearest(np.array([[1, 1, 0, 0]]), np.packbits([[0, 1, 1, 0], [0, 0, 0, 1]], 1))
      array([0.66666667])
    """
    x = np.reshape(x, (len(x), -1)).astype(np.float32)
    best = np.ones(len(x))
    for start in range(0, len(packed), BLOCK):
        other = np.unpackbits(packed[start : start + BLOCK], 1, x.shape[1]).astype(np.float32)
        both = tf.matmul(x, other, transpose_b=True).numpy()
        either = x.sum(1)[:, None] + other.sum(1) - both
        best = np.minimum(best, 1 - np.max(both / np.maximum(either, 1), 1))
    return best


def draw(context: Context) -> dict:
    tracks, model = tracks_of(context), context.model
    real = np.concatenate([x.numpy() for x in context.batches])
    if model.given is not None:
        real = real[real[..., model.index].any((1, 2, 3))]  # a silent condition asks for nothing
    drawn, real = model.perform(real[:SHOWN]), real[:HEARD]
    asked = None if model.given is None else real[..., model.index].reshape(-1, *model.x_shape[1:-1])
    piece = model.compose(HEARD if asked is None else None, seed=0, condition=asked)
    return {
        "samples.png": lambda path: viz.save_pianoroll(drawn[:SHOWN], tracks, path),
        "test_phrases.png": lambda path: viz.save_pianoroll(real[:SHOWN], tracks, path),
        "samples.mid": lambda path: viz.save_midi(piece, tracks, path),
        "samples.wav": lambda path: viz.save_wav(piece, tracks, path),
        "test_phrases.wav": lambda path: viz.save_wav(real.reshape(-1, *piece.shape[1:]), tracks, path),
    }


register_measure(Measure(
    "music_statistics", "MuseGAN's EB, UPC, QN, DP and TD, of samples and of real phrases.",
    abilities=frozenset({"perform"}), data=frozenset({"music"}),
    numbers=tuple(f"{{split}}_{name}_*" for name in COUNTED), measure=measure_statistics, order=70,
))
register_measure(Measure(
    "nearest_phrases", "How near samples are to a training phrase, beside how near test phrases are.",
    abilities=frozenset({"perform"}), data=frozenset({"music"}),
    numbers=("{split}_nearest_training", "{split}_nearest_training_real"), measure=measure_neighbours, order=75,
))
register_measure(Measure(
    "phrases", f"{SHOWN} samples as piano-rolls, a piece of {HEARD} of them as MIDI and as sound; the test split's.",
    abilities=frozenset({"perform", "compose"}), data=frozenset({"music"}),
    files=("samples.png", "test_phrases.png", "samples.mid", "samples.wav", "test_phrases.wav"), draw=draw,
))
