"""Pieces of any length, and interpolations between phrases, made by controlling a generator's noise."""

from typing import Any

import numpy as np

from dgm_zoo.checks import check_seed, whole_number
from dgm_zoo.core.endpoints import check_samples
from dgm_zoo.distributions import RowNoise, row_seeds
from dgm_zoo.errors import InvalidInput


def compose(model: Any, phrases: int | None = None, seed: int = 0, condition: np.ndarray | None = None) -> np.ndarray:
    """Generates consecutive phrases: all share the noise common to all bars; the noise of single bars is drawn anew.

    Args:
      model: a `MuseGAN`.
      phrases: number of phrases; None if a condition determines it.
      seed: int32.
      condition: for a model with a condition, that track over all bars, `[bars, steps, pitches]`. If the bars do not
        fill the last phrase, it is padded with silent bars, which the result omits.

    Returns:
      NumPy `[bars, steps, pitches, tracks]`.

    Raises:
      InvalidInput: the number of phrases is invalid, or the condition is missing, empty, or of another shape.

    Example:
      >>> model.compose(8, seed=0).shape   # a model of 4 bars
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
        phrases = check_samples(model, phrases, "phrases")
        bars = phrases * length
    z, start = latents(model, row_seeds(seed, phrases)), 0
    for part, size in model.sizes.items():
        if not part.endswith("t"):
            z[:, start : start + size] = z[0, start : start + size]
        start += size
    return decoded(model, z, seed, given).reshape(-1, *model.x_shape[1:])[:bars]


def interpolate(model: Any, first: int, second: int, n: int, condition: np.ndarray | None = None) -> np.ndarray:
    """Generates phrases along an arc from the noise of seed `first` to that of `second`; the arc keeps the variance.

    Args:
      model: a `MuseGAN`.
      first, second: int32; the end points are `model.sample(1, seed)` for these seeds.
      n: number of phrases, including both end points; at least 2.
      condition: for a model with a condition, one phrase of that track, `[bars, steps, pitches]`.

    Returns:
      NumPy `[n, bars, steps, pitches, tracks]`.

    Raises:
      InvalidInput: n is below 2, a seed is not an int32, or the condition is missing or has another shape.

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
    """Returns the z that an endpoint draws for these seeds: NumPy `[n, latent]`."""
    return model.prior.draw(model.dream_noise(RowNoise(seeds))[0]).numpy()


def decoded(model: Any, z: np.ndarray, seed: int, given: dict[str, np.ndarray]) -> np.ndarray:
    """Returns the phrases for noise z `[n, latent]`: NumPy `[n, *x_shape]`."""
    seeds = {"seed": row_seeds(check_seed(seed), len(z))} if "seed" in model.endpoints()["decode"].inputs else {}
    return model.answer("decode", z=z, **seeds, **given)["x"]
