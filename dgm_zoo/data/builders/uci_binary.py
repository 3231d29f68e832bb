"""The `uci_binary` data sets: eight benchmarks of binary density estimation, read from files that the user supplies."""

import os

import numpy as np
import tensorflow_datasets as tfds

from dgm_zoo.data.builders.archives import read_arrays
from dgm_zoo.data.vectors import UCI_BINARY
from dgm_zoo.errors import InvalidInput

KEYS = {"train": "train", "validation": "valid", "test": "test"}


class UciBinary(tfds.core.GeneratorBasedBuilder):
    """Binary vectors from the UCI repository and elsewhere, with the splits of Larochelle and Murray (2011), which
    Germain et al. (2015) and Bornschein et al. (2016) use too.

    Categories are one-hot, so that some of the bits are functions of others. The rows keep their file's order.

    Source: H. Larochelle and I. Murray (2011), The neural autoregressive distribution estimator; D. Dua and C. Graff,
    UCI Machine Learning Repository.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in UCI_BINARY]
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    One file for each set, <set>.npz: uint8 matrices `train`, `valid` and `test` of zeros and ones, a row for each
    example. The originals, files such as mushrooms_train.libsvm, were published by H. Larochelle with MLPython, at
    www.cs.toronto.edu/~larocheh/public/datasets/. The GitHub repositories mgermain/MADE and
    UCLA-StarAI/Density-Estimation-Datasets hold copies of several; the latter divides dna otherwise.
    """

    def _info(self):
        bits = UCI_BINARY[self.builder_config.name][-1]
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict({"bits": tfds.features.Tensor(shape=(bits,), dtype=np.uint8)}),
            homepage="https://archive.ics.uci.edu",
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        name = self.builder_config.name
        arrays = read(dl_manager.manual_dir / f"{name}.npz", UCI_BINARY[name])
        return {split: self._generate_examples(arrays[split]) for split in KEYS}

    def _generate_examples(self, rows):
        for number, bits in enumerate(rows):
            yield number, {"bits": bits}


def read(path: str | os.PathLike, sizes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Returns the splits of a file, `{"train": uint8 [n, bits], "validation": ..., "test": ...}`.

    Args:
      path: the `.npz` file.
      sizes: rows of train, validation and test as published, and bits.

    Raises:
      InvalidInput: the file cannot be read or does not have the published splits, or values are not binary.
    """
    *rows, bits = sizes
    arrays = read_arrays(path, {key: (n, bits) for key, n in zip(KEYS.values(), rows, strict=True)})
    for key, x in arrays.items():
        other = np.argwhere((x != 0) & (x != 1))
        if len(other):
            row, bit = other[0]
            raise InvalidInput(f"'{path}': {key} holds {x[row, bit]} in row {row}; give zeros and ones")
    return {split: arrays[key].astype(np.uint8) for split, key in KEYS.items()}
