"""Grids of images in one PNG file, drawn with Pillow."""

import math
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dgm_zoo.checks import real_array, shown, whole_number
from dgm_zoo.errors import InvalidInput
from dgm_zoo.files import whole

TILE = 56  # minimum length in pixels of a tile's longer side
GAP = 2
BACKGROUND = 96  # grey, so that both black and white tiles have a visible edge
STRIP, NARROWEST = 18, 80  # height and minimum width in pixels of a line of text
PAIRS = 16  # pairs in a row


def save_grid(images: np.ndarray, path: str | os.PathLike, columns: int | None = None) -> None:
    """Writes images as one grid, row by row.

    Args:
      images: `[N, H, W, C]` in [0, 1], C = 1 (grey) or 3 (RGB). Values outside that range, which the mean of a
        normal head can take, are clipped. Small images are enlarged by an integer factor without smoothing.
      path: the PNG file.
      columns: tiles per row; None for a grid as nearly square as possible.

    Raises:
      InvalidInput: images with another shape, no images, or NaN; columns below 1.

    Example:
      >>> save_grid(model.sample(64, seed=0), "samples.png")
    """
    images = _checked("images", images, "[N, H, W, C]")
    columns = math.ceil(math.sqrt(len(images))) if columns is None else columns
    _save(_tiles(images, min(whole_number("columns", columns), len(images))), path)


def save_pairs(x: np.ndarray, reconstruction: np.ndarray, path: str | os.PathLike) -> None:
    """Writes originals above their reconstructions, in labelled pairs of rows.

    Args:
      x, reconstruction: `[N, H, W, C]`, one reconstruction per original; see `save_grid`. A row has 16 pairs.
      path: the PNG file.

    Raises:
      InvalidInput: as `save_grid`; or arrays of different shapes.

    Example:
      >>> save_pairs(x[:16], model.reconstruct(x[:16]), "reconstructions.png")
    """
    x, reconstruction = real_array("x", x), real_array("reconstruction", reconstruction)
    shapes = [list(x.shape), list(reconstruction.shape)]
    x = _checked("x", x, "[N, H, W, C]")
    reconstruction = _checked("reconstruction", reconstruction, "[N, H, W, C]")
    if shapes[0] != shapes[1]:
        raise InvalidInput(f"x has shape {shapes[0]} and reconstruction {shapes[1]}; make them equal")
    columns = min(PAIRS, len(x))
    bands = []
    for start in range(0, len(x), columns):
        for name, images in {"original": x, "reconstruction": reconstruction}.items():
            bands.append(_labelled(name, _tiles(images[start : start + columns], columns)))
    _save(np.concatenate(bands), path)


def save_rows(rows: dict[str, np.ndarray], path: str | os.PathLike) -> None:
    """Writes rows of images, each labelled with its name.

    Args:
      rows: dict of name to images `[N, H, W, C]`, all of one shape; see `save_grid`.
      path: the PNG file.

    Raises:
      InvalidInput: as `save_grid`; no rows, or rows of different shapes.

    Example:
      >>> save_rows({"GAN": gan.sample(16, seed=0), "VAE": vae.sample(16, seed=0)}, "samples.png")
    """
    if not isinstance(rows, dict):
        raise InvalidInput(f"rows is {shown(rows)}; give a dict of name to images [N, H, W, C]")
    rows = {name: real_array(f"row '{name}'", images, "[N, H, W, C]") for name, images in rows.items()}
    shapes = {name: list(images.shape) for name, images in rows.items()}
    if not rows or any(shape != next(iter(shapes.values())) for shape in shapes.values()):
        raise InvalidInput(f"rows have shapes {shapes}; give at least one row, and rows of equal shape")
    checked = {name: _checked(f"row '{name}'", images, "[N, H, W, C]") for name, images in rows.items()}
    _save(np.concatenate([_labelled(name, _tiles(images, len(images))) for name, images in checked.items()]), path)


def save_interpolation(rows: np.ndarray, path: str | os.PathLike) -> None:
    """Writes interpolations, one path through latent space per row.

    Args:
      rows: `[R, S, H, W, C]`, R paths of S steps; see `save_grid` for the values.
      path: the PNG file.

    Raises:
      InvalidInput: as `save_grid`.

    Example:
      >>> save_interpolation(model.decode(z.reshape(-1, 8)).reshape(6, 11, 8, 8, 1), "interpolation.png")
    """
    rows = _checked("rows", rows, "[R, S, H, W, C]")
    _save(_tiles(rows.reshape(-1, *rows.shape[2:]), rows.shape[1]), path)


def _checked(name, images, wanted):
    """Returns the images as uint8 with three channels."""
    images = real_array(name, images, f"{wanted} with C = 1 or 3")
    if images.ndim != wanted.count(",") + 1 or images.shape[-1] not in (1, 3) or images.size == 0:
        raise InvalidInput(f"{name} has shape {list(images.shape)}; give {wanted} with C = 1 or 3")
    images = images.astype(np.float64)
    if np.isnan(images).any():
        raise InvalidInput(f"{name} holds NaN, which cannot be drawn; check the model that made it")
    grey = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
    return np.broadcast_to(grey, (*grey.shape[:-1], 3))


def _tiles(images, columns):
    """Returns one picture `[height, width, 3]` of uint8 images `[N, H, W, 3]`, with a gap around each tile."""
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
    """Returns the picture below a line of text, on a white background wide enough for both."""
    ground = Image.new("RGB", (max(picture.shape[1], NARROWEST), STRIP + picture.shape[0]), "white")
    ImageDraw.Draw(ground).text((GAP, 2), text, fill="black", font=ImageFont.load_default())
    ground.paste(Image.fromarray(picture), (0, STRIP))
    return np.asarray(ground)


def _save(picture, path):
    with whole(path) as partial:
        Image.fromarray(picture).save(partial, format="PNG")
