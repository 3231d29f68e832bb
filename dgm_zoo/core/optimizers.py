"""One optimizer per player, and one handle on all of them for Keras' callbacks."""

import math
from collections.abc import Iterable
from typing import Any

import keras

from dgm_zoo.checks import shown
from dgm_zoo.errors import InvalidInput

SHARES = ("beta_1", "beta_2", "momentum", "rho", "ema_momentum", "beta", "beta_2_decay")  # [0, 1); EMA's may be 1
POSITIVE = ("clipnorm", "clipvalue", "global_clipnorm", "epsilon")  # or None
AT_LEAST_0 = ("weight_decay", "learning_rate")  # or None


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
    return found


def check_settings(optimizer: keras.optimizers.Optimizer) -> None:
    """Raises `InvalidInput` for an unusable setting that Keras accepts."""
    name, settings = type(optimizer).__name__, optimizer.get_config()

    def refuse(key, wanted):
        raise InvalidInput(f"{key} of {name} is {settings[key]!r}; give {wanted}")

    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) or settings.get("loss_scale_factor") is not None:
        raise InvalidInput(f"{name} scales the loss for float16, which no model here trains in; leave the scaling out")
    for key, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if not math.isfinite(value):
            refuse(key, "a finite number")
        if key in SHARES and not 0 <= value <= 1 or (key in SHARES and value == 1 and key != "ema_momentum"):
            refuse(key, "a number from 0 to below 1")
        if key in POSITIVE and value <= 0:
            refuse(key, "a positive number")
        if key in AT_LEAST_0 and value < 0:
            refuse(key, "a number of at least 0")


def _get(optimizer):
    try:
        return keras.optimizers.get(optimizer)
    except (ValueError, TypeError):
        raise InvalidInput(f"unknown Keras optimizer {shown(optimizer)}; give a name such as 'adam'") from None


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
        rates = [float(optimizer.learning_rate) for optimizer in self.optimizers]
        for optimizer, rate in zip(self.optimizers, rates, strict=True):
            optimizer.learning_rate = value if rate == rates[0] or not rates[0] else value * (rate / rates[0])

    @property
    def iterations(self) -> keras.Variable:
        return self.optimizers[0].iterations

    @property
    def variables(self) -> list[keras.Variable]:
        """The variables of all optimizers, which `summary` counts."""
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]
