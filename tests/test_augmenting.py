"""Images that training moves at random: the moves against SciPy's, in training alone, under XLA, and after a resume."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import affine_transform
from zoo import examples, tiny, weights

from dgm_zoo.errors import InvalidInput
from dgm_zoo.networks import RandomMoves, augmented, lenet
from dgm_zoo.networks.augmenting import moved

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
def test_each_image_moves_on_its_own_and_in_training_alone(xla):
    layer = RandomMoves(0.1, 0.1, 0.2, seed=0)
    run = tf.function(lambda training: layer(np.repeat(X[:1], 200, 0), training=training), jit_compile=xla)
    np.testing.assert_array_equal(run(False), np.repeat(X[:1], 200, 0))
    first, second = run(True).numpy(), run(True).numpy()
    assert len(np.unique(first.reshape(200, -1), axis=0)) == 200 and (first != second).any()
    assert abs(first.mean(0)[2:5, 3:6] - X[0, 2:5, 3:6]).max() < 0.35  # about the centre


def test_a_domain_adaptation_with_moves_resumes_to_the_same_bits(tmp_path):
    def made(seed):
        model = tiny("ada", seed=seed, augment=0.1)
        model.compile("adam")
        return model

    def after(model, epochs):
        model.fit(*examples(model, 64), batch_size=16, shuffle=False, epochs=epochs, verbose=0)
        return weights(model)

    whole, half, still = made(0), made(0), tiny("ada", seed=0)
    assert half.take_weights(still)
    x = examples(half, 16)[0][1]
    np.testing.assert_array_equal(half.classify(x)["logits"], still.classify(x)["logits"])
    half = made(0)
    wanted = after(whole, 2)
    after(half, 1)
    half.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(after(keras.saving.load_model(tmp_path / "m.keras"), 1), wanted)


@pytest.mark.parametrize("by", [-0.1, 0.5, True, "a little", float("nan")])
def test_what_is_no_share_of_an_image_is_refused(by):
    with pytest.raises(InvalidInput, match="^augment is .*; give a share of the image from 0 to below 0.5, such as"):
        tiny("ada", augment=by)


def test_without_moves_it_is_the_network_itself():
    trunk = lenet((28, 28, 1))
    assert augmented(trunk, 0.0) is trunk
