"""One optimizer per player, and one handle on all of them for Keras' callbacks."""

import keras

from dgm_zoo.errors import InvalidInput


class PlayerOptimizers(dict):
    """A dict of player to optimizer that also answers to `learning_rate`, as Keras' callbacks expect.

    `LearningRateScheduler`, `ReduceLROnPlateau` and the progress bar read and set
    `model.optimizer.learning_rate`: reading gives the first player's, setting sets every player's.

    Example:
      >>> model.compile(optimizer={"theta": "adam", "eta": keras.optimizers.SGD(0.1)})
      >>> model.optimizer["eta"].learning_rate
    """

    @classmethod
    def assign(cls, optimizer, players):
        """Returns a dict of player to optimizer, from one optimizer for all or a dict of them."""
        if not isinstance(optimizer, dict) or "class_name" in optimizer:
            first = keras.optimizers.get(optimizer)
            if not isinstance(first, keras.optimizers.Optimizer):
                raise InvalidInput(f"optimizer {optimizer!r} is none; give a name, an optimizer, or one per player")
            return {p: first if p == players[0] else first.from_config(first.get_config()) for p in players}
        if set(optimizer) != set(players):
            missing, extra = sorted(set(players) - set(optimizer)), sorted(set(optimizer) - set(players))
            raise InvalidInput(
                f"optimizers given for {sorted(optimizer)}, but the players are {players}"
                + (f"; add one for {missing}" if missing else "")
                + (f"; drop {extra}" if extra else "")
            )
        return {p: keras.optimizers.get(optimizer[p]) for p in players}

    @property
    def learning_rate(self):
        return next(iter(self.values())).learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        for one in self.values():
            one.learning_rate = value

    @property
    def iterations(self):
        return next(iter(self.values())).iterations
