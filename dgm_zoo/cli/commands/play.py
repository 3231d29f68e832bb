"""Open a page to play with a model in the browser.

The page shows any preset, or the run of --workdir, with a control for each input of its endpoints: samples by seed and
class, a map of the code z to drag through, a sheet to draw on, with the reconstruction, class, log-likelihood and
completion of the drawing, masks, translation, music, and two models side by side. It is served on this machine only,
until Ctrl-C, and asks nothing of the network. It needs Gradio: pip install 'dgm_zoo[play]'.
"""

import importlib.util
import sys
import threading

from absl import flags as absl_flags

from dgm_zoo.cli import source
from dgm_zoo.cli.parsing import Call
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.errors import InvalidInput

ARGUMENTS = 0
USAGE = "[--preset=NAME | --workdir=DIR] [--port=N] [flags]"
EXAMPLES = ("dgm-zoo play", "dgm-zoo play --preset=bihm_binarized_mnist", "dgm-zoo play --workdir=runs/vae_digits")


def define(flags: absl_flags.FlagValues) -> None:
    source.define(flags)
    absl_flags.DEFINE_integer(
        "port", None, "port of the page; by default the first free one from 7860", lower_bound=0, upper_bound=65535,
        flag_values=flags,
    )


def run(call: Call) -> dict:
    flags = call.flags
    if flags.workdir and flags.preset:
        raise InvalidInput("give one of --workdir=DIR, the folder of a run, and --preset=NAME")
    if importlib.util.find_spec("gradio") is None:
        raise InvalidInput("dgm-zoo play needs Gradio; install it with: pip install 'dgm_zoo[play]'")

    from dgm_zoo import serving

    if flags.preset:
        serving.preset_dir(flags.preset)

    from dgm_zoo.play.exhibits import Collection
    from dgm_zoo.play.page import page, serve

    collection = Collection(flags.workdir, import_tensorflow)
    first, found = flags.preset or collection.first, []
    if flags.workdir:
        collection.open(first)  # so that the command says what is wrong with the folder

    def ready(url):
        found.append(url)
        print(f"open {url} in a browser; Ctrl-C ends it", flush=True)
        threading.Thread(target=_load, args=(collection, first), daemon=True).start()  # before anyone asks for it

    try:
        serve(page(collection, first), flags.port, ready)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        collection.close()
    return {"url": found[0] if found else None, "model": first}


def _load(collection, name):
    """Loads a model, if that is possible; the page says what is wrong otherwise."""
    try:
        collection.open(name)
    except InvalidInput:
        pass


def show(result: dict) -> str:
    return f"closed {result['url']}"
