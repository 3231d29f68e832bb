"""From a trained Keras model to a version folder that TensorFlow Serving can load."""

import contextlib
import fcntl
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dgm_zoo.errors import InvalidInput
from dgm_zoo.files import remove_leftovers, whole, writing
from dgm_zoo.serving.card import write_card
from dgm_zoo.serving.metadata import check_given, describe, write_metadata
from dgm_zoo.serving.presets import MODEL_FILE

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

    The folder contains the SavedModel with every endpoint and its XLA twin, warm-up requests, the Keras model without
    its optimizer, `metadata.json` and the card, `README.md`. It is written under a hidden name that TensorFlow Serving
    ignores, flushed to the disk and then renamed, so a server that polls the folder never sees an incomplete version.
    What a killed export left is deleted. Two exports of one name at the same time write one after the other.

    Args:
      model: the model to export; it is not changed.
      directory: folder of the presets, such as "saved_models"; created if missing.
      name: the model's name for the server: letters, digits, "_", "-" and ".".
      version: whole number of at least 1; None for the next version.
      metadata: facts about the run, all optional: `config` (dict), `dataset` (name of a data set of the zoo, or a dict
        with `name`), `seed`, `metrics` (dict of name to a dict with `value`, `protocol` and optionally `stderr`);
        `serving.metadata.describe` adds the others.

    Returns:
      The version folder's path, a string.

    Raises:
      InvalidInput: an invalid name or version; a version that already exists; a model without endpoints, or with NaN
        weights; metadata that JSON cannot represent; a directory that cannot be written, or a full disk.

    Example:
      >>> export(model, "saved_models", "vae_mnist", metadata={"dataset": "mnist", "seed": 0})
      'saved_models/vae_mnist/1'
    """
    from dgm_zoo.serving.signatures import signatures
    from dgm_zoo.serving.warmup import write_warmup

    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", str(name)):
        raise InvalidInput(f"name '{name}' cannot be served; use letters, digits, '_', '-' and '.'")
    folder = Path(directory) / name
    _version(folder, version)
    given = check_given(metadata)
    if not model.endpoints():
        raise InvalidInput(f"{type(model).__name__} has no endpoints, so there is nothing to export")
    spoilt = [v.path for v in model.weights if not np.isfinite(v.numpy()).all()]
    if spoilt:
        raise InvalidInput(
            f"variable '{spoilt[0]}' of {type(model).__name__} is NaN or infinite, so every answer would be; train it "
            "again with a lower learning rate"
        )
    served = _without_optimizer(model)
    functions = signatures(served)
    with _claimed(folder):
        version = _version(folder, version)
        described = describe(served, functions, name, version, given)
        with whole(folder / str(version)) as scratch:
            _save(functions, scratch)
            write_warmup(scratch, name, served.endpoints())
            served.save(scratch / MODEL_FILE)
            write_metadata(scratch, described)
            write_card(scratch, described)
    return str(folder / str(version))


def _version(folder, version):
    if version is None:
        taken = os.listdir(folder) if folder.is_dir() else []
        return max((int(one) for one in taken if one.isdigit()), default=0) + 1
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise InvalidInput(
            f"version must be a whole number of at least 1, got {version!r}; leave it out for the next version"
        )
    if (folder / str(version)).exists():
        raise InvalidInput(f"{folder / str(version)} exists; give another version, or leave it out for the next one")
    return version


def _save(functions, folder):
    """Writes the SavedModel: one signature per function, the first one also as `serving_default`, and the variables.

    Concrete traces are saved. For a `tf.function`, which `keras.export.ExportArchive` would save, TensorFlow makes a
    second trace and stores both, which takes twice the time and space.
    """
    import tensorflow as tf

    traces = {name: function.get_concrete_function() for name, function in functions.items()}
    module = tf.Module()
    module.used = list({id(one): one for trace in traces.values() for one in trace.graph.variables}.values())
    for name, trace in traces.items():
        setattr(module, name, trace)
    tf.saved_model.save(module, str(folder), {**traces, "serving_default": next(iter(traces.values()))})


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
        handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # ends with the process
        remove_leftovers(folder)
        yield
    finally:
        os.close(handle)
