"""Generators and discriminators: those of DCGAN for images, fully connected ones for vectors and small images.

A discriminator's layer `features` is the input of its last, linear layer. A condition vector c enters at every layer.

References: Radford et al., Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
  Networks, 2016. Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018.
"""

from collections.abc import Sequence

import keras
import numpy as np

from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.networks.dense import check_widths, conditioned_input

NORMALIZATIONS = ("batch", "spectral", "none")
KERNEL = 4  # a multiple of the stride, so that a transposed convolution covers every pixel equally often
SLOPE = 0.2
SMALLEST = 7  # images are halved until their sides are at most this long


def checked_filters(image_shape: Sequence[int], filters: Sequence[int] | None = None) -> tuple[int, ...]:
    """Returns the discriminator's channels after each halving of an image's sides, as a tuple.

    Args:
      image_shape: (height, width, channels).
      filters: the channels; None for 64, 128, ..., with at least two halvings and until both sides are at most 7.

    Raises:
      InvalidInput: not an image, no filters, or sides that cannot be halved that often.

    Example:
      >>> [checked_filters((side, side, 1)) for side in (8, 28, 32, 64)]
      [(64, 128), (64, 128), (64, 128, 256), (64, 128, 256, 512)]
    """
    if filters is None and len(image_shape) == 3:
        halvings = 2
        while max(image_shape[:2]) >> halvings > SMALLEST:
            halvings += 1
        filters = [64 * 2**i for i in range(halvings)]
    factor = 2 ** len(filters or ())
    if not filters or len(image_shape) != 3 or any(side % factor or side < factor for side in image_shape[:2]):
        raise InvalidInput(
            f"image_shape {tuple(image_shape)} with channels {filters} does not suit a convolutional network; give "
            "(height, width, channels) whose sides can be halved once for each number of channels, or network='dense'"
        )
    return tuple(filters)


def dcgan_generator(
    latent_shape: Sequence[int],
    image_shape: tuple[int, int, int],
    filters: Sequence[int] | None = None,
    condition_size: int = 0,
    units: int | None = None,
    activation: str | None = "sigmoid",
    name: str = "generator",
) -> keras.Model:
    """A projection and stride-2 transposed convolutions: z `[batch, latent]` to x `[batch, H, W, C]`.

    Batch normalisation and ReLU follow every layer except the last.

    Args:
      latent_shape: `(latent_dim,)`.
      image_shape: (H, W, C), H and W multiples of 2 to the power of the number of filters.
      filters: channels in the discriminator's order, used here from last to first; see `checked_filters`.
      condition_size: if positive, the network takes `[z, c]`.
      units: width of a fully connected layer before the projection, 0 for none. None means none if there are more than
        two halvings, else 8 units per channel of the last halving, as in the authors' network for MNIST; without this
        layer z has little influence on the image as a whole.
      activation: of the last layer; None for a decoder, whose likelihood maps its output to parameters.

    Raises:
      InvalidInput: the image's sides cannot be halved that often.

    Example:
      >>> dcgan_generator((100,), (28, 28, 1)).output_shape
      (None, 28, 28, 1)
    """
    filters = checked_filters(image_shape, filters)
    height, width = (side >> len(filters) for side in image_shape[:2])
    inputs, (h, *c) = conditioned_input(latent_shape, condition_size, "z")
    if units := _units(units, filters):
        h = _active(keras.layers.Dense(units, use_bias=False, kernel_initializer=_small(), name="hidden")(_join(h, c)))
    h = keras.layers.Dense(height * width * filters[-1], use_bias=False, kernel_initializer=_small(), name="project")(
        _join(h, c)
    )
    h = _active(keras.layers.Reshape((height, width, filters[-1]))(h))
    for i, channels in enumerate(filters[-2::-1], 1):
        h = keras.layers.Conv2DTranspose(
            channels, KERNEL, 2, "same", use_bias=False, kernel_initializer=_small(), name=f"deconv_{i}"
        )(_join(h, c))
        h = _active(h)
    x = keras.layers.Conv2DTranspose(
        image_shape[2], KERNEL, 2, "same", activation=activation, kernel_initializer=_small(), name="image",
        dtype="float32",
    )(_join(h, c))
    return keras.Model(inputs, x, name=name)


