"""Show the effect of a divergence's direction on the modes of the data.

Fits a small mixture of Gaussians to a ring of eight by KL(data || model), KL(model || data) and JSD, trains a VAE and a
GAN on it, and writes OUT/kl_directions.json, .md and .png: modes covered, and the share of samples near a mode. OUT is
docs/results, or runs/directions-quick with --quick.
"""

from absl import flags as absl_flags

from dgm_zoo.cli.parsing import Call
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.errors import InvalidInput

ARGUMENTS = 0
USAGE = "[--out=DIR] [--seeds=3] [--quick] [flags]"
EXAMPLES = ("dgm-zoo directions --out=docs/results", "dgm-zoo directions --quick --seeds=1")


def define(flags: absl_flags.FlagValues) -> None:
    absl_flags.DEFINE_string("out", None, "folder of the result files; by default docs/results", flag_values=flags)
    absl_flags.DEFINE_integer("seeds", 3, "number of seeds", flag_values=flags)
    absl_flags.DEFINE_bool("quick", False, "run a version that takes seconds, as a test", flag_values=flags)


def run(call: Call) -> dict:
    if call.flags.seeds < 1:
        raise InvalidInput(f"--seeds={call.flags.seeds} must be at least 1")
    import_tensorflow()
    from dgm_zoo.training.directions import run_directions

    return run_directions(call.flags.out, call.flags.seeds, call.flags.quick)


def show(result: dict) -> str:
    from dgm_zoo.training.directions import line

    return "\n".join([*(line(row) for row in result["rows"]), "", f"wrote {', '.join(result['files'])}"])
