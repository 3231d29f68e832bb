"""The default networks: what they take, what they emit, and what they refuse."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dgm_zoo.errors import InvalidInput
from dgm_zoo.networks import (
    Conditioned,
    classifier_of,
    conv_decoder,
    conv_encoder,
    dcgan_discriminator,
    dcgan_generator,
    dense,
    dense_discriminator,
    dense_generator,
    encoder_and_decoder,
    generator_and_discriminator,
)
from dgm_zoo.networks.conv import residual_blocks
from dgm_zoo.networks.masks import mask_decoder, mask_encoder

IMAGES = [(4, 4, 1), (8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 48, 3), (5, 7, 1), (50, 33, 3)]
WIDTHS = {"dense": (9, 5), "conv": (3, 2), "resnet": (4, 2)}


def pair(network="dense", image=(8, 8, 1), hidden=None, condition_size=0, **given):
    """Networks for 3 latent values, two parameters for each of them and for each pixel."""
    likelihood = (*image[:-1], image[-1] * 2)
    return encoder_and_decoder(
        network, image, 3, (6,), likelihood, hidden or WIDTHS.get(network), condition_size=condition_size, **given
    )


@pytest.mark.parametrize("condition_size", [0, 10])
@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("network", WIDTHS)
def test_encoder_and_decoder_emit_the_heads_parameters(network, image, condition_size):
    rng = np.random.default_rng(0)
    c = np.eye(10, dtype="float32")[[3, 7]]
    encoder, decoder = pair(network, image, condition_size=condition_size)
    for net, event, params in ((encoder, image, (6,)), (decoder, (3,), (*image[:2], image[2] * 2))):
        event = np.repeat(rng.normal(size=(1, *event)), 2, 0).astype("float32")
        out = np.asarray(net([event, c] if condition_size else event))
        assert out.shape == (2, *params) and net.output_shape == (None, *params) and out.dtype == "float32"
        assert (np.abs(out[0] - out[1]).max() > 1e-5) == bool(condition_size)  # the rows differ in c alone


def test_a_lenet_encodes_and_one_hidden_layer_decodes():
    encoder, decoder = pair("lenet", hidden=[2, 3, 7])
    assert encoder(np.ones((2, 8, 8, 1), "float32")).shape == (2, 6) and decoder.output_shape == (None, 8, 8, 2)
    assert encoder.get_layer("features").units == 7
    assert [layer.units for layer in decoder.layers if isinstance(layer, keras.layers.Dense)] == [7, 128]
    with pytest.raises(InvalidInput, match="network 'lenet' takes no condition c; choose 'dense' or 'conv'"):
        pair("lenet", hidden=[2, 3, 7], condition_size=10)


@pytest.mark.parametrize("network", ["dense", "conv", "resnet", "dcgan", "lenet", "masks"])
def test_parameters_of_heads_are_computed_in_float32_under_any_precision(network):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        if network == "masks":
            networks = mask_encoder((8, 8, 1), 3, (2, 2, 2)), mask_decoder((8, 8, 1), 3, (2, 2, 2))
        else:
            networks = (classifier_of("lenet", (8, 8, 1), 10),) if network == "lenet" else pair(network, hidden=[3, 2])
    finally:
        keras.config.set_dtype_policy("float32")
    for net in networks:
        x = np.random.default_rng(0).normal(size=(2, *net.input_shape[1:]))
        out = net(x)
        assert out.dtype == tf.float32 and np.abs(out - tf.cast(tf.cast(out, tf.bfloat16), tf.float32)).max() > 0
        assert any(layer.compute_dtype == "bfloat16" for layer in net.layers)


@pytest.mark.parametrize("network", WIDTHS)
def test_an_encoder_takes_each_row_once_however_many_conditions_it_meets(network):
    encoder, _ = pair(network, condition_size=10)
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype("float32")
    c = np.repeat(np.eye(10, dtype="float32"), 3, 0)
    wanted = encoder([np.tile(x, [10, 1, 1, 1]), c])
    np.testing.assert_allclose(encoder([x, c]), wanted, atol=1e-6)
    assert np.abs(np.asarray(wanted)[:3] - np.asarray(wanted)[3:6]).max() > 1e-3


def test_a_conditioned_layer_is_a_dense_layer_of_the_concatenation():
    h, c = np.random.default_rng(0).normal(size=(2, 6, 4)).astype("float32")
    layer, plain = Conditioned(5, "tanh"), keras.layers.Dense(5, "tanh")
    found = layer([h, c])
    plain.build((None, 8))
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(found, plain(np.concatenate([h, c], 1)), atol=1e-6)


@pytest.mark.parametrize(("network", "hidden"), [("dense", [8]), ("conv", [4, 8]), ("lenet", [4, 8, 16])])
def test_a_classifier_is_linear_in_its_last_features(network, hidden):
    classifier = classifier_of(network, (8, 8, 1), 3, hidden)
    last = classifier.layers[-1]
    assert classifier.output_shape == (None, 3) and isinstance(last, keras.layers.Dense)
    assert last.activation is keras.activations.linear


@pytest.mark.parametrize("hidden", [[], [16], [4, 8, 16, 16]])
def test_a_lenet_of_other_than_two_channels_and_a_width_is_refused(hidden):
    with pytest.raises(InvalidInput, match="of a 'lenet' must name two numbers of channels and a width"):
        classifier_of("lenet", (8, 8, 1), 3, hidden)


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_the_decoder_mirrors_the_encoder_and_both_are_linear_at_their_end(network):
    kind = {"dense": keras.layers.Dense, "conv": (keras.layers.Conv2D, keras.layers.Conv2DTranspose)}[network]
    encoder, decoder = pair(network)
    widths = [
        [getattr(layer, "units", None) or layer.filters for layer in net.layers if isinstance(layer, kind)]
        for net in (encoder, decoder)
    ]
    assert widths == {"dense": [[9, 5, 6], [5, 9, 128]], "conv": [[3, 2], [3, 2]]}[network]
    for net in (encoder, decoder):
        assert net.get_layer("params").activation is keras.activations.linear
    assert encoder.name == "encoder" and decoder.name == "decoder"


@pytest.mark.parametrize(("network", "default"), [("dense", "tanh"), ("conv", "relu")])
def test_every_hidden_layer_has_the_activation(network, default):
    for given, wanted in (({}, default), ({"activation": "softplus"}, "softplus")):
        for net in pair(network, **given):
            found = {layer.activation.__name__ for layer in net.layers if layer.weights and layer.name != "params"}
            assert found == {wanted}


def test_without_hidden_layers_a_dense_network_is_one_matrix():
    default = encoder_and_decoder("dense", (2, 3, 1), 4, (4,), (2, 3, 1), hidden=[])
    for network in (dense((2, 3, 1), (4,), ()), *default):
        kernel, bias = network.get_weights()
        x = np.random.default_rng(0).normal(size=(5, *network.input_shape[1:])).astype("float32")
        out = np.asarray(network(x)).reshape(5, -1)
        np.testing.assert_allclose(out, x.reshape(5, -1) @ kernel + bias, atol=1e-5)


@pytest.mark.parametrize("shape", [(6,), (2, 3), (3, 5, 2)])
def test_a_dense_network_takes_events_of_any_shape(shape):
    network = dense(shape, (2, 7), (4,))
    assert np.asarray(network(np.zeros((3, *shape), "float32"))).shape == (3, 2, 7)


@pytest.mark.parametrize("image", [(1, 28, 1), (2, 1, 1), (0, 4, 1), (28, 28), (784,)])
@pytest.mark.parametrize(
    "build",
    [
        lambda image: conv_encoder(image, (6,)),
        lambda image: conv_decoder((3,), image),
        lambda image: encoder_and_decoder("conv", image, 3, (6,), image),
    ],
)
def test_a_convolution_refuses_what_cannot_be_halved(build, image):
    with pytest.raises(InvalidInput) as error:
        build(image)
    message = str(error.value)
    assert "network='dense'" in message and "\n" not in message
    assert (f"image_shape {image} does not suit" if len(image) < 3 or 0 in image else "halved 0 times") in message


@pytest.mark.parametrize("network", WIDTHS)
@pytest.mark.parametrize("hidden", [200, 2.5, "200", [0, 5], [-1, 5], [2.5, 5], [True, 5], ["a", "b"], {"a": 1}])
def test_hidden_must_be_a_list_of_positive_whole_numbers(network, hidden):
    with pytest.raises(InvalidInput) as error:
        pair(network, hidden=hidden)
    assert str(error.value) == f"hidden {hidden!r} must be a list of positive whole numbers, such as (200, 200)"


@pytest.mark.parametrize("hidden", [[], [8, 8, 8, 8]])
def test_a_convolution_halves_as_often_as_the_image_allows(hidden):
    with pytest.raises(InvalidInput, match="images of 8x8, whose sides can be halved 3 times; give 1 to 3, or choose"):
        encoder_and_decoder("conv", (8, 8, 1), 3, (6,), (8, 8, 2), hidden)


def test_depth_follows_the_size_of_an_image():
    found = {side: encoder_and_decoder("conv", (side, side, 3), 16, (32,), (side, side, 6)) for side in (28, 64, 128)}
    halvings = {side: [type(one) for one in pair[0].layers].count(keras.layers.Conv2D) for side, pair in found.items()}
    assert halvings == {28: 2, 64: 4, 128: 5}
    sizes = {side: sum(net.count_params() for net in pair) for side, pair in found.items()}
    assert sizes[128] < 2 * sizes[64] < 8e6  # two halvings of 64x64 took 8.5 million


@pytest.mark.parametrize("normalization", ["group", "batch", "spectral", "none"])
def test_residual_blocks_add_to_what_they_are_given(normalization):
    inputs = keras.Input((9, 6, 4))
    model = keras.Model(inputs, residual_blocks(inputs, 2, "silu", normalization, "residual"))
    x = np.random.default_rng(0).normal(size=(3, 9, 6, 4)).astype("float32")
    assert not np.allclose(model(x), x, atol=0.01)
    for layer in model.layers:
        if layer.weights and "norm" not in layer.name:
            layer.set_weights([np.zeros_like(w) if normalization != "spectral" else w for w in layer.get_weights()])
    assert np.allclose(model(x), x, atol=1e-6) == (normalization != "spectral")


@pytest.mark.parametrize("normalization", ["group", "batch", "spectral", "none"])
def test_networks_with_residual_blocks_are_rebuilt_from_their_config(normalization):
    encoder = conv_encoder((9, 6, 1), (4,), (6, 3), blocks=2, normalization=normalization)
    x = np.random.default_rng(0).normal(size=(3, 9, 6, 1)).astype("float32")
    copy = keras.Model.from_config(encoder.get_config())
    copy.set_weights(encoder.get_weights())
    np.testing.assert_array_equal(encoder(x), copy(x))


def test_no_residual_network_dies_of_large_gradients():
    """Ten steps, each as large as Adam's first, along the gradient of a sum over pixels: features still follow x."""
    encoder, decoder = encoder_and_decoder("resnet", (16, 16, 3), 4, (8,), (16, 16, 3), (8, 16))
    optimizer = keras.optimizers.Adam(1e-2)
    x = np.random.default_rng(0).uniform(size=(32, 16, 16, 3)).astype("float32")
    for _ in range(10):
        with tf.GradientTape() as tape:
            loss = 1e4 * tf.reduce_sum(decoder(encoder(x)[:, :4]) ** 2)
        weights = encoder.trainable_variables + decoder.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
    for network, given in ((encoder, x), (decoder, np.random.default_rng(0).normal(size=(32, 4)))):
        hidden = keras.Model(network.input, network.get_layer("hidden").output)(given)
        assert np.mean(np.std(hidden, 0) > 1e-6) > 0.9


