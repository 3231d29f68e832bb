"""Pictures: sample grids, reconstructions, interpolations, latent maps, points, training curves, graphical models.

Every function takes NumPy arrays and a path, creates the folder if it is missing, and writes a PNG file; equal inputs
give equal bytes. `save_schematic` takes formulations and also writes SVG and PDF. The functions do not change
matplotlib's global state, so the backend and style of a notebook are unaffected.
"""

from dgm_zoo.viz.grids import save_grid, save_interpolation, save_pairs, save_rows
from dgm_zoo.viz.plots import save_curves, save_latent_map, save_points
from dgm_zoo.viz.schematic import check_schematic_path, save_schematic

__all__ = [
    "check_schematic_path", "save_curves", "save_grid", "save_interpolation", "save_latent_map", "save_pairs",
    "save_points", "save_rows", "save_schematic",
]
