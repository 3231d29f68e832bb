"""Interpolate between test images in latent space.

Each row follows, in equal steps, the straight line between the codes of two neighbours in the test split (for a model
conditioned on labels, two of the same class). The ending of --out sets the format: a .png with one path per row, a .npy
array [rows, steps, H, W, C], or a .npz with `z` and `x`.
"""

import math

from absl import flags as absl_flags

from dgm_zoo.cli import source
from dgm_zoo.cli.parsing import Call
from dgm_zoo.errors import InvalidInput

ARGUMENTS = 0
USAGE = f"{source.USAGE} [--rows=6] [--steps=11] [--out=interpolation.png] [flags]"
EXAMPLES = ("dgm-zoo interpolate --workdir=runs/vae_digits --rows=6 --steps=11 --out=interpolation.png",)


def define(flags: absl_flags.FlagValues) -> None:
    source.define(flags)
    absl_flags.DEFINE_integer("rows", 6, "number of pairs of images", flag_values=flags)
    absl_flags.DEFINE_integer("steps", 11, "images in a row, both ends included; at least 2", flag_values=flags)
    absl_flags.DEFINE_string("out", "interpolation.png", "file to write: .png, .npy or .npz", flag_values=flags)


def run(call: Call) -> dict:
    flags = call.flags
    source.check_count("rows", flags.rows)
    source.check_out(flags.out)
    if flags.steps < 2:
        raise InvalidInput(f"--steps={flags.steps} cannot include both ends; give at least 2")
    trained = source.open_source(flags)
    source.need(trained, "encode", "decode")
    images = source.rows_of_test(trained)
    source.check_count("rows", flags.rows, images // 2)
    source.check_amount("steps", flags.steps, flags.rows * flags.steps * math.prod(trained.model.takes()["x"].shape))

    import numpy as np

    from dgm_zoo import viz

    x, given = source.test_images(trained, images if "label" in trained.model.takes() else 2 * flags.rows)
    pairs = _pairs(given.get("label", np.zeros(len(x))))[: flags.rows]
    if len(pairs) < flags.rows:
        raise InvalidInput(f"--rows={flags.rows}, but the test split has {len(pairs)} pairs of one class; give fewer")
    z = _codes(trained.model.encode(x, **given))
    start, end = (z[[pair[side] for pair in pairs], None] for side in (0, 1))
    path = start + np.linspace(0, 1, flags.steps, dtype=np.float32)[:, None] * (end - start)
    labels = {key: np.repeat(value[[first for first, _ in pairs]], flags.steps) for key, value in given.items()}
    decoded = trained.model.answer("decode", z=path.reshape(-1, path.shape[-1]), **labels)["x"]
    rows = decoded.reshape(flags.rows, flags.steps, *decoded.shape[1:])
    source.write(flags.out, lambda out: viz.save_interpolation(rows, out), z=path, x=rows)
    return {"out": flags.out, "rows": flags.rows, "steps": flags.steps}


def _pairs(labels):
    """Returns the indices of successive rows with the same label: `[0, 0, 0, 0]` gives (0, 1), (2, 3)."""
    waiting, pairs = {}, []
    for i, label in enumerate(labels):
        if label in waiting:
            pairs.append((waiting.pop(label), i))
        else:
            waiting[label] = i
    return sorted(pairs)


def _codes(encoded):
    """Returns the mean of q(z|x) from the answer of `encode`: `mean`, or the `logits` of binary codes."""
    import numpy as np

    return encoded["mean"] if "mean" in encoded else 1 / (1 + np.exp(-encoded["logits"]))


def show(result: dict) -> str:
    return f"wrote {result['rows']} paths of {result['steps']} images to {result['out']}"
