"""Reconstruct test images.

The images are the first n of the test split of the model's data set. The ending of --out sets the format: a .png of
originals above their reconstructions, a .npy array of the reconstructions, or a .npz with `x` and `reconstruction`.
"""

from absl import flags as absl_flags

from dgm_zoo.cli import source
from dgm_zoo.cli.parsing import Call

ARGUMENTS = 0
USAGE = f"{source.USAGE} [--n=16] [--out=reconstructions.png] [flags]"
EXAMPLES = ("dgm-zoo reconstruct --workdir=runs/vae_digits --n=16 --out=reconstructions.png",)


def define(flags: absl_flags.FlagValues) -> None:
    source.define(flags)
    absl_flags.DEFINE_integer("n", 16, "number of test images", flag_values=flags)
    absl_flags.DEFINE_string("out", "reconstructions.png", "file to write: .png, .npy or .npz", flag_values=flags)


def run(call: Call) -> dict:
    flags = call.flags
    source.check_count("n", flags.n)
    source.check_out(flags.out)
    trained = source.open_source(flags)
    source.need(trained, "reconstruct")
    source.check_count("n", flags.n, source.rows_of_test(trained))

    import numpy as np

    from dgm_zoo import viz

    x, given = source.test_images(trained, flags.n)
    reconstruction = trained.model.reconstruct(x, **given)
    source.write(flags.out, lambda path: viz.save_pairs(x, reconstruction, path), x=x, reconstruction=reconstruction)
    return {"out": flags.out, "n": flags.n, "mean_squared_error": float(np.mean((x - reconstruction) ** 2))}


def show(result: dict) -> str:
    return (
        f"wrote {result['n']} test images and their reconstructions to {result['out']} "
        f"(mean squared error per pixel {result['mean_squared_error']:.4f})"
    )
