"""One run: config -> data -> model -> fit -> numbers and pictures, in a workdir that can be resumed."""

import contextlib
import math
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo import data, metrics, viz
from dgm_zoo.data.pipeline import SPLITS, check_image_size
from dgm_zoo.errors import InvalidInput, NonFiniteLoss
from dgm_zoo.models import create
from dgm_zoo.models.endpoints import check_array
from dgm_zoo.models.registry import arguments
from dgm_zoo.serving.presets import from_preset
from dgm_zoo.training import checkpoints
from dgm_zoo.training.config import make_optimizers, resolve
from dgm_zoo.training.logs import TensorBoard
from dgm_zoo.training.workdir import check_workdir, claimed, machine, read_json, remove_run, write_json


def train(config, workdir, overwrite=False, verbose=1):
    """Trains, or resumes, the run that `config` describes, evaluates it on the test split and writes its pictures.

    Args:
      config: what `load_config` returns.
      workdir: folder of the run; made if missing. A run of the same config in it is resumed. If it is finished
        nothing is done again: its results are returned, or measured if results.json was deleted.
      overwrite: start afresh: whatever run is in `workdir` is deleted, once this one is known to be able to start.
      verbose: 0 silent, 1 progress bars, 2 a line per epoch.

    Returns:
      The results, as `results.json` holds them: model, dataset, metrics (each with value, stderr and protocol),
      epochs, best_epoch, steps_per_epoch, seed, training_seconds, versions, git revision, machine.

    Raises:
      InvalidInput: the config, the data or the workdir do not suit; before training and before any file changes.
      NonFiniteLoss: a term became NaN or infinite; names it, the step, and the last good checkpoint.

    Example:
      >>> train(load_config("configs/vae_digits.py"), "runs/vae_digits")["metrics"]["test_log_likelihood"]["value"]
    """
    config, workdir = resolve(config), Path(workdir)
    check_workdir(config, workdir, overwrite)
    if (workdir / "results.json").exists() and not overwrite:
        return read_json(workdir / "results.json")
    strategy = _strategy()
    keras.utils.set_random_seed(config.train.seed % 2**32)
    with _precision(config.train.precision), strategy.scope():
        model = build(config)
        for split in SPLITS:
            _check_batch(dataset(config, model, split), model, split)
        compile_model(model, config)
        _check_quality(config, model)
    with claimed(workdir):
        if overwrite:
            remove_run(workdir)
        newest, history = checkpoints.newest(workdir / "checkpoints"), []
        if newest:
            history = read_json(newest / "history.json")
            with strategy.scope():
                checkpoints.restore(newest / "model.keras", model)
        write_json(config.to_dict(), workdir / "config.json")
        write_json(machine(), workdir / "versions.json")
        history = _fit(model, config, workdir, history, verbose)
        return _measure(config, workdir, history, verbose)


def _fit(model, config, workdir, history, verbose):
    """Trains the epochs that `history` does not hold yet; returns the whole history."""
    done = len(history)
    if done >= config.train.epochs or checkpoints.stopped_early(history, config.train.patience):
        return history
    saver = checkpoints.Checkpoints(workdir, history, config.train.checkpoint_seconds, config.train.patience)
    try:
        model.fit(
            dataset(config, model, "train", first_epoch=done), validation_data=dataset(config, model, "validation"),
            steps_per_epoch=_steps_per_epoch(config), initial_epoch=done, epochs=config.train.epochs,
            callbacks=[TensorBoard(workdir / "tensorboard", history), saver], verbose=verbose,
        )
    except NonFiniteLoss as error:
        kept = checkpoints.newest(workdir / "checkpoints")
        good = f"the last good checkpoint is {kept}" if kept else "there is no checkpoint yet"
        raise NonFiniteLoss(f"{error}; {good}") from None
    return saver.history


def _measure(config, workdir, history, verbose):
    """Evaluates the best checkpoint on the test split; writes the pictures, and results.json at the very end."""
    model, _, _ = load_run(workdir)
    found = evaluate(model, config, verbose=verbose)
    for name, metric in found.items():
        if not math.isfinite(metric["value"]):
            raise NonFiniteLoss(f"metric '{name}' of the trained model is {metric['value']}; check data and heads")
    pictures(model, config, workdir, history)
    results = {
        "model": config.model.name,
        "dataset": {"name": config.data.name, "version": data.info(config.data.name).version},
        "metrics": found,
        "epochs": len(history),
        "best_epoch": checkpoints.best_epoch(history) + 1,
        "steps_per_epoch": _steps_per_epoch(config),
        "seed": config.train.seed,
        "training_seconds": checkpoints.seconds_before(workdir / "checkpoints"),
        **machine(),
    }
    write_json(results, workdir / "results.json")
    return results


