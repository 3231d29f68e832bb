"""Runs beside each other: a table of their metrics, seeds of one config together, and their curves in one picture."""

from collections.abc import Iterable
from pathlib import Path

from dgm_zoo import viz
from dgm_zoo.errors import InvalidInput, unknown
from dgm_zoo.files import check_writable, whole
from dgm_zoo.training import checkpoints
from dgm_zoo.training.checksums import MONITOR
from dgm_zoo.training.seeds import over_seeds
from dgm_zoo.training.workdir import flat, read_config, read_json, read_results, write_json

COLUMNS = 4  # metrics of the table unless some are named
IGNORED = ("train.seed", "train.checkpoint_seconds", "train.sample_every")  # keys that make no other row
EXAMPLES = (  # keys of data that change the test examples
    "name", "path", "target", "binarize", "dequantize", "image_size", "crop", "channels", "levels", "bars", "steps",
    "hop", "sounding",
)
MOST_KEYS = 3  # differing keys that name a row; with more of them it has its folder's name


def compare_runs(
    workdirs: Iterable[str | Path], metrics: Iterable[str] | None = None, out: str | Path = "comparison"
) -> dict:
    """Compares trained runs and writes `<out>/comparison.json`, `.md` and `.png`.

    Runs whose configs differ in the seed alone are one row, with the mean over seeds and its standard error. The
    picture shows the validation loss of each run by epoch. Folders that hold no run are left out, and named.

    Args:
      workdirs: folders of runs, finished or not.
      metrics: names of metrics in the runs' `results.json`; None for the first four that all finished runs have.
      out: folder of the three files.

    Returns:
      dict with `rows`, each with `label`, `runs` (folders), `seeds`, `epochs`, `minutes`, `finished` (their number) and
      `metrics` (name to `value`, `values`, `stderr`, `stderr_over`, `protocol`; empty if none is finished); the names
      of the table's `metrics`; `left_out`; `caveats`, a list of sentences, such as that the runs' data differ; and
      `files`.

    Raises:
      InvalidInput: no folder holds a run, a metric is unknown, or `out` cannot be written.

    Example:
      >>> compare_runs(["runs/z8", "runs/z16"])["rows"][0]["metrics"]["test_loss"]["value"]
    """
    out = Path(out)
    check_writable(f"out '{out}'", out, folder=True)
    folders = list(dict.fromkeys(Path(workdir) for workdir in workdirs))
    found = [folder for folder in folders if (folder / "config.json").is_file()]
    if not found:
        given = f"'{folders[0]}' holds no run" if folders else "there are none to compare"
        raise InvalidInput(f"{given}; give the workdirs of runs, such as runs/*")
    groups = {}
    for folder in found:
        config = flat(read_config(folder))
        key = repr(sorted((name, repr(value)) for name, value in config.items() if name not in IGNORED))
        groups.setdefault(key, []).append((folder, config))
    rows = [_row(runs) for runs in groups.values()]
    names = _chosen(None if metrics is None else list(metrics), rows)
    for row, label in zip(rows, _labels(list(groups.values())), strict=True):
        results = row.pop("results")
        row["label"] = label
        row["metrics"] = {name: over_seeds(results, name) for name in names if results}
    left_out = [str(folder) for folder in folders if folder not in found]
    caveats = _caveats([runs[0][1] for runs in groups.values()])
    compared = {"metrics": names, "rows": rows, "left_out": left_out, "caveats": caveats}
    write_json(compared, out / "comparison.json")
    curves = {row["label"]: row.pop("curves") for row in rows}
    drawn = {label: lines for label, lines in curves.items() if lines}
    if drawn:
        viz.save_comparison(drawn, out / "comparison.png", "validation loss")
    with whole(out / "comparison.md") as partial:
        partial.write_text(table(compared, bool(drawn)), encoding="utf-8")
    files = [str(out / f"comparison.{kind}") for kind in ("json", "md", *(["png"] if drawn else []))]
    return {**compared, "files": files}


