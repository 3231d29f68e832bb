"""List models, presets, data sets, experiments and measures.

KIND is models, presets, datasets, experiments or measures; without KIND all of them are listed.
"""

from absl import flags as absl_flags

from dgm_zoo.cli.parsing import Call
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.errors import unknown

ARGUMENTS = 1
USAGE = "[KIND] [flags]"
EXAMPLES = ("dgm-zoo list", "dgm-zoo list presets", "dgm-zoo list datasets --json")


def models() -> list[str]:
    import_tensorflow()
    from dgm_zoo.models import list_models

    return list_models()


def presets() -> list[str]:
    from dgm_zoo.serving import list_presets

    return list_presets()


def datasets() -> list[str]:
    from dgm_zoo.data import list_datasets

    return list_datasets()


def experiments() -> list[str]:
    import_tensorflow()
    from dgm_zoo.training import list_experiments

    return list_experiments()


def measures() -> list[str]:
    import_tensorflow()
    from dgm_zoo.training.measures import MEASURES

    return sorted(MEASURES)


KINDS = {
    "models": models, "presets": presets, "datasets": datasets, "experiments": experiments, "measures": measures,
}


def define(flags: absl_flags.FlagValues) -> None:
    del flags


def run(call: Call) -> dict:
    for kind in call.arguments:
        if kind not in KINDS:
            raise unknown("kind", kind, KINDS)
    return {kind: KINDS[kind]() for kind in call.arguments or KINDS}


def show(result: dict) -> str:
    return "\n".join(f"{kind + ':':<13}{', '.join(names) or '(none)'}" for kind, names in result.items())
