"""The model card: the `README.md` of a version folder, generated from its metadata."""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CARD_FILE = "README.md"
SAMPLES = ("samples.png", "samples.mid")  # files that may lie beside the card, which then shows or links them
LICENCE = "apache-2.0"  # of the weights, as of the package; in the spelling of model hubs


def write_card(folder: str | os.PathLike, metadata: dict[str, Any]) -> None:
    """Writes the card into a version folder, with those of `SAMPLES` that are there."""
    beside = [name for name in SAMPLES if (Path(folder) / name).is_file()]
    (Path(folder) / CARD_FILE).write_text(card(metadata, beside), encoding="utf-8", newline="\n")


def card(metadata: dict[str, Any], beside: Sequence[str] = ()) -> str:
    """Returns the card as Markdown: a header for model hubs, then model, data, metrics, use, endpoints, limits.

    Args:
      metadata: the dict returned by `serving.metadata.describe`.
      beside: names of files of samples in the card's folder.
    """
    sections = {
        f"{metadata['name']}, version {metadata['version']}": _model(metadata),
        "Data": _data(metadata),
        **({"Samples": _samples(beside)} if beside else {}),
        "Metrics": _metrics(metadata),
        "Use": _use(metadata),
        "Endpoints": _endpoints(metadata),
        "Limits": _limits(metadata),
        "Made with": _made_with(metadata),
    }
    parts = [f"{'#' if i == 0 else '##'} {title}\n\n{text}\n" for i, (title, text) in enumerate(sections.items())]
    return "\n".join([_header(metadata), *parts])


def _header(metadata):
    """Returns the YAML block by which model hubs file a card; strings are quoted as in JSON, which YAML includes."""
    fields = {
        "license": LICENCE,
        "library_name": "dgm_zoo",
        "tags": ["keras", "tensorflow", "saved-model", *([metadata["model"]] if metadata["model"] else [])],
        "datasets": [one["name"] for one in _sets(metadata)],
        "metrics": list(metadata["metrics"] or {}),
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in fields.items() if value]
    return "\n".join(["---", *lines, "---", ""])


def number(value: float, stderr: float | None = None) -> str:
    """Returns a value as text, rounded to the second significant digit of its standard error, if given.

    Example:
      >>> number(-86.7612, 0.0834)
      '-86.761 ± 0.083'
    """
    if not stderr:
        return f"{value:.6g}"
    decimals = max(0, 1 - math.floor(math.log10(stderr)))
    return f"{value:.{decimals}f} ± {stderr:.{decimals}f}"


def _model(metadata):
    registered = f" (`dgm_zoo.create(\"{metadata['model']}\", …)`)" if metadata["model"] else ""
    return (
        f"{metadata['description']}\n\n"
        f"Class `dgm_zoo.models.{metadata['class']}`{registered}, {metadata['parameters']:,} parameters."
    )


def _sets(metadata):
    """Returns the data sets of training: none if they were not recorded, two for a model of two domains."""
    dataset = metadata["dataset"]
    return [] if dataset is None else [dataset, *([dataset["target"]] if dataset.get("target") else [])]


def _data(metadata):
    return "\n\n".join(map(_origin, _sets(metadata))) or "The training data were not recorded."


def _origin(dataset):
    version = f" {dataset['version']}" if dataset.get("version") else ""
    origin = [f"{title}: {dataset[key]}." for key, title in (("source", "Source"), ("licence", "Licence"))
              if dataset.get(key)]
    return " ".join([f"`{dataset['name']}`{version}.", *origin])


def _metrics(metadata):
    if not metadata["metrics"]:
        return "No metrics were recorded."
    rows = [
        [name, number(metric["value"], metric.get("stderr")), metric["protocol"]]
        for name, metric in metadata["metrics"].items()
    ]
    seed = "" if metadata["seed"] is None else f"\n\nOne training run, seed {metadata['seed']}."
    return _table(["metric", "value ± standard error", "protocol"], rows) + seed


def _samples(beside):
    shown = [f"![Samples]({name})" for name in beside if name.endswith(".png")]
    return "\n\n".join([*shown, *(f"To listen to: [{name}]({name})." for name in beside if name.endswith(".mid"))])


