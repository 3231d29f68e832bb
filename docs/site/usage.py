"""The snippets of a system's page: train it, use it in Keras, serve it; made from its configs and its presets."""

import ast
import functools
from pathlib import Path

from keras import optimizers

from dgm_zoo import data, models
from dgm_zoo import serving as presets
from dgm_zoo.core import registry
from dgm_zoo.data.phrases import shape_of
from dgm_zoo.training.config import TRAIN, call_in, load_config, run_file

ROOT = Path(__file__).parents[2]
NOT_HERE = "<!-- not executed: {} -->"


@functools.cache
def runs() -> dict[str, list[tuple[Path, tuple]]]:
    """Returns, for each registered model, its configs with overrides: its own, or those of a table's rows.

    A config from which a preset was made comes first.
    """
    found = {}
    kept = presets.list_presets()
    for path in sorted((ROOT / "configs").glob("*.py"), key=lambda path: (path.stem not in kept, path.stem)):
        found.setdefault(own_name(path), []).append((path, ()))
    for path in sorted((ROOT / "configs" / "reproduce").glob("*.py")):
        rows = call_in(path, run_file(path), "get_experiment")["rows"]
        for row in sorted(rows, key=lambda row: len(row["overrides"])):
            config = path.parents[1] / row["config"]
            given = dict(one.split("=", 1) for one in row["overrides"])
            name = given.get("model.name") or own_name(config)
            if name not in found:
                found[name] = [(config, tuple(row["overrides"]))]
    return found


@functools.cache
def own_name(config: Path) -> str:
    """Returns the name of the model that a config builds if nothing is overridden."""
    return load_config(config).model.name


def training(name: str) -> str:
    """Returns the commands that train a model, each below the title of its config, and where the data come from."""
    parts = []
    for path, overrides in runs().get(name, []):
        if not overrides:
            said = (ast.get_docstring(ast.parse(path.read_text())) or "").strip()
            parts.append(said.splitlines()[0])
        words = [f'"--config.{one}"' if " " in one else f"--config.{one}" for one in overrides]
        words = [f"--config=configs/{path.name}", *words, f"--workdir={workdir(name, path)}"]
        command = " ".join(["dgm-zoo train", *words])
        parts.append(f"{NOT_HERE.format('a training of minutes to hours')}\n```bash\n{command}\n```")
    if not parts:
        return ("The zoo has no config of this model. Write one as [from paper to number]"
                f'(../tutorials/paper_to_number.md) does, with `"name": "{name}"` in its section `model`.')
    names = dict.fromkeys(load_config(path).data.name for path, _ in runs()[name])
    sets = [data.info(one) for one in names if one in data.list_datasets()]  # not the reader's own
    return "\n\n".join([*parts, *(f"Data: `{one.name}`, {one.source}; licence: {one.licence}." for one in sets)])


def keras(name: str) -> str:
    """Returns Python that loads a preset, and that builds and trains the model as its first config does."""
    parts = []
    for one in [presets.read_metadata(preset) for preset in presets.list_presets()]:
        if one["model"] == name:
            parts.append(f"```python\n{preset_code(one)}\n```")
    if name in runs():
        parts += [
            "Built and trained in Python, with the settings of the first config above:",
            f"{NOT_HERE.format('a training of minutes to hours; a slow test runs one epoch of it')}\n"
            f"```python\n{training_code(name)}\n```",
        ]
    return "\n\n".join(parts)


def preset_code(metadata: dict) -> str:
    """Returns Python that loads a preset and asks it for what its first endpoint answers."""
    lines = ["import dgm_zoo", "", f'model = dgm_zoo.from_preset("{metadata["name"]}")']
    endpoints = metadata["endpoints"]
    if "sample" in endpoints:
        sample = endpoints["sample"]
        label = ", label=[3, 3, 3, 3]" if "label" in sample["inputs"] else ""
        lines.append(f"x = model.sample(4, seed=0{label})".ljust(60) + f"# {shown(sample['outputs']['x'])}")
    elif "accompany" in endpoints:
        accompany = endpoints["accompany"]
        given, answer = accompany["inputs"]["condition"]["shape"][1:], accompany["outputs"]["x"]
        lines = ["import numpy as np", "", *lines, f"given = np.ones((4, {', '.join(map(str, given))}), \"float32\")"]
        lines.append("x = model.accompany(given, seed=0)".ljust(60) + f"# {shown(answer)}")
    else:
        x = next(iter(endpoints.values()))["inputs"]["x"]["shape"][1:]
        lines = ["import numpy as np", "", *lines, f"x = np.zeros((4, {', '.join(map(str, x))}), \"float32\")"]
    for key in ("encode", "reconstruct", "classify"):
        if key in endpoints and set(endpoints[key]["inputs"]) == {"x"}:
            outputs = ", ".join(f"{o}: {shown(one)}" for o, one in endpoints[key]["outputs"].items())
            lines.append(f"model.{key}(x)".ljust(60) + f"# {outputs}")
    return "\n".join(lines)


