"""One run, from config to numbers and pictures, in a workdir that can be resumed."""

import math
import os
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from dgm_zoo import data
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.data.checks import SPLITS
from dgm_zoo.errors import InvalidInput, NonFiniteLoss
from dgm_zoo.files import writing
from dgm_zoo.training import checkpoints, measure
from dgm_zoo.training.build import build, check_batch, compile_model, dataset, precision, steps_per_epoch
from dgm_zoo.training.config import resolve
from dgm_zoo.training.logs import TensorBoard
from dgm_zoo.training.pairs import target_of
from dgm_zoo.training.workdir import (
    check_workdir,
    claimed,
    machine,
    read_config,
    read_json,
    read_results,
    remove_run,
    write_json,
)


class Run(NamedTuple):
    """A trained run.

    Attributes:
      model: compiled, in float32, with the weights of the best checkpoint by validation loss.
      config: the resolved config.
      results: the contents of `results.json`; None for a run that is not evaluated yet.
    """

    model: GenerativeModel
    config: ConfigDict
    results: dict | None


def train(config: dict | ConfigDict, workdir: str | Path, overwrite: bool = False, verbose: int = 1) -> dict:
    """Trains or resumes the run of `config`, evaluates it on the test split and writes its pictures.

    Args:
      config: the result of `load_config`.
      workdir: folder of the run, created if missing. A run of the same config in it is resumed. A finished run is not
        repeated: its results are returned, or measured again if results.json was deleted or the section `evaluate`
        has changed.
      overwrite: start afresh: deletes the run in `workdir` after all checks of the new run have passed.
      verbose: 0 silent, 1 progress bars, 2 a line per epoch.

    Returns:
      The contents of `results.json`: model, dataset, metrics (each with value, stderr and protocol),
      epochs, best_epoch, steps_per_epoch, seed, training_seconds, versions, git revision, machine.

    Raises:
      InvalidInput: the config, the data or the workdir is invalid; raised before training and before any file changes.
      NonFiniteLoss: a term became NaN or infinite; the message names the term, the step and the last good checkpoint.

    Example:
      >>> train(load_config("vae_digits"), "runs/vae_digits")["metrics"]["test_log_likelihood"]["value"]
    """
    config, workdir = resolve(config), Path(workdir)
    if _finished(config, workdir, overwrite):
        return read_results(workdir)
    return _train(config, workdir, overwrite, verbose).results


def train_model(config: dict | ConfigDict, workdir: str | Path, overwrite: bool = False, verbose: int = 1) -> Run:
    """Like `train`, but returns the model with its results; the model is built only once.

    Args and errors: see `train`.

    Example:
      >>> train_model(load_config("vae_digits"), "runs/vae_digits").model.sample(64, seed=0)
    """
    config, workdir = resolve(config), Path(workdir)
    return load_run(workdir) if _finished(config, workdir, overwrite) else _train(config, workdir, overwrite, verbose)


def _finished(config, workdir, overwrite):
    """Returns whether `workdir` holds the results of this config; raises `InvalidInput` if the run cannot use it.

    Results of a run with another section `evaluate` are not: it is measured again.
    """
    check_workdir(config, workdir, overwrite)
    if overwrite or not (workdir / "results.json").exists():
        return False
    return read_config(workdir).get("evaluate") == config.evaluate.to_dict()


def _train(config, workdir, overwrite, verbose):
    strategy = _strategy()
    keras.utils.set_random_seed(config.train.seed % 2**32)
    with precision(config.train.precision), strategy.scope():
        model = build(config)
        for split in SPLITS:
            check_batch(dataset(config, model, split), model, split)
        compile_model(model, config)
        measure.check(model, config)
        if config.train.start_from:
            _start_from(config.train.start_from, model)
    with claimed(workdir):
        if overwrite:
            remove_run(workdir, measure.files())
        newest, history = checkpoints.newest_whole(workdir / "checkpoints", delete=True), []
        if newest:
            history = read_json(newest / "history.json")
            with strategy.scope():
                checkpoints.restore(newest / "model.keras", model)
        (workdir / "results.json").unlink(missing_ok=True)  # of another section `evaluate`, if there are any
        write_json(config.to_dict(), workdir / "config.json")
        write_json(machine(), workdir / "versions.json")
        history = _fit(model, config, workdir, history, verbose)
        return _measure(_best(model, config, workdir, strategy), config, workdir, history, verbose)


