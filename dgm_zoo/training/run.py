"""One run: config -> data -> model -> fit -> numbers and pictures, in a workdir that can be resumed."""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo import data, metrics, viz
from dgm_zoo.errors import InvalidInput, NonFiniteLoss
from dgm_zoo.models import create
from dgm_zoo.models.registry import arguments
from dgm_zoo.training import checkpoints
from dgm_zoo.training.config import make_optimizer, resolve
from dgm_zoo.training.workdir import check_workdir, machine, remove_run, write_json


def train(config, workdir, overwrite=False, verbose=1):
    """Trains, or resumes, the run that `config` describes, evaluates it on the test split and writes its pictures.

    Args:
      config: what `load_config` returns.
      workdir: folder of the run; made if missing. A run of the same config in it is resumed, or, if it is
        finished, evaluated again.
      overwrite: throw away a run of another config in `workdir`, once this one is known to be able to start.
      verbose: 0 silent, 1 progress bars, 2 a line per epoch.

    Returns:
      The results, as `results.json` holds them.

    Raises:
      InvalidInput: the config, the data or the workdir do not suit; before training and before any file changes.
      NonFiniteLoss: a term became NaN or infinite; names it, the step, and the last good checkpoint.
    """
    config, workdir = resolve(config), Path(workdir)
    check_workdir(config, workdir, overwrite)
    keras.config.set_dtype_policy(config.train.precision)
    try:
        history, seconds = _fit(config, workdir, overwrite, verbose)
    finally:
        keras.config.set_dtype_policy("float32")
    model, config, _ = load_run(workdir)
    results = {
        "model": config.model.name,
        "dataset": {"name": config.data.name, "version": data.info(config.data.name).version},
        "metrics": evaluate(model, config, verbose=verbose),
        "epochs": len(history),
        "best_epoch": checkpoints.best_epoch(history) + 1,
        "steps_per_epoch": _steps_per_epoch(config),
        "seed": config.train.seed,
        "training_seconds": round(seconds, 1),
        **machine(),
    }
    write_json(results, workdir / "results.json")
    pictures(model, config, workdir, history)
    return results


def _fit(config, workdir, overwrite, verbose):
    """Fits or resumes; returns the history and the seconds that all its processes spent fitting."""
    strategy = _strategy()
    keras.utils.set_random_seed(config.train.seed)
    with strategy.scope():
        model = build(config)
        training, validation, _ = datasets(config, model)
        steps = _steps_per_epoch(config)
        compile_model(model, config, steps)
    if overwrite:
        remove_run(workdir)
    newest = checkpoints.newest(workdir / "checkpoints")
    history = []
    if newest:
        history = json.loads((newest / "history.json").read_text())
        with strategy.scope():
            model = checkpoints.load(newest / "model.keras")
        training, *_ = datasets(config, model, first_epoch=len(history))
    workdir.mkdir(parents=True, exist_ok=True)
    write_json(config.to_dict(), workdir / "config.json")
    write_json(machine(), workdir / "versions.json")
    saver = checkpoints.Checkpoints(workdir, history, config.train.checkpoint_seconds, config.train.patience)
    if not _finished(history, config):
        tensorboard = keras.callbacks.TensorBoard(workdir / "tensorboard", write_graph=False, profile_batch=0)
        try:
            model.fit(
                training, validation_data=validation, steps_per_epoch=steps, epochs=config.train.epochs,
                initial_epoch=len(history), callbacks=[tensorboard, saver], verbose=verbose,
            )
        except NonFiniteLoss as error:
            kept = checkpoints.newest(workdir / "checkpoints")
            raise NonFiniteLoss(f"{error}; " + (f"the last good checkpoint is {kept}" if kept else "no checkpoint yet"))
    return saver.history, saver.elapsed()


def build(config):
    """The model of a resolved config, with the shape (and classes) of its data set; not compiled."""
    info = data.info(config.data.name)
    given = {k: v for k, v in config.model.to_dict().items() if k != "name"}
    shape = info.image_shape
    if config.data.get("image_size"):
        shape = (*config.data.image_size, shape[-1])
    if "num_classes" in arguments(config.model.name):
        if info.num_classes is None:
            raise InvalidInput(f"{config.model.name} needs labels, but data set '{config.data.name}' has none")
        given["num_classes"] = info.num_classes
    return create(config.model.name, image_shape=shape, **given, seed=config.train.seed)


def datasets(config, model, first_epoch=0):
    """Returns `(training stream from first_epoch, validation, test)`."""
    options = {k: v for k, v in config.data.to_dict().items() if k not in ("name", "batch_size")}
    options["labels"] = options["labels"] or "label" in model.takes()
    name, seed, held_out = config.data.name, config.train.seed, config.evaluate.batch_size
    test_options = {**options, "limit": config.evaluate.limit}
    options_held_out = {k: v for k, v in options.items() if k != "limit"}
    return (
        data.load(name, "train", config.data.batch_size, **options, seed=seed, first_epoch=first_epoch),
        data.load(name, "validation", held_out, **options_held_out, seed=seed),
        data.load(name, "test", held_out, **test_options, seed=seed),
    )


