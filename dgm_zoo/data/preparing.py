"""Folders of data sets, and the preparation of missing ones."""

import contextlib
import glob
import importlib
import io
import os
import queue
import stat
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

from dgm_zoo.checks import check_path
from dgm_zoo.data.sets import SETS, entry
from dgm_zoo.errors import InvalidInput

_DEFAULT_DIR = "~/tensorflow_datasets"  # TFDS's own
_PATIENCE = 10.0  # seconds for the server of a download to answer


def prepare(
    name: str, data_dir: str | os.PathLike | None = None, manual_dir: str | os.PathLike | None = None
) -> str:
    """Prepares a data set for `load` unless it is prepared already, and returns its folder.

    Args:
      name: one of `list_datasets()`. `bars`, `digits`, `emoji`, `freedoom_bands`, `gaussian_mixtures` and `patterns`
        are built in seconds, offline. `jsb_chorales`, `mnist_m`, `mnist_textures`, `pianoroll`, `textured_digits`,
        `uci_binary` and `usps` are read from files that you supply: see `builders/` for their sources; the sets made
        of textures also need `mnist`. TFDS downloads the others.
      data_dir: see `load`.
      manual_dir: folder of these files; None for `downloads/manual/<builder>` in data_dir, such as
        `downloads/manual/uci_binary`.

    Raises:
      InvalidInput: the name is unknown; the set cannot be downloaded or written; its files are missing, cannot be read,
        or differ from the published ones; the set that it is made of is not prepared; or manual_dir is given
        for a `pianoroll` that is prepared already.

    Example:
      >>> prepare("digits", "/tmp/sets")
      '/tmp/sets/digits/1.0.0'
    """
    wanted, found = entry(name), prepared_in(name, data_dir)
    if wanted.own:
        return wanted.own.path
    if found and manual_dir is not None and wanted.yours:
        raise InvalidInput(
            f"'{name}' is prepared in {found} already, perhaps from other files than those in {manual_dir}; remove "
            "that folder, or give another data_dir (or TFDS_DATA_DIR)"
        )
    if found and (data_dir is None or found.startswith(os.path.join(data_folder(data_dir), ""))):
        return found
    manual_dir, made_of = _manual_dir(name, data_dir, manual_dir), SETS[name].made_of
    parts = {made_of: directory(made_of, data_dir)} if made_of else {}
    failures = []
    for folder in _folders(name, data_dir):
        try:
            return _prepare_in(_stored(name), folder, manual_dir, parts)
        except OSError as error:
            failures.append(f"{folder}: {error}")
    raise InvalidInput(
        f"data set '{name}' could not be prepared ({'; '.join(failures)}); "
        "it needs a network, and a data_dir that can be written to"
    )


def directory(name: str, data_dir: str | os.PathLike | None = None) -> str:
    """Returns the folder of a prepared set; prepares the set first if it has a builder here.

    Raises:
      InvalidInput: the set is not prepared, and its preparation needs a network or a file.
    """
    builder = entry(name).builder
    found = prepared_in(name, data_dir)
    if found is None:
        if builder is None:
            raise InvalidInput(
                f"data set '{name}' is not prepared in {data_folder(data_dir)}; "
                f"run 'dgm-zoo data prepare {name}' once, with a network, or set TFDS_DATA_DIR"
            )
        found = prepare(name, data_dir)
    return found


def data_folder(data_dir: str | os.PathLike | None) -> str:
    """Returns the data folder: the argument, TFDS_DATA_DIR or the default."""
    if data_dir is not None and not (isinstance(data_dir, str) and data_dir == ""):
        check_path("data_dir", data_dir)
    return os.path.expanduser(data_dir or os.environ.get("TFDS_DATA_DIR") or _DEFAULT_DIR)


def _manual_dir(name, data_dir, manual_dir):
    """Returns the folder of a set's manual files after checking that they exist; None for a set that needs none."""
    wanted = SETS[name]
    if wanted.manual is None:
        if manual_dir is not None:
            raise InvalidInput(f"manual_dir={manual_dir!r}, but '{name}' is read from no file of yours; leave it out")
        return None
    folder = os.path.join(data_folder(data_dir), "downloads", "manual", wanted.builder)
    folder = os.path.expanduser(check_path("manual_dir", manual_dir or folder))
    if not glob.glob(os.path.join(glob.escape(folder), wanted.manual), recursive=True):
        raise InvalidInput(
            f"data set '{name}' is read from {wanted.manual}, which is not in {folder}; run 'dgm-zoo data prepare "
            f"{name} --manual_dir=FOLDER' with the folder that has it ({wanted.source})"
        )
    return folder


