"""For which registered models XLA makes training steps faster on this machine's CPU; writes what `"auto"` goes by.

    python benchmarks/xla.py --out=benchmarks/results/xla.json --table=dgm_zoo/core/xla_on_cpu.json
    python benchmarks/xla.py --systems=gan,musegan --rounds=9 --table=dgm_zoo/core/xla_on_cpu.json

Each model is built by `create` for images of 28x28, or for what it takes, once with fully connected and once with
convolutional networks where `create` offers both, in float32 with batches of 100. Its steps, 8 in an execution, are
timed in turn without and with XLA, in one process, so that what else the machine does slows both alike. A system counts
as faster if its gain is at least 1.05 in every round, and the time that its compilation takes longer is won back within
5 minutes of training. `--table` merges what was measured into the table of the package, which
`compile(jit_compile="auto")` reads on machines without a GPU: what a run does never depends on the clock, since XLA
rounds otherwise than TensorFlow's own kernels.
"""

import json
import pathlib
import statistics
import sys
import time

import common

IMAGE, CLASSES, BATCH_SIZE, EXECUTION = (28, 28, 1), 10, 100, 8
LEAST_GAIN, PAYS_WITHIN = 1.05, 300.0
OWN = {  # arguments of `create` besides the image's shape and the number of classes
    "musegan": {
        "image_shape": (4, 16, 84, 5), "tracks": ["bass", "drums", "guitar", "lead", "strings"], "width": 128,
        "critic_width": 512, "critic_steps": 1,
    },
}
KINDS = {"dense": "dense", "convolutional": "conv"}  # the kinds of `compiling.networks_of`, and the names in `create`


def created(name, kind):
    """A model of the name with networks of the kind; None if `create` offers none."""
    import numpy as np

    from dgm_zoo.core import compiling, recipes
    from dgm_zoo.models import create, model_class

    takes = recipes.arguments(model_class(name))
    given = {"image_shape": IMAGE, **OWN.get(name, {})}
    if "num_classes" in takes:
        given["num_classes"] = CLASSES
    if "masks" in takes:
        given["masks"] = np.eye(7, dtype="uint8").repeat(112, 1).reshape(7, *IMAGE)
    if "network" in takes:
        given["network"] = KINDS[kind]
    model = create(name, **given, seed=common.SEED)
    return model if compiling.networks_of(model) == kind else None


def batch(model):
    """What a step of the model takes."""
    import numpy as np

    rng, rows = np.random.default_rng(common.SEED), 16 if model.registered_name == "musegan" else BATCH_SIZE
    shapes = {name: one.shape for name, one in model.takes().items() if name in (*model.domains, "x")}
    x = [(rng.random((rows, *shape)) < 0.3).astype(np.float32) for shape in shapes.values()]
    label = rng.integers(0, CLASSES, rows).astype(np.int32)
    if model.domains:
        return tuple(x), (label, np.full_like(label, -1))
    return (x[0], label) if "label" in model.takes() else x[0]


class Steps:
    """A compiled model; `seconds()` times some executions of its step and returns the time of one step."""

    def __init__(self, name, kind, xla):
        import keras
        import tensorflow as tf

        keras.utils.set_random_seed(common.SEED)
        self.model, self.calls = created(name, kind), 1
        self.model.compile(keras.optimizers.Adam(1e-4), jit_compile=xla, steps_per_execution=EXECUTION)
        self.batches = iter(tf.data.Dataset.from_tensors(batch(self.model)).repeat())
        self.model.make_train_function()
        start = time.perf_counter()
        self.model.train_function(self.batches)
        self.to_compile = time.perf_counter() - start
        self.calls = max(1, round(0.5 / (EXECUTION * self.seconds())))

    def seconds(self):
        start = time.perf_counter()
        for _ in range(self.calls):
            self.model.train_function(self.batches)
        return (time.perf_counter() - start) / self.calls / EXECUTION


