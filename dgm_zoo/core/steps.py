"""One training step: gradients of each player's own term, scaled for the replicas, compiled, applied, and checked."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.core.explaining import NON_FINITE
from dgm_zoo.core.modes import in_mode
from dgm_zoo.core.state import seeds
from dgm_zoo.core.vetting import current_batch


def ascend(model: Any, objective: Callable, inputs: Iterable, ascents: dict[str, str], phase: str | None = None,
           when: tf.Tensor | None = None, moves: Callable | None = None) -> dict[str, tf.Tensor]:
    """Takes one ascent step for each player on its own term of `objective(*inputs)`; see `GenerativeModel.ascend`."""
    variables = {player: model.player_variables(player) for player in ascents}
    parts = [getattr(model, part) for player in ascents for part in model.players[player]]
    state = [v for part in parts for v in part.variables]
    owned = {id(v) for v in state}
    state += [v for v in seeds(model).values() if id(v) not in owned]  # as ADDA's source
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    coefficients = model.current_coefficients()
    uncounted, replica = model.__dict__.get("_uncounted", set()), threading.get_ident()
    if replica in uncounted:  # the first step of a batch
        uncounted.remove(replica)
        model.batches_trained.assign_add(1)
    number = tf.convert_to_tensor(model.step)  # of this batch, counted from 1

    def gradients(coefficients, weight, *inputs):
        for part in parts:
            part._clear_losses()
        with tf.GradientTape(persistent=len(set(ascents.values())) > 1) as tape, model.handed(coefficients):
            before = [(v, v.value) for moving in variables.values() for v in moving]
            with keras.StatelessScope(before, collect_losses=True) as scope:
                given = dict(scope.state_mapping)
                terms = in_mode(True, objective)(*inputs)
                weighed = [] if weight is None else [term for term, of_examples in model.weighs.items() if of_examples]
                values = {term: weight * value if term in weighed else value for term, value in terms.items()}
                losses = {
                    term: (_penalty(model, [p for p in ascents if ascents[p] == term]) - tf.reduce_mean(values[term]))
                    / replicas
                    for term in set(ascents.values())
                }
        steps = {}
        for term, loss in losses.items():
            movers = [p for p in ascents if ascents[p] == term]
            steps.update(zip(movers, tape.gradient(loss, [variables[p] for p in movers]), strict=True))
        now = [scope.get_current_value(v) for v in state]
        assigned = [value if value is not given.get(id(v)) else None for v, value in zip(state, now, strict=True)]
        return terms, steps, assigned

    optimizers = {player: model.optimizers[phase or player] for player in ascents}

    def apply(terms, steps, assigned):
        for player, move in (moves(terms) if moves else {}).items():
            steps[player] = [None if g is None else g * tf.cast(move, g.dtype) for g in steps[player]]
        changing = [*state, *(v for one in optimizers.values() for v in one.variables)]
        before = [tf.identity(v.value) for v in changing] if when is not None else []
        assign(state, assigned)
        for player, step in steps.items():
            optimizers[player].apply(step, variables[player])
        if when is not None:
            assign(changing, [tf.where(when, v.value, old) for v, old in zip(changing, before, strict=True)])

    def step(*inputs):
        terms, *changes = gradients(*inputs)
        apply(terms, *changes)
        return terms

    inputs = coefficients, current_batch(model).weight, *inputs
    if tf.distribute.has_strategy():
        terms, *changes = model.compiled_function(gradients)(*inputs)
        apply(terms, *changes)
    else:
        terms = model.compiled_function(step)(*inputs)
    check_finite(terms, number)
    return terms


def over_replicas(how: str, values: Iterable[tf.Tensor]) -> list[tf.Tensor]:
    """Within a replica, the "sum" or "mean" of each value over all replicas: a list; with one replica, the values."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return list(values)
    return context.all_reduce(how, list(values))


def assign(variables: Sequence, values: Sequence[tf.Tensor | None]) -> None:
    """Assigns the values that are not None: floats as the mean over replicas, integers as each replica's own."""
    changed = [(v.value, value) for v, value in zip(variables, values, strict=True) if value is not None]

    def across(strategy, values):
        for (variable, _), value in zip(changed, values, strict=True):
            if variable.dtype.is_floating:
                value = strategy.extended.reduce_to(tf.distribute.ReduceOp.MEAN, value, variable)
            strategy.extended.update(variable, lambda v, new: v.assign(new), args=(value,))

    if tf.distribute.has_strategy():
        tf.distribute.get_replica_context().merge_call(across, args=([value for _, value in changed],))
    else:
        for variable, value in changed:
            variable.assign(value)


def _penalty(model, players):
    """The sum of the regularisation losses of these players' Keras layers."""
    parts = (getattr(model, part) for player in players for part in model.players[player])
    return sum((loss for part in parts for loss in part.losses), 0.0)


def check_finite(terms: dict[str, tf.Tensor], number: tf.Tensor) -> None:
    """Fails an assertion in step `number` if a term is NaN or infinite; `fit` converts it to `NonFiniteLoss`."""

    def fail():  # one assertion after the other: the first that fails is of the first term
        checks = []
        for name, value in terms.items():
            with tf.control_dependencies(checks):
                fine = tf.reduce_all(tf.math.is_finite(value))
                checks = [tf.debugging.Assert(fine, [f"{NON_FINITE}: term", name, "at step", number])]
        return tf.group(*checks)

    total = tf.add_n([tf.reduce_sum(value) for value in terms.values()])
    tf.cond(tf.math.is_finite(total), tf.no_op, fail)


def several(function: Callable, model: Any) -> Callable:
    """Returns the function of a distributed iterator that runs `model.steps_per_execution` batches on all replicas.

    Keras' own loop over them cannot hold the batches of a distributed iterator.

    Args:
      function: what Keras' `_make_function` returned, which runs so many steps; it is asked for one at a time.
      model: a compiled `GenerativeModel`.
    """

    def run(iterator):
        count, model.steps_per_execution = model.steps_per_execution, 1
        try:
            outputs = function(iterator)
            with contextlib.suppress(StopIteration, tf.errors.OutOfRangeError):
                for _ in range(count - 1):
                    outputs = function(iterator)
        finally:
            model.steps_per_execution = count
        return outputs

    return run
