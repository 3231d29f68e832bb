"""The `bars` data set: small images of horizontal or vertical bars, with a known distribution."""

import itertools
import math

import numpy as np
import tensorflow_datasets as tfds

SIDE = 4
SPLITS = {"train": 10_000, "validation": 2_500, "test": 2_500}


def distribution(side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Returns all images of bars, `[n, side, side, 1]` uint8, and their probabilities, `[n]`."""
    patterns = np.array(list(itertools.product([0, 1], repeat=side)), np.uint8)
    vertical = np.broadcast_to(patterns[:, None, :], (len(patterns), side, side))
    both = np.concatenate([vertical, vertical.transpose(0, 2, 1)])
    images, counts = np.unique(both.reshape(len(both), -1), axis=0, return_counts=True)
    return images.reshape(-1, side, side, 1), counts / len(both)


# Nats per image: a model's mean log-likelihood cannot exceed -ENTROPY. The blank and the full image belong to both
# orientations, so each is twice as frequent as any other image.
ENTROPY = (1 - 2.0**-SIDE * 2) * math.log(2 * 2**SIDE) + 2.0**-SIDE * 2 * math.log(2**SIDE)


class Bars(tfds.core.GeneratorBasedBuilder):
    """Binary images of 4x4 pixels with bars, all horizontal or all vertical: each orientation has probability 1/2, and
    each of its 4 bars too.

    There are 30 different images, and their entropy is known (`ENTROPY`, 3.379 nats), so that it can be told how far a
    model is from the truth. The task is that of the papers on wake-sleep, whose proportions may differ. Every split
    comes from a random stream of its own, of NumPy's legacy generator, whose streams are frozen.

    Source: after G. Hinton, P. Dayan, B. Frey and R. Neal (1995), The wake-sleep algorithm for unsupervised neural
    networks.
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict(
                {"image": tfds.features.Image(shape=(SIDE, SIDE, 1), dtype=np.uint8)}
            ),
            disable_shuffling=True,  # the rows are independent as they come
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in SPLITS}

    def _generate_examples(self, split):
        images, probabilities = distribution()
        rng = np.random.RandomState(list(SPLITS).index(split))
        for row, which in enumerate(rng.choice(len(images), SPLITS[split], p=probabilities)):
            yield row, {"image": images[which]}
