"""One run, from config to numbers and pictures, in a workdir that can be resumed."""

import contextlib
import math
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import keras
from ml_collections import ConfigDict

from dgm_zoo import data
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.data.checks import SPLITS
from dgm_zoo.errors import InvalidInput, LostWorker, NonFiniteLoss
from dgm_zoo.files import writing
from dgm_zoo.training import checkpoints, cluster, measure
from dgm_zoo.training.arguments import info_of
from dgm_zoo.training.build import build, check_batch, compile_model, dataset, precision, steps_per_epoch
from dgm_zoo.training.config import resolve
from dgm_zoo.training.logs import TensorBoard
from dgm_zoo.training.pairs import is_pair, target_of
from dgm_zoo.training.progress import pictures
from dgm_zoo.training.workdir import (
    check_workdir,
    claimed,
    is_measured,
    machine,
    read_config,
    read_json,
    read_results,
    remove_results,
    remove_run,
    rescheduled,
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
        repeated: its results are returned, or measured again if results.json was deleted or `config.evaluate` changed.
        With more `config.train.epochs` it goes on, to the weights of a run that had as many from the start; if a
        schedule lasts until the last epoch, as "cosine" does, to others, with a warning, and the results say so.
      overwrite: start afresh: deletes the run in `workdir` after all checks of the new run have passed.
      verbose: 0 silent, 1 progress bars, 2 a line per epoch.

    Returns:
      The contents of `results.json`: model, dataset, metrics (each with value, stderr and protocol),
      epochs, best_epoch, steps_per_epoch, seed, training_seconds, versions, git revision, machine.

    Raises:
      InvalidInput: the config, the data or the workdir is invalid; raised before training and before any file changes.
      NonFiniteLoss: a term became NaN or infinite; the message names the term, the step and the last good checkpoint.
      LostWorker: of several workers, see `cluster.join`, another one has ended.

    Example:
      >>> train(load_config("vae_digits"), "runs/vae_digits")["metrics"]["test_log_likelihood"]["value"]
    """
    workers, config, workdir = cluster.join(), resolve(config), Path(workdir)
    found = workers.of_first(lambda: _finished(config, workdir, overwrite))
    return found or _train(workers, config, workdir, overwrite, verbose).results


def train_model(config: dict | ConfigDict, workdir: str | Path, overwrite: bool = False, verbose: int = 1) -> Run:
    """Like `train`, but returns the model with its results; the model is built only once.

    Args: see `train`.

    Raises:
      InvalidInput: also on other workers than the first, which do not get the model.

    Example:
      >>> train_model(load_config("vae_digits"), "runs/vae_digits").model.sample(64, seed=0)
    """
    workers, config, workdir = cluster.join(), resolve(config), Path(workdir)
    if not workers.first:
        raise InvalidInput(f"worker {workers.index} does not get the model of a run; call train there, not train_model")
    found = workers.of_first(lambda: _finished(config, workdir, overwrite))
    return load_run(workdir) if found else _train(workers, config, workdir, overwrite, verbose)


def _finished(config, workdir, overwrite):
    """Returns the results of this config in `workdir`, or None; raises `InvalidInput` if the run cannot use it."""
    check_workdir(config, workdir, overwrite)
    return read_results(workdir) if not overwrite and is_measured(config, workdir) else None


def _train(workers, config, workdir, overwrite, verbose):
    workers.check_same(config.to_dict())
    strategy = workers.strategy
    cluster.check_batch_size(config.data.batch_size, strategy.num_replicas_in_sync)
    keras.utils.set_random_seed(config.train.seed % 2**32)
    with precision(config.train.precision), strategy.scope():
        model = build(config)
        for split in SPLITS:
            check_batch(dataset(config, model, split), model, split)
        compile_model(model, config)
        measure.check(model, config)
    with contextlib.ExitStack() as stack:
        history = workers.of_first(lambda: _prepared(stack, model, config, workdir, overwrite))
        workers.share_state(model)
        history = _fit(workers, model, config, workdir, history, verbose)
        run = Run(model, config, None)

        def measured():
            nonlocal run
            run = _measure(_best(model, config, workdir, strategy), config, workdir, history, verbose)
            return run.results

        results = workers.of_first(measured)
        return run._replace(results=results)


def _prepared(stack, model, config, workdir, overwrite):
    """Claims the workdir until `stack` ends, and gives `model` the newest checkpoint; returns its history."""
    if config.train.start_from:
        _start_from(config.train.start_from, model)
    stack.enter_context(claimed(workdir))
    if overwrite:
        remove_run(workdir, measure.files())
    elif (workdir / "results.json").exists():  # of fewer epochs, or of another evaluation
        remove_results(workdir, measure.files())
    again = rescheduled(config, workdir)
    if again:
        warnings.warn(again, stacklevel=4)
        before = read_json(workdir / "schedules.json") if (workdir / "schedules.json").exists() else []
        write_json([*before, again], workdir / "schedules.json")
    newest, history = checkpoints.newest_whole(workdir / "checkpoints", delete=True), []
    if newest:
        history = read_json(newest / "history.json")
        checkpoints.restore(newest / "model.keras", model)
    write_json(config.to_dict(), workdir / "config.json")
    write_json(machine(), workdir / "versions.json")
    return history


def _start_from(workdir, model):
    """Assigns to `model` the best weights of another run with the same networks; its optimizers start afresh."""
    other, config, _ = load_run(workdir)
    if not model.take_weights(other):
        raise InvalidInput(
            f"config.train.start_from is '{workdir}', a run of {config.model.name} with other networks; name one with "
            "the same networks, or None"
        )


def _fit(workers, model, config, workdir, history, verbose):
    """Trains the epochs that are missing from `history`; returns the whole history."""
    done = len(history)
    if done >= config.train.epochs or checkpoints.stopped_early(history, config.train.patience):
        return history
    train = config.train
    saver = checkpoints.Checkpoints(workdir, history, train.checkpoint_seconds, train.patience, writes=workers.first)
    shown = [TensorBoard(workdir / "tensorboard", history), *pictures(model, config, workdir, history)]
    try:
        with saver.until_sigterm(), workers.watched(), writing(workdir / "tensorboard"):
            model.fit(
                dataset(config, model, "train", first_epoch=done), validation_data=_validation(workers, model, config),
                steps_per_epoch=steps_per_epoch(config), initial_epoch=done, epochs=train.epochs,
                callbacks=[*(shown if workers.first else []), saver], verbose=verbose if workers.first else 0,
            )
    except LostWorker:
        saver.save_unsaved()
        raise
    except NonFiniteLoss as error:
        kept = checkpoints.newest(workdir / "checkpoints")
        good = f"the last good checkpoint is {kept}" if kept else "there is no checkpoint yet"
        raise NonFiniteLoss(f"{error}; {good}") from None
    return saver.history


def _validation(workers, model, config):
    """Returns the validation split, in batches that leave no replica without rows."""
    replicas = workers.strategy.num_replicas_in_sync
    if replicas == 1 or is_pair(config):
        return dataset(config, model, "validation")
    rows = info_of(config).splits["validation"]
    size = cluster.evaluation_batch(rows, config.evaluate.batch_size, replicas)
    return dataset(config, model, "validation", batch_size=size)


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
    found = measure.evaluate(model, config, verbose=verbose, history=history)
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
        **({"schedules": read_json(schedules)} if (schedules := workdir / "schedules.json").exists() else {}),
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
