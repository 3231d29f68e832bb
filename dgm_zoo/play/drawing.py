"""The panel of a drawing: a sheet to draw on, and what every endpoint that takes such a picture answers."""

import gradio as gr

from dgm_zoo.play import controls, show, widgets, words
from dgm_zoo.play.controls import Panel
from dgm_zoo.play.exhibits import Exhibit
from dgm_zoo.play.widgets import QUIET, kept, pickers

VARIANTS = 8  # pictures that answer one drawing, where chance has a part in the answer
TRIES = 10  # seeds that are tried for an example that differs


def picture_panel(exhibit: Exhibit, panel: Panel, seed: gr.Number, at: int) -> gr.HTML:
    """Adds a sheet to draw on and the answers of every endpoint that takes such a picture; returns the sheet."""
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            paper = sheet(exhibit, panel, seed, at)
            parts, given = pickers(panel.extras)

        endpoints = sorted(panel.endpoints, key=lambda endpoint: _place(exhibit, endpoint))

        def answer(value, seed, *values):
            x, known = widgets.drawn(value, panel.wanted)
            inputs = {**given(*values), panel.name: x, controls.MASK: known}
            return "".join(_card(exhibit, endpoint, seed, inputs) for endpoint in endpoints)

        with gr.Column(scale=2, min_width=320):
            first = answer(paper.value, at, *(part.value for part in parts))
            answers = gr.HTML(first, elem_classes=["answer", "answers"])
    moves = [seed] if any(_varies(exhibit, endpoint) for endpoint in endpoints) else []
    gr.on([one.change for one in (paper, *moves, *parts)], answer, [paper, seed, *parts], answers, **QUIET)
    return paper


def _place(exhibit, endpoint):
    """The place of an endpoint's answer: pictures first, then classes, then numbers, then codes."""
    shapes = exhibit.shapes(endpoint)
    if any(len(shape) > 1 or _drawable(exhibit, shape) for shape in shapes.values()):
        return 0
    return 1 if "probabilities" in shapes else 2 if () in shapes.values() else 3


def _drawable(exhibit, shape):
    """Whether an output of this shape is one that the model also takes as a picture."""
    return any(panel.kind == controls.PICTURE and shape == tuple(panel.wanted.shape) for panel in exhibit.panels)


def _varies(exhibit, endpoint):
    """Whether an endpoint answers with pictures in which chance has a part, so that several are worth a look."""
    taken = controls.SEED in exhibit.table[endpoint].inputs
    return taken and any(_drawable(exhibit, shape) for shape in exhibit.shapes(endpoint).values())


def _card(exhibit, endpoint, seed, inputs):
    """What one endpoint answers to a drawing, under its heading."""
    wanted, says = exhibit.table[endpoint].inputs, words.says(exhibit, endpoint)
    if controls.MASK in wanted and inputs[controls.MASK].all():
        hint = "<p>Choose <b>Hide</b> and paint over a part of the picture.</p>"
        return show.card(words.title(endpoint), says, hint)
    n = VARIANTS if _varies(exhibit, endpoint) else 1
    body = kept(lambda: show.answer(exhibit, exhibit.ask(endpoint, n, seed, inputs), columns=VARIANTS))()
    return show.card(words.title(endpoint), says, body)


def sheet(exhibit: Exhibit, panel: Panel, seed: gr.Component, at: int) -> gr.HTML:
    """Adds a sheet that starts with an example of the model, with buttons for another one and for a file."""
    wanted, example = panel.wanted, exhibit.example(panel, at)
    paper, note = widgets.canvas(wanted, panel.masked, example, elem_classes="sheet"), gr.HTML(elem_classes="note")

    def another(seed, value):
        """The example of this seed, or of the first one after it that differs from what is on the sheet."""
        every = (widgets.on_paper(exhibit.example(panel, seed + i), wanted) for i in range(TRIES))
        return next((found for found in every if found["pixels"] != value["pixels"]), value), ""

    def take(path):
        from dgm_zoo.core.endpoints import checked

        x = show.uploaded(path)
        x = x.reshape(1, -1) if len(wanted.shape) == 1 else x
        return widgets.on_paper(checked(panel.endpoints[0], {panel.name: wanted}, {panel.name: x})[panel.name][0],
                                wanted), ""

    with gr.Row():
        if example is not None:
            button = gr.Button("An example", size="sm", min_width=80)
            button.click(kept(another, 1), [seed, paper], [paper, note], **QUIET)
        upload = gr.UploadButton("Your picture", size="sm", min_width=80, elem_classes="upload")
        upload.upload(kept(take, 1), upload, [paper, note], **QUIET)
    return paper