def measure(name, kind, rounds):
    """The results of one system."""
    plain, xla = (Steps(name, kind, on) for on in (False, True))
    seconds = common.interleaved({"plain": lambda r: plain.seconds(), "XLA": lambda r: xla.seconds()}, rounds)
    gain, longer = common.ratios(seconds["plain"], seconds["XLA"]), max(0.0, xla.to_compile - plain.to_compile)
    saved = 1.0 - 1.0 / gain["median"]
    return {
        "gain": gain, "plain_ms_per_step": common.spread([1e3 * s for s in seconds["plain"]]),
        "longer_to_compile_seconds": longer, "pays_after_seconds": longer / saved if saved > 0 else None,
    }


def faster(one):
    """Whether the package's table is to say so."""
    pays = one["pays_after_seconds"]
    return one["gain"]["low"] >= LEAST_GAIN and pays is not None and pays <= PAYS_WITHIN


def merged(path, results, command):
    """The table of the package with these results in the place of older ones of the same systems."""
    table = json.loads(path.read_text()) if path.exists() else {"faster": {}, "measured": {}}
    for system, one in results.items():
        name, kind = system.split(", ")
        kinds = set(table["faster"].pop(name, ())) - {kind}
        kinds |= {kind} if faster(one) else set()
        if kinds:
            table["faster"][name] = sorted(kinds)
        table["measured"][system] = {
            "gain": {key: round(value, 3) for key, value in one["gain"].items()},
            **{key: None if one[key] is None else round(one[key], 1)
               for key in ("longer_to_compile_seconds", "pays_after_seconds")},
            "command": command,
        }
    return {name: dict(sorted(part.items())) for name, part in table.items()}


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--systems", type=lambda text: text.split(","), help="registered models (default: all)")
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS), help=",".join(KINDS))
    parser.add_argument("--table", type=pathlib.Path, metavar="FILE", help="the table to merge the results into")
    options = parser.parse_args()
    rounds = options.rounds or (2 if options.quick else 7)
    common.import_tensorflow()
    import keras

    from dgm_zoo.errors import InvalidInput
    from dgm_zoo.models import list_models

    machine = common.machine()
    results, left_out = {}, {}
    rows = [["system", "plain, ms per step", "gain (low .. high)", "longer to compile, s", "pays after, s", "faster"]]
    for name in options.systems or list_models():
        for kind in options.kinds:
            keras.utils.clear_session()
            try:
                if created(name, kind) is None:
                    continue
                one = results[f"{name}, {kind}"] = measure(name, kind, rounds)
            except InvalidInput as error:
                left_out[f"{name}, {kind}"] = str(error)
                continue
            gain, pays = one["gain"], one["pays_after_seconds"]
            rows.append([
                f"{name}, {kind}", f"{one['plain_ms_per_step']['median']:.1f}",
                f"{gain['median']:.2f} ({gain['low']:.2f} .. {gain['high']:.2f})",
                f"{one['longer_to_compile_seconds']:.1f}", "never" if pays is None else f"{pays:.0f}",
                "yes" if faster(one) else "no",
            ])
            print("  ".join(rows[-1]), file=sys.stderr, flush=True)
            if options.table and not options.quick:
                command = f"python benchmarks/xla.py --systems={name} --kinds={kind} --rounds={rounds}"
                table = merged(options.table, {f"{name}, {kind}": one}, command)
                options.table.write_text(json.dumps(table, indent=2) + "\n")
    for system, why in left_out.items():
        print(f"{system} is left out: {why}", file=sys.stderr)
    if results:
        gains = common.spread([one["gain"]["median"] for one in results.values()])
        print(f"median gain over systems: {gains['median']:.2f} ({gains['low']:.2f} .. {gains['high']:.2f}), "
              f"mean of medians {statistics.mean(one['gain']['median'] for one in results.values()):.2f}")
    common.finish(
        {"benchmark": "xla", "quick": options.quick, "rounds": rounds, "batch_size": BATCH_SIZE, "results": results,
         "left_out": left_out, "targets": [], "machine": machine, "versions": common.versions()},
        rows, options.out,
    )


if __name__ == "__main__":
    main()
