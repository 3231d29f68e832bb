"""Autoregressive levels of Helmholtz machines: what they score, draw and learn, and the chain that they are part of."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from exact_helmholtz import (
    KINDS,
    Exact,
    after_a_sweep,
    assign,
    chi_square,
    every,
    forced,
    level_logits,
    shapes,
    sigmoid,
)
from zoo import images

from dgm_zoo import serving
from dgm_zoo.distributions import BatchNoise
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.helmholtz import log_partition
from dgm_zoo.models.helmholtz.bihm import BiHM
from dgm_zoo.models.helmholtz.helmholtz import HelmholtzMachine
from dgm_zoo.models.helmholtz.rws import RWS
from dgm_zoo.networks import DARN, NADE, BeliefNetwork

AUTOREGRESSIVE = KINDS[1:]


@pytest.fixture(scope="module", params=AUTOREGRESSIVE)
def exact(request):
    return Exact(kind=request.param)


def level(kind, units, inputs, scale=1.0):
    """A level with random weights, and its parameters as `level_logits` takes them."""
    network = BeliefNetwork((inputs, units), kind=kind) if inputs else BeliefNetwork((units,), root=True, kind=kind)
    rng = np.random.default_rng(0)
    values = [scale * rng.normal(size=shape) for shape in shapes(kind, units, inputs)]
    assign(network, values)
    return network.conditionals[0], values


# ---------------------------------------------------------------------------------------------- one level


@pytest.mark.parametrize("inputs", [0, 3])
@pytest.mark.parametrize("kind", AUTOREGRESSIVE)
def test_the_values_of_a_level_have_probabilities_that_sum_to_one(kind, inputs):
    layer, values = level(kind, 7, inputs)
    before = every(3)[:, None] if inputs else None
    given = None if before is None else tf.constant(before, tf.float32)
    found = layer.log_prob(tf.constant(every(7), tf.float32), given)
    np.testing.assert_allclose(tf.reduce_sum(tf.exp(found), -1), np.ones(8) if inputs else 1.0, rtol=1e-5)
    logits = level_logits(kind, values, every(7), before)
    np.testing.assert_allclose(found, (every(7) * logits - np.logaddexp(0, logits)).sum(-1), atol=1e-5)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("kind", AUTOREGRESSIVE)
def test_bits_are_drawn_one_after_the_other_and_scored_as_drawn(kind, jit):
    """Each bit is 1 where its noise is below its logit given those before it, with and without XLA."""
    layer, values = level(kind, 12, 4)
    rng = np.random.default_rng(1)
    noise, before = rng.logistic(size=(5, 20, 12)).astype("float32"), rng.integers(0, 2, (20, 4)).astype("float32")
    wanted = np.zeros((5, 20, 12))
    for d in range(12):
        wanted[..., d] = noise[..., d] < level_logits(kind, values, wanted, before)[..., d]
    bits, logits = tf.function(layer.draw, jit_compile=jit)(tf.constant(noise), tf.constant(before))
    np.testing.assert_array_equal(bits, wanted)
    np.testing.assert_allclose(logits, level_logits(kind, values, wanted, before), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_infinite_noise_forces_a_bit_whatever_its_logit(kind):
    layer, _ = level(kind, 6, 2, scale=200.0)
    wanted = np.random.default_rng(0).integers(0, 2, (300, 6))
    bits, logits = layer.draw(tf.constant(forced(wanted)), tf.ones((300, 2)))
    assert np.abs(logits).min(0).max() > 90  # where a sigmoid is 0 or 1
    np.testing.assert_array_equal(bits, wanted)


def test_levels_start_as_the_authors_start_them():
    keras.utils.set_random_seed(0)
    darn, nade = DARN(300, 200), NADE(300, 200, hidden=150)
    for weight, shape in (
        (darn.kernel, (200, 300)), (darn.lateral, (300, 300)), (nade.kernel, (200, 300)), (nade.encode, (300, 150)),
        (nade.decode, (150, 300)), (nade.hidden.kernel, (200, 150)),
    ):
        limit = np.sqrt(6 / sum(shape)) / shape[0]
        assert weight.shape == shape and 0.98 * limit < np.abs(weight).max() < limit
    for bias in (darn.bias, nade.bias, nade.hidden.bias):
        np.testing.assert_array_equal(bias, np.full(bias.shape, -1.0))


@pytest.mark.parametrize("kind", ["nade", "nade:", "nade:0", "nade:-1", "nade:2.5", "darn:3", "sigmoid:3", "", None, 3])
def test_unknown_kinds_are_named(kind):
    with pytest.raises(InvalidInput, match=rf"layer kind {kind!r} is unknown; give 'sigmoid', 'darn', or 'nade:N'"):
        RWS.create((4, 4, 1), layers="8,4", layer_kind=kind)


# ---------------------------------------------------------------------------------------------- machines of such levels
# Their scores, draws and gradients are compared with the enumerated machine in `test_helmholtz`.


def test_estimates_are_within_their_errors(exact):
    model, ratio = exact.model(BiHM), np.exp(exact.log_p - exact.log_q)
    found = model.weight_moments(exact.images(), num_samples=2_000, seed=1)
    for column, power in enumerate((0.5, 1.0)):
        mean, square = ((exact.q_of_h * ratio**p).sum(1) for p in (power, 2 * power))
        assert (np.abs(found[:, column] - np.log(mean)) < 4.5 * np.sqrt((square / mean**2 - 1) / 2_000) + 1e-5).all()
    log_z = log_partition(model, num_samples=20_000, inner=5, seed=3)
    assert abs(log_z["value"] - exact.log_z) < 4 * log_z["stderr"] < 0.02


def test_block_gibbs_leaves_p_star_as_it_is(exact, monkeypatch):
    monkeypatch.setattr(BiHM, "candidates", 2)
    before, after, (h, other) = after_a_sweep(exact, exact.model(BiHM), 40_000, np.zeros(6), seed=1)
    star = np.exp(exact.log_star)
    assert (before != after).mean() > 0.3, "the chain does not move"
    assert chi_square(np.bincount(after, minlength=64), star) > 1e-3
    joint = star[:, None] * exact.star
    for columns in (h, other):
        assert chi_square(np.bincount(columns, minlength=128), joint.sum(0)) > 1e-3
        assert chi_square(np.bincount(after * 128 + columns, minlength=8192), joint.ravel()) > 1e-3


def test_a_sweep_with_known_bits_leaves_p_star_given_them_as_it_is(exact, monkeypatch):
    """The known bits, the fourth and the first, stand after and before missing ones whose logits they enter."""
    monkeypatch.setattr(BiHM, "candidates", 2)
    mask = np.array([1, 0, 0, 1, 0, 0])
    before, after, (h, _) = after_a_sweep(exact, exact.model(BiHM), 40_000, mask, seed=2)
    np.testing.assert_array_equal(exact.x[before] * mask, exact.x[after] * mask)
    star = np.exp(exact.log_star)
    assert (before != after).mean() > 0.3, "the chain does not move"
    assert chi_square(np.bincount(after, minlength=64), star) > 1e-3
    assert chi_square(np.bincount(after * 128 + h, minlength=8192), (star[:, None] * exact.star).ravel()) > 1e-3


def test_served_samples_are_means_of_each_bit_given_a_draw_of_those_before_it(exact):
    model, noise = exact.model(HelmholtzMachine), BatchNoise([0, 0], 50).logistic((13,))
    found = model.endpoints()["sample"].compute(noise)["x"]
    (_, h1, x), _ = model.generative.draw(noise)
    wanted = sigmoid(level_logits(exact.kind, exact.levels("p")[-1][0], x.numpy(), h1.numpy()))
    np.testing.assert_allclose(tf.reshape(found, [50, 6]), wanted, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("cls", "kind"), [(BiHM, "darn"), (RWS, "nade:5")])
def test_a_machine_of_autoregressive_levels_learns_is_saved_and_exported(cls, kind, tmp_path):
    x, _ = images(64)
    keras.utils.set_random_seed(0)
    first = cls.create((4, 4, 1), layers="8-2:3", layer_kind=kind, k=3, seed=0)
    weights, trained = first.get_weights(), {}
    for jit in (False, True):
        model = cls.create((4, 4, 1), layers="8-2:3", layer_kind=kind, k=3, seed=0)
        model.set_weights(weights)
        model.compile(keras.optimizers.SGD(0.01), jit_compile=jit)
        model.fit(x, batch_size=32, shuffle=False, verbose=0)
        trained[jit] = model.get_weights()
    for one, other, start in zip(trained[False], trained[True], weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
        assert np.abs(other - start).max() > 1e-6  # every parameter is reached
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.log_likelihood(x[:4], 50), model.log_likelihood(x[:4], 50))
    serving.export(model, tmp_path / "presets", name="small", version=1)
    loaded = serving.from_preset(str(tmp_path / "presets" / "small"))
    np.testing.assert_allclose(loaded.sample(3, seed=1), model.sample(3, seed=1), atol=1e-6)
