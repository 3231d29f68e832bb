"""From a trained Keras model to a version folder that TensorFlow Serving reads as it stands."""

import contextlib
import os
import re
import shutil
import uuid
from pathlib import Path

from dgm_zoo.errors import InvalidInput
from dgm_zoo.serving.card import write_card
from dgm_zoo.serving.metadata import check_given, describe, write_metadata
from dgm_zoo.serving.presets import MODEL_FILE


def export(model, directory, name, version=None, *, metadata=None):
    """Writes `<directory>/<name>/<version>/`, whole or not at all, and returns its path.

    The folder holds the SavedModel with every endpoint and its XLA twin, its warm-up requests, the Keras model
    without its optimizer, `metadata.json` and the card, `README.md`. It is built under a hidden name that
    TensorFlow Serving passes over, and renamed into place, so that a server that polls the folder never sees half
    of it.

    Args:
      model: a `GenerativeModel`; it stays as it is.
      directory: folder of the presets, such as "saved_models"; made if missing.
      name: the model's name for the server: letters, digits, "_", "-" and ".".
      version: whole number of at least 1; the next one if None.
      metadata: what only the run knows, each optional: `config` (dict), `dataset` (name of a data set of the zoo, or
        a dict with `name`), `seed`, `metrics` (dict of name to a dict with `value`, `protocol` and, where there is
        one, `stderr`); see `serving.metadata.describe` for what is added.

    Returns:
      The version folder's path, a string.

    Raises:
      InvalidInput: a name or version that cannot be; a version that exists; a model without endpoints; metadata
        that is no JSON; a directory that cannot be written.

    Example:
      >>> export(model, "saved_models", "vae_mnist", metadata={"dataset": "mnist", "seed": 0})
      'saved_models/vae_mnist/1'
    """
    from dgm_zoo.serving.signatures import signatures
    from dgm_zoo.serving.warmup import write_warmup

    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", str(name)):
        raise InvalidInput(f"name '{name}' cannot be served; use letters, digits, '_', '-' and '.'")
    folder = Path(directory) / name
    version = _version(folder, version)
    given = check_given(metadata)
    if not model.endpoints():
        raise InvalidInput(f"{type(model).__name__} has no endpoints, so there is nothing to export")
    served = _without_optimizer(model)
    functions = signatures(served)
    described = describe(served, functions, name, version, given)
    with _whole(folder / str(version)) as scratch:
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
        raise InvalidInput(f"version {version!r} is no whole number of at least 1; leave it out for the next one")
    if (folder / str(version)).exists():
        raise InvalidInput(f"{folder / str(version)} exists; give another version, or leave it out for the next one")
    return version


def _save(functions, folder):
    """Writes the SavedModel: each function a signature, the first `serving_default`, too, and the variables they use.

    What is saved are traces. Of a `tf.function`, which `keras.export.ExportArchive` saves, TensorFlow stores the trace
    that it has and a second one that it makes meanwhile, in twice the time and twice the space.
    """
    import tensorflow as tf

    traces = {name: function.get_concrete_function() for name, function in functions.items()}
    module = tf.Module()
    module.used = list({id(one): one for trace in traces.values() for one in trace.graph.variables}.values())
    for name, trace in traces.items():
        setattr(module, name, trace)
    tf.saved_model.save(module, str(folder), {**traces, "serving_default": next(iter(traces.values()))})


def _without_optimizer(model):
    """A copy of the model with the same weights: neither slots of an optimizer nor traces of training."""
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


@contextlib.contextmanager
def _whole(target):
    """Gives a hidden sibling of `target` to write into, and renames it to `target` if all went well."""
    scratch = target.parent / f".incomplete-{target.name}-{uuid.uuid4().hex}"
    try:
        scratch.mkdir(parents=True)
    except OSError as error:
        raise InvalidInput(f"cannot write to '{target.parent}' ({error.strerror}); give another directory") from None
    try:
        yield scratch
        try:
            os.rename(scratch, target)
        except OSError:
            if not target.exists():
                raise
            raise InvalidInput(f"{target} was written by another export meanwhile; export again") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
