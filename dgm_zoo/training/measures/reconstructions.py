"""Test images above their reconstructions."""

from dgm_zoo import viz
from dgm_zoo.training.measures.base import Context, Measure, register_measure

COUNT = 16


def draw(context: Context) -> dict:
    x = context.first[0][:COUNT]
    found = context.model.reconstruct(x, **context.given(COUNT))
    return {"reconstructions.png": lambda path: viz.save_pairs(x, found, path)}


register_measure(Measure(
    "reconstructions", f"{COUNT} test images above their reconstructions.", endpoints={"reconstruct": ("x",)},
    data=frozenset({"images"}), files=("reconstructions.png",), draw=draw,
))
