"""Run the experiment of a published table.

Writes OUT/NAME.json and OUT/NAME.md with our numbers and the published ones. Run the same command again to resume.
--quick takes minutes and shows that everything runs; it writes beside its runs, into runs/reproduce/NAME-quick, and
never into docs/results. --rows='a|b' runs the rows of these names, and keeps the others as they are in OUT/NAME.json.
"""

from absl import flags as absl_flags

from dgm_zoo.cli.parsing import Call, only
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.cli.tables import aligned

ARGUMENTS = 1
USAGE = "NAME [--quick] [--rows=REGEX] [--out=DIR] [--workdir=DIR] [flags]"
EXAMPLES = ("dgm-zoo list experiments", "dgm-zoo reproduce bars --quick")
INTERRUPTED = "run the same command again to resume where it stopped"


def define(flags: absl_flags.FlagValues) -> None:
    absl_flags.DEFINE_bool("quick", False, "run a version that takes minutes, as a test", flag_values=flags)
    absl_flags.DEFINE_string("rows", None, "regular expression of the rows to run", flag_values=flags)
    absl_flags.DEFINE_string("out", None, "folder of the result files; by default docs/results", flag_values=flags)
    absl_flags.DEFINE_string("workdir", None, "folder of the runs", flag_values=flags)


def run(call: Call) -> dict:
    name = only(call, "NAME", "dgm-zoo reproduce iwae_mnist")

    import_tensorflow()
    from dgm_zoo import training

    flags = call.flags
    return training.reproduce(name, out=flags.out, quick=flags.quick, workdir=flags.workdir, rows=flags.rows)


def show(result: dict) -> str:
    heads = ("model", "dataset", "metric", "value", "stderr", "published")
    rows = [list(heads), *([_cell(row.get(head)) for head in heads] for row in result["rows"])]
    return "\n".join([*aligned(rows), "", f"wrote {', '.join(result['files'])}"])


def _cell(value):
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
