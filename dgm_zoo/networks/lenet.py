"""A convolutional network of LeNet's size, from images to features."""

from collections.abc import Sequence

import keras

from dgm_zoo.checks import dropout_rate, layer_size
from dgm_zoo.errors import InvalidInput, check_known

LEAST = {"same": 4, "valid": 16}  # padding to the smallest side of an image that leaves a pixel


def lenet(
    image_shape: tuple[int, int, int], filters: Sequence[int] = (32, 64), hidden: int = 256, name: str = "trunk",
    padding: str = "same", dropout: float = 0.0,
) -> keras.Model:
    """Two 5x5 convolutions, each followed by 2x2 max-pooling, and one dense layer; ReLU after each of the three.

    Args:
      image_shape: (height, width, channels), height and width at least 4, or 16 with padding "valid".
      filters: channels of the two convolutions.
      hidden: width of the dense layer, the number of features.
      name: name of the Keras model.
      padding: "same" keeps the size of an image in a convolution; "valid" loses 4 pixels in each, as in the original.
      dropout: probability of dropping a channel of the last convolution in training, in [0, 1).

    Returns:
      A functional `keras.Model`, `[batch, *image_shape]` to `[batch, hidden]`.

    Raises:
      InvalidInput: an image that is too small, widths that are not positive whole numbers, an unknown padding, or a
        dropout that is not in [0, 1).

    Example:
      >>> lenet((28, 28, 1)).output_shape
      (None, 256)

    References: LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition, 1998,
      Figure 2; ReLU and max-pooling replace the original activation and subsampling.
    """
    image_shape = tuple(image_shape)
    check_known("padding", padding, LEAST)
    if len(image_shape) != 3 or min(image_shape[:2]) < LEAST[padding]:
        raise InvalidInput(
            f"image_shape {image_shape} does not suit a LeNet; give (height, width, channels) of at least "
            f"{LEAST[padding]}x{LEAST[padding]} pixels, with padding '{padding}'"
        )
    widths = [*filters, hidden] if isinstance(filters, (list, tuple)) else []
    if len(widths) != 3 or not all(type(width) is int and width > 0 for width in widths):
        raise InvalidInput(
            f"filters {filters!r} and hidden {hidden!r} must be two positive whole numbers and one, such as (32, 64) "
            "and 256"
        )
    for width in widths:
        layer_size("a width of filters or hidden", width)
    dropped = dropout_rate(dropout)
    x = keras.Input(image_shape, name="x")
    h = x
    for i, channels in enumerate(filters, 1):
        h = keras.layers.Conv2D(channels, 5, padding=padding, activation="relu", name=f"conv_{i}")(h)
        if dropped and i == len(filters):
            h = keras.layers.SpatialDropout2D(dropped, name="dropout")(h)
        h = keras.layers.MaxPooling2D(name=f"pool_{i}")(h)
    h = keras.layers.Flatten()(h)
    return keras.Model(x, keras.layers.Dense(hidden, "relu", name="features")(h), name=name)
