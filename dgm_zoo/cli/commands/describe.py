"""Describe a model or a preset.

For a model: its description, objective, place in Hu et al.'s unified view, players and the utility that each ascends,
the arguments of `dgm_zoo.create`, and its endpoints. --all prints that place for every model: the paper's Table 1,
extended. [G] marks generation and [I] inference, if every KL agrees on it. For a preset (a name, or a path with a "/"):
its model, data set and metrics.
"""

import inspect
import os
import textwrap

from absl import flags as absl_flags

from dgm_zoo.cli.parsing import Call, only
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.cli.source import metric_table
from dgm_zoo.errors import InvalidInput, unknown

ARGUMENTS = 1
USAGE = "(MODEL | PRESET | --all) [flags]"
EXAMPLES = ("dgm-zoo describe vae", "dgm-zoo describe --all", "dgm-zoo describe vae_digits --json")

SHAPE, CLASSES = (8, 8, 1), 10  # of the small instance whose endpoints are printed
WIDTH, LABELS = 120, 22  # columns of a terminal, and columns of the labels on the left
FIELDS = {"reads": "reads", "carries": "gradient for", "stopped": "constant"}  # printed labels of an `Ascent`


def define(flags: absl_flags.FlagValues) -> None:
    absl_flags.DEFINE_bool("all", False, "the unified view of every model", flag_values=flags)


def run(call: Call) -> dict:
    if call.flags.all:
        if call.arguments:
            raise InvalidInput(f"--all describes every model; leave out '{call.arguments[0]}', or --all")
        import_tensorflow()
        from dgm_zoo import models

        return {"kind": "table", "models": {name: models.formulation_of(name).to_dict()
                                            for name in models.list_models()}}
    from dgm_zoo import serving

    name = only(call, "MODEL or PRESET", EXAMPLES[0])
    presets = serving.list_presets()
    if name in presets or os.path.basename(name) != name:
        return {"kind": "preset", **serving.read_metadata(name)}

    import_tensorflow()
    from dgm_zoo import models

    if name not in models.list_models():
        raise unknown("model or preset", name, [*models.list_models(), *presets])
    return {"kind": "model", **_describe(name)}


def _describe(name):
    """Returns the declarations of the class, and the endpoints of a small instance with default networks."""
    from dgm_zoo import models
    from dgm_zoo.core import registry
    from dgm_zoo.training.arguments import settable

    cls = models.model_class(name)
    parameters = registry.arguments(name)
    given = {"image_shape": cls.small.get("image_shape", SHAPE), "num_classes": CLASSES}
    model = cls.create(**{key: value for key, value in given.items() if key in parameters})
    return {
        "name": name,
        "class": cls.__name__,
        "description": inspect.getdoc(cls).split("\nArgs:")[0].strip(),
        "formulation": cls.formulation.to_dict(),
        "players": {
            player: {"owns": list(parts), "ascends": model.ascends[player]} for player, parts in model.players.items()
        },
        "logged": list(model.logged),
        "create": {
            key: {
                "required": p.default is p.empty, "settable": key in settable(name),
                **({} if p.default is p.empty else {"default": p.default}),
            }
            for key, p in parameters.items()
        },
        "endpoints": {
            key: {"inputs": list(endpoint.inputs), "doc": endpoint.doc} for key, endpoint in model.endpoints().items()
        },
    }


def show(result: dict) -> str:
    return "\n".join(SHOW[result["kind"]](result))


def _show_table(result):
    for i, (name, formulation) in enumerate(result["models"].items()):
        if i:
            yield ""
        yield f"{formulation['name']} ({name})"
        yield from formulation_lines(formulation)


def formulation_lines(formulation: dict) -> list[str]:
    """Returns the result of `Formulation.to_dict` as text lines of `WIDTH` columns."""
    from dgm_zoo.core.formulation import ABSENT, ROWS, symbols

    lines = []
    for key, label in ROWS.items():
        text = formulation[key] if isinstance(formulation[key], str) else "; ".join(formulation[key]) or ABSENT
        if text != ABSENT or key not in ("c", "remark"):
            lines += line(label, text)
    for one in formulation["ascents"]:
        lines += line(f"max {symbols(one['movers'])}", one["utility"])
        notes = {**one, "reads": ", ".join(one["reads"]), "carries": symbols(one["carries"])}
        lines += line("", "; ".join(f"{label}: {notes[key]}" for key, label in FIELDS.items() if notes[key]))
    return lines


def line(label: str, text: str) -> list[str]:
    """Returns a label with a text to its right as lines of `WIDTH` columns."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"  {label:<{LABELS - 2}}", subsequent_indent=" " * LABELS,
        break_long_words=False, break_on_hyphens=False,
    )


def _show_model(model):
    yield f"{model['name']} ({model['class']})"
    yield ""
    yield model["description"]
    yield ""
    yield "in the unified view:"
    yield from formulation_lines(model["formulation"])
    yield ""
    yield "players:"
    for player, it in model["players"].items():
        yield f"  {player:<8} owns {', '.join(it['owns'])}; ascends {it['ascends']}"
    yield ""
    yield f"logged: {', '.join(model['logged'])}"
    yield ""
    filled = ", ".join(key for key, it in model["create"].items() if not it["settable"])
    yield f"create() takes (so does a config's model section, except {filled}, which a run fills in):"
    for key, it in model["create"].items():
        yield f"  {key:<14} {'required' if it['required'] else repr(it['default'])}"
    yield ""
    yield "answers:"
    for key, it in model["endpoints"].items():
        yield f"  {key + '(' + ', '.join(it['inputs']) + ')':<32} {it['doc']}"


def _show_preset(preset):
    data = preset["dataset"] or {}
    yield f"{preset['name']}, version {preset['version']}: {preset['class']}, {preset['parameters']:,} parameters"
    yield ""
    yield preset["description"]
    yield ""
    yield f"data set: {data.get('name', 'not recorded')} {data.get('version', '')}".rstrip()
    yield f"seed: {preset['seed']}"
    yield "metrics:"
    yield from metric_table(preset["metrics"] or {}) or ["  none recorded"]
    yield "answers:"
    for key, it in preset["endpoints"].items():
        yield f"  {key + '(' + ', '.join(it['inputs']) + ')':<32} {it['doc']}"
    yield f"versions: {', '.join(f'{name} {version}' for name, version in preset['versions'].items())}"
    yield f"git revision: {preset['git_revision']}"


SHOW = {"model": _show_model, "preset": _show_preset, "table": _show_table}
