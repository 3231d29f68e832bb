"""Describe a model or a preset.

Of a model: what it is, its objective, its players and what each of them ascends, what `dgm_zoo.create` takes for it
and what it answers. Of a preset (a name, or a path with a "/"): what was trained, on what, and how well it does.
"""

import inspect
import os

from dgm_zoo.cli.parsing import only
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.cli.source import metric_table
from dgm_zoo.errors import unknown

ARGUMENTS = 1
USAGE = "(MODEL | PRESET) [flags]"
EXAMPLES = ("dgm-zoo describe vae", "dgm-zoo describe vae_digits --json")

SHAPE, CLASSES = (8, 8, 1), 10  # of the small instance that is looked at


def define(flags):
    del flags


def run(call):
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
    """What the class says of itself, and what a small instance with default networks has."""
    from dgm_zoo import models

    cls = models.model_class(name)
    parameters = inspect.signature(cls.create).parameters
    given = {"image_shape": SHAPE, "num_classes": CLASSES}
    model = cls.create(**{key: value for key, value in given.items() if key in parameters})
    return {
        "name": name,
        "class": cls.__name__,
        "description": inspect.getdoc(cls).split("\nArgs:")[0].strip(),
        "players": {
            player: {"owns": list(parts), "ascends": model.ascends[player]} for player, parts in model.players.items()
        },
        "logged": list(model.logged),
        "create": {
            key: {"required": True} if p.default is p.empty else {"required": False, "default": p.default}
            for key, p in parameters.items()
        },
        "endpoints": {
            key: {"inputs": list(endpoint.inputs), "doc": endpoint.doc} for key, endpoint in model.endpoints().items()
        },
    }


def show(result):
    return "\n".join(_show_model(result) if result["kind"] == "model" else _show_preset(result))


def _show_model(model):
    yield f"{model['name']} ({model['class']})"
    yield ""
    yield model["description"]
    yield ""
    yield "players:"
    for player, it in model["players"].items():
        yield f"  {player:<8} owns {', '.join(it['owns'])}; ascends {it['ascends']}"
    yield ""
    yield f"logged: {', '.join(model['logged'])}"
    yield ""
    yield "create() takes (as does a config's model section, but for image_shape, num_classes and seed):"
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