def build(config):
    """The model of a resolved config, with the shape (and classes) of its data set; not compiled.

    Raises:
      InvalidInput: the model's arguments do not suit, it needs labels where there are none, or its likelihood has
        another number of grey levels than the data.
    """
    info = data.info(config.data.name)
    given = {k: v for k, v in config.model.to_dict().items() if k != "name"}
    shape, levels = info.image_shape, info.levels
    if config.data.get("image_size") and check_image_size(config.data.image_size) != shape[:2]:
        shape, levels = (*config.data.image_size, shape[-1]), 256
    if "num_classes" in arguments(config.model.name):
        if info.num_classes is None:
            raise InvalidInput(
                f"{config.model.name} needs labels, but data set '{config.data.name}' has none; choose another"
            )
        given["num_classes"] = info.num_classes
    model = create(config.model.name, image_shape=shape, **given, seed=config.train.seed)
    _check_levels(getattr(model, "likelihood", None), config, levels)
    return model


def _check_levels(likelihood, config, levels):
    """A mass on grey levels can only be compared with others if these are the data's own."""
    wanted = getattr(likelihood, "levels", None)
    if wanted is None:
        return
    name = type(likelihood).__name__
    if config.data.get("dequantize"):
        raise InvalidInput(f"{name} is for grey levels, but config.data.dequantize is True; set it to False")
    levels = 2 if config.data.get("binarize") else levels
    if wanted != levels:
        fix = f'config.model.likelihood to {{"name": "{name}", "levels": {levels}}}'
        raise InvalidInput(f"{name} has {wanted} levels, but the data of '{config.data.name}' {levels}; set {fix}")


def dataset(config, model, split, first_epoch=None):
    """The batches of one split as `config` wants them and `model` takes them; `first_epoch` as `data.load` takes it."""
    options = {k: v for k, v in config.data.to_dict().items() if k not in ("name", "batch_size", "limit")}
    options["labels"] = options["labels"] or "label" in model.takes()
    options["limit"] = {"train": config.data.get("limit"), "test": config.evaluate.limit}.get(split)
    rows = config.data.batch_size if split == "train" else config.evaluate.batch_size
    return data.load(config.data.name, split, rows, **options, seed=config.train.seed, first_epoch=first_epoch)


def _check_batch(batches, model, split):
    """Raises `InvalidInput` if the first batch does not suit the model."""
    x, y, _ = keras.utils.unpack_x_y_sample_weight(next(iter(batches)))
    for name, wanted in model.takes().items():
        check_array(f"{split} split", name, {"x": x, "label": y}[name], wanted)


def compile_model(model, config):
    """Compiles `model` as the `train` section says."""
    steps = _steps_per_epoch(config)
    model.compile(
        make_optimizers(config.train.to_dict(), model.players, config.train.epochs * steps),
        jit_compile=config.train.jit_compile,
        steps_per_execution=whole_executions(config.train.steps_per_execution, steps),
    )


def whole_executions(wanted, steps_per_epoch):
    """The largest divisor of `steps_per_epoch` up to `wanted`.

    On an endless stream Keras rounds an epoch up to whole executions: 550 steps by 32 would become 576, and the
    epochs would no longer begin where the data's do.

    Example:
      >>> whole_executions(32, 550)
      25
    """
    return max(n for n in range(1, min(wanted, steps_per_epoch) + 1) if steps_per_epoch % n == 0)


def load_run(workdir):
    """Returns `(model, config, results)` of a trained workdir: the best checkpoint by validation loss, in float32.

    A run's precision is for its training; what is measured and served is float32.

    Args:
      workdir: the folder that `train` wrote. `results` is None for a run that has not been evaluated yet.

    Raises:
      InvalidInput: no run there, an untrained one, or a damaged checkpoint.
    """
    workdir = Path(workdir)
    command = f"dgm-zoo train --workdir={workdir} --config="
    if not (workdir / "config.json").is_file():
        raise InvalidInput(f"workdir '{workdir}' holds no run; train one with: {command}configs/vae_digits.py")
    newest = checkpoints.newest(workdir / "checkpoints")
    if newest is None:
        raise InvalidInput(f"workdir '{workdir}' holds an untrained run; train it with: {command}{workdir}/config.json")
    config = resolve(read_json(workdir / "config.json"))
    with _precision("float32"):
        model = build(config)
        compile_model(model, config)
        checkpoints.restore(newest / "best.keras", model)
    results = workdir / "results.json"
    return model, config, read_json(results) if results.is_file() else None


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
    held_out, table = dataset(config, model, split), model.endpoints()
    found = {f"{split}_{name}": value for name, value in metrics.bound_terms(model, held_out).items()}
    if "log_likelihood" in table:
        found[f"{split}_log_likelihood"] = metrics.log_likelihood(
            model, held_out, config.evaluate.num_samples, config.evaluate.repetitions, config.train.seed, verbose
        )
    if "encode" in table:
        found["active_units"] = metrics.active_units(model, held_out)
    if _judges_samples(config, model):
        x, label = _samples(model, _rows(config, split), config.train.seed)
        quality = metrics.sample_quality(
            x, config.data.name, _classifier(config, model), label=label, split=split,
            limit=config.evaluate.limit if split == "test" else None, image_size=config.data.get("image_size"),
            data_dir=config.data.get("data_dir"),
        )
        found.update({f"{split}_{name}": value for name, value in quality.items()})
    return found


