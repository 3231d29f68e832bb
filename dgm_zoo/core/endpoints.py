"""Endpoints: one definition of each query that a model answers, used both in Python and in serving."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_memory, real_array, whole_number
from dgm_zoo.core.chunks import NOT_FINITE, ROWS
from dgm_zoo.core.modes import in_mode
from dgm_zoo.distributions import RowNoise, row_seeds
from dgm_zoo.errors import InvalidInput, unknown


class Input(NamedTuple):
    """Requirements on one named input: event shape, dtype, the closed range of its values, and whether these must
    be 0 or 1. Messages about the range end with `advice`."""

    shape: tuple
    dtype: tf.DType = tf.float32
    range: tuple | None = None
    binary: bool = False

    def spec(self, name: str) -> tf.TensorSpec:
        """The `tf.TensorSpec` of a batch of this input."""
        return tf.TensorSpec([None, *self.shape], self.dtype, name=name)

    @property
    def advice(self) -> str:
        if self.dtype.is_floating or not self.range:
            return "rescale it"
        return f"give whole numbers from {self.range[0]} to {self.range[1]}"

    def __str__(self) -> str:
        return "[" + ", ".join(["batch", *map(str, self.shape)]) + "]"


SEED = Input((), tf.int32)


class Endpoint(NamedTuple):
    """One query that a model answers.

    Attributes:
      inputs: dict of name to `Input`. An input named `seed` (int32, one per row) is turned into noise before
        `compute` is called.
      compute: pure function from the inputs by name, and `noise` if there is a seed, to a dict of outputs by name.
      noise: function from a `RowNoise` to the noise that `compute` takes; None for a deterministic endpoint.
      doc: one sentence for the model card.
      rows: how many rows are computed at once; a larger request is computed in parts, so that its memory is bounded.
    """

    inputs: dict
    compute: Callable
    noise: Callable | None = None
    doc: str = ""
    rows: int = ROWS


def real(dtype: Any) -> bool:
    """Whether values of a dtype, NumPy's or TensorFlow's, are real numbers or booleans."""
    one = tf.as_dtype(dtype)
    return one.is_floating or one.is_integer or one.is_bool


def check_array(where: str, name: str, value: Any, wanted: Input) -> np.ndarray:
    """Returns `value` as an array that satisfies `wanted`; raises `InvalidInput` otherwise."""
    array = real_array(f"{where}: {name}", value, f"shape {wanted}")
    with np.errstate(invalid="ignore", over="ignore"):
        fits = array.astype(wanted.dtype.as_numpy_dtype)
    finite = np.isfinite(array) & np.isfinite(fits)
    if array.shape[1:] != tuple(wanted.shape) or array.ndim == 0:
        raise InvalidInput(f"{where}: {name} has shape {list(array.shape)}, but this model takes {wanted}")
    if not np.all(finite):
        row = int(np.argwhere(~finite)[0][0])
        raise InvalidInput(f"{where}: {name} holds NaN or infinity in row {row}; remove it")
    if wanted.dtype.is_integer and np.any(fits != array):
        first = tuple(np.argwhere(fits != array)[0])
        raise InvalidInput(
            f"{where}: {name} holds {array[first]} in row {first[0]}; give whole numbers that fit {wanted.dtype.name}"
        )
    if wanted.range and array.size and (array.min() < wanted.range[0] or array.max() > wanted.range[1]):
        low, high = wanted.range
        raise InvalidInput(
            f"{where}: {name} has values from {array.min():g} to {array.max():g}, outside [{low:g}, {high:g}]; "
            f"{wanted.advice}"
        )
    if wanted.binary:
        other = np.argwhere((fits != 0) & (fits != 1))
        if len(other):
            first = tuple(other[0])
            raise InvalidInput(
                f"{where}: {name} holds {fits[first]:g} in row {first[0]}, but this model takes 0 and 1 only; binarise "
                "it, as data.load(..., binarize='stochastic') does"
            )
    return fits


def checked(name: str, inputs: dict[str, Input], arrays: dict[str, Any]) -> dict[str, np.ndarray]:
    """Returns `arrays`, by name, after checking them against the `Input`s of endpoint `name`; raises `InvalidInput`."""
    for key, value in arrays.items():
        if key not in inputs and value is not None:
            raise unknown(f"input of {name}", key, inputs)
    missing = sorted(set(inputs) - {key for key, value in arrays.items() if value is not None})
    if missing:
        raise InvalidInput(f"{name}: {missing[0]} is missing; give shape {inputs[missing[0]]}")
    arrays = {key: check_array(name, key, arrays[key], inputs[key]) for key in inputs}
    rows = {len(value) for value in arrays.values()}
    if len(rows) > 1:
        raise InvalidInput(f"{name}: inputs have {sorted(rows)} rows; give each the same number")
    return arrays


def endpoint_function(model: Any, name: str, compiled: bool = False) -> Callable[..., dict[str, tf.Tensor]]:
    """Returns the function of named tensors that serves endpoint `name` of `model`, its noise drawn outside XLA."""
    endpoint = model.endpoints()[name]
    compute = in_mode(False, endpoint.compute)
    return _drawing(endpoint, _by_xla(compute) if compiled else compute)


def endpoint_twins(endpoint: Endpoint) -> tuple[Callable, Callable]:
    """Returns the functions of named tensors that serve an endpoint without XLA and with it, which share one trace."""
    compute = tf.function(in_mode(False, endpoint.compute), autograph=False)
    return _drawing(endpoint, compute), _drawing(endpoint, _by_xla(lambda **tensors: compute(**tensors)))


def _by_xla(compute):
    return tf.function(compute, jit_compile=True, autograph=False)


def _drawing(endpoint, compute):
    def serve(**tensors):
        if endpoint.noise is not None:
            tensors["noise"] = endpoint.noise(RowNoise(tensors.pop("seed")))
        return compute(**tensors)

    return serve


def answer(model: Any, name: str, arrays: dict[str, Any]) -> dict[str, np.ndarray]:
    """Runs endpoint `name` of `model` on arrays, in chunks of the endpoint's `rows`; see `GenerativeModel.answer`."""
    table = model.endpoints()
    if name not in table:
        raise InvalidInput(f"{type(model).__name__} has no '{name}'; it answers {', '.join(table)}")
    inputs, chunk = table[name].inputs, table[name].rows
    arrays = checked(name, inputs, arrays)
    rows = len(next(iter(arrays.values())))
    if not rows:  # run one row to learn the shapes of the outputs
        arrays = {key: np.zeros((1, *value.shape[1:]), value.dtype) for key, value in arrays.items()}
    cache = model.__dict__.setdefault("_answers", {})
    if name not in cache:
        traced = tf.function(endpoint_function(model, name), autograph=False)
        cache[name] = traced.get_concrete_function(**{key: wanted.spec(key) for key, wanted in inputs.items()})
    parts = []
    for start in range(0, max(rows, 1), chunk):
        given = {key: tf.constant(value[start : start + chunk]) for key, value in arrays.items()}
        parts.append({key: value.numpy() for key, value in cache[name](**given).items()})
    found = {key: np.concatenate([part[key] for part in parts])[:rows] for key in parts[0]}
    for key, value in found.items():
        if not np.all(np.isfinite(value)):
            row = int(np.argwhere(~np.isfinite(value))[0][0])
            raise InvalidInput(f"{name}: {key} of the answer is NaN or infinite in row {row}; {NOT_FINITE}")
    return found


