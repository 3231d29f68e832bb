"""Comparison of the data's codes with the prior that they are trained to match."""

from ml_collections import ConfigDict

from dgm_zoo import metrics, viz
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.quality import LEAST
from dgm_zoo.training.measures.base import Context, Measure, plane, register_measure, rows

BATCHES = 4  # batches of 500 test images whose codes are drawn


def check(model: GenerativeModel, config: ConfigDict) -> None:
    if rows(config, "test") < LEAST:
        raise InvalidInput(
            f"config.evaluate.limit is {rows(config, 'test')}, too few codes to compare with the prior; set it to at "
            f"least {LEAST}, or to None"
        )


def measure(context: Context) -> dict:
    found = metrics.aggregate_posterior(context.model, context.batches, context.seed)
    return {f"{context.split}_aggregate_posterior": found}


def draw(context: Context) -> dict:
    codes, prior = metrics.codes_and_prior(context.model, context.shown.take(BATCHES))
    points = {"prior": plane(prior), "aggregate posterior": plane(codes)}
    return {"codes.png": lambda path: viz.save_points(points, path)}


register_measure(Measure(
    "aggregate_posterior", "The kernel distance between the codes of the data and the prior; a picture of both.",
    endpoints={"encode": ("x",)}, abilities=frozenset({"prior_samples"}), numbers=("{split}_aggregate_posterior",),
    least=LEAST, files=("codes.png",), check=check, measure=measure, draw=draw, order=50,
))