def _judges_samples(config, model):
    """Whether the quality of the model's samples is measured: of points always, of images if a classifier is named."""
    return "sample" in model.endpoints() and bool(config.evaluate.classifier or _holds_points(config))


def _check_quality(config, model):
    """Raises `InvalidInput` if the quality of samples is to be measured and cannot be."""
    _classifier(config, model)
    least, rows = metrics.least_samples(config.data.name), _rows(config, "test")
    if _judges_samples(config, model) and rows < least:
        raise InvalidInput(
            f"config.evaluate.limit is {rows}, too few samples to judge their quality; set it to at least {least}, or "
            "to None"
        )


def _classifier(config, model):
    """The `metrics.Extractor` of the classifier that the config names, None if it names none.

    Raises:
      InvalidInput: no such preset, or one that classifies nothing or other images.
    """
    name = config.evaluate.classifier
    if name is None:
        return None
    found, wanted = from_preset(name), model.takes()["x"].shape
    if "classify" not in found.endpoints():
        raise InvalidInput(f"preset '{name}' is no classifier; set config.evaluate.classifier to one, or to None")
    if found.takes()["x"].shape != wanted:
        raise InvalidInput(
            f"classifier '{name}' sees images of shape {found.takes()['x'].shape}, but the model's have {wanted}; "
            "set config.evaluate.classifier to another, or to None"
        )
    return metrics.extractor(found, Path(name).name)


def _holds_points(config):
    return len(data.info(config.data.name).image_shape) == 1


def _rows(config, split):
    """Number of examples of a held-out split that are evaluated."""
    return (config.evaluate.limit if split == "test" else None) or data.info(config.data.name).splits[split]


def _samples(model, n, seed):
    """n samples, and the classes that they were asked to have: all alike often; None for a model without labels."""
    if "label" not in model.endpoints()["sample"].inputs:
        return model.sample(n, seed=seed), None
    label = np.arange(n) % model.num_classes
    return model.sample(n, seed=seed, label=label), label


def pictures(model, config, workdir, history, count=64, rows=500):
    """Writes samples, reconstructions, a latent map of the first `rows` test images and the learning curves as PNG."""
    table, labelled = model.endpoints(), data.info(config.data.name).num_classes is not None
    wanted = {"data": {**config.data.to_dict(), "labels": labelled}, "evaluate": {"batch_size": rows}}
    x, labels, _ = keras.utils.unpack_x_y_sample_weight(
        next(iter(dataset(resolve({**config.to_dict(), **wanted}), model, "test")))
    )
    given = {"label": labels.numpy()} if "label" in model.takes() else {}
    viz.save_curves(history, workdir / "curves.png")
    if "sample" in table and _holds_points(config):
        viz.save_points({"data": x.numpy(), "samples": _samples(model, len(x), 0)[0]}, workdir / "samples.png")
    elif "sample" in table:
        viz.save_grid(_samples(model, count, 0)[0], workdir / "samples.png")
    if "reconstruct" in table and not _holds_points(config):
        few = {key: value[:16] for key, value in given.items()}
        viz.save_pairs(x[:16].numpy(), model.reconstruct(x[:16], **few), workdir / "reconstructions.png")
    if "encode" in table:
        codes = next(iter(model.encode(x, **given).values()))
        viz.save_latent_map(codes, labels.numpy() if labelled else None, workdir / "latent_map.png")


@contextlib.contextmanager
def _precision(name):
    """Context in which Keras builds layers of the dtype policy `name`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _steps_per_epoch(config):
    return (config.data.get("limit") or data.info(config.data.name).splits["train"]) // config.data.batch_size


def _strategy():
    """All GPUs where there are several, else TensorFlow's default."""
    several = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()
