"""The endpoint table as TensorFlow functions that check a client's inputs, and the SavedModel of such functions.

TensorFlow Serving does not compare a request with the shapes of the signature, so the graph has to. TensorFlow would
remove a check on a tensor of declared shape, since it is statically true. Each input therefore first passes an op with
unknown output shape, is checked, and then gets its static shape back.
"""

import inspect
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from dgm_zoo.core.chunks import NOT_FINITE, in_graph
from dgm_zoo.core.endpoints import endpoint_twins


def signatures(model: Any) -> dict[str, Callable]:
    """Returns the served functions of `model`: for each endpoint a plain one and its XLA twin `<name>_xla`.

    Each is a traced `tf.function` whose arguments are named as in the endpoint table. Both twins draw the same noise,
    outside the compiled part, so they agree up to floating-point rounding. What they compute is one function, which a
    SavedModel holds once. `sample`, if present, comes first, and the twins last.

    A request of any number of rows, also none, is computed a few rows at a time (`core.endpoints.Endpoint.rows`); one
    whose answer is NaN or infinite is refused.

    Args:
      model: any object with the method `endpoints()` of `core.model.GenerativeModel`.

    Returns:
      Dict of name to `tf.function`.
    """
    table = _table(model)
    twins = {name: endpoint_twins(endpoint) for name, endpoint in table.items()}
    return {
        **{name: signature(name, table[name], plain) for name, (plain, _) in twins.items()},
        **{f"{name}_xla": signature(name, table[name], compiled) for name, (_, compiled) in twins.items()},
    }


def plain(model: Any) -> dict[str, Callable]:
    """Returns the first half of `signatures`: a function for each endpoint, without their twins."""
    return {name: signature(name, endpoint, endpoint_twins(endpoint)[0]) for name, endpoint in _table(model).items()}


def _table(model):
    table = model.endpoints()
    return {name: table[name] for name in sorted(table, key=lambda name: name != "sample")}


def save(functions: dict[str, Callable], folder: str | os.PathLike, default: str,
         variables: dict[str, list] | None = None, **attributes: Callable) -> None:
    """Writes the SavedModel: the variables and a signature per function, that of `default` also as `serving_default`.

    Concrete traces are saved. For a `tf.function`, which `keras.export.ExportArchive` would save, TensorFlow makes a
    second trace and stores both, which takes twice the time and space.

    Args:
      functions: dict of name to traced `tf.function`.
      folder: where to write it.
      default: a name in `functions`.
      variables: lists of TensorFlow variables, by the name of the attribute under which the loaded object lists them,
        whether a function uses them or not.
      **attributes: `tf.function`s that the loaded object has besides, without a signature.
    """
    traces = {name: function.get_concrete_function() for name, function in functions.items()}
    module = tf.Module()
    used = {id(one): one for trace in traces.values() for one in trace.graph.variables}
    for name, listed in (variables or {}).items():
        setattr(module, name, listed)
        used = {key: one for key, one in used.items() if key not in {id(variable) for variable in listed}}
    module.others = list(used.values())
    for name, trace in traces.items():
        setattr(module, name, trace)
    for name, function in attributes.items():
        setattr(module, name, function)
    tf.saved_model.save(module, str(folder), {**traces, "serving_default": traces[default]})


def signature(name: str, endpoint: Any, function: Callable) -> Callable:
    """Returns the `function` of an `Endpoint` as a traced `tf.function` that checks its inputs and outputs."""
    inputs = endpoint.inputs

    def serve(*args, **kwargs):
        given = checked(name, inputs, {**dict(zip(inputs, args, strict=False)), **kwargs})
        return _finite(name, in_graph(function, given, endpoint.rows))

    # With named parameters, a loaded endpoint can be called as `loaded.encode(x=x)`.
    parameter = inspect.Parameter
    serve.__signature__ = inspect.Signature([parameter(key, parameter.POSITIONAL_OR_KEYWORD) for key in inputs])
    specs = [wanted.spec(key) for key, wanted in inputs.items()]
    served = tf.function(serve, input_signature=specs, autograph=False)
    served.get_concrete_function()
    return served


