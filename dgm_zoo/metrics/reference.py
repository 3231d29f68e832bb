"""Features of the real images: computed once for each split and each extractor, then kept on disk."""

import hashlib
import json
import os
import re
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dgm_zoo import __version__, data
from dgm_zoo.data.checks import check_flags, check_image_size, check_limit
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.metrics.features import Extractor

_ROWS = 1_000  # of a split that may be larger than memory, seen at a time


class Reference(NamedTuple):
    """Features and class probabilities of the real images.

    Attributes:
      name: describes the images, for the protocol.
      features: NumPy `[n, d]`.
      probabilities: NumPy `[n, K]`, or None.
    """

    name: str
    features: np.ndarray
    probabilities: np.ndarray | None


def load_reference(
    dataset: str,
    extractor: Extractor,
    split: str = "test",
    *,
    limit: int | None = None,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    threshold: bool = False,
    data_dir: str | os.PathLike | None = None,
    folder: str | os.PathLike | None = None,
) -> Reference:
    """Returns the `Reference` of a split, from the cache if it is there.

    Args:
      dataset: name of a data set, as `data.load` takes it.
      extractor: an `Extractor`. The features of one without a name are computed at every call and not written.
      split: "train", "validation" or "test".
      limit, image_size, channels, data_dir: see `data.load`.
      threshold: whether the images are binarised at half grey, as by `data.load` with binarize="threshold".
      folder: folder of the cache; if None, `dgm_zoo` in XDG_CACHE_HOME, or else in ~/.cache. If it cannot be written
        to, a warning is given and the features are computed again at the next call.

    Raises:
      InvalidInput: the data set or split is unknown or not prepared, an option does not fit, or a cache file is damaged
        or holds other statistics.

    Example:
      >>> load_reference("mnist", extractor(classifier, "classifier_mnist")).features.shape
      (10000, 256)
    """
    info = data.info(dataset)
    check_known("split", split, info.splits)
    check_flags(threshold=threshold)
    limit = check_limit(limit, split, info.splits[split])
    image_size = None if image_size is None else check_image_size(image_size)
    key = {
        "dataset": dataset,
        "version": info.version,
        "split": split,
        "images": info.splits[split] if limit is None else limit,
        "image_size": list(image_size) if image_size else None,
        "threshold": bool(threshold),
        "features": extractor.name,
        "code": __version__,
        **({} if channels is None else {"channels": channels}),
    }
    path = _folder(folder) / _file_name(key)
    if extractor.name is not None and os.path.isfile(path):
        return _read(path, key)
    at_once = key["images"] if split == "train" else min(key["images"], _ROWS)  # "train" drops an incomplete batch
    batches = data.load(
        dataset, split, at_once, image_size=image_size, channels=channels, limit=limit, shuffle=False,
        data_dir=data_dir, binarize="threshold" if threshold else None,
    )
    features, probabilities = zip(*(extractor.extract(x.numpy()) for x in batches), strict=True)
    found = Reference(
        _describe(key), np.concatenate(features), None if probabilities[0] is None else np.concatenate(probabilities)
    )
    if extractor.name is not None:
        _write(path, key, found)
    return found


def _read(path, key):
    """Returns the `Reference` in a cache file; raises `InvalidInput` if it is damaged or has another key."""
    try:
        with np.load(path) as stored:
            found = json.loads(str(stored["key"]))
            arrays = {name: stored[name] for name in ("features", "probabilities") if name in stored}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"the reference statistics '{path}' are damaged ({error}); delete the file") from None
    for name, wanted in key.items():
        if found.get(name) != wanted:
            raise InvalidInput(
                f"the reference statistics '{path}' are of {name} {found.get(name)!r}, not {wanted!r}; delete the file"
            )
    return Reference(_describe(key), arrays["features"], arrays.get("probabilities"))


def _folder(folder):
    if folder is not None:
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dgm_zoo"


def _file_name(key):
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    name = re.sub(r"[^\w.-]", "_", key["dataset"])[-80:]  # of a user's own set a path, perhaps a long one
    return f"{name}-{key['split']}-{digest}.npz"


def _describe(key):
    cut = ", binarised at half grey" if key["threshold"] else ""
    return f"{key['dataset']} {key['version']}, {key['split']} split, {key['images']:,} real{cut}"


def _write(path, key, reference):
    """Writes a cache file atomically, so that two processes may race."""
    arrays = {name: value for name, value in reference._asdict().items() if name != "name" and value is not None}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix="incomplete.") as scratch:
            partial = Path(scratch) / path.name
            np.savez(partial, key=json.dumps(key), **arrays)
            partial.replace(path)
    except OSError as error:
        warnings.warn(f"'{path.parent}' cannot be written ({error}); reference statistics are not kept", stacklevel=3)
