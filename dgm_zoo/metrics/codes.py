"""Comparison of codes with the prior, and of inferred categories with classes that training never used."""

from operator import itemgetter
from typing import Any

import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_seed, whole_number
from dgm_zoo.distributions import BatchNoise
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.rows import batches, check_model, checked_labels, whole_rows
from dgm_zoo.metrics.scores import kernel_distance


def codes_and_prior(model: Any, dataset: tf.data.Dataset, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples of the aggregate posterior, E_{p_data(x)} q(z|x), and as many of the prior, each NumPy `[n, latent_dim]`.

    The model's own heads draw both, so q(z|x) may have any form that the model supports: correlated values, a mixture,
    bits, or a point. The samples do not depend on the batch size.

    Args:
      model: has `q_z(x)` and its head `posterior`; and `prior_samples(noise)` with `prior.noise(rng)`, such as `AAE`.
      dataset: batches x, or (x, y).
      seed: int32 of the samples.

    Raises:
      InvalidInput: the data set is empty, or `seed` is not an int32.

    Example:
      >>> codes, prior = codes_and_prior(model, data.load("mnist", "test", 500))
      >>> codes.shape == prior.shape
      True
    """
    seed = check_seed(seed)
    check_model(model, "the aggregate posterior", "prior_samples", "posterior", "q_z")
    found = [x for x, _ in batches(dataset)]
    ends = np.cumsum([len(x) for x in found])
    noise, codes = model.posterior.noise(BatchNoise([seed, 1], ends[-1])), []
    for x, end in zip(found, ends, strict=True):
        of_x = tf.nest.map_structure(itemgetter(slice(end - len(x), end)), noise)
        codes.append(model.posterior.sample(model.q_z(x), of_x).numpy())
    prior = model.prior_samples(model.prior.noise(BatchNoise([seed, 0], ends[-1])))
    return np.concatenate(codes), prior.numpy()


def aggregate_posterior(model: Any, dataset: tf.data.Dataset, seed: int = 0) -> dict:
    """Kernel distance between the aggregate posterior and the prior: unbiased, so around 0 if they are equal.

    Args: see `codes_and_prior`.

    References: Makhzani et al., Adversarial Autoencoders, 2016, section 2.

    Example:
      >>> aggregate_posterior(model, data.load("mnist", "test", 500))["value"]
    """
    codes, prior = codes_and_prior(model, dataset, seed)
    found = kernel_distance(prior, codes)
    return {**found, "protocol": f"codes against the prior, kernel (x.y / d + 1)^3: {found['protocol']}"}


def code_error(
    category: np.ndarray, label: np.ndarray, matching: tuple[np.ndarray, np.ndarray], classes: int
) -> dict:
    """Share of images whose inferred category differs from the category matched with their class.

    Training did not use the classes, so each class is first assigned its own category: the assignment that agrees with
    most of the `matching` images (Hungarian method). The error is counted on the other images.

    Args:
      category: inferred categories, integers `[n]`.
      label: classes, integers `[n]`.
      matching: the pair (category, label) of other images, such as the validation split.
      classes: number of classes.

    Returns:
      dict of `value`, `stderr` (over images) and `protocol`.

    Raises:
      InvalidInput: categories and labels are empty, differ in number, are not integers, or are out of range.

    References: Chen et al., InfoGAN, 2016, section 7.2.

    Example:
      >>> code_error([0, 0, 1], [1, 1, 0], matching=([0, 1], [1, 0]), classes=2)["value"]
      0.0
    """
    from scipy.optimize import linear_sum_assignment

    classes = whole_number("classes", classes)
    (category, label), (known, truth) = _pair(category, label, classes), _pair(*matching, classes)
    counts = np.zeros((classes, 1 + max(classes - 1, category.max(), known.max())), int)
    np.add.at(counts, (truth, known), 1)
    _, category_of = linear_sum_assignment(counts, maximize=True)
    wrong = category != category_of[label]
    return {
        "value": float(wrong.mean()),
        "stderr": float(wrong.std(ddof=1) / np.sqrt(len(wrong))) if len(wrong) > 1 else None,
        "protocol": f"share of {len(wrong):,} images, each class's category matched on {len(known):,} others",
    }


def _pair(category, label, classes):
    category, label = whole_rows("category", category), whole_rows("label", label)
    if category.shape != label.shape or not len(category):
        raise InvalidInput(
            f"categories of shape {list(category.shape)} do not fit labels of shape {list(label.shape)}; give one of "
            "each for every image"
        )
    if category.min() < 0:
        raise InvalidInput(f"category holds {category.min()}; give categories from 0 on")
    return category, checked_labels(label, len(category), classes)
