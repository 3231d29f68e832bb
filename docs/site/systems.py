"""The page of each system: below the hand-written part, what its class, declaration, presets and results say.

The hand-written part is docs/systems/NAME.md. A model without one gets a page from its docstring, so that nothing is
left out; a test asks for the hand-written part of every registered model.
"""

import functools
import inspect
import json
from pathlib import Path

import notation
import pictures
import usage
from sources import args_of, excerpt, file_of, table

from dgm_zoo import models, networks, objectives, serving
from dgm_zoo.core import registry
from dgm_zoo.core.formulation import ABSENT, ROWS, symbols
from dgm_zoo.serving.card import number
from dgm_zoo.training.arguments import settable
from dgm_zoo.training.config import call_in, load_config, run_file

ROOT = Path(__file__).parents[2]
SHAPE = (8, 8, 1)  # of the small instance whose endpoints are shown
FAMILIES = {
    "evidence": "Auto-encoders and evidence bounds", "adversarial": "Adversarial", "helmholtz": "Helmholtz machines",
    "equilibrium": "Symmetric equilibrium", "domains": "Domains and codes", "music": "Music",
    "supervised": "Classification",
}


def family(name: str) -> str:
    """Returns the title of the family of a registered model, by the folder of its file."""
    folder = Path(inspect.getsourcefile(models.model_class(name))).parent.name
    return FAMILIES.get(folder, folder.replace("_", " ").capitalize())


def navigation() -> list:
    """Returns the systems' pages by family, as MkDocs takes them."""
    found = {title: [] for title in FAMILIES.values()}
    for name in models.list_models():
        found.setdefault(family(name), []).append({models.formulation_of(name).name: f"systems/{name}.md"})
    return [{title: pages} for title, pages in found.items() if pages]


def missing() -> dict[str, str]:
    """Returns the pages of the models that have no hand-written part, path to Markdown."""
    return {
        f"systems/{name}.md": f"# {models.formulation_of(name).name}\n\n{description(name)[0]}"
        for name in models.list_models() if not (ROOT / "docs" / "systems" / f"{name}.md").is_file()
    }


def presets(name: str) -> list[dict]:
    """Returns the metadata of the presets of a registered model."""
    found = map(serving.read_metadata, serving.list_presets())
    return [one for one in found if one["model"] == name]


def description(name: str) -> tuple[str, str]:
    """Returns the docstring of a model's class without its arguments, and its references."""
    text = inspect.getdoc(models.model_class(name)) or ""
    body = text.split("\nArgs:")[0].strip()
    return body, " ".join(text.partition("\nReferences:")[2].split())


def generated(name: str) -> str:
    """Returns the generated part of a system's page, Markdown."""
    sections = {
        "In the unified view": unified(name), "Objective": objective(name), "Samples": pictured(name),
        "Numbers": numbers(name), "Train it": usage.training(name), "Use it in Keras": usage.keras(name),
        "Serve it": usage.serving(name), "Arguments": arguments(name), "References": description(name)[1],
    }
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items() if text) + "\n"


def unified(name: str) -> str:
    """Returns the model's place in the unified view: its graphical model, its conditionals, its players' steps."""
    formulation = models.formulation_of(name)
    rows = [
        [label, "<br>".join(map(notation.inline, map(str, formulation.kl))) if key == "kl" and formulation.kl else text]
        for (key, label), text in zip(ROWS.items(), formulation.rows().values(), strict=True) if text != ABSENT
    ]
    steps = [
        [symbols(one.movers), notation.inline(one.utility), ", ".join(one.reads), symbols(one.carries), one.stopped]
        for one in formulation.ascents
    ]
    return "\n\n".join([
        f"![The graphical model of {formulation.name}](../pictures/schematic-{name}.svg){{ .schematic }}",
        "Solid arrows generate, dashed ones infer, hollow heads are deterministic, blue is the adversarial mechanism; "
        "grey variables are visible. [The unified view](../unified_view.md) explains the notation.",
        table(["", formulation.name], rows),
        table(["player", "ascends", "samples that enter", "gradient for", "held constant"], steps),
    ])


def code(name: str) -> dict[str, object]:
    """Returns the functions that state a model's objective: its terms, and its bound or adversarial objective."""
    cls, found = models.model_class(name), {}
    methods = [getattr(cls, one) for one in dir(cls) if one == "terms" or one.endswith("_terms")]
    own = [one for one in methods if not one.__module__.startswith("dgm_zoo.core.")]
    found |= {f"`{one.__qualname__}`": one for one in own or [cls.train_step]}
    if bound := getattr(cls, "default_bound", None):
        found[f"`{bound}`"] = type(objectives.bound_of(bound)).__call__
    if default := getattr(cls, "default_objective", None):
        kind = type(objectives.adversarial(default))
        found |= {f"`{default}.{one}`": getattr(kind, one) for one in ("discriminator", "generator")}
    return found


def objective(name: str) -> str:
    """Returns the objective as the class's docstring states it, beside the code that states it."""
    shown = [excerpt(function, title) for title, function in code(name).items()]
    return "\n\n".join([
        description(name)[0], *shown,
        f"The class, with its players, endpoints and checks: "
        f'<a href="../source/{file_of(models.model_class(name)).removesuffix(".py")}.html">'
        f"{file_of(models.model_class(name))}</a>; its arguments are in the [reference](../api/models.md).",
    ])


