"""Sample quality: of images by a classifier's features, of points by their coordinates."""

from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from dgm_zoo import metrics
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.quality import LEAST
from dgm_zoo.serving.presets import from_preset
from dgm_zoo.training.measures.base import Context, Measure, register_measure, rows
from dgm_zoo.training.measures.limiting import LIMIT
from dgm_zoo.training.measures.samples import samples

JUDGED = {"images": ("classifier",), "points": ()}  # kind of data to the config keys that its scores need
SCORES = ("frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage")
ALSO = {
    "images": ("inception_score", "inception_score_real", "conditional_accuracy"),
    "points": ("modes_covered", "high_quality"),
}


def measure(context: Context) -> dict:
    x, label = samples(context.model, context.config, context.rows, context.seed)
    return {f"{context.split}_{name}": value for name, value in quality(context, x, label).items()}


def measure_limit(context: Context) -> dict:
    x = context.model.limiting_samples(context.rows, LIMIT, context.seed)
    distance = quality(context, x, None)["frechet_distance"]
    protocol = f"{distance['protocol']}; samples after {LIMIT} steps of the chain x -> z ~ q -> x ~ p"
    return {f"{context.split}_limiting_frechet_distance": {**distance, "protocol": protocol}}


def quality(context: Context, x: np.ndarray, label: np.ndarray | None) -> dict:
    """Returns the scores of samples x by name; see `metrics.sample_quality`."""
    config = context.config
    return metrics.sample_quality(
        x, config.data.name, classifier(context.model, config), label=label, split=context.split,
        limit=config.evaluate.limit if context.split == "test" else None, image_size=config.data.get("image_size"),
        channels=config.data.get("channels"),
        threshold=config.data.get("binarize") == "threshold", data_dir=config.data.get("data_dir"),
    )


def check(model: GenerativeModel, config: ConfigDict) -> None:
    classifier(model, config)
    least, few = metrics.least_samples(config.data.name), rows(config, "test")
    if few < least:
        raise InvalidInput(
            f"config.evaluate.limit is {few}, too few samples to judge their quality; set it to at least {least}, or "
            "to None"
        )


def classifier(model: GenerativeModel, config: ConfigDict) -> metrics.Extractor | None:
    """Returns the feature extractor for the config's classifier, or None without a classifier.

    Raises:
      InvalidInput: the preset does not exist, is not a classifier, or its images have another shape or a narrower range
        or fewer classes than the model's.
    """
    name = config.evaluate.classifier
    if name is None:
        return None
    found, fix = from_preset(name), "set config.evaluate.classifier to another, or to None"
    if not {"classify", "features"} <= set(found.endpoints()):
        raise InvalidInput(f"preset '{name}' is not a classifier; set config.evaluate.classifier to one, or to None")
    wanted, x = found.takes()["x"], model.takes()["x"]
    if wanted.shape != x.shape:
        raise InvalidInput(
            f"classifier '{name}' sees images of shape {wanted.shape}, but the model's have {x.shape}; {fix}"
        )
    if wanted.range and not (x.range and wanted.range[0] <= x.range[0] and x.range[1] <= wanted.range[1]):
        mine = "any" if x.range is None else f"[{x.range[0]:g}, {x.range[1]:g}]"
        raise InvalidInput(
            f"classifier '{name}' sees values in [{wanted.range[0]:g}, {wanted.range[1]:g}], but the model's samples "
            f"may have {mine}; {fix}"
        )
    asked = model.endpoints()["sample"].inputs.get("label")
    if asked and asked.range[1] > found.takes()["label"].range[1]:
        raise InvalidInput(
            f"classifier '{name}' knows {found.takes()['label'].range[1] + 1} classes, but the model has "
            f"{asked.range[1] + 1}; {fix}"
        )
    return metrics.extractor(found, Path(name).name)


def _scores(kind):
    return {
        "endpoints": {"sample": ()}, "data": frozenset({kind}), "keys": JUDGED[kind], "check": check, "least": LEAST,
        "order": 70, "numbers": tuple(f"{{split}}_{name}" for name in (*SCORES, *ALSO[kind])), "measure": measure,
    }


def _distance_in_the_limit(kind):
    return {
        "endpoints": {"sample": ()}, "data": frozenset({kind}), "keys": JUDGED[kind], "check": check, "least": LEAST,
        "order": 80, "numbers": ("{split}_limiting_frechet_distance",), "measure": measure_limit,
        "abilities": frozenset({"limiting_samples"}),
    }


register_measure(Measure(
    "quality_of_images", "Scores of sampled images against real ones, by the features of a classifier.",
    **_scores("images"),
))
register_measure(Measure(
    "quality_of_points", "Scores of sampled points against real ones, by their coordinates.", **_scores("points"),
))
register_measure(Measure(
    "quality_of_limiting_images", "The Frechet distance of images in the limit of the model's chain.",
    **_distance_in_the_limit("images"),
))
register_measure(Measure(
    "quality_of_limiting_points", "The Frechet distance of points in the limit of the model's chain.",
    **_distance_in_the_limit("points"),
))
