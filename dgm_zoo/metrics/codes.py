"""Codes held against what they are meant to be: the prior, or classes that the model was never told."""

import numpy as np

from dgm_zoo.distributions import BatchNoise, check_seed
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.scores import kernel_distance


def codes_and_prior(model, dataset, seed=0):
    """Samples of the aggregate posterior, E_{p_data(x)} q(z|x), and as many of the prior, each NumPy `[n, latent_dim]`.

    Args:
      model: has `encode(x)`, whose answer holds `mean` and, for a q that is not deterministic, `stddev`; and
        `prior_samples(noise)` with `prior.noise(rng)`, such as `AAE`.
      dataset: batches x, or (x, y).
      seed: int32 of the samples.
    """
    found = [model.encode(batch[0] if isinstance(batch, tuple) else batch) for batch in dataset]
    mean = np.concatenate([code["mean"] for code in found])
    if "stddev" in found[0]:
        rng = np.random.default_rng(check_seed(seed) % 2**32)
        mean = mean + np.concatenate([code["stddev"] for code in found]) * rng.standard_normal(mean.shape)
    noise = model.prior.noise(BatchNoise([check_seed(seed), 0], len(mean)))
    return mean, model.prior_samples(noise).numpy()


def aggregate_posterior(model, dataset, seed=0):
    """Kernel distance between the aggregate posterior and the prior: around 0 if no code tells them apart.

    Args: see `codes_and_prior`.

    References: Makhzani et al., Adversarial Autoencoders, 2016, section 2.

    Example:
      >>> aggregate_posterior(model, data.load("mnist", "test", 500))["value"]
    """
    codes, prior = codes_and_prior(model, dataset, seed)
    found = kernel_distance(prior, codes)
    return {**found, "protocol": f"codes against the prior, kernel (x.y / d + 1)^3: {found['protocol']}"}


def code_error(category, label, matching, classes):
    """Share of images whose inferred category is not that of their class.

    No training has seen the classes, so each class is first given a category of its own: those that fit most of the
    `matching` images (the Hungarian method). They are other images than those that are counted.

    Args:
      category: inferred categories, integers `[n]`.
      label: classes, integers `[n]`.
      matching: the pair (category, label) of other images, such as the validation split.
      classes: how many classes there are.

    Returns:
      dict of `value`, `stderr` (over images) and `protocol`.

    Raises:
      InvalidInput: categories and labels that are not as many, or none.

    References: Chen et al., InfoGAN, 2016, section 7.2.

    Example:
      >>> code_error([0, 0, 1], [1, 1, 0], matching=([0, 1], [1, 0]), classes=2)["value"]
      0.0
    """
    from scipy.optimize import linear_sum_assignment

    (category, label), (known, truth) = _pair(category, label), _pair(*matching)
    counts = np.zeros((classes, 1 + max(classes - 1, category.max(), known.max())), int)
    np.add.at(counts, (truth, known), 1)
    _, category_of = linear_sum_assignment(counts, maximize=True)
    wrong = category != category_of[label]
    return {
        "value": float(wrong.mean()),
        "stderr": float(wrong.std(ddof=1) / np.sqrt(len(wrong))) if len(wrong) > 1 else None,
        "protocol": f"share of {len(wrong):,} images, each class's category matched on {len(known):,} others",
    }


def _pair(category, label):
    category, label = np.asarray(category), np.asarray(label)
    if category.shape != label.shape or category.ndim != 1 or not len(category):
        raise InvalidInput(
            f"categories of shape {list(category.shape)} do not fit labels of shape {list(label.shape)}; give one of "
            "each for every image"
        )
    return category, label
