"""From a config file and overrides to a checked `ConfigDict`, before anything heavy is imported."""

import ast
import importlib.util
import inspect
import json
from pathlib import Path

import keras
import numpy as np
from ml_collections import ConfigDict

from dgm_zoo import data
from dgm_zoo.distributions import check_seed
from dgm_zoo.errors import InvalidInput, unknown
from dgm_zoo.models.registry import arguments

TRAIN = {
    "epochs": 10,
    "seed": 0,  # weights, order of the data, binarisation and noise
    "optimizer": {"name": "adam", "learning_rate": 1e-3},  # a Keras optimizer and its arguments
    "decay": None,  # None, or "cosine": the learning rate falls to 0 over all epochs
    "jit_compile": "auto",
    "steps_per_execution": 32,
    "precision": "float32",  # or "mixed_bfloat16"
    "patience": None,  # epochs without a better validation loss after which to stop
    "checkpoint_seconds": 20.0,  # least time between two checkpoints; the last epoch always gets one
}
EVALUATE = {
    "batch_size": 500,
    "num_samples": 1000,  # importance samples K behind the log-likelihood
    "repetitions": 1,
    "limit": None,  # the first so many test images; None for all
}
DATA = {"labels": False}


def load_config(path, overrides=()):
    """Reads a config file, applies overrides, fills in the defaults and checks every key.

    Args:
      path: a Python file with `get_config()` that returns an `ml_collections.ConfigDict` with the sections
        `model`, `data`, `train` and `evaluate`; or a resolved `config.json` of a workdir.
      overrides: strings such as "model.latent_dim=16"; values are Python literals, or else plain strings.

    Returns:
      The resolved `ConfigDict`.

    Raises:
      InvalidInput: a missing or broken file; an unknown section, key, model, data set or optimizer (with the
        nearest name); a value that cannot be meant.

    Example:
      >>> load_config("configs/vae_digits.py", ["train.epochs=2"]).train.epochs
      2
    """
    config = _read(Path(path))
    for override in overrides:
        _override(config, override)
    return resolve(config)


def resolve(config):
    """Fills in the defaults of a config (dict or `ConfigDict`) and checks it; see `load_config`."""
    config = config.to_dict() if isinstance(config, ConfigDict) else dict(config)
    for section in config:
        if section not in ("model", "data", "train", "evaluate"):
            raise unknown("config section", section, ["model", "data", "train", "evaluate"])
    for section in ("model", "data"):
        if "name" not in config.get(section, {}):
            raise InvalidInput(f"the config has no {section}.name; set config.{section}.name")
    resolved = {
        "model": config["model"],
        "data": {**DATA, **config["data"]},
        "train": {**TRAIN, **config.get("train", {})},
        "evaluate": {**EVALUATE, **config.get("evaluate", {})},
    }
    _check(resolved)
    return ConfigDict(json.loads(json.dumps(resolved)))


def _read(path):
    if not path.is_file():
        raise InvalidInput(f"config file '{path}' does not exist; give the path of a file such as configs/vae_digits.py")
    if path.suffix == ".json":
        try:
            return json.loads(path.read_text())
        except ValueError as error:
            raise InvalidInput(f"config file '{path}' is not JSON ({error}); mend it or give a .py config") from None
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None:
        raise InvalidInput(f"config file '{path}' is no Python file; give one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        config = module.get_config()
    except Exception as error:  # whatever a user's file may raise
        where = f" at line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise InvalidInput(f"config file '{path}' is broken: {type(error).__name__}: {error}{where}; mend it") from None
    if not isinstance(config, (dict, ConfigDict)):
        raise InvalidInput(f"get_config() of '{path}' returned {type(config).__name__}; return a ConfigDict")
    return config.to_dict() if isinstance(config, ConfigDict) else config


def _override(config, override):
    key, sep, text = override.partition("=")
    *sections, leaf = key.split(".")
    if not sep or not sections:
        raise InvalidInput(f"override '{override}' does not read section.key=value; write e.g. train.epochs=5")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    node = config
    for section in sections:
        node = node.setdefault(section, {})
        if not isinstance(node, dict):
            raise InvalidInput(f"config key '{key}': '{section}' is a value, not a section; drop '.{leaf}'")
    node[leaf] = value


def _check(config):
    model, train, evaluate = config["model"], config["train"], config["evaluate"]
    known = set(arguments(model["name"])) - {"image_shape", "num_classes", "seed"}
    _known("model", {k: v for k, v in model.items() if k != "name"}, known)
    if config["data"]["name"] not in data.list_datasets():
        raise unknown("data set", config["data"]["name"], data.list_datasets())
    options = set(inspect.signature(data.load).parameters) - {"split", "seed", "first_epoch", "shuffle"}
    _known("data", config["data"], options)
    _known("train", train, TRAIN)
    _known("evaluate", evaluate, EVALUATE)
    if "batch_size" not in config["data"]:
        raise InvalidInput("the config has no data.batch_size; set config.data.batch_size, for example to 100")
    for section, key in [("data", "batch_size"), ("train", "epochs"), ("train", "steps_per_execution"),
                         ("evaluate", "batch_size"), ("evaluate", "num_samples"), ("evaluate", "repetitions")]:
        value = config[section][key]
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise InvalidInput(f"config.{section}.{key} is {value!r}; give a whole number of at least 1")
    check_seed(train["seed"])
    if train["decay"] not in (None, "cosine"):
        raise InvalidInput(f"config.train.decay is {train['decay']!r}; give None or 'cosine'")
    if train["precision"] not in ("float32", "mixed_bfloat16"):
        raise InvalidInput(f"config.train.precision is {train['precision']!r}; give 'float32' or 'mixed_bfloat16'")
    make_optimizer(train, total_steps=1)


def _known(section, given, known):
    for key in given:
        if key not in known:
            raise unknown("config key", f"{section}.{key}", [f"{section}.{k}" for k in known])


def make_optimizer(train, total_steps):
    """Returns the Keras optimizer that the `train` section describes."""
    arguments = dict(train["optimizer"])
    name = arguments.pop("name", None)
    classes = {
        cls.__name__.lower(): cls
        for cls in vars(keras.optimizers).values()
        if inspect.isclass(cls) and issubclass(cls, keras.optimizers.Optimizer) and cls is not keras.optimizers.Optimizer
    }
    if str(name).lower() not in classes:
        raise unknown("optimizer", name, classes)
    rate = arguments.get("learning_rate", 1e-3)
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate < float("inf"):
        raise InvalidInput(f"config.train.optimizer.learning_rate is {rate!r}; give a positive number")
    if train["decay"] == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, total_steps)
    try:
        return classes[name.lower()](**{**arguments, "learning_rate": rate})
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"config.train.optimizer: {error}") from None