def test_an_unknown_normalisation_of_residual_blocks_is_refused():
    with pytest.raises(InvalidInput, match="unknown normalization 'layer'"):
        conv_encoder((8, 8, 1), (4,), blocks=1, normalization="layer")


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(InvalidInput, match="unknown network 'dens'; did you mean 'dense'"):
        pair("dens")
    with pytest.raises(InvalidInput, match="unknown activation 'than'; did you mean 'tanh'"):
        pair("dense", activation="than")


# Adversaries.

HALVINGS = {(8, 8, 1): 2, (28, 28, 1): 2, (32, 32, 3): 3, (64, 64, 3): 4}


@pytest.mark.parametrize("condition_size", [0, 10])
@pytest.mark.parametrize("event", [*HALVINGS, (2,)])
def test_generator_and_discriminator_fit_each_other_and_stay_in_range(event, condition_size):
    rng = np.random.default_rng(0)
    channels = [2] * HALVINGS[event] if event in HALVINGS else [8, 4]
    generator, discriminator = generator_and_discriminator(None, event, 3, channels, condition_size=condition_size)
    c = [np.eye(10, dtype="float32")[[3, 7]]] if condition_size else []
    z = np.repeat(rng.normal(size=(1, 3)), 2, 0).astype("float32")
    x = np.asarray(generator([z, *c] if c else z))
    assert x.shape == (2, *event) and generator.output_shape == (None, *event)
    assert np.allclose(x[0], x[1], rtol=1e-5, atol=0) != bool(c)  # the rows differ in c alone
    x = np.repeat(rng.random((1, *event)), 2, 0).astype("float32")
    logit = np.asarray(discriminator([x, *c] if c else x))
    assert logit.shape == (2, 1) and np.allclose(logit[0], logit[1], rtol=1e-5, atol=0) != bool(c)
    if len(event) == 3:
        assert generator.layers[-1].activation is keras.activations.sigmoid
        kinds = keras.layers.Conv2D, keras.layers.Conv2DTranspose
        halved, doubled = (sum(type(one) is kind for one in net.layers) for kind, net in zip(
            kinds, (discriminator, generator), strict=True
        ))
        assert halved == doubled == HALVINGS[event]


