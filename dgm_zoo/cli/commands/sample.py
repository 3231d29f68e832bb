"""Draw samples and write them as a picture, an array or music.

The ending of --out sets the format: a .png grid (for points, a scatter plot), a .npy array [n, H, W, C], or a .npz with
`x` (and `label`). With the same seed, the first m samples are the same for every n. A music model writes one piece of n
phrases: a .mid or .wav file, a .png of the first phrases, or a .npy array [bars, steps, pitches, tracks].
"""

from absl import flags as absl_flags

from dgm_zoo.cli import music, source
from dgm_zoo.cli.parsing import Call
from dgm_zoo.errors import InvalidInput

ARGUMENTS = 0
USAGE = f"{source.USAGE} [--n=64] [--seed=0] [--label=K] [--tempo=120] [--out=samples.png] [flags]"
EXAMPLES = (
    "dgm-zoo sample --preset=vae_mnist --n=64 --seed=0 --out=samples.png",
    "dgm-zoo sample --workdir=runs/cvae_mnist --label=7 --out=sevens.npz",
    "dgm-zoo sample --workdir=runs/band --n=4 --out=band.mid",
)
N, PHRASES = 64, 4  # default n for images, and for music


def define(flags: absl_flags.FlagValues) -> None:
    source.define(flags)
    absl_flags.DEFINE_integer("n", None, f"number of samples ({N}), or of phrases ({PHRASES})", flag_values=flags)
    absl_flags.DEFINE_integer("seed", 0, "int32 that determines the samples", flag_values=flags)
    absl_flags.DEFINE_integer(
        "label", None, "class of all samples, for a conditional model; by default each class in turn", flag_values=flags
    )
    absl_flags.DEFINE_float("tempo", None, "beats per minute of .mid and .wav files; by default 120", flag_values=flags)
    absl_flags.DEFINE_string(
        "out", "samples.png", "file to write: .png, .npy or .npz; for music .mid, .wav, .png or .npy", flag_values=flags
    )


def run(call: Call) -> dict:
    flags = call.flags
    if flags.n is not None:
        source.check_count("n", flags.n)
    if not flags.out.endswith((".mid", ".wav")):
        source.check_out(flags.out)
    trained = source.open_source(flags)
    source.need(trained, "sample")
    if "compose" in trained.model.abilities:
        return _compose(trained, flags)
    source.check_out(flags.out)
    if flags.tempo is not None:
        raise InvalidInput(f"--tempo={flags.tempo:g} is for music; leave it out")

    import numpy as np

    from dgm_zoo import viz
    from dgm_zoo.core.endpoints import check_samples

    n = check_samples(trained.model, N if flags.n is None else flags.n)

    given = {}
    if "label" in trained.model.endpoints()["sample"].inputs:
        classes = trained.model.endpoints()["sample"].inputs["label"].range[1] + 1
        if flags.label is not None and not 0 <= flags.label < classes:
            raise InvalidInput(f"--label={flags.label} must be a class of this model, 0 to {classes - 1}")
        turn = np.arange(n) % classes
        given = {"label": turn if flags.label is None else np.full(n, flags.label)}
    elif flags.label is not None:
        name = trained.config.model.name
        raise InvalidInput(f"--label={flags.label}, but a {name} is not conditioned on labels; leave it out")
    x = trained.model.sample(n, seed=flags.seed, **given)
    if x.ndim == 2 and x.shape[1] != 2 and flags.out.endswith(".png"):
        raise InvalidInput(f"--out={flags.out}, but the samples are vectors of {x.shape[1]} bits; give a .npy file")
    draw = viz.save_grid if x.ndim == 4 else lambda x, path: viz.save_points({"samples": x}, path)
    source.write(flags.out, lambda path: draw(x, path), **given, x=x)
    return {"out": flags.out, "n": n, "seed": flags.seed, "label": flags.label, "shape": list(x.shape)}


def _compose(trained, flags):
    """Writes one piece of music, n consecutive phrases."""
    if flags.label is not None:
        raise InvalidInput(f"--label={flags.label}, but a {trained.config.model.name} has no classes; leave it out")
    music.check_out(flags.out)
    model, n = trained.model, PHRASES if flags.n is None else flags.n
    piece = model.compose(n, seed=flags.seed)
    music.write(flags.out, piece, music.tracks_of(trained), model.x_shape[0], flags.tempo or 120.0)
    return {"out": flags.out, "n": n, "seed": flags.seed, "label": None, "shape": list(piece.shape)}


def show(result: dict) -> str:
    return f"wrote {result['n']} samples, seed {result['seed']}, to {result['out']}"
