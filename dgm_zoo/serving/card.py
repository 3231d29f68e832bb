"""The model card: the `README.md` of a version folder, generated from its metadata."""

import json
import math
import os
from pathlib import Path
from typing import Any

CARD_FILE = "README.md"
LICENCE = "apache-2.0"  # of the weights, as of the package; in the spelling of model hubs


def write_card(folder: str | os.PathLike, metadata: dict[str, Any]) -> None:
    """Writes the card into a version folder."""
    (Path(folder) / CARD_FILE).write_text(card(metadata), encoding="utf-8", newline="\n")


def card(metadata: dict[str, Any]) -> str:
    """Returns the card as Markdown: a header for model hubs, then model, data, metrics, use, endpoints, limits.

    Args:
      metadata: the dict returned by `serving.metadata.describe`.
    """
    sections = {
        f"{metadata['name']}, version {metadata['version']}": _model(metadata),
        "Data": _data(metadata),
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
    dataset = metadata["dataset"]
    fields = {
        "license": LICENCE,
        "library_name": "dgm_zoo",
        "tags": ["keras", "tensorflow", "saved-model", *([metadata["model"]] if metadata["model"] else [])],
        "datasets": [dataset["name"]] if dataset else [],
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


def _data(metadata):
    dataset = metadata["dataset"]
    if dataset is None:
        return "The training data were not recorded."
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


def _use(metadata):
    name, version, default = metadata["name"], metadata["version"], metadata["serving_default"]
    call = {"sample": "x = model.sample(64, seed=0)"}.get(default, f"model.answer(\"{default}\", …)")
    labelled = "label" in metadata["endpoints"][default]["inputs"]
    call = call.replace("seed=0)", "seed=0, label=3)") if labelled else call
    arrays = ", ".join(f"{key}={_example(one)}" for key, one in metadata["endpoints"][default]["inputs"].items())
    return f"""From the folder that holds `{name}/`. In Keras, with dgm_zoo installed:

```python
import dgm_zoo
model = dgm_zoo.from_preset("{name}")
{call}
```

In TensorFlow, without dgm_zoo:

```python
import tensorflow as tf
served = tf.saved_model.load("{name}/{version}")
served.signatures["{default}"]({arrays})
```

In TensorFlow Serving, REST on port 8501 and gRPC on port 8500:

```sh
docker run --rm -p 8500:8500 -p 8501:8501 -e MODEL_NAME={name} \\
  -v "$PWD/{name}:/models/{name}" tensorflow/serving
```"""


def _example(array):
    rows = [2 if size is None else size for size in array["shape"]]
    return f"tf.constant([1, 2], tf.{array['dtype']})" if rows == [2] else f"tf.zeros({rows}, tf.{array['dtype']})"


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
        texts.append(f"`{name}` {one['dtype']} [{shape}]{bounds}")
    return ", ".join(texts)


def _limits(metadata):
    lines = ["Inputs with another shape or outside the stated range are rejected; nothing is resized or rescaled."]
    if metadata["dataset"]:
        lines.append(
            f"The model was trained only on `{metadata['dataset']['name']}`; it was not measured on other data."
        )
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