@pytest.mark.parametrize("build", [
    lambda: dcgan_generator((3,), (8, 8, 1), [4, 8], condition_size=10),
    lambda: dcgan_discriminator((8, 8, 1), [4, 8], condition_size=10),
    lambda: dcgan_generator((3,), (8, 8, 1), [4, 8], condition_size=10, units=0),
    lambda: dcgan_discriminator((8, 8, 1), [4, 8], condition_size=10, units=0),
    lambda: dense_generator((3,), (2,), [8, 8], condition_size=10),
    lambda: dense_discriminator((2,), [8, 8], condition_size=10),
])
def test_the_condition_joins_at_every_layer_that_has_a_kernel(build):
    network = build()
    joins = [one for one in network.layers if isinstance(one, keras.layers.Concatenate)]
    kernels = [one for one in network.layers if hasattr(one, "kernel")]
    assert len(joins) == len(kernels) >= 3
    for kernel in kernels:
        source = kernel.input._keras_history.operation
        assert isinstance(source, keras.layers.Concatenate), f"{kernel.name} does not see c"


def test_a_dcgan_normalises_everywhere_but_at_the_image_and_at_the_logit():
    generator, discriminator = generator_and_discriminator("conv", (28, 28, 1), 5, [4, 8])
    for network, layers in ((generator, ["hidden", "project", "deconv_1"]), (discriminator, ["conv_2", "hidden"])):
        norms = [one for one in network.layers if isinstance(one, keras.layers.BatchNormalization)]
        assert len(norms) == len(layers)
        for norm, name in zip(norms, layers, strict=True):
            channels = network.get_layer(name).output.shape[-1]
            assert norm.gamma.shape[0] in (channels, 8, 64) and not network.get_layer(name).use_bias
    assert discriminator.get_layer("conv_1").use_bias and discriminator.get_layer("logit").use_bias


