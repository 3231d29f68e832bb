"""Answers as HTML: pictures, bars, numbers, curves and music, each in the page itself, so that no file is left over."""

import base64
import html
import os
import tempfile
from collections.abc import Callable

import numpy as np
from PIL import Image

from dgm_zoo import viz
from dgm_zoo.data.tracks import Track
from dgm_zoo.errors import InvalidInput
from dgm_zoo.play import controls
from dgm_zoo.play.exhibits import Exhibit

PHRASES = 4  # phrases of music that are drawn and played
UNITS = {"log_likelihood": "nats"}


def answer(exhibit: Exhibit, outputs: dict[str, np.ndarray], columns: int | None = None) -> str:
    """Returns the outputs of an endpoint as HTML.

    Args:
      exhibit: the model that answered.
      outputs: dict of name to `[n, ...]`.
      columns: pictures in a row; None for a grid as nearly square as possible.
    """
    parts = {name: _one(exhibit, name, value, columns) for name, value in outputs.items()
             if not (name == "logits" and "probabilities" in outputs)}
    if len(parts) == 1:
        return next(iter(parts.values()))
    named = "".join(f"<figure><figcaption>{html.escape(name)}</figcaption>{part}</figure>"
                    for name, part in parts.items())
    return f"<div class='parts'>{named}</div>"


def refused(error: InvalidInput) -> str:
    """Returns the sentence of an error as HTML."""
    return f"<p class='refused' role='alert'>{html.escape(str(error))}</p>"


def card(title: str, says: str, body: str) -> str:
    """Returns an answer under its heading and explanation."""
    return f"<section class='card'><h3>{html.escape(title)}</h3>{says}{body}</section>"


def picture(images: np.ndarray, columns: int | None = None, alt: str = "pictures") -> str:
    """Returns images `[n, height, width, 1 or 3]` as one grid, an HTML image."""
    return f"<img class='grid' alt='{html.escape(alt)}' src='{uri(images, columns)}'>"


def uri(images: np.ndarray, columns: int | None = None) -> str:
    """Returns images `[n, height, width, 1 or 3]` as one grid, a data URI."""
    return _uri(_file(lambda path: viz.save_grid(images, path, columns), ".png"), "image/png")


def images(exhibit: Exhibit, value: np.ndarray) -> np.ndarray | None:
    """Returns an output `[n, ...]` as images `[n, height, width, channels]`; None if it cannot be drawn so.

    Besides images these are the vectors of bits that the model itself takes.
    """
    if value.ndim == 4 and value.shape[-1] in (1, 3):
        return value
    for panel in exhibit.panels:
        if panel.kind == controls.PICTURE and tuple(panel.wanted.shape) == value.shape[1:]:
            return value.reshape(-1, *(controls.sheet(panel.wanted)))
    return None


def uploaded(path: str | os.PathLike) -> np.ndarray:
    """Returns an image file as one row of an endpoint's input, `[1, height, width, 1 or 3]` in [0, 1].

    Neither size nor values are changed to suit a model, which says itself what it takes.

    Raises:
      InvalidInput: the file is not an image.
    """
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L" if image.mode in ("1", "L", "LA", "I;16") else "RGB"), "float32")
    except (OSError, ValueError, Image.DecompressionBombError):
        raise InvalidInput(f"'{os.path.basename(path)}' cannot be read as an image; give a PNG or JPEG file") from None
    return (pixels if pixels.ndim == 3 else pixels[..., None])[None] / 255


def _one(exhibit, name, value, columns):
    """One output `[n, ...]` as HTML."""
    drawn = images(exhibit, value)
    if drawn is not None:
        return picture(drawn, columns, f"{exhibit.name}: {name}")
    shape = value.shape[1:]
    if len(shape) == 4:
        return music(exhibit, value)
    if shape == ():
        unit = UNITS.get(name, "")
        return f"<p class='number'>{', '.join(f'{one:.2f}' for one in value)} <small>{unit}</small></p>"
    if name == "probabilities" and len(value) == 1:
        return _bars(value[0])
    if shape == (2,) and len(value) > 1:
        return _image(_file(lambda path: viz.save_points({exhibit.name: value}, path), ".png"), "points")
    if len(shape) == 1:
        return _levels(value[0])
    return f"<p>an array {list(value.shape)}</p>"


def music(exhibit: Exhibit, phrases: np.ndarray) -> str:
    """Returns phrases `[n, bars, steps, pitches, tracks]` of zeros and ones as a piano-roll and sound to play."""
    phrases = phrases[:PHRASES]
    tracks = exhibit.music.tracks if exhibit.music else ()
    if len(tracks) != phrases.shape[-1]:
        tracks = tuple(Track(f"track {i}", 0) for i in range(1, phrases.shape[-1] + 1))
    roll = _file(lambda path: viz.save_pianoroll(phrases, tracks, path), ".png")
    sound = _file(lambda path: viz.save_wav(phrases.reshape(-1, *phrases.shape[2:]), tracks, path), ".wav")
    return f"{_image(roll, 'piano-roll')}<audio controls src='{_uri(sound, 'audio/wav')}'></audio>"


def _bars(probabilities):
    rows = "".join(
        f"<tr><th>{i}</th><td><span class='bar' style='width:{100 * p:.1f}%'></span></td><td>{p:.1%}</td></tr>"
        for i, p in enumerate(probabilities)
    )
    return f"<p class='number'>{int(np.argmax(probabilities))}</p><table class='bars'>{rows}</table>"


def _levels(values):
    """A vector as a row of bars around zero, with its numbers on hover."""
    reach = max(float(np.abs(values).max()), 1e-9)
    bars = "".join(
        f"<rect x='{4 * i}' width='3' y='{20 - 20 * max(v, 0) / reach:.1f}' height='{20 * abs(v) / reach:.1f}'>"
        f"<title>{i}: {v:.3f}</title></rect>"
        for i, v in enumerate(values)
    )
    width = 4 * len(values)
    return (
        f"<svg class='levels' viewBox='0 0 {width} 40' preserveAspectRatio='none'>{bars}</svg>"
        f"<p class='symbols'>{len(values)} numbers, from {values.min():.2f} to {values.max():.2f}</p>"
    )


def _file(write: Callable[[str], None], ending: str) -> bytes:
    """Returns what `write` writes to a path with this ending."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"answer{ending}")
        write(path)
        with open(path, "rb") as file:
            return file.read()


def _image(png, alt):
    return f"<img class='plot' alt='{alt}' src='{_uri(png, 'image/png')}'>"


def _uri(content, kind):
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
