"""Parts of the page: a sheet to draw on, pixel by pixel, a map to drag through, choices; and errors as sentences."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from dgm_zoo.errors import InvalidInput
from dgm_zoo.play import controls, show

if TYPE_CHECKING:
    from dgm_zoo.core.endpoints import Input

WEB = Path(__file__).parent / "web"
TURN = "each in turn"
QUIET = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "always_last",
         "queue": False}  # of every event: no answer waits for that of another person


def read(name: str) -> str:
    """Returns a file of `web/`."""
    return (WEB / name).read_text(encoding="utf-8")


def canvas(wanted: "Input", masked: bool, x: np.ndarray | None = None, **kwargs: Any) -> gr.HTML:
    """Returns a sheet for a picture input, with x on it; with `masked` it has a brush that hides pixels.

    Its value is the dict `{"pixels": [...], "known": [...]}` of whole numbers; see `drawn` and `on_paper`.
    """
    height, width, channels = controls.sheet(wanted)
    return gr.HTML(
        value=on_paper(x, wanted), html_template=read("canvas.html"),
        js_on_load=read("canvas.js"), apply_default_css=False, width=width, height=height, channels=channels,
        binary=wanted.binary, masked=masked, **kwargs,
    )


def map_of_codes(value: dict, **kwargs: Any) -> gr.HTML:
    """Returns a map; its value is `{"picture": data URI, "a": 0.5, "b": 0.5}`, without the picture when dragged."""
    return gr.HTML(
        value=value, html_template=read("map.html"), js_on_load=read("map.js"), apply_default_css=False, **kwargs
    )


def drawn(value: dict, wanted: "Input") -> tuple[np.ndarray, np.ndarray]:
    """Returns a sheet's value as x in [0, 1] and as the mask of what is known, each of the input's shape."""
    _, _, channels = controls.sheet(wanted)
    known = np.repeat(np.asarray(value["known"], "float32"), channels)
    return np.asarray(value["pixels"], "float32").reshape(wanted.shape) / 255, known.reshape(wanted.shape)


def on_paper(x: np.ndarray | None, wanted: "Input") -> dict:
    """Returns x, of the input's shape, as a sheet's value with nothing hidden, bits rounded; None is an empty sheet."""
    height, width, _ = controls.sheet(wanted)
    share = np.clip(np.zeros(wanted.shape) if x is None else np.asarray(x, "float64"), 0, 1)
    share = share > 0.5 if wanted.binary else share
    return {"pixels": np.rint(255 * share).astype(int).ravel().tolist(), "known": [1] * (height * width)}


def kept(answer: Callable, others: int = 0) -> Callable:
    """Returns `answer` so that it shows the sentence of an `InvalidInput` in its last output, which is HTML.

    Args:
      answer: the function of an event.
      others: number of its outputs before the last, which an error leaves as they are.
    """

    def run(*values):
        try:
            return answer(*values)
        except InvalidInput as error:
            return [*(gr.skip() for _ in range(others)), show.refused(error)] if others else show.refused(error)

    return run


def pickers(extras: "dict[str, Input]", turn: bool = False) -> tuple[list, Callable[..., dict[str, Any]]]:
    """Adds the controls of further inputs; returns them, and the function from their values to inputs by name.

    Args:
      extras: see `Panel`.
      turn: whether a choice may be left open, so that the rows of an answer take each value in turn.
    """
    parts: list = []
    names: list[str] = []
    for name, wanted in extras.items():
        if controls.kind_of(name, wanted) == controls.CHOICE:
            every = [*([TURN] if turn else []), *map(str, controls.choices(wanted))]
            label = f"{name} ({every[-len(controls.choices(wanted))]} to {every[-1]})"
            parts.append(gr.Dropdown(every, value=every[0], label=label, interactive=True))
        else:
            low, high = wanted.range or (-1.0, 1.0)
            parts += [gr.Slider(low, high, (low + high) / 2, label=f"{name} {i + 1}") for i in range(wanted.shape[0])]
        names += [name] * (len(parts) - len(names))

    def given(*values):
        found: dict[str, Any] = {}
        for name, value in zip(names, values, strict=True):
            if controls.kind_of(name, extras[name]) == controls.CHOICE:
                found[name] = None if value == TURN else int(value)
            else:
                found.setdefault(name, []).append(value)
        return found

    return parts, given
