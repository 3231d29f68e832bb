"""The page of a reproduced table: Markdown from the rows of its results."""

import math

from dgm_zoo.training.workdir import made_by


def page(results: dict, title: str, drawn: bool = False) -> str:
    """Returns the Markdown page of `results`, with the picture `<experiment>.png` if one was drawn.

    Args:
      results: what `reproduce` returns. If it has `tables`, a list of `title` and `columns` (metric to heading), each
        is a matrix of models and metrics, and the page has no list of rows.
      title: heading of the page.
      drawn: whether there is a picture.
    """
    lines = [f"# {title}", ""]
    if results["quick"]:
        lines += ["A quick run: it shows that everything runs, and no more.", ""]
    if "tables" in results:
        lines += [line for one in results["tables"] for line in _matrix(one, results["rows"])]
        lines += _budgets(results["rows"])
    else:
        lines += _list(results["rows"])
    lines += _differences(results["rows"])
    if drawn:
        lines += ["", f"![Samples of the first seed]({results['experiment']}.png)"]
    command = f"dgm-zoo reproduce {results['experiment']}{' --quick' if results['quick'] else ''}"
    lines += ["", *(f"- {line}" for line in _protocols(results)), *(f"- {note}" for note in results["notes"])]
    lines += [f"- Command: `{command}`; {made_by(results)}.", *_kept(results["rows"]), ""]
    return "\n".join(lines)


def _kept(rows):
    """Returns a line for each earlier revision, with the rows that it measured and that were not run again."""
    earlier = {}
    for row in rows:
        if "git_revision" in row:
            earlier.setdefault(row["git_revision"], {})[row["model"]] = None
    return [f"- Measured before{f', at git revision {revision}' if revision else ''}: {'; '.join(of)}."
            for revision, of in earlier.items()]


def _protocols(results):
    """Returns the protocol of each number; below matrices, of one number in each column."""
    rows = results["rows"]
    if "tables" not in results:
        return sorted({f"`{row['metric']}` on {row['dataset']}: {row['protocol']}" for row in rows})
    first = {row.get("column", row["metric"]): row for row in reversed(rows)}
    shown = [first[column] for one in results["tables"] for column in one["columns"] if column in first]
    return [
        *(f"`{row['metric']}` on {row['dataset']}: {row['protocol']}" for row in shown),
        f"`{results['experiment']}.json` has the protocol of every number.",
    ]


def _list(rows):
    """Returns the lines of the table that has a line for each row."""
    heads = ("model", "metric", "value", "± s.e.", "published", "budget", "seeds")
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in rows:
        stderr = "-" if row["stderr"] is None else f"{row['stderr']:.2g} ({row['stderr_over']})"
        published = "-" if row["published"] is None else f"{row['published']} ({row['published_source']})"
        metric = row["metric"].removeprefix("test_").replace("_", " ")
        cells = (row["model"], metric, f"{row['value']:.4g}", stderr, published, row["budget"], len(row["seeds"]))
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return lines


def _matrix(described, rows):
    """Returns the lines of a table with a line for each model and a column for each metric."""
    columns, cells, published = described["columns"], {}, {}
    for row in rows:
        column = row.get("column", row["metric"])
        if column in columns:
            error = "" if row["stderr"] is None else f" ± {row['stderr']:.2g}"
            cells.setdefault(row["model"], {})[column] = f"{row['value']:.3g}{error}"
            if row["published"] is not None:
                published.setdefault(row["model"], {})[column] = f"{row['published']:g}"
    lines = ["## " + described["title"], "", "| model | " + " | ".join(columns.values()) + " |"]
    lines += ["|" + " --- |" * (1 + len(columns))]
    for label, found in (*cells.items(), *((f"*published: {label}*", found) for label, found in published.items())):
        lines.append(f"| {label} | " + " | ".join(found.get(column, "-") for column in columns) + " |")
    return [*lines, ""]


def _budgets(rows):
    """Returns the lines of the table of each model's budget, number of seeds and standard error, after matrices."""
    lines = ["## Budgets", "", "| model | budget | seeds | s.e. over |", "|" + " --- |" * 4]
    for label, row in {row["model"]: row for row in reversed(rows)}.items():
        lines.append(f"| {label} | {row['budget']} | {len(row['seeds'])} | {row['stderr_over']} |")
    return [*lines[:4], *reversed(lines[4:])]


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
