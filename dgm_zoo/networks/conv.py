"""Convolutional encoders and decoders for images of any size: halvings, with residual blocks between them or none.

References: He et al., Identity Mappings in Deep Residual Networks, 2016. Wu and He, Group Normalization, 2018. Miyato
  et al., Spectral Normalization for Generative Adversarial Networks, 2018.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras

from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.networks.dense import Conditioned, conditioned_input

NORMALIZATIONS = ("group", "batch", "spectral", "none")
SMALLEST = 7  # by default images are halved until their sides are at most this long
WIDEST = 256  # channels, at most, by default
GROUPS = 8  # groups of channels, at most, that are normalised together


def channels_of(image_shape: Sequence[int], filters: Sequence[int] | None = None) -> tuple[int, ...]:
    """Returns an encoder's channels after each halving of an image's sides, which rounds up.

    Args:
      image_shape: (height, width, channels).
      filters: the channels; None for 32, 64, 128, ..., at most 256, with at least two halvings and until both sides are
        at most 7.

    Raises:
      InvalidInput: not an image, no filters, or more halvings than the shorter side allows.

    Example:
      >>> [channels_of((side, side, 3)) for side in (28, 32, 64)]
      [(32, 64), (32, 64, 128), (32, 64, 128, 256)]
    """
    if len(image_shape) != 3 or any(side < 1 for side in image_shape):
        raise InvalidInput(
            f"image_shape {tuple(image_shape)} does not suit a convolutional network; give (height, width, channels), "
            "or choose network='dense'"
        )
    if filters is None:
        halvings = max(2, math.ceil(math.log2(max(image_shape[:2]) / SMALLEST)))
        filters = [min(32 * 2**i, WIDEST) for i in range(halvings)]
    most = math.ceil(math.log2(min(image_shape[:2])))
    if not 1 <= len(filters) <= most:
        raise InvalidInput(
            f"{len(filters)} numbers of channels, {tuple(filters)}, do not suit images of {image_shape[0]}x"
            f"{image_shape[1]}, whose sides can be halved {most} times; give 1 to {most}, or choose network='dense'"
        )
    return tuple(filters)


def conv_encoder(
    image_shape: tuple[int, int, int],
    output_shape: Sequence[int],
    filters: Sequence[int] | None = None,
    hidden: int = 256,
    activation: Any = "relu",
    condition_size: int = 0,
    name: str = "encoder",
    *,
    blocks: int = 0,
    normalization: str = "none",
) -> keras.Model:
    """Stride-2 convolutions and one dense layer: `[batch, H, W, C]` to `[batch, *output_shape]`.

    Args:
      image_shape: (H, W, C).
      output_shape: shape of the emitted parameters, a vector.
      filters: channels after each halving; see `channels_of`.
      hidden: width of the dense layer.
      activation: a Keras activation.
      condition_size: if positive, the network takes `[x, c]` and c enters at the dense layer; see `Conditioned`.
      blocks: number of residual blocks, of two 3x3 convolutions each, after each halving; the last block's sum is
        normalised and activated, too.
      normalization: of residual blocks: "group" or "batch" before each activation, "spectral" on every kernel, or
        "none".

    Raises:
      InvalidInput: the image cannot be halved that often, or an unknown normalisation.
    """
    filters = channels_of(image_shape, filters)
    inputs, (h, *c) = conditioned_input(image_shape, condition_size, "x")
    for i, channels in enumerate(filters, 1):
        h = keras.layers.Conv2D(channels, 4, 2, "same", activation=activation, name=f"conv_{i}")(h)
        h = residual_blocks(h, blocks, activation, normalization, f"residual_{i}")
    h = _activated(h, activation, normalization, "last") if blocks else h
    h = keras.layers.Flatten()(h)
    layer = {"units": hidden, "activation": activation, "name": "hidden"}
    h = Conditioned(**layer)([h, *c]) if c else keras.layers.Dense(**layer)(h)
    h = keras.layers.Dense(output_shape[0], name="params", dtype="float32")(h)
    return keras.Model(inputs, h, name=name)


def conv_decoder(
    latent_shape: Sequence[int],
    output_shape: tuple[int, int, int],
    filters: Sequence[int] | None = None,
    hidden: int = 256,
    activation: Any = "relu",
    condition_size: int = 0,
    name: str = "decoder",
    *,
    blocks: int = 0,
    normalization: str = "none",
) -> keras.Model:
    """The mirror image of `conv_encoder`: `[batch, latent]` to parameters `[batch, H, W, params]`; linear output.

    Args:
      latent_shape: `(latent_dim,)`.
      output_shape: (H, W, parameters per pixel).
      filters: channels before each doubling, the reverse of the encoder's; None for the reverse of its default.
      hidden: width of the dense layer.
      activation: a Keras activation.
      condition_size: if positive, the network takes `[z, c]` and c is concatenated with z.
      name: name of the Keras model.
      blocks, normalization: see `conv_encoder`; the blocks come before each doubling.

    Raises:
      InvalidInput: the image cannot be halved that often, or an unknown normalisation.
    """
    filters = channels_of(output_shape, None if filters is None else filters[::-1])[::-1]
    sides = [output_shape[:2]]
    for _ in filters:
        sides.append(tuple(-(-side // 2) for side in sides[-1]))
    *sides, (height, width) = sides
    inputs, (z, *c) = conditioned_input(latent_shape, condition_size, "z")
    h = keras.layers.Concatenate()([z, *c]) if c else z
    h = keras.layers.Dense(hidden, activation, name="hidden")(h)
    h = keras.layers.Dense(height * width * filters[0], activation, name="project")(h)
    h = keras.layers.Reshape((height, width, filters[0]))(h)
    for i, channels in enumerate(filters[1:], 1):
        h = residual_blocks(h, blocks, activation, normalization, f"residual_{i}")
        h = keras.layers.Conv2DTranspose(channels, 4, 2, "same", activation=activation, name=f"deconv_{i}")(h)
        h = _cropped(h, sides[-i])
    h = residual_blocks(h, blocks, activation, normalization, f"residual_{len(filters)}")
    h = _activated(h, activation, normalization, "last") if blocks else h
    h = keras.layers.Conv2DTranspose(output_shape[2], 4, 2, "same", name="params", dtype="float32")(h)
    return keras.Model(inputs, _cropped(h, sides[0], "float32"), name=name)


def residual_blocks(h: Any, blocks: int, activation: Any, normalization: str, name: str) -> Any:
    """Applies residual blocks to a Keras tensor `[batch, H, W, C]`, whose shape they keep.

    A block is h + conv(a(n(conv(a(n(h)))))) with 3x3 convolutions, activation a and normalisation n.

    Args:
      h: the tensor.
      blocks: number of blocks.
      activation: a Keras activation.
      normalization: see `conv_encoder`.
      name: prefix of the layers' names.

    Raises:
      InvalidInput: an unknown normalisation.
    """
    check_known("normalization", normalization, NORMALIZATIONS)
    channels = h.shape[-1]
    for block in range(1, blocks + 1):
        before = h
        for i in (1, 2):
            layer = f"{name}_{block}_{i}"
            h = _activated(h, activation, normalization, layer)
            conv = keras.layers.Conv2D(channels, 3, padding="same", name=layer)
            h = keras.layers.SpectralNormalization(conv, name=layer)(h) if normalization == "spectral" else conv(h)
        h = keras.layers.Add()([before, h])
    return h


def _activated(h, activation, normalization, name):
    """Returns the activation of h, normalised first."""
    if normalization == "group":
        h = keras.layers.GroupNormalization(math.gcd(h.shape[-1], GROUPS), name=f"{name}_norm")(h)
    elif normalization == "batch":
        h = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(h)
    return keras.layers.Activation(activation, name=f"{name}_activation")(h)


def _cropped(h, sides, dtype=None):
    """Returns the first rows and columns of h: those of a side that was odd before it was halved."""
    extra = [have - wanted for have, wanted in zip(h.shape[1:3], sides, strict=True)]
    return keras.layers.Cropping2D([(0, n) for n in extra], dtype=dtype)(h) if any(extra) else h
