"""Data sets as `tf.data` pipelines: seeded, resumable, in memory or, if they do not fit, from their files.

    from dgm_zoo import data

    train = data.load("mnist", "train", 128, binarize="stochastic", seed=1)
    test = data.load("mnist", "test", 500, labels=True)
    cats = data.load("folder:cats", "train", 64, image_size=(32, 32))
    own = data.from_arrays(x, y, batch_size=64)
    pair = data.load_pair("mnist", "usps", 128)

`load` reads a data set of the zoo or files of your own (`data/own/`), `from_arrays` takes a user's own arrays,
`from_dataset` a `tf.data.Dataset`, `register_dataset` gives arrays a name for configs and commands. `load_pair` and
`pair_from_arrays` do the same for two unpaired domains, `prepare` downloads or builds a set once, and `list_datasets`,
`info`, `class_shares` and `describe` say what is in the sets. TensorFlow is imported when the first data set is used,
not earlier.
"""

import importlib

from dgm_zoo.data.describing import describe
from dgm_zoo.data.own.registered import register_dataset
from dgm_zoo.data.preparing import prepare
from dgm_zoo.data.registry import DatasetInfo, info, load
from dgm_zoo.data.rows import Rows
from dgm_zoo.data.sets import COUNTERPARTS, list_datasets
from dgm_zoo.data.shares import class_shares

__all__ = [
    "COUNTERPARTS",
    "DatasetInfo",
    "Rows",
    "class_shares",
    "describe",
    "from_arrays",
    "from_dataset",
    "info",
    "list_datasets",
    "load",
    "load_pair",
    "pair_from_arrays",
    "prepare",
    "register_dataset",
]
_WITH_TENSORFLOW = {  # name -> module
    "from_arrays": "pipeline", "from_dataset": "datasets", "load_pair": "pairs", "pair_from_arrays": "pairs",
}


def __getattr__(name):
    if name in _WITH_TENSORFLOW:
        return getattr(importlib.import_module(f"dgm_zoo.data.{_WITH_TENSORFLOW[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
