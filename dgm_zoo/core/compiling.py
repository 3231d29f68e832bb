"""`compile`: an optimizer for each player, metrics of a user's own, and how the step is compiled."""

import contextlib
import functools
import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import boolean, shown, whole_number
from dgm_zoo.core import calls
from dgm_zoo.core.optimizers import AllOptimizers, assign
from dgm_zoo.errors import InvalidInput

STEPS = ("train_step", "test_step")
CONVOLUTIONS = keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.Conv1D, keras.layers.Conv1DTranspose
TABLE = Path(__file__).with_name("xla_on_cpu.json")  # written by benchmarks/xla.py


def compile(model: Any, optimizer: Any = "adam", loss: None = None, loss_weights: None = None, metrics: Any = None,
            weighted_metrics: Any = None, run_eagerly: bool = False, steps_per_execution: int = 1,
            jit_compile: bool | str = "auto", auto_scale_loss: bool = True) -> None:
    """Gives each player its optimizer and builds it.

    Args:
      optimizer: a name or a `keras.optimizers.Optimizer`, of which each player gets a copy; or a dict
        with one for each player, such as `{"theta": "adam", "eta": keras.optimizers.SGD(0.1)}`. A phase of
        `phases` gets a copy of its player's, unless the dict names one for the phase.
      loss, loss_weights: None, since each player ascends a term of its own.
      metrics, weighted_metrics: as in Keras, of x and its reconstruction, or of the label and the probabilities of the
        classes, as `model(x)` returns them after the step; other models take none.
      run_eagerly: run `train_step` without a graph, for debugging; switches XLA off.
      steps_per_execution: batches per call of the compiled loop; 8 or more makes small models much faster.
      jit_compile: True, False, or "auto", see `chosen`. All three work under every distribution strategy.
      auto_scale_loss: has no effect, since no model trains in float16.

    Raises:
      InvalidInput: a player without an optimizer, an optimizer for a player that does not exist, networks in float16,
        or an argument that the model cannot follow.
    """
    _check(model, optimizer, jit_compile, run_eagerly, loss=loss, loss_weights=loss_weights)
    whole_number("steps_per_execution", steps_per_execution)
    model.xla, model._compile_metrics = False, None
    with _of_metrics():
        keras.Model.compile(
            model, optimizer=None, metrics=metrics, weighted_metrics=weighted_metrics, run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution, jit_compile=False,
        )
    model.compiled = False  # until all of it is done
    optimizers = assign(optimizer, model.players, model.phases)
    for player, one in optimizers.items():
        one.build(model.player_variables(model.phases.get(player, player)))
    given = {"metrics": metrics, "weighted_metrics": weighted_metrics}
    model.__dict__.update(  # Keras tracks no attribute of a model whose state it has locked, as `quantize` does
        optimizers=optimizers,
        optimizer=AllOptimizers(optimizers),
        xla=(chosen(model) if jit_compile == "auto" else jit_compile) and not run_eagerly,
        trackers={name: keras.metrics.Mean(name=name) for name in model.logged},
        batches_seen=keras.metrics.Sum(name="batches_seen", dtype="int32"),
        compile_arguments={
            "jit_compile": jit_compile, "run_eagerly": run_eagerly, "steps_per_execution": steps_per_execution,
            **{key: _serialized(key, one) for key, one in given.items() if one is not None},
        },
        **_compared(model),
    )
    model.compiled = True


def chosen(model: Any) -> bool:
    """Whether `jit_compile="auto"` means XLA for this model on this machine.

    It does if there is a GPU. On CPUs XLA makes some models faster and others slower: "auto" takes it only for the
    registered models and kinds of networks in `TABLE`, which `benchmarks/xla.py` writes, in float32 on one replica.
    A model that is not in the table, or a subclass, does without. The choice never depends on this run's timing, since
    the two round differently.

    Example:
      >>> chosen(dgm_zoo.create("vae", image_shape=(28, 28, 1)))   # without a GPU
      False
    """
    if tf.config.list_physical_devices("GPU"):
        return True
    if tf.distribute.has_strategy() or any(layer.compute_dtype != "float32" for layer in model._flatten_layers()):
        return False
    name = vars(type(model)).get("registered_name")
    return networks_of(model) in _faster_on_cpu().get(name, ())


def networks_of(model: Any) -> str:
    """Whether the networks of a model are "dense" or "convolutional", which one with a convolution is."""
    convolves = any(isinstance(layer, CONVOLUTIONS) for layer in model._flatten_layers())
    return "convolutional" if convolves else "dense"


@functools.cache
def _faster_on_cpu():
    """Name of a registered model to the kinds of networks with which XLA makes it faster on CPUs."""
    return json.loads(TABLE.read_text(encoding="utf-8"))["faster"]


def _serialized(name, given):
    try:
        return keras.saving.serialize_keras_object(given)
    except RecursionError:
        raise InvalidInput(f"{name} holds itself; give a list of metrics") from None


def _check(model, optimizer, jit_compile, run_eagerly, **losses):
    """Raises `InvalidInput` for arguments that the model cannot follow, and for networks in float16."""
    name = type(model).__name__
    for key, value in losses.items():
        if value is not None:
            raise InvalidInput(
                f"compile({key}=...) has no effect on {name}, whose players ascend terms of their own; leave it out"
            )
    if optimizer is None:
        raise InvalidInput(f"{name} needs an optimizer for each player of {list(model.players)}; give compile one")
    if not (jit_compile is True or jit_compile is False or (isinstance(jit_compile, str) and jit_compile == "auto")):
        raise InvalidInput(f"jit_compile {shown(jit_compile)} must be True, False or 'auto'")
    boolean("run_eagerly", run_eagerly)
    for policy in (keras.config.dtype_policy(), *(layer.dtype_policy for layer in model._flatten_layers())):
        if policy.compute_dtype == "float16":
            raise InvalidInput(f"{policy.name} would need loss scaling for each player; use 'mixed_bfloat16'")


@contextlib.contextmanager
def _of_metrics():
    """Turns what Keras raises for the metrics given to `compile` into one sentence."""
    try:
        yield
    except InvalidInput:
        raise
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InvalidInput(f"the metrics given to compile are not such as Keras takes: {error}") from None


def _compared(model):
    """The steps of `model` by name, made to update the metrics that `compile` was given; an empty dict if none were."""
    for step in STEPS:
        model.__dict__.pop(step, None)
    if model._compile_metrics is None:
        return {}
    with _of_metrics():
        comparison = calls.Comparison(model, model._compile_metrics)
    return {step: comparison.beside(getattr(model, step)) for step in STEPS}


def _set_jit_compile(model, value):
    if bool(value) != model.xla:
        raise InvalidInput(f"jit_compile cannot be assigned; call compile(jit_compile={value!r})")


jit_compile = property(
    lambda model: False, _set_jit_compile,
    doc="False, since Keras is to compile no whole step: `xla` says whether `ascend` compiles its part.",
)


def get_compile_config(model: Any) -> dict[str, Any] | None:
    """Returns the arguments of `compile` as a dict that JSON can hold; None if the model is not compiled."""
    if not model.compiled:
        return None
    optimizers = {player: keras.saving.serialize_keras_object(one) for player, one in model.optimizers.items()}
    return {"optimizer": optimizers, **model.compile_arguments}


def compile_from_config(model: Any, config: dict[str, Any]) -> None:
    """Compiles the model with what `get_compile_config` returned."""
    model.compile(**keras.saving.deserialize_keras_object(config))
