"""Convolutional networks between an image and its latents (mask, w): the mask row by row, then a vector of bits."""

from collections.abc import Sequence

import keras

from dgm_zoo.errors import InvalidInput


def mask_encoder(
    image_shape: tuple[int, int, int], noise_bits: int, filters: Sequence[int] = (16, 32, 64), name: str = "encoder"
) -> keras.Model:
    """Maps x to the logits of a mask and of w: `[batch, H, W, C]` to `[batch, H * W + noise_bits]`.

    The mask comes from a U-net with two halvings and skip connections. w comes from a perceptron on the mean colours of
    blocks of 4 x 4 pixels. The blocks hide finer detail on purpose: pixels of generated images are independent given z,
    those of photographs are not, so fine detail would let the encoder treat generated images and data differently.

    Args:
      image_shape: (H, W, C), H and W multiples of 4.
      noise_bits: number of bits of w.
      filters: channels at full, half and a quarter of the image's size.

    Raises:
      InvalidInput: the image's sides are not multiples of 4, or `filters` are not three positive whole numbers.

    References: Ronneberger, Fischer and Brox, U-Net: convolutional networks for biomedical image segmentation, 2015.
    """
    large, middle, small = _checked(image_shape, filters)
    x = keras.Input(image_shape, name="x")
    centred = _centred(x)
    full = _conv(large, name="full")(centred)
    half = _conv(middle, 2, name="half")(full)
    quarter = _conv(small, name="quarter_2")(_conv(small, 2, name="quarter_1")(half))
    h = keras.layers.Concatenate()([_up(middle, name="up_half")(quarter), half])
    h = keras.layers.Concatenate()([_up(large, name="up_full")(h), full])
    exact = {"dtype": "float32"}  # of logits, under any precision
    mask = keras.layers.Conv2D(1, 1, name="mask", **exact)(_conv(large, name="join")(h))
    coarse = keras.layers.Flatten()(keras.layers.AveragePooling2D(4, name="coarse")(centred))
    colours = keras.layers.Dense(4 * small, "relu", name="colours")(coarse)
    noise = keras.layers.Dense(noise_bits, name="noise", **exact)(colours)
    logits = keras.layers.Concatenate(**exact)([keras.layers.Flatten(**exact)(mask), noise])
    return keras.Model(x, logits, name=name)


def mask_decoder(
    params_shape: tuple[int, int, int], noise_bits: int, filters: Sequence[int] = (16, 32, 64), name: str = "decoder"
) -> keras.Model:
    """Maps a mask and w to the parameters of an image: `[batch, H * W + noise_bits]` to `[batch, *params_shape]`.

    w becomes a map of a quarter of the image's size; the mask is concatenated at full size. So the mask determines the
    edges and w the coarser structure.

    Args:
      params_shape: (H, W, parameters per pixel), H and W multiples of 4.
      noise_bits: number of bits of w.
      filters: channels at full, half and a quarter of the image's size.

    Raises:
      InvalidInput: as `mask_encoder`.
    """
    large, middle, small = _checked(params_shape, filters)
    height, width, channels = params_shape
    z = keras.Input((height * width + noise_bits,), name="z")
    mask, noise = keras.ops.split(_centred(z), [height * width], -1)
    h = keras.layers.Dense(height // 4 * (width // 4) * small, "relu", name="project")(noise)
    h = keras.layers.Reshape((height // 4, width // 4, small))(h)
    h = _up(large, name="up_full")(_up(middle, name="up_half")(h))
    h = keras.layers.Concatenate()([h, keras.layers.Reshape((height, width, 1))(mask)])
    h = _conv(large, name="join_2")(_conv(large, name="join_1")(h))
    return keras.Model(z, keras.layers.Conv2D(channels, 1, name="params", dtype="float32")(h), name=name)


def _checked(shape, filters):
    """Returns the three numbers of channels."""
    if len(shape) != 3 or any(side % 4 or side < 4 for side in shape[:2]):
        raise InvalidInput(
            f"image_shape {tuple(shape)} cannot be halved twice; give (height, width, channels) with height and width "
            "multiples of 4"
        )
    several = isinstance(filters, (list, tuple)) and len(filters) == 3
    if not several or not all(type(n) is int and n > 0 for n in filters):
        raise InvalidInput(f"filters {filters!r} must be three positive whole numbers, such as (16, 32, 64)")
    return filters


def _centred(values):
    """Rescales values from [0, 1] to [-1, 1]."""
    return keras.layers.Rescaling(2.0, -1.0, name="centred")(values)


def _conv(channels, strides=1, name=None):
    return keras.layers.Conv2D(channels, 3, strides, "same", activation="relu", name=name)


def _up(channels, name):
    return keras.layers.Conv2DTranspose(channels, 4, 2, "same", activation="relu", name=name)
