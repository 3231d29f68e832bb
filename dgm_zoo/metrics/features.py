"""Feature extractors for the sample metrics: features of images, and class probabilities where available."""

import hashlib
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dgm_zoo.checks import is_whole, real_array
from dgm_zoo.errors import InvalidInput, check_known

PCA_ROWS = 2_000  # that principal components are found from
_ROWS = 50  # images in one call of a network of `keras.applications`


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
    if weights not in ("imagenet", None) and not os.path.isfile(weights):
        raise InvalidInput(f"there is no weights file '{weights}' for InceptionV3; give its path, or 'imagenet'")
    return _application("InceptionV3", weights, "inception_v3", lambda x: 2 * x - 1)


def keras_application(name: str, weights: str | os.PathLike) -> Extractor:
    """Returns the `Extractor` of an image classifier of `keras.applications`; nothing is downloaded.

    Features are what its last, dense layer sees. Images `[n, H, W, C]` in [0, 1], C = 1 or 3, are resized to the size
    that it was trained on (bilinear, no antialiasing), grey ones repeated to 3 channels, and scaled as it expects.

    Args:
      name: function of `keras.applications` whose network ends in a dense layer, such as "MobileNetV2" or "ResNet50".
      weights: file of the weights of the whole network, with its top layer.

    Raises:
      InvalidInput: the name is unknown, or the file is missing or of another network.

    Example:
      >>> seen = keras_application("MobileNetV2", "mobilenet_v2_weights.h5")
      >>> sample_quality(model.sample(1_000, seed=0), real, seen)
    """
    import keras

    known = [one for one in dir(keras.applications) if one[0].isupper()]
    check_known("network of keras.applications", name, known)
    if not isinstance(weights, (str, os.PathLike)) or not os.path.isfile(weights):
        raise InvalidInput(f"there is no weights file '{weights}' for {name}; give the path of one with its top layer")
    scale = sys.modules[getattr(keras.applications, name).__module__].preprocess_input
    return _application(name, weights, name, lambda x: scale(255 * x))


def _application(name, weights, stem, scale):
    """Returns the `Extractor` of a network of `keras.applications`; `scale` maps images in [0, 1] to its input."""
    import keras
    import tensorflow as tf

    try:
        network = getattr(keras.applications, name)(weights=weights)
    except Exception as error:  # Keras raises a bare Exception if a download fails
        raise InvalidInput(
            f"the weights {weights!r} of {name} can be neither found nor downloaded ({_first_line(error)}); "
            "give the path of a weights file"
        ) from None
    if not isinstance(network.layers[-1], keras.layers.Dense):
        raise InvalidInput(f"{name} does not end in a dense layer, whose inputs are features; choose another network")
    both, sides = keras.Model(network.input, [network.layers[-1].input, network.output]), network.input_shape[1:3]

    def extract(x):
        x = np.asarray(x, np.float32)
        if x.ndim != 4 or x.shape[-1] not in (1, 3):
            raise InvalidInput(f"{name} takes images [n, H, W, 1] or [n, H, W, 3], not shape {list(x.shape)}")
        _check_range(name, x)
        parts = []
        for start in range(0, len(x), _ROWS):
            rows = tf.image.resize(x[start : start + _ROWS], sides)
            rows = tf.repeat(rows, 3 // x.shape[-1], axis=-1)
            parts.append([part.numpy() for part in both(scale(rows), training=False)])
        features, probabilities = (np.concatenate(part) for part in zip(*parts, strict=True))
        return features, probabilities

    return Extractor(f"{stem}-{_hash(network.get_weights())}", extract)


def pca(real: np.ndarray, components: int = 64) -> Extractor:
    """Returns the `Extractor` of an array's principal components, for real examples that no classifier knows.

    The components are those of the first 2,000 rows. Scores compare the samples with this array only.

    Args:
      real: real examples `[n, ...]`, at least 2.
      components: number of components, at most n - 1 and the number of values of a row.

    Raises:
      InvalidInput: `real` is not an array of real numbers, or `components` does not suit it.

    Example:
      >>> pca(real, 32).extract(real)[0].shape
      (1000, 32)
    """
    real = real_array("real", real)
    rows = real[:PCA_ROWS].reshape(len(real[:PCA_ROWS]), -1).astype(np.float64)
    most = min(len(rows) - 1, rows.shape[-1])
    if not is_whole(components) or components > most:
        raise InvalidInput(f"components={components!r} does not suit {real.shape}; give 1 to {most}")
    mean = rows.mean(0)
    axes = np.linalg.svd(rows - mean, full_matrices=False)[2][:components].T

    def extract(x):
        if np.shape(x)[1:] != real.shape[1:]:
            raise InvalidInput(f"the principal components are of shape {list(real.shape[1:])}, not {list(x.shape[1:])}")
        return (np.reshape(x, (len(x), -1)) - mean) @ axes, None

    return Extractor(f"{components} principal components-{_hash([mean, axes])}", extract)


def _check_range(name, x):
    low, high = x.min(), x.max()
    if not (low >= 0 and high <= 1):
        raise InvalidInput(f"{name} sees images in [0, 1], not from {low:g} to {high:g}; rescale them")


def _hash(weights):
    digest = hashlib.sha256()
    for array in weights:
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()[:16]


def _first_line(error):
    return str(error).strip().partition("\n")[0].rstrip(".")
