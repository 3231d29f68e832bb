"""What an error inside a TensorFlow graph stands for."""

import re
from collections.abc import Callable

import tensorflow as tf

from dgm_zoo.errors import InvalidInput, NonFiniteLoss

NON_FINITE = "loss is not finite"


def explaining(function: Callable) -> Callable:
    """Returns `function`, which runs steps or reads batches, raising what its errors stand for; see `explained`."""

    def run(*args):
        try:
            return function(*args)
        except tf.errors.InvalidArgumentError as error:
            raise explained(error) from None

    return run


def explained(error: tf.errors.InvalidArgumentError) -> Exception:
    """Converts the failed assertion of `check_finite` to `NonFiniteLoss`, and what a batch's check, or the
    reading of its rows, raised inside the graph, or XLA at an operation that it lacks, to `InvalidInput`; returns any
    other error unchanged."""
    if refused := re.search(rf"{InvalidInput.__name__}: (.+)", str(error.message)):
        return InvalidInput(refused.group(1))
    if lacking := re.search(r"No registered '(\w+)' OpKernel for XLA_", str(error.message)):
        return InvalidInput(
            f"XLA cannot compile {lacking.group(1)}, an operation of a layer of the model's networks; compile with "
            "jit_compile=False, or take the layer out"
        )
    found = re.search(NON_FINITE + r": term\W+(\w+)\W+at step\D+(\d+)", str(error.message))
    if not found:
        return error
    term, step = found.groups()
    return NonFiniteLoss(
        f"term '{term}' became NaN or infinite at step {step}; lower the learning rate or check the data"
    )
