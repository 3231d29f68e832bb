"""What the check of every batch costs, as a share of a training step.

    python benchmarks/batch_check.py --out=benchmarks/results/batch_check.json

A step whose check runs once and a step whose check runs 50 times, each after the one before, are timed alternately;
the difference by 49 is what a check takes. So small a part of a step could not be told from the difference of two
steps with and without it. Batches of 128 images of 28x28, grey for `vae` and `gan` and bits for the Helmholtz
machines; each system as `create` makes it, float32, without XLA.
"""

import statistics
import time
from unittest import mock

import common

REPEATS = 50
SYSTEMS = {"vae": "grey", "gan": "grey", "helmholtz": "bits", "bihm": "bits"}


class Steps:
    """A system that checks each batch `checks` times; `run(n)` trains n steps and returns the seconds of one."""

    def __init__(self, name, x, checks):
        import tensorflow as tf

        from dgm_zoo.core import vetting
        from dgm_zoo.models import create

        once = vetting._checked

        def often(model, data, *rest):
            done = []
            for _ in range(checks):
                with tf.control_dependencies(done):
                    copies = [None if part is None else tf.identity(part) for part in tf.nest.flatten(data)]
                    done = [once(model, tf.nest.pack_sequence_as(data, copies), *rest)]
            return done[0]

        self.model = create(name, image_shape=x.shape[1:], seed=common.SEED)
        self.model.compile(jit_compile=False)
        self.batches = iter(tf.data.Dataset.from_tensors(x).repeat())
        self.model.make_train_function()
        with mock.patch.object(vetting, "_checked", often):
            self.run(2)

    def run(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            self.model.train_function(self.batches)
        return (time.perf_counter() - start) / steps


def main():
    options = common.arguments(__doc__).parse_args()
    rounds = options.rounds or (2 if options.quick else 40)
    common.import_tensorflow()
    import numpy as np

    grey = np.random.default_rng(common.SEED).random((common.BATCH_SIZE, 28, 28, 1)).astype("float32")
    images = {"grey": grey, "bits": (grey > 0.5).astype("float32")}
    systems = {name: {n: Steps(name, images[kind], n) for n in (1, REPEATS)} for name, kind in SYSTEMS.items()}
    machine = common.machine()
    results, rows, targets = {}, [["", "step, ms", "check, us", "share (quartiles)"]], []
    for name, steps in systems.items():
        seconds = common.interleaved({n: lambda r, one=one: one.run(10) for n, one in steps.items()}, rounds)
        checks = [(many - one) / (REPEATS - 1) for one, many in zip(seconds[1], seconds[REPEATS], strict=True)]
        step = statistics.median(seconds[1])
        low, middle, high = (q / step for q in statistics.quantiles(checks, n=4))
        results[name] = {"data": SYSTEMS[name], "seconds_per_step": step, "seconds_per_check": middle * step,
                         "share": {"median": middle, "lower_quartile": low, "upper_quartile": high}}
        rows.append([name, f"{1e3 * step:.2f}", f"{1e6 * middle * step:.0f}",
                     f"{100 * middle:.2f} % ({100 * low:.2f} .. {100 * high:.2f})"])
        targets.append(common.target(f"{name}, percent of a step", 100 * middle, 1.0, at_least=False))
    common.finish(
        {"benchmark": "batch_check", "quick": options.quick, "rounds": rounds, "batch_size": common.BATCH_SIZE,
         "repeats": REPEATS, "results": results, "targets": targets, "machine": machine, "versions": common.versions()},
        rows, options.out,
    )


if __name__ == "__main__":
    main()
