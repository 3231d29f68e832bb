"""Data sets that a user's own module registers by name."""

import functools
from collections.abc import Callable
from typing import Any

from dgm_zoo.checks import shown
from dgm_zoo.data.facts import Set
from dgm_zoo.errors import InvalidInput

_NAME = "__qualname__"  # with the module, what tells that a module is imported anew
REGISTERED: dict[str, tuple[Callable, str]] = {}


def register_dataset(name: str, arrays: Callable[[], Any], version: str = "1") -> None:
    """Makes a data set of your own known by `name` to `load`, configs and commands.

    A module that a config names in its `imports` calls it, as `register_model` makes a model known.

    Args:
      name: a name that no set of the zoo has, without a colon.
      arrays: function without arguments, called when the set is first used in a process: x; `(x, y)`; or a dict of the
        arrays of an `.npz` file, x and perhaps y, or x_train, y_train, x_test, y_test and so on. Splits that it does
        not give are carved out of train. x and y are as `from_arrays` takes them, with an inferred number of levels.
      version: recorded in the results; change it with the data.

    Raises:
      InvalidInput: the name is taken or malformed, or `arrays` is no function. What `arrays` returns is checked when
        the set is used.

    Example:
      >>> register_dataset("noise", lambda: np.random.default_rng(0).random((100, 8, 8, 1)))
      >>> dgm_zoo.data.info("noise").image_shape
      (8, 8, 1)
    """
    from dgm_zoo.data.own import KINDS
    from dgm_zoo.data.sets import SETS

    if not isinstance(name, str) or not name or ":" in name or name in KINDS:
        raise InvalidInput(f"the name of a data set is {shown(name)}; give a text without a colon, not one of a kind")
    if not callable(arrays):
        raise InvalidInput(f"the arrays of data set '{name}' are {shown(arrays)}; give a function that returns them")
    before, _ = REGISTERED.get(name, (arrays, ""))
    if name in SETS or any(getattr(before, of, None) != getattr(arrays, of, None) for of in ("__module__", _NAME)):
        raise InvalidInput(f"data set '{name}' exists already; choose another name")
    REGISTERED[name] = arrays, str(version)


def entry(name: str) -> Set:
    """Returns the `Set` of a registered name, whose arrays are kept in memory.

    Raises:
      InvalidInput: the arrays are unsuitable.
    """
    return _made(name, *REGISTERED[name])


@functools.lru_cache(maxsize=4)
def _made(name, arrays, version):
    from dgm_zoo.data.own.arrays import of_splits

    found = arrays()
    if isinstance(found, tuple) and len(found) == 2:
        found = dict(zip("xy", found, strict=True))
    return of_splits(name, version, found if isinstance(found, dict) else {"x": found})
