"""List models, presets, data sets and experiments.

KIND is models, presets, datasets or experiments; without it all of them are listed.
"""

from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.errors import unknown

ARGUMENTS = 1
USAGE = "[KIND] [flags]"
EXAMPLES = ("dgm-zoo list", "dgm-zoo list presets", "dgm-zoo list datasets --json")


def models():
    import_tensorflow()
    from dgm_zoo.models import list_models

    return list_models()


def presets():
    from dgm_zoo.serving import list_presets

    return list_presets()


def datasets():
    from dgm_zoo.data import list_datasets

    return list_datasets()


def experiments():
    import_tensorflow()
    from dgm_zoo.training import list_experiments

    return list_experiments()


KINDS = {"models": models, "presets": presets, "datasets": datasets, "experiments": experiments}


def define(flags):
    del flags


def run(call):
    for kind in call.arguments:
        if kind not in KINDS:
            raise unknown("kind", kind, KINDS)
    return {kind: KINDS[kind]() for kind in call.arguments or KINDS}


def show(result):
    return "\n".join(f"{kind + ':':<13}{', '.join(names) or '(none)'}" for kind, names in result.items())
