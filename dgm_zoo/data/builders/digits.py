"""The `digits` data set: 8x8 handwritten digits that come with scikit-learn, so it needs no network."""

import numpy as np
import tensorflow_datasets as tfds


class Digits(tfds.core.GeneratorBasedBuilder):
    """Optical recognition of handwritten digits: 1,797 images of 8x8 pixels with 17 grey levels, 0 to 16.

    The rows keep scikit-learn's file order, in which each writer's digits follow one another, and the splits
    are contiguous: train is the first 1,293 rows, validation the next 144, test the last 360. So at most the
    writer at a border is in two splits, where a random division would put every writer in all three.

    Source: E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository, as packaged in
    `sklearn.datasets.load_digits` (the test half of the UCI set).
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(8, 8, 1), dtype=np.uint8),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://archive.ics.uci.edu/dataset/80",
            disable_shuffling=True,  # the order of the file is what keeps the writers together
        )

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(0, 1293),
            "validation": self._generate_examples(1293, 1437),
            "test": self._generate_examples(1437, 1797),
        }

    def _generate_examples(self, start, stop):
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        images = images.reshape(-1, 8, 8, 1).astype(np.uint8)
        for row in range(start, stop):
            yield row, {"image": images[row], "label": int(labels[row])}
