"""The panels of codes z: a map and sliders, and the path between two."""

import gradio as gr
import numpy as np

from dgm_zoo.play import codes, controls, drawing, show, widgets, words
from dgm_zoo.play.controls import Panel
from dgm_zoo.play.exhibits import Exhibit
from dgm_zoo.play.widgets import QUIET, kept, pickers

CORNERS = {True: "the ends of its range", False: "four codes drawn from p(z)"}
TILES, STEPS = 9, 11  # on a side of the map; on a path between two pictures


def code_panel(exhibit: Exhibit, panel: Panel, at: int) -> None:
    """Adds a map between four codes to drag through, and sliders for the coordinates that matter most."""
    endpoint = panel.endpoints[0]
    span = codes.span(exhibit, panel)
    drawable = len(_pictures(exhibit, panel)) > 0 and span.total > 1

    def answer(z, seed, given):
        return "".join(
            show.answer(exhibit, exhibit.ask(one, 1, seed, {panel.name: z, **given})) for one in panel.endpoints
        )

    def places(z):
        """The sliders' values."""
        return [round(float(np.clip(z[i], span.low, span.high)), 2) for i in span.indices]

    def start(seed, *values):
        inputs, corners = given(*values), codes.corners(exhibit, panel, span, seed)
        z = codes.at(corners, 0.5, 0.5)
        value = {}
        if drawable:
            tiles = exhibit.ask(endpoint, TILES**2, seed, {panel.name: codes.grid(corners, TILES), **inputs})
            pictures = [one for one in (show.images(exhibit, v) for v in tiles.values()) if one is not None]
            value = {"picture": show.uri(pictures[0], TILES), "a": 0.5, "b": 0.5}
        return [value, z.tolist(), *places(z), answer(z, seed, inputs)]

    def dragged(point, seed, *values):
        z = codes.at(codes.corners(exhibit, panel, span, seed), point["a"], point["b"])
        return [z.tolist(), *places(z), answer(z, seed, given(*values))]

    def slid(z, seed, *values):
        z, count = np.asarray(z, "float32"), len(span.indices)
        z[list(span.indices)] = values[:count]
        return z.tolist(), answer(z, seed, given(*values[count:]))

    gr.HTML(words.says(exhibit, endpoint))
    parts, given = pickers(panel.extras)
    value, z, *at_first, first = start(at, *(part.value for part in parts))
    state = gr.State(z)
    with gr.Row():
        with gr.Column(min_width=280):
            plane = widgets.map_of_codes(value, elem_classes="plane", visible=drawable)
            gr.HTML(f"<p class='symbols'>Drag it: the corners are {CORNERS[span.total == 2]}.</p>", visible=drawable)
            seed = gr.Number(at, label="Seed of the corners", precision=0, visible=span.total != 2)
        shown = gr.HTML(first, elem_classes=["answer", "code"])
    gr.HTML(f"<p class='symbols'>Of the {span.total} numbers of {panel.name}, these change the picture most.</p>",
            visible=span.total > len(at_first))
    sliders = []
    for i in range(0, len(at_first), 4):
        with gr.Row():
            sliders += [
                gr.Slider(span.low, span.high, value, label=f"{panel.name} {index + 1}", step=0.01, min_width=120)
                for index, value in zip(span.indices[i : i + 4], at_first[i : i + 4], strict=True)
            ]
    gr.on([one.change for one in (seed, *parts)], kept(start, len(sliders) + 2), [seed, *parts],
          [plane, state, *sliders, shown], **QUIET)
    plane.input(kept(dragged, len(sliders) + 1), [plane, seed, *parts], [state, *sliders, shown], **QUIET)
    gr.on([one.input for one in sliders], kept(slid, 1), [state, seed, *sliders, *parts], [state, shown], **QUIET)


def _pictures(exhibit, panel):
    """The outputs of a panel's first endpoint that can be drawn."""
    shapes = exhibit.shapes(panel.endpoints[0])
    return [name for name, shape in shapes.items() if show.images(exhibit, np.zeros((1, *shape))) is not None]


# ------------------------------------------------------------------------------------------------ between two


def paths(exhibit: Exhibit) -> list[tuple[Panel | None, Panel]]:
    """The panels of `encode` and `decode` if codes can be mixed; None for the first if it gives no such codes."""
    of = {endpoint: panel for panel in exhibit.panels for endpoint in panel.endpoints}
    end = of.get("decode")
    if end is None or not _pictures(exhibit, end) or controls.SEED in exhibit.table["decode"].inputs:
        return []
    start, size = of.get("encode"), tuple(end.wanted.shape)
    found = exhibit.shapes("encode") if start is not None and start.kind == controls.PICTURE else {}
    return [(start if size in (found.get("mean"), found.get("logits")) else None, end)]


def path_panel(exhibit: Exhibit, start: Panel | None, end: Panel, at: int) -> None:
    """Adds the path between the codes of two pictures or, for a model that cannot encode, between two drawn codes."""
    says = ("<p class='says'>q(z|x) reads the code of each picture; p(x|z) draws what lies on the straight line from "
            "one code to the other." if start else
            "<p class='says'>This model has no q(z|x) that reads codes from pictures, so chance picks the two ends: "
            "codes drawn from p(z), by seed.")
    gr.HTML(f"{says} Between two pictures a good code has pictures too, not a fade from one to the other.</p>")
    extras = {**(start.extras if start else {}), **end.extras}
    with gr.Row():
        if start is None:
            ends = [gr.Number(value, label=label, precision=0) for label, value in (("from seed", at), ("to", at + 1))]
        else:
            ends = []
            for value in (at, at + 1):
                with gr.Column(min_width=200):
                    ends.append(drawing.sheet(exhibit, start._replace(masked=False), gr.State(value), value))
    parts, given = pickers(extras)

    @kept
    def answer(one, two, *values):
        inputs = given(*values)
        if start is None:
            z = [codes.draws(exhibit, end, 1, value)[0] for value in (one, two)]
        else:
            x = np.stack([widgets.drawn(value, start.wanted)[0] for value in (one, two)])
            z = codes.code_of(exhibit.ask("encode", 2, given={start.name: x, **inputs}))
        decoded = exhibit.ask("decode", STEPS, given={end.name: codes.path(z[0], z[1], STEPS), **inputs})
        return show.answer(exhibit, decoded, columns=STEPS)

    inputs = [*ends, *parts]
    shown = gr.HTML(answer(*(one.value for one in inputs)), elem_classes=["answer", "path"])
    gr.on([one.change for one in inputs], answer, inputs, shown, **QUIET)