def _start_from(workdir, model):
    """Assigns to `model` the best weights of another run with the same networks; its optimizers start afresh."""
    other, config, _ = load_run(workdir)
    if not model.take_weights(other):
        raise InvalidInput(
            f"config.train.start_from is '{workdir}', a run of {config.model.name} with other networks; name one with "
            "the same networks, or None"
        )


def _fit(model, config, workdir, history, verbose):
    """Trains the epochs that are missing from `history`; returns the whole history."""
    done = len(history)
    if done >= config.train.epochs or checkpoints.stopped_early(history, config.train.patience):
        return history
    saver = checkpoints.Checkpoints(workdir, history, config.train.checkpoint_seconds, config.train.patience)
    try:
        with saver.until_sigterm(), writing(workdir / "tensorboard"):
            model.fit(
                dataset(config, model, "train", first_epoch=done), validation_data=dataset(config, model, "validation"),
                steps_per_epoch=steps_per_epoch(config), initial_epoch=done, epochs=config.train.epochs,
                callbacks=[TensorBoard(workdir / "tensorboard", history), saver], verbose=verbose,
            )
    except NonFiniteLoss as error:
        kept = checkpoints.newest(workdir / "checkpoints")
        good = f"the last good checkpoint is {kept}" if kept else "there is no checkpoint yet"
        raise NonFiniteLoss(f"{error}; {good}") from None
    return saver.history


def _best(model, config, workdir, strategy):
    """Returns the model to measure and export, with the best checkpoint's weights, in float32 on one device.

    Layers keep the precision, and variables the devices, with which they were built. A run in another precision, or on
    several devices, therefore needs a second model.
    """
    if config.train.precision != "float32" or strategy.num_replicas_in_sync > 1:
        return load_run(workdir).model
    checkpoints.restore(checkpoints.newest_whole(workdir / "checkpoints") / "best.keras", model)
    return model


def _measure(model, config, workdir, history, verbose):
    """Evaluates the model on the test split; writes the pictures and, last of all, results.json."""
    found = measure.evaluate(model, config, verbose=verbose)
    for name, metric in found.items():
        if not math.isfinite(metric["value"]):
            raise NonFiniteLoss(f"metric '{name}' of the trained model is {metric['value']}; check data and heads")
    measure.restore(model, config, found)
    measure.draw(model, config, workdir, history)
    results = {
        "model": config.model.name,
        "dataset": {"name": config.data.name, "version": data.info(config.data.name).version, **target_of(config)},
        "metrics": found,
        "epochs": len(history),
        "best_epoch": checkpoints.best_epoch(history) + 1,
        "steps_per_epoch": steps_per_epoch(config),
        "seed": config.train.seed,
        "training_seconds": checkpoints.seconds_before(workdir / "checkpoints"),
        **machine(),
    }
    write_json(results, workdir / "results.json")
    return Run(model, config, results)


def load_run(workdir: str | Path) -> Run:
    """Returns `(model, config, results)` of a trained workdir: the best checkpoint by validation loss, in float32.

    A run's precision applies to training only; measures and exports use float32.

    Args:
      workdir: the folder that `train` wrote. `results` is None for a run that is not evaluated yet.

    Raises:
      InvalidInput: the workdir holds no run or an untrained one, or its checkpoint is damaged.

    Example:
      >>> model, config, results = load_run("runs/vae_digits")
    """
    workdir = Path(workdir)
    command = f"dgm-zoo train --workdir={workdir} --config="
    if not os.path.isfile(workdir / "config.json"):  # False for a name that cannot be one, too
        raise InvalidInput(f"workdir '{workdir}' holds no run; train one with: {command}vae_digits")
    newest = checkpoints.newest_whole(workdir / "checkpoints")
    if newest is None:
        raise InvalidInput(f"workdir '{workdir}' holds an untrained run; train it with: {command}{workdir}/config.json")
    given = read_config(workdir)
    try:
        config = resolve(given)
    except InvalidInput as error:
        raise InvalidInput(f"workdir '{workdir}' does not suit this version of dgm_zoo: {error}") from None
    with precision("float32"):
        model = build(config)
        compile_model(model, config)
        checkpoints.restore(newest / "best.keras", model)
    results = read_results(workdir)
    measure.restore(model, config, results["metrics"] if results else {})
    return Run(model, config, results)


def _strategy():
    """Returns a strategy over all GPUs if there are several, else TensorFlow's default."""
    several = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()