def pictured(name: str) -> str:
    """Returns the pictures of the samples of a model's presets."""
    found = []
    for one in presets(name):
        if has_samples(one):
            how = (
                "As `dgm-zoo train` drew them; the preset's folder has them as MIDI, too."
                if pictures.beside(one["name"]) else f"`dgm-zoo {' '.join(pictures.sample_command(one['name']))}`"
            )
            found.append(f"![Samples of {one['name']}](../pictures/samples-{one['name']}.png){{ .samples }}\n\n{how}")
    return "\n\n".join(found)


def has_samples(preset: dict) -> bool:
    """Returns whether a preset, given its metadata, has a picture of samples: of its own, of images or of points."""
    sample = preset["endpoints"].get("sample")
    shape = sample["outputs"]["x"]["shape"][1:] if sample else []
    return len(shape) == 3 or shape == [2] or pictures.beside(preset["name"])


@functools.cache
def results() -> dict[str, list[dict]]:
    """Returns the rows of docs/results, by the registered model that each was measured on, with the page's name."""
    found = {}
    for path in sorted((ROOT / "configs" / "reproduce").glob("*.py")):
        file = ROOT / "docs" / "results" / f"{path.stem}.json"
        if not file.is_file():
            continue
        described = call_in(path, run_file(path), "get_experiment")["rows"]
        of = {
            row["label"]: load_config(path.parents[1] / row["config"], row["overrides"]).model.name
            for row in {row["label"]: row for row in described}.values()
        }
        for row in json.loads(file.read_text())["rows"]:
            found.setdefault(of[row["model"]], []).append({**row, "page": path.stem})
    return found


def numbers(name: str) -> str:
    """Returns the measured numbers: those of the tables, beside the published ones, and those of the presets."""
    parts = []
    measured = results().get(name, [])
    rows = [
        [
            row["model"], row["metric"].removeprefix("test_").replace("_", " "), number(row["value"], row["stderr"]),
            "" if row["stderr"] is None else f"{row['stderr_over']} ({len(row['seeds'])})",
            "" if row["published"] is None else f"{row['published']} ({row['published_source']})", row["budget"],
            f"[{row['page']}](../results/{row['page']}.md)",
        ]
        for row in measured
    ]
    if rows:
        protocols = dict.fromkeys(f"`{row['metric']}` on {row['dataset']}: {row['protocol']}" for row in measured)
        parts += [
            "Measured here, with the published number where there is one. A published number has the protocol of its "
            "source; the table's page says how it differs from ours.",
            table(["row", "metric", "measured", "s.e. over", "published", "budget", "table"], rows),
            "??? note \"Protocols of these numbers\"\n\n" + "\n".join(f"    - {one}" for one in protocols),
        ]
    for one in presets(name):
        metrics = [[key, number(it["value"], it.get("stderr")), it["protocol"]] for key, it in one["metrics"].items()]
        data = one["dataset"]
        parts += [
            f"The preset `{one['name']}`: {one['parameters']:,} parameters, one run on `{data['name']}` "
            f"{data['version']}, seed {one['seed']}.", table(["metric", "value ± s.e.", "protocol"], metrics),
        ]
    return "\n\n".join(parts) or "No number of this model is recorded yet: it has no preset, and no table contains it."


def arguments(name: str) -> str:
    """Returns the table of the arguments of `create` for a model."""
    cls, may = models.model_class(name), settable(name)
    told = {**common(), **meanings(cls)}
    rows = [
        [f"`{key}`", "required" if one.default is one.empty else f"`{one.default!r}`",
         "yes" if key in may else "filled in", told.get(key, "")]
        for key, one in registry.arguments(name).items()
    ]
    model = cls.create(**{"image_shape": SHAPE, **registry.small(name)})
    answers = [[f"`{key}({', '.join(it.inputs)})`", it.doc] for key, it in model.endpoints().items()]
    return "\n\n".join([
        f'Of `dgm_zoo.create("{name}", ...)`, and of the section `model` of a config; a run fills in those marked so.',
        table(["argument", "default", "in a config", "meaning"], rows),
        "Endpoints, which are methods of the model, signatures of its export and requests to a server:",
        table(["endpoint", "answer"], answers),
    ])


def meanings(cls: type) -> dict[str, str]:
    """Returns what the docstrings of a class, its bases and its recipes say of each argument."""
    return functools.reduce(lambda told, one: {**args_of(one.__doc__), **told}, [*cls.recipes, *cls.__mro__], {})


@functools.cache
def common() -> dict[str, str]:
    """Returns the meanings of arguments that have one meaning everywhere, for models whose docstrings leave it out."""
    found = args_of(networks.hierarchy.hierarchy.__doc__)
    for name in models.list_models():
        found = {**meanings(models.model_class(name)), **found}
    return found


def gallery() -> str:
    """Returns the landing page's pictures: a card for each preset with samples."""
    cards = []
    for preset in map(serving.read_metadata, serving.list_presets()):
        if has_samples(preset):
            cards.append(
                f'<a href="systems/{preset["model"]}.html"><img src="pictures/samples-{preset["name"]}.png" '
                f'alt="Samples of {preset["name"]}" loading="lazy"><span>{preset["name"]}</span></a>'
            )
    others = [
        f"[`{one['name']}`](systems/{one['model']}.md)" for one in map(serving.read_metadata, serving.list_presets())
        if not has_samples(one)
    ]
    tail = f"\n\nPresets whose answers are not pictures: {', '.join(others)}." if others else ""
    return f'<div class="gallery">\n{chr(10).join(cards)}\n</div>{tail}'
