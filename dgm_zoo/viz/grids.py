"""Images as tiles of one PNG, drawn with Pillow alone."""

import math
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dgm_zoo.checks import whole_number
from dgm_zoo.errors import InvalidInput

TILE = 56  # pixels that the longer side of a tile has at least
GAP = 2
BACKGROUND = 96  # grey, so that both black and white tiles have a visible edge
STRIP, NARROWEST = 18, 80  # height and least width in pixels of a line of text
PAIRS = 16  # pairs in a row


def save_grid(images, path, columns=None):
    """Writes images as one grid, row by row.

    Args:
      images: `[N, H, W, C]` in [0, 1], C = 1 (grey) or 3 (RGB); values outside, which the mean of a normal head
        can take, are drawn as 0 or 1. Small images are enlarged by a whole factor, without smoothing.
      path: the PNG file.
      columns: tiles in a row; None for a grid as nearly square as N allows.

    Raises:
      InvalidInput: images of another shape, none at all, or with NaN; columns below 1.

    Example:
      >>> save_grid(model.sample(64, seed=0), "samples.png")
    """
    images = _checked("images", images, "[N, H, W, C]")
    columns = math.ceil(math.sqrt(len(images))) if columns is None else columns
    _save(_tiles(images, min(whole_number("columns", columns), len(images))), path)


def save_pairs(x, reconstruction, path):
    """Writes originals above their reconstructions, in labelled pairs of rows.

    Args:
      x, reconstruction: `[N, H, W, C]`, one reconstruction for each original; see `save_grid`. 16 pairs stand
        in a row.
      path: the PNG file.

    Raises:
      InvalidInput: see `save_grid`; or two arrays of different shapes.

    Example:
      >>> save_pairs(x[:16], model.reconstruct(x[:16]), "reconstructions.png")
    """
    shapes = [list(np.shape(x)), list(np.shape(reconstruction))]
    x = _checked("x", x, "[N, H, W, C]")
    reconstruction = _checked("reconstruction", reconstruction, "[N, H, W, C]")
    if shapes[0] != shapes[1]:
        raise InvalidInput(f"x has shape {shapes[0]} and reconstruction {shapes[1]}; give one for each original")
    columns = min(PAIRS, len(x))
    bands = []
    for start in range(0, len(x), columns):
        for name, images in {"original": x, "reconstruction": reconstruction}.items():
            bands.append(_labelled(name, _tiles(images[start : start + columns], columns)))
    _save(np.concatenate(bands), path)


def save_rows(rows, path):
    """Writes rows of images, each under its name.

    Args:
      rows: dict of name to images `[N, H, W, C]`, all of one shape; see `save_grid`.
      path: the PNG file.

    Raises:
      InvalidInput: see `save_grid`; no rows, or rows of different shapes.

    Example:
      >>> save_rows({"GAN": gan.sample(16, seed=0), "VAE": vae.sample(16, seed=0)}, "samples.png")
    """
    shapes = {name: list(np.shape(images)) for name, images in rows.items()}
    if not rows or any(shape != next(iter(shapes.values())) for shape in shapes.values()):
        raise InvalidInput(f"rows have shapes {shapes}; give at least one row, and all of one shape")
    checked = {name: _checked(f"row '{name}'", images, "[N, H, W, C]") for name, images in rows.items()}
    _save(np.concatenate([_labelled(name, _tiles(images, len(images))) for name, images in checked.items()]), path)


def save_interpolation(rows, path):
    """Writes one path through latent space per row.

    Args:
      rows: `[R, S, H, W, C]`, R paths of S steps; see `save_grid` for the values.
      path: the PNG file.

    Raises:
      InvalidInput: see `save_grid`.

    Example:
      >>> save_interpolation(model.decode(z.reshape(-1, 8)).reshape(6, 11, 8, 8, 1), "interpolation.png")
    """
    rows = _checked("rows", rows, "[R, S, H, W, C]")
    _save(_tiles(rows.reshape(-1, *rows.shape[2:]), rows.shape[1]), path)


def _checked(name, images, wanted):
    """Returns the images as uint8 with three channels."""
    images = np.asarray(images)
    if images.ndim != wanted.count(",") + 1 or images.shape[-1] not in (1, 3) or images.size == 0:
        raise InvalidInput(f"{name} has shape {list(images.shape)}; give {wanted} with C = 1 or 3")
    images = images.astype(np.float64)
    if np.isnan(images).any():
        raise InvalidInput(f"{name} holds NaN, which no picture can show; check the model that made it")
    grey = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
    return np.broadcast_to(grey, (*grey.shape[:-1], 3))


def _tiles(images, columns):
    """One picture `[height, width, 3]` of uint8 images `[N, H, W, 3]`, with a gap around each tile."""
    scale = math.ceil(TILE / max(images.shape[1:3]))
    images = images.repeat(scale, 1).repeat(scale, 2)
    height, width = images.shape[1] + GAP, images.shape[2] + GAP
    lines = math.ceil(len(images) / columns)
    picture = np.full((lines * height + GAP, columns * width + GAP, 3), BACKGROUND, np.uint8)
    for i, image in enumerate(images):
        top, left = GAP + i // columns * height, GAP + i % columns * width
        picture[top : top + height - GAP, left : left + width - GAP] = image
    return picture


def _labelled(text, picture):
    """The picture under a line of text, on a white ground that is wide enough for both."""
    ground = Image.new("RGB", (max(picture.shape[1], NARROWEST), STRIP + picture.shape[0]), "white")
    ImageDraw.Draw(ground).text((GAP, 2), text, fill="black", font=ImageFont.load_default())
    ground.paste(Image.fromarray(picture), (0, STRIP))
    return np.asarray(ground)


def _save(picture, path):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    Image.fromarray(picture).save(path, format="PNG")
