"""From a name in a config to an object: the lookup of heads, priors, bounds and adversarial objectives."""

import inspect
from typing import Any

import keras

from dgm_zoo.checks import match
from dgm_zoo.errors import InvalidInput, unknown


def from_spec(
    kind: str, spec: Any, base: type, table: dict[str, type], example: str, event_shape: tuple[int, ...] | None = None
) -> Any:
    """Returns the object that `spec` names.

    Args:
      kind: kind of the named object, for the message ("head", "bound").
      spec: an instance of `base` (returned unchanged), a class name, or a dict with that `name` and arguments. A class
        outside the package has the name under which Keras registered it, such as "my_package>Renyi".
      base: the base class of this kind.
      table: the package's own classes by name.
      example: a known name, for the message.
      event_shape: passed to classes with an argument `event_shape`; objects of other classes must have this shape.

    Raises:
      InvalidInput: an unknown name (the message suggests the nearest one), an unknown or missing argument, or an
        invalid value.

    Example:
      >>> from_spec("bound", {"name": "Evidence", "beta": 4.0}, Bound, BOUNDS, "Evidence").beta
      4.0
    """
    if isinstance(spec, base):
        return spec
    try:
        arguments = {"name": spec} if isinstance(spec, str) else dict(spec)
    except (TypeError, ValueError):
        raise InvalidInput(f"{kind} {spec!r} must be a name, such as '{example}', or a dict with one") from None
    name = arguments.pop("name", None)
    cls = _class(name, base, table)
    if cls is None:
        raise unknown(kind, name, table)
    parameters = inspect.signature(cls).parameters.values()
    takes = {p.name: p.default for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    shaped = takes.pop("event_shape", None) is not None  # other classes derive it from their own arguments
    for key in arguments:
        if key not in takes:
            raise InvalidInput(f"{kind} {name} takes no argument '{key}'; it takes {', '.join(takes) or 'none'}")
    for key, default in takes.items():
        if default is inspect.Parameter.empty and key not in arguments:
            raise InvalidInput(f"{kind} {name} needs '{key}'; give it as {{'name': '{name}', '{key}': ...}}")
    if shaped:
        return cls(event_shape, **arguments)
    found = cls(**arguments)
    if event_shape is not None:
        wanted = tuple(event_shape) if isinstance(event_shape, (tuple, list)) else (event_shape,)
        match(f"{kind} {name}'s event", found.event_shape, "wanted event", wanted)
    return found


def _class(name, base, table):
    """Returns the class of that name, from the package or registered with Keras; None if there is none."""
    if not isinstance(name, str):
        return None
    found = table.get(name) or keras.saving.get_registered_object(name)
    return found if isinstance(found, type) and issubclass(found, base) else None