def compile_model(model, config, steps_per_epoch):
    """Compiles `model` as the `train` section says."""
    model.compile(
        make_optimizer(config.train.to_dict(), config.train.epochs * steps_per_epoch),
        jit_compile=config.train.jit_compile,
        steps_per_execution=whole_executions(config.train.steps_per_execution, steps_per_epoch),
    )


def whole_executions(wanted, steps_per_epoch):
    """The largest divisor of `steps_per_epoch` up to `wanted`.

    On an endless stream Keras rounds an epoch up to whole executions: 550 steps by 32 would become 576, and the
    epochs would no longer begin where the data's do.
    """
    return max(n for n in range(1, min(wanted, steps_per_epoch) + 1) if steps_per_epoch % n == 0)


def load_run(workdir):
    """Returns `(model, config, results)` of a trained workdir: the best checkpoint by validation loss.

    Args:
      workdir: the folder that `train` wrote. `results` is None for a run that has not been evaluated yet.

    Raises:
      InvalidInput: no run there, an untrained one, or a damaged checkpoint.
    """
    workdir = Path(workdir)
    if not (workdir / "config.json").is_file():
        raise InvalidInput(f"workdir '{workdir}' holds no run; train one with: dgm-zoo train --workdir={workdir}")
    newest = checkpoints.newest(workdir / "checkpoints")
    if newest is None:
        raise InvalidInput(f"workdir '{workdir}' holds an untrained run; finish it with: dgm-zoo train --workdir={workdir}")
    config = resolve(json.loads((workdir / "config.json").read_text()))
    model = checkpoints.load(newest / "best.keras")
    if config.train.precision != "float32":  # a precision is for training; what is measured and served is float32
        weights, model = model.get_weights(), build(config)
        model.set_weights(weights)
        compile_model(model, config, _steps_per_epoch(config))
    results = workdir / "results.json"
    return model, config, json.loads(results.read_text()) if results.is_file() else None


def evaluate(model, config, split="test", verbose=1):
    """Measures a trained model on held-out data: every metric that it has, each with its protocol.

    Args:
      model: a trained model.
      config: the resolved config of its run.
      split: "test", or "validation".
      verbose: 1 shows progress.

    Returns:
      dict of metric name to `value`, `stderr` (None where it has none) and `protocol`.
    """
    _, validation, test = datasets(config, model)
    held_out = {"validation": validation, "test": test}[split]
    found = {f"{split}_{name}": value for name, value in metrics.bound_terms(model, held_out).items()}
    table = model.endpoints()
    if "log_likelihood" in table:
        found[f"{split}_log_likelihood"] = metrics.log_likelihood(
            model, held_out, config.evaluate.num_samples, config.evaluate.repetitions, config.train.seed, verbose
        )
    if "encode" in table:
        found["active_units"] = metrics.active_units(model, held_out)
    return found


def pictures(model, config, workdir, history, count=64):
    """Writes samples, reconstructions, an interpolation, a latent map and the learning curves as PNG."""
    table = model.endpoints()
    _, _, test = datasets(_with_labels(config), model)
    x, labels = (part.numpy() for part in next(iter(test))) if _has_labels(config) else (next(iter(test)).numpy(), None)
    given = {"label": labels} if "label" in model.takes() else {}
    classes = {"label": np.arange(count) % model.num_classes} if given else {}
    viz.save_curves({name: [logs[name] for logs in history] for name in history[0]}, workdir / "curves.png")
    if "sample" in table:
        viz.save_grid(model.sample(count, seed=0, **classes), workdir / "samples.png")
    if "reconstruct" in table:
        few = {key: value[:16] for key, value in given.items()}
        viz.save_pairs(x[:16], model.reconstruct(x[:16], **few), workdir / "reconstructions.png")
    if "encode" in table:
        codes = model.encode(x, **given)
        viz.save_latent_map(next(iter(codes.values())), labels, workdir / "latent_map.png")


def _has_labels(config):
    return data.info(config.data.name).num_classes is not None


def _with_labels(config):
    return resolve({**config.to_dict(), "data": {**config.data.to_dict(), "labels": _has_labels(config)}})


def _steps_per_epoch(config):
    rows = config.data.get("limit") or data.info(config.data.name).splits["train"]
    return rows // config.data.batch_size


def _finished(history, config):
    patience = config.train.patience
    stopped = patience is not None and history and len(history) - 1 - checkpoints.best_epoch(history) >= patience
    return stopped or len(history) >= config.train.epochs


def _strategy():
    """All GPUs where there are several, else TensorFlow's default."""
    several = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()
