"""Independence of the units of a factorial code, and a picture of codes."""

import numpy as np

from dgm_zoo import metrics, viz
from dgm_zoo.training.arguments import info_of
from dgm_zoo.training.measures.base import Context, Measure, register_measure

FITTED, SHOWN = 20_000, 100  # training examples for fitting predictors; examples in the picture


def measure(context: Context) -> dict:
    code = codes(context, context.split, context.rows)
    fitted = codes(context, "train", FITTED)
    return {
        f"{context.split}_code_information": metrics.pairwise_information(code),
        f"{context.split}_unit_error": metrics.refitted_error(fitted, code, seed=context.seed),
        "constant_units": metrics.constant_units(code),
    }


def measure_ensemble(context: Context) -> dict:
    code, patterns = codes(context, context.split, context.rows), info_of(context.config).num_classes or 0
    return {
        f"{context.split}_factorial": metrics.factorial(code, patterns),
        f"{context.split}_distinct_codes": metrics.distinct_codes(code),
    }


def codes(context: Context, split: str, rows: int) -> np.ndarray:
    """Returns the codes of the first rows of a split, with the data options of training: NumPy `[rows, units]`."""
    found = []
    for x in context.examples(split, limit=None, batch_size=500, shuffle=False):
        found.append(context.model.encode(x.numpy())["mean"])
        if 500 * len(found) >= rows:
            break
    return np.concatenate(found)[:rows]


def draw(context: Context) -> dict:
    x, labels = context.first
    order = np.argsort(labels, kind="stable") if labels is not None else np.arange(len(x))
    code = context.model.encode(x)["mean"][order[:: max(len(x) // SHOWN, 1)]]
    return {"codes.png": lambda path: viz.save_grid(code[None, :, :, None], path)}


register_measure(Measure(
    "code_independence", "Mutual information of pairs of units, the error of predictors that are fitted anew over "
    "chance, constant units; the codes of 100 test examples, one in each row, sorted by class.",
    endpoints={"encode": ("x",)}, abilities=frozenset({"prediction"}),
    numbers=("{split}_code_information", "{split}_unit_error", "constant_units"), files=("codes.png",),
    measure=measure, draw=draw, order=40,
))
register_measure(Measure(
    "factorial_code", "Whether the code of an exact ensemble is factorial; the number of its different codes.",
    endpoints={"encode": ("x",)}, abilities=frozenset({"prediction"}), data=frozenset({"exact"}),
    numbers=("{split}_factorial", "{split}_distinct_codes"), measure=measure_ensemble, order=41,
))
