"""Train a config with every combination of some values, for several seeds.

Each run has a folder of its own in the workdir; the table and the curves of all are written beside them. The runs share
the cores. Run the same command again to resume: it repeats no finished run. The values of a --grid are separated by
commas; flags can override any other key of the config, as in train.
"""

import ast

from absl import flags as absl_flags

from dgm_zoo.cli.commands.train import define_config
from dgm_zoo.cli.parsing import Call
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.cli.tables import comparison
from dgm_zoo.errors import InvalidInput

ARGUMENTS = 0
USAGE = "--config=(NAME|FILE) --workdir=DIR --grid SECTION.KEY=A,B [--grid ...] [--seeds=3] [flags]"
EXAMPLES = (
    "dgm-zoo sweep --config=vae_digits --workdir=runs/sweep --grid model.latent_dim=8,16 --seeds=3",
    "dgm-zoo sweep --config=vae_digits --workdir=runs/h --grid model.latent_dim=8,16 --grid model.hidden=[64],[64,32]",
)
INTERRUPTED = "run the same command again to resume"


def define(flags: absl_flags.FlagValues) -> None:
    define_config(flags)
    absl_flags.DEFINE_multi_string("grid", [], "a key of the config with its values; may repeat", flag_values=flags)
    absl_flags.DEFINE_integer("seeds", 1, "number of seeds of each combination", flag_values=flags)
    absl_flags.DEFINE_integer("processes", None, "runs at a time; by default one on each core", flag_values=flags)
    absl_flags.DEFINE_list("metric", None, "metrics of the table; by default the first four", flag_values=flags)


def run(call: Call) -> dict:
    flags = call.flags
    for name in ("config", "workdir", "grid"):
        if not flags[name].value:
            raise InvalidInput(f"sweep needs --{name}; for example {EXAMPLES[0]}")
    grid = {}
    for text in flags.grid:
        key, values = parsed(text)
        if key in grid:
            raise InvalidInput(f"--grid {key} is given twice; give all its values at once")
        grid[key] = values

    import_tensorflow()
    from dgm_zoo import training

    return training.sweep(
        flags.config, grid, flags.workdir, flags.seeds, call.overrides, flags.processes, flags.metric
    )


def parsed(text: str) -> tuple[str, list]:
    """Returns the key and the values of a `--grid`.

    Raises:
      InvalidInput: it does not read section.key=value,value.

    Example:
      >>> parsed("model.hidden=[64],[64,32]")
      ('model.hidden', [[64], [64, 32]])
    """
    key, equals, values = text.partition("=")
    if not equals or "." not in key or not values.strip():
        raise InvalidInput(f"--grid '{text}' does not read section.key=value,value; write e.g. model.latent_dim=8,16")
    try:
        return key, list(ast.literal_eval(f"[{values}]"))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return key, [_literal(value) for value in values.split(",")]


def _literal(value):
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return value


def show(result: dict) -> str:
    return comparison(result)
