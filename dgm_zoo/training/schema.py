"""The type and range of every key of a config that does not depend on the model or the data set."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from dgm_zoo.data.checks import INT32
from dgm_zoo.errors import InvalidInput


class Kind(NamedTuple):
    """A kind of value: whether a value is of it, and how a message names it."""

    fits: Callable[[Any], bool]
    wanted: str

    def check(self, key: str, value: Any) -> None:
        """Raises `InvalidInput`, naming `key`, unless `value` is of this kind."""
        if not self.fits(value):
            raise InvalidInput(f"config.{key} is {value!r}; give {self.wanted}")

    def or_none(self) -> "Kind":
        return Kind(lambda value: value is None or self.fits(value), f"None, or {self.wanted}")


def is_number(value: Any) -> bool:
    """Returns whether `value` is an int or a float, and no bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Returns whether `value` is a whole number of at least 1 that an int32 holds."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < INT32


def one_of(*values: Any) -> Kind:
    """The kind of these values; True is not 1."""
    *others, last = map(repr, values)
    said = f"{', '.join(others)} or {last}"
    return Kind(lambda value: any(type(value) is type(one) and value == one for one in values), said)


COUNT = Kind(is_count, "a whole number of at least 1")
TEXT = Kind(lambda value: isinstance(value, str) and bool(value) and "\0" not in value, "a string")
PRESET = Kind(TEXT.or_none().fits, "None, or the name or folder of a preset")
ROWS = Kind(
    lambda value: value is None or is_count(value) or _is_pair_of_rows(value), "None, or a whole number of at least 1"
)
KEYS = {
    "data.batch_size": COUNT,
    "data.data_dir": TEXT.or_none(),
    "data.dequantize": Kind(one_of(True, False, None).fits, "True or False"),
    "data.labels": Kind(one_of(True, False, None).fits, "True or False"),
    "data.limit": ROWS,
    "train.epochs": COUNT,
    "train.steps_per_execution": COUNT,
    "train.patience": COUNT.or_none(),
    "train.checkpoint_seconds": Kind(lambda value: is_number(value) and value >= 0, "seconds, 0 or more"),
    "train.start_from": Kind(TEXT.or_none().fits, "None, or the workdir of a run"),
    "train.decay": one_of(None, "cosine"),
    "train.precision": one_of("float32", "mixed_bfloat16"),
    "train.jit_compile": one_of(True, False, "auto"),
    "evaluate.batch_size": COUNT,
    "evaluate.num_samples": COUNT,
    "evaluate.repetitions": COUNT,
    "evaluate.limit": COUNT.or_none(),
    "evaluate.classifier": Kind(
        lambda value: PRESET.fits(value) or isinstance(value, list) and len(value) == 2 and all(map(TEXT.fits, value)),
        PRESET.wanted,
    ),
}
OF_TWO = {"data.limit": COUNT.or_none(), "evaluate.classifier": PRESET}  # with two domains also a list, one value each
AMOUNT = Kind(lambda value: is_number(value) and value >= 0, "a number of at least 0")
SHARE = Kind(lambda value: is_number(value) and 0 <= value < 1, "a number from 0 to below 1")
SETTINGS = {  # of Keras' optimizers, besides those whose kind follows from their default
    **dict.fromkeys(("beta_1", "beta_2", "rho", "momentum", "ema_momentum"), SHARE),
    "gradient_accumulation_steps": Kind(lambda value: is_count(value) and value > 1, "a whole number of at least 2"),
    "ema_overwrite_frequency": COUNT,
    "learning_rate_power": Kind(lambda value: is_number(value) and value <= 0, "a number of at most 0"),
    **dict.fromkeys(
        ("learning_rate", "clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor"),
        Kind(lambda value: is_number(value) and value > 0, "a positive number"),
    ),
}


def _is_pair_of_rows(value):
    return isinstance(value, list) and len(value) == 2 and all(one is None or is_count(one) for one in value)


def check(config: dict[str, dict]) -> None:
    """Raises `InvalidInput` for the first value of a resolved config that is not of its key's kind."""
    for path, kind in KEYS.items():
        section, key = path.split(".")
        if key in config[section] or section != "data" or key == "batch_size":
            kind.check(path, config[section].get(key))
    for path, kind in OF_TWO.items() if config["data"].get("target") is None else ():
        section, key = path.split(".")
        if isinstance(config[section].get(key), list):
            kind.check(path, config[section][key])


def check_optimizer(cls: type, settings: dict[str, Any]) -> None:
    """Raises `InvalidInput` for the first setting of a Keras optimizer class that is not of its kind.

    Names that the class does not take, and settings that are not numbers, are left to the class.
    """
    parameters = inspect.signature(cls).parameters
    for key, value in settings.items():
        default = parameters[key].default if key in parameters else None
        if key in SETTINGS:
            kind = SETTINGS[key].or_none() if default is None and key != "learning_rate" else SETTINGS[key]
        elif key.endswith("weight_decay"):
            kind = AMOUNT.or_none()
        elif isinstance(default, bool):
            kind = one_of(True, False)
        elif isinstance(default, (int, float)):
            kind = AMOUNT
        else:
            continue
        kind.check(f"train.optimizer.{key}", value)
