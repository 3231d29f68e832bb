"""Convolutional networks between an image and its latents (mask, w): the mask row by row, then a vector of bits."""

import keras

from dgm_zoo.errors import InvalidInput


def mask_encoder(image_shape, noise_bits, filters=(16, 32, 64), name="encoder"):
    """x to the logits of a mask and of w: `[batch, H, W, C]` to `[batch, H * W + noise_bits]`.

    A U-net for the mask: two halvings and back, with the layers of the same size joined. w is read by a perceptron from
    the mean colours of blocks of 4 x 4 pixels: a model's pixels are independent given z and a photograph's are not, so
    that what is finer would tell dreams from data, and the codes of the one would not be those of the other.

    Args:
      image_shape: (H, W, C), H and W multiples of 4.
      noise_bits: number of bits of w.
      filters: channels at full, half and a quarter of the image's size.

    Raises:
      InvalidInput: the image's sides are no multiples of 4, or filters of another number.

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
    mask = keras.layers.Conv2D(1, 1, name="mask")(_conv(large, name="join")(h))
    coarse = keras.layers.Flatten()(keras.layers.AveragePooling2D(4, name="coarse")(centred))
    noise = keras.layers.Dense(noise_bits, name="noise")(keras.layers.Dense(4 * small, "relu", name="colours")(coarse))
    return keras.Model(x, keras.layers.Concatenate()([keras.layers.Flatten()(mask), noise]), name=name)


def mask_decoder(params_shape, noise_bits, filters=(16, 32, 64), name="decoder"):
    """A mask and w to the parameters of an image: `[batch, H * W + noise_bits]` to `[batch, *params_shape]`.

    w becomes a map of a quarter of the image's size, and at full size the mask joins it, so that edges are the mask's
    and what is coarser is w's.

    Args:
      params_shape: (H, W, parameters of a pixel), H and W multiples of 4.
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
    return keras.Model(z, keras.layers.Conv2D(channels, 1, name="params")(h), name=name)


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
    """Values from 0 to 1 as those from -1 to 1."""
    return keras.layers.Rescaling(2.0, -1.0, name="centred")(values)


def _conv(channels, strides=1, name=None):
    return keras.layers.Conv2D(channels, 3, strides, "same", activation="relu", name=name)


def _up(channels, name):
    return keras.layers.Conv2DTranspose(channels, 4, 2, "same", activation="relu", name=name)
