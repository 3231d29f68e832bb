"""Draws a folder of pictures, `shapes/`, in the place of your own: discs and squares of any place, size and grey."""

from pathlib import Path

import numpy as np
from PIL import Image

COUNT, SIDE = 400, 32


def picture(rng):
    """Returns one picture, uint8 `[SIDE, SIDE]`."""
    grid = np.mgrid[:SIDE, :SIDE]
    centre, radius = rng.uniform(9, SIDE - 9, (2, 1, 1)), rng.uniform(3, 8)
    far = np.abs(grid - centre)
    inside = far.max(0) < radius if rng.random() < 0.5 else (far**2).sum(0) < radius**2
    return (rng.uniform(120, 255) * inside).astype("uint8")


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    Path("shapes").mkdir(exist_ok=True)
    for i in range(COUNT):
        Image.fromarray(picture(rng)).save(f"shapes/{i:03d}.png")
    print(f"drew {COUNT} pictures into shapes/")
