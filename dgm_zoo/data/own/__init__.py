"""A user's own data sets, named `kind:path`: their kinds, and the `Set` that their files make.

`folder:/home/me/cats` is a folder of images, `npz:faces.npz` and `npy:x.npy` are NumPy's files (`numpy:` is either),
`csv:table.csv` is a table of numbers, `tfrecord:cats` a TFRecord file of images or a folder of such, and `tfds:NAME` a
set that TensorFlow Datasets prepared. The module of a kind has one function `find`, from
a path and a version to a `Set`; nothing outside this package asks for the kind. `register_dataset` gives arrays of
your own a name without a path.
"""

import functools
import hashlib
import importlib
import os
from pathlib import Path

from dgm_zoo.data.facts import Set
from dgm_zoo.data.own import registered
from dgm_zoo.errors import InvalidInput

KINDS = {  # kind to module
    "folder": "folders", "npz": "arrays", "npy": "arrays", "numpy": "arrays", "csv": "tables", "tfrecord": "records",
    "tfds": "prepared",
}
FORMS = [f"{kind}:PATH" for kind in KINDS]


def is_own(name: str) -> bool:
    """Returns whether a name is registered, or has the form `kind:path`, whose files need not exist."""
    return name in registered.REGISTERED or str(name).partition(":")[0] in KINDS


def full_name(name: str, path: str | os.PathLike | None = None) -> str:
    """Returns the name `kind:path` of a user's own set with an absolute path; any other name as it is.

    Args:
      name: `kind:path`, or the kind if the path is given separately, or the name of a set of the zoo.
      path: folder or file; for "tfds" the name of a set, or the folder of one version of it.

    Raises:
      InvalidInput: the path is missing, given twice, not a path, or given for a set of the zoo.

    Example:
      >>> full_name("folder", "cats")
      'folder:/home/me/cats'
    """
    kind, colon, given = str(name).partition(":")
    if kind not in KINDS:
        if path is not None:
            kinds = ", ".join(KINDS)
            raise InvalidInput(f"path={path!r} is for data of your own ({kinds}), not for '{name}'; leave it out")
        return name
    if colon and path is not None:
        raise InvalidInput(f"data set '{name}' names its path, and path={path!r} is given too; give one of them")
    path = given if path is None else path
    if not isinstance(path, (str, os.PathLike)) or not str(path) or "\0" in str(path):
        raise InvalidInput(f"data set '{kind}' needs a path, not {path!r}; give path='...', or the name '{kind}:PATH'")
    path = os.path.expanduser(path)
    return f"{kind}:{path if kind == 'tfds' and not os.path.isdir(path) else os.path.abspath(path)}"


def form_of(path: str) -> str:
    """Returns the name that a file or folder of the user's probably has as a data set, by its suffix.

    Example:
      >>> form_of("faces.npz"), form_of("cats/")
      ('npz:faces.npz', 'folder:cats/')
    """
    suffix = os.path.splitext(path)[1][1:].lower()
    return f"{suffix if suffix in KINDS else 'folder'}:{path}"


def short_name(name: str) -> str:
    """Returns the name of a set without the folders of its path, which say nothing elsewhere.

    Example:
      >>> short_name("folder:/home/me/cats")
      'folder:cats'
    """
    kind, _, path = str(name).partition(":")
    return f"{kind}:{os.path.basename(path)}" if kind in KINDS and os.path.isabs(path) else name


def entry(name: str) -> Set:
    """Returns the `Set` of a user's own set; files are read again only after they have changed.

    Raises:
      InvalidInput: the files are missing, damaged or unsuitable; one sentence names the file and the fix.
    """
    if name in registered.REGISTERED:
        return registered.entry(name)
    kind, _, path = full_name(name).partition(":")
    module = importlib.import_module(f"dgm_zoo.data.own.{KINDS[kind]}")
    return _found(module, path, _version(kind, module.place(path) if kind == "tfds" else path))


@functools.lru_cache(maxsize=8)
def _found(module, path, version):
    return module.find(path, version)


def _version(kind, path):
    """Returns a digest of the names, sizes and times of the files of a set."""
    if not os.path.exists(path):
        raise InvalidInput(f"there is no '{path}' for data set '{kind}'; correct the path")
    if kind != "tfrecord" and os.path.isdir(path) != (kind in ("folder", "tfds")):
        raise InvalidInput(f"'{path}' is {'a folder' if os.path.isdir(path) else 'a file'}, not a {kind}; correct it")
    try:
        names = files_in(path) if os.path.isdir(path) else [""]
        facts = [(name, (one := os.stat(os.path.join(path, name) if name else path)).st_size, one.st_mtime_ns)
                 for name in names]
    except OSError as error:
        raise InvalidInput(f"'{path}' cannot be read ({error.strerror}); correct its permissions") from None
    return hashlib.sha256(repr(facts).encode(errors="surrogateescape")).hexdigest()[:12]


def files_in(folder: str) -> list[str]:
    """Returns the files in a folder and below, with `/` in their relative names, sorted; hidden ones are left out."""
    found = []
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [one for one in folders if one[0] != "."]
        found += [Path(os.path.relpath(place, folder), one).as_posix() for one in files if one[0] != "."]
    return sorted(found)
