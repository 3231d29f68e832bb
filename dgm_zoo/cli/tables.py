"""Results as aligned text for the terminal."""


def aligned(rows: list[list[str]]) -> list[str]:
    """Returns one line of text for each row, the columns aligned.

    Example:
      >>> aligned([["a", "b"], ["long", "c"]])
      ['a     b', 'long  c']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def comparison(result: dict) -> str:
    """Returns what `training.compare_runs` found as text."""
    from dgm_zoo.training.comparison import cells, heads

    rows = [heads(result["metrics"]), *(cells(row, result["metrics"]) for row in result["rows"])]
    left_out = [f"left out, no run: {', '.join(result['left_out'])}"] if result["left_out"] else []
    return "\n".join([*aligned(rows), "", *result["caveats"], *left_out, f"wrote {', '.join(result['files'])}"])