def dcgan_discriminator(
    image_shape: tuple[int, int, int],
    filters: Sequence[int] | None = None,
    normalization: str = "batch",
    condition_size: int = 0,
    units: int | None = None,
    name: str = "discriminator",
) -> keras.Model:
    """Stride-2 convolutions with leaky ReLU: x `[batch, H, W, C]` to a logit `[batch, 1]`.

    Args:
      image_shape: (H, W, C), H and W multiples of 2 to the power of the number of filters.
      filters: channels after each halving; see `checked_filters`.
      normalization: "batch" after every convolution except the first, "spectral" on every kernel, or "none".
      condition_size: if positive, the network takes `[x, c]`.
      units: width of a fully connected layer after the convolutions; see `dcgan_generator`.

    Raises:
      InvalidInput: the image's sides cannot be halved that often, or an unknown normalisation.
    """
    filters = checked_filters(image_shape, filters)
    kernel, norm = _normalised(normalization)
    inputs, (h, *c) = conditioned_input(image_shape, condition_size, "x")
    for i, channels in enumerate(filters, 1):
        normed = norm if i > 1 else None
        h = kernel(keras.layers.Conv2D(
            channels, KERNEL, 2, "same", use_bias=normed is None, kernel_initializer=_small(), name=f"conv_{i}"
        ))(_join(h, c))
        h = keras.layers.LeakyReLU(SLOPE)(normed()(h) if normed else h)
    units = _units(units, filters)
    h = keras.layers.Flatten(name="flat" if units else "features")(h)
    if units:
        h = kernel(keras.layers.Dense(units, use_bias=norm is None, kernel_initializer=_small(), name="hidden"))(
            _join(h, c)
        )
        h = keras.layers.LeakyReLU(SLOPE, name="features")(norm()(h) if norm else h)
    logit = kernel(keras.layers.Dense(1, kernel_initializer=_small(), name="logit"))(_join(h, c))
    return keras.Model(inputs, logit, name=name)


def dense_generator(
    latent_shape: Sequence[int],
    event_shape: Sequence[int],
    hidden: Sequence[int] = (128, 128),
    condition_size: int = 0,
    name: str = "generator",
) -> keras.Model:
    """A multi-layer perceptron, ReLU: z `[batch, latent]` to x `[batch, *event_shape]`.

    For an image, an event with three axes, the output layer is a sigmoid with values in [0, 1]; otherwise it is linear.
    """
    check_widths(hidden)
    inputs, (h, *c) = conditioned_input(latent_shape, condition_size, "z")
    for i, width in enumerate(hidden, 1):
        h = keras.layers.Dense(width, "relu", name=f"hidden_{i}")(_join(h, c))
    last = "sigmoid" if len(event_shape) == 3 else None
    h = keras.layers.Dense(int(np.prod(event_shape)), last, name="x")(_join(h, c))
    return keras.Model(inputs, keras.layers.Reshape(event_shape)(h), name=name)


def dense_discriminator(
    event_shape: Sequence[int],
    hidden: Sequence[int] = (128, 128),
    normalization: str = "none",
    condition_size: int = 0,
    name: str = "discriminator",
) -> keras.Model:
    """A multi-layer perceptron, leaky ReLU: x `[batch, *event_shape]` to a logit `[batch, 1]`.

    Args:
      event_shape: shape of x.
      hidden: widths.
      normalization: "batch" after every layer except the first, "spectral" on every kernel, or "none".
      condition_size: if positive, the network takes `[x, c]`.
    """
    check_widths(hidden)
    kernel, norm = _normalised(normalization)
    inputs, (x, *c) = conditioned_input(event_shape, condition_size, "x")
    h = keras.layers.Flatten()(x)
    for i, width in enumerate(hidden, 1):
        h = kernel(keras.layers.Dense(width, name=f"hidden_{i}"))(_join(h, c))
        h = keras.layers.LeakyReLU(SLOPE)(norm()(h) if norm and i > 1 else h)
    h = keras.layers.Identity(name="features")(h)
    return keras.Model(inputs, kernel(keras.layers.Dense(1, name="logit"))(_join(h, c)), name=name)


def _units(units, filters):
    if units is None:
        return 8 * filters[-1] if len(filters) <= 2 else 0
    return units


def _join(h, c):
    """Returns h concatenated with the condition vector, if any, along the channels: at every pixel of an image."""
    if not c:
        return h
    (c,) = c
    if len(h.shape) == 4:
        c = keras.layers.UpSampling2D(h.shape[1:3])(keras.layers.Reshape((1, 1, c.shape[-1]))(c))
    return keras.layers.Concatenate()([h, c])


def _active(h):
    return keras.layers.ReLU()(_batch_norm()(h))


def _batch_norm():
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)


def _small():
    """Returns DCGAN's initializer, N(0, 0.02^2); a new one each time, since a reused one repeats its values."""
    return keras.initializers.RandomNormal(stddev=0.02)


def _normalised(normalization):
    """Returns a wrapper for layers with a kernel, and a function that makes the layer after them, or None."""
    check_known("normalization", normalization, NORMALIZATIONS)
    wrap = keras.layers.SpectralNormalization if normalization == "spectral" else lambda layer: layer
    return wrap, _batch_norm if normalization == "batch" else None
