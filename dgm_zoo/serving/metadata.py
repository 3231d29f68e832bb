"""`metadata.json`: origin and endpoints of a preset in machine-readable form; the card is generated from it."""

import importlib.metadata
import inspect
import json
import os
import platform
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgm_zoo import __version__, data
from dgm_zoo.checks import check_seed, shown
from dgm_zoo.errors import InvalidInput, check_known, unknown
from dgm_zoo.serving import integrity
from dgm_zoo.serving.integrity import METADATA_FILE
from dgm_zoo.serving.presets import preset_dir

if TYPE_CHECKING:  # importing it takes TensorFlow
    from dgm_zoo.core.model import GenerativeModel

GIVEN = ("config", "dataset", "metrics", "seed")
PACKAGES = ("tensorflow", "keras", "tensorflow_probability")


def check_given(metadata: dict[str, Any] | None) -> dict[str, Any]:
    """Returns the validated metadata of a run, with the facts about its data set added.

    Args:
      metadata: None, or a dict; see `export`.

    Raises:
      InvalidInput: an unknown key or data set (the message suggests the nearest name), a metric without value or
        protocol, or a value that JSON cannot represent, such as NaN.
    """
    if not isinstance(metadata, dict | None):
        raise InvalidInput(f"metadata is {shown(metadata)}; give a dict, or None")
    given = dict(metadata or {})
    metrics, dataset = given.get("metrics"), given.get("dataset")
    fault = None if metrics is None else integrity.metrics_fault(metrics)
    if fault:
        raise InvalidInput(f"{fault}; give a dict of name to value, stderr and protocol")
    if not isinstance(dataset, str | dict | None):
        raise InvalidInput(f"metadata 'dataset' is {shown(dataset)}; give the name of a data set, or a dict")
    if not isinstance(given.get("config"), dict | None):
        raise InvalidInput(f"metadata 'config' is {shown(given['config'])}; give a dict")
    if given.get("seed") is not None:
        check_seed(given["seed"])
    for key in given:
        check_known("metadata key", key, GIVEN)
    if given.get("dataset") is not None:
        given["dataset"] = _dataset(given["dataset"])
    try:
        return json.loads(json.dumps(given, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"metadata cannot be written as JSON ({error}); give plain, finite values") from None


def describe(
    model: "GenerativeModel", functions: dict[str, Callable], name: str, version: int, given: dict[str, Any]
) -> dict[str, Any]:
    """Returns the contents of `metadata.json`.

    Args:
      model: the model, without its optimizer.
      functions: the served functions, as returned by `signatures(model)`.
      name, version: name and version of the preset.
      given: the dict returned by `check_given`.

    Returns:
      Dict with `name`, `version`, `model` (registered name), `class`, `description` (the class docstring down to its
      arguments), `parameters` (number of weights), `config`, `dataset`, `seed`, `metrics`, `endpoints` (inputs and
      outputs with dtype and shape, where None is the batch; of inputs also the range, and whether all values are 0 or
      1), `serving_default`, `finite_answers` (whether the graph refuses a request whose answer would be NaN or
      infinite; presets of version 0.1 do not), `versions`, `git_revision`. Unknown values are None.
    """
    cls = type(model)
    table = model.endpoints()
    return {
        "name": name,
        "version": version,
        "model": getattr(cls, "registered_name", None),
        "class": cls.__name__,
        "description": (inspect.getdoc(cls) or "").split("\nArgs:")[0].strip(),
        "parameters": model.count_params(),
        **{key: given.get(key) for key in GIVEN},
        "endpoints": {
            key: {
                "doc": table[key].doc,
                "inputs": {
                    one: {**_array(wanted.dtype, [None, *wanted.shape]), "range": wanted.range, "binary": wanted.binary}
                    for one, wanted in table[key].inputs.items()
                },
                "outputs": {
                    one: _array(tensor.dtype, tensor.shape.as_list())
                    for one, tensor in functions[key].get_concrete_function().structured_outputs.items()
                },
            }
            for key in functions
            if key in table
        },
        "serving_default": next(iter(functions)),
        "finite_answers": True,
        "versions": {
            "python": platform.python_version(),
            **{one: importlib.metadata.version(one) for one in PACKAGES},
            "dgm_zoo": __version__,
        },
        "git_revision": git_revision(),
    }


def write_metadata(folder: str | os.PathLike, metadata: dict[str, Any]) -> None:
    """Writes `metadata.json` into a version folder, with the SHA-256 of the folder's other files as `files`."""
    text = json.dumps({**metadata, "files": integrity.sums(folder)}, indent=2, allow_nan=False)
    (Path(folder) / METADATA_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")


def read_metadata(name_or_dir: str | os.PathLike, version: int | None = None) -> dict[str, Any]:
    """Returns the `metadata.json` of a preset as a dict.

    Args:
      name_or_dir, version: see `serving.from_preset`.

    Raises:
      InvalidInput: an unknown preset, or a file that is missing or is not JSON.

    Example:
      >>> read_metadata("vae_mnist")["metrics"]["test_log_likelihood"]["value"]
    """
    path = Path(preset_dir(name_or_dir, version)) / METADATA_FILE
    found = integrity.read(path)
    missing = [key for key in ("name", *GIVEN, "endpoints") if key not in found]
    if missing:
        raise InvalidInput(f"'{path}' has no '{missing[0]}'; export the preset again")
    return found


def git_revision() -> str | None:
    """Returns the commit of the package's git checkout, with "-dirty" if it was changed; None outside a checkout."""
    package = Path(__file__).resolve().parents[1]
    top = _git(package, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != package.parent:  # installed, possibly inside another checkout
        return None
    return _git(package, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _git(folder, *arguments):
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None


def _dataset(given):
    given = {"name": given} if isinstance(given, str) else dict(given)
    if "name" not in given:
        raise InvalidInput("metadata 'dataset' has no 'name'; give one")
    if given.get("target"):  # of a model of two domains
        if not isinstance(given["target"], str | dict):
            target = shown(given["target"])
            raise InvalidInput(f"the 'target' of metadata 'dataset' is {target}; give a name, or a dict")
        given["target"] = _dataset(given["target"])
    if given["name"] not in data.list_datasets():
        if set(given) <= {"name", "target"}:
            raise unknown("data set", given["name"], data.list_datasets())
        return given
    info = data.info(given["name"])
    return {"version": info.version, "source": info.source, "licence": info.licence, **given}


def _array(dtype, shape):
    return {"dtype": dtype.name, "shape": shape}