def _row(runs):
    """Returns a row without its label, for `(folder, config)` of each seed; `curves` and `results` besides."""
    results = [read_results(folder) for folder, _ in runs]
    finished = [one for one in results if one]
    histories = [_history(folder) for folder, _ in runs]
    return {
        "runs": [str(folder) for folder, _ in runs],
        "seeds": [config.get("train.seed") for _, config in runs],
        "epochs": [len(history) for history in histories],
        "minutes": [round(one["training_seconds"] / 60, 2) for one in finished],
        "finished": len(finished),
        "results": finished,
        "curves": [[epoch[MONITOR] for epoch in history] for history in histories if history],
    }


def _history(folder):
    newest = checkpoints.newest_whole(folder / "checkpoints")
    return read_json(newest / "history.json") if newest else []


def _chosen(metrics, rows):
    """Returns the names of the table's metrics: those asked for, or the first that all finished runs have."""
    finished = [one["metrics"] for row in rows for one in row["results"]]
    common = [name for name in (finished[0] if finished else []) if all(name in one for one in finished)]
    if metrics is None:
        return common[:COLUMNS]
    for name in metrics:
        if name not in common:
            raise unknown("metric of all these runs", name, common)
    return metrics


def _labels(groups):
    """Returns a name for each group of runs: the keys in which the groups differ, or the name of its first folder."""
    configs = [runs[0][1] for runs in groups]
    keys = sorted({key for config in configs for key in config} - set(IGNORED))
    differing = [key for key in keys if len({repr(config.get(key)) for config in configs}) > 1]
    if not differing:
        differing = ["model.name"]
    if len(differing) > MOST_KEYS:
        return [str(runs[0][0]) for runs in groups]
    return [", ".join(f"{key}={config.get(key)}" for key in differing) for config in configs]


def _caveats(configs):
    """Returns a sentence if the runs were not measured on the same examples, as far as their configs tell."""
    differing = [key for key in EXAMPLES if len({repr(config.get(f"data.{key}")) for config in configs}) > 1]
    if not differing:
        return []
    keys = ", ".join(f"data.{key}" for key in differing)
    return [f"The runs differ in {keys}: their test examples are not the same."]


def cells(row: dict, names: list[str]) -> list[str]:
    """Returns a row of the table as text: label, finished runs, epochs, minutes, and each metric with its error."""
    epochs, minutes = row["epochs"], row["minutes"]
    spent = f"{sum(minutes) / len(minutes):.1f}" if minutes else "-"
    count = f"{row['finished']} of {len(row['runs'])}"
    many = str(epochs[0]) if len(set(epochs)) == 1 else f"{min(epochs)} to {max(epochs)}"
    return [row["label"], count, many, spent, *(_cell(row["metrics"].get(name)) for name in names)]


def _cell(metric):
    if metric is None:
        return "-"
    return f"{metric['value']:.4g}" + ("" if metric["stderr"] is None else f" ± {metric['stderr']:.2g}")


def heads(names: list[str]) -> list[str]:
    """Returns the titles of the columns of `cells`."""
    titles = (name.removeprefix("test_").replace("_", " ") for name in names)
    return ["config", "finished", "epochs", "minutes", *titles]


def table(compared: dict, drawn: bool = False) -> str:
    """Returns the Markdown page of `compare_runs`, with the picture `comparison.png` if it was drawn."""
    names = compared["metrics"]
    lines = ["# Runs compared", "", f"| {' | '.join(heads(names))} |", "|" + " --- |" * len(heads(names))]
    lines += [f"| {' | '.join(cells(row, names))} |" for row in compared["rows"]]
    if drawn:
        lines += ["", "![Validation loss by epoch](comparison.png)"]
    said = [(name, row["metrics"][name]) for row in compared["rows"] for name in row["metrics"]]
    lines += ["", "± is the standard error over seeds, or of a single run its own; minutes are of training, the mean."]
    lines += [line for sentence in compared["caveats"] for line in ("", sentence)]
    lines += ["", *dict.fromkeys(f"- `{name}`: {metric['protocol']}" for name, metric in said)]
    return "\n".join([*lines, ""])
