"""Evaluate a trained model on held-out data, or its samples against examples of your own.

Prints each metric with its standard error and protocol. The config's `evaluate` section sets the numbers of samples,
repetitions and images.

With --against=NAME the samples are judged by the examples of another set, such as folder:paintings or npy:faces.npy:
Frechet and kernel distance, precision and recall, density and coverage. Features of images are their first 64 principal
components, or, with --features, those of a classifier of the zoo (a preset) or of keras.applications, such as
keras:MobileNetV2:weights.h5; nothing is downloaded.
"""

from absl import flags as absl_flags

from dgm_zoo.cli import source
from dgm_zoo.cli.parsing import Call
from dgm_zoo.errors import InvalidInput, unknown

ARGUMENTS = 0
USAGE = f"{source.USAGE} [--split=test] [--against=NAME] [flags]"
EXAMPLES = (
    "dgm-zoo evaluate --workdir=runs/vae_digits", "dgm-zoo evaluate --preset=vae_mnist --json",
    "dgm-zoo evaluate --workdir=runs/faces --against=folder:faces --features=keras:MobileNetV2:weights.h5",
)


def define(flags: absl_flags.FlagValues) -> None:
    source.define(flags)
    absl_flags.DEFINE_string("split", None, "test (the default) or validation; with --against also train, or all, "
                             "its default", flag_values=flags)
    absl_flags.DEFINE_string("against", None, "data set to judge samples by, such as folder:PATH", flag_values=flags)
    absl_flags.DEFINE_string("features", None, "for --against: a preset of a classifier, or keras:NETWORK:FILE",
                             flag_values=flags)


def run(call: Call) -> dict:
    flags = call.flags
    split = flags.split or ("all" if flags.against else "test")
    if split not in ("test", "validation") and not flags.against:
        raise unknown("held-out split", split, ["test", "validation"])
    if flags.features and not flags.against:
        raise InvalidInput(f"--features={flags.features} is for --against=NAME; give that too, or leave it out")
    trained = source.open_source(flags)

    from dgm_zoo import training

    if flags.against:
        found = training.evaluate_against(trained.model, trained.config, flags.against, split, flags.features)
    else:
        found = training.evaluate(trained.model, trained.config, split)
    return {
        "model": trained.config.model.name,
        "dataset": flags.against or trained.config.data.name,
        "split": split,
        "metrics": found,
    }


def show(result: dict) -> str:
    title = f"{result['model']} on {result['dataset']}, {result['split']} split:"
    return "\n".join([title, *source.metric_table(result["metrics"])])
