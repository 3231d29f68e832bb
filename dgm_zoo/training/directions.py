"""Effect of a divergence's direction on a model too small for its data: modes covered and modes missed."""

from collections.abc import Callable, Iterable
from pathlib import Path

import keras
import numpy as np

from dgm_zoo import data, metrics, viz
from dgm_zoo.core.registry import create
from dgm_zoo.errors import InvalidInput
from dgm_zoo.files import check_writable, whole
from dgm_zoo.training.overview import write_overview
from dgm_zoo.training.workdir import is_results, machine, made_by, results_folder, write_json
from dgm_zoo.unified.theory.fits import DIVERGENCES, fit

DATASET = "gaussian_mixtures/ring"
COMPONENTS = 4  # of the fitted mixture; the ring has 8
SAMPLES = 10_000
BATCH = 200  # rows of a batch of the VAE and the GAN
EPOCHS, STEPS = 50, 2_000  # epochs of the VAE and the GAN; steps of the fits
QUICK_EPOCHS, QUICK_STEPS = 1, 100


def run_directions(out: str | Path | None = None, seeds: int = 3, quick: bool = False) -> dict:
    """Runs `directions` with a VAE and a GAN of the zoo, and writes `<out>/kl_directions.json`, `.md` and `.png`.

    Args:
      out: folder, made if missing; None for `docs/results`, or for `runs/directions-quick` if `quick`.
      seeds: number of seeds.
      quick: runs a version that takes seconds: it tests that everything runs; its numbers are meaningless.

    Returns:
      The contents of the JSON file: `rows`, versions, machine; and `files`, the paths of the three files.

    Raises:
      InvalidInput: see `directions`; or a quick run is to write into `docs/results`.

    Example:
      >>> run_directions("docs/results", seeds=1, quick=True)["rows"][0]["objective"]
      'KL(data || model), 4 Gaussians'
    """
    out = results_folder(out, quick, "runs/directions-quick")
    check_writable(f"out '{out}'", out, folder=True)
    epochs = QUICK_EPOCHS if quick else EPOCHS
    zoo = {"VAE": lambda seed: _vae(seed, epochs), "GAN": lambda seed: _gan(seed, epochs)}
    rows, points = directions(zoo, range(seeds), QUICK_STEPS if quick else STEPS)
    on = machine()
    results = {"experiment": "kl_directions", "quick": quick, "seeds": list(range(seeds)), "rows": rows, **on}
    files = [out / f"kl_directions.{kind}" for kind in ("json", "md", "png")]
    write_json(results, files[0])
    with whole(files[1]) as partial:
        partial.write_text(table(rows, _notes(quick, seeds, epochs, on)), encoding="utf-8")
    draw(rows, points, files[2])
    if is_results(out):
        write_overview(out)
    return {**results, "files": [str(path) for path in files]}


