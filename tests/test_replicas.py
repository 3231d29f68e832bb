"""Several replicas: the same training as one, wherever no noise is drawn or the noise is the same."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import (
    EVALUATION,
    KEPT,
    SEVERAL_SAMPLES,
    TRAINING,
    WHOLE_BATCH,
    examples,
    representatives,
    sparing,
    tiny,
    two_cpus,
    weights,
)

from dgm_zoo.models import list_models

STEPS, BATCH = 20, 16


def dataset(model, batch=BATCH, steps=STEPS):
    return tf.data.Dataset.from_tensor_slices(examples(model, batch * steps)).batch(batch, drop_remainder=True)


def trained(name, strategy, jit_compile=False):
    with strategy.scope():
        model = tiny(name)
        model.compile(keras.optimizers.SGD(0.01), jit_compile=jit_compile)
    history = model.fit(dataset(model), epochs=1, verbose=0).history
    return model, history


@pytest.mark.parametrize("jit_compile", sparing([False, True], [False]))
def test_two_replicas_train_a_noiseless_model_as_one_does(jit_compile):
    one, history_one = trained("ae", tf.distribute.get_strategy(), jit_compile)
    two, history_two = trained("ae", two_cpus(), jit_compile)
    np.testing.assert_allclose(weights(two), weights(one), atol=1e-5)
    np.testing.assert_allclose(history_two["loss"], history_one["loss"], rtol=1e-5)


# Of every model one step is compared below, but of those whose terms depend on the whole batch, and of the auto-encoder
# without noise, which is compared above.
NOT_BY_ROW = {*WHOLE_BATCH, "ae"}
FITTED = sorted({*representatives((*TRAINING, *EVALUATION)), *NOT_BY_ROW})
# On replicas XLA compiles the gradients alone, whose function the conformance suite compiles for every model. Here: a
# model with several optimizers, one with several samples, and one that counts over all replicas.
XLA = ("vaegan", "rws", "ssymvae")


LONG = ("musegan", False)
RUNS = [*((name, False) for name in FITTED), *((name, True) for name in XLA)]
RUN_NOW = {("vae", False), ("gan", False), ("svae", False)}
TIERS = [*sparing([run for run in RUNS if run != LONG], RUN_NOW), pytest.param(LONG, marks=pytest.mark.slow)]


@pytest.mark.parametrize("run", TIERS, ids=lambda run: f"{run[0]}-{'xla' if run[1] else 'graph'}")
def test_fit_and_evaluate_run_on_two_replicas(run):
    name, jit_compile = run
    model, history = trained(name, two_cpus(), jit_compile)
    assert set(history) == set(model.logged) and np.isfinite(history["loss"]).all()
    logs = model.evaluate(dataset(model, steps=2), return_dict=True, verbose=0)
    assert set(logs) == set(model.logged) and np.isfinite(list(logs.values())).all()


def test_a_callback_sets_the_learning_rates_of_all_players_on_replicas_and_keeps_their_ratio():
    strategy = two_cpus()
    with strategy.scope():
        model = tiny("gan")
        model.compile({"theta": keras.optimizers.SGD(0.1), "phi": keras.optimizers.SGD(0.2)})
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    model.fit(dataset(model), epochs=2, callbacks=[halve], verbose=0)
    rates = {player: float(keras.ops.convert_to_numpy(one.learning_rate)) for player, one in model.optimizers.items()}
    assert rates == pytest.approx({"theta": 0.025, "phi": 0.05})


def test_replicas_draw_independent_noise():
    strategy = two_cpus()
    with strategy.scope():
        model = tiny("vae")
        model.compile("sgd")
    drawn = strategy.run(lambda: model.noise(model.rng(tf.zeros((8, 4, 4, 1)))))
    first, second = strategy.experimental_local_results(drawn)
    assert np.abs(np.corrcoef(np.ravel(first), np.ravel(second))[0, 1]) < 0.9
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("name", sparing(sorted(set(list_models()) - NOT_BY_ROW), KEPT))
def test_with_the_noise_fixed_per_row_the_step_is_that_of_one_replica(name):
    one = tiny(name)
    one.compile(keras.optimizers.SGD(0.05))
    batch = examples(one, BATCH)
    noise = one.noise(one.rng(keras.tree.flatten(batch)[0]))

    def step(model, batch, noise):
        inputs = model.unpack(batch)
        if hasattr(model, "play"):
            return model.play(*inputs, noise)
        return model.ascend(model.terms, *inputs, noise, **model.ascends)

    tf.function(step, autograph=False)(one, batch, noise)
    strategy = two_cpus()
    with strategy.scope():
        two = tiny(name)
        two.compile(keras.optimizers.SGD(0.05))

    def half(value, axis=0):
        parts = tf.split(value, 2, axis)
        return strategy.experimental_distribute_values_from_function(lambda c: parts[c.replica_id_in_sync_group])

    rows = 1 if name in SEVERAL_SAMPLES else 0
    run = tf.function(lambda *args: strategy.run(lambda *a: step(two, *a), args), autograph=False)
    halves = tf.nest.map_structure(half, batch)
    run(halves, tf.nest.map_structure(lambda value: half(value, rows), noise))
    np.testing.assert_allclose(weights(two), weights(one), atol=1e-5)


WORKER = """
import json, sys
import keras, numpy as np, tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
from test_replicas import dataset
from zoo import tiny, weights
with strategy.scope():
    model = tiny(sys.argv[1])
    model.compile(keras.optimizers.SGD(0.01), jit_compile=sys.argv[2] == "True")
options = tf.data.Options()
options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
history = model.fit(dataset(model).with_options(options), epochs=1, verbose=0).history
print(json.dumps({"loss": history["loss"], "weights": weights(model).tolist()}))
"""


def workers(name, jit_compile):
    """Runs the training in two processes on 127.0.0.1; returns what each printed."""
    ports = []
    for _ in range(2):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            ports.append(s.getsockname()[1])
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, name, str(jit_compile)],
            env={**os.environ, "TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}})},
            cwd=Path(__file__).parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for i in range(2)
    ]
    outputs = [process.communicate(timeout=240) for process in processes]
    assert all(process.returncode == 0 for process in processes), outputs[0][1][-2000:]
    return [json.loads(out.strip().splitlines()[-1]) for out, _ in outputs]


@pytest.mark.parametrize(
    "jit_compile", [pytest.param(False, marks=pytest.mark.exhaustive), pytest.param(True, marks=pytest.mark.slow)]
)
def test_two_processes_train_a_noiseless_model_as_one_does(jit_compile):
    one, history = trained("ae", tf.distribute.get_strategy())
    first, second = workers("ae", jit_compile)
    np.testing.assert_allclose(first["weights"], weights(one), atol=1e-5)
    np.testing.assert_array_equal(first["weights"], second["weights"])
    np.testing.assert_allclose(first["loss"], history["loss"], rtol=1e-5)
