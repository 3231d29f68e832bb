"""Compare two models in Hu et al.'s unified view: the differences of their formulations.

Prints the differences of their schematic graphical models, then of each field, then of the ascended utilities. A line
that begins with "-" belongs to the first model, a line with "+" to the second.
"""

from absl import flags as absl_flags

from dgm_zoo.cli.commands.describe import FIELDS, line
from dgm_zoo.cli.parsing import Call
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.errors import InvalidInput

ARGUMENTS = 2
USAGE = "MODEL MODEL [flags]"
EXAMPLES = ("dgm-zoo compare vae infogan", "dgm-zoo compare gan iwgan --json")


def define(flags: absl_flags.FlagValues) -> None:
    del flags


def run(call: Call) -> dict:
    if len(call.arguments) != 2:
        raise InvalidInput(f"give two models; for example {EXAMPLES[0]}")
    import_tensorflow()
    from dgm_zoo import models
    from dgm_zoo.unified import compare

    one, other = (models.formulation_of(name) for name in call.arguments)
    if one is other:
        first, second = call.arguments
        raise InvalidInput(f"'{first}' and '{second}' have the same formulation; give two different models")
    return {"from": call.arguments[0], "to": call.arguments[1], "names": [one.name, other.name],
            **compare(one, other)}


def show(result: dict) -> str:
    return "\n".join(_lines(result))


def _lines(result):
    from dgm_zoo.core.formulation import ROWS, symbols

    yield f"{result['names'][0]} → {result['names'][1]}"
    for sentence in result["observations"]:
        yield from line("", sentence)
    for key, values in result["rows"].items():
        yield from _pair(ROWS[key], values)
    for who, fields in result["ascents"].items():
        for key, values in fields.items():
            values = [symbols(value) if key == "carries" and value else value for value in values]
            yield from _pair(f"max {who}" if key == "utility" else f"{who}: {FIELDS[key]}", values)


def _pair(label, values):
    """Yields the lines of both values of a difference, without absent ones."""
    from dgm_zoo.core.formulation import ABSENT

    for sign, value in zip("-+", values, strict=True):
        text = ", ".join(value) if isinstance(value, (list, tuple)) else value
        if text and text != ABSENT:
            yield from line(label, f"{sign} {text}")
            label = ""
