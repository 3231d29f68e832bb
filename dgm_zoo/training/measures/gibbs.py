"""Samples of p* by Gibbs chains, and images with one half redrawn."""

import numpy as np

from dgm_zoo import viz
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.training.measures.base import Context, Measure, register_measure

SWEEPS = (10, 100)  # lengths of the chains in the picture
COUNT = 16  # images per row


def draw_chains(context: Context) -> dict:
    model = context.model
    chains = {f"p*, {steps} sweeps": model.gibbs(COUNT, steps, seed=0) for steps in SWEEPS}
    of_p = {"p, ancestral": model.gibbs(COUNT, 0, seed=0), "p*, resampled": model.resample(COUNT, seed=0)}
    return {"gibbs.png": lambda path: viz.save_rows({**of_p, **chains}, path)}


def draw_inpainted(context: Context) -> dict:
    found = inpainted(context.model, context.first[0][:COUNT])
    return {"inpainting.png": lambda path: viz.save_rows(found, path)}


def inpainted(model: GenerativeModel, x: np.ndarray) -> dict:
    """Returns rows of images by name: x, its known half (left half, then upper half), and two completions.

    Args:
      model: has the endpoint `inpaint`.
      x: images `[n, H, W, C]` of zeros and ones.
    """
    mask, half = np.zeros_like(x), len(x) // 2
    mask[:half, :, : x.shape[2] // 2] = 1
    mask[half:, : x.shape[1] // 2] = 1
    completed = {f"completed, seed {seed}": model.inpaint(x, mask, SWEEPS[-1], seed) for seed in (0, 1)}
    return {"test image": x, "known half": mask * x + (1 - mask) * 0.5, **completed}


register_measure(Measure(
    "gibbs", "Samples of p, and of p* by resampling and by Gibbs chains of two lengths.",
    abilities=frozenset({"gibbs", "resample"}), data=frozenset({"images"}), files=("gibbs.png",), draw=draw_chains,
))
register_measure(Measure(
    "inpainting", "Test images of which one half is known, and two completions of each.",
    endpoints={"inpaint": ("x", "mask")}, data=frozenset({"images"}), files=("inpainting.png",), draw=draw_inpainted,
))
