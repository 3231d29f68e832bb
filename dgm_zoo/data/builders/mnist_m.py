"""The `mnist_m` data set: a subset of 10,000 images of MNIST-M, MNIST's digits blended with photographs."""

import numpy as np
import tensorflow_datasets as tfds

from dgm_zoo.data.builders.archives import check_grey_levels, read_arrays

SIZES = {"train": 8_000, "test": 2_000}
SIDE = 32


class MnistM(tfds.core.GeneratorBasedBuilder):
    """A subset of MNIST-M, 32x32 pixels in colour: 8,000 of its 59,001 training and 2,000 of its 9,001 test images.

    The subset was drawn at random, without regard to class. Numbers measured on it are not numbers on MNIST-M: say so
    beside them. Each image is the absolute difference, channel by channel, of a digit of MNIST and a patch of a
    photograph of BSDS500.

    Source: Ganin et al. (2016), Domain-adversarial training of neural networks.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    mnist_m_subset.npz with the arrays train_images and test_images, uint8 [8000, 32, 32, 3] and [2000, 32, 32, 3], and
    train_labels and test_labels, uint8. The GitHub repository ShichengChen/Domain-Adversarial-Training-of-Neural-
    Networks holds a copy of the full set.
    """

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(SIDE, SIDE, 3), dtype=np.uint8),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="http://yaroslav.ganin.net",
            disable_shuffling=True,  # rows drawn at random already
        )

    def _split_generators(self, dl_manager):
        path = dl_manager.manual_dir / "mnist_m_subset.npz"
        shapes = {f"{split}_images": (n, SIDE, SIDE, 3) for split, n in SIZES.items()}
        arrays = read_arrays(path, shapes | {f"{split}_labels": (n,) for split, n in SIZES.items()})
        check_grey_levels(path, arrays)
        return {
            split: self._generate_examples(arrays[f"{split}_images"], arrays[f"{split}_labels"]) for split in SIZES
        }

    def _generate_examples(self, images, labels):
        for row, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield row, {"image": image, "label": int(label)}
