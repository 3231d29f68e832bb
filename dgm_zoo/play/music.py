"""The panel of a track to accompany: a MIDI file in, the whole band out."""

import gradio as gr
import numpy as np

from dgm_zoo.data.midi import read_track
from dgm_zoo.errors import InvalidInput
from dgm_zoo.play import show, words
from dgm_zoo.play.controls import Panel
from dgm_zoo.play.exhibits import Exhibit
from dgm_zoo.play.widgets import QUIET, kept


def accompany_panel(exhibit: Exhibit, panel: Panel, seed: gr.Number) -> None:
    """Adds an upload of a MIDI file, one of whose tracks the endpoint is given."""
    endpoint = panel.endpoints[0]
    gr.HTML(words.says(exhibit, endpoint))
    names = [track.name for track in exhibit.music.tracks] if exhibit.music else []
    with gr.Row():
        own = [name for name in names if name == getattr(exhibit.model, "given", None)]
        track = gr.Dropdown(names, value=[*own, *names, None][0], label="Track of the file to accompany")
        upload = gr.UploadButton("A MIDI file of yours", elem_classes="upload")
    shown = gr.HTML("<p>Upload a MIDI file in 4/4.</p>", elem_classes="answer")
    event = {"fn": kept(lambda path, name, seed: accompanied(exhibit, panel, path, name, seed)),
             "inputs": [upload, track, seed], "outputs": shown}
    upload.upload(**event, **QUIET)
    gr.on([track.change, seed.change], **event, **QUIET)


def accompanied(exhibit: Exhibit, panel: Panel, path: str | None, name: str, seed: int) -> str:
    """Returns a MIDI file's track with the model's other tracks, as HTML.

    Raises:
      InvalidInput: there is no file, it cannot be read, or the track has no note.
    """
    if not path or not exhibit.music:
        raise InvalidInput("there is nothing to accompany yet; give a MIDI file in 4/4, to a model of a set of music")
    bars, steps, pitches = panel.wanted.shape
    track = read_track(path, exhibit.music, name, steps)[: bars * show.PHRASES]
    whole = np.zeros((-(-len(track) // bars) * bars, steps, pitches), "float32")  # silent bars fill the last phrase
    whole[: len(track)] = track
    phrases = whole.reshape(-1, bars, steps, pitches)
    return show.answer(exhibit, exhibit.ask(panel.endpoints[0], len(phrases), seed, {panel.name: phrases}))
