"""The shares of the classes among the labelled training rows."""

import os

from dgm_zoo.checks import check_seed
from dgm_zoo.data import checks, own
from dgm_zoo.data.preparing import directory
from dgm_zoo.data.reading import labels_of
from dgm_zoo.data.sets import entry
from dgm_zoo.errors import InvalidInput


def class_shares(
    name: str,
    *,
    labelled_fraction: float | None = None,
    labels_per_class: int | None = None,
    seed: int = 0,
    limit: int | None = None,
    data_dir: str | os.PathLike | None = None,
) -> list[float]:
    """Returns the share of each class among the labelled training rows: a list of floats that sum to 1.

    Args:
      name: one of `list_datasets()`, or `kind:path` for your own data; see `load`.
      labelled_fraction, labels_per_class, seed, limit, data_dir: see `load`; without the first two all labels
        count.

    Raises:
      InvalidInput: as for `load`; or a class has no labelled row.

    Example:
      >>> class_shares("digits", labels_per_class=10)   # 0.1 for each of the ten
    """
    import numpy as np

    from dgm_zoo.data import draws

    name = own.full_name(name)
    found = entry(name)
    if found.num_classes is None:
        raise InvalidInput(f"data set '{name}' {found.unlabelled}; choose another")
    seed, limit = check_seed(seed), checks.check_limit(limit, "train", found.splits["train"][1])
    y = labels_of(name, "train", directory(name, data_dir), limit)
    if labelled_fraction is not None or labels_per_class is not None:
        y = draws.hidden(y, labelled_fraction, labels_per_class, seed)
    counts = np.bincount(y[y >= 0], minlength=found.num_classes)
    if not counts.all():
        raise InvalidInput(
            f"class {int(counts.argmin())} has no row among the {len(y)} of training; raise or drop limit"
        )
    return [float(share) for share in counts / counts.sum()]