def test_a_dcgan_starts_from_small_weights_that_differ_from_layer_to_layer():
    keras.utils.set_random_seed(0)
    network = dcgan_discriminator((32, 32, 1), [16, 16, 16])
    kernels = [network.get_layer(f"conv_{i}").get_weights()[0] for i in (2, 3)]
    for kernel in kernels:
        np.testing.assert_allclose([kernel.mean(), kernel.std()], [0.0, 0.02], atol=2e-3)
    assert np.abs(kernels[0] - kernels[1]).max() > 0.01


@pytest.mark.parametrize("network", ["conv", "dense"])
def test_normalisation_of_the_discriminator_is_a_choice(network):
    def kinds(normalization):
        _, discriminator = generator_and_discriminator(network, (8, 8, 1), 3, [4, 4], normalization)
        wanted = keras.layers.BatchNormalization, keras.layers.SpectralNormalization
        return tuple(sum(isinstance(one, kind) for one in discriminator.layers) for kind in wanted)

    layers = 4 if network == "conv" else 3  # with a kernel
    assert kinds("batch") == (layers - 2, 0) and kinds("spectral") == (0, layers) and kinds("none") == (0, 0)
    assert kinds(None) == ((layers - 2, 0) if network == "conv" else (0, 0))
    with pytest.raises(InvalidInput, match="unknown normalization 'bath'; did you mean 'batch'"):
        kinds("bath")


