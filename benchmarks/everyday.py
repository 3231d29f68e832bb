"""Seconds and memory of what users wait for: commands, the first sample, many samples, evaluation, image quality.

    python benchmarks/everyday.py --out=benchmarks/results/everyday.json

Every line is a process of its own, begun `--rounds` times; the table has the median and the range of the seconds and
the greatest memory in use. Of calls, only the call counts, not the start of the process. "again" is the same call with
other data of the same size, which needs no new trace. Calls on images need `TFDS_DATA_DIR` with MNIST.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import common

QUICK = ("dgm-zoo --help", "dgm-zoo list", "first sample")
COMMANDS = {
    "dgm-zoo --help": ["-m", "dgm_zoo.cli", "--help"],
    "dgm-zoo list": ["-m", "dgm_zoo.cli", "list"],
    "dgm-zoo reproduce bars --quick": ["-m", "dgm_zoo.cli", "reproduce", "bars", "--quick", "--workdir={folder}/bars"],
    "collection of the tests": ["-m", "pytest", "--collect-only", "-q", "-n0"],
}
TARGETS = {"dgm-zoo --help": 1.0, "dgm-zoo list": 1.0, "first sample": 3.0, "collection of the tests": 10.0}
CLOCK = """
import json, time
def timed(name, call):
    start = time.perf_counter()
    call()
    print(json.dumps({name: time.perf_counter() - start}), flush=True)
"""
FIRST = """
import json, time
start = time.perf_counter()
import keras, tensorflow, tensorflow_probability
libraries = time.perf_counter() - start
import dgm_zoo
model = dgm_zoo.from_preset("vae_mnist")
loaded = time.perf_counter() - start
model.sample(1, seed=0)
print(json.dumps({
    "first sample": time.perf_counter() - start, "first sample: imports of the libraries": libraries,
    "first sample: dgm_zoo and its preset": loaded - libraries,
    "first sample: the call": time.perf_counter() - start - loaded,
}))
"""
CALLS = {  # of one process each; x and others are images of MNIST
    "sample": """
model = dgm_zoo.from_preset("vae_mnist")
timed("10,000 samples", lambda: model.sample(10_000, seed=0))
timed("10,000 samples, again", lambda: model.sample(10_000, seed=1))
""",
    "evaluate": """
model = dgm_zoo.from_preset("vae_mnist")
model.compile()
timed("evaluate, 10,000 images", lambda: model.evaluate(x, verbose=0))
timed("evaluate, again", lambda: model.evaluate(others, verbose=0))
""",
    "log_likelihood": """
model = dgm_zoo.from_preset("vae_mnist")
timed("log_likelihood, 1,000 images, K = 1,000", lambda: model.log_likelihood(x[:1000], num_samples=1000))
timed("log_likelihood, again", lambda: model.log_likelihood(others[:1000], num_samples=1000))
""",
    "quality": """
from dgm_zoo import metrics
classifier = dgm_zoo.from_preset("classifier_mnist")
timed("sample_quality of 10,000 images", lambda: metrics.sample_quality(x, "mnist", classifier))
timed("sample_quality, again", lambda: metrics.sample_quality(others, "mnist", classifier))
""",
}
IMAGES = """
import numpy as np
import dgm_zoo
from dgm_zoo import data
x = np.concatenate([b.numpy() for b in data.load("mnist", "test", 1000, shuffle=False)])
x = (x > 0.5).astype("float32")
others = x[::-1].copy()
"""


def run(words, folder):
    """Runs Python with `words` in a process; returns its seconds, its memory in MB and what it printed."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *(word.format(folder=folder) if len(word) < 100 else word for word in words)],
            stdout=out, stderr=subprocess.DEVNULL, cwd=root, env=environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        out.seek(0)
        printed = out.read()
    if status:
        sys.exit(f"{' '.join(words)[:200]} ended with status {status}")
    scale = 1 if sys.platform == "darwin" else 1024  # bytes there, else kilobytes
    return seconds, usage.ru_maxrss * scale / 1e6, printed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="processes of each line (default: 3)")
    parser.add_argument("--out", metavar="FILE", help="where the JSON report goes (default: nowhere)")
    parser.add_argument("--quick", action="store_true", help="one process of the three fastest lines")
    given = parser.parse_args()
    machine, seconds, memory = common.machine(), {}, {}
    for _ in range(1 if given.quick else given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, words in COMMANDS.items():
                if not given.quick or name in QUICK:
                    took, used, _ = run(words, folder)
                    seconds.setdefault(name, []).append(took)
                    memory.setdefault(name, []).append(used)
            programs = {"first": FIRST} | ({} if given.quick else {
                name: f"{IMAGES}{CLOCK}{text}" for name, text in CALLS.items()
            })
            for text in programs.values():
                _, used, printed = run(["-c", text], folder)
                for line in printed.splitlines():
                    for name, took in json.loads(line).items():
                        seconds.setdefault(name, []).append(took)
                        memory.setdefault(name, []).append(used)
        print(f"{len(seconds)} lines timed", file=sys.stderr, flush=True)
    results = {
        name: {"seconds": common.spread(values), "memory_mb": max(memory[name])} for name, values in seconds.items()
    }
    targets = [
        common.target(name, results[name]["seconds"]["median"], limit, at_least=False)
        for name, limit in TARGETS.items() if name in results
    ]
    rows = [("", "seconds", "range", "memory, MB")] + [
        (name, f"{one['seconds']['median']:.2f}", f"{one['seconds']['low']:.2f} to {one['seconds']['high']:.2f}",
         f"{one['memory_mb']:,.0f}")
        for name, one in results.items()
    ]
    report = {
        "benchmark": "everyday", "quick": given.quick, "results": results, "targets": targets, "machine": machine,
        "versions": common.versions(),
    }
    common.finish(report, rows, given.out)


if __name__ == "__main__":
    main()
