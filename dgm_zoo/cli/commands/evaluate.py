"""Evaluate a trained model on held-out data.

Prints each metric with its standard error and protocol. The config's `evaluate` section sets the numbers of samples,
repetitions and images.
"""

from absl import flags as absl_flags

from dgm_zoo.cli import source
from dgm_zoo.cli.parsing import Call
from dgm_zoo.errors import unknown

ARGUMENTS = 0
USAGE = f"{source.USAGE} [--split=test] [flags]"
EXAMPLES = ("dgm-zoo evaluate --workdir=runs/vae_digits", "dgm-zoo evaluate --preset=vae_mnist --json")


def define(flags: absl_flags.FlagValues) -> None:
    source.define(flags)
    absl_flags.DEFINE_string("split", "test", "test or validation", flag_values=flags)


def run(call: Call) -> dict:
    split = call.flags.split
    if split not in ("test", "validation"):
        raise unknown("held-out split", split, ["test", "validation"])
    trained = source.open_source(call.flags)

    from dgm_zoo import training

    return {
        "model": trained.config.model.name,
        "dataset": trained.config.data.name,
        "split": split,
        "metrics": training.evaluate(trained.model, trained.config, split),
    }


def show(result: dict) -> str:
    title = f"{result['model']} on {result['dataset']}, {result['split']} split:"
    return "\n".join([title, *source.metric_table(result["metrics"])])
