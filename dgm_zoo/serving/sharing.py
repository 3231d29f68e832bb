"""Presets between machines: `pull` and `push` through a hub, `seal` to record the files' sums, `verify` to try them."""

import os
import shutil
from pathlib import Path
from typing import Any

from dgm_zoo.checks import whole_number
from dgm_zoo.errors import InvalidInput
from dgm_zoo.files import whole
from dgm_zoo.serving import hub, integrity
from dgm_zoo.serving.card import write_card
from dgm_zoo.serving.export import check_name
from dgm_zoo.serving.metadata import read_metadata, write_metadata
from dgm_zoo.serving.presets import from_preset, preset_dir

ATOL, RTOL = 1e-3, 1e-4  # between Keras and the SavedModel, which round differently


def pull(address: str, directory: str | os.PathLike) -> str:
    """Copies a preset of a hub to `<directory>/<name>/<version>/`, as TensorFlow Serving reads it; returns that path.

    Args:
      address: see `serving.hub.download`.
      directory: folder of the presets, created if missing.

    Raises:
      InvalidInput: the download fails, a file differs from its sum, or the version exists already.

    Example:
      >>> pull("hf://me/vae_mnist", "saved_models")
      'saved_models/vae_mnist/1'
    """
    folder = hub.download(address)
    metadata = read_metadata(folder)
    integrity.check(folder)
    check_name(metadata.get("name"))
    target = Path(directory) / metadata["name"] / str(whole_number("version", metadata.get("version"), 1, 2**63 - 1))
    if target.exists():
        raise InvalidInput(f"'{target}' exists; delete it, or pull into another folder")
    with whole(target) as scratch:
        shutil.copytree(folder, scratch, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
    return str(target)


def push(name_or_dir: str | os.PathLike, address: str, version: int | None = None) -> str:
    """Uploads a preset to a hub; returns the commit's URL.

    Args:
      name_or_dir, version: see `preset_dir`.
      address: see `serving.hub.upload`.

    Raises:
      InvalidInput: an unknown preset, a file that differs from its sum, or the upload fails.
    """
    folder = preset_dir(name_or_dir, version)
    integrity.check(folder)
    return hub.upload(folder, address)


def seal(name_or_dir: str | os.PathLike, version: int | None = None) -> str:
    """Writes a preset's card and the sums of its files anew, from `metadata.json` and the files; returns the folder.

    For presets of earlier versions of the package, and after a change that was meant.

    Args:
      name_or_dir, version: see `preset_dir`.
    """
    folder = preset_dir(name_or_dir, version)
    metadata = read_metadata(folder)
    metadata.pop("files", None)
    write_card(folder, metadata)
    write_metadata(folder, metadata)
    return folder


def verify(name_or_dir: str | os.PathLike, version: int | None = None) -> dict[str, Any]:
    """Compares a preset's files with their sums, and the answers of Keras and TensorFlow at each endpoint.

    Args:
      name_or_dir, version: see `preset_dir`.

    Returns:
      Dict of `name`, `version`, `folder`, `files` (their number) and `endpoints` (their names).

    Raises:
      InvalidInput: there are no sums, a file differs, the preset does not load, or its answers or endpoints differ.

    Example:
      >>> verify("vae_digits")["endpoints"]
      ['sample', 'encode', 'decode', 'reconstruct', 'log_likelihood']
    """
    folder = preset_dir(name_or_dir, version)
    metadata, files = read_metadata(folder), integrity.check(folder)
    if not files:
        raise InvalidInput(
            f"'{folder}' has no sums of its files; if you trust them, run dgm-zoo presets seal {name_or_dir}"
        )
    model = from_preset(folder)

    import numpy as np
    import tensorflow as tf

    from dgm_zoo.serving.warmup import one_row

    try:
        served = tf.saved_model.load(folder)
    except Exception as error:  # TensorFlow raises exceptions of many kinds for a damaged file
        raise InvalidInput(f"the SavedModel in '{folder}' cannot be loaded ({error}); export it again") from None
    table = model.endpoints()
    if set(table) != set(metadata["endpoints"]) or not set(table) <= set(served.signatures):
        raise InvalidInput(f"'{folder}' does not have the endpoints {', '.join(table)} of its model; export it again")
    for endpoint, entry in table.items():
        request = one_row(entry)
        mine = model.answer(endpoint, **request)
        its = served.signatures[endpoint](**{key: tf.constant(value) for key, value in request.items()})
        for key, value in mine.items():
            if not np.allclose(its[key], value, atol=ATOL, rtol=RTOL):
                raise InvalidInput(f"Keras and TensorFlow differ at '{endpoint}' of '{folder}'; export it again")
    return {
        "name": metadata["name"], "version": metadata["version"], "folder": folder, "files": files,
        "endpoints": list(table),
    }
