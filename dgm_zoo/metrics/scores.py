"""Scores of samples on the features and probabilities of a classifier, as publications use them.

Every function takes plain arrays, one row for each image, and returns plain dicts: `value`, `stderr` and `protocol`,
ready for `results.json`.
"""

import warnings

import numpy as np
from scipy.special import rel_entr

from dgm_zoo.checks import whole_number
from dgm_zoo.errors import InvalidInput


def inception_score(probabilities, splits=10):
    """exp E_x KL(p(y|x) || p(y)), the mean over splits: 1 at worst, the number of classes at best.

    It grows with the number of images in a split and depends on the classifier: read it beside the real images' own.

    Args:
      probabilities: p(y|x) `[n, K]`, rows that sum to 1.
      splits: parts into which the rows fall, at random but always alike; the score is taken in each.

    Raises:
      InvalidInput: no probabilities, or fewer rows than splits.

    References: Salimans et al., Improved Techniques for Training GANs, 2016, section 4.

    Example:
      >>> inception_score(np.eye(10), splits=1)["value"]
      10.0
    """
    p = _rows("probabilities", probabilities)
    if p.min() < 0 or not np.allclose(p.sum(1), 1, atol=1e-3):
        raise InvalidInput("probabilities are none: give rows of numbers from 0 to 1 that sum to 1")
    parts = _parts("inception score", len(p), splits, least=1)
    scores = np.array([np.exp(rel_entr(p[rows], p[rows].mean(0)).sum(1).mean()) for rows in parts])
    return _metric(scores.mean(), _stderr(scores), f"mean over {splits} splits of {len(p):,} images, s.e. over these")


def frechet_distance(real, generated):
    """Squared Frechet (2-Wasserstein) distance between the normals fitted to two sets of features.

    The estimate is too large, by less for more rows: compare only numbers of the same numbers of rows. Its standard
    error is a jackknife over 10 blocks of generated rows, the real ones held fixed; None for fewer than 20 rows.

    Args:
      real: features `[n, d]`.
      generated: features `[m, d]`.

    Raises:
      InvalidInput: features that do not fit each other, or a single row.

    Warns if either set has no more rows than features: then its covariance is singular.

    References: Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017, Eq. 6.

    Example:
      >>> frechet_distance(x, x + [3.0, 4.0])["value"]   # a shift by 5
      25.0
    """
    real, generated = _pair(real, generated, "Frechet distance", least=2)
    rows, width = min(len(real), len(generated)), real.shape[1]
    if rows <= width:
        warnings.warn(
            f"Frechet distance from {rows} rows of {width} features: a covariance is singular and the estimate far "
            f"too large; give more than {width} rows", stacklevel=2,
        )
    fixed, stderr = _moments(real), None
    protocol = f"{len(generated):,} samples against {len(real):,}, {width} features, biased upwards"
    if len(generated) >= 20:
        blocks = _parts("Frechet distance", len(generated), 10)
        without = [frechet_of_moments(*fixed, *_moments(np.delete(generated, block, 0))) for block in blocks]
        stderr = float(np.std(without) * np.sqrt(len(blocks) - 1))
        protocol += ", s.e. by a jackknife over 10 blocks of samples"
    return _metric(frechet_of_moments(*fixed, *_moments(generated)), stderr, protocol)


