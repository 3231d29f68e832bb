"""Turns a config file and overrides into a checked `ConfigDict`, before any data is read or network built."""

import ast
import inspect
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras
from ml_collections import ConfigDict

from dgm_zoo import data
from dgm_zoo.checks import check_seed
from dgm_zoo.core.registry import model_class
from dgm_zoo.data import own
from dgm_zoo.data.sets import check_name
from dgm_zoo.errors import InvalidInput, check_known, unknown
from dgm_zoo.files import read_json
from dgm_zoo.serving import places
from dgm_zoo.training import pairs, schema
from dgm_zoo.training.arguments import settable
from dgm_zoo.training.imports import import_modules

TRAIN = {
    "epochs": 10,  # passes over the training split
    "seed": 0,  # weights, order of the data, binarisation and noise
    "optimizer": {"name": "adam", "learning_rate": 1e-3},  # of Keras, with arguments; "players": see `make_optimizers`
    "decay": None,  # or "cosine": the learning rate falls to 0; or stages, [[share of epochs, factor from there on]]
    "jit_compile": "auto",  # XLA: True, False, or "auto": on a GPU; on CPUs for models listed as faster
    "steps_per_execution": 32,  # training steps in one call of the compiled function
    "precision": "float32",  # or "mixed_bfloat16"; measures are always taken in float32
    "start_from": None,  # workdir of a run with the same networks, whose best weights are the initial ones
    "patience": None,  # epochs without a better validation loss after which to stop
    "checkpoint_seconds": 20.0,  # least time between two checkpoints; the last epoch always gets one
    "sample_every": None,  # epochs between two pictures of samples during training; None for no pictures
}
EVALUATE = {
    "batch_size": 500,  # rows of a batch of held-out data
    "num_samples": 1000,  # importance samples K behind the log-likelihood
    "repetitions": 1,  # estimates of the log-likelihood, each with samples of its own, to average
    "limit": None,  # number of test images, the first ones; None for all
    "classifier": None,  # preset, or its folder, that judges images; with two domains also [of source, of target]
}
DATA = {"labels": False}
SECTIONS = ("model", "data", "train", "evaluate")


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> ConfigDict:
    """Reads a config file, applies overrides, fills in the defaults and checks every key.

    What depends on the model or the data set (a head's name, a batch larger than the split) is checked when `train`
    builds them, before it writes anything.

    Args:
      path: a Python file with `get_config()` that returns an `ml_collections.ConfigDict` with the sections
        `model`, `data`, `train` and `evaluate`, and perhaps the list `imports` (`training.imports`); a resolved
        `config.json` of a workdir; or the name of a config that ships with the package or lies in `configs/`, such as
        "vae_digits".
      overrides: strings such as "model.latent_dim=16"; values are Python literals or plain strings.

    Returns:
      The resolved `ConfigDict`.

    Raises:
      InvalidInput: the file is missing or broken; a section, key, model, data set or optimizer is unknown (the message
        suggests the nearest name); or a value has the wrong type or is out of range.

    Example:
      >>> load_config("vae_digits", ["train.epochs=2"]).train.epochs
      2
    """
    config = _read(_found(Path(path)))
    for override in overrides:
        _override(config, override)
    return resolve(config)


def resolve(config: dict | ConfigDict) -> ConfigDict:
    """Fills in the defaults of a config (dict or `ConfigDict`) and checks it; see `load_config`."""
    try:
        config = _plain("config", config.to_dict() if isinstance(config, ConfigDict) else config)
    except RecursionError:
        raise InvalidInput("the config contains itself, or thousands of nested sections; make it finite") from None
    imports = {"imports": config.pop("imports")} if config.get("imports") else {}
    import_modules(imports.get("imports", []))
    for section, values in config.items():
        check_known("config section", section, SECTIONS)
        if not isinstance(values, dict):
            raise InvalidInput(f"config.{section} is {values!r}; make it a section with keys of its own")
    for section, example in (("model", "vae"), ("data", "digits")):
        if not isinstance(config.get(section, {}).get("name"), str):
            raise InvalidInput(f"config.{section}.name is missing or not a string; set it, for example to {example!r}")
    config["data"] = _named(config["data"])
    given = config["data"] if pairs.is_pair(config) else {**DATA, **config["data"]}
    resolved = {
        "model": config["model"],
        "data": {key: value for key, value in given.items() if (key, value) != ("target", None)},
        "train": {**TRAIN, **config.get("train", {})},
        "evaluate": {**EVALUATE, **config.get("evaluate", {})},
        **imports,
    }
    optimizer = resolved["train"]["optimizer"]
    if not isinstance(optimizer, dict):
        raise InvalidInput(f"config.train.optimizer is {optimizer!r}; set config.train.optimizer.name, such as 'adam'")
    resolved["train"]["optimizer"] = {**TRAIN["optimizer"], **optimizer}
    _check(resolved)
    return ConfigDict(resolved)


def _named(given):
    """Returns a `data` section in which the names of a user's own sets hold their paths, absolute."""
    rest = {key: value for key, value in given.items() if key != "path"}
    target = {} if rest.get("target") is None else {"target": own.full_name(rest["target"])}
    return {**rest, "name": own.full_name(rest["name"], given.get("path")), **target}


def _found(path):
    """Returns the file that a path or a config's name stands for."""
    if path.is_file() or path.suffix or path.name != str(path):
        return path
    configs = places.python_files(places.CONFIGS)
    if path.name not in configs:
        raise unknown("config", path, configs)
    return configs[path.name]


