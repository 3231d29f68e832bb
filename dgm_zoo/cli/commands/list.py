"""List models, presets, data sets, configs, experiments and measures.

KIND is one of these words (datasets as one word); without KIND all of them are listed. `train --config` takes the name
of a config, `reproduce` that of an experiment.
"""

from absl import flags as absl_flags

from dgm_zoo.cli import declared
from dgm_zoo.cli.parsing import Call
from dgm_zoo.errors import check_known

ARGUMENTS = 1
USAGE = "[KIND] [flags]"
EXAMPLES = ("dgm-zoo list", "dgm-zoo list presets", "dgm-zoo list datasets --json")


def presets() -> list[str]:
    from dgm_zoo.serving import list_presets

    return list_presets()


def datasets() -> list[str]:
    from dgm_zoo.data import list_datasets

    return list_datasets()


def configs() -> list[str]:
    from dgm_zoo.serving import places

    return sorted(places.python_files(places.CONFIGS))


def experiments() -> list[str]:
    from dgm_zoo.serving import places

    return sorted(places.python_files(places.EXPERIMENTS))


KINDS = {
    "models": declared.models, "presets": presets, "datasets": datasets, "configs": configs, "experiments": experiments,
    "measures": declared.measures,
}


def define(flags: absl_flags.FlagValues) -> None:
    del flags


def run(call: Call) -> dict:
    for kind in call.arguments:
        check_known("kind", kind, KINDS)
    return {kind: KINDS[kind]() for kind in call.arguments or KINDS}


def show(result: dict) -> str:
    return "\n".join(f"{kind + ':':<13}{', '.join(names) or '(none)'}" for kind, names in result.items())
