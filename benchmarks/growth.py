"""How the time of a training step and memory grow with data, latents, samples K, depth and replicas.

    python benchmarks/growth.py --out=benchmarks/results/growth.json --plot=benchmarks/growth.png

Each point is a process of its own: it trains some steps, which trace, and then times `--steps` of them. Memory is the
greatest in use by the process, libraries included (about 600 MB before any model). The systems are built as
`dgm_zoo.create` builds them, in float32 without XLA, for binary images of 28x28 and batches of 100:

  rows      a VAE with 50 latents on an array file of that many rows, sparse on disk, read by row number
  latents   a VAE with 200 hidden units
  samples   an IWAE with 50 latents, K samples of each image
  layers    a BiHM with layers of 100 bits, K = 10
  replicas  the VAE on logical devices of one processor, batch 100 in all: what replicas cost, since they share it
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import common

AXES = {
    "rows": (10_000, 100_000, 1_000_000, 10_000_000), "latents": (2, 16, 128, 1024), "samples": (1, 5, 50, 500),
    "layers": (2, 4, 8, 12), "replicas": (1, 2, 4),
}
BATCH_SIZE = 100


def point(axis, value, steps, folder):
    """Trains one system; returns seconds per step and memory in MB. For a process of its own."""
    tf = common.import_tensorflow()
    import contextlib

    import keras
    import numpy as np

    import dgm_zoo
    from dgm_zoo import data

    scope = contextlib.nullcontext()
    if axis == "replicas":
        cpu, = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * value)
        scope = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(value)]).scope()
    name, given = {
        "rows": ("vae", {"latent_dim": 50}), "latents": ("vae", {"latent_dim": value}),
        "samples": ("iwae", {"latent_dim": 50, "k": value}),
        "layers": ("bihm", {"layers": [100] * value, "k": 10}), "replicas": ("vae", {"latent_dim": 50}),
    }[axis]
    with scope:
        model = dgm_zoo.create(name, image_shape=(28, 28, 1), **given)
        model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    if axis == "rows":
        path = pathlib.Path(folder) / f"{value}.npy"
        if not path.exists():
            np.lib.format.open_memmap(path, "w+", np.uint8, (value, 28, 28, 1)).flush()
        batches = data.load(f"npy:{path}", "train", BATCH_SIZE, first_epoch=0, in_memory=False)
    else:
        x = (np.random.default_rng(0).random((1000, 28, 28, 1)) < 0.3).astype("uint8")
        batches = data.from_arrays(x, batch_size=BATCH_SIZE, first_epoch=0)
    model.fit(batches, steps_per_epoch=3, verbose=0)
    start = time.perf_counter()
    model.fit(batches, steps_per_epoch=steps, verbose=0)
    seconds = (time.perf_counter() - start) / steps
    scale = 1 if sys.platform == "darwin" else 1024
    return {"seconds": seconds, "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6}


def plot(results, path):
    """Draws seconds per step above memory, a column for each axis, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(results), figsize=(3 * len(results), 5), sharex="col")
    for column, (axis, points) in zip(axes.T, results.items(), strict=True):
        values = [int(value) for value in points]
        column[0].loglog(values, [1e3 * one["seconds"] for one in points.values()], "o-")
        column[1].loglog(values, [one["memory_mb"] for one in points.values()], "o-")
        column[1].set_ylim(100, 1e5)
        column[0].set_title(axis)
    axes[0, 0].set_ylabel("ms per step")
    axes[1, 0].set_ylabel("memory, MB")
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axes", nargs="*", choices=AXES, default=list(AXES), help="which to measure (default: all)")
    parser.add_argument("--steps", type=int, default=50, help="timed steps of each point (default: 50)")
    parser.add_argument("--out", metavar="FILE", help="where the JSON report goes (default: nowhere)")
    parser.add_argument("--plot", metavar="PNG", help="where the picture goes (default: nowhere)")
    parser.add_argument("--quick", action="store_true", help="the two least values of each axis, 5 steps")
    parser.add_argument("--point", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.point:
        axis, value, steps, folder = given.point
        print(json.dumps(point(axis, int(value), int(steps), folder)))
        return
    machine, results = common.machine(), {}
    rows = [("axis", "value", "ms per step", "memory, MB")]
    with tempfile.TemporaryDirectory() as folder:
        for axis in given.axes:
            for value in AXES[axis][:2] if given.quick else AXES[axis]:
                steps = 5 if given.quick else given.steps
                command = [sys.executable, __file__, "--point", axis, str(value), str(steps), folder]
                environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
                done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
                found = json.loads(done.stdout.splitlines()[-1])
                results.setdefault(axis, {})[str(value)] = found
                rows.append((axis, f"{value:,}", f"{1e3 * found['seconds']:.2f}", f"{found['memory_mb']:,.0f}"))
                print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    report = {
        "benchmark": "growth", "quick": given.quick, "results": results, "targets": [], "machine": machine,
        "versions": common.versions(),
    }
    common.finish(report, rows, given.out)
    if given.plot:
        plot(results, given.plot)


if __name__ == "__main__":
    main()
