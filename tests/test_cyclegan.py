"""CycleGAN: losses and steps against closed forms, the pool, every objective."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from exact_domains import identity_network, judge, kernels, network_of, normal, stepped
from zoo import SHAPE, examples, tiny, weights

import dgm_zoo
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import CycleGAN


def test_identity_translators_have_no_cycle_and_no_identity_loss():
    model = CycleGAN(identity_network(), identity_network(), judge(), judge(seed=1), identity_weight=0.5)
    z, x = np.abs(normal(2, 8, *SHAPE))
    terms = model.translator_terms(z, x)
    assert not np.any(terms["cycle"]) and not np.any(terms["identity"])
    np.testing.assert_allclose(terms["translation"], terms["realism"])
    d_target, d_source = model.logits("target", z)[:, 0], model.logits("source", x)[:, 0]
    np.testing.assert_allclose(terms["realism"], -0.5 * (d_target - 1) ** 2 - 0.5 * (d_source - 1) ** 2, rtol=1e-5)


@pytest.mark.parametrize("pool_size", [0, 50])
def test_discriminators_are_shown_the_translations_of_before_the_translators_step(pool_size):
    """One SGD step of each linear discriminator, by hand; a pool that is not full shows what it is given."""
    model = tiny("cyclegan", pool_size=pool_size)
    model.discriminator_target, model.discriminator_source = judge(), judge(seed=1)
    (z, x), *_ = examples(model, 8)
    fakes = {"target": model.g(z).numpy(), "source": model.f(x).numpy()}
    wanted = {}
    for domain, real in (("target", x), ("source", z)):
        kernel, bias = kernels(getattr(model, f"discriminator_{domain}"))
        real, fake = real.reshape(8, -1), fakes[domain].reshape(8, -1)
        wanted[domain] = -(real.T @ (real @ kernel + bias - 1) + fake.T @ (fake @ kernel + bias)) / 8
        wanted[domain] += kernel
    stepped(model, (z, x))
    for domain, kernel in wanted.items():
        np.testing.assert_allclose(kernels(getattr(model, f"discriminator_{domain}"))[0], kernel, atol=1e-5)
    if pool_size:
        np.testing.assert_allclose(model.pool_target.images[:8], fakes["target"], atol=1e-6)
        assert int(model.pool_target.count) == 8


def test_both_translators_gradients_hold_both_cycles():
    """With discriminators that are constant only the cycles teach: F = 0.5 must grow, since G = 1."""
    def scale(value):
        network = network_of(keras.layers.Dense(1, use_bias=False), (1,))
        network.layers[-1].kernel.assign([[value]])
        return network

    model = CycleGAN(scale(1.0), scale(0.5), judge((1,)), judge((1,)), cycle_weight=2.0)
    for part in (model.discriminator_source, model.discriminator_target):
        for variable in part.weights:
            variable.assign(tf.zeros_like(variable))
    z, x = np.full((4, 1), 0.5, "float32"), np.full((4, 1), 1.0, "float32")
    stepped(model, (z, x), rate=0.1)
    # each cycle is |g f v - v| = v (1 - g f), so d/dg = 2 f (z + x) = 1.5 and d/df = 2 g (z + x) = 3
    assert kernels(model.to_target)[0].item() == pytest.approx(1.0 + 0.1 * 1.5)
    assert kernels(model.to_source)[0].item() == pytest.approx(0.5 + 0.1 * 3.0)


@pytest.mark.parametrize(
    ("objective", "network"),
    [("NonSaturating", "dense"), ("Wasserstein", "conv"), *(
        pytest.param(name, network, marks=pytest.mark.exhaustive) for name, network in (
            ("Saturating", "dense"), ("Hinge", "dense"), ("Wasserstein", "dense"), ("ImportanceWeighted", "conv"),
        )
    )],
)
def test_every_adversarial_objective_trains(objective, network):
    given = {"hidden": [8]} if network == "dense" else {
        "translator_filters": 2, "blocks": 1, "discriminator_filters": 2, "depth": 1,
    }
    model = dgm_zoo.create("cyclegan", image_shape=(8, 8, 1), network=network, objective=objective, **given, seed=0)
    z, x = np.abs(normal(2, 8, 8, 8, 1)) / 5
    before = weights(model)
    stepped(model, (np.minimum(z, 1), np.minimum(x, 1)), rate=0.01)
    assert np.isfinite(weights(model)).all() and np.abs(weights(model) - before).max() > 0


def test_translate_names_the_domain():
    model = tiny("cyclegan")
    (z, x), *_ = examples(model, 5)
    np.testing.assert_array_equal(model.translate(z), model.answer("to_target", x=z)["x"])
    np.testing.assert_array_equal(model.translate(x, to="source"), model.answer("to_source", x=x)["x"])
    np.testing.assert_allclose(model.reconstruct(z), model.translate(model.translate(z), to="source"), atol=1e-6)
    with pytest.raises(InvalidInput, match="unknown domain 'sauce'; did you mean 'source'"):
        model.translate(z, to="sauce")


def test_translate_takes_the_pairs_names_and_a_file_keeps_them(tmp_path):
    model = tiny("cyclegan", domain_names=["mnist", "usps"])
    (z, x), *_ = examples(model, 5)
    np.testing.assert_array_equal(model.translate(z, to="usps"), model.translate(z, to="target"))
    np.testing.assert_array_equal(model.translate(x, to="mnist"), model.translate(x, to="source"))
    assert [one.doc for one in model.endpoints().values()] == [
        "images of mnist as usps's, G(x)", "images of usps as mnist's, F(x)", "F(G(x)) of images of mnist",
    ]
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").domain_names == ("mnist", "usps")
    with pytest.raises(InvalidInput, match="unknown domain 'uspss'; did you mean 'usps'"):
        model.translate(z, to="uspss")
    swapped = tiny("cyclegan", domain_names=["target", "source"])  # the names of the roles come first
    np.testing.assert_array_equal(swapped.translate(z, to="target"), swapped.answer("to_target", x=z)["x"])
