"""From an endpoint table to controls: which inputs a person draws, picks or slides, and which endpoints share them."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:  # importing it takes TensorFlow, which the page opens without
    from dgm_zoo.core.endpoints import Endpoint, Input

PICTURE, PHRASE, VECTOR, CHOICE, SEED, MASK = "picture", "phrase", "vector", "choice", "seed", "mask"
SAMPLE = "sample"  # the kind of a panel that needs nothing from the user but a seed and choices
MAIN = (PICTURE, PHRASE, VECTOR)
ORDER = (SAMPLE, PICTURE, PHRASE, VECTOR)  # of the panels on the page


class Panel(NamedTuple):
    """Endpoints that take the same thing from the user.

    Attributes:
      kind: `SAMPLE`, or the kind of the input `name`: `PICTURE`, `PHRASE` or `VECTOR`.
      name: the input that the panel is about; "seed" for samples.
      wanted: its `Input`.
      endpoints: the endpoints' names.
      extras: the endpoints' further inputs besides seed and mask, by name: choices, and vectors within a range.
      masked: whether an endpoint takes a mask of the picture.
    """

    kind: str
    name: str
    wanted: "Input"
    endpoints: tuple
    extras: dict
    masked: bool

    def defaults(self) -> dict[str, Any]:
        """The first value of every choice, and the middle of every vector, of the extras, by name."""
        return {
            name: choices(wanted)[0] if kind_of(name, wanted) == CHOICE
            else np.full(wanted.shape, sum(wanted.range or (0, 0)) / 2, "float32")
            for name, wanted in self.extras.items()
        }


def kind_of(name: str, wanted: "Input") -> str | None:
    """Returns the kind of control that an input gets; None if there is none for its shape.

    Example:
      >>> kind_of("label", Input((), tf.int32, range=(0, 9)))
      'choice'
    """
    if name in (SEED, MASK):
        return name
    rank = len(wanted.shape)
    if rank == 0:
        return CHOICE if wanted.dtype.is_integer and wanted.range else None
    if sheet(wanted):
        return PICTURE
    return VECTOR if rank == 1 else PHRASE if rank == 3 and wanted.binary else None


def sheet(wanted: "Input") -> tuple[int, ...]:
    """Returns the height, width and channels with which an input can be drawn; () if it cannot.

    An image is drawn as it is. A vector of bits is drawn as the grey image of as many pixels that is nearest to a
    square.
    """
    shape = tuple(wanted.shape)
    if len(shape) == 3 and shape[-1] in (1, 3):
        return shape
    if len(shape) == 1 and wanted.binary:
        height = max(side for side in range(1, int(shape[0] ** 0.5) + 1) if shape[0] % side == 0)
        return height, shape[0] // height, 1
    return ()


def panels(table: "dict[str, Endpoint]") -> list[Panel]:
    """Divides an endpoint table into panels, samples first, then pictures, music and codes.

    An endpoint is in no panel if an input has no control, or if it needs two drawings; `left_out` names it.

    Example:
      >>> [(panel.kind, panel.endpoints) for panel in panels(model.endpoints())]
      [('sample', ('sample',)), ('picture', ('encode', 'reconstruct', 'log_likelihood')), ('vector', ('decode',))]
    """
    found = {}
    for endpoint, one in table.items():
        kinds = {name: kind_of(name, wanted) for name, wanted in one.inputs.items()}
        main = [name for name in kinds if kinds[name] in MAIN and not _extra(one, name, kinds[name])]
        if None in kinds.values() or len(main) > 1 or not (main or SEED in kinds):
            continue
        name = main[0] if main else SEED
        key = (kinds[name] if main else SAMPLE, name, one.inputs[name])
        found.setdefault(key, {})[endpoint] = {
            other: wanted for other, wanted in one.inputs.items() if other not in (name, SEED, MASK)
        }
    return sorted(
        (
            Panel(
                kind, name, wanted, tuple(endpoints),
                dict(one for extras in endpoints.values() for one in extras.items()),
                any(MASK in table[endpoint].inputs for endpoint in endpoints),
            )
            for (kind, name, wanted), endpoints in found.items()
        ),
        key=lambda panel: ORDER.index(panel.kind),
    )


def left_out(table: "dict[str, Endpoint]") -> list[str]:
    """Returns the names of the endpoints that no panel has."""
    shown = {endpoint for panel in panels(table) for endpoint in panel.endpoints}
    return [endpoint for endpoint in table if endpoint not in shown]


def choices(wanted: "Input") -> list[int]:
    """Returns the values of a choice, such as the classes of a label."""
    assert wanted.range  # `kind_of` calls nothing else a choice
    low, high = wanted.range
    return list(range(int(low), int(high) + 1))


def _extra(one, name, kind):
    """Whether an input is set beside the main one: a part of a code, within a range, of which a seed gives the rest."""
    return kind == VECTOR and SEED in one.inputs and one.inputs[name].range is not None
