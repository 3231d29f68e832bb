"""Published tables, run again: a small spec, its runs, and a table beside the paper's.

A spec is `configs/reproduce/NAME.py` with `get_experiment()`; the first line of its docstring says what it is.
"""

from pathlib import Path

import numpy as np

from dgm_zoo.errors import unknown
from dgm_zoo.training.config import call_in, load_config, run_file
from dgm_zoo.training.run import train
from dgm_zoo.training.workdir import check_workdir, machine, write_json


def list_experiments():
    """Returns the names that `reproduce` takes, sorted."""
    return sorted(_specs())


def reproduce(name, out="docs/results", quick=False, workdir=None, verbose=1):
    """Runs a published table's experiment and writes `<out>/<name>.json` and `<out>/<name>.md`.

    Every row is a config of this repository with a few overrides, trained for each seed in a workdir of its own.
    Rows that are done are not run again, a row that was interrupted resumes.

    Args:
      name: one of `list_experiments()`.
      out: folder of the two files.
      quick: the spec's minutes-long version: it shows that everything runs, not what the paper's number is.
      workdir: folder of the runs; `runs/reproduce/<name>` (with `-quick`) if None.
      verbose: as `train` takes it.

    Returns:
      dict with `rows` (model, dataset, metric, value, stderr, seeds, budget, published, published_source), and
      what they depend on: versions, git revision, machine.

    Raises:
      InvalidInput: unknown experiment, or a workdir with runs of another config.
    """
    specs = _specs()
    if name not in specs:
        raise unknown("experiment", name, specs)
    spec = _load(specs[name])
    workdir = Path(workdir or f"runs/reproduce/{name}{'-quick' if quick else ''}")
    Path(out).mkdir(parents=True, exist_ok=True)
    runs = [_runs(row, spec, quick, specs[name].parents[1], workdir) for row in spec["rows"]]
    rows = [
        _row(row, spec["seeds"], [train(config, folder, verbose=verbose) for config, folder in these])
        for row, these in zip(spec["rows"], runs, strict=True)
    ]
    results = {"experiment": name, "quick": quick, "rows": rows, "notes": spec["notes"], **machine()}
    write_json(results, Path(out) / f"{name}.json")
    (Path(out) / f"{name}.md").write_text(table(results, spec["title"]))
    return results


def _runs(row, spec, quick, configs, workdir):
    """Returns `(config, folder)` for each seed of a row, checked before the first row is trained."""
    runs = []
    for seed in spec["seeds"]:
        changes = [*row["overrides"], *(spec["quick"] if quick else []), f"train.seed={seed}"]
        config, folder = load_config(configs / row["config"], changes), workdir / f"{row['name']}-seed{seed}"
        check_workdir(config, folder, overwrite=False)
        runs.append((config, folder))
    return runs


def _row(row, seeds, runs):
    if row["metric"] not in runs[0]["metrics"]:
        raise unknown("metric", row["metric"], runs[0]["metrics"])
    values = [run["metrics"][row["metric"]]["value"] for run in runs]
    first = runs[0]["metrics"][row["metric"]]
    several = len(runs) > 1
    minutes = np.mean([run["training_seconds"] for run in runs]) / 60
    return {
        "model": row["label"],
        "dataset": runs[0]["dataset"]["name"],
        "metric": row["metric"],
        "protocol": first["protocol"],
        "value": float(np.mean(values)),
        "stderr": float(np.std(values, ddof=1) / np.sqrt(len(values))) if several else first["stderr"],
        "stderr_over": "seeds" if several else "test images",
        "seeds": list(seeds),
        "budget": f"{runs[0]['epochs']} epochs, {minutes:.1f} min",
        "published": row["published"],
        "published_source": row["published_source"],
    }


def table(results, title):
    """Returns the Markdown page of `results`."""
    heads = ("model", "metric", "value", "± s.e.", "published", "budget", "seeds")
    lines = [f"# {title}", ""]
    if results["quick"]:
        lines += ["A quick run: it shows that everything runs, and no more.", ""]
    lines += ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in results["rows"]:
        stderr = "-" if row["stderr"] is None else f"{row['stderr']:.2g} ({row['stderr_over']})"
        published = "-" if row["published"] is None else f"{row['published']} ({row['published_source']})"
        metric = row["metric"].removeprefix("test_").replace("_", " ")
        cells = (row["model"], metric, f"{row['value']:.4g}", stderr, published, row["budget"], len(row["seeds"]))
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    protocols = sorted({f"`{row['metric']}` on {row['dataset']}: {row['protocol']}" for row in results["rows"]})
    command = f"dgm-zoo reproduce {results['experiment']}{' --quick' if results['quick'] else ''}"
    lines += ["", *(f"- {line}" for line in protocols), *(f"- {note}" for note in results["notes"])]
    lines += [f"- Command: `{command}`; {results['machine']}; git revision {results['git_revision']}.", ""]
    return "\n".join(lines)


def _specs():
    """Name to path of every spec: beside the package where it is installed from a checkout, and in ./configs."""
    folders = [Path(__file__).parents[2] / "configs" / "reproduce", Path("configs/reproduce").absolute()]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.py"))}


def _load(path):
    names = run_file(path)
    title = (names.get("__doc__") or path.stem).strip().splitlines()[0]
    return {**call_in(path, names, "get_experiment"), "title": title}
