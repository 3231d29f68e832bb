"""The type and range of every key of a config that does not depend on the model or the data set."""

from typing import Any

from dgm_zoo.checks import Kind, is_number, is_whole, one_of
from dgm_zoo.core.optimizers import POSITIVE, check_class_settings


def is_count(value: Any) -> bool:
    """Returns whether `value` is a whole number of Python, of at least 1, that an int32 holds."""
    return isinstance(value, int) and is_whole(value)


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
    "data.in_memory": one_of(True, False, "auto"),
    "data.labels": Kind(one_of(True, False, None).fits, "True or False"),
    "data.limit": ROWS,
    "train.epochs": COUNT,
    "train.steps_per_execution": COUNT,
    "train.patience": COUNT.or_none(),
    "train.checkpoint_seconds": Kind(lambda value: is_number(value) and value >= 0, "seconds, 0 or more"),
    "train.sample_every": COUNT.or_none(),
    "train.start_from": Kind(TEXT.or_none().fits, "None, or the workdir of a run"),
    "train.decay": Kind(
        lambda value: value is None or value == "cosine" or _is_stages(value),
        "None, 'cosine', or stages such as [[0.5, 0.1]], the shares rising between 0 and 1",
    ),
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


def _is_stages(value):
    """Returns whether `value` is a list of [share of all epochs, factor of the learning rate from there on]."""
    pairs = isinstance(value, list) and value and all(isinstance(one, list) and len(one) == 2 for one in value)
    if not (pairs and all(is_number(number) and number > 0 for one in value for number in one)):
        return False
    shares = [share for share, _ in value]
    return shares == sorted(set(shares)) and shares[-1] < 1


def _is_pair_of_rows(value):
    return isinstance(value, list) and len(value) == 2 and all(one is None or is_count(one) for one in value)


def check(config: dict[str, dict]) -> None:
    """Raises `InvalidInput` for the first value of a resolved config that is not of its key's kind."""
    for path, kind in KEYS.items():
        section, key = path.split(".")
        if key in config[section] or section != "data" or key == "batch_size":
            kind.check(f"config.{path}", config[section].get(key))
    for path, kind in OF_TWO.items() if config["data"].get("target") is None else ():
        section, key = path.split(".")
        if isinstance(config[section].get(key), list):
            kind.check(f"config.{path}", config[section][key])


def check_optimizer(cls: type, settings: dict[str, Any]) -> None:
    """Raises `InvalidInput` for the first setting of a Keras optimizer class with which no run can train."""
    POSITIVE.check("config.train.optimizer.learning_rate", settings["learning_rate"])
    check_class_settings(cls, settings, "config.train.optimizer.{}")
