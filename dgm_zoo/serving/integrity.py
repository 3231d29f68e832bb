"""The SHA-256 of every file of a preset, in its `metadata.json`: written by `export`, checked by `from_preset`.

They show that a file is damaged or was exchanged since the export. They do not show who made the export: whoever can
rewrite `metadata.json` too can write sums that fit.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from dgm_zoo.errors import InvalidInput

METADATA_FILE = "metadata.json"


def sums(folder: str | os.PathLike) -> dict[str, str]:
    """Returns the SHA-256 of every file of a version folder except `metadata.json` and hidden ones.

    Returns:
      Dict of path in the folder, with "/", to 64 hexadecimal digits; sorted.
    """
    paths = [path.relative_to(folder) for path in Path(folder).rglob("*") if path.is_file()]
    names = [path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)]
    return {name: _sum(Path(folder) / name) for name in sorted(names) if name != METADATA_FILE}


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
        if _sum(path) != wanted:
            raise InvalidInput(
                f"'{path}' is not the file that was exported, since its SHA-256 differs from the one in "
                f"{METADATA_FILE}; export or download the preset again"
            )
    return len(recorded)


def read(path: Path) -> dict[str, Any]:
    """Returns a `metadata.json`; raises `InvalidInput` if it is missing, unreadable or not a JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except PermissionError as error:
        raise InvalidInput(f"'{path}' cannot be read ({error.strerror}); correct its permissions") from None
    except (OSError, ValueError) as error:
        raise InvalidInput(f"'{path}' cannot be read ({error}); export the preset again") from None
    if not isinstance(found, dict):
        raise InvalidInput(f"'{path}' holds {type(found).__name__}, not an object; export the preset again")
    return found


def _sum(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
