"""Published sample scores, computed from the features and probabilities of a classifier.

Every function takes plain arrays, one row for each image, and returns plain dicts: `value`, `stderr` and `protocol`,
ready for `results.json`.
"""

import warnings

import numpy as np
from scipy.special import rel_entr

from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.rows import checked_labels, checked_pair, checked_rows, metric, parts_of, stderr


def inception_score(probabilities: np.ndarray, splits: int = 10) -> dict:
    """exp E_x KL(p(y|x) || p(y)), mean over splits: at least 1 and at most the number of classes.

    It grows with the number of images in a split and depends on the classifier: compare it with that of real images.

    Args:
      probabilities: p(y|x) `[n, K]`, rows that sum to 1.
      splits: number of parts into which a fixed random permutation divides the rows; the score is computed in each.

    Raises:
      InvalidInput: the rows are not probabilities, or are fewer than the splits.

    References: Salimans et al., Improved Techniques for Training GANs, 2016, section 4.

    Example:
      >>> inception_score(np.eye(10), splits=1)["value"]
      10.0
    """
    p = checked_rows("probabilities", probabilities)
    if p.min() < 0 or not np.allclose(p.sum(1), 1, atol=1e-3):
        raise InvalidInput("probabilities must lie in [0, 1] and each row must sum to 1")
    parts = parts_of("inception score", len(p), splits, least=1)
    scores = np.array([np.exp(rel_entr(p[rows], p[rows].mean(0)).sum(1).mean()) for rows in parts])
    return metric(scores.mean(), stderr(scores), f"mean over {splits} splits of {len(p):,} images, s.e. over these")


def frechet_distance(real: np.ndarray, generated: np.ndarray) -> dict:
    """Squared Frechet (2-Wasserstein) distance between the normals fitted to two sets of features.

    The estimate is biased upwards, less so with more rows: compare only values from equal numbers of rows. The standard
    error is a jackknife over 10 blocks of generated rows with fixed real rows; None for fewer than 20 rows.

    Args:
      real: features `[n, d]`.
      generated: features `[m, d]`.

    Raises:
      InvalidInput: the features differ in width, or a set has a single row.

    Warns if a set has at most as many rows as features: then its covariance is singular.

    References: Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017, Eq. 6.

    Example:
      >>> frechet_distance(x, x + [3.0, 4.0])["value"]   # a shift by 5
      25.0
    """
    real, generated = checked_pair(real, generated, "Frechet distance", least=2)
    rows, width = min(len(real), len(generated)), real.shape[1]
    if rows <= width:
        warnings.warn(
            f"Frechet distance from {rows} rows of {width} features: a covariance is singular and the estimate far "
            f"too large; give more than {width} rows", stacklevel=2,
        )
    mean, cov = _moments(real)
    root, se = _root(cov), None  # of the real rows, shared by every distance below

    def distance(rows: np.ndarray) -> float:
        return _distance(mean, cov, root, *_moments(rows))

    protocol = f"{len(generated):,} samples against {len(real):,}, {width} features, biased upwards"
    if len(generated) >= 20:
        blocks = parts_of("Frechet distance", len(generated), 10)
        without = [distance(np.delete(generated, block, 0)) for block in blocks]
        se = float(np.std(without) * np.sqrt(len(blocks) - 1))
        protocol += ", s.e. by a jackknife over 10 blocks of samples"
    return metric(distance(generated), se, protocol)