def traced(model: Any, function: Any) -> Callable:
    """Returns `function`, a method of `model`, as a `tf.function`, which is cached by the method's name."""
    cache = model.__dict__.setdefault("_functions", {})
    if function.__name__ not in cache:
        cache[function.__name__] = tf.function(in_mode(False, function), autograph=False, reduce_retracing=True)
    return cache[function.__name__]


def asked(model: Any, n: Any, seed: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The arrays of a request for n samples: a seed for each, and `inputs`, given per sample or once for all."""
    n = check_samples(model, n)
    inputs = {key: np.broadcast_to(value, (n,)) if _is_single(value) else value for key, value in inputs.items()}
    return {"seed": row_seeds(seed, n), **inputs}


def _is_single(value):
    try:
        return value is not None and np.ndim(value) == 0
    except Exception:  # rows of different lengths, ragged tensors: `check_array` refuses them
        return False


def check_weights(model: Any) -> None:
    """Raises `InvalidInput`, naming the first, if a variable of `model` holds NaN or infinity."""
    for variable in model.weights:
        if not np.isfinite(variable.numpy()).all():
            raise InvalidInput(
                f"variable '{variable.path}' of {type(model).__name__} is NaN or infinite, so every answer would be; "
                "train it again with a lower learning rate"
            )


def check_samples(model: Any, n: Any, name: str = "n") -> int:
    """Returns a number of samples of `model` as an int; raises `InvalidInput` if they do not fit into memory."""
    n, takes = whole_number(name, n), [*model.takes().values()]
    check_memory(name, n, 4 * n * (1 + math.prod(takes[0].shape if takes else ())))
    return n
