"""PatchGAN: a discriminator that judges overlapping patches of an image, one logit for each.

References: Isola, Zhu, Zhou and Efros, Image-to-Image Translation with Conditional Adversarial Networks, 2017,
  appendix 6.1.2. Zhu, Park, Isola and Efros, Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
  Networks, 2017, appendix 7.2, with padding as in the authors' code.
"""

import keras

from dgm_zoo.checks import is_whole, layer_size, whole_number
from dgm_zoo.errors import InvalidInput, check_known

KERNEL = 4
SLOPE = 0.2
WIDEST = 8  # the most channels are so many times the first
NORMALIZATIONS = ("instance", "spectral", "none")


def receptive_field(depth: int) -> int:
    """Side in pixels of the patch that one logit of `patch_discriminator` sees.

    Example:
      >>> [receptive_field(depth) for depth in (1, 2, 3, 4)]
      [16, 34, 70, 142]
    """
    side = 1
    for stride in [1, 1, *[2] * depth]:
        side = KERNEL + (side - 1) * stride
    return side


def patch_discriminator(
    image_shape: tuple[int, int, int], filters: int = 64, depth: int = 3, normalization: str = "instance",
    name: str = "discriminator",
) -> keras.Model:
    """Convolutions with leaky ReLU: x `[batch, H, W, C]` to logits `[batch, h, w, 1]`, one for each patch.

    `depth` convolutions of stride 2 (the first is not normalised), one of stride 1, and one that emits the logits. The
    kernels are 4x4 with zero padding of 1; the channels double each time, up to 8 `filters`. h is floor(H / 2^depth)
    - 2. `receptive_field` gives the size of a patch; for depth 3 it is the published 70x70.

    Args:
      image_shape: (H, W, C).
      filters: channels of the first convolution.
      depth: number of halvings.
      normalization: "instance" after the inner convolutions, "spectral" of every kernel, or "none".
      name: name of the Keras model.

    Raises:
      InvalidInput: a depth that leaves no logit of the image, an unknown normalisation, or numbers that are not whole.

    Example:
      >>> patch_discriminator((32, 32, 3), depth=2).output_shape
      (None, 6, 6, 1)
    """
    filters, depth = layer_size("filters", filters), whole_number("depth", depth)
    if len(image_shape) != 3 or min(image_shape[:2]) >> depth < 3:
        raise InvalidInput(
            f"depth {depth} leaves no patch of image_shape {tuple(image_shape)}; give (height, width, channels) with "
            f"sides of at least {3 << depth}, or a smaller depth"
        )
    check_known("normalization", normalization, NORMALIZATIONS)
    spectral = normalization == "spectral"
    widths = [filters * min(2**i, WIDEST) for i in range(depth + 1)]
    x = h = keras.Input(image_shape, name="x")
    for i, channels in enumerate(widths):
        normalised = i > 0 and normalization == "instance"
        h = _conv(channels, 2 if i < depth else 1, f"conv_{i + 1}", normalised, spectral)(h)
        if normalised:
            h = group_norm(-1, f"norm_{i + 1}")(h)
        h = keras.layers.LeakyReLU(SLOPE)(h)
    return keras.Model(x, _conv(1, 1, "logits", False, spectral)(h), name=name)


def _conv(channels, strides, name, normalised, spectral):
    """A convolution after one zero on every side; without a bias where a normalisation follows."""
    conv = keras.layers.Conv2D(channels, KERNEL, strides, use_bias=not normalised, kernel_initializer=small(0.0))
    conv = keras.layers.SpectralNormalization(conv) if spectral else conv
    return keras.Sequential([keras.layers.ZeroPadding2D(1), conv], name=name)


def small(mean: float) -> keras.initializers.Initializer:
    """Returns the papers' initializer, N(mean, 0.02^2); a new one each time, since a reused one repeats its values."""
    return keras.initializers.RandomNormal(mean, 0.02)


def group_norm(groups: int, name: str) -> keras.layers.Layer:
    """Returns a group normalisation with the papers' initial scale N(1, 0.02^2)."""
    return keras.layers.GroupNormalization(groups, epsilon=1e-5, gamma_initializer=small(1.0), name=name)


def check_groups(groups: int, widths: list[int]) -> None:
    """Raises `InvalidInput` unless `groups` is -1 or a positive divisor of all `widths`."""
    if groups != -1 and not (is_whole(groups) and not any(width % groups for width in widths)):
        raise InvalidInput(
            f"groups must be -1 for instance normalisation or a divisor of the channels {list(widths)}, got {groups!r}"
        )
