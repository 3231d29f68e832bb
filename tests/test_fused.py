"""Adam in one pass takes the steps of Keras' Adam."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import zoo

from dgm_zoo.core.fused import fuse
from dgm_zoo.core.optimizers import assign

SETTINGS = {
    "plain": (keras.optimizers.Adam, {}),
    "betas and epsilon": (keras.optimizers.Adam, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
    "clipped": (keras.optimizers.Adam, {"global_clipnorm": 0.5}),
    "averaged": (keras.optimizers.Adam, {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3}),
    "accumulated": (keras.optimizers.Adam, {"gradient_accumulation_steps": 2}),
    "decayed weights": (keras.optimizers.AdamW, {"weight_decay": 0.1}),
    "amsgrad": (keras.optimizers.Adam, {"amsgrad": True}),
}


def trained(cls, given, fused, jit_compile=None, dtype="float32"):
    """Two variables and the optimizer's after 6 steps, as one vector."""
    rng = np.random.default_rng(0)
    variables = [keras.Variable(rng.normal(size=shape), dtype=dtype) for shape in [(3, 4), (5,)]]
    optimizer = cls(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5), **given)
    if fused:
        fuse(optimizer)
    optimizer.build(variables)

    def step(*gradients):
        optimizer.apply(list(gradients), variables)

    run = step if jit_compile is None else tf.function(step, jit_compile=jit_compile)
    for _ in range(6):
        run(*(tf.constant(rng.normal(size=v.shape), v.dtype) for v in variables))
    arrays = [keras.ops.convert_to_numpy(v).astype("float64") for v in [*variables, *optimizer.variables]]
    return np.concatenate([one.ravel() for one in arrays])


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("jit_compile", [None, False, True])
def test_the_steps_are_those_of_keras(setting, jit_compile):
    cls, given = SETTINGS[setting]
    ours, theirs = (trained(cls, given, fused, jit_compile) for fused in (True, False))
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)


def test_variables_of_other_precisions_take_keras_own_steps():
    ours, theirs = (trained(keras.optimizers.Adam, {}, fused, dtype="bfloat16") for fused in (True, False))
    np.testing.assert_array_equal(ours, theirs)


def test_every_player_takes_fused_steps():
    def operations(optimizer):
        model = zoo.tiny("gan")
        model.compile(optimizer, jit_compile=False)
        batch = tf.constant(zoo.images(8)[0])
        graph = tf.function(model.train_step).get_concrete_function(batch).graph
        return sum(one.type == "ResourceApplyAdam" for one in graph.get_operations())

    assert operations("adam") == len(zoo.tiny("gan").trainable_variables)
    assert operations("sgd") == 0
    assert "update_step" not in vars(assign("sgd", ["theta"], {})["theta"])
