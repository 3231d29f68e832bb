"""The `gaussian_mixtures` data set: points in the plane, for runs that take seconds and are easy to plot."""

import numpy as np
import tensorflow_datasets as tfds

from dgm_zoo.data.sets import GRID, RING

SPLITS = {"train": 10_000, "validation": 2_500, "test": 2_500}


class GaussianMixtures(tfds.core.GeneratorBasedBuilder):
    """Points in the plane, drawn once and for all; the label of a point is the component that it was drawn from.

    * `ring`: 8 round Gaussians with equal weights, on the unit circle, of standard deviation 0.01.
    * `grid`: 25 of them, their centres on a 5x5 grid from -1 to 1, of standard deviation 0.0125.
    * `moons`: two interleaved half circles of radius 1, about the origin, with noise of standard deviation 0.05.

    Ring and grid have the proportions of Lin et al. (2018), whose grid is four times as large. Every split comes
    from a random stream of its own, of NumPy's legacy generator, whose streams are frozen: the points are the same
    with every version of NumPy.

    Source: Z. Lin, A. Khetan, G. Fanti and S. Oh (2018), PacGAN: The power of two samples in generative adversarial
    networks, section 4.1, by its authors' code; `sklearn.datasets.make_moons` for the moons.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ("ring", "grid", "moons")]

    def _info(self):
        num_classes = {"ring": len(RING.centres), "grid": len(GRID.centres), "moons": 2}[self.builder_config.name]
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "point": tfds.features.Tensor(shape=(2,), dtype=np.float32),
                    "label": tfds.features.ClassLabel(num_classes=num_classes),
                }
            ),
            supervised_keys=("point", "label"),
            disable_shuffling=True,  # the rows are independent as they come
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in SPLITS}

    def _generate_examples(self, split):
        config = [one.name for one in self.BUILDER_CONFIGS].index(self.builder_config.name)
        rng = np.random.RandomState([config, list(SPLITS).index(split)])
        points, labels = _DRAW[self.builder_config.name](rng, SPLITS[split])
        for row, (point, label) in enumerate(zip(points.astype(np.float32), labels, strict=True)):
            yield row, {"point": point, "label": int(label)}


def _mixture(modes):
    def draw(rng, n):
        labels = rng.randint(len(modes.centres), size=n)
        return np.array(modes.centres)[labels] + modes.stddev * rng.randn(n, 2), labels

    return draw


def _moons(rng, n):
    labels, angle = rng.randint(2, size=n), np.pi * rng.random_sample(n)
    upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], 1)
    return np.where(labels[:, None], -upper, upper) + 0.05 * rng.randn(n, 2), labels


_DRAW = {"ring": _mixture(RING), "grid": _mixture(GRID), "moons": _moons}
