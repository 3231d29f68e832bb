"""Modules of a user's own, which register her models, data sets and measures when they are imported."""

import importlib
import re
from typing import Any

from dgm_zoo.errors import InvalidInput

NAME = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"


def import_modules(names: Any) -> None:
    """Imports modules by name, as a config's `imports` or the flag `--imports` lists them.

    Args:
      names: list of names such as "my_package.wae", found on Python's path; the command adds the current folder to it.

    Raises:
      InvalidInput: not a list of names, or a module that does not exist or raises an error.

    Example:
      >>> import_modules(["my_package.wae"])
    """
    if not isinstance(names, list) or not all(isinstance(one, str) and re.fullmatch(NAME, one) for one in names):
        raise InvalidInput(f"imports is {names!r}; give a list of module names, such as ['my_package.wae']")
    for name in names:
        try:
            importlib.import_module(name)
        except (Exception, SystemExit) as error:  # a user's file may raise any exception
            if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
                advice = "install it, or run the command in the folder that holds it"
                raise InvalidInput(f"there is no module '{error.name}' to import; {advice}") from None
            raise InvalidInput(f"module '{name}' is broken ({type(error).__name__}: {error}); correct it") from None