def frechet_of_moments(mean_1, cov_1, mean_2, cov_2):
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), the squared distance between N(m1, C1) and N(m2, C2).

    Args:
      mean_1, mean_2: `[d]`.
      cov_1, cov_2: `[d, d]`, symmetric, positive semi-definite.

    References: Dowson and Landau, The Frechet Distance between Multivariate Normal Distributions, 1982.
    """
    values, vectors = np.linalg.eigh(cov_1)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    # C1 C2 has the eigenvalues of root C2 root, which is symmetric; rounding may take a zero below zero.
    trace_of_root = np.sqrt(np.linalg.eigvalsh(root @ cov_2 @ root).clip(0)).sum()
    distance = np.sum((mean_1 - mean_2) ** 2) + np.trace(cov_1) + np.trace(cov_2) - 2 * trace_of_root
    return float(max(distance, 0))


def kernel_distance(real, generated, subsets=10):
    """Squared maximum mean discrepancy with the kernel (x.y / d + 1)^3: unbiased, so around 0 for equal distributions.

    Both sets fall, at random but always alike, into as many disjoint subsets; the value is the mean of their unbiased
    estimates, and since these are independent, so is its standard error over them a fair one.

    Args:
      real: features `[n, d]`.
      generated: features `[m, d]`.
      subsets: number of subsets; two rows of each set in every subset are the least.

    Raises:
      InvalidInput: features that do not fit each other, or too few rows.

    References: Binkowski et al., Demystifying MMD GANs, 2018; Gretton et al., A Kernel Two-Sample Test, 2012, Eq. 3.

    Example:
      >>> kernel_distance(real, generated)["stderr"]
    """
    from sklearn.metrics.pairwise import polynomial_kernel

    real, generated = _pair(real, generated, "kernel distance", least=2)
    parts = [_parts("kernel distance", len(x), subsets, least=2) for x in (real, generated)]

    def within(x):
        kernel = polynomial_kernel(x)
        return (kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1))

    values = np.array([
        within(real[i]) + within(generated[j]) - 2 * polynomial_kernel(real[i], generated[j]).mean()
        for i, j in zip(*parts, strict=True)
    ])
    protocol = f"{len(generated):,} samples against {len(real):,}, unbiased, mean over {subsets} disjoint subsets"
    return _metric(values.mean(), _stderr(values), f"{protocol}, s.e. over these")


def precision_recall(real, generated, k=3):
    """Precision: the share of samples inside the real manifold. Recall: the share of real images inside the samples'.

    A set's manifold is the union of balls around its rows, each out to its k-th nearest neighbour in the set. Noise on
    the samples widens theirs: it lowers the precision, and may well raise the recall.

    Args:
      real: features `[n, d]`, n > k.
      generated: features `[m, d]`, m > k.
      k: which neighbour bounds a ball.

    Returns:
      dict of `precision` and `recall`, their standard errors over samples and over real images, the balls held fixed.

    Raises:
      InvalidInput: features that do not fit each other, no more than k rows, or a k that is no whole number above 0.

    References: Kynkaanniemi et al., Improved Precision and Recall Metric for Assessing Generative Models, 2019,
      Eq. 1 and 2.

    Example:
      >>> precision_recall(real, generated)["recall"]["value"]
    """
    real, generated = _pair(real, generated, "precision and recall", least=whole_number("k", k) + 1)
    protocol = f"{len(generated):,} samples against {len(real):,}, k = {k}, s.e. over images"
    inside = {"precision": _balls(real, k, generated)[0] > 0, "recall": _balls(generated, k, real)[0] > 0}
    return {name: _metric(one.mean(), _stderr(one), protocol) for name, one in inside.items()}


def density_coverage(real, generated, k=5):
    """Density: how many real balls a sample lies in, over k. Coverage: the share of real balls with a sample in them.

    A real image's ball reaches out to its k-th nearest real neighbour. Both are near 1 for samples like the real
    images, and a few outliers among the real ones do not inflate them as they do precision.

    Args:
      real: features `[n, d]`, n > k.
      generated: features `[m, d]`, m > k.
      k: which neighbour bounds a ball.

    Returns:
      dict of `density` and `coverage`, their standard errors over samples and over real images, the balls held fixed.

    Raises:
      InvalidInput: features that do not fit each other, no more than k rows, or a k that is no whole number above 0.

    References: Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020, section 3.

    Example:
      >>> density_coverage(real, generated)["coverage"]["value"]
    """
    real, generated = _pair(real, generated, "density and coverage", least=whole_number("k", k) + 1)
    protocol = f"{len(generated):,} samples against {len(real):,}, k = {k}, s.e. over images"
    balls, covered = _balls(real, k, generated)
    return {
        "density": _metric(balls.mean() / k, _stderr(balls / k), protocol),
        "coverage": _metric(covered.mean(), _stderr(covered), protocol),
    }


def conditional_accuracy(probabilities, label):
    """Share of samples that the classifier takes for the class that they were asked to have.

    Args:
      probabilities: p(y|x) `[n, K]`.
      label: integers `[n]`, 0 to K - 1.

    Raises:
      InvalidInput: labels that do not fit the probabilities.

    References: Hu et al., On Unifying Deep Generative Models, 2018, Table 2.

    Example:
      >>> label = np.arange(10_000) % 10
      >>> x = model.sample(10_000, seed=0, label=label)
      >>> conditional_accuracy(classifier.classify(x)["probabilities"], label)["value"]
    """
    p = _rows("probabilities", probabilities)
    right = p.argmax(1) == checked_labels(label, *p.shape)
    return _metric(right.mean(), _stderr(right), f"share of {len(p):,} samples classified as the class asked for")


# ------------------------------------------------------------------------------------------ pieces


def _balls(centres, k, points):
    """For each point, the number of centres' balls that hold it; for each centre, whether its ball holds a point."""
    from sklearn.metrics import pairwise_distances_chunked
    from sklearn.neighbors import NearestNeighbors

    radius = NearestNeighbors(n_neighbors=k).fit(centres).kneighbors()[0][:, -1]
    counts, covered = [], np.zeros(len(centres), bool)
    for distances in pairwise_distances_chunked(points, centres, working_memory=64):
        inside = distances <= radius * (1 + 1e-9)  # a ball holds the neighbour that bounds it, for all the rounding
        counts.append(inside.sum(1))
        covered |= inside.any(0)
    return np.concatenate(counts), covered


def _moments(x):
    return x.mean(0), np.atleast_2d(np.cov(x, rowvar=False))


def _parts(metric, n, parts, least=1):
    """The row numbers 0 .. n - 1 in `parts` disjoint parts, at random but always alike."""
    if n < whole_number("number of parts", parts) * least:
        raise InvalidInput(f"{metric} over {parts} parts needs at least {parts * least} rows, not {n}; give more")
    return np.array_split(np.random.default_rng(0).permutation(n), parts)


def _pair(real, generated, metric, least):
    real, generated = _rows("real", real), _rows("generated", generated)
    if real.shape[1] != generated.shape[1]:
        raise InvalidInput(
            f"real rows have {real.shape[1]} features and generated ones {generated.shape[1]}; give the same features"
        )
    for name, rows in (("real", real), ("generated", generated)):
        if len(rows) < least:
            raise InvalidInput(f"{metric} needs at least {least} {name} rows, not {len(rows)}; give more")
    return real, generated


def checked_labels(label, n, classes):
    label = np.asarray(label)
    if label.shape != (n,):
        raise InvalidInput(f"labels of shape {list(label.shape)} do not fit {n} samples; give one for each")
    if label.min() < 0 or label.max() >= classes:
        raise InvalidInput(f"labels from {label.min()} to {label.max()} do not fit {classes} classes; mend them")
    return label


def _rows(name, x):
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or not x.size:
        raise InvalidInput(f"{name} has shape {list(x.shape)}; give one row for each image, [n, d]")
    if not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x))[0][0])
        raise InvalidInput(f"{name} holds NaN or infinity in row {row}; mend the model that made it")
    return x


def _metric(value, stderr, protocol):
    return {"value": float(value), "stderr": stderr, "protocol": protocol}


def _stderr(values):
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