def directions(
    zoo: dict[str, Callable], seeds: Iterable[int] = (0, 1, 2), steps: int = 2_000, progress: Callable = print
) -> tuple[list, dict]:
    """Fits a mixture of 4 Gaussians to a ring of 8 by both KL directions and the JSD; compares the fits with models.

    KL(p_data || p_model) is infinite if the data have mass where the model has none: its minimiser covers every mode
    and the space between them. KL(p_model || p_data) is infinite if the model has mass where the data have none: its
    minimiser covers some modes and misses others. Hu et al. find the first in the VAE's objective and the second, minus
    a JSD, in the GAN's.

    Args:
      zoo: dict of label to a function of a seed that returns points of a trained model, `[10000, 2]`.
      seeds: seeds of each row.
      steps: number of steps of each fit; see `fits.fit`.
      progress: function that receives a line of text before each row.

    Returns:
      `rows`, a list of one dict for each objective: `objective`, and `modes_covered` and `high_quality`, each with
      `value`, the mean over seeds, `values`, `stderr` over seeds (None for one seed) and `protocol`; and `nats`, the
      divergence that a fit reached from its `wide` and its `narrow` start for each seed (None for a model). And
      `points`, a dict of objective to points of the first seed, `[10000, 2]`; its first entry is the data.

    Raises:
      InvalidInput: there are no seeds or a seed repeats, or points have another shape.

    Example:
      >>> rows, points = directions({"GAN": lambda seed: trained_gan(seed).sample(10_000, seed=seed)}, seeds=[0])

    References: Hu et al., On Unifying Deep Generative Models, 2018, Eq. 8 and 12. Minka, Divergence measures and
      message passing, 2005.
    """
    seeds = list(seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise InvalidInput(f"seeds {seeds} must be at least one, and differ from each other")
    modes, rows = data.info(DATASET).modes, []
    real = next(iter(data.load(DATASET, "test", SAMPLES)))
    points = {f"data, {len(modes.centres)} modes": real.numpy()}
    for divergence in DIVERGENCES:
        progress(f"fitting {COMPONENTS} Gaussians by {divergence}, {len(seeds)} seeds")
        found, (wide, narrow) = fit(divergence, modes.centres, modes.stddev, COMPONENTS, seeds, SAMPLES, steps)
        nats = {"wide": wide.tolist(), "narrow": narrow.tolist()}
        rows.append(_row(f"{divergence}, {COMPONENTS} Gaussians", found, nats))
        points[rows[-1]["objective"]] = found[0]
    for label, train in zoo.items():
        progress(f"training {label}, {len(seeds)} seeds")
        found = [train(seed) for seed in seeds]
        rows.append(_row(label, found, None))
        points[label] = found[0]
    return rows, points


def _row(objective, points, nats):
    """Measures the points of each seed; returns means and standard errors over seeds."""
    found = [metrics.mode_coverage(of_seed, DATASET) for of_seed in points]
    measured = {name: _mean([one[name] for one in found]) for name in found[0]}
    return {"objective": objective, **measured, "nats": nats}


def _mean(measured):
    values = [one["value"] for one in measured]
    stderr = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {"value": float(np.mean(values)), "values": values, "stderr": stderr, "protocol": measured[0]["protocol"]}


def line(row: dict) -> str:
    """Returns one line of text: the objective, modes covered, share of samples near a mode."""
    covered, near = (_cell(row[name]) for name in ("modes_covered", "high_quality"))
    return f"{row['objective']:<34} modes covered {covered:<12} high quality {near}"


def _cell(measured):
    stderr = "" if measured["stderr"] is None else f" ± {measured['stderr']:.2g}"
    return f"{measured['value']:.3g}{stderr}"


def table(rows: list[dict], notes: list[str]) -> str:
    """Returns the Markdown page: the table, the picture `kl_directions.png`, the protocols, and the lines `notes`."""
    heads = ("minimised", "modes covered (each seed)", "high quality", "nats, from wide; narrow start", "seeds")
    lines = ["# The direction of the divergence", "", f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    for row in rows:
        covered, near = row["modes_covered"], row["high_quality"]
        nats = "; ".join(f"{np.mean(reached):.3g}" for reached in row["nats"].values()) if row["nats"] else "-"
        seeds = f"{_cell(covered)} ({', '.join(str(n) for n in covered['values'])})"
        cells = row["objective"].replace("||", "‖"), seeds, _cell(near), nats, str(len(near["values"]))
        lines += [f"| {' | '.join(cells)} |"]
    lines += ["", "± is the standard error over seeds.", "", "![Points of the first seed](kl_directions.png)", ""]
    lines += [f"- {name.replace('_', ' ')}: {rows[0][name]['protocol']}" for name in ("modes_covered", "high_quality")]
    return "\n".join([*lines, *(f"- {note}" for note in notes), ""])


def draw(rows: list[dict], points: dict[str, np.ndarray], path: Path) -> None:
    """Draws points of the first seed, one panel for the data and one for each row, into the PNG file `path`."""
    first, *others = points
    panels = {first: points[first]}
    for row, name in zip(rows, others, strict=True):
        covered, near = (row[key]["values"][0] for key in ("modes_covered", "high_quality"))
        title = f"{name.replace('||', '‖')}\nmodes {covered}, near {near:.0%}"
        panels[title] = points[name][: len(points[first])]
    viz.save_points(panels, path, columns=3)


def _vae(seed, epochs):
    """Returns points of a VAE: draws of x ~ p(x|z), not means."""
    vae = _trained("vae", seed, epochs, 0.9, activation="relu", likelihood="IndependentNormal")
    return vae.draw(SAMPLES, seed=seed)


def _gan(seed, epochs):
    return _trained("gan", seed, epochs, 0.5).sample(SAMPLES, seed=seed)


def _trained(name, seed, epochs, beta_1, **given):
    """A model of the zoo with two hidden layers of 128 units, trained on the ring."""
    keras.utils.set_random_seed(seed)
    model = create(name, image_shape=(2,), latent_dim=2, hidden=[128, 128], seed=seed, **given)
    train = data.load(DATASET, "train", BATCH, seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, epochs * len(train))
    model.compile(keras.optimizers.Adam(rate, beta_1=beta_1), steps_per_execution=50)
    model.fit(train, epochs=epochs, verbose=0)
    return model


def _notes(quick, seeds, epochs, on):
    command = f"dgm-zoo directions --seeds={seeds}{' --quick' if quick else ''}"
    return [
        "4 Gaussians: an even mixture of 4 of any covariance, fitted by exact densities; of two starts, wide and "
        "narrow, the one that ends lower by the divergence itself; a model that is the data on 4 of the 8 modes has a "
        "KL(model ‖ data) of log 2 = 0.693 nats and a JSD of 0.216",
        f"VAE and GAN: dense networks, two hidden layers of 128 units, {epochs} epochs of Adam; the VAE's points are "
        "draws of p(x|z), the GAN's objective is the non-saturating one",
        f"Command: `{command}`; {made_by(on)}.",
    ]
