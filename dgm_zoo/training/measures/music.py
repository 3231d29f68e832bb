"""Generated music: statistics compared with the test split's, pictures, MIDI and sound."""

import numpy as np

from dgm_zoo import data, metrics, viz
from dgm_zoo.data.tracks import Track
from dgm_zoo.training.measures.base import Context, Measure, register_measure

SHOWN = 3  # phrases in the picture, of the samples and of the test split each
HEARD = 4  # phrases in the piece written as MIDI and as sound
COMPARED = 200  # number of samples, and of test phrases, compared with training phrases
COUNTED = ("EB", "UPC", "QN", "DP", "TD")
KINDS = {"": "generated", "_real": "held-out", "_training": "training", "_shuffled": "shuffled training"}


def tracks_of(context: Context) -> tuple[Track, ...]:
    """Returns the tracks of the run's data."""
    return data.info(context.config.data.name).music.tracks


def phrases(context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Returns the evaluated phrases of the split, and as many samples.

    For a model with a condition, sample i accompanies the condition's track of phrase i.

    Returns:
      Two arrays `[n, bars, steps, pitches, tracks]`.
    """
    real = np.concatenate([x.numpy() for x in context.batches])
    return real, context.model.perform(real, seed=context.seed)


def training_phrases(context: Context) -> np.ndarray:
    """Returns all training phrases, `np.packbits` of each flattened phrase, `[n, bytes]`."""
    batches = context.examples("train", shuffle=False, batch_size=1)  # a larger batch would drop the last rows
    return np.concatenate([np.packbits(x.numpy().astype(bool).reshape(len(x), -1), 1) for x in batches])


def spread(n: int, total: int) -> np.ndarray:
    """Returns the numbers of at most n rows, evenly spaced over `total` rows: neighbouring phrases overlap.

    Example:
      >>> spread(3, 10)
      array([0, 3, 6])
    """
    return np.arange(min(n, total)) * total // min(n, total)


def measure(context: Context) -> dict:
    real, drawn = phrases(context)
    packed = training_phrases(context)
    some = packed[spread(len(real), len(packed))]  # no more than there are held-out phrases
    training = np.unpackbits(some, 1, real[0].size).astype(bool).reshape(-1, *real.shape[1:])
    found = {
        **statistics(tracks_of(context), {
            "": drawn, "_real": real, "_training": training, "_shuffled": metrics.shuffled_tracks(training),
        }),
        **distances(tracks_of(context), real, {"": drawn, "_training": training}),
        **neighbours(packed, {"": drawn, "_real": real}),
    }
    return {f"{context.split}_{name}": number for name, number in found.items()}


def statistics(tracks: tuple[Track, ...], sets: dict[str, np.ndarray]) -> dict:
    """Returns EB, UPC, QN, DP and TD, as `music_quality` counts them, of sets of phrases named by suffix."""
    found = {}
    for whose, x in sets.items():
        counted = metrics.music_quality(x, tracks)
        for name in COUNTED if whose != "_shuffled" else ("TD",):
            for track, number in counted[name].items():
                if number["value"] is not None:
                    found[f"{name}_{track.replace('-', '_')}{whose}"] = {
                        "value": number["value"], "stderr": number["stderr"],
                        "protocol": f"mean over {number['bars']:,} {KINDS[whose]} bars of {x.shape[2]} steps",
                    }
    return found


def distances(tracks: tuple[Track, ...], real: np.ndarray, sets: dict[str, np.ndarray]) -> dict:
    """Returns the Frechet distance of each set from held-out phrases, if these are more than their features."""
    features, found = metrics.phrase_features(real, tracks), {}
    if len(features) <= features.shape[1]:
        return found  # a singular covariance
    for whose, x in sets.items():
        number = metrics.frechet_distance(features, metrics.phrase_features(x, tracks))
        found[f"phrase_distance{whose}"] = {
            **number, "protocol": f"{KINDS[whose]} against held-out phrases: {number['protocol']}; rhythm, pitches, "
                                  "empty bars and repetition of each track",
        }
    return found


def neighbours(packed: np.ndarray, sets: dict[str, np.ndarray]) -> dict:
    """Returns the mean distance of phrases of each set to the nearest of the training phrases `packed`."""
    found = {}
    for whose, x in sets.items():
        distance = metrics.nearest_distances(x[spread(COMPARED, len(x))], packed)
        found[f"nearest_training{whose}"] = {
            "value": float(distance.mean()),
            "stderr": float(distance.std(ddof=1) / len(distance) ** 0.5) if len(distance) > 1 else None,
            "protocol": f"Jaccard distance to the nearest of {len(packed):,} training phrases (0: a copy, 1: no "
                        f"common note), mean over {len(distance)} {KINDS[whose]} phrases, evenly spaced",
        }
    return found


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
    "music_statistics", "EB, UPC, QN, DP and TD of MuseGAN; distance from held-out phrases; nearest training phrases.",
    abilities=frozenset({"perform"}), data=frozenset({"music"}),
    numbers=(*(f"{{split}}_{name}_*" for name in COUNTED), "{split}_phrase_distance*", "{split}_nearest_training*"),
    measure=measure, order=70,
))
register_measure(Measure(
    "phrases", f"{SHOWN} samples as piano-rolls, a piece of {HEARD} of them as MIDI and as sound; the test split's.",
    abilities=frozenset({"perform", "compose"}), data=frozenset({"music"}),
    files=("samples.png", "test_phrases.png", "samples.mid", "samples.wav", "test_phrases.wav"), draw=draw,
))
