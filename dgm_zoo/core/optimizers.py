"""One optimizer per player, and one handle on all of them for Keras' callbacks."""

import inspect
from collections.abc import Iterable
from typing import Any

import keras

from dgm_zoo.checks import Kind, is_number, is_whole, one_of, shown
from dgm_zoo.core.fused import fuse
from dgm_zoo.errors import InvalidInput

NUMBER = Kind(is_number, "a number that a float32 holds")
AMOUNT = Kind(lambda value: is_number(value) and value >= 0, "a number of at least 0 that a float32 holds")
POSITIVE = Kind(lambda value: is_number(value) and value > 0, "a positive number that a float32 holds")
SHARE = Kind(lambda value: is_number(value) and 0 <= value < 1, "a number from 0 to below 1")
SETTINGS = {  # of Keras' optimizers; the kind of others follows from their default
    **dict.fromkeys(("beta_1", "beta_2", "rho", "momentum", "adam_beta_1", "adam_beta_2"), SHARE),
    "ema_momentum": Kind(lambda value: is_number(value) and 0 <= value <= 1, "a number from 0 to 1"),
    "gradient_accumulation_steps": Kind(lambda value: is_whole(value, 2), "a whole number of at least 2"),
    "ema_overwrite_frequency": Kind(is_whole, "a whole number of at least 1"),
    "learning_rate_power": Kind(lambda value: is_number(value) and value <= 0, "a number of at most 0"),
    "loss_scale_factor": Kind(lambda value: value is None, "None, since no model here trains in float16"),
    **dict.fromkeys(("learning_rate", "weight_decay"), AMOUNT),
    "adam_weight_decay": AMOUNT.or_none(),
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm", "epsilon"), POSITIVE),
}


def assign(optimizer: Any, players: Iterable[str], phases: dict[str, str]) -> dict[str, keras.optimizers.Optimizer]:
    """Returns a dict of player, or phase, to optimizer.

    Args:
      optimizer: a name or a `keras.optimizers.Optimizer`, of which each player gets a copy; or a dict of these,
        one for each player. An object given for several players is copied for each.
      players: names of the players.
      phases: phase to its player; a phase gets a copy of the player's optimizer, unless the dict names another. It
        keeps no averages of the weights (`use_ema`), since the player's optimizer averages the same ones.

    Raises:
      InvalidInput: a player without an optimizer, an optimizer for a player that does not exist, or a setting out of
        its range.
    """
    players = list(players)
    if isinstance(optimizer, dict):
        missing, extra = sorted(set(players) - set(optimizer)), sorted(set(optimizer) - {*players, *phases})
        if missing:
            raise InvalidInput(f"player '{missing[0]}' has no optimizer; give one for each of {players}")
        if extra:
            raise InvalidInput(f"there is no player '{extra[0]}' to optimize; the players are {players}")
        given = {player: _get(optimizer[player]) for player in players}
        given |= {phase: _get(optimizer[phase]) for phase in phases if phase in optimizer}
    else:
        given = dict.fromkeys(players, _get(optimizer))
    given = {**given, **{phase: given[player] for phase, player in phases.items() if phase not in given}}
    found, seen = {}, set()
    for player, one in given.items():
        check_settings(one)
        averaged_twice = player in phases and one.use_ema
        own = {"use_ema": False} if averaged_twice else {}
        found[player] = one.from_config({**one.get_config(), **own}) if id(one) in seen or averaged_twice else one
        seen.add(id(one))
    for one in found.values():
        fuse(one)
    return found


def check_settings(optimizer: keras.optimizers.Optimizer) -> None:
    """Raises `InvalidInput` for an unusable setting that Keras accepts."""
    name = type(optimizer).__name__
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise InvalidInput(f"{name} scales the loss for float16, which no model here trains in; leave the scaling out")
    settings = {key: value for key, value in optimizer.get_config().items() if not isinstance(value, dict)}
    check_class_settings(type(optimizer), settings, f"{{}} of {name}")


def check_class_settings(cls: type, settings: dict[str, Any], called: str) -> None:
    """Raises `InvalidInput` for the first setting of a Keras optimizer class that is not of its kind.

    Names that the class does not take, and settings that are not numbers, are left to the class.

    Args:
      cls: a `keras.optimizers.Optimizer`.
      settings: dict of name to value.
      called: how a message calls a setting; `{}` stands for its name.

    Example:
      >>> check_class_settings(keras.optimizers.Adam, {"beta_1": 2.0}, "{} of Adam")
      InvalidInput: beta_1 of Adam is 2.0; give a number from 0 to below 1
    """
    parameters = inspect.signature(cls).parameters
    for key, value in settings.items():
        default = parameters[key].default if key in parameters else None
        kind = SETTINGS.get(key)
        if kind and (key.endswith("weight_decay") or (default is None and key != "learning_rate")):
            kind = kind.or_none()
        elif not kind and isinstance(default, bool):
            kind = one_of(True, False)
        elif not kind and isinstance(default, (int, float)):
            kind = AMOUNT if default >= 0 else NUMBER
        if kind:
            kind.check(called.format(key), value)


def _get(optimizer):
    try:
        return keras.optimizers.get(optimizer)
    except (ValueError, TypeError):
        raise InvalidInput(f"unknown Keras optimizer {shown(optimizer)}; give a name such as 'adam'") from None


def current_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """The optimizer's learning rate at this step, on one device or on replicas."""
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


class AllOptimizers:
    """The `model.optimizer` of Keras' callbacks, which stands for all players' optimizers.

    Its learning rate is the first player's. Setting it multiplies those of the others by the same factor, so that a
    callback keeps the players' ratios; if the first one was 0, all take the value.
    """

    built = True  # `compile` builds all optimizers; `BackupAndRestore` reads this

    def __init__(self, optimizers: dict[str, keras.optimizers.Optimizer]) -> None:
        self.players, self.optimizers = tuple(optimizers), tuple(optimizers.values())

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"model.optimizer stands for the optimizers of {', '.join(self.__dict__.get('players', ()))} and has no "
            f"'{name}'; take one of model.optimizers by its player"
        )

    @property
    def learning_rate(self) -> Any:
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        rates = [current_rate(optimizer) for optimizer in self.optimizers]
        for optimizer, rate in zip(self.optimizers, rates, strict=True):
            optimizer.learning_rate = value if rate == rates[0] or not rates[0] else value * (rate / rates[0])

    @property
    def iterations(self) -> keras.Variable:
        return self.optimizers[0].iterations

    @property
    def variables(self) -> list[keras.Variable]:
        """The variables of all optimizers, which `summary` counts."""
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]