def _folders(name, data_dir):
    """Returns the folders that may hold a set: the caller's, and two more for a set of builders/."""
    folders = [data_folder(data_dir)]
    if SETS[name].builder:
        folders.append(os.path.expanduser(_DEFAULT_DIR))
        folders.append(_last_resort())
    return folders


def _last_resort():
    """The folder for a user whose home cannot be written to. Others may write beside it, so it has to be private."""
    return os.path.join(tempfile.gettempdir(), f"dgm_zoo_data_{_user()}")


def _user():
    """The number of the user's account; None on Windows, where each user has a temporary folder of their own."""
    return getattr(os, "getuid", lambda: None)()


def _is_trusted(folder):
    """Returns whether nobody else can have written to `folder`, if it is the last resort: False without one."""
    if folder != _last_resort() or _user() is None:
        return True
    with contextlib.suppress(FileNotFoundError):
        found = os.lstat(folder)
        return stat.S_ISDIR(found.st_mode) and found.st_uid == _user() and not found.st_mode & 0o077
    return False


def _stored(name):
    """Returns the set that stores the examples of `name`: itself unless the table names another."""
    return SETS[name].stored_as or name


def prepared_in(name: str, data_dir: str | os.PathLike | None) -> str | None:
    """Returns the folder of a prepared set, or None. TFDS writes dataset_info.json last.

    Raises:
      InvalidInput: the set is a user's own, which lies at its own path, and data_dir is given.
    """
    own = entry(name).own
    if own and data_dir is not None:
        raise InvalidInput(f"data_dir={data_dir!r}, but '{name}' is read from its own path; leave data_dir out")
    if own:
        return own.path
    for folder in _folders(name, data_dir):
        path = os.path.join(folder, _stored(name), SETS[name].version)
        if _is_trusted(folder) and os.path.isfile(os.path.join(path, "dataset_info.json")):
            return path
    return None


def _prepare_in(name, folder, manual_dir, parts):
    """Prepares a set in a temporary folder and renames it into place, so that two processes may race.

    (TFDS's own temporary names come from Python's global generator: two processes with one seed would clash.)
    """
    import tensorflow_datasets as tfds

    wanted = SETS[name]
    if os.path.isdir(folder) and not os.stat(folder).st_mode & 0o222:  # checked here because root could write anyway
        raise PermissionError("the folder is read-only")
    if folder == _last_resort():
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
    if not _is_trusted(folder):
        raise PermissionError("others can write to it or own it; delete it")
    place = os.path.join(folder, name)
    os.makedirs(place, exist_ok=True)
    config = tfds.download.DownloadConfig(try_download_gcs=False, manual_dir=manual_dir)
    with tempfile.TemporaryDirectory(dir=place, prefix="incomplete.") as scratch:
        if wanted.builder:
            importlib.import_module(f"dgm_zoo.data.builders.{wanted.builder}")
        builder = tfds.builder(f"{name}:{wanted.version}", data_dir=scratch, **parts)
        if not wanted.builder:
            _check_network(next(iter(builder.url_infos)))
        with _silence() if wanted.builder else contextlib.nullcontext():
            builder.download_and_prepare(download_config=config)
        target = os.path.join(place, wanted.version)
        try:
            os.rename(os.path.join(scratch, name, wanted.version), target)
        except OSError:
            if not os.path.isfile(os.path.join(target, "dataset_info.json")):  # no other process was first
                raise
    return target


def _check_network(url):
    """Raises `ConnectionError` if the server of `url` does not answer within `_PATIENCE`: TFDS would wait for minutes.

    A thread asks, because the time to find a host's address cannot be limited.
    """
    reasons = queue.Queue()

    def ask():
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_PATIENCE).close()
        except urllib.error.HTTPError:
            pass  # an answer, too
        except OSError as error:
            reasons.put(getattr(error, "reason", error))
        reasons.put(None)

    threading.Thread(target=ask, daemon=True).start()
    try:
        reason = reasons.get(timeout=_PATIENCE)
    except queue.Empty:
        reason = f"no answer within {_PATIENCE:g} s"
    if reason:
        raise ConnectionError(f"{urllib.parse.urlsplit(url).netloc} cannot be reached: {reason}")


@contextlib.contextmanager
def _silence():
    """Keeps TFDS's messages and progress bars off the terminal; errors are still raised."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
