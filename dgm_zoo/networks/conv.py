"""Convolutional encoders and decoders for images whose height and width are multiples of 4."""

import keras

from dgm_zoo.errors import InvalidInput
from dgm_zoo.networks.dense import Conditioned, conditioned_input


def check_image_shape(image_shape):
    """Raises `InvalidInput` unless `image_shape` is (height, width, channels) with both sides multiples of 4."""
    if len(image_shape) != 3 or any(side % 4 or side < 4 for side in image_shape[:2]):
        raise InvalidInput(
            f"image_shape {tuple(image_shape)} does not suit a convolutional network; give (height, width, channels) "
            "with height and width multiples of 4, or choose network='dense'"
        )


def conv_encoder(image_shape, output_shape, filters=(32, 64), hidden=256, activation="relu", condition_size=0,
                 name="encoder"):
    """Two stride-2 convolutions and one dense layer: `[batch, H, W, C]` to `[batch, *output_shape]`.

    Args:
      image_shape: (H, W, C), H and W multiples of 4.
      output_shape: shape of the emitted parameters, a vector.
      filters: channels after the first and the second halving.
      hidden: width of the dense layer.
      activation: a Keras activation.
      condition_size: if positive, the network takes `[x, c]`; c joins at the dense layer, as `Conditioned` takes it.

    Raises:
      InvalidInput: the image's sides are no multiples of 4.
    """
    check_image_shape(image_shape)
    inputs, (x, *c) = conditioned_input(image_shape, condition_size, "x")
    h = x
    for i, channels in enumerate(filters, 1):
        h = keras.layers.Conv2D(channels, 4, 2, "same", activation=activation, name=f"conv_{i}")(h)
    h = keras.layers.Flatten()(h)
    layer = {"units": hidden, "activation": activation, "name": "hidden"}
    h = Conditioned(**layer)([h, *c]) if c else keras.layers.Dense(**layer)(h)
    h = keras.layers.Dense(output_shape[0], name="params")(h)
    return keras.Model(inputs, h, name=name)


def conv_decoder(latent_shape, output_shape, filters=(64, 32), hidden=256, activation="relu", condition_size=0,
                 name="decoder"):
    """The mirror of `conv_encoder`: `[batch, latent]` to parameters `[batch, H, W, params]`, linear at its end."""
    check_image_shape(output_shape)
    height, width, channels_out = output_shape
    inputs, (z, *c) = conditioned_input(latent_shape, condition_size, "z")
    h = keras.layers.Concatenate()([z, *c]) if c else z
    h = keras.layers.Dense(hidden, activation, name="hidden")(h)
    h = keras.layers.Dense(height // 4 * (width // 4) * filters[0], activation, name="project")(h)
    h = keras.layers.Reshape((height // 4, width // 4, filters[0]))(h)
    h = keras.layers.Conv2DTranspose(filters[1], 4, 2, "same", activation=activation, name="deconv_1")(h)
    h = keras.layers.Conv2DTranspose(channels_out, 4, 2, "same", name="params")(h)
    return keras.Model(inputs, h, name=name)
