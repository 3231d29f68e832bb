"""Presets by name: which there are, where they lie, and the Keras model in one."""

import os
import zipfile
from pathlib import Path

from dgm_zoo.errors import InvalidInput, unknown

ENVIRONMENT = "DGM_ZOO_PRESETS"
MODEL_FILE = "model.keras"


def list_presets():
    """Returns the names of the presets, sorted.

    They are the folders `<name>/<version>/` in the folders that the environment variable DGM_ZOO_PRESETS names
    (separated as in PATH); without it, in `saved_models` beside the package, where that is a checkout, and in
    `saved_models` of the current folder.

    Example:
      >>> list_presets()
      ['iwae_mnist', 'vae_digits', 'vae_mnist']
    """
    return sorted(_presets())


def preset_dir(name_or_dir, version=None):
    """Returns the path of a preset's version folder, a string.

    Args:
      name_or_dir: name of a preset, or else a folder: `<name>/` or `<name>/<version>/`.
      version: whole number; the latest if None.

    Raises:
      InvalidInput: an unknown name (with the nearest one), a folder that is no preset, or a missing version.

    Example:
      >>> preset_dir("vae_mnist")
      'saved_models/vae_mnist/1'
    """
    folder = _presets().get(str(name_or_dir)) or Path(name_or_dir)
    if not folder.is_dir():
        if os.path.basename(name_or_dir) != str(name_or_dir):
            raise InvalidInput(f"folder '{name_or_dir}' does not exist; give a preset's name or its folder")
        raise unknown("preset", name_or_dir, list_presets())
    if (folder / MODEL_FILE).is_file():
        if version not in (None, int(folder.name) if folder.name.isdigit() else folder.name):
            raise InvalidInput(f"'{folder}' is one version already; leave out version={version!r}")
        return str(folder)
    known = versions(folder)
    if not known:
        raise InvalidInput(f"'{folder}' is no preset: it has no <version>/{MODEL_FILE}; make one with dgm-zoo export")
    if version is not None and version not in known:
        raise InvalidInput(f"'{folder}' has no version {version!r}; it has {', '.join(map(str, known))}")
    return str(folder / str(known[-1] if version is None else version))


def from_preset(name_or_dir, version=None):
    """Returns the Keras model of a preset, with its weights and not compiled.

    Args:
      name_or_dir, version: see `preset_dir`.

    Raises:
      InvalidInput: no such preset, or a `model.keras` that is damaged or none of dgm_zoo's.

    Example:
      >>> from_preset("vae_mnist").sample(64, seed=0).shape
      (64, 28, 28, 1)
    """
    path = Path(preset_dir(name_or_dir, version)) / MODEL_FILE

    import keras

    from dgm_zoo.models import GenerativeModel  # which also registers the classes with Keras

    try:
        model = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise InvalidInput(f"'{path}' cannot be loaded ({reason}); export the preset again") from None
    if not isinstance(model, GenerativeModel):
        raise InvalidInput(f"'{path}' holds a {type(model).__name__}, no model of dgm_zoo; export the preset again")
    return model


def versions(folder):
    """Returns the versions in a preset's folder, ascending; empty if it is none."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(int(name) for name in names if name.isdigit() and (Path(folder) / name / MODEL_FILE).is_file())


def _presets():
    """Dict of preset name to folder; an earlier place goes before a later one."""
    found = {}
    for place in _places():
        for folder in sorted(place.iterdir()) if place.is_dir() else []:
            if versions(folder):
                found.setdefault(folder.name, folder)
    return found


def _places():
    given = os.environ.get(ENVIRONMENT)
    if given:
        return [Path(place).expanduser() for place in given.split(os.pathsep) if place]
    return [Path(__file__).resolve().parents[2] / "saved_models", Path("saved_models")]
