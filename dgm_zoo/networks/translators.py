"""Translators: residual networks from an image to an image of the same size.

References: Johnson, Alahi and Fei-Fei, Perceptual Losses for Real-Time Style Transfer and Super-Resolution, 2016. Zhu,
  Park, Isola and Efros, Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, 2017, appendix
  7.2. Odena, Dumoulin and Olah, Deconvolution and Checkerboard Artifacts, 2016 (resizing before a convolution).
"""

import keras

from dgm_zoo.checks import layer_size, whole_number
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.networks.patch import check_groups, group_norm, small

UPSAMPLING = ("resize", "transposed")
ENDS = {"sigmoid": "[0, 1]", "tanh": "[-1, 1]", "linear": "all numbers"}
CUT = 0.02  # of the range, at either end of x in a residual translator
OUTER = 7  # kernel of the first and the last convolution


def resnet_translator(
    image_shape: tuple[int, int, int],
    channels: int | None = None,
    filters: int = 64,
    blocks: int = 6,
    halvings: int = 2,
    upsampling: str = "resize",
    groups: int = -1,
    activation: str = "sigmoid",
    residual: bool = False,
    name: str = "translator",
) -> keras.Model:
    """A residual network: `[batch, H, W, C]` to `[batch, H, W, channels]`.

    A 7x7 convolution, `halvings` convolutions of stride 2 that double the channels, `blocks` residual blocks of two 3x3
    convolutions, `halvings` upsampling layers, and a 7x7 convolution. The outer convolutions and the blocks use
    reflection padding. Normalisation and ReLU follow every convolution except the last one; there is no ReLU after the
    sum of a block. The published network for 128x128 pixels has the defaults with `upsampling="transposed"` and
    `activation="tanh"`.

    Args:
      image_shape: (H, W, C) of the input, H and W multiples of 2^halvings.
      channels: channels of the output; None for C.
      filters: channels of the first convolution.
      blocks: number of residual blocks, 0 or more.
      halvings: number of halvings of the sides, 0 or more.
      upsampling: "resize" repeats pixels and convolves, which avoids checkerboards; "transposed" is a transposed
        convolution of stride 2.
      groups: groups of the group normalisation; -1 for one channel each (instance normalisation).
      activation: activation of the last layer, which sets the range of the output: "sigmoid" for [0, 1], "tanh" for
        [-1, 1], "linear" for parameters of a likelihood.
      residual: whether the network computes a change of x: what the activation maps to x (cut by 2 % of its range) is
        added before the activation. The last convolution is 0 at first, so that the untrained network returns x.
      name: name of the Keras model.

    Raises:
      InvalidInput: sides that cannot be halved that often or are too small for reflection padding, groups that do not
        divide the channels, an unknown upsampling or activation, numbers that are not whole, or a residual network
        with other channels than its input.

    Example:
      >>> resnet_translator((28, 28, 1), channels=3, filters=16, blocks=3).output_shape
      (None, 28, 28, 3)
    """
    filters, blocks = layer_size("filters", filters), whole_number("blocks", blocks, 0)
    halvings = whole_number("halvings", halvings, 0)
    check_sides(image_shape, halvings)
    channels = image_shape[2] if channels is None else layer_size("channels", channels)
    widths = [filters * 2**i for i in range(halvings + 1)]
    check_groups(groups, widths)
    check_known("upsampling", upsampling, UPSAMPLING)
    check_known("activation", activation, ENDS)
    if not isinstance(residual, bool) or (residual and channels != image_shape[2]):
        raise InvalidInput(
            f"residual is {residual!r}, with {image_shape[2]} channels in and {channels} out; give True, which needs "
            "equal numbers, or False"
        )

    x = keras.Input(image_shape, name="x")
    h = _active(_conv(widths[0], OUTER, "first", valid=True)(_reflected(x, OUTER)), groups, "first")
    for i, width in enumerate(widths[1:], 1):
        h = _active(_conv(width, 3, f"down_{i}", strides=2)(h), groups, f"down_{i}")
    for i in range(1, blocks + 1):
        h = _block(h, widths[-1], groups, f"block_{i}")
    for i, width in enumerate(widths[-2::-1], 1):
        h = _active(_up(h, width, upsampling, f"up_{i}"), groups, f"up_{i}")
    if not residual:
        last = keras.layers.Conv2D(channels, OUTER, activation=activation, kernel_initializer=small(0.0), name="image")
        return keras.Model(x, last(_reflected(h, OUTER)), name=name)
    change = keras.layers.Conv2D(channels, OUTER, kernel_initializer="zeros", name="change")(_reflected(h, OUTER))
    image = keras.layers.Activation(activation, name="image")(_before(x, activation) + change)
    return keras.Model(x, image, name=name)


def check_sides(image_shape: tuple[int, int, int], halvings: int) -> None:
    """Raises `InvalidInput` unless an image's sides can be halved `halvings` times and reflected before and after."""
    factor = 2**halvings
    sides = image_shape[:2] if len(image_shape) == 3 else [0]
    if any(side % factor for side in sides) or min(sides) // factor < 2 or min(sides) <= OUTER // 2:
        raise InvalidInput(
            f"image_shape {tuple(image_shape)} cannot be halved {halvings} times; give (height, width, channels) with "
            f"sides that are multiples of {factor} and at least {max(2 * factor, OUTER // 2 + 1)}"
        )


def _before(x, activation):
    """Returns what the activation maps to x, cut where that would be infinite or without a gradient."""
    if activation == "linear":
        return x
    low, high = (-1.0 + 2 * CUT, 1.0 - 2 * CUT) if activation == "tanh" else (CUT, 1.0 - CUT)
    x = keras.ops.clip(x, low, high)
    return keras.ops.arctanh(x) if activation == "tanh" else keras.ops.log(x) - keras.ops.log(1.0 - x)


def _reflected(h, kernel):
    border = [kernel // 2, kernel // 2]
    return keras.ops.pad(h, [[0, 0], border, border, [0, 0]], mode="reflect")


def _conv(channels, kernel, name, strides=1, valid=False):
    return keras.layers.Conv2D(
        channels, kernel, strides, "valid" if valid else "same", use_bias=False, kernel_initializer=small(0.0),
        name=name,
    )


def _active(h, groups, name):
    return keras.layers.ReLU(name=f"{name}_relu")(group_norm(groups, f"{name}_norm")(h))


def _block(h, width, groups, name):
    inner = _conv(width, 3, f"{name}_1", valid=True)(_reflected(h, 3))
    inner = _active(inner, groups, f"{name}_1")
    inner = _conv(width, 3, f"{name}_2", valid=True)(_reflected(inner, 3))
    return keras.layers.Add(name=name)([h, group_norm(groups, f"{name}_2_norm")(inner)])


def _up(h, width, upsampling, name):
    if upsampling == "resize":
        return _conv(width, 3, name)(keras.layers.UpSampling2D(2, interpolation="nearest")(h))
    return keras.layers.Conv2DTranspose(
        width, 3, 2, "same", use_bias=False, kernel_initializer=small(0.0), name=name
    )(h)
