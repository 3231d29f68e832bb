"""Builds the parts of a run from its config: the model, its data, its optimizers."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from dgm_zoo import data
from dgm_zoo.core import training_data
from dgm_zoo.core.endpoints import check_array
from dgm_zoo.core.explaining import explaining
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import create
from dgm_zoo.training import pairs
from dgm_zoo.training.arguments import filled, image_of, info_of
from dgm_zoo.training.config import make_optimizers

TRAINING_ALONE = {  # options of `data.load` for what accompanies x in training only
    "labels": False, "pairs": None, "labelled_fraction": None, "labels_per_class": None, "labelled_rows": None,
}


def build(config: ConfigDict) -> GenerativeModel:
    """Returns the model of a resolved config, with the shape (and classes) of its data set; not compiled.

    Raises:
      InvalidInput: the model's arguments are invalid, it needs labels that the data lack, its encoder has nothing to
        learn from, or its likelihood and the data differ in their number of grey levels.

    Example:
      >>> build(load_config("vae_digits")).latent_dim
      8
    """
    given = {key: value for key, value in config.model.to_dict().items() if key != "name"}
    model = create(config.model.name, **filled(config.model.name, given, config))
    if any("likelihood" in parts for parts in model.players.values()):
        _check_levels(model.likelihood, config)
    return model


def _check_levels(likelihood, config):
    """Raises unless the likelihood has the data's grey levels, since log-probabilities are otherwise not comparable."""
    wanted = getattr(likelihood, "levels", None)
    if wanted is None:
        return
    name = type(likelihood).__name__
    if config.data.get("dequantize"):
        raise InvalidInput(f"{name} is for grey levels, but config.data.dequantize is True; set it to False")
    levels = 2 if config.data.get("binarize") else image_of(config)[1]
    if wanted != levels:
        fix = f'config.model.likelihood to {{"name": "{name}", "levels": {levels}}}'
        raise InvalidInput(f"{name} has {wanted} levels, but the data of '{config.data.name}' {levels}; set {fix}")


def dataset(
    config: ConfigDict, model: GenerativeModel, split: str, first_epoch: int | None = None, **options: Any
) -> tf.data.Dataset:
    """Returns the batches of one split for `config` and `model`; of both domains if the config has two.

    Args:
      config: a resolved config.
      model: determines whether labels come with x.
      split: "train", "validation" or "test".
      first_epoch: see `data.load`.
      **options: options of `data.load` that replace the config's.
    """
    if pairs.is_pair(config):
        return pairs.pair(config, split, first_epoch, **options)
    given = {
        **config.data.to_dict(),
        "batch_size": config.data.batch_size if split == "train" else config.evaluate.batch_size,
        "limit": {"train": config.data.get("limit"), "test": config.evaluate.limit}.get(split),
        **options,
    }
    given["labels"] = given["labels"] or "label" in model.takes()
    return data.load(given.pop("name"), split, **given, seed=config.train.seed, first_epoch=first_epoch)


def held_out(config: ConfigDict, model: GenerativeModel, split: str, **options: Any) -> tf.data.Dataset:
    """Returns batches of x with the model's inputs and what `options` request, without training-only labels or pairs.

    With two domains, the batches are of the source.

    Args:
      config, model, split: see `dataset`.
      **options: options of `data.load`, such as `labels=True`, `pairs=0`, `batch_size=16` or `limit=None`.

    Example:
      >>> x = next(iter(held_out(config, model, "test", batch_size=16, limit=16)))
    """
    if pairs.is_pair(config):
        given = {"limit": config.evaluate.limit if split == "test" else None, **options}
        return pairs.one_domain(config, "source", split, **given)
    return dataset(config, model, split, **{**TRAINING_ALONE, **options})


def check_batch(batches: tf.data.Dataset, model: GenerativeModel, split: str) -> None:
    """Raises `InvalidInput` if the first batch does not match the model's inputs."""
    x, y, _ = keras.utils.unpack_x_y_sample_weight(explaining(next)(iter(batches)))
    given = training_data.parts(model, x, y)
    for name, wanted in model.takes().items():
        check_array(f"{split} split", name, given[name], wanted)


def compile_model(model: GenerativeModel, config: ConfigDict) -> None:
    """Compiles `model` with the options of the `train` section."""
    steps = steps_per_epoch(config)
    total_steps = lambda player: config.train.epochs * steps * model.steps_of(player)  # noqa: E731
    model.compile(
        make_optimizers(config.train.to_dict(), model.players, total_steps),
        jit_compile=config.train.jit_compile,
        steps_per_execution=whole_executions(config.train.steps_per_execution, steps),
    )


def whole_executions(wanted: int, steps_per_epoch: int) -> int:
    """Returns the largest divisor of `steps_per_epoch` that is at most `wanted`.

    On an endless stream Keras rounds an epoch up to whole executions: with 32 steps each, 550 steps would become 576,
    and the epochs of Keras and of the data would drift apart.

    Example:
      >>> whole_executions(32, 550)
      25
    """
    return max(n for n in range(1, min(wanted, steps_per_epoch) + 1) if steps_per_epoch % n == 0)


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Context in which Keras builds layers of the dtype policy `name`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def steps_per_epoch(config: ConfigDict) -> int:
    """Returns the number of batches of an epoch; training drops the remainder."""
    if pairs.is_pair(config):
        return pairs.steps_per_epoch(config)
    return (config.data.get("limit") or info_of(config).splits["train"]) // config.data.batch_size
