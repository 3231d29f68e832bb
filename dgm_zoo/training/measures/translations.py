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


def judges(config: ConfigDict) -> dict[str, str]:
    """Returns the name or folder of the classifier that judges the images of each domain."""
    given = config.evaluate.classifier
    return dict(zip(WAYS.values(), (given, given) if isinstance(given, str) else given, strict=True))


def measure_classes(context: Context) -> dict:
    judged = {role: (from_preset(name), Path(name).name) for role, name in judges(context.config).items()}
    real = {role: context.domain(role, labels=True) for role in WAYS}
    found = {}
    for to, origin in WAYS.items():
        x, label = real[origin]
        translated = context.model.translate(x, to=to)
        for key, role, images, what in (
            (f"class_kept_to_{to}", to, translated, f"translations to the {to}"),
            (f"class_kept_untranslated_to_{to}", to, x, f"real images of the {origin}"),
            (f"class_of_{origin}", origin, x, f"real images of the {origin}"),
        ):
            judge, name = judged[role]
            right = judge.classify(images)["logits"].argmax(-1) == label
            found[f"{context.split}_{key}"] = metrics.share(right, f"{name} finds the class of {len(x):,} {what}")
        judge, name = judged[to]
        seen = metrics.extractor(judge, name)
        for key, images in ((f"to_{to}", translated), (f"untranslated_to_{to}", x)):
            distance = metrics.frechet_distance(*(seen.extract(some)[0] for some in (real[to][0], images)))
            protocol = f"{distance['protocol']}; real images of the {to}; features of {seen.name}"
            found[f"{context.split}_frechet_distance_{key}"] = {**distance, "protocol": protocol}
    return found


def check_classes(model: GenerativeModel, config: ConfigDict) -> None:
    fix = "set config.evaluate.classifier to another, or to None"
    for role, name in judges(config).items():
        judge = from_preset(name)
        if not {"classify", "features"} <= set(judge.endpoints()):
            raise InvalidInput(f"preset '{name}' is not a classifier; {fix}")
        wanted, takes = judge.endpoints()["classify"].inputs["x"].shape, model.takes()[role]
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
    "class_kept", "The share of translations in which the classifier of their domain finds the class of the original, "
    "and their Frechet distance to real images of that domain, both also for images that are not translated; for "
    "comparison its accuracy on real images.", endpoints=ENDPOINTS, data=frozenset({"images", "target labels"}),
    keys=("classifier",),
    numbers=tuple(f"{{split}}_{key}" for to, origin in WAYS.items() for key in (
        f"class_kept_to_{to}", f"class_kept_untranslated_to_{to}", f"class_of_{origin}", f"frechet_distance_to_{to}",
        f"frechet_distance_untranslated_to_{to}",
    )),
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
