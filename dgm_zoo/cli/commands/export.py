"""Export a trained model for TensorFlow Serving.

Writes OUT/NAME/VERSION with the SavedModel, its warm-up requests, the Keras model, metadata.json and a card. Without
--version it is the next one, which a running server loads.
"""

from pathlib import Path

from absl import flags as absl_flags

from dgm_zoo.cli import source
from dgm_zoo.cli.exporting import export_source, serve_commands, serving_lines
from dgm_zoo.cli.parsing import Call
from dgm_zoo.files import check_writable

ARGUMENTS = 0
USAGE = f"{source.USAGE} [--out=saved_models] [--name=NAME] [--version=N] [flags]"
EXAMPLES = ("dgm-zoo export --workdir=runs/vae_digits --out=saved_models --name=vae_digits",)


def define(flags: absl_flags.FlagValues) -> None:
    source.define(flags)
    absl_flags.DEFINE_string("out", "saved_models", "folder of the presets, created if missing", flag_values=flags)
    absl_flags.DEFINE_string("name", None, "name for the server; by default the one of the run", flag_values=flags)
    absl_flags.DEFINE_integer("version", None, "whole number of at least 1", flag_values=flags)


def run(call: Call) -> dict:
    flags = call.flags
    check_writable(f"--out={flags.out}", flags.out, folder=True)
    trained = source.open_source(flags)
    path = export_source(trained, flags.out, flags.name or _name(flags.workdir), flags.version)
    return {"path": path, "serve_commands": serve_commands(path, trained.model)}


def _name(workdir):
    """Returns the name under which `train` exported a run; None without one, or for a preset."""
    folders = [path.name for path in Path(workdir, "export").glob("[!.]*") if path.is_dir()] if workdir else []
    return folders[0] if len(folders) == 1 else None


def show(result: dict) -> str:
    return "\n".join([
        f"exported to {result['path']}",
        *serving_lines(result["serve_commands"]),
    ])
