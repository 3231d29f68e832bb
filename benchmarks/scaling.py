"""Times training by one worker and by several on this machine, each worker with one thread.

    python benchmarks/scaling.py --workers=2 --out=benchmarks/results/scaling.json

The model is the VAE of `throughput.py` on binary images. Every round trains once with one worker and once with each
greater number, in processes of their own that meet on 127.0.0.1 and divide each batch between them. A ratio is of two
rates of the same round; workers that share cores with each other, or with other processes, cannot reach their number.
"""

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys

import common

BATCHES = 64, 8  # of an epoch; with --quick
EPOCHS = 4  # of which the first, which traces, is left out
WORKER = """
import json, os, sys, time
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(2)
from dgm_zoo.training import cluster
given = json.loads(sys.argv[1])
workers = cluster.join(given["workers"] or None, given["index"])
import keras, numpy as np
import common
from dgm_zoo import data
x = (np.random.default_rng(0).random((given["batches"] * given["batch_size"], 28, 28, 1)) < 0.3).astype("uint8")
with workers.strategy.scope():
    model = common.create_model()
    model.compile(keras.optimizers.Adam(1e-3), steps_per_execution=1)
class Times(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None):
        seconds.append(time.perf_counter() - self.began)
seconds = []
batches = data.from_arrays(x, batch_size=given["batch_size"], first_epoch=0)
model.fit(batches, steps_per_epoch=given["batches"], epochs=given["epochs"], verbose=0, callbacks=[Times()])
print(json.dumps(seconds[1:]), flush=True)
os._exit(0)
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2, help="the greatest number of workers")
    parser.add_argument("--batch-size", type=int, default=384, help="of all workers together")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", metavar="FILE", help="where the JSON report goes (default: nowhere)")
    parser.add_argument("--quick", action="store_true", help="a smoke run; its numbers mean nothing")
    return parser.parse_args()


def addresses(count):
    """Addresses of this machine with free ports."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    found = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return found


def rate(count, batch_size, batches):
    """Returns the examples per second of `count` workers together, over the epochs after the first."""
    workers = addresses(count) if count > 1 else []
    here = pathlib.Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("TF_CONFIG", None)
    given = {"workers": workers, "batch_size": batch_size, "batches": batches, "epochs": EPOCHS}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, json.dumps({**given, "index": index if workers else None})],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for index in range(count)
    ]
    outputs = [process.communicate(timeout=3600) for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit(outputs[0][1][-2000:])
    seconds = json.loads(outputs[0][0].strip().splitlines()[-1])
    return batch_size * batches / statistics.median(seconds)


def main():
    flags = arguments()
    batches, rounds = (BATCHES[1], 2) if flags.quick else (BATCHES[0], flags.rounds)
    machine, counts = common.machine(), range(1, flags.workers + 1)
    contenders = {count: lambda _, count=count: rate(count, flags.batch_size, batches) for count in counts}
    rates = common.interleaved(contenders, rounds)
    ratios = {count: common.ratios(rates[count], rates[1]) for count in counts}
    report = {
        "benchmark": "scaling", "quick": flags.quick, "batch_size": flags.batch_size, "results": {
            f"{count} workers": {"examples_per_second": common.spread(rates[count]), "times_one_worker": ratios[count]}
            for count in counts
        }, "machine": machine, "versions": common.versions(), "targets": [],
    }
    rows = [("workers", "examples/s", "times one worker (range)")]
    for count in counts:
        many, of = common.spread(rates[count])["median"], ratios[count]
        rows.append((str(count), f"{many:,.0f}", f"{of['median']:.2f} ({of['low']:.2f} to {of['high']:.2f})"))
    common.finish(report, rows, flags.out)


if __name__ == "__main__":
    main()
