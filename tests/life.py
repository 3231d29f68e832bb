"""One life of each model, lived once in a process: trained, saved, loaded, resumed and compiled; tests read its record.

Tracing a training step costs a thousand times what running it does. So one model is built and trained, its reloaded
copy and its XLA twin too, and what they do is written down for all the tests that ask.
"""

import dataclasses
import functools
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from zoo import examples, tiny, weights

ROWS, BATCH = 64, 16
STEPS = ROWS // BATCH  # of one epoch
FOLDER = tempfile.TemporaryDirectory(prefix="life_")  # deleted when the process ends


def batches(model, n=ROWS, batch=BATCH):
    return tf.data.Dataset.from_tensor_slices(examples(model, n)).batch(batch)


def compiled(name, **given):
    """A tiny model, compiled as every life starts. With more momentum, adversaries circle each other."""
    model = tiny(name)
    model.compile(**{"optimizer": keras.optimizers.Adam(1e-2, beta_1=0.5), "jit_compile": False, **given})
    return model


def logs(model, data):
    return model.evaluate(data, return_dict=True, verbose=0)


def slots(model):
    """Every variable of every player's optimizer: a dict of player to arrays."""
    return {player: [v.numpy() for v in one.variables] for player, one in model.optimizers.items()}


def owned(model):
    """What each player owns: a dict of player to arrays."""
    return {player: [v.numpy() for v in model.player_variables(player)] for player in model.players}


@dataclasses.dataclass
class Life:
    """What one model did.

    Attributes:
      model: it, after all of it; read it only, since tests share it.
      at_compile: the number of variables of each player's optimizer, before any step.
      after: its weights after each of the first two epochs, of `STEPS` steps each.
      saved: its file, written after the last step of the first epoch and before that is validated.
      slots: its optimizers' variables when it was saved.
      taken: the steps that each player's optimizer took in these two epochs.
      first, history: the logs of these two epochs, which are validated, and of eight more on four times the data.
      before, later: the logs of other data before the first epoch, and after the last.
      evaluations: the logs of two evaluations of the same data, whose last batch is smaller, after the last epoch.
      untouched: its weights before these, and after.
    """

    model: keras.Model
    at_compile: dict
    after: list
    saved: Path
    slots: dict
    taken: dict
    first: dict
    history: dict
    before: dict
    later: dict
    evaluations: list
    untouched: list


@functools.cache
def life(name):
    """The `Life` of a registered model."""
    model = compiled(name)
    at_compile = {player: len(one.variables) for player, one in model.optimizers.items()}
    held_out = tf.data.Dataset.from_tensor_slices(examples(model, 128, seed=1)).batch(32)
    before, after, kept = logs(model, held_out), [], {}
    saved = Path(FOLDER.name) / f"{name}.keras"

    def write(batch, logs):
        if batch + 1 < STEPS:
            return
        after.append(weights(model))
        if len(after) == 1:
            model.save(saved)
            kept.update(slots(model))

    first = model.fit(
        batches(model), epochs=2, verbose=0, validation_data=batches(model, 24),
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=write)],
    ).history
    taken = {player: int(one.iterations) for player, one in model.optimizers.items()}
    history = model.fit(batches(model, 4 * ROWS), epochs=8, verbose=0).history
    later, untouched = logs(model, held_out), [weights(model)]
    evaluations = [logs(model, batches(model, 40)) for _ in range(2)]
    untouched.append(weights(model))
    return Life(
        model, at_compile, after, saved, kept, taken, first, history, before, later, evaluations, untouched
    )


@dataclasses.dataclass
class Reloaded:
    """What the file of a `Life` did after it was loaded.

    Attributes:
      weights, slots: what was loaded.
      resumed: its weights after one more epoch.
      moved: for each player, the players that moved in an epoch in which it alone had a learning rate.
      rates: the players' learning rates after a callback set that of the model.
      resting: the logs of two epochs of the same data in which no player has a learning rate.
      refused: what an epoch with NaN in its third batch raised.
      error: what a step raised after that with NaN among the weights.
      step: the number of that batch's step, and of this.
    """

    weights: np.ndarray
    slots: dict
    resumed: np.ndarray
    moved: dict
    rates: dict
    resting: dict
    refused: Exception
    error: Exception
    step: int


@functools.cache
def reloaded(name):
    """The `Reloaded` of a registered model."""
    model = keras.saving.load_model(life(name).saved)
    loaded, kept = weights(model), slots(model)
    data = batches(model)
    model.fit(data, verbose=0)
    resumed, moved = weights(model), {}
    for mover in model.players:
        for player, optimizer in model.optimizers.items():
            optimizer.learning_rate = 0.1 if player == mover else 0.0
        old = owned(model)
        model.fit(data, verbose=0)
        new = owned(model)
        moved[mover] = {
            player for player in old if any(np.any(a != b) for a, b in zip(old[player], new[player], strict=True))
        }
    model.fit(data, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch: 0.125)])
    rates = {player: float(one.learning_rate) for player, one in model.optimizers.items()}
    for optimizer in model.optimizers.values():
        optimizer.learning_rate = 0.0
    resting = model.fit(data, epochs=2, verbose=0).history
    x, *label = examples(model, ROWS)
    for part in x if model.domains else (x,):
        part[2 * BATCH + 8] = np.nan  # in the third batch: fit checks the first one only
    step = int(model.step) + 3
    refused = raised(lambda: model.fit(tf.data.Dataset.from_tensor_slices((x, *label)).batch(BATCH), verbose=0))
    for variable in model.trainable_variables:
        variable.assign(np.nan * variable)
    error = raised(lambda: model.fit(data, verbose=0))
    return Reloaded(loaded, kept, resumed, moved, rates, resting, refused, error, step)


def raised(call):
    """What a call raises; None if nothing."""
    try:
        call()
    except Exception as error:  # the test says which it must be
        return error


@functools.cache
def with_xla(name):
    """A registered model's weights after the first epoch of its life, compiled with XLA."""
    model = compiled(name, jit_compile=True)
    model.fit(batches(model), verbose=0)
    return weights(model)
