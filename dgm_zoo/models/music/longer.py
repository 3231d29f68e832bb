"""Pieces of any length, and ways from one phrase to another: what to do with a generator's noise."""

from typing import Any

import numpy as np

from dgm_zoo.checks import whole_number
from dgm_zoo.distributions import RowNoise, row_seeds
from dgm_zoo.distributions.noise import check_seed
from dgm_zoo.errors import InvalidInput


def compose(model: Any, phrases: int | None = None, seed: int = 0, condition: np.ndarray | None = None) -> np.ndarray:
    """Generates one phrase after another: the noise that all bars share stays, that of single bars is drawn anew.

    Args:
      model: a `MuseGAN`.
      phrases: how many; None where a condition says it.
      seed: int32.
      condition: of a model with a condition, its track over all bars, `[bars, steps, pitches]`. Bars that do not fill
        the last phrase are generated as if silent ones followed.

    Returns:
      NumPy `[bars, steps, pitches, tracks]`.

    Raises:
      InvalidInput: a number of phrases that does not suit, or a condition that is missing, empty, or of another shape.

    Example:
      >>> model.compose(8, seed=0).shape   # of a model of 4 bars
      (32, 16, 84, 5)
    """
    length, given = model.x_shape[0], {}
    if condition is not None or model.index is not None:
        condition = np.asarray([] if condition is None else condition)
        model.check_condition(condition)
        if condition.shape[1:] != model.x_shape[1:-1]:
            raise InvalidInput(
                f"condition has shape {list(condition.shape)}, but this model takes [bars, "
                f"{', '.join(map(str, model.x_shape[1:-1]))}]"
            )
        bars, phrases = len(condition), -(-len(condition) // length)
        silent = np.zeros((phrases * length - bars, *condition.shape[1:]), condition.dtype)
        given["condition"] = np.concatenate([condition, silent]).reshape(phrases, length, *condition.shape[1:])
    else:
        phrases = whole_number("phrases", phrases)
        bars = phrases * length
    z, start = latents(model, row_seeds(seed, phrases)), 0
    for part, size in model.sizes.items():
        if not part.endswith("t"):
            z[:, start : start + size] = z[0, start : start + size]
        start += size
    return decoded(model, z, seed, given).reshape(-1, *model.x_shape[1:])[:bars]


def interpolate(model: Any, first: int, second: int, n: int, condition: np.ndarray | None = None) -> np.ndarray:
    """Generates phrases along an arc from the noise of seed `first` to that of `second`, which keeps its variance.

    Args:
      model: a `MuseGAN`.
      first, second: int32; the ends are `model.sample(1, seed)` of these.
      n: number of phrases, both ends included; at least 2.
      condition: of a model with a condition, one phrase of its track, `[bars, steps, pitches]`.

    Returns:
      NumPy `[n, bars, steps, pitches, tracks]`.

    Raises:
      InvalidInput: n below 2, a seed that is not an int32, or a condition that is missing or does not fit.

    Example:
      >>> model.interpolate(0, 1, 5).shape
      (5, 4, 16, 84, 5)
    """
    n, ends = whole_number("n", n, 2), [row_seeds(seed, 1) for seed in (first, second)]
    given = {}
    if condition is not None or model.index is not None:
        model.check_condition([] if condition is None else condition)
        given["condition"] = np.repeat(np.asarray(condition)[None], n, 0)
    angle = np.linspace(0, np.pi / 2, n, dtype=np.float32)[:, None]
    z = np.cos(angle) * latents(model, ends[0]) + np.sin(angle) * latents(model, ends[1])
    return decoded(model, z.astype(np.float32), first, given)


def latents(model: Any, seeds: np.ndarray) -> np.ndarray:
    """Returns the z that an endpoint draws for these seeds, NumPy `[n, latent]`."""
    return model.prior.draw(model.dream_noise(RowNoise(seeds))[0]).numpy()


def decoded(model: Any, z: np.ndarray, seed: int, given: dict[str, np.ndarray]) -> np.ndarray:
    """The phrases of noise z `[n, latent]`, NumPy `[n, *x_shape]`."""
    seeds = {"seed": row_seeds(check_seed(seed), len(z))} if "seed" in model.endpoints()["decode"].inputs else {}
    return model.answer("decode", z=z, **seeds, **given)["x"]
