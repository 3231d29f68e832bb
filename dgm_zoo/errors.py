"""Errors that a user can fix: one sentence that names the value and the fix."""

import difflib
import errno
import re
from collections.abc import Iterable
from typing import Any

LONGEST = 200  # characters of a value in a message


class InvalidInput(ValueError):
    """An invalid argument, file or config; the message is one sentence that states the fix.

    The command line prints only the message and exits with code 2. Any other exception is a fault of the package and
    keeps its traceback. A value in it that is printed on several lines, such as an array, is joined to one.
    """

    def __init__(self, message: object) -> None:
        super().__init__(re.sub(r"\s*\n\s*", " ", str(message)))


class NonFiniteLoss(FloatingPointError):
    """A term of the objective became NaN or infinite; the message names the step and the term."""


class LostWorker(RuntimeError):
    """Another worker of a run on several machines has ended or cannot be reached; the message says what to do."""


def unknown(kind: str, name: Any, options: Iterable) -> InvalidInput:
    """Returns the `InvalidInput` for a name that is not among `options`; it suggests the nearest one.

    Args:
      kind: kind of the named object, for the message ("model", "data set", "config key").
      name: the unknown name.
      options: the known names.

    Example:
      >>> raise unknown("model", "vea", ["vae", "iwae"])
      InvalidInput: unknown model 'vea'; did you mean 'vae'? (known: iwae, vae)
    """
    options, name = sorted(str(o) for o in options), str(name)
    near = difflib.get_close_matches(name, options, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    name = name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..."
    return InvalidInput(f"unknown {kind} '{name}'{hint} (known: {', '.join(options) or 'none'})")


def check_known(kind: str, name: Any, options: Iterable) -> None:
    """Raises what `unknown` returns unless `name` is a string among `options`.

    Example:
      >>> check_known("model", ["vae"], ["vae", "iwae"])
      InvalidInput: unknown model '['vae']'; did you mean 'vae'? (known: iwae, vae)
    """
    if not (isinstance(name, str) and name in options):
        raise unknown(kind, name, options)


def is_refused(error: BaseException) -> bool:
    """Whether the operating system refused a file that may be whole; not if it is gone."""
    return isinstance(error, OSError) and error.errno not in (None, errno.ENOENT)


def unreadable(path: Any, error: Any) -> InvalidInput:
    """Returns the `InvalidInput` for a file that cannot be opened, whatever it holds."""
    return InvalidInput(f"'{path}' cannot be read ({error.strerror}); correct its permissions, or check the disk")
