"""Pages that follow from the package: configuration, commands, API, the list of results, sources, root files."""

import ast
import importlib
import inspect
import io
import json
import re
import tokenize
from pathlib import Path

import sources
import systems
from sources import args_of, table

import dgm_zoo
from dgm_zoo import data, models
from dgm_zoo.cli.main import COMMANDS, overview
from dgm_zoo.cli.parsing import parse
from dgm_zoo.cli.parsing import usage as usage_of
from dgm_zoo.training import config, pairs
from dgm_zoo.training.arguments import settable

ROOT = Path(__file__).parents[2]
ROOT_FILES = {"CHANGELOG.md": "changelog.md", "benchmarks/README.md": "benchmarks.md", "tests/README.md": "tests.md"}
MODULES = {  # of rooms whose names are used from their modules: what a model of one's own is made of
    "core": ["model", "latent", "registry", "recipes", "formulation", "coefficients", "endpoints", "optimizers"],
    "errors": [""],
}


def pages() -> dict[str, str]:
    """Returns the generated pages but those of systems: path in docs/ to Markdown."""
    files = {sources.file_of(function) for name in models.list_models() for function in systems.code(name).values()}
    files |= {sources.file_of(models.model_class(name)) for name in models.list_models()}
    return {
        "configuration.md": configuration(), "commands.md": commands(), **api(),
        **{f"source/{file.removesuffix('.py')}.md": sources.page(file) for file in sorted(files)},
        **{page: from_root(file) for file, page in ROOT_FILES.items()},
        "benchmarks.md": f"{from_root('benchmarks/README.md')}\n\n## Last results\n\n{measured()}\n",
    }


# ------------------------------------------------------------------------------------------------- configuration


