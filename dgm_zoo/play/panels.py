"""The panels of one model: controls from its endpoint table, and what its answers look like."""

import gradio as gr

from dgm_zoo.play import controls, show, widgets, words
from dgm_zoo.play.controls import Panel
from dgm_zoo.play.drawing import picture_panel
from dgm_zoo.play.exhibits import Exhibit
from dgm_zoo.play.latent import code_panel, path_panel, paths
from dgm_zoo.play.music import accompany_panel
from dgm_zoo.play.widgets import QUIET, kept, pickers

SAMPLES, MOST_SAMPLES = 16, 64


def build(exhibit: Exhibit, seed: gr.Number, at: int) -> None:
    """Adds the panels of a model to the page that is being built.

    Args:
      exhibit: the model.
      seed: the page's seed, an input of every answer that chance has a part in.
      at: its value now.
    """
    gr.HTML(words.about(exhibit.name, exhibit.model))
    sheets, links = {}, []
    with gr.Tabs(selected=_id(exhibit, exhibit.panels[0])):
        for panel in exhibit.panels:
            with gr.Tab(tab(exhibit, panel), id=_id(exhibit, panel)):
                if panel.kind == controls.SAMPLE:
                    sample_panel(exhibit, panel, seed, at)
                elif panel.kind == controls.PICTURE:
                    sheets[_id(exhibit, panel)] = picture_panel(exhibit, panel, seed, at)
                    links += [(panel, *link) for link in _links(exhibit, panel)]
                elif panel.kind == controls.VECTOR:
                    code_panel(exhibit, panel, at)
                else:
                    accompany_panel(exhibit, panel, seed)
        for start, end in paths(exhibit):
            with gr.Tab("Between two", id=f"{exhibit.name}: between"):
                path_panel(exhibit, start, end, at)
    for end, button, start, put in links:
        button.click(put, sheets[_id(exhibit, start)], sheets[_id(exhibit, end)], **QUIET)
    others = controls.left_out(exhibit.table)
    if others:
        gr.HTML(f"<p class='symbols'>No control here for: {', '.join(others)}.</p>")


def _id(exhibit, panel):
    """Names a panel on the page, so that a tab stays open when another model is put beside this one."""
    return f"{exhibit.name}: {tab(exhibit, panel)}"


def tab(exhibit: Exhibit, panel: Panel) -> str:
    """Returns the name of a panel's tab."""
    pictures = [one for one in exhibit.panels if one.kind == controls.PICTURE]
    return {
        controls.SAMPLE: "Samples", controls.VECTOR: f"Code {panel.name}", controls.PHRASE: "Accompany",
        controls.PICTURE: "Draw" if len(pictures) == 1 else f"Draw {'a mask' if panel.wanted.binary else panel.name}",
    }[panel.kind]


def sample_panel(exhibit: Exhibit, panel: Panel, seed: gr.Number, at: int) -> None:
    """Adds samples: a seed, a number and choices give pictures, points or music."""
    for endpoint in panel.endpoints:
        music = any(len(shape) == 4 for shape in exhibit.shapes(endpoint).values())
        most, first = (show.PHRASES, 1) if music else (MOST_SAMPLES, SAMPLES)
        extras = {name: wanted for name, wanted in panel.extras.items() if name in exhibit.table[endpoint].inputs}
        gr.HTML(words.says(exhibit, endpoint))
        with gr.Row():
            number = gr.Slider(1, most, first, step=1, label="How many")
            parts, given = pickers(extras, turn=True)

        @kept
        def answer(n, seed, *values, endpoint=endpoint, given=given):
            return show.answer(exhibit, exhibit.ask(endpoint, int(n), seed, given(*values)))

        shown = gr.HTML(answer(first, at, *(part.value for part in parts)), elem_classes=["answer", endpoint])
        gr.on([one.change for one in (seed, number, *parts)], answer, [number, seed, *parts], shown, **QUIET)


def _links(exhibit, end):
    """Adds a button for each answer to another drawing that fits this sheet, such as the mask of a picture.

    Yields the button, the panel of that drawing, and the function from its sheet's value to that of this one.
    """
    for start in exhibit.panels:
        if start.kind != controls.PICTURE or start is end:
            continue
        for endpoint in start.endpoints:
            for output in exhibit.fits(end, endpoint):

                def put(value, start=start, endpoint=endpoint, output=output):
                    x, known = widgets.drawn(value, start.wanted)
                    inputs = {**start.defaults(), start.name: x, controls.MASK: known}
                    return widgets.on_paper(exhibit.ask(endpoint, given=inputs)[output][0], end.wanted)

                yield gr.Button(f"The {output} from '{tab(exhibit, start)}'", size="sm"), start, put
