"""Reproduction of published tables: a small spec, its runs, and a table with the published numbers.

A spec is `configs/reproduce/NAME.py` with `get_experiment()`; the first line of its docstring is the title. A row may
have `seeds` of its own, fewer where a run is expensive; its table says how many.
"""

import math
from pathlib import Path

import numpy as np

from dgm_zoo import viz
from dgm_zoo.errors import InvalidInput, check_known, unknown
from dgm_zoo.files import check_writable, whole
from dgm_zoo.serving import places
from dgm_zoo.training.build import dataset
from dgm_zoo.training.config import call_in, load_config, run_file
from dgm_zoo.training.measures.base import kinds, plane
from dgm_zoo.training.measures.samples import samples
from dgm_zoo.training.run import load_run, train
from dgm_zoo.training.workdir import check_workdir, machine, made_by, results_folder, write_json


def list_experiments() -> list[str]:
    """Returns the names that `reproduce` takes, sorted."""
    return sorted(_specs())


def reproduce(
    name: str, out: str | Path | None = None, quick: bool = False, workdir: str | Path | None = None, verbose: int = 1,
) -> dict:
    """Runs the experiment of a published table and writes `<out>/<name>.json`, `.md` and a picture.

    Every row is a config of this repository with a few overrides, trained for each seed in its own workdir.
    Finished rows are not run again; an interrupted row resumes.

    Args:
      name: one of `list_experiments()`.
      out: folder of the output files; None for `docs/results`, or for `workdir` if `quick`.
      quick: runs the spec's version of minutes: it tests that everything runs; its numbers are meaningless.
      workdir: folder of the runs; `runs/reproduce/<name>` (with `-quick`) if None.
      verbose: as `train` takes it.

    Returns:
      dict with `rows` (model, dataset, metric, value, values, stderr, seeds, budget, published, published_source),
      versions, git revision and machine, as in the JSON file; and `files`, the paths of the output files.

    Raises:
      InvalidInput: the experiment is unknown, the workdir holds runs of another config, or a quick run is to write into
        `docs/results`.
    """
    specs = _specs()
    check_known("experiment", name, specs)
    spec = _load(specs[name])
    for row in spec["rows"]:
        row.setdefault("seeds", spec["seeds"])
    for row in spec["rows"]:
        _base(row, spec["rows"])
    workdir = Path(workdir or f"runs/reproduce/{name}{'-quick' if quick else ''}")
    out = results_folder(out, quick, workdir)
    check_writable(f"out '{out}'", out, folder=True)
    runs, names = [], []
    for row in spec["rows"]:
        if "starts_from" in row:
            if row["starts_from"] not in names:
                raise unknown("row to start from", row["starts_from"], names)
            _check_seeds(row, spec["rows"][names.index(row["starts_from"])])
        names.append(row["name"])
        runs.append(_runs(row, spec, quick, specs[name].parents[1], workdir))
    rows, trained = [], {}
    for row, these in zip(spec["rows"], runs, strict=True):
        trained[row["name"]] = [train(config, folder, verbose=verbose) for config, folder in these]
        rows.append(_row(row, trained[row["name"]], _before(row, spec["rows"], trained)))
    for row, described in zip(rows, spec["rows"], strict=True):
        if "against" in described:
            row.update(_difference(row, rows[_base(described, spec["rows"])]))
    results = {"experiment": name, "quick": quick, "rows": rows, "notes": spec["notes"], **machine()}
    write_json(results, out / f"{name}.json")
    folders = {}
    for row, these in zip(spec["rows"], runs, strict=True):
        folders.setdefault(these[0][1], row["label"])
    drawn = _picture(folders, out, name)
    with whole(out / f"{name}.md") as partial:
        partial.write_text(table(results, spec["title"], drawn), encoding="utf-8")
    return {**results, "files": [str(out / f"{name}.{kind}") for kind in ("json", "md", *(["png"] if drawn else []))]}


def _picture(folders, out, name, count=16, points=2000):
    """Draws samples of each model's first seed into `<name>.png`, if it has samples; returns whether any were drawn.

    Args:
      folders: dict of a run's workdir to its label.
    """
    images, panels, sets = {}, {}, []
    for folder, label in folders.items():
        model, config, _ = load_run(folder)
        found = kinds(config.data.name)
        if "sample" not in model.endpoints() or not {"points", "images"} & found:
            continue
        if "points" not in found:
            images[label] = samples(model, config, count, 0)[0]
            continue
        if config.data.name not in sets:
            sets.append(config.data.name)
            real = np.concatenate([x.numpy() for x in dataset(config, model, "test")])
            panels[f"data, {config.data.name.split('/')[-1]}"] = plane(real[:points])
        panels[label] = plane(samples(model, config, points, 0)[0])
    if images:
        viz.save_rows(images, out / f"{name}.png")
    elif panels:
        viz.save_points(panels, out / f"{name}.png", columns=math.ceil(len(panels) / len(sets)))
    return bool(images or panels)


def _runs(row, spec, quick, configs, workdir):
    """Returns `(config, folder)` for each seed of a row, checked before the first row is trained."""
    runs = []
    for seed in row["seeds"]:
        changes = [*row["overrides"], *(spec["quick"] if quick else []), f"train.seed={seed}"]
        if "starts_from" in row:
            changes.append(f"train.start_from={_folder(row['starts_from'], seed, workdir)}")
        config, folder = load_config(configs / row["config"], changes), _folder(row["name"], seed, workdir)
        check_workdir(config, folder, overwrite=False)
        runs.append((config, folder))
    return runs


