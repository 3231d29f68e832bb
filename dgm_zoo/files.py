"""Files and folders that are written whole or not at all; their contents; messages for what a system refuses."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dgm_zoo.checks import check_path
from dgm_zoo.errors import InvalidInput

HIDDEN = ".incomplete-"  # begins the name of what is being written
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def whole(path: str | os.PathLike) -> Iterator[Path]:
    """Context that gives a hidden path to write, a file or a folder, and renames it to `path` if no error occurred.

    What was written is flushed to the disk before the rename, and the rename after it, so that a complete `path`
    survives a loss of power. After an error nothing is left. A file at `path` is replaced; a folder is not.

    Args:
      path: the path; its folder is created if missing. The hidden path is beside it and has the same ending.

    Raises:
      InvalidInput: see `writing`.

    Example:
      >>> with whole("results.json") as partial:
      ...     partial.write_text(text)
    """
    path = Path(os.path.realpath(check_path("path", path)))
    if not path.name:
        raise InvalidInput(f"'{path}' is the root of all folders; choose a place in it")
    partial = path.with_name(f"{HIDDEN}{uuid.uuid4().hex}{path.suffix}")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            flush(partial)
            if partial.is_dir() and path.exists():
                raise InvalidInput(f"'{path}' was written by another process at the same time; run this one again")
            partial.replace(path)  # also over a file on Windows
            _sync(path.parent)
    finally:
        _remove(partial)


@contextlib.contextmanager
def writing(path: str | os.PathLike) -> Iterator[None]:
    """Context in which an operating system's refusal to write `path` becomes one sentence.

    Raises:
      InvalidInput: the disk is full, or the path cannot be written. Libraries report a full disk as various errors, so
        its text counts too.
    """
    try:
        yield
    except InvalidInput:
        raise
    except Exception as error:
        chain = [error]
        while (before := chain[-1].__cause__ or chain[-1].__context__) and before not in chain:
            chain.append(before)
        code = next((code for code in FULL for one in chain if _has(one, code)), None)
        if code:
            raise InvalidInput(
                f"'{path}' was not written ({os.strerror(code)}); free space and run the same command again"
            ) from None
        if isinstance(error, OSError) and error.strerror:
            raise InvalidInput(f"'{path}' cannot be written ({error.strerror}); choose another place") from None
        raise


def _has(error, code):
    return getattr(error, "errno", None) == code or os.strerror(code).lower() in str(error).lower()


def remove_leftovers(folder: Path) -> None:
    """Deletes what killed processes left half-written in `folder`, which no other process may be writing to."""
    for partial in folder.glob(f"{HIDDEN}*"):
        _remove(partial)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()


def flush(path: Path) -> None:
    """Waits until a file, or everything in a folder, is on the disk."""
    for one in [*path.rglob("*"), path]:
        _sync(one)


def _sync(path):
    if os.name == "nt" and path.is_dir():  # Windows opens no folders
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_writable(name: str, path: str | os.PathLike, folder: bool = False) -> None:
    """Raises `InvalidInput` unless a file can be created or replaced at `path`, or in it; changes nothing.

    Args:
      name: how the message calls it, such as "workdir 'runs/a'".
      path: the path.
      folder: whether it is that of a folder.
    """
    path = Path(path).absolute()
    if "\0" in str(path):
        raise InvalidInput(f"{name!r} has a zero byte in its name; remove it")
    with writing(path):  # a name that is too long
        there = next(one for one in (path, *path.parents) if one.exists())
    if (folder or there != path) and not there.is_dir():
        raise InvalidInput(f"{name} cannot be made, since '{there}' is a file; give a folder")
    if not os.access(there, os.W_OK | os.X_OK if there.is_dir() else os.W_OK):
        raise InvalidInput(f"{name} cannot be written, since '{there}' is read-only; choose another")


def read_json(path: str | os.PathLike) -> Any:
    """Returns what a JSON file holds; raises `OSError` if it cannot be read, and `ValueError` if it is not JSON.

    Example:
      >>> read_json("results.json")["metrics"]
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it is nested thousands of levels deep") from None


def sha256(path: str | os.PathLike) -> str:
    """Returns the SHA-256 of a file: 64 hexadecimal digits; raises `OSError` if it cannot be read."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
