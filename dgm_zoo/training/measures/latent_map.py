"""The codes of test examples in the plane, coloured by class if there are labels."""

from dgm_zoo import viz
from dgm_zoo.training.measures.base import Context, Measure, first_of, register_measure


def draw(context: Context) -> dict:
    x, labels = context.first
    codes = first_of(context.model.encode(x, **context.given()))
    return {"latent_map.png": lambda path: viz.save_latent_map(codes, labels, path)}


register_measure(Measure(
    "latent_map", "The codes of 500 test examples in the plane, in the colour of their class.",
    endpoints={"encode": ("x",)}, least=2, files=("latent_map.png",), draw=draw,
))
