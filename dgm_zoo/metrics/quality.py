"""Sample quality of one model: every score that applies to the data set, with its protocol."""

import os
from typing import Any

import numpy as np

from dgm_zoo import data
from dgm_zoo.checks import real_array
from dgm_zoo.data.arrays import AUTO, check_arrays
from dgm_zoo.data.checks import check_flags
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.features import extractor, pca
from dgm_zoo.metrics.manifolds import density_coverage, precision_recall
from dgm_zoo.metrics.modes import LEAST as LEAST_ON_A_MODE
from dgm_zoo.metrics.modes import mode_coverage
from dgm_zoo.metrics.reference import Reference, load_reference
from dgm_zoo.metrics.rows import checked_labels
from dgm_zoo.metrics.scores import conditional_accuracy, frechet_distance, inception_score, kernel_distance

LEAST = 20  # samples: two for each of the kernel distance's 10 subsets
COMPONENTS = 64  # at most, of the principal components that are features of an array of images


def sample_quality(
    x: np.ndarray,
    dataset: str | np.ndarray,
    classifier: Any = None,
    *,
    label: np.ndarray | None = None,
    split: str = "test",
    limit: int | None = None,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    threshold: bool = False,
    data_dir: str | os.PathLike | None = None,
    folder: str | os.PathLike | None = None,
) -> dict:
    """Compares samples with real examples, of a data set or an array, by every sample-quality score that applies.

    Args:
      x: samples `[n, ...]`, of the shape of the data set's examples; preferably as many as real ones.
      dataset: name of a data set, as `data.load` takes it; or the real examples `[m, ...]`, pixels as
        `data.from_arrays` takes them or real vectors.
      classifier: extracts the features of images: a classifier of the zoo, an `Extractor`, such as those of
        `keras_application` and `pca`, or a function from images to features. None for vectors, whose features are
        their coordinates, and for an array of images, whose features are its first 64 principal components.
      label: classes that the samples were generated for, integers `[n]`, or None. Used only if the classifier returns
        probabilities.
      split, limit, image_size, channels, data_dir: which real examples of a data set; see `data.load`.
      threshold: whether both sides are binarised at half grey first. Use it for a model of binarised images whose
        samples are means, since features of means mostly reflect their blur.
      folder: cache of the real examples' statistics; see `load_reference`.

    Returns:
      dict of metric name to `value`, `stderr` (or None) and `protocol`: `frechet_distance`,
      `kernel_distance`, `precision`, `recall`, `density`, `coverage`; if the classifier returns probabilities, also
      `inception_score` and `inception_score_real`, that of as many real images, and with labels
      `conditional_accuracy`; on a mixture of Gaussians, also `modes_covered` and `high_quality`.

    Raises:
      InvalidInput: images are given without a classifier, the samples do not suit it or are too few, the labels do not
        fit them, or the real examples are not available; or samples and an array differ in shape or range.

    Example:
      >>> classifier = extractor(dgm_zoo.from_preset("classifier_mnist"), "classifier_mnist")
      >>> sample_quality(model.sample(10_000, seed=0), "mnist", classifier)["frechet_distance"]["value"]
    """
    if not isinstance(dataset, str):
        return _against_array(real_array("x", x), dataset, classifier, threshold)
    info = data.info(dataset)
    if classifier is None and len(info.image_shape) == 3:
        raise InvalidInput(f"the images of '{dataset}' need a classifier for their features; give one")
    check_flags(threshold=threshold)
    x = real_array("x", x)
    if x.ndim < 2:
        raise InvalidInput(f"x is {x.dtype} of shape {list(x.shape)}; give real numbers, one row for each sample")
    if len(x) < least_samples(dataset):
        raise InvalidInput(f"{len(x)} samples are too few; give at least {least_samples(dataset)}")
    if label is not None:
        label = checked_labels(label, len(x), info.num_classes or 0)
    modes = {} if info.modes is None else mode_coverage(x, dataset)
    seen_by = extractor(_coordinates if classifier is None else classifier)
    features, probabilities = seen_by.extract((x > 0.5).astype("float32") if threshold else x)
    real = load_reference(
        dataset, seen_by, split, limit=limit, image_size=image_size, channels=channels, threshold=threshold,
        data_dir=data_dir, folder=folder,
    )
    found = _scores(real, features, probabilities, label)
    return {**modes, **_stated(found, real, "coordinates" if classifier is None else seen_by)}


def _against_array(x, real, classifier, threshold):
    """Returns the scores of samples x against an array of real examples."""
    check_flags(threshold=threshold)
    try:
        real = real_array("x", real)
        points = real.ndim == 2 and real.dtype.kind == "f"
        real, _, levels = check_arrays(real, None, False, None, None if points else AUTO)
    except InvalidInput as error:
        raise InvalidInput(f"real examples: {error}") from None
    real = real / np.float32(levels - 1) if real.dtype == np.uint8 else real
    if x.shape[1:] != real.shape[1:]:
        raise InvalidInput(f"samples have shape {list(x.shape[1:])}, but real examples {list(real.shape[1:])}")
    low, high = x.min(), x.max()
    if levels is not None and not (low >= 0 and high <= 1):
        raise InvalidInput(f"samples have values from {low:g} to {high:g}, but real examples in [0, 1]; rescale them")
    few = min(len(x), len(real))
    if few < LEAST:
        what = "samples" if few == len(x) else "real examples"
        raise InvalidInput(f"{few} {what} are too few; give at least {LEAST}")
    name = f"an array of {len(real):,} real{', binarised at half grey' if threshold else ''}"
    x, real = ((part > 0.5).astype("float32") if threshold else part for part in (x, real))
    seen_by = None
    if classifier is not None:
        seen_by = extractor(classifier)
    elif real.ndim > 2:
        seen_by = pca(real, min(COMPONENTS, len(real) - 1, real[0].size))
    extract = seen_by.extract if seen_by else lambda x: (x, None)
    reference = Reference(name, *extract(real))
    return _stated(_scores(reference, *extract(x)), reference, seen_by or "coordinates")


def _scores(real, features, probabilities, label=None):
    """Returns the scores of samples by features and, if there are any, class probabilities."""
    found = {
        "frechet_distance": frechet_distance(real.features, features),
        "kernel_distance": kernel_distance(real.features, features),
        **precision_recall(real.features, features),
        **density_coverage(real.features, features),
    }
    if probabilities is not None:
        n = min(len(probabilities), len(real.probabilities))
        found["inception_score"] = inception_score(probabilities[:n])
        found["inception_score_real"] = inception_score(real.probabilities[:n])
        if label is not None:
            found["conditional_accuracy"] = conditional_accuracy(probabilities, label)
    return found


def _stated(found, real, seen_by):
    """Returns scores whose protocols name the real examples and the features."""
    seen = seen_by if isinstance(seen_by, str) else f"features of {seen_by.name or 'a function'}"
    for metric in found.values():
        metric["protocol"] += f"; {real.name}; {seen}"
    return found


def _coordinates(x):
    return x


def least_samples(dataset: str) -> int:
    """Least number of samples of this data set that `sample_quality` accepts."""
    modes = data.info(dataset).modes
    return LEAST if modes is None else max(LEAST, LEAST_ON_A_MODE * len(modes.centres))
