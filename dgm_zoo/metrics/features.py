"""Feature extractors for the sample metrics: features of images, and class probabilities where available."""

import hashlib
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dgm_zoo.errors import InvalidInput

_ROWS = 50  # images in one call of InceptionV3


class Extractor(NamedTuple):
    """A feature extractor for images.

    Attributes:
      name: identifies the features: a name and a hash of the network's weights. None for a function, which has no
        identifier; then no reference statistics are kept on disk.
      extract: function from images `[n, ...]` to `(features, probabilities)`, NumPy `[n, d]` and `[n, K]`; the
        probabilities are None if there are no classes.
    """

    name: str | None
    extract: Callable


def extractor(given: Any, name: str | None = None) -> Extractor:
    """Returns the `Extractor` for a classifier or a function.

    Args:
      given: an `Extractor` (returned as it is); an object with a `name`, `get_weights()`, `answer("features", x=…)`
        and `answer("classify", x=…)`, as the zoo's classifiers are; or a function from images to features `[n, d]`.
      name: name for the classifier, such as its preset's name; its own `name` if None.

    Raises:
      InvalidInput: `given` is of another kind.

    Example:
      >>> extractor(dgm_zoo.from_preset("classifier_mnist"), "classifier_mnist").name
      'classifier_mnist-0f3a5b1c2d4e6f78'
    """
    if isinstance(given, Extractor):
        return given
    if hasattr(given, "answer"):

        def extract(x):
            return given.answer("features", x=x)["features"], given.answer("classify", x=x)["probabilities"]

        return Extractor(f"{name or given.name}-{_hash(given.get_weights())}", extract)
    if callable(given):
        return Extractor(None, lambda x: (np.asarray(given(x)), None))
    raise InvalidInput(f"classifier {given!r} extracts no features; give one of the zoo, or a function to features")


def inception_v3(weights: str | os.PathLike | None = "imagenet") -> Extractor:
    """Returns the `Extractor` of Keras' InceptionV3: 2,048 features (`avg_pool`) and 1,000 probabilities.

    Images `[n, H, W, C]` in [0, 1], C = 1 or 3, are resized to 299x299 (bilinear, no antialiasing), grey ones repeated
    to 3 channels. The network and the resizing differ from those behind most published numbers, so compare only with
    numbers of this function.

    Args:
      weights: "imagenet", which Keras downloads once; the path of a weights file of the whole network; or None for
        random ones.

    Raises:
      InvalidInput: the weights can neither be found nor downloaded.

    References: Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2016.
    """
    import keras
    import tensorflow as tf

    if weights not in ("imagenet", None) and not os.path.isfile(weights):
        raise InvalidInput(f"there is no weights file '{weights}' for InceptionV3; give its path, or 'imagenet'")
    try:
        network = keras.applications.InceptionV3(weights=weights)
    except Exception as error:  # Keras raises a bare Exception if a download fails
        raise InvalidInput(
            f"the weights {weights!r} of InceptionV3 can be neither found nor downloaded ({_first_line(error)}); "
            "give the path of a weights file"
        ) from None
    both = keras.Model(network.input, [network.get_layer("avg_pool").output, network.output])

    def extract(x):
        x = np.asarray(x, np.float32)
        if x.ndim != 4 or x.shape[-1] not in (1, 3):
            raise InvalidInput(f"InceptionV3 takes images [n, H, W, 1] or [n, H, W, 3], not shape {list(x.shape)}")
        parts = []
        for start in range(0, len(x), _ROWS):
            rows = tf.image.resize(x[start : start + _ROWS], (299, 299))
            rows = tf.repeat(rows, 3 // x.shape[-1], axis=-1)
            parts.append([part.numpy() for part in both(2 * rows - 1, training=False)])
        features, probabilities = (np.concatenate(part) for part in zip(*parts, strict=True))
        return features, probabilities

    return Extractor(f"inception_v3-{_hash(network.get_weights())}", extract)


def _hash(weights):
    digest = hashlib.sha256()
    for array in weights:
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()[:16]


def _first_line(error):
    return str(error).strip().partition("\n")[0].rstrip(".")
