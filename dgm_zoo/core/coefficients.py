"""Coefficients: weights in an objective, such as beta, that training may change while it runs.

A coefficient is a number, which can be assigned between steps (`model.beta = 0.5`, in a callback too), or a schedule of
the training step. Both reach the compiled step as tensors, so that a change needs no new trace.
"""

import contextlib
import inspect
import numbers
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import is_whole, nonnegative
from dgm_zoo.errors import InvalidInput, check_known

Schedule = keras.optimizers.schedules.LearningRateSchedule


@keras.saving.register_keras_serializable("dgm_zoo")
class Warmup(Schedule):
    """Rises linearly from `start` to `value` over `warmup_steps` training steps, then stays there or restarts.

    Args:
      warmup_steps: steps until `value` is reached.
      value: the final value, which evaluation always uses.
      start: the value at step 0.
      cycle_steps: steps of one cycle, at least `warmup_steps`, after which the rise restarts; None for no cycles.

    Raises:
      InvalidInput: steps are not a positive whole number, a value is negative, or a cycle is shorter than its rise.

    Example:
      >>> [float(Warmup(4)(step)) for step in (0, 1, 2, 4, 100)]
      [0.0, 0.25, 0.5, 1.0, 1.0]

    References: Bowman et al., Generating Sentences from a Continuous Space, 2016 (KL annealing). Fu et al., Cyclical
      Annealing Schedule, 2019.
    """

    def __init__(self, warmup_steps: int, value: float = 1.0, start: float = 0.0,
                 cycle_steps: int | None = None) -> None:
        for name, steps in (("warmup_steps", warmup_steps), ("cycle_steps", cycle_steps)):
            if not (is_whole(steps) or (name == "cycle_steps" and steps is None)):
                raise InvalidInput(f"{name} is {steps!r}; give a whole number of training steps, at least 1")
        if cycle_steps is not None and cycle_steps < warmup_steps:
            raise InvalidInput(
                f"cycle_steps {cycle_steps} is shorter than warmup_steps {warmup_steps}; make the cycle longer"
            )
        self.warmup_steps, self.cycle_steps = warmup_steps, cycle_steps
        self.value, self.start = nonnegative("value", value), nonnegative("start", start)

    def __call__(self, step: Any) -> tf.Tensor:
        step = tf.cast(step, tf.float32)
        if self.cycle_steps:
            step = tf.math.floormod(step, float(self.cycle_steps))
        return self.start + (self.value - self.start) * tf.minimum(step / self.warmup_steps, 1.0)

    def get_config(self) -> dict[str, Any]:
        names = ("warmup_steps", "value", "start", "cycle_steps")
        return {name: getattr(self, name) for name in names}


def schedule_or_number(name: str, given: Any) -> Schedule | float:
    """Returns a coefficient as a float or a schedule.

    Args:
      name: the coefficient's name, for the error message.
      given: a number of at least 0; a Keras learning rate schedule, read as a function of the training step; or the
        arguments of `Warmup` as a dict, such as `{"warmup_steps": 1000}`.

    Raises:
      InvalidInput: anything else.
    """
    if isinstance(given, Schedule):
        return given
    if isinstance(given, (tf.Tensor, tf.Variable, keras.Variable)):
        given = float(given)
    if isinstance(given, dict):
        return from_dict(name, given, Warmup)
    if isinstance(given, numbers.Real) or given is None or isinstance(given, str):
        return nonnegative(name, given)
    raise InvalidInput(
        f"{name} is {given!r}; give a number of at least 0, or a schedule such as {{'warmup_steps': 1000}}"
    )


def from_dict(name: str, given: dict, schedule: type[Schedule]) -> Schedule:
    """Returns a coefficient's schedule from its arguments; raises `InvalidInput` if one is unknown or missing."""
    takes = inspect.signature(schedule).parameters
    for key in given:
        check_known(f"key of {name}'s schedule", key, list(takes))
    for key, parameter in takes.items():
        if key not in given and parameter.default is parameter.empty:
            raise InvalidInput(f"{name} is {given!r}, a schedule without '{key}'; add it")
    return schedule(**given)


class Changing:
    """One coefficient of one model: the given number or schedule, and its value in the compiled step.

    Args:
      name: of the coefficient.
      given: see `schedule_or_number`.
    """

    def __init__(self, name: str, given: Any) -> None:
        self.name, self.given = name, schedule_or_number(name, given)
        scheduled = isinstance(self.given, Schedule)
        with tf.init_scope():
            self.variable = None if scheduled else tf.Variable(self.given, trainable=False, dtype=tf.float32)

    def assign(self, value: Any) -> None:
        """Assigns a new number; raises `InvalidInput` for a schedule, which is fixed once the model is built."""
        new = schedule_or_number(self.name, value)
        if self.variable is None or isinstance(new, Schedule):
            if new == self.given:
                return
            raise InvalidInput(
                f"{self.name} cannot change between a number and a schedule, or from one schedule to another, once the "
                "model is built; build another model with the one you want"
            )
        self.given = new
        self.variable.assign(new)

    def now(self, step: tf.Tensor, training: bool = True) -> tf.Tensor:
        """The value at a training step, a float32 scalar; in evaluation a `Warmup` has its final value."""
        if self.variable is not None:
            return tf.convert_to_tensor(self.variable)
        if not training and isinstance(self.given, Warmup):
            return tf.constant(self.given.value)
        return tf.cast(self.given(step), tf.float32)


class Coefficient:
    """Descriptor of a model's attribute that is a coefficient: reads and assigns `model.coefficients[name]`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        if model is None:
            return self
        if self.name not in model.coefficients:
            raise AttributeError(f"'{type(model).__name__}' object has no attribute '{self.name}'")
        return model.coefficients[self.name].given

    def __set__(self, model: Any, value: Any) -> None:
        if self.name in model.coefficients:
            model.coefficients[self.name].assign(value)
        else:
            model.coefficients[self.name] = Changing(self.name, value)


@contextlib.contextmanager
def handed(model: Any, coefficients: dict[str, tf.Tensor]) -> Iterator[None]:
    """Context in which `model.now` returns these values, the inputs of a compiled function."""
    before, model.__dict__["_handed"] = model.__dict__.get("_handed"), coefficients
    try:
        yield
    finally:
        model.__dict__["_handed"] = before
