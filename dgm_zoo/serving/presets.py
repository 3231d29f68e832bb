"""Presets by name: their list, their folders, and their Keras models."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dgm_zoo.checks import check_path, whole_number
from dgm_zoo.errors import InvalidInput, unknown
from dgm_zoo.serving import hub, integrity, keras_part, places

if TYPE_CHECKING:  # importing it takes TensorFlow
    from dgm_zoo.core.model import GenerativeModel

ENVIRONMENT = "DGM_ZOO_PRESETS"


def list_presets() -> list[str]:
    """Returns the names of the presets, sorted.

    Presets are folders `<name>/<version>/` in the folders listed in the environment variable DGM_ZOO_PRESETS (separated
    as in PATH), then in `saved_models` of the checkout or of the installed package, then in `saved_models` of the
    current folder. Of two with one name, the first counts.

    Example:
      >>> list_presets()
      ['iwae_mnist', 'vae_digits', 'vae_mnist']
    """
    return sorted(_presets())


def preset_dir(name_or_dir: str | os.PathLike, version: int | None = None) -> str:
    """Returns the path of a preset's version folder, a string.

    Args:
      name_or_dir: name of a preset; a folder `<name>/` or `<name>/<version>/`; or "hf://owner/name" for a preset on a
        hub, see `serving.hub.download`.
      version: whole number; None for the latest version.

    Raises:
      InvalidInput: an unknown name (the message suggests the nearest one), a folder without a preset, an unknown
        version, or ".." in a name.

    Example:
      >>> preset_dir("vae_mnist")
      'saved_models/vae_mnist/1'
    """
    folder = _folder(name_or_dir)
    if version is not None:
        version = whole_number("version", version, 0, 2**63 - 1)
    if not folder.is_dir():
        if os.path.basename(name_or_dir) != str(name_or_dir):
            raise InvalidInput(f"folder '{name_or_dir}' does not exist; give a preset's name or its folder")
        raise unknown("preset", name_or_dir, list_presets())
    if keras_part.file_in(folder):
        if version not in (None, int(folder.name) if folder.name.isdigit() else folder.name):
            raise InvalidInput(f"'{folder}' is already a version folder; leave out version={version!r}")
        return str(folder)
    known = versions(folder)
    if not known:
        raise InvalidInput(f"'{folder}' has no version of a preset; make one with dgm-zoo export")
    if version is not None and version not in known:
        raise InvalidInput(f"'{folder}' has no version {version!r}; it has {', '.join(map(str, known))}")
    return str(folder / str(known[-1] if version is None else version))


def from_preset(name_or_dir: str | os.PathLike, version: int | None = None) -> "GenerativeModel":
    """Returns the Keras model of a preset with its weights, not compiled.

    Args:
      name_or_dir, version: see `preset_dir`.

    Raises:
      InvalidInput: an unknown preset; a file whose SHA-256 is not the one in `metadata.json`; or a Keras model that is
        damaged or not one of dgm_zoo.

    Example:
      >>> from_preset("vae_mnist").sample(64, seed=0).shape
      (64, 28, 28, 1)
    """
    folder = Path(preset_dir(name_or_dir, version))
    integrity.check(folder)

    from dgm_zoo.models import GenerativeModel  # this import also registers the classes with Keras

    return keras_part.load(folder, GenerativeModel)


def versions(folder: str | os.PathLike) -> list[int]:
    """Returns the versions in a preset's folder, ascending; empty if it has none."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(int(name) for name in names if name.isdigit() and keras_part.file_in(Path(folder) / name))


def _presets():
    """Returns a dict of preset name to folder; earlier places take precedence."""
    found = {}
    for place in _places():
        for folder in sorted(place.iterdir()) if place.is_dir() else []:
            if versions(folder):
                found.setdefault(folder.name, folder)
    return found


def _places():
    given = [place for place in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if place]
    return [*(Path(place).expanduser() for place in given), places.shipped(places.PRESETS), Path(places.PRESETS)]


def _folder(name_or_dir):
    """Returns the folder that a name, a path or an address stands for, which need not exist."""
    text = check_path("preset", name_or_dir)
    if text.startswith(hub.PREFIX):
        return hub.download(text)
    explicit = os.path.isabs(text) or re.match(r"\.\.?[/\\]", text)
    if ".." in Path(text).parts and not explicit:
        raise InvalidInput(f"preset '{text}' contains '..'; give a name, or a path that begins with ./ or ../")
    return _presets().get(text) or Path(text)
