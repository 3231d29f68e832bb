"""Parts of the models of two domains and of predictability minimisation: networks, objectives, the image pool."""

import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import two_cpus

from dgm_zoo import objectives
from dgm_zoo.errors import InvalidInput
from dgm_zoo.networks import ImagePool, Predictors, patch_discriminator, receptive_field, resnet_translator
from dgm_zoo.networks.pool import exchange
from dgm_zoo.training.build import precision


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def reloaded(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.saving.load_model(tmp_path / "model.keras")


# ---------------------------------------------------------------------------------------------- PatchGAN


@pytest.mark.parametrize(("depth", "side"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_logit_sees_the_published_patch(depth, side):
    assert receptive_field(depth) == side
    size = side + 2 ** (depth + 1)
    network = patch_discriminator((size, size, 1), filters=2, depth=depth, normalization="none")
    x = tf.constant(normal(1, size, size, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = network(x)
        middle = logits[0, logits.shape[1] // 2, logits.shape[2] // 2, 0]
    seen = np.argwhere(np.abs(tape.gradient(middle, x)[0, ..., 0]) > 0)
    assert (np.ptp(seen, axis=0) + 1).tolist() == [side, side]


def test_the_published_discriminator_has_its_sizes():
    network = patch_discriminator((256, 256, 3))
    assert network.output_shape == (None, 30, 30, 1)
    kernels = [w.shape for layer in network.layers if "conv" in layer.name for w in layer.weights if len(w.shape) == 4]
    assert [tuple(kernel) for kernel in kernels] == [(4, 4, 3, 64), (4, 4, 64, 128), (4, 4, 128, 256), (4, 4, 256, 512)]
    assert network.count_params() == 2_764_737 + 896  # the authors', with scales and shifts in place of biases


@pytest.mark.parametrize(("shape", "depth", "least"), [((28, 28, 1), 4, 48), ((10, 32, 3), 2, 12), ((5, 5, 1), 1, 6)])
def test_a_depth_that_leaves_no_patch_is_refused(shape, depth, least):
    sentence = f"depth {depth} leaves no patch of image_shape {shape}; give (height, width, channels) with sides of at "
    with pytest.raises(InvalidInput, match=re.escape(f"{sentence}least {least}, or a smaller depth")):
        patch_discriminator(shape, depth=depth)
    assert patch_discriminator((least, least, shape[2]), depth=depth, filters=2).output_shape == (None, 1, 1, 1)


# ---------------------------------------------------------------------------------------------- translators


@pytest.mark.parametrize("upsampling", ["resize", "transposed"])
@pytest.mark.parametrize(("shape", "channels"), [((28, 28, 1), 3), ((32, 32, 3), None), ((8, 12, 3), 1)])
def test_a_translator_keeps_the_size_and_is_saved(shape, channels, upsampling, tmp_path):
    network = resnet_translator(shape, channels, filters=4, blocks=2, upsampling=upsampling)
    x = np.abs(normal(2, *shape))
    out = network(x)
    assert out.shape == (2, *shape[:2], channels or shape[2]) and 0 <= np.min(out) and np.max(out) <= 1
    np.testing.assert_array_equal(reloaded(network, tmp_path)(x), out)


def test_the_published_translator_has_its_weights():
    published = resnet_translator((128, 128, 3), blocks=9, upsampling="transposed", activation="tanh")
    assert published.count_params() == 11_378_179 + 5_248  # the authors', with scales and shifts in place of biases
    assert resnet_translator((128, 128, 3), blocks=0, filters=8).count_params() < 50_000


@pytest.mark.parametrize(("activation", "low", "high"), [("sigmoid", 0, 1), ("tanh", -1, 1)])
def test_the_activation_gives_the_range(activation, low, high):
    network = resnet_translator((8, 8, 1), filters=4, blocks=1, activation=activation)
    network.get_layer("image").kernel.assign(100 * normal(7, 7, 4, 1))
    out = np.asarray(network(normal(16, 8, 8, 1)))
    assert low <= out.min() < low + 0.1 and high - 0.1 < out.max() <= high


@pytest.mark.parametrize(("activation", "low", "high"), [("sigmoid", 0, 1), ("tanh", -1, 1), ("linear", -9, 9)])
def test_a_residual_translator_returns_its_input_at_first_and_has_a_gradient(activation, low, high, tmp_path):
    network = resnet_translator((8, 8, 3), filters=4, blocks=1, activation=activation, residual=True)
    x = np.linspace(low, high, 2 * 8 * 8 * 3, dtype="float32").reshape(2, 8, 8, 3)
    cut = 0.0 if activation == "linear" else 0.02 * (high - low)
    np.testing.assert_allclose(network(x), np.clip(x, low + cut, high - cut), atol=1e-5)
    change = network.get_layer("change").kernel
    with tf.GradientTape() as tape:
        brightness = tf.reduce_sum(network(tf.constant(x)))
    assert np.abs(tape.gradient(brightness, change.value)).max() > 1e-3
    change.assign(0.1 * normal(7, 7, 4, 3))
    np.testing.assert_array_equal(reloaded(network, tmp_path)(x), network(x))


@pytest.mark.parametrize("groups", [-1, 2])
def test_an_image_is_translated_without_regard_to_its_batch(groups):
    network, x = resnet_translator((8, 8, 1), filters=4, blocks=1, groups=groups), normal(5, 8, 8, 1)
    np.testing.assert_allclose(network(x)[:1], network(x[:1]), atol=1e-6)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"image_shape": (30, 30, 1)}, "image_shape (30, 30, 1) cannot be halved 2 times; give (height, "),
        ({"image_shape": (4, 4, 1)}, "sides that are multiples of 4 and at least 8"),
        ({"groups": 3}, "groups must be -1 for instance normalisation or a divisor of the channels [4, 8, 1"),
        ({"upsampling": "resise"}, "unknown upsampling 'resise'; did you mean 'resize'?"),
        ({"activation": "softmax"}, "unknown activation 'softmax'"),
        ({"blocks": -1}, "blocks is -1; give a whole number of at least 0"),
        ({"residual": True, "channels": 3}, "residual is True, with 1 channels in and 3 out; give True, which"),
        ({"residual": "yes"}, "residual is 'yes', with 1 channels in and 1 out; give True"),
    ],
)
def test_a_translator_that_does_not_suit_is_refused(given, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        resnet_translator(**{"image_shape": (8, 8, 1), "filters": 4, **given})


# ---------------------------------------------------------------------------------------------- predictors


@pytest.mark.parametrize("hidden", [(), (3,), (5, 4)])
def test_a_predictor_never_sees_its_own_unit(hidden):
    predictors, code = Predictors(6, hidden), tf.constant(normal(7, 6))
    with tf.GradientTape() as tape:
        tape.watch(code)
        out = predictors(code)
    jacobian = tape.batch_jacobian(out, code).numpy()  # [row, predictor, unit]
    own = np.eye(6, dtype=bool)
    assert (jacobian[:, own] == 0).all()
    assert (jacobian[:, ~own] != 0).all()


@pytest.mark.parametrize("hidden", [(), (3,), (5, 4)])
def test_predictors_equal_separate_networks(hidden):
    predictors, code = Predictors(6, hidden), normal(7, 6)
    predictors.build((None, 6))
    for bias in predictors.biases:
        bias.assign(normal(*bias.shape, seed=1))
    together = predictors(code).numpy()
    for unit in range(6):
        network = keras.Sequential([
            *(keras.layers.Dense(width, "tanh") for width in hidden), keras.layers.Dense(1)
        ])
        others = np.delete(code, unit, axis=1)
        network.build(others.shape)
        kernels = [kernel.numpy()[unit] for kernel in predictors.kernels]
        kernels[0] = np.delete(kernels[0], unit, axis=0)
        biases = [bias.numpy()[unit] for bias in predictors.biases]
        network.set_weights(list(itertools.chain.from_iterable(zip(kernels, biases, strict=True))))
        np.testing.assert_allclose(together[:, unit], network(others)[:, 0], atol=1e-6)


def test_predictors_start_as_glorot_says_and_are_saved(tmp_path):
    wide = Predictors(40, (60,))
    wide.build((None, 40))
    for kernel, (inputs, outputs) in zip(wide.kernels, [(39, 60), (60, 1)], strict=True):
        limit = (6 / (inputs + outputs)) ** 0.5
        assert 0.98 * limit < np.abs(kernel).max() <= limit
    x = keras.Input((6,))
    model, code = keras.Model(x, Predictors(6, (3,), "relu")(x)), normal(7, 6)
    np.testing.assert_array_equal(reloaded(model, tmp_path)(code), model(code))


def test_predictors_that_do_not_suit_are_refused():
    for given, sentence in (
        ({"units": 1}, "units is 1; give a whole number of at least 2"),
        ({"units": 3, "hidden": 8}, "hidden must be a list of widths, such as (8,), got 8"),
        ({"units": 3, "hidden": (0,)}, "hidden is 0; give a whole number of at least 1"),
    ):
        with pytest.raises(InvalidInput, match=re.escape(sentence)):
            Predictors(**given)
    with pytest.raises(InvalidInput, match="predicts 3 units, but the code has 4"):
        Predictors(3)(normal(2, 4))


# ---------------------------------------------------------------------------------------------- domain adaptation


def gradients(utility, *logits):
    """The gradients of the mean of `utility(*logits)` as a loss, times the batch: of each row, `[batch]`."""
    logits = [tf.constant(logit) for logit in logits]
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = -tf.reduce_mean(utility(*logits))
    return [len(logits[0]) * np.zeros(len(logit)) if of is None else len(logit) * of.numpy()
            for of, logit in zip(tape.gradient(loss, logits), logits, strict=True)]


SOURCE, TARGET = np.float32([-3.0, -0.5, 0.0, 2.0]), np.float32([1.5, 0.0, -2.0, 4.0])
OF_SOURCE, OF_TARGET = 1 / (1 + np.exp(-SOURCE)), 1 / (1 + np.exp(-TARGET))  # D(x)


def grl(source, target):
    """What the features ascend through the reversal with lambda = 1, as a function of the logits."""
    return -objectives.domain_discrimination(source, target)


@pytest.mark.parametrize(
    ("utility", "on_source", "on_target"),
    [
        (objectives.domain_discrimination, OF_SOURCE - 1, OF_TARGET),
        (objectives.domain_confusion, OF_SOURCE, OF_TARGET - 1),
        (grl, 1 - OF_SOURCE, -OF_TARGET),
        (lambda _, target: objectives.target_confusion(target), 0 * OF_SOURCE, OF_TARGET - 1),
    ],
)
def test_the_modes_have_the_derived_gradients_with_respect_to_the_logits(utility, on_source, on_target):
    of_source, of_target = gradients(utility, SOURCE, TARGET)
    np.testing.assert_allclose(of_source, on_source, atol=1e-6)
    np.testing.assert_allclose(of_target, on_target, atol=1e-6)


def reversed_game(weight, jit_compile=False):
    """Gradients of phi's loss through the reversal: with respect to the features' weights, and to phi."""
    features, phi = tf.Variable(normal(5, 3)), tf.Variable(normal(3, 1, seed=1))
    z_s, z_t = normal(8, 5, seed=2), normal(8, 5, seed=3)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def run(weight):
        with tf.GradientTape() as tape:
            logits = [
                (objectives.reverse_gradient(tf.tanh(z @ features), weight) @ phi)[:, 0] for z in (z_s, z_t)
            ]
            loss = -tf.reduce_mean(objectives.domain_discrimination(*logits))
        return loss, *tape.gradient(loss, [features, phi])

    return [part.numpy() for part in run(tf.constant(weight))]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_reversal_scales_the_features_gradient_and_nothing_else(jit_compile):
    plain = reversed_game(-1.0)  # which turns the sign back
    for weight in (0.0, 0.3, 1.0):
        loss, of_features, of_phi = reversed_game(weight, jit_compile)
        np.testing.assert_allclose(loss, plain[0], rtol=1e-6)
        np.testing.assert_allclose(of_features, -weight * plain[1], atol=1e-6)
        np.testing.assert_allclose(of_phi, plain[2], atol=1e-6)
    assert not reversed_game(0.0)[1].any() and np.abs(plain[1]).max() > 0.01


def test_lambda_follows_its_schedule():
    progress = np.linspace(0, 1, 11, dtype="float32")
    np.testing.assert_allclose(objectives.reversal_weight(progress), 2 / (1 + np.exp(-10 * progress)) - 1, atol=1e-6)
    assert objectives.reversal_weight(0.0) == 0


# ---------------------------------------------------------------------------------------------- predictability


def perfect(code):
    """E[y_i | y_-i] over the rows of `code`, each as likely as another."""
    prediction = np.empty_like(code)
    for unit in range(code.shape[1]):
        others = np.delete(code, unit, axis=1)
        for row, seen in enumerate(others):
            prediction[row, unit] = code[(others == seen).all(1), unit].mean()
    return prediction


TIMES = (1, 2, 2, 4)  # an epoch of 9 patterns, of probabilities 1/9, 2/9, 2/9, 4/9


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ([(1, 1), (0, 1), (1, 0), (0, 0)], 2.0),  # factorial
        ([(0, 1), (0, 0), (1, 0), (1, 1)], 1.9),  # invertible, not factorial
        ([(1, 1), (1, 1), (1, 1), (1, 1)], 0.0),  # constant
        ([(1, 1), (0, 0), (1, 1), (0, 0)], 0.0),  # redundant
    ],
)
def test_v_c_has_the_published_values_for_perfect_predictors(code, wanted):
    code = np.repeat(np.float32(code), TIMES, axis=0)
    prediction = perfect(code)
    assert float(tf.reduce_sum(objectives.v_c(prediction, code))) == pytest.approx(wanted, abs=1e-6)
    decomposed = 0.5 * len(code) * (code.var(0) - prediction.var(0)).sum()
    assert decomposed == pytest.approx(wanted, abs=1e-6)


def test_the_bernoulli_forms_are_log_likelihoods_of_bits():
    logit, bits = normal(6, 3), (normal(6, 3, seed=1) > 0).astype("float32")
    q = 1 / (1 + np.exp(-logit))
    chosen = np.where(bits == 1, q, 1 - q)
    np.testing.assert_allclose(objectives.log_q_units(logit, bits), np.log(chosen).sum(1), rtol=1e-5)
    np.testing.assert_allclose(objectives.log_q_units_reversed(logit, bits), np.log(1 - chosen).sum(1), rtol=1e-5)
    code = np.repeat(np.float32([(1, 1), (0, 1), (1, 0), (0, 0)]), TIMES, axis=0)
    p = perfect(code)
    entropy = -9 * 2 * (1 / 3 * np.log(1 / 3) + 2 / 3 * np.log(2 / 3))  # of two independent units with p = 1/3
    assert -float(tf.reduce_sum(objectives.log_q_units(np.log(p / (1 - p)), code))) == pytest.approx(entropy, rel=1e-5)


# ---------------------------------------------------------------------------------------------- cycles


def test_identity_translators_have_no_cycle_and_no_identity_loss():
    x, y = np.abs(normal(2, 3, 4, 4, 1))
    assert not objectives.cycle_consistency(x, x, y, y).numpy().any()
    assert not objectives.identity(x, x, y, y).numpy().any()


def test_cycle_and_identity_are_means_over_pixels():
    x, y = np.zeros((2, 4, 4, 3), "float32"), np.ones((2, 4, 4, 3), "float32")
    x_again, y_again = x + 0.25, y.copy()
    y_again[0] = 0.5
    np.testing.assert_allclose(objectives.cycle_consistency(x, x_again, y, y_again), [0.75, 0.25])
    np.testing.assert_allclose(objectives.identity(x, x_again, y, y_again), [0.75, 0.25])


def test_translators_with_the_published_weights_descend_the_published_loss():
    logits, cycle, same = normal(2, 3, 4, 4, 1), np.float32([0.1, 0.2, 0.3]), np.float32([0.4, 0.5, 0.6])
    least_squares = objectives.LeastSquares()
    realism = sum(2 * objectives.over_patches(least_squares.generator(of)) for of in logits)
    utility = objectives.translation(realism, cycle, same, cycle_weight=10.0, identity_weight=0.5)
    published = ((logits - 1) ** 2).mean((2, 3, 4)).sum(0) + 10 * cycle + 5 * same
    np.testing.assert_allclose(utility, -published, rtol=1e-5)


# ---------------------------------------------------------------------------------------------- the image pool


def one_by_one(pool, size, images, uniform):
    """The pool of the authors' code, image by image; `pool` is a list that is changed."""
    shown = []
    for image, (coin, place) in zip(images, uniform, strict=True):
        if len(pool) < size:
            pool.append(image)
            shown.append(image)
        elif coin >= 0.5:
            place = int(place * size)
            shown.append(pool[place])
            pool[place] = image
        else:
            shown.append(image)
    return shown


@pytest.mark.parametrize(("size", "batch"), [(50, 7), (5, 7), (3, 16), (1, 1)])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_pool_equals_one_that_takes_images_one_by_one(size, batch, jit_compile):
    rng = np.random.default_rng(0)
    run = tf.function(exchange, jit_compile=jit_compile, autograph=False)
    wanted, stored, count = [], tf.zeros((size, 2)), tf.constant(0)
    for step in range(20):
        images = np.arange(batch * 2, dtype="float32").reshape(batch, 2) + 100 * step
        uniform = rng.random((batch, 2)).astype("float32")
        shown, stored, count = run(stored, count, images, uniform)
        np.testing.assert_array_equal(shown, one_by_one(wanted, size, images, uniform))
        assert int(count) == len(wanted)
        np.testing.assert_array_equal(stored[: int(count)], wanted)


def test_a_full_pool_shows_half_of_the_images_from_it():
    pool, rng = ImagePool(50, (1,)), np.random.default_rng(0)
    old = []
    for step in range(200):
        images = np.arange(10, dtype="float32")[:, None] + 10 * step
        old.append(pool(images, rng.random((10, 2)).astype("float32")).numpy() != images)
    assert not np.any(old[:5])  # it fills with 50 images
    assert abs(np.mean(old[5:]) - 0.5) < 4 * np.sqrt(0.25 / 1950)


def test_a_pool_of_size_0_returns_its_input():
    pool, images = ImagePool(0, (4, 4, 1)), normal(6, 4, 4, 1)
    np.testing.assert_array_equal(pool(images, np.ones((6, 2), "float32")), images)
    assert not pool.weights


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_pool_is_saved_and_not_trained(tmp_path, policy):
    class Holder(keras.Model):
        def __init__(self, pool=None, **kwargs):
            super().__init__(**kwargs)
            self.pool = ImagePool(5, (2,)) if pool is None else keras.saving.deserialize_keras_object(pool)
            self.built = True

        def get_config(self):
            return {"pool": keras.saving.serialize_keras_object(self.pool)}

    with precision(policy):
        holder, rng = Holder(), np.random.default_rng(0)
    for _ in range(3):
        images = tf.constant(rng.random((4, 2)).astype("float32"))
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(holder.pool(images, rng.random((4, 2)).astype("float32")))
        assert tape.gradient(total, images) is None
    assert not holder.trainable_variables
    holder.save(tmp_path / "holder.keras")
    again = keras.saving.load_model(tmp_path / "holder.keras", custom_objects={"Holder": Holder})
    images, uniform = rng.random((4, 2)).astype("float32"), np.float32([[0.9, 0.1 * i] for i in range(4)])
    assert int(again.pool.count) == 5
    np.testing.assert_array_equal(again.pool(images, uniform), holder.pool(images, uniform))


def test_two_replicas_share_one_pool():
    strategy, rng = two_cpus(), np.random.default_rng(0)
    alone = ImagePool(6, (2,))
    with strategy.scope():
        shared = ImagePool(6, (2,))

    @tf.function(autograph=False)
    def step(images, uniform):
        return strategy.run(shared, (images, uniform))

    for _ in range(6):
        images, uniform = rng.random((4, 2)).astype("float32"), rng.random((4, 2)).astype("float32")
        halves = [
            strategy.experimental_distribute_values_from_function(
                lambda c, part=part: tf.constant(part[2 * c.replica_id_in_sync_group :][:2])
            )
            for part in (images, uniform)
        ]
        shown = strategy.experimental_local_results(step(*halves))
        np.testing.assert_array_equal(np.concatenate(shown), alone(images, uniform))
        for copy in strategy.experimental_local_results(shared.images.value):
            np.testing.assert_array_equal(copy, alone.images)


def test_images_of_another_shape_are_refused():
    with pytest.raises(InvalidInput, match=re.escape("holds images (4, 4, 1), but was given (8, 8, 1)")):
        ImagePool(5, (4, 4, 1))(normal(2, 8, 8, 1), np.zeros((2, 2), "float32"))
    with pytest.raises(InvalidInput, match="size is -1; give a whole number of at least 0"):
        ImagePool(-1, (4, 4, 1))