def run_file(path: Path) -> dict:
    """Runs a user's Python file and returns its names; raises `InvalidInput` if it is missing or broken."""
    if not path.is_file():
        raise InvalidInput(f"there is no config file '{path}'; give the path of a file, or a name such as vae_digits")
    names = {"__name__": path.stem, "__file__": str(path)}
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), names)
    except (Exception, SystemExit) as error:  # a user's file may raise any exception
        raise _broken(path, error) from None
    return names


def call_in(path: Path, names: dict, function: str) -> Any:
    """Calls a function without arguments that `run_file` found; raises `InvalidInput` if it is missing or fails."""
    if not callable(names.get(function)):
        raise InvalidInput(f"config file '{path}' has no {function}(); define it")
    try:
        value = names[function]()
        return value.to_dict() if isinstance(value, ConfigDict) else value
    except (Exception, SystemExit) as error:
        raise _broken(path, error) from None


def _broken(path, error):
    return InvalidInput(f"config file '{path}' is broken ({type(error).__name__}: {error}); correct it")


def _read(path):
    if path.suffix == ".json" and path.is_file():
        try:
            config = read_json(path)
        except (ValueError, OSError) as error:
            raise _broken(path, error) from None
    else:
        config = call_in(path, run_file(path), "get_config")
    if not isinstance(config, dict):
        raise InvalidInput(f"config file '{path}' gives {type(config).__name__}; let it give a ConfigDict")
    return config


def _plain(key, value):
    """Returns `value` as JSON stores it, for comparison with a workdir's config; tuples become lists."""
    if isinstance(value, dict):
        return {name: _plain(f"{key}.{name}", v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(key, v) for v in value]
    number = isinstance(value, (int, float)) and math.isfinite(value)
    if not (number or value is None or isinstance(value, str)):
        raise InvalidInput(f"{key} is {value!r}; give a finite number, a string, None, or a list or section of these")
    return value


def _override(config, override):
    key, sep, text = override.partition("=")
    *sections, leaf = key.split(".")
    if not sep or not (sections or leaf == "imports"):
        raise InvalidInput(f"override '{override}' does not read section.key=value; write e.g. train.epochs=5")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        value = text
    node = config
    for section in sections:
        node = node.setdefault(section, {})
        if not isinstance(node, dict):
            raise InvalidInput(f"config key '{key}': '{section}' is a value, not a section; drop '.{leaf}'")
    node[leaf] = value


def _check(config):
    train = config["train"]
    _known("model", config["model"], settable(config["model"]["name"]) | {"name"})
    pairs.check(config)
    pair = pairs.is_pair(config)
    for name in [config["data"]["name"], *([config["data"]["target"]] if pair else [])]:
        check_name(name)
    options = set(inspect.signature(data.load).parameters) - {"split", "seed", "first_epoch", "shuffle"}
    _known("data", config["data"], pairs.options() if pair else options)
    _known("train", train, TRAIN)
    _known("evaluate", config["evaluate"], EVALUATE)
    if "batch_size" not in config["data"]:
        raise InvalidInput("the config has no data.batch_size; set config.data.batch_size, for example to 100")
    schema.check(config)
    check_seed(train["seed"])
    make_optimizers(train, model_class(config["model"]["name"]).players)


def _known(section, given, known):
    for key in given:
        if key not in known:
            raise unknown("config key", f"{section}.{key}", [f"{section}.{k}" for k in known])


def make_optimizers(
    train: dict, players: Iterable[str], total_steps: Callable[[str], int] = lambda player: 1
) -> dict[str, keras.optimizers.Optimizer]:
    """Returns each player's Keras optimizer, as the `train` section describes it.

    Args:
      train: dict, as `resolve` returns it. The settings of `train["optimizer"]["players"]` for a player, such as
        `{"phi": {"learning_rate": 2e-4}}`, override those for all players.
      players: names of the players.
      total_steps: function of a player; returns the number of steps over which its learning rate decays.

    Raises:
      InvalidInput: the player or optimizer is unknown (the message names the nearest one), or an argument is invalid.
    """
    common = dict(train["optimizer"])
    own = common.pop("players", {})
    if not isinstance(own, dict):
        raise InvalidInput(f"config.train.optimizer.players is {own!r}; make it a section with one for each player")
    for player, changes in own.items():
        check_known("player", player, players)
        if not isinstance(changes, dict):
            raise InvalidInput(f"config.train.optimizer.players.{player} is {changes!r}; make it a section")
    return {
        player: _optimizer({**common, **own.get(player, {})}, train["decay"], total_steps(player)) for player in players
    }


def _optimizer(given, decay, total_steps):
    name = given.pop("name")
    base = keras.optimizers.Optimizer
    found = [c for c in vars(keras.optimizers).values() if inspect.isclass(c) and issubclass(c, base) and c is not base]
    classes = {cls.__name__.lower(): cls for cls in found}
    if str(name).lower() not in classes:
        raise unknown("optimizer", name, classes)
    schema.check_optimizer(classes[str(name).lower()], given)
    rate = float(given["learning_rate"])  # Keras takes no whole number
    if decay == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, total_steps)
    elif decay:
        ends = [round(share * total_steps) - 1 for share, _ in decay]  # the last step at the rate before
        rates = [rate, *(factor * rate for _, factor in decay)]
        rate = keras.optimizers.schedules.PiecewiseConstantDecay(ends, rates)
    try:
        return classes[str(name).lower()](**{**given, "learning_rate": rate})
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"config.train.optimizer does not suit {name} ({error}); drop or correct it") from None
