"""Data sets as `tf.data` pipelines: seeded, resumable, in memory.

    from dgm_zoo import data

    train = data.load("mnist", "train", 128, binarize="stochastic", seed=1)
    test = data.load("mnist", "test", 500, labels=True)
    own = data.from_arrays(x, y, batch_size=64)

`load` reads a data set of the zoo, `from_arrays` serves a user's own arrays, `prepare` fetches a set once,
`list_datasets`, `info` and `class_shares` say what there is. TensorFlow is imported with the first data set, not
before.
"""

from dgm_zoo.data.preparing import prepare
from dgm_zoo.data.registry import DatasetInfo, class_shares, info, load
from dgm_zoo.data.sets import list_datasets

__all__ = ["DatasetInfo", "class_shares", "from_arrays", "info", "list_datasets", "load", "prepare"]


def __getattr__(name):
    if name == "from_arrays":
        from dgm_zoo.data.pipeline import from_arrays

        return from_arrays
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