def _use(metadata):
    name, version, default = metadata["name"], metadata["version"], metadata["serving_default"]
    inputs = metadata["endpoints"][default]["inputs"]
    if default == "sample" and set(inputs) <= {"seed", "label"}:
        given = "".join(f", {key}={one['range'][1]:g}" for key, one in inputs.items() if key == "label")
        call = f"x = model.sample(64, seed=0{given})"
    else:
        call = f"answer = model.answer(\"{default}\", {_examples('np', inputs)})"
    numpy = "import numpy as np\n" if "np." in call else ""
    return f"""From the folder that holds `{name}/`. In Keras, with dgm_zoo installed:

```python
{numpy}import dgm_zoo
model = dgm_zoo.from_preset("{name}")
{call}
```

In TensorFlow, without dgm_zoo:

```python
import tensorflow as tf
served = tf.saved_model.load("{name}/{version}")
answer = served.signatures["{default}"]({_examples("tf", inputs)})
```

In TensorFlow Serving, REST on port 8501 and gRPC on port 8500:

```sh
docker run --rm -p 8500:8500 -p 8501:8501 -e MODEL_NAME={name} \\
  -v "$PWD/{name}:/models/{name}" tensorflow/serving
```"""


def _examples(library, inputs):
    """Returns arguments for the inputs, two rows each, in the code of `np` or `tf`: seeds 1 and 2, else low values."""
    texts = []
    for key, one in inputs.items():
        shape = [2, *one["shape"][1:]]
        low = max(0, one["range"][0]) if one.get("range") else 0
        if key == "seed":
            value = f"tf.constant([1, 2], tf.{one['dtype']})" if library == "tf" else "[1, 2]"
        elif library == "tf":
            value = f"tf.fill({shape}, tf.constant({low:g}, tf.{one['dtype']}))"
        else:
            value = f"np.full({shape}, {low:g}, \"{one['dtype']}\")"
        texts.append(f"{key}={value}")
    return ", ".join(texts)


def _endpoints(metadata):
    rows = [
        [f"`{name}`", _arrays(one["inputs"]), _arrays(one["outputs"]), one["doc"]]
        for name, one in metadata["endpoints"].items()
    ]
    note = (
        "Each endpoint has a twin compiled with XLA, `<endpoint>_xla`, for servers that were started with XLA enabled. "
        f"`serving_default` is `{metadata['serving_default']}`."
    )
    return _table(["endpoint", "inputs", "outputs", "meaning"], rows) + f"\n\n{note}"


def _table(titles, rows):
    lines = [titles, ["---"] * len(titles), *([text.replace("|", "\\|") for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _arrays(arrays):
    texts = []
    for name, one in arrays.items():
        shape = ", ".join("batch" if size is None else str(size) for size in one["shape"])
        bounds = f" from {one['range'][0]:g} to {one['range'][1]:g}" if one.get("range") else ""
        bounds = ", zeros and ones" if one.get("binary") else bounds
        texts.append(f"`{name}` {one['dtype']} [{shape}]{bounds}")
    return ", ".join(texts)


def _limits(metadata):
    lines = ["Inputs with another shape or outside the stated range are rejected; nothing is resized or rescaled."]
    if metadata.get("finite_answers"):
        lines.append("A request whose answer would be NaN or infinite is rejected.")
    if metadata["dataset"]:
        names = " and ".join(f"`{one['name']}`" for one in _sets(metadata))
        lines.append(f"The model was trained only on {names}; it was not measured on other data.")
    if metadata["metrics"]:
        lines.append("Each metric holds for its protocol and is comparable only with numbers of the same protocol.")
    if any("seed" in one["inputs"] for one in metadata["endpoints"].values()):
        lines.append(
            "The answer depends only on the request and its seeds, up to rounding on another device or version."
        )
    return "\n".join(f"- {line}" for line in lines)


def _made_with(metadata):
    packages = ", ".join(f"{name} {version}" for name, version in metadata["versions"].items())
    revision = f" Revision `{metadata['git_revision']}`." if metadata["git_revision"] else ""
    return f"{packages}.{revision} `metadata.json` contains the resolved config and all facts above."
