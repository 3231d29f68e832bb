"""One domain of a pair, and the check that two domains have the same scale."""

import dataclasses
import warnings

import numpy as np

from dgm_zoo.checks import real_array
from dgm_zoo.data import blocks, checks, draws
from dgm_zoo.data.arrays import AUTO, check_arrays
from dgm_zoo.errors import InvalidInput

SAMPLE = 1_000  # number of rows from which the scale of a domain is measured
OVERLAP = 0.6  # least intersection over union of two ranges of values that count as equal
MARGIN = 0.1  # least distance of opposite means from the middle of the common range, as a share of that range
GREY, COLOUR = 1, 3


@dataclasses.dataclass(frozen=True)
class Domain:
    """One domain, ready to be batched.

    Attributes:
      role: "source" or "target".
      name: its name in messages.
      x: uint8 grey levels or float32, `[N, ...]`.
      y: labels int32 `[N]`, -1 for a row without one.
      levels: number of grey levels of uint8 x; None for values that are not pixels.
    """

    role: str
    name: str
    x: np.ndarray
    y: np.ndarray
    levels: int | None


@dataclasses.dataclass(frozen=True)
class Scale:
    """The scale of a domain, measured on up to 1,000 rows: mean, standard deviation, smallest and largest value."""

    mean: float
    std: float
    low: float
    high: float


def domain(
    role: str,
    name: str,
    x: np.ndarray,
    y: np.ndarray | None = None,
    *,
    levels: int | str | None = AUTO,
    span: tuple[float, float] | None = None,
    image_size: tuple[int, int] | None = None,
) -> Domain:
    """Checks a user's arrays and returns their `Domain`.

    Args:
      role: "source" or "target".
      name: its name in messages.
      x: array `[N, ...]`: integer grey levels 0 .. levels - 1, or floats in [0, 1].
      y: integer labels `[N]`, -1 for a row without one; None if no row has one.
      levels: see `pipeline.from_arrays`.
      span: (low, high), the range of the values of x, which is mapped to [0, 1]; None for x as described above.
      image_size: (height, width) to which images are area-averaged; None keeps their size.

    Raises:
      InvalidInput: an array is invalid; the message begins with the name.
    """
    try:
        if span is not None:
            x = _spanned(x, span, levels)
        x, y, levels = check_arrays(x, y, False, None, levels)
        if image_size is not None:
            x, levels = blocks.resized(x, levels, image_size)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from None
    return Domain(role, name, x, np.full(len(x), draws.UNLABELLED, np.int32) if y is None else y, levels)


def _spanned(x, span, levels):
    several = isinstance(span, (tuple, list)) and len(span) == 2 and all(checks.is_real(value) for value in span)
    if not several or not span[0] < span[1]:
        raise InvalidInput(f"its range must be (low, high) with low < high, got {span!r}")
    if levels is None:
        raise InvalidInput(f"range {span!r} is for pixels; with levels=None leave it out")
    x, (low, high) = real_array("x", x, f"integers or floats, of which {span!r} is the range"), span
    if x.dtype == bool:
        raise InvalidInput(f"x has dtype bool, but range {span!r} is for integers and floats; leave it out")
    return ((x.astype(np.float32) - low) / (high - low)).astype(np.float32)


def scale(of: Domain) -> Scale:
    """Measures the `Scale` of a `Domain`, with uint8 grey levels as k / (levels - 1)."""
    x = of.x[:: -(-len(of.x) // SAMPLE)]
    x = x / np.float32(of.levels - 1) if x.dtype == np.uint8 else x
    return Scale(*(float(number) for number in (x.mean(), x.std(), x.min(), x.max())))


def check_classes(source: str, target: str, counts: tuple[int | None, int | None]) -> None:
    """Warns with a `UserWarning` if two data sets, of which the source's labels are read, have unequal class counts."""
    if None not in counts and counts[0] != counts[1]:
        warnings.warn(
            f"the source '{source}' has {counts[0]:,} classes and the target '{target}' {counts[1]:,}: a classifier of "
            "the source's is wrong on the others; choose sets with the same classes, or labels=(False, False)",
            stacklevel=3,
        )


def check_scales(source: Domain, target: Domain) -> None:
    """Raises if two domains have unequal ranges of values, and warns if one looks like the inverse of the other.

    A domain in 0..255 beside one in 0..1, or dark ink beside white, makes the adversary's task trivial: a frequent
    cause of chance accuracy on the target.

    Raises:
      InvalidInput: the ranges, as intervals, have an intersection over union below 0.6.

    Warns:
      UserWarning: the means lie on opposite sides of the common range's middle, each by more than a tenth of it.
    """
    of_source, of_target = scale(source), scale(target)
    stated = " and ".join(
        f"{one.name} (mean {of.mean:.3g}, std {of.std:.3g}, {of.low:.3g} to {of.high:.3g})"
        for one, of in ((source, of_source), (target, of_target))
    )
    low, high = min(of_source.low, of_target.low), max(of_source.high, of_target.high)
    shared = min(of_source.high, of_target.high) - max(of_source.low, of_target.low)
    if high > low and shared / (high - low) < OVERLAP:
        raise InvalidInput(
            f"{stated} have unequal ranges of values; bring both to [0, 1], with the right `levels` for uint8 or "
            "`ranges` for floats"
        )
    sides = [(of.mean - (low + high) / 2) / ((high - low) or 1.0) for of in (of_source, of_target)]
    if min(sides) < -MARGIN and max(sides) > MARGIN:
        warnings.warn(
            f"{stated} have opposite polarity: where one is dark ink on white and the other white on black, invert one",
            stacklevel=4,
        )


def check_shapes(source: Domain, target: Domain, channels: int | None) -> int | None:
    """Returns the number of channels to give both domains, or None if their shapes are already equal.

    Raises:
      InvalidInput: the shapes differ in more than grey and colour, or `channels` does not suit them.
    """
    shapes = [one.x.shape[1:] for one in (source, target)]
    named = f"{source.name} {list(shapes[0])} and {target.name} {list(shapes[1])}"
    images = all(len(shape) == 3 and shape[-1] in (GREY, COLOUR) for shape in shapes)
    known = checks.is_integer(channels) and channels in (GREY, COLOUR)
    if channels is not None and not (known and images):
        raise InvalidInput(f"channels={channels!r} does not suit {named}; give 1 or 3, for grey or colour images")
    if images and shapes[0][:2] != shapes[1][:2]:
        raise InvalidInput(f"{named} differ in size; give image_size={tuple(shapes[0][:2])}, say")
    if not images and shapes[0] != shapes[1]:
        raise InvalidInput(f"{named} differ in shape; give two domains of one shape")
    if channels is None and shapes[0] != shapes[1]:
        raise InvalidInput(f"{named} differ in channels; channels=3 repeats grey, channels=1 makes colour grey")
    return channels