def comments(module: object, name: str) -> dict[str, str]:
    """Returns the comments beside the keys of a dict that a module assigns to `name`: key to text."""
    text = inspect.getsource(module)
    notes = {
        token.start[0]: token.string.lstrip("# ") for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return {ast.literal_eval(key): notes.get(key.lineno, "") for key in node.value.keys}
    raise KeyError(name)


def configuration() -> str:
    """Returns the page of every key of a config, with its default and its meaning."""
    def section(name, defaults):
        notes = comments(config, name)
        return table(["key", "default", "meaning"], [[f"`{k}`", f"`{v!r}`", notes[k]] for k, v in defaults.items()])

    load = args_of(data.load.__doc__)
    taken = {key: one for key, one in inspect.signature(data.load).parameters.items()
             if key not in ("split", "seed", "first_epoch", "shuffle")}
    of_load = [
        [f"`{key}`", "required" if one.default is one.empty else f"`{one.default!r}`", load.get(key, "")]
        for key, one in taken.items()
    ]
    of_pairs = [key for key in sorted(pairs.options()) if key not in taken]
    keys = {}
    for name in models.list_models():
        for key in settable(name):
            keys.setdefault(key, []).append(f"[`{name}`](systems/{name}.md#arguments)")
    return "\n\n".join([
        "# Configuration",
        "A config is a Python file whose `get_config()` returns an `ml_collections.ConfigDict` with the sections "
        "`model`, `data`, `train` and `evaluate`. On the command line `--config.SECTION.KEY=VALUE` sets any key. An "
        "unknown key is refused with the nearest known one before anything is written. The tables come from the code "
        "that checks a config.",
        "## model",
        "`name`, a registered model, and the arguments of `dgm_zoo.create` for it, except those that a run fills in "
        "from its data. The page of each model says what they mean.",
        table(["key", "models that take it"], [[f"`{key}`", ", ".join(keys[key])] for key in sorted(keys)]),
        "## data",
        "The arguments of `dgm_zoo.data.load`. A run gives the split and the seed.",
        table(["key", "default", "meaning"], of_load),
        "With two domains `name` is the source and `target` the target, and these keys are taken besides: "
        + ", ".join(f"`{key}`" for key in of_pairs) + ". See `dgm_zoo.data.load_pair`.",
        "## train", section("TRAIN", config.TRAIN), "## evaluate", section("EVALUATE", config.EVALUATE),
    ]) + "\n"


# ------------------------------------------------------------------------------------------------- commands


def commands() -> str:
    """Returns the page of the `dgm-zoo` commands: the text of each one's `--help`."""
    parts = ["# Commands", "What `dgm-zoo --help` and `dgm-zoo COMMAND --help` print.", f"```text\n{overview()}\n```"]
    for name in COMMANDS:
        command = importlib.import_module(f"dgm_zoo.cli.commands.{name}")
        parts.append(f"## {name}\n\n```text\n{usage_of(name, command, parse(name, command, []).flags)}\n```")
    return "\n\n".join(parts) + "\n"


# ------------------------------------------------------------------------------------------------- API


def rooms() -> list[str]:
    """Returns the rooms with pages in the API reference."""
    return [*dgm_zoo._ROOMS, *MODULES]


def api_navigation() -> list:
    return [{room: f"api/{room}.md"} for room in rooms()]


def public(room: str) -> list[str]:
    """Returns the dotted names of what a room offers, where each is defined."""
    if room in MODULES:
        return [f"dgm_zoo.{room}.{module}".rstrip(".") for module in MODULES[room]]
    module, found = importlib.import_module(f"dgm_zoo.{room}"), []
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.ismodule(thing):
            found += [f"{getattr(thing, one).__module__}.{one}" for one in getattr(thing, "__all__", [])]
        elif inspect.isclass(thing) or inspect.isfunction(thing):
            found.append(f"{thing.__module__}.{thing.__qualname__}")
        else:
            found.append(f"{module.__name__}.{name}")
    return list(dict.fromkeys(found))


def api() -> dict[str, str]:
    """Returns the pages of the API reference: what each room offers, rendered from its docstrings."""
    found = {}
    for room in rooms():
        module = importlib.import_module(f"dgm_zoo.{room}")
        doc = inspect.cleandoc(module.__doc__ or "")
        parts = [f"# dgm_zoo.{room}", doc, *(f"::: {name}" for name in public(room))]
        found[f"api/{room}.md"] = "\n\n".join(parts) + "\n"
    return found


# ------------------------------------------------------------------------------------------------- results, root files


def results_navigation() -> list:
    """Returns the pages of docs/results but the overview, README.md."""
    pages = sorted((ROOT / "docs" / "results").glob("[!R]*.md"))
    return [{page.stem.replace("_", " "): f"results/{page.name}"} for page in pages]


def measured() -> str:
    """Returns the last results of the benchmarks, a table: each contender's median and range."""
    rows = []
    for path in sorted((ROOT / "benchmarks" / "results").glob("*.json")):
        report = json.loads(path.read_text())
        for contender, them in report["results"].items():
            for quantity, it in them.items():
                if isinstance(it, dict) and {"median", "low", "high"} <= set(it):
                    shown = f"{it['median']:.4g} ({it['low']:.4g} to {it['high']:.4g})"
                    name = quantity.replace("_", " ")
                    rows.append([path.stem, contender, name, shown, report["machine"]["processor"]])
    return table(["benchmark", "contender", "quantity", "median (range)", "processor"], rows)


def from_root(file: str) -> str:
    """Returns a Markdown file from outside docs/ with its relative links as those of a page of the site."""
    folder = (ROOT / file).parent

    def moved(found):
        target = (folder / found[2]).resolve()
        if target.is_relative_to(ROOT / "docs"):
            return f"{found[1]}({target.relative_to(ROOT / 'docs')})"
        page = ROOT_FILES.get(str(target.relative_to(ROOT)))
        return f"{found[1]}({page})" if page else f"{found[1][1:-1]}"

    return re.sub(r"(\[[^\]]*\])\((?!https?:)([^)#]+)\)", moved, (ROOT / file).read_text())
