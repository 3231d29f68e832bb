"""The pictures of the pages, graphical models and samples of the presets; each is drawn once, into build/pictures."""

import contextlib
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

from dgm_zoo import models, serving, viz
from dgm_zoo.cli.main import main

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "pictures"


def schematic(name: str) -> bytes:
    """Returns the schematic graphical model of a registered model, as SVG."""
    formulation = models.formulation_of(name)
    key = repr(formulation) + Path(viz.schematic.__file__).read_text(encoding="utf-8")
    return kept(f"schematic-{name}.svg", key.encode(), lambda path: viz.save_schematic([formulation], path))


def beside(preset: str) -> bool:
    """Returns whether a preset has a picture of samples beside its card."""
    return (Path(serving.preset_dir(preset)) / "samples.png").is_file()


def sample_command(preset: str, out: str = "samples.png") -> list[str]:
    """Returns the words after `dgm-zoo` that draw a preset's samples."""
    return ["sample", f"--preset={preset}", "--n=64", "--seed=0", f"--out={out}"]


def samples(preset: str) -> bytes:
    """Returns samples of a preset as PNG: those beside its card, or 64 as `dgm-zoo sample` draws them.

    Empty if they have no picture.

    Raises:
      RuntimeError: the command failed for another reason than the kind of the samples.
    """
    folder = Path(serving.preset_dir(preset))
    if beside(preset):
        return (folder / "samples.png").read_bytes()
    return kept(f"samples-{preset}.png", (folder / "metadata.json").read_bytes(), lambda path: _draw(preset, path))


def _draw(preset, path):
    said, words = io.StringIO(), sample_command(preset, str(path))
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        failed = main(words)
    if failed and not ("are vectors" in said.getvalue() or "'sample'" in said.getvalue()):
        raise RuntimeError(f"dgm-zoo {' '.join(words)}: {said.getvalue()}")
    if failed:
        path.write_bytes(b"")


def kept(name: str, key: bytes, draw: Callable[[Path], None]) -> bytes:
    """Returns the content of a file that `draw` writes, from an earlier build if `key` is the same."""
    stem, ending = os.path.splitext(name)
    path = KEPT / f"{stem}-{hashlib.sha256(key).hexdigest()[:16]}{ending}"
    if not path.is_file():
        KEPT.mkdir(parents=True, exist_ok=True)
        new = KEPT / f"new-{name}"
        draw(new)
        new.replace(path)
    return path.read_bytes()
