"""Pictures: sample grids, reconstructions, interpolations, latent maps, points, training curves, piano-rolls, graphical
models; and music as MIDI and sound files.

Every function that draws takes NumPy arrays and a path, makes the path's folder if need be, and writes a PNG file, the
same bytes for the same input; `save_schematic` takes formulations, and writes SVG and PDF too. None of them touches
matplotlib's global state, so a notebook's backend and style stay as they are.
"""

from dgm_zoo.viz.grids import save_grid, save_interpolation, save_pairs, save_rows
from dgm_zoo.viz.midi import save_midi, save_wav, to_midi
from dgm_zoo.viz.pianoroll import save_pianoroll
from dgm_zoo.viz.plots import save_comparison, save_curves, save_latent_map, save_points
from dgm_zoo.viz.schematic import check_schematic_path, save_schematic

__all__ = [
    "check_schematic_path", "save_comparison", "save_curves", "save_grid", "save_interpolation", "save_latent_map",
    "save_midi", "save_pairs", "save_pianoroll", "save_points", "save_rows", "save_schematic", "save_wav", "to_midi",
]
