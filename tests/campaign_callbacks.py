"""Every callback and optimizer option of Keras on one model of each distinct training step: `zoo.representatives`.

    python tests/campaign_callbacks.py [model ...] [--only callbacks | optimizers]

Trains tiny models about 200 times, half an hour on two cores; prints a line for each and exits with 1 if one fails.
`test_keras_doors.py` has a part of it.
"""

import argparse
import csv
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from life import STEPS, batches, compiled
from zoo import representatives, weights

from dgm_zoo.errors import InvalidInput

RATE = 0.01
SGD, Adam = keras.optimizers.SGD, keras.optimizers.Adam

# ------------------------------------------------------------------------------------------------------- optimizers


def moved(model, before):
    """The change of each trainable variable: a dict of player to arrays."""
    return {p: [v.numpy() - old for v, old in zip(model.player_variables(p), before[p], strict=True)] for p in before}


def norms(changes):
    return [float(np.linalg.norm(change)) for change in changes]


def steps_taken(model, player):
    """How often a player moved: in its own steps and in those of its phases, which have optimizers of their own."""
    return STEPS * model.steps_of(player) * (1 + list(model.phases.values()).count(player))


def every_player_moves(model, changes):
    for player, some in changes.items():
        assert all(np.isfinite(one).all() for one in some), f"{player} is not finite"
        assert max(norms(some)) > 0, f"{player} did not move"


def limited(norm, most):
    """A check that `norm` of each player's changes is at most `most` per step of SGD with the learning rate 1."""

    def check(model, changes):
        for player, some in changes.items():
            bound = most * steps_taken(model, player) * 1.001
            assert norm(some) <= bound, f"{player} moved by {norm(some)}, over {bound}"

    return check


def decays(model, changes):
    rate = float(model.optimizer.learning_rate)
    assert rate < RATE, f"the learning rate is {rate}"


def accumulates(model, changes):
    for player, one in model.optimizers.items():
        wanted = STEPS * model.steps_of(model.phases.get(player, player)) // 2
        assert int(one.iterations) == wanted, f"{player} took {int(one.iterations)} steps, not {wanted}"


def averages(model, changes):
    for player in model.players:  # whose averages are those of their phases too
        one = model.optimizers[player]
        for variable, average in zip(one._trainable_variables, one._model_variables_moving_average, strict=True):
            np.testing.assert_array_equal(variable.numpy(), average.numpy())


OPTIMIZERS = {  # name to a function that makes an optimizer, and a check besides `every_player_moves`
    "sgd, momentum": (lambda: SGD(RATE, momentum=0.9, nesterov=True), None),
    "adam, amsgrad": (lambda: Adam(RATE, amsgrad=True), None),
    "adamw": (lambda: keras.optimizers.AdamW(RATE, weight_decay=0.1), None),
    "rmsprop": (lambda: keras.optimizers.RMSprop(RATE), None),
    "lion": (lambda: keras.optimizers.Lion(RATE), None),
    "muon": (lambda: keras.optimizers.Muon(RATE), None),
    "clipnorm": (lambda: SGD(1.0, clipnorm=1e-3), limited(lambda some: max(norms(some)), 1e-3)),
    "clipvalue": (lambda: SGD(1.0, clipvalue=1e-4), limited(lambda some: max(np.abs(o).max() for o in some), 1e-4)),
    "global_clipnorm": (
        lambda: SGD(1.0, global_clipnorm=1e-3), limited(lambda some: float(np.linalg.norm(norms(some))), 1e-3)
    ),
    "weight_decay": (lambda: Adam(RATE, weight_decay=0.1), None),
    "use_ema": (lambda: Adam(RATE, use_ema=True, ema_momentum=0.5), averages),
    "ema overwrites": (lambda: Adam(RATE, use_ema=True, ema_overwrite_frequency=2), averages),
    "accumulation": (lambda: Adam(RATE, gradient_accumulation_steps=2), accumulates),
    "schedule": (lambda: Adam(keras.optimizers.schedules.ExponentialDecay(RATE, 1, 0.5)), decays),
}
REFUSED = {
    "loss_scale_factor": lambda: SGD(RATE, loss_scale_factor=8.0),
    "LossScaleOptimizer": lambda: keras.optimizers.LossScaleOptimizer(SGD(RATE)),
}


def optimizer_works(name, option):
    make, check = OPTIMIZERS[option]
    model = compiled(name, optimizer=make())
    before = {player: [v.numpy() for v in model.player_variables(player)] for player in model.players}
    model.fit(batches(model), verbose=0)
    changes = moved(model, before)
    every_player_moves(model, changes)
    if check:
        check(model, changes)


