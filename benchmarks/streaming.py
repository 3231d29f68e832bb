"""Training on data larger than memory: memory in use, and images per second of ways to read them.

    python benchmarks/streaming.py --out=benchmarks/results/streaming.json

A 20 GB array file of 64x64 colour images is made, sparse, so that it takes a few MB of disk: most of its images are
black. A process of its own trains a convolutional VAE on it for some steps and reports the largest memory it had in
use. Further processes read batches, without a model, from

  memory          an array of as many rows as the folder has
  array by index  the 20 GB file; each batch reads its own rows of an epoch's permutation (what `data.load` does)
  array by buffer the 20 GB file in order, through a shuffle buffer of 10,000 rows
  folder by index PNG files, decoded in each epoch; hard links to 500 different ones
  folder by buffer the same files in order, through a shuffle buffer of 10,000 rows

A buffer of b rows mixes only rows that are about b apart, and a resumed run must read again all rows before the one
at which it stopped; by index nothing is read twice. The report states what that costs in images per second.
"""

import argparse
import json
import os
import pathlib
import platform
import resource
import subprocess
import sys
import tempfile
import time

import common

GB, SIDE, BATCH_SIZE, BUFFER, DIFFERENT = 20, 64, 64, 10_000, 500
READERS = ("memory", "array by index", "array by buffer", "folder by index", "folder by buffer")


def make(folder, gigabytes, files):
    """Writes the sparse array file and the folder of links."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    rows = int(gigabytes * 1e9) // (3 * SIDE**2)
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.uint8, (rows, SIDE, SIDE, 3))
    blurred = np.kron(rng.integers(0, 256, (DIFFERENT, 8, 8, 3)), np.ones((1, 8, 8, 1))).astype(np.uint8)
    x[0] = blurred[0]
    x[rng.choice(rows, DIFFERENT, replace=False)] = blurred
    x.flush()
    (folder / "pictures").mkdir()
    for i in range(files):
        file = folder / "pictures" / f"{i:06d}.png"
        if i < DIFFERENT:
            Image.fromarray(blurred[i]).save(file)
        else:
            os.link(folder / "pictures" / f"{i % DIFFERENT:06d}.png", file)
    return rows


def train(folder, steps):
    """Trains on the array file; returns the peak of resident memory in bytes, and seconds per step."""
    import keras

    import dgm_zoo
    from dgm_zoo import data

    name = f"npy:{folder / 'x.npy'}"
    model = dgm_zoo.create(
        "vae", image_shape=(SIDE, SIDE, 3), latent_dim=32, network="conv", hidden=[16, 32, 64, 64],
        likelihood="IndependentLogistic",
    )
    model.compile(keras.optimizers.Adam(1e-3))
    batches = data.load(name, "train", BATCH_SIZE, first_epoch=0, in_memory=False)
    model.fit(batches, steps_per_epoch=2, verbose=0)
    start = time.perf_counter()
    model.fit(batches, steps_per_epoch=steps, verbose=0)
    seconds = (time.perf_counter() - start) / steps
    return {"rows": data.info(name).splits["train"], "steps": steps, "seconds_per_step": seconds}


def read(folder, reader, batches):
    """Reads some batches; returns images per second."""
    import tensorflow as tf

    from dgm_zoo import data
    from dgm_zoo.data.reading import open_split

    kind, _, how = reader.partition(" by ")
    name = f"npy:{folder / 'x.npy'}" if kind == "array" else f"folder:{folder / 'pictures'}"
    if how == "buffer":
        rows = open_split(name, "train", "", None, in_memory=False)[0]
        blocks = tf.data.Dataset.range(0, len(rows), BATCH_SIZE).map(
            lambda i: tf.numpy_function(rows.take, [tf.range(i, tf.minimum(i + BATCH_SIZE, len(rows)))], tf.uint8),
            num_parallel_calls=2,
        )
        stream = blocks.unbatch().shuffle(BUFFER).batch(BATCH_SIZE).map(lambda x: tf.cast(x, tf.float32) / 255)
        stream = stream.prefetch(8)
    else:
        stream = data.load(name, "train", BATCH_SIZE, first_epoch=0, in_memory=kind == "memory")
    iterator = iter(stream)
    start = time.perf_counter()
    for _ in range(10):
        next(iterator)
    first = time.perf_counter() - start
    start = time.perf_counter()
    for _ in range(batches):
        next(iterator)
    seconds = time.perf_counter() - start
    return {"images_per_second": BATCH_SIZE * batches / seconds, "seconds_of_first_10_batches": first}


def in_a_process(*words):
    """Runs this file as a worker; returns its report with the peak of its memory."""
    command = [sys.executable, __file__, "--worker", *map(str, words)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", metavar="FILE", help="where the JSON report goes (default: nowhere)")
    parser.add_argument("--quick", action="store_true", help="a smoke run of 1 GB and 3 steps")
    parser.add_argument("--readers", nargs="*", choices=READERS, default=READERS, help="which to time (default: all)")
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        task, folder, *rest = given.worker
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        folder = pathlib.Path(folder)
        found = train(folder, int(rest[0])) if task == "train" else read(folder, rest[0], int(rest[1]))
        scale = 1 if platform.system() == "Darwin" else 1024  # bytes there, else kilobytes
        print(json.dumps({**found, "peak_memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e9}))
        return
    machine = common.machine()
    gigabytes, files, steps, batches = (1, 2_000, 3, 10) if given.quick else (GB, 20_000, 20, 150)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        rows = make(folder, gigabytes, files)
        found = {"training": in_a_process("train", folder, steps)}
        print(f"training on {gigabytes} GB: {found['training']}", flush=True)
        for reader in given.readers:
            found[reader] = in_a_process("read", folder, reader, batches)
            print(f"{reader:<17} {found[reader]}", flush=True)
        report = {
            "benchmark": "streaming", "quick": given.quick, "gigabytes": gigabytes, "rows": rows, "files": files,
            "results": found, "machine": machine, "versions": common.versions(),
        }
    if given.out:
        pathlib.Path(given.out).write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
