"""Pictures as PNG files: sample grids, reconstructions, interpolations, latent maps, points and training curves.

Every function takes NumPy arrays and a path, makes the path's folder if need be, and writes the same bytes for
the same input. None of them touches matplotlib's global state, so a notebook's backend and style stay as they are.
"""

from dgm_zoo.viz.grids import save_grid, save_interpolation, save_pairs, save_rows
from dgm_zoo.viz.plots import save_curves, save_latent_map, save_points

__all__ = [
    "save_curves", "save_grid", "save_interpolation", "save_latent_map", "save_pairs", "save_points", "save_rows",
]
