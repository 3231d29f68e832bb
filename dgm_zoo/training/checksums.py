"""Whether a checkpoint is whole: its files against their SHA-256, its history against its epoch."""

import json
from pathlib import Path

import numpy as np

from dgm_zoo.errors import unreadable
from dgm_zoo.files import read_json, sha256

SUMS_FILE = "sha256.json"
MODELS = ("model.keras", "best.keras")
MONITOR = "val_loss"


def write_sums(folder: Path) -> None:
    """Writes the SHA-256 of every file of a checkpoint's folder to `sha256.json` in it."""
    sums = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    (folder / SUMS_FILE).write_text(json.dumps(sums, indent=2))


def damage(folder: Path) -> str | None:
    """Returns what is wrong with the checkpoint in `folder`; None if it is whole.

    Checkpoints of version 0.1 have no `sha256.json`: of these only the records are checked.

    Raises:
      InvalidInput: a file cannot be read, for example for want of permission: it may be whole.
    """
    try:
        sums = read_json(folder / SUMS_FILE) if (folder / SUMS_FILE).exists() else {}
        if not isinstance(sums, dict):
            return f"{SUMS_FILE} is not a table"
        found = {name: sha256(folder / name) for name in {**sums, **dict.fromkeys(MODELS)}}
        changed = [name for name, one in found.items() if sums and one != sums.get(name)]
        if changed:
            return f"{changed[0]} is not the file that was written"
        history, progress = (read_json(folder / f"{name}.json") for name in ("history", "progress"))
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except ValueError as error:
        return f"a record is not JSON: {error}"
    except OSError as error:
        raise unreadable(error.filename or folder, error) from None
    if not isinstance(history, list) or not all(map(_is_logs, history)):
        return "history.json does not hold the logs of each epoch"
    if len(history) != int(folder.name.rpartition("_")[2]):
        return f"history.json has {len(history)} epochs"
    if not isinstance(progress, dict) or not _is_number(progress.get("seconds")):
        return "progress.json has no seconds"
    return None


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value)


def _is_logs(value):
    return isinstance(value, dict) and MONITOR in value and all(map(_is_number, value.values()))