def shown(array):
    return str([4 if size is None else size for size in array["shape"]])


def training_code(name: str) -> str:
    """Returns Python that builds, compiles and trains a model as its first config does."""
    path, overrides = runs()[name][0]
    config = load_config(path, overrides)
    settings = {key: value for key, value in config.data.to_dict().items() if value not in (None, False)}
    lines = ["import keras", "", "import dgm_zoo", ""]
    given = {key: plain(value) for key, value in config.model.items() if key not in ("name", "masks")}
    info, takes = data.info(config.data.name), registry.arguments(name)
    shape = shape_of(info.name, settings.get("bars"), settings.get("steps")) if info.music else info.image_shape
    shape = (*settings.get("image_size", shape[:-1]), settings.get("channels", shape[-1]))
    filled = {"image_shape": shape, "num_classes": info.num_classes}
    if info.music:
        filled["tracks"] = [track.name for track in info.music.tracks]
    created = {**{key: value for key, value in filled.items() if key in takes}, **given}
    if "masks" in config.model:
        lines.append(f'masks = dgm_zoo.from_preset("{config.model.masks}").sample(10_000, seed=0) > 0.5')
    words = [f'"{name}"', *(f"{key}={value!r}" for key, value in created.items())]
    words += ["masks=masks"] if "masks" in config.model else []
    lines += wrapped("model = dgm_zoo.create(", words)
    lines += compiled(config.train, models.model_class(name).players)
    load = "load_pair" if "target" in settings else "load"
    first = [settings.pop("name"), *([settings.pop("target")] if "target" in settings else [])]
    settings.pop("labels", None)
    split = [] if load == "load_pair" else ['"train"']
    batch = str(settings.pop("batch_size"))
    labelled = load == "load" and any("labels" in one.reads for one in models.formulation_of(name).ascents)
    options = [f"{key}={plain(value)!r}" for key, value in settings.items()]
    options += ["labels=True"] if labelled and "pairs" not in settings else []
    lines += wrapped(f"data = dgm_zoo.data.{load}(", [*(f'"{one}"' for one in first), *split, batch, *options])
    return "\n".join([*lines, f"model.fit(data, epochs={config.train.epochs})"])


def plain(value):
    return list(value) if isinstance(value, (list, tuple)) else value.to_dict() if hasattr(value, "to_dict") else value


def compiled(train, players):
    """Returns the lines that compile a model with the optimizers of a config's section `train`."""
    common = {**TRAIN["optimizer"], **train.optimizer.to_dict()}
    own = common.pop("players", {})
    makers = {name.lower(): name for name in dir(optimizers)}

    def maker(settings):
        words = [f"{key}={value!r}" for key, value in settings.items() if key != "name"]
        return f"keras.optimizers.{makers[settings['name'].lower()]}({', '.join(words)})"

    if not own:
        return wrapped("model.compile(", [maker(common)])
    return wrapped("model.compile({", [f'"{one}": {maker({**common, **own.get(one, {})})}' for one in players], "})")


def wrapped(opening, words, closing=")"):
    """Returns a call on one line, or with one argument on each line if it is longer than 100 characters."""
    line = f"{opening}{', '.join(words)}{closing}"
    return [line] if len(line) <= 100 else [opening, *(f"    {word}," for word in words), closing]


def workdir(name: str, path: Path) -> str:
    """Returns the folder of a run: it has the name of the config, or of the model if the config is another model's."""
    return f"runs/{path.stem if path.stem.startswith(name) else name}"


def exported(name: str) -> str:
    """Returns the name under which a run of a model's first config is exported."""
    return f"{name}_{load_config(*runs()[name][0]).data.name}".replace("/", "_")


def serving(name: str) -> str:
    """Returns the commands that serve a model and ask it for an answer."""
    found = [presets.read_metadata(one) for one in presets.list_presets()]
    found = next((one for one in found if one["model"] == name), None)
    if not found and name not in runs():
        return "A run ends with an export; [serving](../serving.md) says how to serve it."
    served = found["name"] if found else exported(name)
    folder = f"saved_models/{served}" if found else f"{workdir(name, runs()[name][0][0])}/export/{served}"
    parts = [] if found else ["The training above ends with an export:"]
    parts.append(
        f"{NOT_HERE.format('needs Docker')}\n```bash\n"
        f'docker run --rm -p 8500:8500 -p 8501:8501 -e MODEL_NAME={served} \\\n'
        f'  -v "$PWD/{folder}:/models/{served}" tensorflow/serving\n```'
    )
    if found and set(found["endpoints"][found["serving_default"]]["inputs"]) == {"seed"}:
        request = f'{{"signature_name": "{found["serving_default"]}", "inputs": {{"seed": [1, 2, 3]}}}}'
        parts.append(
            f"{NOT_HERE.format('needs the server above')}\n```bash\n"
            f"curl -d '{request}' http://localhost:8501/v1/models/{served}:predict\n```"
        )
    return "\n\n".join([*parts, "Endpoints, clients and batching: [serving](../serving.md)."])
