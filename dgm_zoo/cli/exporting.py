"""Export of a trained source for TensorFlow Serving, and the commands that serve it."""

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from dgm_zoo.cli.source import Source

if TYPE_CHECKING:  # importing it takes TensorFlow
    from dgm_zoo.core.model import GenerativeModel

OWN = {"source": "files of the user's own", "licence": "yours"}


def export_source(source: Source, directory: str, name: str | None = None, version: int | None = None) -> str:
    """Exports the model with its record, as `<model>_<dataset>` without a name; returns the version folder."""
    from dgm_zoo import serving
    from dgm_zoo.data import own

    config = source.config.to_dict()
    name = name or re.sub(r"[^\w.-]", "_", f"{source.config.model.name}_{own.short_name(source.config.data.name)}")
    if config["train"]["start_from"]:  # the path of a user's folder is private and useless elsewhere
        config["train"]["start_from"] = Path(config["train"]["start_from"]).name
    sets = {}
    for key in ("name", "target"):
        given = config["data"].get(key)
        if given:
            config["data"][key] = own.short_name(given)
            sets[key] = {"name": own.short_name(given), **(OWN if own.is_own(given) else {})}
    record = {
        "config": config,
        "dataset": {**sets["name"], **({"target": sets["target"]} if "target" in sets else {})},
        "seed": source.config.train.seed,
        "metrics": source.metrics,
    }
    return serving.export(source.model, directory, name, version, metadata=record)


def name_of_config(config: str, overrides: list[str]) -> str | None:
    """Returns the name of a run's export, that of its config's file.

    None if that says nothing: for files called config, and for another model or data set than the file's.

    Args:
      config: the value of `--config`.
      overrides: such as "model.latent_dim=16".

    Example:
      >>> name_of_config("configs/ada_mnist_usps.py", ["train.epochs=2"])
      'ada_mnist_usps'
    """
    path, others = Path(config), ("model.name", "data.name", "data.target", "data.path")
    changed = any(override.partition("=")[0] in others for override in overrides)
    return None if changed or path.stem == "config" else re.sub(r"[^\w.-]", "_", path.stem)


def serve_commands(path: str, model: "GenerativeModel") -> list[str]:
    """Returns shell commands that serve an exported version folder and request one sample."""
    folder = os.path.dirname(os.path.abspath(path))
    name = os.path.basename(folder)
    row = {key: 0 for key in model.endpoints()["sample"].inputs} if "sample" in model.endpoints() else None
    commands = [
        f"docker run --rm -p 8500:8500 -p 8501:8501 -v {shlex.quote(f'{folder}:/models/{name}')} "
        f"-e MODEL_NAME={name} tensorflow/serving"
    ]
    if row:
        body = '{"instances": [{' + ", ".join(f'"{key}": {value}' for key, value in row.items()) + "}]}"
        commands.append(f"curl -d '{body}' http://localhost:8501/v1/models/{name}:predict")
    return commands


def serving_lines(commands: list[str]) -> list[str]:
    """Returns `serve_commands` as text for the terminal."""
    title = "serve it, and ask it for a sample:" if len(commands) > 1 else "serve it:"
    return [title, *(f"  {command}" for command in commands)]
