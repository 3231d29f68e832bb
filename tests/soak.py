"""A soak of the endpoints of several presets in one process: mixed requests for minutes, and how memory goes.

    python tests/soak.py --minutes=10
    python tests/soak.py --minutes=1 --presets=vae_digits,bihm_mushrooms --threads=1

The presets are exported again, by a process of their own, loaded as TensorFlow Serving loads them (`served.py`), warmed
up with their own warm-up files, and asked by several threads at once. A request has

* good rows, 1 to 32 of them, or 600, which the graph computes in parts: an answer of finite numbers, one row for each;
* no rows: an answer without rows;
* something bad: NaN, infinity, values out of range, another shape, inputs of different lengths: one sentence.

Prints one JSON document: the requests of each kind, what went wrong (nothing should), resident memory in MB at equal
intervals, and how much it grew over the second half. Exits with 1 if anything went wrong, or if memory grew by more
than 2 %.
"""

import argparse
import collections
import concurrent.futures
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import numpy as np  # noqa: E402 (after the setting that silences TensorFlow)

PRESETS = "vae_digits,gan_mnist,svae_mnist,symvae_mnist,bihm_mushrooms,classifier_digits"
INTERVALS = 20
GROWTH = 0.02  # most of the resident memory over the second half
LARGEST = np.finfo(np.float32).max


def export(names, folder):
    """Exports presets again, so that their graphs are those of this version."""
    from dgm_zoo import serving

    for name in names:
        serving.export(serving.from_preset(name), folder, name)


def load(names, folder):
    """The presets, loaded and warm: dict of name to (`Served`, its endpoints as `metadata.json` states them)."""
    from served import Served, warm_up

    child = multiprocessing.get_context("spawn").Process(target=export, args=(names, folder))
    child.start()
    child.join()
    if child.exitcode:
        raise SystemExit(f"the export ended with code {child.exitcode}")
    found = {}
    for name in names:
        version = Path(folder, name, "1")
        served = Served(version)
        collections.deque(warm_up(served, version), maxlen=0)
        found[name] = served, json.loads((version / "metadata.json").read_text())["endpoints"]
    return found


def rows(wanted, n, rng):
    """n rows of values that an input takes; `wanted` is its entry in `metadata.json`."""
    low, high = wanted["range"] or (-3, 3)
    shape = (n, *wanted["shape"][1:])
    if wanted["dtype"] == "int32":
        return rng.integers(low, high, shape, endpoint=True).astype("int32")
    values = rng.uniform(low, high, shape).astype("float32")
    return values.round() if wanted.get("binary") else values


def spoil(inputs, request, rng):
    """The same request with one of its inputs made bad."""
    key = list(request)[rng.integers(len(request))]
    value, wanted = request[key].copy(), inputs[key]
    ways = [value[..., None], value[0]]
    if len(request) > 1:
        ways.append(np.concatenate([value, value]))
    if value.dtype == np.float32:
        for odd in (np.nan, np.inf, LARGEST if wanted["range"] else -np.inf):
            ways.append(value.copy())
            ways[-1].flat[rng.integers(value.size)] = odd
    elif wanted["range"]:
        ways.append(value + np.int32(wanted["range"][1] + 1))
    return {**request, key: ways[rng.integers(len(ways))]}


def ask(served, endpoint, inputs, kind, seed):
    """Sends one request; returns None, or what is wrong with its outcome."""
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    n = {"good": int(rng.integers(1, 33)), "bad": 2, "without rows": 0, "large": 600}[kind]
    request = {key: rows(wanted, n, rng) for key, wanted in inputs.items()}
    request = spoil(inputs, request, rng) if kind == "bad" else request
    try:
        answer = served(endpoint, **request)
    except tf.errors.InvalidArgumentError as error:
        one_sentence = error.message.splitlines()[0].startswith(f"assertion failed: [{endpoint}: ")
        return None if kind == "bad" and one_sentence else f"{kind}: {error.message.splitlines()[0]}"
    except Exception as error:
        return f"{kind}: {type(error).__name__}: {str(error)[:200]}"
    if kind == "bad":
        return f"bad: answered {({key: value.shape for key, value in request.items()})}"
    if any(len(value) != n or not np.isfinite(value).all() for value in answer.values()):
        return f"{kind}: {({key: value.shape for key, value in answer.items()})} or not finite"
    return None


def resident():
    """Resident memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(presets, minutes, threads, seed):
    """Asks for `minutes`; returns (requests by kind, faults by text, resident memory at equal intervals)."""
    doors = [
        (served, endpoint, entry["inputs"])
        for served, endpoints in presets.values()
        for endpoint, entry in endpoints.items()
    ]
    kinds, shares = ("good", "bad", "without rows", "large"), (0.69, 0.2, 0.1, 0.01)
    counts, faults, memory = collections.Counter(), collections.Counter(), []
    began = time.monotonic()

    def work(number):
        rng = np.random.default_rng([seed, number])
        while time.monotonic() < began + 60 * minutes:
            kind = kinds[rng.choice(4, p=shares)]
            served, endpoint, inputs = doors[rng.integers(len(doors))]
            wrong = ask(served, endpoint, inputs, kind, int(rng.integers(2**31)))
            counts[kind] += 1  # under the interpreter's lock
            if wrong:
                faults[f"{endpoint}: {wrong}"] += 1

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        working = [pool.submit(work, number) for number in range(threads)]
        for i in range(1, INTERVALS + 1):
            time.sleep(max(0.0, began + 60 * minutes * i / INTERVALS - time.monotonic()))
            memory.append(round(resident(), 1))
        for one in working:
            one.result()
    return dict(counts), dict(faults), memory


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--presets", default=PRESETS, help="names with commas between them")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0, help="of the requests")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        presets = load(asked.presets.split(","), folder)
        loaded = round(resident(), 1)
        counts, faults, memory = soak(presets, asked.minutes, asked.threads, asked.seed)
    growth = memory[-1] / memory[len(memory) // 2 - 1] - 1
    print(json.dumps({
        "minutes": asked.minutes, "threads": asked.threads, "presets": list(presets),
        "endpoints": sum(len(endpoints) for _, endpoints in presets.values()), "requests": counts, "wrong": faults,
        "resident_mb_loaded": loaded, "resident_mb": memory, "growth_of_second_half": round(growth, 4),
    }))
    return 1 if faults or growth > GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
