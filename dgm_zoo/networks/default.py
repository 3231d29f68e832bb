"""The networks that `dgm_zoo.create` builds by default."""

import inspect
from collections.abc import Sequence
from typing import Any

import keras

from dgm_zoo.checks import shown
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.networks.conv import channels_of, conv_decoder, conv_encoder
from dgm_zoo.networks.dcgan import dcgan_discriminator, dcgan_generator, dense_discriminator, dense_generator
from dgm_zoo.networks.dense import check_widths, dense
from dgm_zoo.networks.lenet import lenet

ACTIVATED = {"resnet": "silu"}  # units of relu may all die in the first steps, at the gradients of thousands of pixels
ACTIVATIONS = {name for name in dir(keras.activations) if name[0] != "_"} - {"get", "serialize", "deserialize"}


def encoder_and_decoder(
    network: str,
    image_shape: Sequence[int],
    latent_dim: int,
    posterior_shape: Sequence[int],
    likelihood_shape: Sequence[int],
    hidden: Sequence[int] | None = None,
    activation: Any = None,
    condition_size: int = 0,
) -> tuple[keras.Model, keras.Model]:
    """Returns `(encoder, decoder)`, mirror images of each other, except that the decoder of "dcgan" is the generator of
    a DCGAN, and that of "lenet" a fully connected network with one hidden layer.

    Args:
      network: "dense", "conv", "resnet", which is "conv" with a residual block and group normalisation at each size, or
        "dcgan", whose encoder is that of "conv"; or "lenet", which takes no condition.
      image_shape: event shape of x.
      latent_dim: size of z.
      posterior_shape: shape of the encoder's output, `posterior.params_shape`.
      likelihood_shape: shape of the decoder's output, `likelihood.params_shape`.
      hidden: widths of the encoder's hidden layers ("dense", default (200, 200); empty for a linear network) or its
        channels after each halving of the image (the others, default 32, 64, ... by `channels_of`). For "lenet" the
        channels of its two convolutions and the width of its dense layer and of the decoder's, default (16, 32, 128).
      activation: a Keras activation, by default "tanh" for "dense", "silu" for "resnet" and "relu" for the others.
        "dcgan" uses it only in the encoder, "lenet" only in the decoder.
      condition_size: size of the condition vector c, 0 for none.

    Raises:
      InvalidInput: an unknown network or activation, an invalid `hidden`, a condition for a LeNet, or an image whose
        sides do not suit the convolutions.
    """
    if hidden is not None:
        check_widths(hidden)
    check_known("network", network, ["dense", "conv", "resnet", "dcgan", "lenet"])
    _check_activation(activation)
    if network == "lenet":
        if condition_size:
            raise InvalidInput("network 'lenet' takes no condition c; choose 'dense' or 'conv'")
        encoder, width = _lenet_encoder(image_shape, posterior_shape[0], hidden, "encoder")
        return encoder, dense((latent_dim,), likelihood_shape, (width,), activation or "relu", name="decoder")
    if network == "dense":
        hidden, activation = tuple((200, 200) if hidden is None else hidden), activation or "tanh"
        make = lambda *shapes, widths, name: dense(*shapes, widths, activation, condition_size, name)  # noqa: E731
    else:
        hidden, activation = channels_of(image_shape, hidden), activation or ACTIVATED.get(network, "relu")
        residual = {"blocks": 1, "normalization": "group"} if network == "resnet" else {}

        def make(*shapes, widths, name):
            if network == "dcgan" and name == "decoder":
                return dcgan_generator(*shapes, widths[::-1], condition_size, 256, None, name)
            builder = conv_encoder if name == "encoder" else conv_decoder
            given = {"activation": activation, "condition_size": condition_size, "name": name, **residual}
            return builder(*shapes, widths, **given)
    encoder = make(tuple(image_shape), posterior_shape, widths=hidden, name="encoder")
    decoder = make((latent_dim,), likelihood_shape, widths=hidden[::-1], name="decoder")
    return encoder, decoder


