"""The overview of docs/results: every row of every table with its goal, generated from the JSON files and the specs."""

import re
from pathlib import Path

from dgm_zoo.files import read_json, whole
from dgm_zoo.training.experiments import goal_of, load_spec, specs
from dgm_zoo.training.workdir import RESULTS

FILE = "README.md"
HEADS = ("model", "data", "metric", "goal", "ours ± s.e.", "reached", "published", "hours")


def write_overview(folder: str | Path = RESULTS) -> Path:
    """Writes the overview of the result files in `folder` to its `README.md`, and returns that path.

    `reproduce` and `directions` do so whenever they write into docs/results.

    Example:
      >>> write_overview()
      PosixPath('docs/results/README.md')
    """
    path = Path(folder) / FILE
    with whole(path) as partial:
        partial.write_text(overview(folder), encoding="utf-8")
    return path


def overview(folder: str | Path = RESULTS) -> str:
    """Returns the overview of the result files `<folder>/<experiment>.json` as Markdown.

    A goal comes from the row of the experiment's spec with the same label and metric; see `experiments.goal_of`. Rows
    of a spec that have a goal and were not measured yet are listed, too.
    """
    known, sections, stated, index = specs(), [], [], []
    for path in sorted(Path(folder).glob("*.json")):
        results = read_json(path)
        name = results["experiment"]
        spec = load_spec(known[name]) if name in known else {"rows": []}
        command = f"`dgm-zoo {'reproduce ' + name if name in known else 'directions'}`"
        rows = _rows(results, spec["rows"])
        judged = [row for row in rows if row["reached"] in ("yes", "no")]
        reached = f"{sum(row['reached'] == 'yes' for row in judged)} of {len(judged)}" if judged else "-"
        title = spec.get("title") or _heading(path.with_suffix(".md"))
        index.append((f"[{name}]({name}.md)", title, str(len(rows)), reached, command))
        sections += ["", f"## {name}", "", f"[{title}]({name}.md) Command: {command}.", "", *_table(HEADS, [
            tuple(row[head] for head in HEADS) for row in rows
        ])]
        stated += [(*(row[head] for head in HEADS), command) for row in rows if row["stated"]]
    lines = [
        "# Results", "",
        "Written by `dgm-zoo reproduce` from the JSON files of the tables and their specs in `configs/reproduce`. "
        "Every number was measured by its table's command; the table's page has protocol, versions and git revision. "
        "Hours are the training time of one run. A published number has the protocol of its source, and the table's "
        "page says how ours differs; one that is marked as recalled was not looked up again.", "",
        "A goal is what the spec's row states, and otherwise the published number, where it is clear which direction "
        "is better. It is reached if our number is at least as good, regardless of the standard error.", "",
        *_table(("table", "what it compares", "rows", "goals reached", "command"), index), "",
        "## Stated goals", "", *_table((*HEADS, "command"), stated), *sections, "",
    ]
    return "\n".join(lines)


def _rows(results, described):
    """Returns a dict of cells for each row of an experiment's results, then for each row of its spec without one."""
    spec = {(row["label"], row["metric"]): row for row in described}
    found, rows = set(), []
    for row in results["rows"]:
        if "metric" in row:
            found.add((row["model"], row["metric"]))
            rows.append(_cells(row, spec.get((row["model"], row["metric"]))))
        else:  # of `directions`: a model with several measures
            for metric, of in row.items():
                if isinstance(of, dict) and "value" in of:
                    named = {"model": row["objective"].replace("||", "‖"), "dataset": "", "metric": metric}
                    rows.append(_cells({**of, **named, "budget": "", "published": None}, None))
    missing = [row for which, row in spec.items() if which not in found and goal_of(row)]
    return rows + [_cells({**row, "model": row["label"], "dataset": "", "budget": ""}, row) for row in missing]


def _cells(row, spec):
    """Returns the cells of one row by heading, and `stated`, whether its spec states a goal."""
    goal, value, difference = goal_of(spec or row), row.get("value"), row.get("difference")
    number = difference if goal and goal.of == "difference" else value
    reached = "-" if goal is None else "not measured" if number is None else "yes" if goal.reached(number) else "no"
    ours = "-" if value is None else _number(value, row["stderr"])
    if goal and goal.of == "difference" and difference is not None:
        ours += f"; difference {_number(difference, row['difference_stderr'])}"
    published = "-" if row["published"] is None else f"{row['published']:.5g} ({row['published_source']})"
    minutes = [float(number) for number in re.findall(r"([\d.]+) min", row.get("budget", ""))]
    return {
        "model": row["model"], "data": row["dataset"] or "-",
        "metric": row["metric"].removeprefix("test_").replace("_", " "), "goal": "-" if goal is None else str(goal),
        "ours ± s.e.": ours, "reached": reached, "published": published,
        "hours": f"{sum(minutes) / 60:.2g}" if minutes else "-", "stated": bool(spec and spec.get("goal")),
    }


def _number(value, stderr):
    return f"{value:.4g}" + ("" if stderr is None else f" ± {stderr:.2g}")


def _table(heads, rows):
    """Returns the lines of a Markdown table; none for no rows."""
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows)] if rows else []


def _heading(page):
    """Returns the first heading of a Markdown file; its name if it is missing."""
    return page.read_text(encoding="utf-8").splitlines()[0].lstrip("# ") if page.is_file() else page.stem
