"""The SHA-256 of every file of a preset, in its `metadata.json`: written by `export`, checked by `from_preset`.

They show that a file is damaged or was exchanged since the export. They do not show who made the export: whoever can
rewrite `metadata.json` too can write sums that fit.
"""

import os
from pathlib import Path
from typing import Any

from dgm_zoo.checks import is_number, shown
from dgm_zoo.errors import InvalidInput, unreadable
from dgm_zoo.files import read_json, sha256

METADATA_FILE = "metadata.json"


def sums(folder: str | os.PathLike) -> dict[str, str]:
    """Returns the SHA-256 of every file of a version folder except `metadata.json` and hidden ones.

    Returns:
      Dict of path in the folder, with "/", to 64 hexadecimal digits; sorted.
    """
    paths = [path.relative_to(folder) for path in Path(folder).rglob("*") if path.is_file()]
    names = [path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)]
    return {name: sha256(Path(folder) / name) for name in sorted(names) if name != METADATA_FILE}


def check(folder: str | os.PathLike) -> int:
    """Compares the files of a version folder with the sums in its `metadata.json`.

    Returns:
      The number of files; 0 if there are no sums, as in presets that version 0.1 exported.

    Raises:
      InvalidInput: a file is missing or differs (the message names the first one), or `metadata.json` is damaged.
    """
    folder = Path(folder)
    if not (folder / METADATA_FILE).is_file():
        return 0
    recorded = read(folder / METADATA_FILE).get("files") or {}
    for name, wanted in recorded.items():
        path = folder / name
        if not path.is_file():
            raise InvalidInput(f"'{path}' is missing from its preset; export or download the preset again")
        try:
            fits = sha256(path) == wanted
        except OSError as error:
            raise unreadable(path, error) from None
        if not fits:
            raise InvalidInput(
                f"'{path}' is not the file that was exported, since its SHA-256 differs from the one in "
                f"{METADATA_FILE}; export or download the preset again"
            )
    return len(recorded)


def read(path: Path) -> dict[str, Any]:
    """Returns a `metadata.json`; raises `InvalidInput` if it is missing, unreadable or not the record of a preset."""
    try:
        found = read_json(path)
    except (FileNotFoundError, ValueError) as error:
        raise InvalidInput(f"'{path}' cannot be read ({error}); export the preset again") from None
    except OSError as error:
        raise unreadable(path, error) from None
    if not isinstance(found, dict):
        raise InvalidInput(f"'{path}' holds {type(found).__name__}, not an object; export the preset again")
    wrong = [key for key in ("config", "metrics", "endpoints", "files") if not isinstance(found.get(key), dict | None)]
    fault = f"its {wrong[0]} is {shown(found[wrong[0]])}" if wrong else metrics_fault(found.get("metrics") or {})
    if fault:
        raise InvalidInput(f"'{path}' is not the record of a preset ({fault}); export the preset again")
    return found


def metrics_fault(metrics: Any) -> str | None:
    """Returns what is wrong with a run's metrics, a dict of name to value, stderr and protocol; None if nothing is.

    Example:
      >>> metrics_fault({"nll": {"value": 1.0}})
      "metric 'nll' has no 'protocol'"
    """
    if not isinstance(metrics, dict):
        return f"the metrics are {shown(metrics)}"
    for name, metric in metrics.items():
        if not isinstance(metric, dict):
            return f"metric '{name}' is {shown(metric)}"
        for key in ("value", "protocol"):
            if key not in metric:
                return f"metric '{name}' has no '{key}'"
        if not is_number(metric["value"]) or not (metric.get("stderr") is None or is_number(metric["stderr"])):
            return f"metric '{name}' is {shown(metric['value'])} ± {shown(metric.get('stderr'))}"
        if not isinstance(metric["protocol"], str):
            return f"the protocol of metric '{name}' is {shown(metric['protocol'])}"
    return None
