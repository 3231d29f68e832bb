"""Precision and recall, density and coverage: overlap of the manifolds of samples and real images."""

import numpy as np

from dgm_zoo.checks import whole_number
from dgm_zoo.metrics.rows import checked_pair, metric, stderr

_BLOCK = 2**23  # distances held in memory at a time


def precision_recall(real: np.ndarray, generated: np.ndarray, k: int = 3) -> dict:
    """Precision: the share of samples inside the real manifold. Recall: the share of real images inside the samples'.

    A set's manifold is the union of closed balls around its rows, each with its k-th nearest neighbour in the set on
    its surface. Noise widens the samples' manifold: it lowers the precision and can raise the recall. Copies of a row
    count as its neighbours.

    Args:
      real: features `[n, d]`, n > k.
      generated: features `[m, d]`, m > k.
      k: rank of the neighbour that sets a ball's radius.

    Returns:
      dict of `precision` and `recall`, their standard errors over samples and over real images, the balls held fixed.

    Raises:
      InvalidInput: the features differ in width, a set has at most k rows, or k is not a positive whole number.

    References: Kynkaanniemi et al., Improved Precision and Recall Metric for Assessing Generative Models, 2019,
      Eq. 1 and 2.

    Example:
      >>> precision_recall(real, generated)["recall"]["value"]
    """
    real, generated = checked_pair(real, generated, "precision and recall", least=whole_number("k", k) + 1)
    protocol = f"{len(generated):,} samples against {len(real):,}, k = {k}, s.e. over images"
    inside = {"precision": _balls(real, k, generated, closed=True)[0] > 0,
              "recall": _balls(generated, k, real, closed=True)[0] > 0}
    return {name: metric(one.mean(), stderr(one), protocol) for name, one in inside.items()}


def density_coverage(real: np.ndarray, generated: np.ndarray, k: int = 5) -> dict:
    """Density: how many real balls a sample lies in, over k. Coverage: the share of real balls with a sample in them.

    A real image's ball has its k-th nearest real neighbour on its surface. Both are near 1 for samples like the real
    images, and a few outliers among the real ones do not inflate them as they do precision. The balls are open, as in
    the authors' package `prdc`: a sample exactly at the k-th neighbour's distance is outside, and the ball of a real
    image with k copies is empty. So both are 0 if all features are equal.

    Args:
      real: features `[n, d]`, n > k.
      generated: features `[m, d]`, m > k.
      k: rank of the neighbour that sets a ball's radius.

    Returns:
      dict of `density` and `coverage`, their standard errors over samples and over real images, the balls held fixed.

    Raises:
      InvalidInput: the features differ in width, a set has at most k rows, or k is not a positive whole number.

    References: Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020, section 3.

    Example:
      >>> density_coverage(real, generated)["coverage"]["value"]
    """
    real, generated = checked_pair(real, generated, "density and coverage", least=whole_number("k", k) + 1)
    protocol = f"{len(generated):,} samples against {len(real):,}, k = {k}, s.e. over images"
    balls, covered = _balls(real, k, generated, closed=False)
    return {
        "density": metric(balls.mean() / k, stderr(balls / k), protocol),
        "coverage": metric(covered.mean(), stderr(covered), protocol),
    }


def _balls(centres, k, points, closed):
    """For each point, the number of balls that contain it; for each centre, whether its ball contains a point.

    Squared distances come from a matrix product, whose rounding error is a multiple of the rows' squared sizes. The
    rows are therefore centred on the median row, and a point within that error of a ball's surface counts as on it.

    Args:
      centres, points: `[n, d]` and `[m, d]`.
      k: rank of the neighbour that sets a ball's radius.
      closed: whether a ball contains the points on its surface.
    """
    from sklearn.neighbors import NearestNeighbors

    origin = np.median(centres, 0)
    centres, points = centres - origin, points - origin
    kth = NearestNeighbors(n_neighbors=k).fit(centres).kneighbors(return_distance=False)[:, -1]
    radius = ((centres - centres[kth]) ** 2).sum(1)
    sizes, unit = (centres**2).sum(1), 4 * np.finfo(float).eps * (centres.shape[1] + 2)
    counts, covered, rows = [], np.zeros(len(centres), bool), max(1, _BLOCK // len(centres))
    for start in range(0, len(points), rows):
        block = points[start : start + rows]
        size = (block**2).sum(1)[:, None] + sizes
        beyond, error = size - 2 * block @ centres.T - radius, unit * size
        inside = beyond <= error if closed else beyond < -error
        counts.append(inside.sum(1))
        covered |= inside.any(0)
    return np.concatenate(counts), covered
