"""Codes z to start from: draws of p(z), a map between four codes, a path between two, the coordinates that matter."""

import math
from typing import Any, NamedTuple

import numpy as np

from dgm_zoo.play.controls import Panel
from dgm_zoo.play.exhibits import Exhibit

SLIDERS = 8  # coordinates with a slider
ENOUGH = 64  # draws of p(z) from which the sliders' range follows
REACH = 3.0  # of a coordinate of which nothing is known


class Span(NamedTuple):
    """The coordinates of a code that get sliders.

    Attributes:
      indices: of the coordinates, those that change the answer most first.
      low, high: ends of the sliders.
      total: number of coordinates.
    """

    indices: tuple
    low: float
    high: float
    total: int


def draws(exhibit: Exhibit, panel: Panel, n: int, seed: int) -> np.ndarray:
    """Returns n codes, `[n, D]`: drawn from the model's p(z) if it has one of this size, else uniform in the range."""
    from dgm_zoo.distributions import RowNoise, row_seeds

    prior = getattr(exhibit.model, "prior", None)
    if prior is not None and tuple(getattr(prior, "event_shape", ())) == tuple(panel.wanted.shape):
        noise = prior.noise(RowNoise(row_seeds(seed, n)))
        return prior.draw(noise, getattr(exhibit.model, "q_z", None)).numpy()
    low, high = panel.wanted.range or (-REACH, REACH)
    rng = np.random.default_rng(abs(int(seed)))
    return rng.uniform(low, high, (n, *panel.wanted.shape)).astype("float32")


def span(exhibit: Exhibit, panel: Panel, seed: int = 0) -> Span:
    """Returns which coordinates get sliders, and their range.

    The range is that of the endpoint's input, or else follows from draws of p(z): 0 to 1 for bits. What matters is
    found by moving each coordinate of one code to the end of the range, all else equal.
    """
    (size,) = panel.wanted.shape
    z = draws(exhibit, panel, ENOUGH, seed)
    if panel.wanted.range:
        low, high = panel.wanted.range
    elif np.isin(z, (0, 1)).all():
        low, high = 0.0, 1.0
    else:
        high = float(math.ceil(np.quantile(np.abs(z), 0.99)))
        low = -high
    if size <= 2:
        return Span(tuple(range(size)), low, high, size)
    moved = np.repeat(z[:1], size + 1, 0)
    middle = (low + high) / 2
    moved[np.arange(size), np.arange(size)] = np.where(z[0] > middle, low, high)  # the last row stays
    found = exhibit.ask(panel.endpoints[0], size + 1, given={panel.name: moved, **panel.defaults()})
    answer = next(iter(found.values()))
    change = np.abs(answer[:-1] - answer[-1:]).reshape(size, -1).mean(1)
    return Span(tuple(np.argsort(-change, kind="stable")[:SLIDERS].tolist()), low, high, size)


def corners(exhibit: Exhibit, panel: Panel, shown: Span, seed: int) -> np.ndarray:
    """Returns the codes at the corners of the map, `[4, D]`: left and right of the top, then of the bottom.

    They are the ends of the range if a code has two coordinates, else four draws.
    """
    if shown.total == 2:
        low, high = shown.low, shown.high
        return np.array([[low, high], [high, high], [low, low], [high, low]], "float32")
    return draws(exhibit, panel, 4, seed)


def at(corners: np.ndarray, a: Any, b: Any) -> np.ndarray:
    """Returns the code at the point of the map, a of the width from the left, b of the height from the top.

    Between the corners it is interpolated, first along the width, then along the height.

    Args:
      corners: `[4, D]`.
      a, b: in [0, 1], numbers or arrays `[n]`.

    Returns:
      `[D]` or `[n, D]`.
    """
    a, b = np.asarray(a, "float32")[..., None], np.asarray(b, "float32")[..., None]
    top, bottom = ((1 - a) * left + a * right for left, right in (corners[:2], corners[2:]))
    return (1 - b) * top + b * bottom


def grid(corners: np.ndarray, steps: int) -> np.ndarray:
    """Returns the codes of the map's tiles, row by row: `[steps * steps, D]`, each at the middle of its tile."""
    places = (np.arange(steps) + 0.5) / steps
    b, a = np.meshgrid(places, places, indexing="ij")
    return at(corners, a.ravel(), b.ravel())


def path(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """Returns codes in equal steps on the line from one code `[D]` to another: `[steps, D]`."""
    return start + np.linspace(0, 1, steps, dtype="float32")[:, None] * (end - start)


def code_of(encoded: dict[str, np.ndarray]) -> np.ndarray:
    """Returns the mean of q(z|x) from the answer of `encode`: its `mean`, or that of bits from their `logits`."""
    return encoded["mean"] if "mean" in encoded else 1 / (1 + np.exp(-encoded["logits"]))
