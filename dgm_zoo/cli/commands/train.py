"""Train a model from a config, evaluate it on the test split and export it.

Writes to the workdir the resolved config, checkpoints, logs, pictures, results.json and an export for TensorFlow
Serving. Run the same command again to resume an interrupted run. Flags can override any key of the config.
"""

import contextlib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags as absl_flags

from dgm_zoo.cli.exporting import export_source, name_of_config, serve_commands, serving_lines
from dgm_zoo.cli.parsing import Call
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.cli.source import Source, metric_table, metric_value
from dgm_zoo.errors import InvalidInput

if TYPE_CHECKING:
    from dgm_zoo.core.model import GenerativeModel

ARGUMENTS = 0
USAGE = "--config=(NAME|FILE) --workdir=DIR [--overwrite] [--config.SECTION.KEY=VALUE ...] [flags]"
EXAMPLES = (
    "dgm-zoo train --config=vae_digits --workdir=runs/vae_digits",
    "dgm-zoo train --config=vae_digits --workdir=runs/z16 --config.model.latent_dim=16",
)
SOUND = "samples.wav"
INTERRUPTED = "run the same command again to resume from the last checkpoint"


def define(flags: absl_flags.FlagValues) -> None:
    define_config(flags)
    absl_flags.DEFINE_bool("overwrite", False, "start afresh: delete the run in the workdir", flag_values=flags)
    absl_flags.DEFINE_list(
        "workers", None, "addresses host:port of all processes that train together; by default those of TF_CONFIG",
        flag_values=flags,
    )
    absl_flags.DEFINE_integer("index", None, "position of this process in --workers, from 0", flag_values=flags)


def define_config(flags: absl_flags.FlagValues) -> None:
    """Declares `--config` and `--workdir`."""
    absl_flags.DEFINE_string(
        "config", None, "name of a config, see dgm-zoo list configs, or Python file with get_config()",
        flag_values=flags,
    )
    absl_flags.DEFINE_string("workdir", None, "folder of the run, created if missing", flag_values=flags)


def run(call: Call) -> dict:
    flags = call.flags
    for name in ("config", "workdir"):
        if not flags[name].value:
            raise InvalidInput(f"train needs --{name}; for example {EXAMPLES[0]}")

    import_tensorflow()
    from dgm_zoo import training
    from dgm_zoo.training import cluster

    workers = cluster.join(flags.workers, flags.index)  # before anything else that uses TensorFlow
    config = training.load_config(flags.config, call.overrides)
    if not workers.first:
        training.train(config, flags.workdir, flags.overwrite)
        return {"worker": workers.index, "workers": workers.count, "workdir": flags.workdir}
    model, config, results = training.train_model(config, flags.workdir, flags.overwrite)
    source = Source(f"--workdir={flags.workdir}", model, config, results["metrics"])
    name = name_of_config(flags.config, call.overrides)
    path = exported(flags.workdir, source) or export_source(source, os.path.join(flags.workdir, "export"), name)
    return {
        "workdir": flags.workdir,
        "results": results,
        "export": path,
        "sample_command": sample_command(model, flags.workdir),
        "sound": os.path.join(flags.workdir, SOUND) if SOUND in os.listdir(flags.workdir) else None,
        "serve_commands": serve_commands(path, model),
    }


def sample_command(model: "GenerativeModel", workdir: str) -> str | None:
    """Returns the command that samples from a trained model; None if the model cannot sample."""
    source = f"--workdir={shlex.quote(workdir)}"
    if "accompany" in model.endpoints():
        return f"dgm-zoo accompany {source} --midi=mine.mid --out=full.mid"
    if "sample" not in model.endpoints():
        return None
    if "compose" in model.abilities:
        return f"dgm-zoo sample {source} --n=8 --seed=0 --out=band.mid   # or band.wav"
    ending = "png" if "samples.png" in os.listdir(workdir) else "npy"  # samples.png exists if they can be drawn
    return f"dgm-zoo sample {source} --n=64 --seed=0 --out=samples.{ending}"


def exported(workdir: str, source: Source) -> str | None:
    """Returns the version folder of an earlier export of this run with these metrics, or None."""
    from dgm_zoo.serving import read_metadata

    wanted = source.metrics, source.config.train.seed
    for path in sorted(Path(workdir, "export").glob("*/[0-9]*"), key=lambda path: int(path.name), reverse=True):
        with contextlib.suppress(InvalidInput):  # another kind of folder, or a damaged one
            metadata = read_metadata(path)
            if (metadata["metrics"], metadata["seed"]) == wanted:
                return str(path)
    return None


def show(result: dict) -> str:
    if "worker" in result:
        return f"worker {result['worker']} of {result['workers']} is done; worker 0 has written {result['workdir']}"
    metrics = result["results"]["metrics"]
    lines = ["", f"trained: {result['workdir']}", *metric_table(metrics), ""]
    best = metrics.get("test_log_likelihood")
    if best:
        lines += [f"test log-likelihood: {metric_value(best)} ({best['protocol']})", ""]
    if result["sound"]:
        lines += [f"listen to it: {result['sound']} (and samples.mid beside it)"]
    if result["sample_command"]:
        lines += ["sample from it:", f"  {result['sample_command']}"]
    return "\n".join([*lines, *serving_lines(result["serve_commands"])])