def optimizer_is_refused(name, option):
    try:
        compiled(name, optimizer=REFUSED[option]())
    except InvalidInput:
        return
    raise AssertionError("compile took it")


# -------------------------------------------------------------------------------------------------------- callbacks


def callbacks_work(name, epochs=3):
    """One `fit` with all callbacks that do not change each other's part, and what each of them must have done."""
    model, of_epoch = compiled(name), []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        known = {
            "best": keras.callbacks.ModelCheckpoint(folder / "best.keras", monitor="val_loss", save_best_only=True),
            "each": keras.callbacks.ModelCheckpoint(folder / "{epoch}.weights.h5", save_weights_only=True),
            "csv": keras.callbacks.CSVLogger(folder / "log.csv"),
            "board": keras.callbacks.TensorBoard(folder / "board", histogram_freq=1, update_freq=1),
            "nan": keras.callbacks.TerminateOnNaN(),
            "plateau": keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=0, min_delta=1e9),
            "lambda": keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: of_epoch.append(weights(model))),
            "stopping": keras.callbacks.EarlyStopping(monitor="val_loss", patience=9, restore_best_weights=True),
        }
        history = model.fit(
            batches(model), epochs=epochs, verbose=0, validation_data=batches(model, 24), callbacks=list(known.values())
        ).history
        best = int(np.argmin(history["val_loss"]))
        np.testing.assert_array_equal(weights(model), of_epoch[best], "EarlyStopping restores the best weights")
        saved = keras.saving.load_model(folder / "best.keras")
        np.testing.assert_array_equal(weights(saved), of_epoch[best], "ModelCheckpoint keeps the best model")
        for epoch in range(epochs):
            saved.load_weights(folder / f"{epoch + 1}.weights.h5")
            np.testing.assert_array_equal(weights(saved), of_epoch[epoch], "ModelCheckpoint keeps each epoch's weights")
        with open(folder / "log.csv") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == epochs and set(rows[0]) >= {*model.logged, *(f"val_{term}" for term in model.logged)}
        assert {path.name for path in (folder / "board").iterdir()} == {"train", "validation"}
        for player, one in model.optimizers.items():
            np.testing.assert_allclose(float(one.learning_rate), RATE * 0.5 ** (epochs - 1), rtol=1e-5, err_msg=player)


def rates_keep_their_ratio(name):
    """`LearningRateScheduler` with a different rate for each player."""
    model = compiled(name)
    for i, one in enumerate(model.optimizers.values()):
        one.learning_rate = RATE / (i + 1)
    model.fit(batches(model), epochs=2, verbose=0, callbacks=[
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    ])
    for i, one in enumerate(model.optimizers.values()):
        np.testing.assert_allclose(float(one.learning_rate), RATE / (i + 1) / 4, rtol=1e-5)


def swaps(name):
    """`SwapEMAWeights`, both forms, ends with the same weights as `use_ema` without it."""
    found = []
    for callbacks in ([], [keras.callbacks.SwapEMAWeights()], [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)]):
        model = compiled(name, optimizer=Adam(RATE, use_ema=True, ema_momentum=0.9))
        model.fit(batches(model), epochs=2, verbose=0, validation_data=batches(model, 24), callbacks=callbacks)
        found.append(weights(model))
    np.testing.assert_allclose(found[1], found[0], atol=1e-5)
    np.testing.assert_allclose(found[2], found[0], atol=1e-5)


def cases(kind):
    """(what it is called, the function of a model's name that raises if it fails) of each case."""
    if kind in (None, "callbacks"):
        yield from ((one.__name__, one) for one in (callbacks_work, rates_keep_their_ratio, swaps))
    if kind in (None, "optimizers"):
        yield from ((option, lambda name, o=option: optimizer_works(name, o)) for option in OPTIMIZERS)
        yield from ((option, lambda name, o=option: optimizer_is_refused(name, o)) for option in REFUSED)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(representatives()))
    parser.add_argument("--only", choices=["callbacks", "optimizers"])
    given, failed = parser.parse_args(), 0
    for name in given.models or list(representatives()):
        for what, case in cases(given.only):
            begun, error = time.time(), ""
            try:
                case(name)
            except Exception as raised:  # a line for each, and the next case
                error, failed = f"  {type(raised).__name__}: {str(raised).strip().splitlines()[0][:200]}", failed + 1
            outcome = "FAILED" if error else "works "
            print(f"{outcome} {name:12} {what:22} {time.time() - begun:6.1f} s{error}", flush=True)
            keras.backend.clear_session()
    print(f"{failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
