"""The memory that one large request needs, through the loader of TensorFlow Serving (`served.py`).

    python tests/large_request.py                                    # 100,000 rows of log_likelihood and of inpaint
    python tests/large_request.py vae_mnist:log_likelihood --rows=4000

Prints one JSON document for each: seconds, the answer's size, and the highest resident memory while it was computed,
beyond what was resident before, less the answer, in MB. Exits with 1 if that is more than 1 GB. Needs Linux.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from soak import load, resident, rows

DOORS = ("vae_digits:log_likelihood", "bihm_mushrooms:log_likelihood", "bihm_mushrooms:inpaint")
MOST = 1000  # MB above the answer


def highest():
    """The highest resident memory since `forget`, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6


def forget():
    Path("/proc/self/clear_refs").write_text("5")


def measure(served, endpoint, inputs, n):
    """Sends one request of n rows; returns what the module says."""
    import numpy as np

    rng = np.random.default_rng(0)
    request = {key: rows(wanted, n, rng) for key, wanted in inputs.items()}
    before = resident()
    forget()
    began = time.monotonic()
    answer = served(endpoint, **request)
    seconds, peak = time.monotonic() - began, highest()
    assert all(len(value) == n and np.isfinite(value).all() for value in answer.values())
    answer_mb = sum(value.nbytes for value in answer.values()) / 1e6
    return {
        "rows": n, "seconds": round(seconds, 1), "answer_mb": round(answer_mb, 1),
        "above_answer_mb": round(peak - before - answer_mb, 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("doors", nargs="*", metavar="PRESET:ENDPOINT", default=DOORS)
    parser.add_argument("--rows", type=int, default=100_000)
    asked = parser.parse_args()
    doors, found = [door.split(":") for door in asked.doors], []
    with tempfile.TemporaryDirectory() as folder:
        presets = load(list(dict.fromkeys(name for name, _ in doors)), folder)
        for name, endpoint in doors:
            served, endpoints = presets[name]
            one = measure(served, endpoint, endpoints[endpoint]["inputs"], asked.rows)
            found.append({"preset": name, "endpoint": endpoint, **one})
            print(json.dumps(found[-1]), flush=True)
    return 1 if any(one["above_answer_mb"] > MOST for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
