"""Draw the schematic graphical models of one or more models, side by side under their names.

Solid arrows generate and dashed arrows infer, as defined by the minimised KL: in a GAN, x is latent. Hollow heads are
deterministic transformations, and blue is the adversarial mechanism, pale if it is degenerate. The ending of --out sets
the format: .svg, .png or .pdf.
"""

import math

from absl import flags as absl_flags

from dgm_zoo.cli.parsing import Call, only
from dgm_zoo.cli.quiet import import_tensorflow

ARGUMENTS = math.inf
USAGE = "MODEL... [--out=schematic.svg] [flags]"
EXAMPLES = (
    "dgm-zoo draw vae --out=vae.svg",
    "dgm-zoo draw gan vae infogan aae ada helmholtz --out=docs/schematics.png",
)


def define(flags: absl_flags.FlagValues) -> None:
    absl_flags.DEFINE_string("out", "schematic.svg", "file to write: .svg, .png or .pdf", flag_values=flags)


def run(call: Call) -> dict:
    from dgm_zoo import viz

    only(call, "MODEL", EXAMPLES[0])
    viz.check_schematic_path(call.flags.out)
    import_tensorflow()
    from dgm_zoo import models

    viz.save_schematic([models.formulation_of(name) for name in call.arguments], call.flags.out)
    return {"out": call.flags.out, "models": call.arguments}


def show(result: dict) -> str:
    return f"drew {', '.join(result['models'])} into {result['out']}"
