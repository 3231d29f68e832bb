"""Show what the direction of a divergence does to the modes of the data.

Fits a small mixture of Gaussians to a ring of eight by KL(data || model), KL(model || data) and JSD, trains a VAE and a
GAN on it, and writes OUT/kl_directions.json, .md and .png: modes covered, and the share of samples near one.
"""

from pathlib import Path

from absl import flags as absl_flags

from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.errors import InvalidInput

ARGUMENTS = 0
USAGE = "[--out=docs/results] [--seeds=3] [--quick] [flags]"
EXAMPLES = ("dgm-zoo directions --out=docs/results", "dgm-zoo directions --quick --seeds=1 --out=quick_results")

BATCH, N = 200, 10_000  # rows of a batch; points that are drawn and measured
EPOCHS, STEPS = 50, 2_000  # of the VAE and the GAN; of the fits
QUICK_EPOCHS, QUICK_STEPS = 1, 100


def define(flags):
    absl_flags.DEFINE_string("out", "docs/results", "folder of the result files", flag_values=flags)
    absl_flags.DEFINE_integer("seeds", 3, "number of seeds", flag_values=flags)
    absl_flags.DEFINE_bool("quick", False, "a version of seconds, to see that everything runs", flag_values=flags)


def run(call):
    seeds, out, quick = call.flags.seeds, Path(call.flags.out), call.flags.quick
    if seeds < 1:
        raise InvalidInput(f"--seeds={seeds} must be at least 1")
    out.mkdir(parents=True, exist_ok=True)

    import_tensorflow()
    from dgm_zoo.theory import directions
    from dgm_zoo.training.workdir import machine, write_json

    epochs = QUICK_EPOCHS if quick else EPOCHS
    zoo = {"VAE": lambda seed: _vae(seed, epochs), "GAN": lambda seed: _gan(seed, epochs)}
    rows, points = directions.directions(zoo, range(seeds), QUICK_STEPS if quick else STEPS)
    made_by = machine()
    results = {"experiment": "kl_directions", "quick": quick, "seeds": list(range(seeds)), "rows": rows, **made_by}
    write_json(results, out / "kl_directions.json")
    directions.draw(rows, points, out / "kl_directions.png")
    (out / "kl_directions.md").write_text(directions.table(rows, _notes(quick, seeds, epochs, made_by)))
    return results


def _vae(seed, epochs):
    """Points of a VAE: draws of x ~ p(x|z), not means."""
    return _trained("vae", seed, epochs, 0.9, activation="relu", likelihood="IndependentNormal").draw(N, seed=seed)


def _gan(seed, epochs):
    return _trained("gan", seed, epochs, 0.5).sample(N, seed=seed)


def _trained(name, seed, epochs, beta_1, **given):
    """A model of the zoo with two hidden layers of 128 units, trained on the ring."""
    import keras

    import dgm_zoo
    from dgm_zoo.theory.directions import DATASET

    keras.utils.set_random_seed(seed)
    model = dgm_zoo.create(name, image_shape=(2,), latent_dim=2, hidden=[128, 128], seed=seed, **given)
    train = dgm_zoo.data.load(DATASET, "train", BATCH, seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, epochs * len(train))
    model.compile(keras.optimizers.Adam(rate, beta_1=beta_1), steps_per_execution=50)
    model.fit(train, epochs=epochs, verbose=0)
    return model


def _notes(quick, seeds, epochs, made_by):
    command = f"dgm-zoo directions --seeds={seeds}{' --quick' if quick else ''}"
    return [
        "4 Gaussians: an even mixture of 4 of any covariance, fitted by exact densities; of two starts, wide and "
        "narrow, the one that ends lower by the divergence itself; a model that is the data on 4 of the 8 modes has a "
        "KL(model ‖ data) of log 2 = 0.693 nats and a JSD of 0.216",
        f"VAE and GAN: dense networks, two hidden layers of 128 units, {epochs} epochs of Adam; the VAE's points are "
        "draws of p(x|z), the GAN's objective is the non-saturating one",
        f"Command: `{command}`; {made_by['machine']}; git revision {made_by['git_revision']}.",
    ]


def show(result):
    from dgm_zoo.theory.directions import line

    return "\n".join(line(row) for row in result["rows"])
