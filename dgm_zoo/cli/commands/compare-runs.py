"""Compare trained runs: a table of their metrics and their curves in one picture.

Runs that differ in the seed alone are one row, with the standard error over seeds. Writes OUT/comparison.json, .md and
.png. Folders that hold no run are left out.
"""

import math

from absl import flags as absl_flags

from dgm_zoo.cli.parsing import Call
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.cli.tables import comparison
from dgm_zoo.errors import InvalidInput

ARGUMENTS = math.inf
USAGE = "DIR [DIR ...] [--metric=A,B] [--out=DIR] [flags]"
EXAMPLES = ("dgm-zoo compare-runs runs/z8 runs/z16", "dgm-zoo compare-runs runs/* --metric=test_loss --out=compared")


def define(flags: absl_flags.FlagValues) -> None:
    absl_flags.DEFINE_list("metric", None, "metrics of the table; by default the first four", flag_values=flags)
    absl_flags.DEFINE_string("out", "comparison", "folder of the three files, created if missing", flag_values=flags)


def run(call: Call) -> dict:
    if not call.arguments:
        raise InvalidInput(f"give the workdirs of runs; for example {EXAMPLES[0]}")

    import_tensorflow()
    from dgm_zoo import training

    return training.compare_runs(call.arguments, call.flags.metric, call.flags.out)


def show(result: dict) -> str:
    return comparison(result)
