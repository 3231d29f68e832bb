"""The learning curves."""

from dgm_zoo import viz
from dgm_zoo.training.measures.base import Context, Measure, register_measure


def draw(context: Context) -> dict:
    return {"curves.png": lambda path: viz.save_curves(context.history, path)}


register_measure(Measure("curves", "Each logged term, epoch by epoch.", files=("curves.png",), draw=draw))
