"""Convolutional encoders and decoders for images whose height and width are multiples of 4."""

from collections.abc import Sequence
from typing import Any

import keras

from dgm_zoo.errors import InvalidInput
from dgm_zoo.networks.dense import Conditioned, conditioned_input


def check_image_shape(image_shape: Sequence[int]) -> None:
    """Raises `InvalidInput` unless `image_shape` is (height, width, channels) with both sides multiples of 4."""
    if len(image_shape) != 3 or any(side % 4 or side < 4 for side in image_shape[:2]):
        raise InvalidInput(
            f"image_shape {tuple(image_shape)} does not suit a convolutional network; give (height, width, channels) "
            "with height and width multiples of 4, or choose network='dense'"
        )


def conv_encoder(
    image_shape: tuple[int, int, int],
    output_shape: Sequence[int],
    filters: Sequence[int] = (32, 64),
    hidden: int = 256,
    activation: Any = "relu",
    condition_size: int = 0,
    name: str = "encoder",
) -> keras.Model:
    """Two stride-2 convolutions and one dense layer: `[batch, H, W, C]` to `[batch, *output_shape]`.

    Args:
      image_shape: (H, W, C), H and W multiples of 4.
      output_shape: shape of the emitted parameters, a vector.
      filters: channels after the first and after the second halving.
      hidden: width of the dense layer.
      activation: a Keras activation.
      condition_size: if positive, the network takes `[x, c]` and c enters at the dense layer; see `Conditioned`.

    Raises:
      InvalidInput: the image's sides are not multiples of 4.
    """
    check_image_shape(image_shape)
    inputs, (x, *c) = conditioned_input(image_shape, condition_size, "x")
    h = x
    for i, channels in enumerate(filters, 1):
        h = keras.layers.Conv2D(channels, 4, 2, "same", activation=activation, name=f"conv_{i}")(h)
    h = keras.layers.Flatten()(h)
    layer = {"units": hidden, "activation": activation, "name": "hidden"}
    h = Conditioned(**layer)([h, *c]) if c else keras.layers.Dense(**layer)(h)
    h = keras.layers.Dense(output_shape[0], name="params", dtype="float32")(h)
    return keras.Model(inputs, h, name=name)


def conv_decoder(
    latent_shape: Sequence[int],
    output_shape: tuple[int, int, int],
    filters: Sequence[int] = (64, 32),
    hidden: int = 256,
    activation: Any = "relu",
    condition_size: int = 0,
    name: str = "decoder",
) -> keras.Model:
    """The mirror image of `conv_encoder`: `[batch, latent]` to parameters `[batch, H, W, params]`; linear output.

    Args:
      latent_shape: `(latent_dim,)`.
      output_shape: (H, W, parameters per pixel), H and W multiples of 4.
      filters: channels before the first and before the second doubling.
      hidden: width of the dense layer.
      activation: a Keras activation.
      condition_size: if positive, the network takes `[z, c]` and c is concatenated with z.
      name: name of the Keras model.

    Raises:
      InvalidInput: the image's sides are not multiples of 4.
    """
    check_image_shape(output_shape)
    height, width, channels_out = output_shape
    inputs, (z, *c) = conditioned_input(latent_shape, condition_size, "z")
    h = keras.layers.Concatenate()([z, *c]) if c else z
    h = keras.layers.Dense(hidden, activation, name="hidden")(h)
    h = keras.layers.Dense(height // 4 * (width // 4) * filters[0], activation, name="project")(h)
    h = keras.layers.Reshape((height // 4, width // 4, filters[0]))(h)
    h = keras.layers.Conv2DTranspose(filters[1], 4, 2, "same", activation=activation, name="deconv_1")(h)
    h = keras.layers.Conv2DTranspose(channels_out, 4, 2, "same", name="params", dtype="float32")(h)
    return keras.Model(inputs, h, name=name)
