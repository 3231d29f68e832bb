"""The page: which model is on show, the seed, a second model beside it; and its server, for this machine only."""

import os
import socket
import threading
from collections.abc import Callable

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # Gradio reads it when it is imported

import gradio as gr

from dgm_zoo.errors import InvalidInput
from dgm_zoo.play import show, widgets
from dgm_zoo.play.exhibits import Collection

HOST = "127.0.0.1"
PORTS = range(7860, 7960)  # searched for a free one if the user names none
NONE = "nothing"
WELCOME = (
    "<h1>Playground</h1><p class='about'>Each model here is a pair: <b>p</b> makes pictures, <b>q</b> judges or reads "
    "them, and a code <b>z</b> stands between the two. Choose a model and try what it does. The <b>seed</b> fixes all "
    "chance: the same seed gives the same answer.</p>"
)


def page(collection: Collection, first: str | None = None) -> gr.Blocks:
    """Returns the page that shows a collection.

    Args:
      collection: the models.
      first: name of the one to show first; None for the collection's own choice.
    """
    first = first or collection.first
    names = list(dict.fromkeys([first, *collection.names]))
    with gr.Blocks(title="dgm-zoo playground", analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(WELCOME)
        with gr.Row():
            name = gr.Dropdown(names, value=first, label="Model", elem_id="model")
            beside = gr.Dropdown([NONE, *names], value=NONE, label="Beside it", elem_id="beside")
            seed = gr.Number(0, label="Seed", precision=0, elem_id="seed")
            another = gr.Button("New seed", elem_id="another", min_width=120, scale=0)
        another.click(None, seed, seed, js="seed => (seed || 0) + 1", **widgets.QUIET)

        @gr.render([name, beside, seed], triggers=[blocks.load, name.change, beside.change], show_progress="full")
        def exhibits(name, beside, at):
            with gr.Row():
                for one in dict.fromkeys([name, beside]):
                    if one != NONE:
                        with gr.Column(min_width=360, elem_classes="exhibit"):
                            _exhibit(collection, one, seed, at or 0)

    return blocks


def _exhibit(collection, name, seed, at):
    try:
        found = collection.open(name)  # first, so that one thread imports TensorFlow and the others wait

        from dgm_zoo.play.panels import build

        build(found, seed, at)
    except InvalidInput as error:
        gr.HTML(show.refused(error))


def serve(blocks: gr.Blocks, port: int | None, ready: Callable[[str], None]) -> None:
    """Serves the page on this machine only, until the process is interrupted.

    Args:
      blocks: the page.
      port: None for the first free one of `PORTS`.
      ready: called with the page's address once it answers.

    Raises:
      InvalidInput: the port, or every one of `PORTS`, is taken.
    """
    chosen = free_port(port)
    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"])
    _, url, _ = blocks.queue(default_concurrency_limit=None, api_open=False).launch(
        server_name=HOST, server_port=chosen, share=False, inbrowser=False, quiet=True, prevent_thread_lock=True,
        ssr_mode=False, enable_monitoring=False, footer_links=[], theme=theme, css=widgets.read("page.css"),
    )
    ready(url)
    try:
        threading.Event().wait()
    finally:
        blocks.close(verbose=False)


def free_port(port: int | None) -> int:
    """Returns the port, or the first free one of `PORTS` for None; raises `InvalidInput` if it is taken."""
    for one in PORTS if port is None else (port,):
        with socket.socket() as found:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                found.bind((HOST, one))
            except (OSError, OverflowError):
                continue
            return found.getsockname()[1]
    taken = f"port {port}" if port is not None else f"every port from {PORTS[0]} to {PORTS[-1]}"
    raise InvalidInput(f"{taken} cannot be used; give another with --port=N")
