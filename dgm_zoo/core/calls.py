"""What `model(x)` and `predict` return: one output of the endpoint that a class names as its `call_endpoint`."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import real_array
from dgm_zoo.core.chunks import NOT_FINITE
from dgm_zoo.core.endpoints import Endpoint, check_array
from dgm_zoo.core.training_data import check_amounts, is_stream
from dgm_zoo.errors import InvalidInput, check_known


def declared(model: Any) -> tuple[Endpoint, str]:
    """The endpoint and its output that `model(x)` returns; raises `InvalidInput` if the class declares none."""
    table, name = model.endpoints(), type(model).__name__
    endpoint, output = model.call_endpoint or ("", "")
    if endpoint not in table:
        raise InvalidInput(f"{name} has no answer to model(x) and predict; call one of {', '.join(table)} instead")
    return table[endpoint], output


def named(model: Any, given: Any) -> dict[str, Any]:
    """Returns what `model(given)` was given by the names of the endpoint's inputs.

    Args:
      model: a `GenerativeModel`.
      given: one tensor for an endpoint of one input; else a dict by name, or a tuple or list in the endpoint's order.

    Raises:
      InvalidInput: an input is missing, unknown, of another shape, not an array of numbers, not finite, or out of
        range.
    """
    name, inputs = type(model).__name__, declared(model)[0].inputs
    if not isinstance(given, dict):
        parts = list(given) if isinstance(given, (tuple, list)) else [given]
        if len(parts) != len(inputs):
            wanted = f"({', '.join(inputs)})" if len(inputs) > 1 else next(iter(inputs))
            raise InvalidInput(f"model(x) and predict of {name} take {wanted}; got {len(parts)} inputs")
        given = dict(zip(inputs, parts, strict=True))
    for key in given:
        check_known(f"input of {name}", key, inputs)
    for key, wanted in inputs.items():
        if key not in given:
            raise InvalidInput(f"model(x) and predict of {name} need {key} too; give shape {wanted}")
        symbolic = _is_symbolic(given[key])
        value = given[key] if symbolic else real_array(f"{key} of {name}", given[key], f"shape {wanted}")
        shape = tf.TensorShape(value.shape)
        if not shape.is_compatible_with([None, *wanted.shape]):
            raise InvalidInput(f"model(x) and predict of {name} take {key} of shape {wanted}; got {list(shape)}")
        if not symbolic:
            check_array(name, key, value, wanted)
    return given


def _is_symbolic(value):
    return isinstance(value, keras.KerasTensor) or tf.is_symbolic_tensor(value)


def _finite(model, answer):
    """Returns what `model(x)` or `predict` computed; raises `InvalidInput` if it is NaN or infinite somewhere."""
    if not _is_symbolic(answer) and not np.isfinite(answer).all():
        raise InvalidInput(f"an answer of {type(model).__name__} is NaN or infinite; {NOT_FINITE}")
    return answer


def answered(model: Any, x: Any, *args: Any, **kwargs: Any) -> tf.Tensor:
    """`keras.Model.__call__` after checking x, since Keras adds a page of text to what `call` raises."""
    named(model, x)
    return _finite(model, keras.Model.__call__(model, x, *args, **kwargs))


def call(model: Any, x: Any) -> tf.Tensor:
    """What `model(x)` and `predict` return: the output that the class declares in `call_endpoint`; see `named`."""
    endpoint, output = declared(model)
    given = named(model, x)
    tensors = {
        key: tf.ensure_shape(tf.cast(given[key], wanted.dtype), [None, *wanted.shape])
        for key, wanted in endpoint.inputs.items()
    }
    compute = model.endpoint_function(model.call_endpoint[0])
    if any(tensor.shape[0] == 0 for tensor in tensors.values()):  # of no rows a convolution makes another shape
        one = {key: tf.zeros([1, *tensor.shape[1:]], tensor.dtype) for key, tensor in tensors.items()}
        return compute(**one)[output][:0]
    return compute(**tensors)[output]


def predict(model: Any, x: Any, batch_size: int | None = None, verbose: str | int = "auto", steps: int | None = None,
            callbacks: Any = None) -> np.ndarray:
    """`keras.Model.predict`; unlike there, batches (x, label) of a data set may hold the label that an endpoint takes.

    Raises:
      InvalidInput: the class has no answer to it, or arrays do not suit the endpoint, or `batch_size` or `steps` is
        not a whole number of at least 1; or an answer is NaN or infinite.
    """
    declared(model)
    check_amounts(batch_size=batch_size, steps=steps)
    if not is_stream(x):
        given = named(model, x)
        if any(map(_is_symbolic, given.values())):
            raise InvalidInput(f"predict of {type(model).__name__} takes arrays; call model(x) with a symbolic input")
        if not len(next(iter(given.values()))):
            return np.asarray(model(x))  # Keras' loop needs a batch
    return _finite(model, keras.Model.predict(model, x, batch_size, verbose, steps, callbacks))


def predict_step(model: Any, data: Any) -> tf.Tensor:
    """What `predict` returns for one batch."""
    x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
    return model(of_batch(model, x, y))


def of_batch(model: Any, x: Any, y: Any) -> Any:
    """What `model` is called with for a batch (x, y): x, and y too where the endpoint takes a second input."""
    with_label = y is not None and len(declared(model)[0].inputs) > 1 and not isinstance(x, (dict, tuple, list))
    return (x, y) if with_label else x


class Comparison:
    """The metrics given to `compile`, of what `model(x)` returns and the part of the batch that it approximates.

    That is x for a reconstruction, the label for probabilities of classes; other models take no metrics.

    Args:
      model: a `GenerativeModel`.
      metrics: the `_compile_metrics` of Keras.

    Raises:
      InvalidInput: the model's output approximates no part of a batch, or a metric has the name of a logged term.
    """

    def __init__(self, model: Any, metrics: Any) -> None:
        self.model, self.metrics = model, metrics
        endpoint, output = declared(model)
        takes, name = model.takes(), type(model).__name__
        self.target = {"x": "x", "probabilities": "label"}.get(output)
        if self.target not in takes or "x" not in endpoint.inputs:
            raise InvalidInput(
                f"{name} takes no metrics=, since model(x) approximates no part of a batch; it logs "
                f"{', '.join(model.logged)}"
            )
        symbolic = [keras.KerasTensor((None, *one.shape), one.dtype.name) for one in endpoint.inputs.values()]
        wanted = takes[self.target]
        target = keras.KerasTensor((None, *wanted.shape), wanted.dtype.name)
        metrics.build(target, model.compute_output_spec(symbolic if len(symbolic) > 1 else symbolic[0]))
        for metric in metrics.result():
            if metric in model.logged:
                raise InvalidInput(f"the metric '{metric}' has the name of a term that {name} logs; rename it")

    def beside(self, step: Callable) -> Callable:
        """`step`, a training or evaluation step, which then also updates the metrics and adds them to the logs."""

        def compared(data):
            logs = step(data)
            x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
            found = self.model(of_batch(self.model, x, y))
            self.metrics.update_state(x if self.target == "x" else y, found, weight)
            shape = tf.shape(next(iter(logs.values())))  # `GenerativeModel.log` says when it is not a scalar's
            return {**logs, **{name: tf.reshape(value, shape) for name, value in self.metrics.result().items()}}

        return compared
