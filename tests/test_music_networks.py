"""MuseGAN's networks, and bits with a gradient: shapes, who depends on what, the sentence for each mistake."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dgm_zoo import networks
from dgm_zoo.distributions import BatchNoise, binarised
from dgm_zoo.errors import InvalidInput
from dgm_zoo.networks.blocks import BlockConv2D, BlockConv2DTranspose
from dgm_zoo.networks.music import feature_shapes, time_factors

BASS, DRUMS, GUITAR, LEAD, STRINGS = range(5)


def random_phrase(steps, bars=2):
    """A phrase of all tracks, `[bars, steps, 84, 5]`."""
    return (np.random.RandomState(0).uniform(size=(bars, steps, 84, 5)) < 0.2).astype("float32")


# Networks.


def normal(*shape, seed=0):
    return tf.random.stateless_normal(shape, [seed, 1])


def lively(network):
    """The network with weights large enough that its output depends visibly on its input."""
    for weight in network.trainable_weights:
        if weight.path.endswith("kernel"):
            weight.assign(weight * 10)
    return network


@pytest.mark.parametrize("steps", [8, 12, 16, 24, 32, 48, 64, 96])
def test_networks_of_a_bar_have_the_stated_shapes(steps):
    x = networks.bar_generator(20, steps, tracks=3, width=32)(normal(2, 20))
    assert x.shape == (2, steps, 84, 3)
    assert networks.bar_critic(steps, tracks=3, width=32)(x).shape == (2, 1)
    assert networks.phrase_critic(2, steps, tracks=3, width=32)(x[None]).shape == (1, 1)
    features = networks.bar_encoder(steps)(x[..., :1])
    assert [feature.shape[1:] for feature in features] == [tf.TensorShape(shape) for shape in feature_shapes(steps)]
    bar = networks.bar_generator(20, steps, width=32, conditional=True)([normal(2, 20), *features])
    assert bar.shape == (2, steps, 84, 1)
    assert np.prod(time_factors(steps)) * 2 == steps


def test_sizes_are_those_of_the_released_code():
    shape = lambda network, layer: tuple(network.get_layer(layer).output.shape[1:])  # noqa: E731
    generator, critic = networks.bar_generator(128), networks.bar_critic()
    assert [shape(generator, f"time_{i}") for i in range(1, 6)] == [
        (4, 1, 512), (8, 1, 256), (16, 1, 256), (32, 1, 128), (96, 1, 128)
    ]
    assert shape(generator, "octaves") == (96, 7, 64) and shape(generator, "project") == (1024,)
    assert [shape(critic, f"conv_{i}") for i in range(1, 7)] == [
        (96, 7, 128), (96, 1, 128), (48, 1, 128), (24, 1, 128), (11, 1, 256), (5, 1, 512)
    ]
    assert feature_shapes(96) == [(96, 7, 16), *((size, 1, 16) for size in (96, 32, 16, 8, 4, 2))]
    temporal, phrase = networks.temporal_generator(32, 4), networks.phrase_critic()
    assert shape(temporal, "two_bars") == (2, 1024) and shape(temporal, "all_bars") == (4, 32)
    assert shape(phrase, "two_bars") == (3, 512) and shape(phrase, "all_bars") == (1, 128)


@pytest.mark.parametrize(("general", "block", "shape", "size"), [
    (keras.layers.Conv2D, BlockConv2D, (3, 4, 24, 5), (1, 12)),
    (keras.layers.Conv2D, BlockConv2D, (3, 6, 1, 5), (3, 1)),
    (keras.layers.Conv2DTranspose, BlockConv2DTranspose, (3, 4, 2, 5), (1, 12)),
    (keras.layers.Conv2DTranspose, BlockConv2DTranspose, (3, 4, 1, 5), (2, 1)),
])
def test_a_product_of_blocks_is_the_convolution(general, block, shape, size):
    x, one = normal(*shape), general(4, size, size, bias_initializer="normal")
    wanted, other = one(x), block(4, size)
    other.build(x.shape)
    other.set_weights(one.get_weights())
    np.testing.assert_allclose(other(x), wanted, rtol=1e-5, atol=1e-5)
    assert type(other).from_config(other.get_config()).strides == size


def test_the_ablation_leaves_batch_normalisation_out_everywhere():
    def count(network):
        return sum(isinstance(layer, keras.layers.BatchNormalization) for layer in network._flatten_layers())

    sizes = {"bars": 2, "steps": 16, "tracks": 2, "noise": 16, "width": 32, "conditional": True}
    assert count(networks.phrase_generator("composer", **sizes)) > 0
    ablated = networks.phrase_generator("composer", **sizes, normalization="none")
    assert count(ablated) == 0 and all(layer.use_bias for layer in ablated._flatten_layers() if layer.name == "project")


def test_critics_have_no_batch_normalisation():
    for network in (networks.bar_critic(16, width=32), networks.phrase_critic(4, 16, width=32)):
        assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers)


def test_a_phrase_critic_compares_bars():
    critic, x = lively(networks.phrase_critic(4, 16, width=32)), tf.constant(random_phrase(16, bars=4)[None])
    value = critic(x).numpy()
    for order in ([1, 0, 2, 3], [0, 1, 3, 2], [2, 3, 0, 1]):
        other = critic(tf.gather(x, order, axis=1)).numpy()
        assert abs(other - value) > 1e-3 * abs(value)
    # each row of a batch by itself
    both = critic(tf.concat([x, x[:, ::-1]], 0)).numpy()
    np.testing.assert_allclose(both[0], value[0], rtol=1e-4)
    assert abs(both[1] - both[0]) > 1e-3 * abs(both[0])


def test_a_penalty_on_the_critic_s_gradient_has_a_gradient():
    critic, x = lively(networks.phrase_critic(2, 16, width=32)), tf.constant(random_phrase(16)[None])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = critic(x)
        penalty = tf.square(tf.norm(inner.gradient(value, x)) - 1)
    gradients = outer.gradient(penalty, [w for w in critic.trainable_weights if w.path.endswith("kernel")])
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)


def test_a_temporal_generator_gives_each_bar_a_vector_of_its_own():
    latents = networks.temporal_generator(16, 4, width=32)(normal(8, 16), training=True).numpy()
    assert latents.shape == (8, 4, 16) and latents.min() == 0
    for i in range(4):
        for j in range(i):
            assert np.abs(latents[:, i] - latents[:, j]).max() > 0.1


@pytest.mark.parametrize(("composition", "bars", "sizes"), [
    ("jamming", 4, {"z_1": 64, "z_1t": 64, "z_2": 64, "z_2t": 64}),
    ("composer", 4, {"z": 64, "z_t": 64}),
    ("hybrid", 4, {"z": 32, "z_t": 32, "z_1": 32, "z_1t": 32, "z_2": 32, "z_2t": 32}),
    ("jamming", 1, {"z_1": 128, "z_2": 128}),
    ("composer", 1, {"z": 128}),
    ("hybrid", 1, {"z": 64, "z_1": 64, "z_2": 64}),
])
def test_noise_is_cut_as_in_the_paper(composition, bars, sizes):
    assert networks.noise_sizes(composition, bars, 2) == sizes


def changed(composition, part, bars=3, tracks=2):
    """Which tracks and which bars of a phrase change with one part of z: bool `[bars, tracks]`."""
    keras.utils.set_random_seed(0)  # of other weights a bar's temporal features, behind a ReLU, may all be 0
    network = lively(networks.phrase_generator(composition, bars, 16, tracks=tracks, noise=16, width=32))
    sizes = networks.noise_sizes(composition, bars, tracks, 16)
    start = sum(list(sizes.values())[: list(sizes).index(part)])
    z = normal(1, sum(sizes.values()))
    other = tf.concat([z[:, :start], z[:, start : start + sizes[part]] + 3, z[:, start + sizes[part] :]], 1)
    return (network(z) != network(other)).numpy().any((0, 2, 3))


def test_a_jamming_track_depends_on_its_own_noise_only():
    for part in ("z_1", "z_1t"):
        assert changed("jamming", part).tolist() == [[True, False]] * 3


def test_shared_noise_reaches_every_track_and_private_noise_one():
    assert changed("hybrid", "z").all() and changed("hybrid", "z_t").all()
    assert changed("hybrid", "z_2").tolist() == changed("hybrid", "z_2t").tolist() == [[False, True]] * 3
    assert changed("composer", "z").all() and changed("composer", "z_t").all()


def test_noise_that_is_the_same_in_all_bars_makes_equal_bars():
    network = lively(networks.phrase_generator("composer", 3, 16, noise=16, width=32))
    temporal = network.get_layer("temporal_of_z_t")
    for weight in temporal.trainable_weights:
        if weight.path.endswith("kernel"):
            weight.assign(tf.zeros_like(weight))
    x = network(normal(2, 16)).numpy()
    np.testing.assert_allclose(x[:, 0], x[:, 1], atol=1e-6)
    assert np.abs(x[0] - x[1]).max() > 1e-3


@pytest.mark.parametrize("composition", ["jamming", "composer", "hybrid"])
def test_a_conditional_generator_depends_on_its_condition_bar_by_bar(composition):
    network = lively(networks.phrase_generator(composition, 3, 16, tracks=2, noise=16, width=32, conditional=True))
    z, y = normal(1, network.input_shape[0][1]), random_phrase(16, bars=3)[None, ..., :1]
    other = y.copy()
    other[:, 1] = 1 - other[:, 1]
    differs = np.abs(network([z, tf.constant(y)]).numpy() - network([z, tf.constant(other)]).numpy()).max((0, 2, 3))
    assert (differs[1] > 1e-3).all() and not differs[[0, 2]].any()


def test_temporal_generators_are_separate_unless_shared():
    count = lambda **kw: sum(  # noqa: E731
        layer.name.startswith("temporal") for layer in
        networks.phrase_generator("hybrid", 2, 16, tracks=2, noise=16, width=32, **kw).layers
    )
    assert count() == 3 and count(share_temporal=True) == 1


@pytest.mark.exhaustive
def test_a_generator_of_phrases_is_saved_and_loaded(tmp_path):
    network = networks.phrase_generator("hybrid", 2, 16, tracks=2, noise=16, width=32, conditional=True)
    network.save(tmp_path / "a.keras")
    z = normal(2, network.input_shape[0][1])
    y = tf.constant(random_phrase(16, bars=4).reshape(2, 2, 16, 84, 5)[..., :1])
    np.testing.assert_array_equal(network([z, y]), keras.models.load_model(tmp_path / "a.keras")([z, y]))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: networks.bar_generator(8, 20), "steps=20 is not supported by the music networks; give 8, 12, 16, 24, "
                                            "32, 48, 64 or 96"),
    (lambda: networks.bar_critic(192), "steps=192 is not supported by the music networks; give 8, 12, 16, 24, 32, 48, "
                                       "64 or 96"),
    (lambda: networks.bar_encoder(16, 85), "pitches=85 is not a whole number of octaves, at least 2; give a "
                                           "multiple of 12, such as 84"),
    (lambda: networks.bar_critic(16, width=100), "width=100 is not supported by the music networks; give a multiple of "
                                                 "16"),
    (lambda: networks.temporal_generator(8, 2, normalization="batsh"), "unknown normalization 'batsh'; did you mean "
                                                                       "'batch'? (known: batch, none)"),
    (lambda: networks.temporal_generator(8, 1), "bars is 1; give a whole number of at least 2"),
    (lambda: networks.phrase_critic(1), "bars is 1; give a whole number of at least 2"),
    (lambda: networks.phrase_generator("jam"), "unknown composition 'jam'; did you mean 'jamming'? (known: composer, "
                                               "hybrid, jamming)"),
    (lambda: networks.phrase_generator("hybrid", noise=30), "noise=30 cannot be cut into 4 equal parts; give a "
                                                            "multiple of 4"),
])
def test_networks_that_cannot_be_made(make, message):
    with pytest.raises(InvalidInput) as raised:
        make()
    assert str(raised.value) == message


# Bits with a gradient.


def test_a_threshold_is_where_the_probability_exceeds_a_half():
    logits = normal(3, 2, 16, 84, 5)
    np.testing.assert_array_equal(binarised(logits), tf.sigmoid(logits).numpy() > 0.5)


def every_noise():
    """A thousand equally likely values of logistic noise: `[1000, 1, 3]`."""
    u = (np.arange(1000, dtype="float32")[:, None, None] + 0.5) / 1000 * np.ones([1, 1, 3], "float32")
    return tf.constant(np.log(u / (1 - u)))


def test_drawn_bits_have_the_probabilities_of_the_logits():
    logits = tf.constant([[-2.0, 0.0, 1.5]])
    noise = every_noise()
    bits = binarised(tf.broadcast_to(logits, [1000, 1, 3]), noise)
    np.testing.assert_allclose(tf.reduce_mean(bits, 0), tf.sigmoid(logits), atol=1e-3)
    assert set(np.unique(bits)) == {0.0, 1.0}


def gradient(logits, noise=None, monophonic=(), weight=1.0):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = tf.reduce_sum(weight * binarised(logits, noise, monophonic))
    return tape.gradient(value, logits).numpy()


def test_the_gradient_of_drawn_bits_is_right_on_average_where_the_function_is_linear():
    logits, weight = tf.constant([[-2.0, 0.0, 1.5]]), tf.constant([3.0, -1.0, 2.0])
    noise = every_noise()
    found = gradient(tf.broadcast_to(logits, [1000, 1, 3]), noise, weight=weight).mean(0)
    p = tf.sigmoid(logits)
    np.testing.assert_allclose(found, weight * p * (1 - p), rtol=5e-3)  # d/dlogit of weight * p


def test_the_gradient_of_a_threshold_vanishes_where_it_is_sure():
    found = gradient(tf.constant([[-30.0, -1.0, 1.0, 30.0]]))
    p = 1 / (1 + np.exp(1.0))
    np.testing.assert_allclose(found, [[0, p / 2, p / 2, 0]], atol=1e-9)


def test_a_monophonic_track_sounds_its_likeliest_pitch_if_any():
    logits = np.full((2, 16, 84, 5), -1.0, "float32")
    logits[0, 0, [3, 8, 40], BASS], logits[0, 0, [3, 8], GUITAR] = [1.0, 2.0, 0.5], [1.0, 2.0]
    bits = binarised(logits, monophonic=(BASS,)).numpy()
    assert np.argwhere(bits).tolist() == [[0, 0, 3, GUITAR], [0, 0, 8, BASS], [0, 0, 8, GUITAR]]
    found = gradient(tf.constant(logits), monophonic=(BASS,))
    assert found[0, 0, 8, BASS] > 0 and found[0, 0, 3, BASS] == 0 and found[0, 0, 3, GUITAR] > 0
    noise = BatchNoise([0, 1], 2).logistic(logits.shape[1:])
    drawn = binarised(logits, noise, (BASS, BASS, LEAD)).numpy()
    assert drawn[..., [BASS, LEAD]].sum(2).max() == 1 < drawn[..., [DRUMS, GUITAR, STRINGS]].sum(2).min()


def test_a_monophonic_track_that_does_not_exist():
    for index in (5, -1, 0.0):
        with pytest.raises(InvalidInput) as raised:
            binarised(tf.zeros([84, 5]), monophonic=(0, index))
        assert str(raised.value) == f"monophonic holds {index!r}, but there are 5 tracks; give 0 to 4"


def test_bits_are_the_same_when_compiled():
    logits, noise = normal(2, 16, 84, 5), BatchNoise([0, 1], 2).logistic((16, 84, 5))
    compiled = tf.function(lambda a, b: binarised(a, b, (BASS,)), jit_compile=True)
    np.testing.assert_array_equal(compiled(logits, noise), binarised(logits, noise, (BASS,)))
