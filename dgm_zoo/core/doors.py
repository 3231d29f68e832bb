"""Keras' own methods, as a model of several players has them: its config and file, its SavedModel, what it refuses."""

import os
import re
from typing import Any, TypeVar

import keras
import tensorflow as tf

from dgm_zoo.core import calls, recipes, signatures
from dgm_zoo.errors import InvalidInput

Class = TypeVar("Class", bound=type)

KERAS_ARGUMENTS = {"name", "dtype", "trainable", "autocast", "activity_regularizer"}
OBJECTIVE = "each player ascends a term of its own in train_step; "
CLOSED = {  # methods of `keras.Model` that make no sense here: name to what to do instead
    "add_loss": OBJECTIVE + "add yours to that term, or give it to a layer as a regularizer",
    "compute_loss": OBJECTIVE + "evaluate() and test_on_batch() return the logged ones",
    "compiled_loss": OBJECTIVE + "evaluate() and test_on_batch() return the logged ones",
    "stateless_compute_loss": OBJECTIVE + "evaluate() and test_on_batch() return the logged ones",
    "compiled_metrics": "fit() and evaluate() update the metrics given to compile; call those",
    "compute_metrics": "fit() and evaluate() update the metrics given to compile; call those",
    "get_state_tree": "networks name their layers alike; take get_weights(), or save()",
    "set_state_tree": "networks name their layers alike; take set_weights(), or load_weights()",
}


def closed(cls: Class) -> Class:
    """Class decorator: the methods of `CLOSED` raise `InvalidInput` with their sentence."""
    for name, instead in CLOSED.items():
        refuse = _refusing(name, instead)
        setattr(cls, name, property(refuse) if isinstance(getattr(keras.Model, name), property) else refuse)
    return cls


def _refusing(method, instead):
    def refuse(self, *args, **kwargs):
        raise InvalidInput(f"{type(self).__name__} has no {method}(): {instead}")

    refuse.__name__, refuse.__doc__ = method, f"Raises `InvalidInput`: {instead}."
    return refuse


# ------------------------------------------------------------------------------------------ files


def get_config(model: Any) -> dict[str, Any]:
    """Returns the constructor's arguments, each kept as an attribute of the same name, as a dict that JSON can hold.

    Raises:
      InvalidInput: an argument is kept nowhere, so that a file could not restore it.
    """
    cls, (args, given) = type(model), model.__dict__["_given"]
    own, every = recipes.own_arguments(cls), recipes.constructor_arguments(cls)
    named = [one for one in own.values() if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    further = args[len(named) :]  # taken by *args, which must be arguments of a base
    names = [
        key for key, one in every.items()
        if key in own or key in given or one.default is not one.empty  # otherwise the class makes it for its base
        or any(getattr(model, key, None) is value for value in further)
    ]
    names += [key for key in given if key not in {*names, *KERAS_ARGUMENTS}]
    for key in names:
        if not hasattr(model, key):
            raise InvalidInput(f"{cls.__name__} cannot be saved, as it keeps no '{key}'; assign self.{key} = {key}")
    kept = {key: getattr(model, key) for key in names}
    for value in further:
        if not any(value is one for one in kept.values()):
            raise InvalidInput(
                f"{cls.__name__} cannot be saved, as its constructor takes {value!r} by *args; name that argument"
            )
    of_keras = {"name": model.name} if recipes.passes_on(cls) else {}
    of_keras |= {} if model.trainable else {"trainable": False}
    return {**of_keras, **{key: keras.saving.serialize_keras_object(value) for key, value in kept.items()}}


def from_config(cls: type, config: dict[str, Any], custom_objects: dict | None = None) -> Any:
    """Builds a model of class `cls` from what `get_config` returned."""
    return cls(**{
        key: keras.saving.deserialize_keras_object(value, custom_objects) if isinstance(value, dict) else value
        for key, value in config.items()
    })


def save(model: Any, filepath: str | os.PathLike, overwrite: bool = True, zipped: bool | None = None,
         include_optimizer: bool = True, **kwargs: Any) -> None:
    """`keras.Model.save`.

    Raises:
      InvalidInput: an HDF5 file, or one without the optimizers; before anything is written.
    """
    if str(filepath).endswith((".h5", ".hdf5")):
        raise InvalidInput(
            f"'{filepath}' is a legacy HDF5 file, which cannot hold {type(model).__name__}; name it .keras, or call "
            "save_weights with a name that ends in .weights.h5"
        )
    if not include_optimizer:
        raise InvalidInput(
            "a .keras file of a compiled model holds its optimizers; save it as it is, and load it with "
            "keras.saving.load_model(..., compile=False)"
        )
    model.get_config()  # raises before Keras has opened the file
    keras.Model.save(model, filepath, overwrite=overwrite, zipped=zipped, **kwargs)


def export(model: Any, filepath: str | os.PathLike, format: str = "tf_saved_model", verbose: bool | None = None,
           input_signature: None = None, **kwargs: Any) -> None:
    """Writes a SavedModel: `serve`, which is what `predict` computes, and a signature for each endpoint.

    `serving_default` is the endpoint of `predict`, or the first one for a model without it. `dgm_zoo.serving.export`
    writes a whole preset: compiled twins, warm-up requests, the Keras model and its card.

    Raises:
      InvalidInput: another format; an input signature, which follows from the endpoints, or other arguments.
    """
    for key, value in {"input_signature": input_signature, **kwargs}.items():
        if value is not None:
            raise InvalidInput(f"export({key}=...) has no effect: signatures follow from the endpoints; leave it out")
    if format != "tf_saved_model":
        raise InvalidInput(f"format {format!r} is not available; export a SavedModel and convert that")
    functions, attributes = signatures.plain(model), {}
    default = next(iter(functions))
    if model.call_endpoint:
        default = model.call_endpoint[0]
        specs = [wanted.spec(name) for name, wanted in calls.declared(model)[0].inputs.items()]
        specs = specs if len(specs) == 1 else [specs]  # several come as one list, as in Keras
        attributes["serve"] = tf.function(lambda x: calls.call(model, x), input_signature=specs, autograph=False)
    signatures.save(functions, filepath, default, **attributes)
    if verbose:
        print(f"'{filepath}' has {', '.join([*attributes, *functions])}")


def quantize(model: Any, mode: str | None = None, config: Any = None, filters: Any = None, **kwargs: Any) -> None:
    """`keras.Model.quantize` of the layers of the networks; heads and priors, which are not built, stay as they are."""
    names = [filters or ""] if isinstance(filters, str | None) else filters

    def chosen(layer):
        wanted = names(layer) if callable(names) else any(re.search(one, layer.name) for one in names)
        return layer.built and wanted

    keras.Model.quantize(model, mode, config=config, filters=chosen, **kwargs)
    for traces in ("_answers", "_functions"):  # they hold the weights of before
        model.__dict__.pop(traces, None)
