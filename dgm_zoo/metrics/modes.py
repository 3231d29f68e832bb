"""Mode coverage on 2-D mixtures: the number of modes that samples reach, and the share of samples near one."""

import numpy as np

from dgm_zoo import data
from dgm_zoo.checks import is_whole
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.rows import checked_rows

LEAST = 20  # samples of high quality that cover a mode
RADIUS = 3  # standard deviations; a share of 1 - exp(-RADIUS**2 / 2) of a mode's points lies within


def mode_coverage(points: np.ndarray, dataset: str, least: int = LEAST) -> dict:
    """Number of modes covered and share of samples of high quality, on a mixture of Gaussians in the plane.

    A sample is of high quality if it lies within 3 standard deviations of the nearest mode's centre. A mode is covered
    if at least `least` such samples are nearest to it. Many publications count a mode with a single
    sample; but of 2,500 samples spread uniformly over the square, at least one falls on most modes.

    Args:
      points: samples `[n, 2]`.
      dataset: name of a data set with `modes`, such as "gaussian_mixtures/ring".
      least: samples of high quality that cover a mode.

    Returns:
      dict of `modes_covered` and `high_quality`, each with `value`, `stderr` and `protocol`.

    Raises:
      InvalidInput: the data set has no modes, or the points have another shape or are too few to cover every mode.

    Example:
      >>> mode_coverage(model.sample(2500, seed=0), "gaussian_mixtures/ring")["modes_covered"]["value"]

    References: Srivastava et al., VEEGAN, 2017, section 4.1; Lin et al., PacGAN, 2018, section 4.1.
    """
    modes = data.info(dataset).modes
    if modes is None:
        raise InvalidInput(
            f"data set '{dataset}' is not a mixture of Gaussians and has no modes to count; leave mode_coverage out"
        )
    points, centres = checked_rows("points", points), np.array(modes.centres)
    if points.shape[1] != 2:
        raise InvalidInput(f"points of shape {list(points.shape)} do not suit; give finite ones, [n, 2]")
    if not is_whole(least):
        raise InvalidInput(f"least is {least!r}; give a whole number of samples, at least 1")
    if len(points) < least * len(centres):
        raise InvalidInput(
            f"{len(points)} points cannot put {least} on each of {len(centres)} modes; "
            f"give at least {least * len(centres)}"
        )
    distance = np.linalg.norm(points[:, None] - centres, axis=-1)
    near = distance.min(1) <= RADIUS * modes.stddev
    counts = np.bincount(distance.argmin(1)[near], minlength=len(centres))
    share = near.mean()
    within = f"within {RADIUS} standard deviations ({RADIUS * modes.stddev:g}) of the nearest mode"
    return {
        "modes_covered": {
            "value": int((counts >= least).sum()),
            "stderr": None,
            "protocol": f"of {len(centres)} modes, those with at least {least} of {len(points):,} samples {within}",
        },
        "high_quality": {
            "value": float(share),
            "stderr": float(np.sqrt(share * (1 - share) / len(points))),
            "protocol": f"share of {len(points):,} samples {within}; "
            f"the data's own is {1 - np.exp(-(RADIUS**2) / 2):.3f}",
        },
    }