def test_small_images_have_a_fully_connected_layer_and_large_ones_have_none():
    widths = {}
    for image in ((28, 28, 1), (32, 32, 3)):
        both = generator_and_discriminator(None, image, 3)
        widths[image] = [[one.units for one in net.layers if one.name == "hidden"] for net in both]
    assert widths == {(28, 28, 1): [[1024], [1024]], (32, 32, 3): [[], []]}
    for units in (0, 6):
        for network in generator_and_discriminator("conv", (8, 8, 1), 3, [4, 4], units=units):
            assert [one.units for one in network.layers if one.name == "hidden"] == ([units] if units else [])
    _, discriminator = generator_and_discriminator("conv", (8, 8, 1), 3, [4, 4], units=6)
    assert discriminator.get_layer("features").output.shape == (None, 6)
    for network, units in (("conv", -1), ("conv", 2.5), ("dense", 6)):
        with pytest.raises(InvalidInput, match=f"units {units} must be None, or a whole number"):
            generator_and_discriminator(network, (8, 8, 1), 3, [4, 4], units=units)


@pytest.mark.parametrize(("image", "channels"), [
    ((30, 28, 1), None), ((28, 28), [4, 4]), ((2,), None), ((8, 8, 1), [4] * 4), ((8, 8, 1), []),
])
def test_a_dcgan_refuses_what_it_cannot_halve(image, channels):
    for build in (lambda: dcgan_generator((3,), image, channels), lambda: dcgan_discriminator(image, channels)):
        with pytest.raises(InvalidInput) as error:
            build()
        assert str(image) in str(error.value) and "network='dense'" in str(error.value)


def test_adversaries_of_an_unknown_network_are_refused():
    with pytest.raises(InvalidInput, match="unknown network 'convo'; did you mean 'conv'"):
        generator_and_discriminator("convo", (8, 8, 1), 3)
    with pytest.raises(InvalidInput, match="hidden 8 must be a list of positive whole numbers"):
        generator_and_discriminator("conv", (8, 8, 1), 3, 8)
