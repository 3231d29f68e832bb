"""From a trained Keras model to a version folder that TensorFlow Serving can load."""

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock

from dgm_zoo.checks import check_path, is_whole, shown
from dgm_zoo.errors import InvalidInput
from dgm_zoo.files import remove_leftovers, whole, writing
from dgm_zoo.serving import keras_part
from dgm_zoo.serving.card import write_card
from dgm_zoo.serving.hub import PART
from dgm_zoo.serving.metadata import check_given, describe, write_metadata

if TYPE_CHECKING:  # importing it takes TensorFlow
    from dgm_zoo.core.model import GenerativeModel


def export(
    model: "GenerativeModel",
    directory: str | os.PathLike,
    name: str,
    version: int | None = None,
    *,
    metadata: dict[str, Any] | None = None,
) -> str:
    """Writes `<directory>/<name>/<version>/` atomically and returns its path.

    The folder contains the SavedModel with every endpoint and its XLA twin, warm-up requests, the Keras model's config
    (its weights are the SavedModel's; the optimizer is left out), `metadata.json` and the card, `README.md`. It is
    written under a hidden name that TensorFlow Serving ignores, flushed to the disk and then renamed, so a server that
    polls the folder never sees an incomplete version. What a killed export left is deleted. Two exports of one name at
    the same time write one after the other.

    Args:
      model: the model to export; it is not changed.
      directory: folder of the presets, such as "saved_models"; created if missing.
      name: the model's name for the server: letters, digits, "_", "-" and ".".
      version: whole number of at least 1; None for the next version.
      metadata: facts about the run, all optional: `config` (dict), `dataset` (name of a data set of the zoo, or a dict
        with `name`, and with `target` in the same form if there are two domains), `seed`, `metrics` (dict of name to a
        dict with `value`, `protocol` and optionally `stderr`); `serving.metadata.describe` adds the others.

    Returns:
      The version folder's path, a string.

    Raises:
      InvalidInput: an invalid name or version; a version that already exists; a model without endpoints, or with NaN
        weights; metadata that JSON cannot represent; a directory that cannot be written, or a full disk.

    Example:
      >>> export(model, "saved_models", "vae_mnist", metadata={"dataset": "mnist", "seed": 0})
      'saved_models/vae_mnist/1'
    """
    from dgm_zoo.core.endpoints import check_weights
    from dgm_zoo.core.model import GenerativeModel
    from dgm_zoo.core.signatures import save, signatures
    from dgm_zoo.serving.warmup import write_warmup

    check_name(name)
    folder = Path(check_path("directory", directory)) / name
    _version(folder, version)
    given = check_given(metadata)
    if not isinstance(model, GenerativeModel):
        raise InvalidInput(f"model is {shown(model)}; give one of dgm_zoo, or a subclass of its GenerativeModel")
    if not model.endpoints():
        raise InvalidInput(f"{type(model).__name__} has no endpoints, so there is nothing to export")
    check_weights(model)
    served = _without_optimizer(model)
    functions = signatures(served)
    with _claimed(folder):
        version = _version(folder, version)
        described = describe(served, functions, name, version, given)
        with whole(folder / str(version)) as scratch:
            variables = {keras_part.WEIGHTS: keras_part.weights(served)}
            save(functions, scratch, default=next(iter(functions)), variables=variables)
            write_warmup(scratch, name, served.endpoints())
            keras_part.write(served, scratch)
            write_card(scratch, described)
            write_metadata(scratch, described)  # last: it has the sums of the other files
    return str(folder / str(version))


def check_name(name: Any) -> None:
    """Raises `InvalidInput` unless `name` can be that of a served model, and of its folder."""
    if not isinstance(name, str) or not re.fullmatch(PART, name) or len(name) > 255:
        raise InvalidInput(f"name '{name}' cannot be served; use letters, digits, '_', '-' and '.'")


def _version(folder, version):
    if version is None:
        taken = os.listdir(folder) if folder.is_dir() else []
        return max((int(one) for one in taken if one.isdigit()), default=0) + 1
    if not is_whole(version, 1, 2**63 - 1):
        raise InvalidInput(
            f"version must be a whole number of at least 1, got {shown(version)}; leave it out for the next version"
        )
    if (folder / str(version)).exists():
        raise InvalidInput(f"{folder / str(version)} exists; give another version, or leave it out for the next one")
    return version


def _without_optimizer(model):
    """Returns a copy of the model with the same weights, without optimizer slots and training traces."""
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


@contextlib.contextmanager
def _claimed(folder):
    """Context in which no other process exports to `folder`, created if missing, without leftovers of killed ones."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock").acquire()  # ends with the process
    with lock:
        remove_leftovers(folder)
        try:
            yield
        finally:
            (folder / ".lock").unlink(missing_ok=True)
