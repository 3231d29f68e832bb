"""Show which technique applies to which model, and how.

Without arguments, prints the table of all pairs. With a TECHNIQUE and a MODEL, prints the call and the config lines
that combine them, or the reason why they cannot be combined. --out trains every pair of the table for a few steps and
then writes the table as a page; a pair that does not train is an error.
"""

import os

from absl import flags as absl_flags

from dgm_zoo.cli.parsing import Call
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.errors import InvalidInput
from dgm_zoo.files import check_writable, whole

ARGUMENTS = 2
USAGE = "[TECHNIQUE MODEL] [--out=FILE.md] [flags]"
EXAMPLES = ("dgm-zoo transfer", "dgm-zoo transfer samples vae", "dgm-zoo transfer --out=docs/transfer.md")


def define(flags: absl_flags.FlagValues) -> None:
    absl_flags.DEFINE_string("out", None, "Markdown file of the table, written after every pair has trained",
                             flag_values=flags)


def run(call: Call) -> dict:
    out, asked = call.flags.out, call.arguments
    if len(asked) == 1:
        raise InvalidInput(f"MODEL is missing; for example dgm-zoo transfer {asked[0]} vae")
    if out and asked:
        raise InvalidInput(f"--out={out} writes the whole table; leave out {' '.join(asked)}")
    if out and not os.path.isdir(os.path.dirname(out) or "."):
        raise InvalidInput(f"--out={out} is in no folder that exists; make it first")

    if out:
        check_writable(f"--out={out}", out)
    import_tensorflow()
    from dgm_zoo.unified import transfer

    if asked:
        return _facts(transfer.cell(*asked))
    table = transfer.transfer_table()
    if out:
        cells = {str(cell.recipe): cell for row in table.values() for cell in row.values() if cell.recipe}
        for i, cell in enumerate(cells.values(), 1):
            transfer.prove(cell)
            print(f"{i:>3} of {len(cells)}: {cell.model} with {cell.technique} trained", flush=True)
        with whole(out) as partial:
            partial.write_text(page(table), encoding="utf-8")
    return {
        "techniques": {name: technique.title for name, technique in transfer.TECHNIQUES.items()}, "out": out,
        "table": {model: {name: _facts(cell) for name, cell in row.items()} for model, row in table.items()},
    }


def _facts(cell):
    from dgm_zoo.unified.transfer import TECHNIQUES

    title = TECHNIQUES[cell.technique].title
    facts = {"technique": cell.technique, "title": title, "model": cell.model, "goes": cell.recipe is not None}
    if cell.reason:
        return {**facts, "reason": cell.reason}
    return {**facts, "short": cell.short, "create": cell.call, "config": cell.config}


def show(result: dict) -> str:
    if "table" not in result:
        pair = f"{result['model']} with {result['title']}"
        if not result["goes"]:
            return f"{pair}: no, {result['reason']}."
        lines = [f"{pair}:", "", f"  {result['create']}", "", "or in a config:", ""]
        return "\n".join([*lines, *(f"  {line}" for line in result["config"])])
    if result["out"]:
        return f"every pair trained; wrote {result['out']}"
    rows = [["", *result["techniques"]]]
    for model, row in result["table"].items():
        rows.append([model, *(f"✓ {cell['short']}" if cell["goes"] else "–" for cell in row.values())])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", "how, or why not: dgm-zoo transfer TECHNIQUE MODEL"])


def page(table: dict) -> str:
    """Returns the Markdown page of a `unified.transfer.transfer_table()`."""
    from dgm_zoo.unified.transfer import STEPS, TECHNIQUES

    lines = [
        "# Which technique goes with which model",
        "",
        "Each ✓ is a model that `dgm_zoo.create` builds with the arguments next to it, after the name of another model "
        "if the technique has one of its own. \"Has it\" means that the model already uses the technique. Each – is "
        "explained below.",
        "",
        "| | " + " | ".join(technique.title for technique in TECHNIQUES.values()) + " |",
        "| --- |" + " --- |" * len(TECHNIQUES),
    ]
    for model, row in table.items():
        cells = [_markdown(cell) for cell in row.values()]
        lines.append(f"| `{model}` | " + " | ".join(cells) + " |")
    for name, technique in TECHNIQUES.items():
        lines += ["", f"## {technique.title.capitalize()} (`{name}`)", "", f"{technique.what}."]
        reasons = {}
        for model, row in table.items():
            if row[name].reason:
                reasons.setdefault(row[name].reason, []).append(f"`{model}`")
        lines += ["", *(f"- {', '.join(models)}: {reason}." for reason, models in reasons.items())]
    lines += [
        "",
        "## How this page is generated",
        "",
        f"`dgm-zoo transfer --out=docs/transfer.md` trains every ✓ for {STEPS} steps, with small networks on random "
        "images, and writes the page if every player of every model moved and no term was NaN or infinite. It shows "
        "that a pair runs, not how well it performs.",
        "",
    ]
    return "\n".join(lines)


def _markdown(cell):
    if cell.reason:
        return "–"
    return f"✓ {cell.short}" if cell.short == "has it" else f"✓ `{cell.short}`"
