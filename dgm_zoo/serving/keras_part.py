"""The Keras model of a preset: its config in `model.json`, its weights in the `variables/` of the SavedModel.

So a preset holds its weights once. Presets of version 0.1 hold them twice, the second time in `model.keras`; they load
as before.
"""

import json
from pathlib import Path
from typing import Any

from dgm_zoo.errors import InvalidInput, is_refused, unreadable
from dgm_zoo.files import read_json

CONFIG_FILE, ARCHIVE = "model.json", "model.keras"
WEIGHTS = "keras_weights"  # the SavedModel's attribute that lists them, in the order of `model.weights`


def file_in(folder: Path) -> Path | None:
    """Returns the file of the Keras model in a version folder; None if it has none."""
    return next((folder / name for name in (CONFIG_FILE, ARCHIVE) if (folder / name).is_file()), None)


def weights(model: Any) -> list:
    """Returns the weights of a Keras model as TensorFlow variables, for `WEIGHTS`."""
    return [weight.value for weight in model.weights]


def write(model: Any, folder: Path) -> None:
    """Writes `model.json`; the SavedModel in `folder` must list `weights(model)` as `WEIGHTS`."""
    import keras

    text = json.dumps(keras.saving.serialize_keras_object(model))
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")


def load(folder: Path, base: type) -> Any:
    """Returns the Keras model in a version folder with its weights, not compiled.

    Args:
      folder: a version folder.
      base: the class of which it must be an instance. Its class must be registered with Keras.

    Raises:
      InvalidInput: the file, or the SavedModel's variables beside it, is damaged or does not fit.
    """
    import keras
    import tensorflow as tf

    path = file_in(folder) or folder / CONFIG_FILE
    try:
        if path.name == ARCHIVE:
            model = keras.saving.load_model(path, compile=False)
        else:
            model = keras.saving.deserialize_keras_object(read_json(path))
            found = tf.train.Checkpoint(**{WEIGHTS: weights(model)}).read(str(folder / "variables" / "variables"))
            found.assert_existing_objects_matched()
    except (InvalidInput, MemoryError):
        raise
    except Exception as error:  # Keras and TensorFlow raise exceptions of many kinds for a damaged file
        if is_refused(error):
            raise unreadable(path, error) from None
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise InvalidInput(f"'{path}' cannot be loaded ({reason}); export the preset again") from None
    if not isinstance(model, base):
        raise InvalidInput(f"'{path}' holds a {type(model).__name__}, not a model of dgm_zoo; export the preset again")
    return model