def classifier_of(
    network: str,
    image_shape: Sequence[int],
    num_classes: int,
    hidden: Sequence[int] | None = None,
    activation: Any = None,
) -> keras.Model:
    """Returns a classifier from x to logits `[batch, num_classes]`, linear in the features of its last hidden layer.

    Args:
      network: "dense", "conv", "resnet" or "dcgan" for the architecture of that encoder, or "lenet".
      hidden: as in `encoder_and_decoder`; for "lenet" the channels of its two convolutions and the width of its
        dense layer, default (16, 32, 128).
      activation: as in `encoder_and_decoder`; a LeNet always uses ReLU.

    Raises:
      InvalidInput: as `encoder_and_decoder` and `lenet`.
    """
    if not isinstance(network, str) or network != "lenet":
        return encoder_and_decoder(network, image_shape, 1, (num_classes,), image_shape, hidden, activation)[0]
    if hidden is not None:
        check_widths(hidden)
    return _lenet_encoder(image_shape, num_classes, hidden, "classifier")[0]


def _lenet_encoder(image_shape, outputs, hidden, name):
    """A LeNet with a linear layer of so many outputs, and the width of its features."""
    hidden = (16, 32, 128) if hidden is None else hidden
    if len(hidden) != 3:
        raise InvalidInput(f"hidden {hidden!r} of a 'lenet' must name two numbers of channels and a width")
    *filters, width = hidden
    trunk = lenet(image_shape, filters, width, name="features_of_x")
    params = keras.layers.Dense(outputs, name="params", dtype="float32")(trunk.output)
    return keras.Model(trunk.input, params, name=name), width


def generator_and_discriminator(
    network: str | None,
    event_shape: Sequence[int],
    latent_dim: int,
    hidden: Sequence[int] | None = None,
    normalization: str | None = None,
    condition_size: int = 0,
    units: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Returns `(generator, discriminator)` of adversarial models.

    Args:
      network: "conv" (DCGAN) or "dense"; None for "conv" if x is an image and "dense" if it is a vector.
      event_shape: shape of x.
      latent_dim: size of z.
      hidden: channels of the discriminator ("conv", default 64, 128, ... depending on the image's size) or the
        widths of both ("dense", default (128, 128)). A DCGAN generator has the discriminator's channels in reverse.
      normalization: of the discriminator: "batch", "spectral" or "none"; None for "batch" ("conv") or "none" ("dense").
      condition_size: size of the condition vector c, which enters at every layer; 0 for none.
      units: width of the fully connected layer of a DCGAN's two networks; see `dcgan_generator`.

    Raises:
      InvalidInput: an unknown network or normalisation, an invalid `hidden` or `units`, or an image whose sides do not
        suit the convolutions.
    """
    if hidden is not None:
        check_widths(hidden)
    network = ("conv" if len(event_shape) == 3 else "dense") if network is None else network
    check_known("network", network, ["dense", "conv"])
    latent, event_shape = (latent_dim,), tuple(event_shape)
    given = {"condition_size": condition_size}
    _check_units(units, network == "conv")
    if network == "conv":
        generator = dcgan_generator(latent, event_shape, hidden, units=units, **given)
        return generator, dcgan_discriminator(event_shape, hidden, normalization or "batch", units=units, **given)
    hidden = (128, 128) if hidden is None else hidden
    generator = dense_generator(latent, event_shape, hidden, **given)
    return generator, dense_discriminator(event_shape, hidden, normalization or "none", **given)


def _check_units(units, suits):
    """Raises `InvalidInput` unless `units` is None, or a whole number and the network has such a layer."""
    if units is not None and not (suits and type(units) is int and units >= 0):
        raise InvalidInput(f"units {units!r} must be None, or a whole number for the networks of a DCGAN")


def _check_activation(activation):
    """Raises `InvalidInput` unless `activation` is None, the name of one of Keras', or a function of x."""
    if isinstance(activation, str):
        check_known("activation", activation, ACTIVATIONS)
        return
    try:
        if activation is not None:
            inspect.signature(activation).bind("x")
    except (TypeError, ValueError):
        sentence = f"activation is {shown(activation)}; give the name of one of Keras', such as 'relu'"
        raise InvalidInput(sentence) from None