def frechet_of_moments(mean_1: np.ndarray, cov_1: np.ndarray, mean_2: np.ndarray, cov_2: np.ndarray) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), the squared distance between N(m1, C1) and N(m2, C2).

    Args:
      mean_1, mean_2: `[d]`.
      cov_1, cov_2: `[d, d]`, symmetric, positive semi-definite.

    References: Dowson and Landau, The Frechet Distance between Multivariate Normal Distributions, 1982.

    Example:
      >>> frechet_of_moments(np.zeros(2), np.eye(2), np.array([3.0, 4.0]), np.eye(2))
      25.0
    """
    mean_1, mean_2 = checked_rows("mean_1", [mean_1])[0], checked_rows("mean_2", [mean_2])[0]
    cov_1, cov_2 = checked_rows("cov_1", cov_1), checked_rows("cov_2", cov_2)
    d = len(mean_1)
    if not (len(mean_2) == d and cov_1.shape == cov_2.shape == (d, d)):
        raise InvalidInput(
            f"covariances of shape {list(cov_1.shape)} and {list(cov_2.shape)} do not fit means of {d} values; give "
            f"[{d}, {d}]"
        )
    return _distance(mean_1, cov_1, _root(cov_1), mean_2, cov_2)


def _moments(x):
    return x.mean(0), np.atleast_2d(np.cov(x, rowvar=False))


def _root(cov):
    """The symmetric square root of a covariance, whose zero eigenvalues may be negative by rounding."""
    values, vectors = np.linalg.eigh(cov)
    return vectors * np.sqrt(values.clip(0)) @ vectors.T


def _distance(mean_1, cov_1, root_1, mean_2, cov_2):
    """`frechet_of_moments`, given the root of the first covariance."""
    # C1 C2 has the eigenvalues of root C2 root, which is symmetric; zeros may be negative by rounding.
    trace_of_root = np.sqrt(np.linalg.eigvalsh(root_1 @ cov_2 @ root_1).clip(0)).sum()
    distance = np.sum((mean_1 - mean_2) ** 2) + np.trace(cov_1) + np.trace(cov_2) - 2 * trace_of_root
    return float(max(distance, 0))


def kernel_distance(real: np.ndarray, generated: np.ndarray, subsets: int = 10) -> dict:
    """Squared maximum mean discrepancy with the kernel (x.y / d + 1)^3: unbiased, so around 0 for equal distributions.

    A fixed random permutation divides both sets into disjoint subsets; the value is the mean of the subsets' unbiased
    estimates. These are independent, so their spread gives a valid standard error.

    Args:
      real: features `[n, d]`.
      generated: features `[m, d]`.
      subsets: number of subsets; each needs at least two rows of either set.

    Raises:
      InvalidInput: the features differ in width, or there are too few rows.

    References: Binkowski et al., Demystifying MMD GANs, 2018; Gretton et al., A Kernel Two-Sample Test, 2012, Eq. 3.

    Example:
      >>> kernel_distance(real, generated)["stderr"]
    """
    from sklearn.metrics.pairwise import polynomial_kernel

    real, generated = checked_pair(real, generated, "kernel distance", least=2)
    parts = [parts_of("kernel distance", len(x), subsets, least=2) for x in (real, generated)]

    def within(x):
        kernel = polynomial_kernel(x)
        return (kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1))

    values = np.array([
        within(real[i]) + within(generated[j]) - 2 * polynomial_kernel(real[i], generated[j]).mean()
        for i, j in zip(*parts, strict=True)
    ])
    protocol = f"{len(generated):,} samples against {len(real):,}, unbiased, mean over {subsets} disjoint subsets"
    return metric(values.mean(), stderr(values), f"{protocol}, s.e. over these")


def conditional_accuracy(probabilities: np.ndarray, label: np.ndarray) -> dict:
    """Share of samples that the classifier assigns to the class that they were generated for.

    Args:
      probabilities: p(y|x) `[n, K]`.
      label: integers `[n]`, 0 to K - 1.

    Raises:
      InvalidInput: the labels do not fit the probabilities.

    References: Hu et al., On Unifying Deep Generative Models, 2018, Table 2.

    Example:
      >>> label = np.arange(10_000) % 10
      >>> x = model.sample(10_000, seed=0, label=label)
      >>> conditional_accuracy(classifier.classify(x)["probabilities"], label)["value"]
    """
    p = checked_rows("probabilities", probabilities)
    right = p.argmax(1) == checked_labels(label, *p.shape)
    return metric(right.mean(), stderr(right), f"share of {len(p):,} samples classified as the class asked for")
