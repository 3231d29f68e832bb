"""Reproduction of published tables: a small spec, its runs, and a table with the published numbers.

A spec is `configs/reproduce/NAME.py` with `get_experiment()`; the first line of its docstring is the title. It returns
`rows`, `seeds`, `quick` (overrides of a quick run), `notes`, and perhaps `tables`, which lay rows out as matrices; see
`tables.page`. A row has a `name`, which names its runs, a `label`, `config`, `overrides`, `metric`, `published` and
`published_source`; perhaps also `against` or `starts_from` (names of other rows), `seeds` of its own, `column`, the
metric whose column of a matrix it stands in, `budget`, a text, for a row that needs no training of its own,
`where_measured`, True if runs without the metric do not count, such as those whose samples leave it undefined, and
`goal`, what its number is to reach, see `experiments.goal_of`.
"""

import math
import re
from pathlib import Path

import numpy as np

from dgm_zoo import viz
from dgm_zoo.errors import InvalidInput, check_known, unknown
from dgm_zoo.files import check_writable, read_json, whole
from dgm_zoo.training import tables
from dgm_zoo.training.build import dataset
from dgm_zoo.training.config import load_config
from dgm_zoo.training.experiments import load_spec, specs
from dgm_zoo.training.measures.base import kinds, plane
from dgm_zoo.training.measures.samples import samples
from dgm_zoo.training.overview import write_overview
from dgm_zoo.training.run import load_run, train
from dgm_zoo.training.seeds import over_seeds
from dgm_zoo.training.workdir import check_workdir, is_results, machine, rescheduled, results_folder, write_json


def list_experiments() -> list[str]:
    """Returns the names that `reproduce` takes, sorted."""
    return sorted(specs())