def _folder(name, seed, workdir):
    return workdir / f"{name}-seed{seed}"


def _before(row, rows, trained):
    """Returns the first seed's results of the chain of runs that a row starts from."""
    starts, found = {one["name"]: one.get("starts_from") for one in rows}, []
    name = starts[row["name"]]
    while name:
        found.append(trained[name][0])
        name = starts[name]
    return found


def _row(row, runs, before=()):
    """Returns one row of results.

    Args:
      runs: results of its run for each seed.
      before: results of the runs that the first one starts from, which count in its budget.
    """
    if row["metric"] not in runs[0]["metrics"]:
        raise unknown("metric", row["metric"], runs[0]["metrics"])
    values = [run["metrics"][row["metric"]]["value"] for run in runs]
    first = runs[0]["metrics"][row["metric"]]
    several = len(runs) > 1
    minutes = np.mean([run["training_seconds"] for run in runs]) / 60
    budget = f"{runs[0]['epochs']} epochs, {minutes:.1f} min"
    if before:
        seconds = sum(run["training_seconds"] for run in before)
        budget += f", after {sum(run['epochs'] for run in before)} epochs, {seconds / 60:.1f} min"
    protocols = [run["metrics"][row["metric"]]["protocol"] for run in runs]
    of_all = all(protocol == protocols[0] for protocol in protocols)
    return {
        "model": row["label"],
        "dataset": runs[0]["dataset"]["name"],
        "metric": row["metric"],
        "protocol": protocols[0] if of_all else f"{protocols[0]} (seed {row['seeds'][0]})",
        "value": float(np.mean(values)),
        "values": values,
        "stderr": float(np.std(values, ddof=1) / np.sqrt(len(values))) if several else first["stderr"],
        "stderr_over": "seeds" if several else "one run",
        "seeds": list(row["seeds"]),
        "budget": budget,
        "published": row["published"],
        "published_source": row["published_source"],
    }


def _base(row, rows):
    """Returns the position of the row that `row` is compared with: name `row["against"]`, same metric."""
    if "against" not in row:
        return None
    names = [other["name"] if other["metric"] == row["metric"] else None for other in rows]
    if row["against"] not in names:
        raise unknown("row to compare with", row["against"], filter(None, names))
    position = names.index(row["against"])
    _check_seeds(row, rows[position])
    return position


def _check_seeds(row, other):
    """Raises `InvalidInput` unless two rows, whose runs belong together by seed, have the same seeds."""
    if list(row["seeds"]) != list(other["seeds"]):
        raise InvalidInput(
            f"the rows '{row['name']}' and '{other['name']}' have the seeds {list(row['seeds'])} and "
            f"{list(other['seeds'])}; give both the same, since their runs are paired by seed"
        )


def _difference(row, base):
    """Returns a row's differences from its base, by seed: mean, standard error (None for one seed), published."""
    differences = np.subtract(row["values"], base["values"])
    several = len(differences) > 1
    known = row["published"] is not None and base["published"] is not None
    return {
        "against": base["model"],
        "difference": float(differences.mean()),
        "difference_stderr": float(differences.std(ddof=1) / np.sqrt(len(differences))) if several else None,
        "published_difference": row["published"] - base["published"] if known else None,
    }


def _seen(row):
    """Returns whether a published difference is seen: "yes", "no", "the opposite", or "-" if undetermined."""
    found, stderr, published = row["difference"], row["difference_stderr"], row["published_difference"]
    if not stderr or not published:
        return "-"
    errors = math.copysign(found / stderr, found * published)
    return "yes" if errors > 2 else "the opposite" if errors < -2 else "no"


def _differences(rows):
    """Returns the lines of the Markdown table of differences; empty if no row is compared with another."""
    rows = [row for row in rows if "against" in row]
    heads = ("model", "against", "metric", "difference", "± s.e.", "published", "seen")
    lines = ["", "| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in rows:
        stderr = "-" if row["difference_stderr"] is None else f"{row['difference_stderr']:.2g}"
        published = "-" if row["published_difference"] is None else f"{row['published_difference']:+.3g}"
        metric = row["metric"].removeprefix("test_").replace("_", " ")
        cells = row["model"], row["against"], metric, f"{row['difference']:+.3g}", stderr, published, _seen(row)
        lines.append("| " + " | ".join(cells) + " |")
    rule = "Differences are paired by seed; one is seen if it has the published sign and over twice its standard error."
    return [*lines, "", rule] if rows else []


def table(results: dict, title: str, drawn: bool = False) -> str:
    """Returns the Markdown page of `results`, with the picture `<experiment>.png` if one was drawn."""
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
    lines += _differences(results["rows"])
    if drawn:
        lines += ["", f"![Samples of the first seed]({results['experiment']}.png)"]
    protocols = sorted({f"`{row['metric']}` on {row['dataset']}: {row['protocol']}" for row in results["rows"]})
    command = f"dgm-zoo reproduce {results['experiment']}{' --quick' if results['quick'] else ''}"
    lines += ["", *(f"- {line}" for line in protocols), *(f"- {note}" for note in results["notes"])]
    lines += [f"- Command: `{command}`; {made_by(results)}.", ""]
    return "\n".join(lines)


def _specs():
    """Returns name to path of every spec."""
    return places.python_files(places.EXPERIMENTS)


def _load(path):
    names = run_file(path)
    title = (names.get("__doc__") or path.stem).strip().splitlines()[0]
    return {**call_in(path, names, "get_experiment"), "title": title}
