"""Held-out log p(x) by importance sampling with q(z|x), in nats and in bits per dimension."""

import math

from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.training.measures.base import Context, Measure, register_measure


def measure(context: Context) -> dict:
    return {f"{context.split}_log_likelihood": context.log_likelihood}


def measure_bits(context: Context) -> dict:
    """Returns -log2 p(x) divided by the number of values of x."""
    found, values = context.log_likelihood, math.prod(context.model.takes()["x"].shape)
    unit = values * math.log(2)
    return {f"{context.split}_bits_per_dimension": {
        "value": -found["value"] / unit,
        "stderr": None if found["stderr"] is None else found["stderr"] / unit,
        "protocol": found["protocol"].replace("nats per image", f"bits per value of {values:,}"),
    }}


def of_levels(model: GenerativeModel) -> bool:
    """Returns whether p(x|z) is a probability of grey levels, so that bits are comparable between models."""
    return getattr(getattr(model, "likelihood", None), "levels", 0) > 2


register_measure(Measure(
    "log_likelihood", "The mean of log p(x), importance sampling with q(z|x).", endpoints={"log_likelihood": ("x",)},
    numbers=("{split}_log_likelihood",), measure=measure, order=10,
))
register_measure(Measure(
    "bits_per_dimension", "The mean of -log2 p(x) per value of x, for likelihoods of grey levels.",
    endpoints={"log_likelihood": ("x",)}, suits=of_levels, numbers=("{split}_bits_per_dimension",),
    measure=measure_bits, order=11,
))
