"""One optimizer per player, and one handle on all of them for Keras' callbacks."""

import keras

from dgm_zoo.errors import InvalidInput


def assign(optimizer, players):
    """Returns a dict of player to optimizer.

    Args:
      optimizer: a name or a `keras.optimizers.Optimizer`, of which each player gets a copy; or a dict of these,
        one for each player.
      players: names of the players.

    Raises:
      InvalidInput: a player without an optimizer, or an optimizer for a player that does not exist.
    """
    if isinstance(optimizer, dict):
        missing, extra = sorted(set(players) - set(optimizer)), sorted(set(optimizer) - set(players))
        if missing:
            raise InvalidInput(f"player '{missing[0]}' has no optimizer; give one for each of {list(players)}")
        if extra:
            raise InvalidInput(f"there is no player '{extra[0]}' to optimize; the players are {list(players)}")
        return {player: _get(optimizer[player]) for player in players}
    first, *others = players
    one = _get(optimizer)
    return {first: one, **{player: one.from_config(one.get_config()) for player in others}}


def _get(optimizer):
    try:
        return keras.optimizers.get(optimizer)
    except ValueError:
        raise InvalidInput(f"optimizer {optimizer!r} is none of Keras'; give a name such as 'adam'") from None


class AllOptimizers:
    """What Keras' callbacks find as `model.optimizer`: reads the first player's learning rate, sets everybody's."""

    built = True  # `compile` builds every one; `BackupAndRestore` asks

    def __init__(self, optimizers):
        self.optimizers = tuple(optimizers.values())

    @property
    def learning_rate(self):
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        for optimizer in self.optimizers:
            optimizer.learning_rate = value

    @property
    def iterations(self):
        return self.optimizers[0].iterations

    @property
    def variables(self):
        """Those of every player's optimizer, which `summary` counts."""
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]
