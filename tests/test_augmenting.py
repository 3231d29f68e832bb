"""Images that training moves at random: against SciPy's, in training alone, by the noise of the batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import affine_transform
from zoo import examples, tiny, weights

from dgm_zoo.core.state import seeds
from dgm_zoo.distributions import BatchNoise
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import ADA
from dgm_zoo.networks import augmented
from dgm_zoo.networks.augmenting import moved
from dgm_zoo.networks.dense import dense

X = np.random.default_rng(0).uniform(0.1, 1.0, (5, 7, 9, 2)).astype("float32")


def test_moves_are_those_of_scipy():
    rng = np.random.default_rng(1)
    shift, turn, zoom = rng.uniform(-3, 3, (5, 2)), rng.uniform(-1, 1, 5), rng.uniform(0.6, 1.5, 5)
    found = moved(X, *(tf.constant(one, tf.float32) for one in (shift, turn, zoom))).numpy()
    centre = np.array([3.0, 4.0])
    for image, image_moved, by, angle, size in zip(X, found, shift, turn, zoom, strict=True):
        back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / size
        wanted = [
            affine_transform(image[..., c], back, centre - back @ (centre + by), order=1, mode="grid-constant")
            for c in range(2)
        ]
        np.testing.assert_allclose(image_moved, np.stack(wanted, -1), atol=1e-5)
    assert 0.05 < (found == 0).mean() < 0.7  # pixels from outside


def test_a_shift_of_whole_pixels_a_quarter_turn_and_no_move():
    still, zero = np.ones(5, "float32"), np.zeros(5, "float32")
    np.testing.assert_array_equal(moved(X, np.zeros((5, 2)), zero, still), X)
    right = moved(X, np.tile([0.0, 1.0], (5, 1)), zero, still).numpy()
    np.testing.assert_array_equal(right[:, :, 1:], X[:, :, :-1])
    assert (right[:, :, 0] == 0).all()
    square = X[:, :, :7]
    np.testing.assert_allclose(
        moved(square, np.zeros((5, 2)), zero + np.float32(np.pi / 2), still), np.rot90(square, -1, (1, 2)), atol=1e-5
    )


@pytest.mark.parametrize("xla", [False, True])
def test_noise_reaches_the_whole_range_and_no_further(xla):
    run = tf.function(augmented, jit_compile=xla)
    x = tf.constant(X[:1])
    half = tf.fill((1, 4), 0.5)
    np.testing.assert_allclose(run(x, half, 0.1), x, atol=1e-6)
    for column, amount in ((0, ([[0.7, 0.0]], [0.0], [1.0])), (2, ([[0.0, 0.0]], [0.1 * np.pi], [1.0])),
                           (3, ([[0.0, 0.0]], [0.0], [1.2]))):
        noise = tf.tensor_scatter_nd_update(half, [[0, column]], [1.0])
        wanted = moved(x, *(tf.constant(one, tf.float32) for one in amount))
        np.testing.assert_allclose(run(x, noise, 0.1), wanted, atol=1e-5)


@pytest.mark.parametrize("mode", ["symmetric", "adda"])
def test_each_domain_moves_anew_in_each_step_and_in_training_alone(mode):
    model, still = (tiny("ada", mode=mode, augment=by) for by in (0.2, 0.0))
    still.take_weights(model), model.take_weights(still)
    (source, target), labels = examples(model, 8)
    x, c = (source, target), (tf.constant(labels[0]),)
    plain = still.terms(x, c)["logits_target"]
    np.testing.assert_array_equal(model.terms(x, c)["logits_target"], plain)
    np.testing.assert_array_equal(model.classify(target)["logits"], plain)
    first, again, later = (model.noise(BatchNoise([0, step], 8)) for step in (1, 1, 2))
    assert len(first) == 2 and (first[0] != first[1]).numpy().any() and (first[0] != later[0]).numpy().any()
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    seen = []
    model.see = lambda images, target=True: (seen.append(images), ADA.see(model, images, target))[1]
    model.terms(x, c, first)
    for images, domain, noise in zip(seen, x, first, strict=True):
        np.testing.assert_allclose(images, augmented(tf.constant(domain), noise, 0.2), atol=1e-6)


@pytest.mark.parametrize("mode", ["symmetric", "adda"])
def test_with_moves_xla_takes_the_same_steps_and_a_resumed_run_too(mode, tmp_path):
    def made(xla=False):
        model = tiny("ada", seed=0, mode=mode, augment=0.1)
        model.compile(keras.optimizers.SGD(0.1), jit_compile=xla)
        return model

    def after(model, epochs):
        model.fit(*examples(model, 64), batch_size=16, shuffle=False, epochs=epochs, verbose=0)
        return weights(model)

    wanted, half = after(made(), 2), made()
    np.testing.assert_allclose(after(made(xla=True), 2), wanted, atol=1e-5)
    after(half, 1)
    half.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(after(keras.saving.load_model(tmp_path / "m.keras"), 1), wanted)


def test_layers_of_a_network_that_no_player_moves_draw_anew_in_each_step():
    """ADDA's trunk and head of the source are fixed; their dropout is not."""
    model = tiny("ada", mode="adda", dropout=0.5)
    model.compile("adam")
    before = {name: seed.numpy() for name, seed in seeds(model).items()}
    model.fit(*examples(model, 32), batch_size=16, verbose=0)
    assert len(before) == 3 and all((seed.numpy() != before[name]).any() for name, seed in seeds(model).items())


@pytest.mark.parametrize("by", [-0.1, 0.5, True, "a little", float("nan"), None])
def test_what_is_no_share_of_an_image_is_refused(by):
    with pytest.raises(InvalidInput, match="^augment is .*; give a share of the image from 0 to below 0.5, such as"):
        tiny("ada", augment=by)


def test_vectors_do_not_move():
    parts = dense((3,), (2,), ()), dense((2,), (2,), ()), dense((2,), (1,), ())
    assert ADA(*parts, augment=np.float32(0.0)).augment == 0.0
    with pytest.raises(InvalidInput, match=r"^augment 0.1 moves images, but the trunk takes \(3,\); leave augment out"):
        ADA(*parts, augment=0.1)