def reproduce(
    name: str, out: str | Path | None = None, quick: bool = False, workdir: str | Path | None = None, verbose: int = 1,
    rows: str | None = None,
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
      rows: a regular expression: rows whose name it matches as a whole, and those that they start from, are run, and
        all others are kept as they are in `<out>/<name>.json`, each with the git revision that measured it. A row
        that is in neither is left out, and the picture stays as it is. None runs every row.

    Returns:
      dict with `rows` (model, dataset, metric, value, values, stderr, seeds, budget, published, published_source),
      versions, git revision and machine, as in the JSON file; and `files`, the paths of the output files.

    Raises:
      InvalidInput: the experiment is unknown, no row has such a name, the workdir holds runs of another config, or a
        quick run is to write into `docs/results`.
    """
    known = specs()
    check_known("experiment", name, known)
    spec = load_spec(known[name])
    for row in spec["rows"]:
        row.setdefault("seeds", spec["seeds"])
    for row in spec["rows"]:
        _base(row, spec["rows"])
    chosen = _chosen(spec["rows"], rows)
    workdir = Path(workdir or f"runs/reproduce/{name}{'-quick' if quick else ''}")
    out = results_folder(out, quick, workdir)
    check_writable(f"out '{out}'", out, folder=True)
    kept = {} if rows is None else _measured_before(out / f"{name}.json")
    runs, names = [], []
    for row in spec["rows"]:
        if "starts_from" in row:
            if row["starts_from"] not in names:
                raise unknown("row to start from", row["starts_from"], names)
            _check_seeds(row, spec["rows"][names.index(row["starts_from"])])
        names.append(row["name"])
        runs.append(_runs(row, spec, quick, known[name].parents[1], workdir))
    found, trained = [], {}
    for row, these in zip(spec["rows"], runs, strict=True):
        if row["name"] not in chosen:
            found.append(kept.get((row["label"], row["metric"])))
            continue
        trained[row["name"]] = [train(config, folder, verbose=verbose) for config, folder in these]
        found.append(_row(row, row["seeds"], trained[row["name"]], _before(row, spec["rows"], trained)))
    for row, described in zip(found, spec["rows"], strict=True):
        base = found[_base(described, spec["rows"])] if "against" in described else None
        if row and base and row["seeds"] == base["seeds"]:
            row.update(_difference(row, base))
    results = {
        "experiment": name, "quick": quick, "rows": [row for row in found if row], "notes": spec["notes"],
        **({"tables": spec["tables"]} if "tables" in spec else {}), **machine(),
    }
    write_json(results, out / f"{name}.json")
    folders = {}
    for row, these in zip(spec["rows"], runs, strict=True):
        folders.setdefault(these[0][1], (row["label"], kinds(these[0][0].data.name)))
    drawn = _picture(folders, out, name) if rows is None else (out / f"{name}.png").is_file()
    with whole(out / f"{name}.md") as partial:
        partial.write_text(tables.page(results, spec["title"], drawn), encoding="utf-8")
    if is_results(out):
        write_overview(out)
    return {**results, "files": [str(out / f"{name}.{kind}") for kind in ("json", "md", *(["png"] if drawn else []))]}


def _chosen(rows, pattern):
    """Returns the names of the rows that `pattern` matches, of all if it is None, and of those that they start from."""
    try:
        chosen = {row["name"] for row in rows if pattern is None or re.fullmatch(pattern, row["name"])}
    except re.error as error:
        raise InvalidInput(f"rows is {pattern!r}, no regular expression ({error}); name rows, such as 'a|b'") from None
    if not chosen:
        raise unknown("row", pattern, list(dict.fromkeys(row["name"] for row in rows)))
    for row in reversed(rows):
        if row["name"] in chosen and "starts_from" in row:
            chosen.add(row["starts_from"])
    return chosen


def _measured_before(path):
    """Returns the rows of a result file by label and metric, each with the git revision that measured it."""
    if not path.is_file():
        return {}
    results, of_pairs = read_json(path), ("against", "difference", "difference_stderr", "published_difference")
    rows = [{key: value for key, value in row.items() if key not in of_pairs} for row in results["rows"]]
    return {(row["model"], row["metric"]): {"git_revision": results["git_revision"], **row} for row in rows}


def _picture(folders, out, name, count=16, points=2000):
    """Draws samples of each model's first seed into `<name>.png`, if it has samples; returns whether any were drawn.

    Args:
      folders: dict of a run's workdir to its label and the kinds of its data.
    """
    images, panels, sets = {}, {}, []
    for folder, (label, found) in folders.items():
        if not {"points", "images"} & found:
            continue
        model, config, _ = load_run(folder)
        if "sample" not in model.endpoints():
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
        if again := rescheduled(config, folder):
            raise InvalidInput(f"{again}; delete that run, or choose another workdir")
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


def _row(row, seeds, runs, before=()):
    """Returns one row of results; None if none of its runs has the metric and they need not.

    Args:
      runs: results of its run for each seed.
      before: results of the runs that the first one starts from, which count in its budget.
    """
    if row.get("where_measured"):
        kept = [i for i, run in enumerate(runs) if row["metric"] in run["metrics"]]
        if not kept:
            return None
        seeds, runs = [seeds[i] for i in kept], [runs[i] for i in kept]
    found = over_seeds(runs, row["metric"])
    minutes = np.mean([run["training_seconds"] for run in runs]) / 60
    budget = f"{runs[0]['epochs']} epochs, {minutes:.1f} min"
    if before:
        seconds = sum(run["training_seconds"] for run in before)
        budget += f", after {sum(run['epochs'] for run in before)} epochs, {seconds / 60:.1f} min"
    protocol = found["protocol"] if found["one_protocol"] else f"{found['protocol']} (seed {seeds[0]})"
    return {
        "model": row["label"],
        "dataset": runs[0]["dataset"]["name"],
        "metric": row["metric"],
        "protocol": protocol,
        **{key: found[key] for key in ("value", "values", "stderr", "stderr_over")},
        "seeds": list(seeds),
        "budget": row.get("budget", budget),
        **({"column": row["column"]} if "column" in row else {}),
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
