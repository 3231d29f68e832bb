"""Translations between two domains: pictures, preserved classes, distance to true counterparts."""

from pathlib import Path

from ml_collections import ConfigDict

from dgm_zoo import metrics, viz
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.errors import InvalidInput
from dgm_zoo.serving.presets import from_preset
from dgm_zoo.training.measures.base import Context, Measure, register_measure

COUNT = 16
ENDPOINTS = {"to_target": ("x",), "to_source": ("x",)}
WAYS = {"target": "source", "source": "target"}  # target of a translation to its origin


def draw(context: Context) -> dict:
    rows = {}
    for to, origin in WAYS.items():
        x, _ = context.domain(origin, limit=COUNT)
        there = context.model.translate(x, to=to)
        rows |= {origin: x, f"{origin} to {to}": there, f"{origin} again": context.model.translate(there, to=origin)}
    return {"translations.png": lambda path: viz.save_rows(rows, path)}


def measure_classes(context: Context) -> dict:
    judge, name = from_preset(context.config.evaluate.classifier), Path(context.config.evaluate.classifier).name
    found = {}
    for to, origin in WAYS.items():
        x, label = context.domain(origin, labels=True)
        for key, images, what in (
            (f"class_kept_to_{to}", context.model.translate(x, to=to), f"translations to the {to}"),
            (f"class_of_{origin}", x, f"real images of the {origin}"),
        ):
            right = judge.classify(images)["logits"].argmax(-1) == label
            found[f"{context.split}_{key}"] = metrics.share(right, f"{name} finds the class of {len(x):,} {what}")
    return found


def check_classes(model: GenerativeModel, config: ConfigDict) -> None:
    name, fix = config.evaluate.classifier, "set config.evaluate.classifier to another, or to None"
    judge = from_preset(name)
    if "classify" not in judge.endpoints():
        raise InvalidInput(f"preset '{name}' is not a classifier; {fix}")
    wanted = judge.endpoints()["classify"].inputs["x"].shape
    for role, takes in model.takes().items():
        if takes.shape != wanted:
            raise InvalidInput(f"classifier '{name}' takes images {wanted}, but the {role}'s have {takes.shape}; {fix}")


def measure_counterparts(context: Context) -> dict:
    source, target = (context.domain(role)[0] for role in ("source", "target"))
    given = {"target": (source, target), "source": (target, source)}
    found = {}
    for to, (x, wanted) in given.items():
        for key, images in ((f"to_{to}", context.model.translate(x, to=to)), (f"untranslated_to_{to}", x)):
            found[f"{context.split}_error_{key}"] = metrics.counterpart_error(images, wanted)
            found[f"{context.split}_retrieval_{key}"] = metrics.retrieval(images, wanted)
    return found


register_measure(Measure(
    "translations", f"{COUNT} images of each domain, translated there and back.", endpoints=ENDPOINTS,
    data=frozenset({"images", "domains"}), files=("translations.png",), draw=draw,
))
register_measure(Measure(
    "class_kept", "The share of translations in which a classifier finds the class of the original; for comparison its "
    "accuracy on real images of both domains.", endpoints=ENDPOINTS, data=frozenset({"images", "target labels"}),
    keys=("classifier",),
    numbers=tuple(f"{{split}}_{key}" for to, origin in WAYS.items() for key in (f"class_kept_to_{to}",
                                                                              f"class_of_{origin}")),
    check=check_classes, measure=measure_classes, order=75,
))
register_measure(Measure(
    "counterparts", "The mean absolute error of translations of test images whose true counterparts are known, and the "
    "share whose nearest image is theirs; the same without translation.", endpoints=ENDPOINTS,
    data=frozenset({"images", "counterparts"}),
    numbers=tuple(f"{{split}}_{name}_{way}to_{to}" for name in ("error", "retrieval") for way in ("", "untranslated_")
                  for to in WAYS),
    measure=measure_counterparts, order=60,
))