def checked(name: str, inputs: dict[str, Any], tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Returns the tensors after assertions on shape, finiteness, range and equal numbers of rows.

    Args:
      name: the endpoint's name, with which each message begins.
      inputs: dict of name to `core.endpoints.Input`.
      tensors: dict of name to tensor, of any shape at run time.

    Returns:
      Dict of name to tensor, `[batch, *shape]`. Evaluating one raises `tf.errors.InvalidArgumentError` with a
      one-sentence message if any input is invalid.
    """
    tensors = {key: _checked_shape(name, key, inputs[key], tensor) for key, tensor in tensors.items()}
    checks = [_same_rows(name, tensors)] if len(tensors) > 1 else []
    for key, tensor in tensors.items():
        if tensor.dtype.is_floating:
            finite = tf.reduce_all(tf.math.is_finite(tensor))
            checks.append(_refuse_unless(finite, f"{name}: {key} holds NaN or infinity; remove it"))
        if inputs[key].range:
            checks.append(_in_range(name, key, inputs[key], tensor))
        if inputs[key].binary:
            checks.append(_binary(name, key, tensor))
    with tf.control_dependencies(checks):
        return {key: tf.identity(tensor) for key, tensor in tensors.items()}


def _finite(name, outputs):
    checks = [
        _refuse_unless(
            tf.reduce_all(tf.math.is_finite(value)), f"{name}: {key} of the answer is NaN or infinite; {NOT_FINITE}"
        )
        for key, value in outputs.items() if value.dtype.is_floating
    ]
    with tf.control_dependencies(checks):
        return {key: tf.identity(value) for key, value in outputs.items()}


def _refuse_unless(holds, message):
    """An op that fails with `assertion failed: [message]`; `tf.debugging.Assert` would append a branch's names."""
    return tf.raw_ops.Assert(condition=holds, data=[message], name="check")


def _checked_shape(name, key, wanted, tensor):
    tensor = tf.raw_ops.PlaceholderWithDefault(input=tensor, shape=None)  # hides the static shape
    shape, sizes = tf.shape(tensor), tf.constant(wanted.shape, tf.int32)
    none = tf.equal(tf.size(shape), 1) & tf.reduce_all(tf.equal(shape, 0))  # `[]`, all that JSON can say of no rows
    tensor = tf.cond(none, lambda: tf.zeros([0, *wanted.shape], wanted.dtype), lambda: tensor)
    shape = tf.cond(none, lambda: tf.concat([[0], sizes], 0), lambda: shape)
    fits = tf.equal(tf.size(shape), len(wanted.shape) + 1)
    # With another rank the sizes cannot be compared: compare the wanted sizes with themselves.
    fits &= tf.reduce_all(tf.equal(tf.cond(fits, lambda: shape[1:], lambda: sizes), sizes))
    message = tf.strings.format(f"{name}: {key} must have shape {wanted}, got {{}}", shape, summarize=-1)
    with tf.control_dependencies([_refuse_unless(fits, message)]):
        return tf.ensure_shape(tensor, [None, *wanted.shape])


def _same_rows(name, tensors):
    rows = tf.stack([tf.shape(tensor)[0] for tensor in tensors.values()])
    message = tf.strings.format(f"{name}: {', '.join(tensors)} must have the same number of rows, got {{}}", rows)
    return _refuse_unless(tf.reduce_all(tf.equal(rows, rows[0])), message)


def _binary(name, key, tensor):
    other = tf.boolean_mask(tensor, (tensor != 0) & (tensor != 1))
    message = tf.strings.format(f"{name}: {key} holds values besides 0 and 1, first {{}}; binarise it", other[:1])
    return _refuse_unless(tf.equal(tf.size(other), 0), message)


def _in_range(name, key, wanted, tensor):
    low, high = (tf.constant(bound, tensor.dtype) for bound in wanted.range)
    fits = tf.reduce_all((tensor >= low) & (tensor <= high))
    bounds = f"[{wanted.range[0]:g}, {wanted.range[1]:g}]"
    message = tf.strings.format(
        f"{name}: {key} has values from {{}} to {{}}, outside {bounds}; {wanted.advice}",
        (tf.reduce_min(tensor), tf.reduce_max(tensor)),
    )
    return _refuse_unless(fits, message)
