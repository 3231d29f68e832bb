"""A trained model's samples judged against other examples than its own test split: a folder, an array file, a set."""

from typing import Any

import numpy as np
from ml_collections import ConfigDict

from dgm_zoo import data, metrics
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.data import own
from dgm_zoo.data.checks import SPLITS
from dgm_zoo.data.sets import check_name
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.metrics.quality import LEAST
from dgm_zoo.serving.presets import from_preset
from dgm_zoo.training.measures.samples import samples

ALL = "all"  # the splits of a set together
MOST = 10_000  # examples to judge by, unless the config has a limit


def evaluate_against(
    model: GenerativeModel, config: ConfigDict, name: str, split: str = ALL, features: str | None = None,
) -> dict:
    """Compares samples of a model, one for each real example, with a data set by every score that applies.

    Args:
      model: a trained model with an endpoint `sample`.
      config: the resolved config of its run; `evaluate.limit`, or else 10,000, is the largest number of examples.
      name: data set of the zoo, or `kind:path` of your own, at the size and with the channels of the model.
      split: one split, or "all" for all of them.
      features: None for principal components of the real images; a preset of a classifier; or
        "keras:NETWORK:FILE", a network of `keras.applications` with its weights.

    Returns:
      dict of metric name to `value`, `stderr` (or None) and `protocol`; see `metrics.sample_quality`.

    Raises:
      InvalidInput: the model draws no samples, the set has examples of another shape or too few, or the features are
        unknown.

    Example:
      >>> evaluate_against(model, config, "folder:paintings")["frechet_distance"]["value"]
    """
    if "sample" not in model.endpoints():
        raise InvalidInput(f"{type(model).__name__} draws no samples to judge; choose another model")
    check_known("split", split, (*SPLITS, ALL))
    name = own.full_name(name)
    check_name(name)
    real, seen = _examples(model, config, name, split), _extractor(features)
    x, label = samples(model, config, len(real), config.train.seed)
    threshold = config.data.get("binarize") == "threshold"
    found = metrics.sample_quality(x, real, seen, label=label, threshold=threshold)
    for metric in found.values():
        metric["protocol"] += f"; {own.short_name(name)}, {split} split{'s' if split == ALL else ''}"
    return found


def _examples(model, config, name, split):
    """Returns the real examples, `[n, ...]`, up to the config's limit."""
    shape = model.takes()["x"].shape
    facts = data.info(name)
    if len(facts.image_shape) != len(shape) or (len(shape) != 3 and facts.image_shape != shape):
        raise InvalidInput(
            f"'{name}' has examples of shape {list(facts.image_shape)}, but the model's have {list(shape)}; name "
            "another set"
        )
    image = len(shape) == 3
    size, channels = shape[:2] if image else None, shape[-1] if image and facts.image_shape[-1] != shape[-1] else None
    left, parts = config.evaluate.limit or MOST, []
    for one in SPLITS if split == ALL else (split,):
        rows = min(left, facts.splits[one])
        if rows:
            batches = data.load(name, one, rows, shuffle=False, limit=rows, image_size=size, channels=channels)
            parts += [x.numpy() for x in batches]
        left -= rows
    real = np.concatenate(parts)
    if len(real) < LEAST:
        raise InvalidInput(
            f"{len(real)} examples of '{name}', split '{split}', are too few to judge samples by; give at least {LEAST}"
        )
    return real


def _extractor(features: str | None) -> Any:
    """Returns what `metrics.sample_quality` takes as a classifier."""
    if features is None:
        return None
    kind, _, rest = features.partition(":")
    if kind == "keras":
        network, _, file = rest.partition(":")
        return metrics.keras_application(network, file)
    found = from_preset(features)
    if not {"classify", "features"} <= set(found.endpoints()):
        raise InvalidInput(f"preset '{features}' is not a classifier; name one, or leave --features out")
    return metrics.extractor(found, features)
