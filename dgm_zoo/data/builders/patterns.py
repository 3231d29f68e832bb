"""The `patterns` data sets: a few binary patterns in exact proportion, for codes that should be factorial."""

import numpy as np
import tensorflow_datasets as tfds

from dgm_zoo.data.vectors import PATTERN_ROWS, PATTERNS

BITS, SIGNALS, NOISE = 4, 8, 0.05  # of `mixed`


class Patterns(tfds.core.GeneratorBasedBuilder):
    """Four or sixteen patterns, each of which every split holds in exact proportion; the label is the pattern's number.

    * `four`, `sixteen`: one input is on for each pattern (a local representation), equally frequent.
    * `four_bits`, `sixteen_bits`: all words of 2 or 4 bits, equally frequent.
    * `skewed`: the words 00, 01, 10, 11 with the probabilities 1/9, 2/9, 2/9 and 4/9.
    * `mixed`: 8 signals, a fixed mixture of 4 fair, independent bits of value -1 or 1, with Gaussian noise of standard
      deviation 0.05; the label is the number that the bits write. Random draws, not in exact proportion.

    Source: the ensembles of J. Schmidhuber (1992), Learning factorial codes by predictability minimization.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in (*PATTERNS, "mixed")]

    def _info(self):
        name = self.builder_config.name
        classes, width = (2**BITS, SIGNALS) if name == "mixed" else words(name).shape
        feature, dtype = ("point", np.float32) if name == "mixed" else ("bits", np.uint8)
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict(
                {
                    feature: tfds.features.Tensor(shape=(width,), dtype=dtype),
                    "label": tfds.features.ClassLabel(num_classes=classes),
                }
            ),
            supervised_keys=(feature, "label"),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in ("train", "validation", "test")}

    def _generate_examples(self, split):
        name = self.builder_config.name
        if name == "mixed":
            x, labels = mixture(PATTERN_ROWS["mixed"][split], ("train", "validation", "test").index(split))
            for row, (point, label) in enumerate(zip(x, labels, strict=True)):
                yield row, {"point": point, "label": int(label)}
            return
        ensemble, patterns = np.repeat(np.arange(len(PATTERNS[name])), PATTERNS[name]), words(name)
        for row in range(PATTERN_ROWS[name][split]):
            label = ensemble[row % len(ensemble)]
            yield row, {"bits": patterns[label], "label": int(label)}


def words(name: str) -> np.ndarray:
    """Returns the patterns of a configuration other than `mixed`, in the order of their labels: uint8 `[n, width]`.

    Example:
      >>> words("skewed").tolist()
      [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    count = len(PATTERNS[name])
    if name in ("four", "sixteen"):
        return np.eye(count, dtype=np.uint8)
    bits = count.bit_length() - 1
    return (np.arange(count)[:, None] >> np.arange(bits)[::-1] & 1).astype(np.uint8)


def mixture(rows: int, stream: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns signals of the configuration `mixed`, float32 `[rows, 8]`, and the numbers of their bits, `[rows]`.

    The mixture is orthogonal up to a factor, so that no signal is lost in the noise.

    Args:
      rows: number of examples.
      stream: number of the random stream, of NumPy's legacy generator, whose streams are frozen.
    """
    matrix = np.linalg.qr(np.random.RandomState(0).randn(SIGNALS, BITS))[0].T * SIGNALS**0.5 / BITS**0.5
    rng = np.random.RandomState([1, stream])
    labels = rng.randint(2**BITS, size=rows)
    bits = labels[:, None] >> np.arange(BITS)[::-1] & 1
    return ((2 * bits - 1) @ matrix + NOISE * rng.randn(rows, SIGNALS)).astype(np.float32), labels
