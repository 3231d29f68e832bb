"""Samples in the limit of the chain between encoder and decoder."""

from dgm_zoo import viz
from dgm_zoo.training.measures.base import Context, Measure, register_measure
from dgm_zoo.training.measures.samples import COUNT

LIMIT = 300  # steps of the chain whose last images are drawn and scored


def draw(context: Context) -> dict:
    x = context.model.limiting_samples(COUNT, LIMIT, 0)
    return {"limiting.png": lambda path: viz.save_grid(x, path)}


register_measure(Measure(
    "limiting_samples", f"Samples after {LIMIT} steps of the chain x -> z ~ q -> x ~ p.",
    abilities=frozenset({"limiting_samples"}), data=frozenset({"images"}), files=("limiting.png",), draw=draw,
))
