"""Model arguments that a run fills in, or checks, from its data: a table of name to function."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from dgm_zoo import data
from dgm_zoo.core.registry import arguments
from dgm_zoo.data.checks import check_image_size
from dgm_zoo.data.reading import size_of
from dgm_zoo.data.sets import entry
from dgm_zoo.errors import InvalidInput
from dgm_zoo.serving.presets import from_preset
from dgm_zoo.training import pairs

MASKS = 10_000  # number of masks that a preset draws
COUNTED = 1_000  # number of phrases whose notes are counted


class Fill(NamedTuple):
    """How a run fills in one argument.

    Attributes:
      value: function of the config's value for the argument (None if absent) and of the resolved config; returns the
        model's argument, or None to keep the config's value.
      settable: whether a config may set the argument itself.
    """

    value: Callable
    settable: bool


FILLS = {}  # name of an argument of a model's `create` to `Fill`


def register_argument(name: str, settable: bool = True) -> Callable:
    """Returns a decorator that makes a function fill in the argument `name` of every model that takes it.

    Args:
      name: name of an argument of a model's `create`.
      settable: see `Fill`.

    Example:
      >>> @register_argument("num_pixels", settable=False)
      ... def num_pixels(given, config):
      ...     return math.prod(image_of(config)[0])
    """

    def add(function):
        FILLS[name] = Fill(function, settable)
        return function

    return add


def filled(name: str, given: dict, config: ConfigDict) -> dict:
    """Returns the arguments for `create(name, ...)`: those of the config, and those that the run fills in.

    Args:
      name: a registered model.
      given: the arguments in the config's `model` section.
      config: the resolved config.

    Raises:
      InvalidInput: the data do not suit an argument.
    """
    found = dict(given)
    for key in arguments(name):
        if key in FILLS:
            value = FILLS[key].value(given.get(key), config)
            if value is not None:
                found[key] = value
    return found


def settable(name: str) -> set:
    """Returns the arguments of a model that a config may set."""
    return {key for key in arguments(name) if key not in FILLS or FILLS[key].settable}


def info_of(config: ConfigDict) -> data.DatasetInfo:
    """Returns the facts of a config's data set, with the config's options for phrases of music."""
    takes = ("data_dir", "bars", "hop", "steps", "sounding")
    return data.info(config.data.name, **{key: value for key, value in config.data.items() if key in takes})


def image_of(config: ConfigDict) -> tuple:
    """Returns the shape of one x, and its number of grey levels, or None for points."""
    info = info_of(config)
    size, channels = config.data.get("image_size"), config.data.get("channels")
    shape = info.image_shape if channels is None else (*info.image_shape[:-1], channels)
    size = check_image_size(size) if size else size_of(info.name, entry(info.name), None)
    if len(shape) == 3 and size != info.image_shape[:2]:
        return (*size, shape[-1]), 256
    return shape, info.levels


@register_argument("image_shape", settable=False)
def image_shape(given: None, config: ConfigDict) -> tuple:
    return image_of(config)[0]


@register_argument("num_classes", settable=False)
def num_classes(given: None, config: ConfigDict) -> int:
    found = data.info(config.data.name).num_classes
    if found is None:
        reason = entry(config.data.name).unlabelled
        raise InvalidInput(
            f"{config.model.name} needs labels, but data set '{config.data.name}' {reason}; choose another"
        )
    if pairs.is_pair(config):
        other = data.info(config.data.target).num_classes
        if other not in (None, found):
            raise InvalidInput(
                f"the source '{config.data.name}' has {found} classes and the target '{config.data.target}' {other}; "
                "choose two data sets with the same classes"
            )
    return found


@register_argument("seed", settable=False)
def seed(given: None, config: ConfigDict) -> int:
    return config.train.seed


@register_argument("class_prior")
def class_prior(given: list | None, config: ConfigDict) -> list | None:
    """Returns the config's prior, or else the shares of the classes among the labelled training rows."""
    if given is not None:
        return given
    takes = ("labelled_fraction", "labels_per_class", "limit", "data_dir")
    options = {key: value for key, value in config.data.items() if key in takes}
    return data.class_shares(config.data.name, **options, seed=config.train.seed)


@register_argument("tracks", settable=False)
def tracks(given: None, config: ConfigDict) -> list:
    """Returns the names of the tracks of music."""
    music = data.info(config.data.name).music
    if music is None:
        sets = ", ".join(name for name in data.list_datasets() if data.info(name).music)
        raise InvalidInput(
            f"{config.model.name} needs music, but data set '{config.data.name}' is another kind; choose one of {sets}"
        )
    return [track.name for track in music.tracks]


@register_argument("density")
def density(given: list | None, config: ConfigDict) -> list:
    """Returns each track's share of values that are 1 in the first `COUNTED` training phrases, in stored order."""
    if given is not None:
        return given
    takes = ("bars", "hop", "steps", "sounding", "limit", "data_dir")
    options = {key: value for key, value in config.data.items() if key in takes}
    x = next(iter(data.load(config.data.name, "train", _first(COUNTED, config), shuffle=False, **options)))
    return [float(share) for share in tf.reduce_mean(x, range(x.shape.rank - 1))]


def _first(rows, config):
    return min(rows, config.data.get("limit") or info_of(config).splits["train"])


@register_argument("masks")
def masks(given: str | None, config: ConfigDict) -> np.ndarray | None:
    """Returns masks `[10000, height, width, 1]`: samples of the preset `given`, thresholded at 1/2."""
    return None if given is None else from_preset(str(given)).sample(MASKS, seed=config.train.seed) > 0.5


@register_argument("dream_weight")
def dream_weight(given: float | None, config: ConfigDict) -> float | None:
    """Keeps the config's value; raises if it is 0 and there are no pairs for the encoder to learn from."""
    if given == 0 and not config.data.get("pairs"):
        raise InvalidInput(
            "config.model.dream_weight is 0 and config.data.pairs leaves no pairs, so that the encoder learns from "
            "nothing; raise one of them"
        )
    return given


@register_argument("mode")
def mode(given: str | None, config: ConfigDict) -> str | None:
    """Keeps the config's value; raises for "adda" unless `train.start_from` names a run on the source to adapt."""
    if given == "adda" and not config.train.start_from:
        raise InvalidInput(
            "config.model.mode is 'adda', which adapts a model that was trained on the source; set "
            "config.train.start_from to the workdir of such a run, for example of ada with model.domain_weight=0"
        )
    return given


@register_argument("domain_names", settable=False)
def domain_names(given: None, config: ConfigDict) -> list[str] | None:
    names = [config.data.name, config.data.target]
    return names if names[0] != names[1] else None


@register_argument("domain_weight")
def domain_weight(given: float | dict | str | None, config: ConfigDict) -> dict | None:
    """Returns DANN's schedule over the whole run for "dann"; otherwise keeps the config's value."""
    if given != "dann":
        return None
    return {"total_steps": config.train.epochs * pairs.steps_per_epoch(config)}
