"""Two domains in a config: `data.name` is the source, `data.target` the target.

The other keys of the `data` section are options of `data.load_pair`, such as `image_size` and `channels`; `limit` may
be one number for both domains. A model takes two domains if its class has `domains`. In training the source keeps its
labels, if any, and the target has none; held-out data keep all labels.
"""

import inspect
from typing import Any

import tensorflow as tf
from ml_collections import ConfigDict

from dgm_zoo import data
from dgm_zoo.core.registry import model_class
from dgm_zoo.data.pairs import with_channels
from dgm_zoo.errors import InvalidInput

NOT_OPTIONS = {"source", "split", "labels", "seed", "first_epoch"}
OF_ONE_DOMAIN = ("image_size", "data_dir")  # options that `data.load` takes as well


def options() -> set[str]:
    """Returns the keys that the `data` section takes for two domains."""
    return {"name", *inspect.signature(data.load_pair).parameters} - NOT_OPTIONS


def is_pair(config: ConfigDict | dict) -> bool:
    """Returns whether a config has two domains."""
    return config["data"].get("target") is not None


def check(config: dict) -> None:
    """Raises `InvalidInput` unless model and data both have two domains, or neither."""
    name, pair = config["model"]["name"], is_pair(config)
    several = bool(model_class(name).domains)
    if several and not pair:
        raise InvalidInput(f"{name} needs two domains, but config.data.target is not set; name the target's data set")
    if pair and not several:
        target = config["data"]["target"]
        raise InvalidInput(f"config.data.target is {target!r}, but {name} takes one data set; set it to None")


def limits(config: ConfigDict, split: str) -> tuple:
    """Returns the number of rows (of source, of target) that a split keeps, None for all."""
    found = {"train": config.data.get("limit"), "test": config.evaluate.limit}.get(split)
    return (found, found) if found is None or isinstance(found, int) else tuple(found)


def steps_per_epoch(config: ConfigDict) -> int:
    """Returns the number of batches of an epoch, one pass over the larger domain."""
    names = config.data.name, config.data.target
    counts = [
        limit or data.info(name).splits["train"] for name, limit in zip(names, limits(config, "train"), strict=True)
    ]
    return max(counts) // (config.data.batch_size // 2)


def pair(config: ConfigDict, split: str, first_epoch: int | None = None, **changes: Any) -> tf.data.Dataset:
    """Returns the batches of both domains, `((x_source, x_target), (y_source, y_target))`.

    Args:
      config: a resolved config of two domains.
      split: "train", "validation" or "test".
      first_epoch: see `data.load_pair`.
      **changes: `batch_size` or `limit`, to replace the config's.
    """
    given = {key: value for key, value in config.data.to_dict().items() if key not in ("name", "target")}
    training = split == "train"
    labelled = [data.info(name).num_classes is not None for name in (config.data.name, config.data.target)]
    given |= {
        "batch_size": config.data.batch_size if training else config.evaluate.batch_size,
        "limit": limits(config, split), "labels": (labelled[0], labelled[1] and not training), **changes,
    }
    given["balanced"] = training and given.get("balanced", False)
    if given["limit"] == (None, None):
        given["limit"] = None
    return data.load_pair(
        config.data.name, config.data.target, split=split, seed=config.train.seed, first_epoch=first_epoch, **given
    )


def one_domain(
    config: ConfigDict, role: str, split: str, labels: bool = False, batch_size: int | None = None,
    limit: int | None = None,
) -> tf.data.Dataset:
    """Returns the held-out batches of one domain, in the form that the model takes.

    Args:
      config: a resolved config of two domains.
      role: "source" or "target".
      split: "validation", "test", or "train" in its stored order.
      labels: whether elements are (x, y).
      batch_size: rows of a batch; the config's `evaluate.batch_size` if None.
      limit: number of rows, the first ones; None for all.
    """
    given = {key: config.data.get(key) for key in OF_ONE_DOMAIN}
    batches = data.load(
        config.data.name if role == "source" else config.data.target, split, batch_size or config.evaluate.batch_size,
        labels=labels, limit=limit, shuffle=False, **given,
    )
    channels = config.data.get("channels")
    if labels:
        return batches.map(lambda x, y: (with_channels(x, channels), y))
    return batches.map(lambda x: with_channels(x, channels))


def target_of(config: ConfigDict) -> dict:
    """Returns the target's entries for a run's record, `{}` for a config with one data set."""
    if not is_pair(config):
        return {}
    return {"target": config.data.target, "target_version": data.info(config.data.target).version}
