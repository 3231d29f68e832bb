"""Presets on a model hub: `hf://owner/name`, through the optional package `huggingface_hub`.

A repository of the hub holds one version folder at its top, so that the hub shows the preset's card as its page.
"""

import importlib
import os
import re
from pathlib import Path
from types import ModuleType

from dgm_zoo.errors import InvalidInput

PREFIX = "hf://"
PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"


def download(address: str) -> Path:
    """Returns the folder of a hub's preset, in the cache of `huggingface_hub`, downloaded if it is not there.

    With the environment variable HF_HUB_OFFLINE=1 only the cache is read.

    Args:
      address: "hf://owner/name", or "hf://owner/name@revision" for a branch, a tag or a commit.

    Raises:
      InvalidInput: a malformed address, `huggingface_hub` is not installed, or the preset cannot be had (unknown,
        private, offline and not in the cache).

    Example:
      >>> download("hf://me/vae_mnist@v1")
    """
    repository, revision = _parse(address)
    hub = _hub()
    try:
        return Path(hub.snapshot_download(repository, revision=revision))
    except Exception as error:  # its HTTP client, another one in each major version, has exceptions of its own
        raise _failed(f"'{address}' cannot be downloaded", error) from None


def upload(folder: str | os.PathLike, address: str) -> str:
    """Uploads a version folder to the hub, into a repository that is made if missing; returns the commit's URL.

    Args:
      folder: the version folder.
      address: "hf://owner/name"; with "@revision", a branch that exists.

    Raises:
      InvalidInput: see `download`; or the hub refuses, for example because nobody is logged in.
    """
    repository, revision = _parse(address)
    api = _hub().HfApi()
    try:
        api.create_repo(repository, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository, folder_path=folder, revision=revision, commit_message="A preset of dgm_zoo",
        )
    except Exception as error:  # see `download`
        raise _failed(f"'{folder}' cannot be uploaded to '{address}'", error) from None
    return str(commit)


def _parse(address):
    """Returns (owner/name, revision or None)."""
    found = re.fullmatch(rf"{PREFIX}({PART}/{PART})(?:@({PART}(?:/{PART})*))?", address)
    if not found:
        raise InvalidInput(f"'{address}' is not the address of a preset on a hub; give hf://owner/name")
    return found.groups()


def _hub() -> ModuleType:
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError:
        raise InvalidInput("hf:// needs the package huggingface_hub; run pip install 'dgm_zoo[hub]'") from None


def _failed(what, error):
    reason = " ".join(str(error).split()).partition(". ")[0].rstrip(".") or type(error).__name__
    return InvalidInput(f"{what} ({reason}); check the name, the network and your login, or unset HF_HUB_OFFLINE")
