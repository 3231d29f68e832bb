"""The parts of a run that its config describes: the model, its data, its optimizers."""

import contextlib

import keras

from dgm_zoo import data
from dgm_zoo.core.endpoints import check_array
from dgm_zoo.core.registry import arguments
from dgm_zoo.data.checks import check_image_size
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import create
from dgm_zoo.serving.presets import from_preset
from dgm_zoo.training.config import make_optimizers


def build(config):
    """The model of a resolved config, with the shape (and classes) of its data set; not compiled.

    Raises:
      InvalidInput: the model's arguments do not suit, it needs labels where there are none, its encoder has nothing to
        learn from, or its likelihood has another number of grey levels than the data.
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
    if "class_prior" in arguments(config.model.name) and given.get("class_prior") is None:
        given["class_prior"] = _class_shares(config)
    if given.get("masks") is not None:
        given["masks"] = _masks(given["masks"], config.train.seed)
    if given.get("dream_weight") == 0 and not config.data.get("pairs"):
        raise InvalidInput(
            "config.model.dream_weight is 0 and config.data.pairs leaves no pairs, so that the encoder learns from "
            "nothing; raise one of them"
        )
    model = create(config.model.name, image_shape=shape, **given, seed=config.train.seed)
    _check_levels(getattr(model, "likelihood", None), config, levels)
    return model


def _class_shares(config):
    """The classes' shares of the training rows that keep their labels."""
    takes = ("labelled_fraction", "labels_per_class", "limit", "data_dir")
    options = {key: value for key, value in config.data.items() if key in takes}
    return data.class_shares(config.data.name, **options, seed=config.train.seed)


def _masks(preset, seed, n=10_000):
    """Masks `[n, height, width, 1]` that a preset draws: where its samples are above 1/2."""
    return from_preset(str(preset)).sample(n, seed=seed) > 0.5


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


def check_batch(batches, model, split):
    """Raises `InvalidInput` if the first batch does not suit the model."""
    x, y, _ = keras.utils.unpack_x_y_sample_weight(next(iter(batches)))
    for name, wanted in model.takes().items():
        check_array(f"{split} split", name, {"x": x, "label": y}[name], wanted)


def compile_model(model, config):
    """Compiles `model` as the `train` section says."""
    steps = steps_per_epoch(config)
    total_steps = lambda player: config.train.epochs * steps * model.steps_of(player)  # noqa: E731
    model.compile(
        make_optimizers(config.train.to_dict(), model.players, total_steps),
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


@contextlib.contextmanager
def precision(name):
    """Context in which Keras builds layers of the dtype policy `name`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def steps_per_epoch(config):
    return (config.data.get("limit") or data.info(config.data.name).splits["train"]) // config.data.batch_size
