"""What an H100 would have to do for each training step and endpoint: compiled for it, on a machine without a GPU.

    python benchmarks/h100.py --jax-python=PATH --out=benchmarks/results/h100.json --table=benchmarks/h100.md
    python benchmarks/h100.py --jax-python=PATH --models=vae,gan --endpoints=none
    python benchmarks/h100.py --jax-python=PATH --quick

Nothing is run and nothing is timed. Each registered model is built by `create` with its default networks for images of
28x28 (musegan in the sizes of its paper). Its whole training step (the check of the batch, noise, forward, backward,
the optimizers' updates, the check of the terms, the metrics) is traced as one program, in float32 and mixed_bfloat16,
and so is each endpoint in float32. XLA:GPU compiles the program for a description of an H100, in a process of an
interpreter that has jax 0.10.2 with its plugin for CUDA (`h100_compile.py` says how to install it). `h100_hlo.py` reads
from the optimised program how much it computes, moves and launches. The time that the roofline allows follows: the
larger of FLOPs over the peak of their precision and bytes over the bandwidth of the memory. A real step takes longer.

Listed beside are programs that do not compile, calls of the host, and points at which the host waits for a value.
"""

import contextlib
import json
import pathlib
import re
import sys
import time

import common

IMAGE, CLASSES, LEARNING_RATE = (28, 28, 1), 10, 1e-4
ROWS = {"dense": 512, "convolutional": 256, "musegan": 64}  # of a batch: by the kind of networks, or of one model
OWN = {  # arguments of `create` besides the image's shape and the number of classes
    "musegan": {
        "image_shape": (4, 96, 84, 5), "tracks": ["bass", "drums", "guitar", "lead", "strings"], "width": 1024,
        "noise_dim": 128, "monophonic": ["bass"],
    },
}
PRECISIONS = ("float32", "mixed_bfloat16")
BANDWIDTH = 3.35e12  # bytes per second of the memory of an H100 SXM
PEAKS = {  # FLOP per second of dense products, H100 SXM, by the dtype of their operands
    "f32": 494.7e12,  # TF32, which TensorFlow and XLA allow by default
    "bf16": 989.4e12,
}
FLOAT32 = 67e12  # without tensor cores, as `tf.config.experimental.enable_tensor_float_32_execution(False)` asks
HOST_OPERATIONS = {"EagerPyFunc", "PyFunc", "PyFuncStateless", "Assert", "PrintV2", "IteratorGetNext"}
MEASURED = """*ms measured* is what the same traced step took on one {device}: jax {jax} compiled the program there and
ran {steps_in_a_call} steps in one call, which hands the variables on, on one batch of random values; the median of
{rounds} calls, and the least and most. `python benchmarks/elsewhere.py steps FOLDER` writes the programs, and `python
benchmarks/elsewhere_jax.py FOLDER --time=FILE` runs them, where there is JAX and no TensorFlow. *Of the bound* is the
share of it that the bound is. It is not the time of a step of `fit`, which TensorFlow runs in parts."""
PADDING = 1.05  # the hand's count of a VAE's products must be within this factor, since XLA pads some operands


# ------------------------------------------------------------------------------------------------- programs


def created(name):
    """The model of a registered name, compiled, with the number of rows of its batches."""
    import keras
    import numpy as np

    from dgm_zoo.core import compiling, recipes
    from dgm_zoo.models import create, model_class

    takes, given = recipes.arguments(model_class(name)), {"image_shape": IMAGE, **OWN.get(name, {})}
    if "num_classes" in takes:
        given["num_classes"] = CLASSES
    if "masks" in takes:
        given["masks"] = np.eye(7, dtype="uint8").repeat(112, 1).reshape(7, *IMAGE)
    model = create(name, **given, seed=common.SEED)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), jit_compile=True)
    return model, ROWS.get(name) or ROWS[compiling.networks_of(model)]


def representatives(names):
    """Of each family of models, a folder of the package, the one with most endpoints."""
    from dgm_zoo.models import model_class

    found = {}
    for name in names:
        model, family = created(name)[0], model_class(name).__module__.split(".")[2]
        if len(model.endpoints()) > found.get(family, (0, ""))[0]:
            found[family] = len(model.endpoints()), name
    return [name for _, name in found.values()]


def values(rng, rows, wanted):
    """Values that suit an `Input`, `[rows, ...]`."""
    import tensorflow as tf

    shape = (rows, *wanted.shape)
    if wanted.dtype.is_integer:
        low, high = wanted.range or (0, 100)
        return tf.constant(rng.integers(low, high + 1, shape), wanted.dtype)
    if wanted.range or wanted.binary:
        return tf.constant(rng.random(shape) < 0.3, tf.bool) if wanted.dtype.is_bool else tf.cast(
            rng.random(shape) < 0.3, wanted.dtype)
    return tf.constant(rng.standard_normal(shape), wanted.dtype)


def batch(model, rows, classes=CLASSES):
    """What a training step of the model takes, a list of tensors: x, or x and labels; of two domains, of each."""
    import numpy as np
    import tensorflow as tf

    rng, takes = np.random.default_rng(common.SEED), model.takes()
    x = [values(rng, rows, takes[name]) for name in model.domains or ("x",)]
    label = tf.constant(rng.integers(0, classes, rows), tf.int32)
    if model.domains:
        return [*x, label, -tf.ones_like(label)]
    return [*x, label] if "label" in takes else x


@contextlib.contextmanager
def host_calls():
    """Puts a constant in the place of each call of Python in a graph, which no XLA program holds, and lists the calls.

    Yields:
      A list, which grows by the name of the function, and whether it is in a branch that is not taken as a rule.
    """
    import tensorflow as tf

    found, real = [], tf.numpy_function

    def listed(func, inp, Tout, *args, **kwargs):
        branch = "cond" in getattr(tf.compat.v1.get_default_graph(), "name", "")
        found.append((func.__qualname__, branch))
        return tf.constant(True) if Tout == tf.bool else real(func, inp, Tout, *args, **kwargs)

    tf.numpy_function = listed
    try:
        yield found
    finally:
        tf.numpy_function = real


def training_step(model, rows, classes=CLASSES):
    """The whole step of `fit` as a `tf.function` that XLA compiles, and its arguments."""
    import tensorflow as tf

    from dgm_zoo.core import vetting

    vetted = vetting.vetted(model, model.train_step, training=True)

    def step(*parts):
        half = len(parts) // 2
        return vetted((tuple(parts[:half]), tuple(parts[half:])) if model.domains else
                      parts if half else parts[0])

    return tf.function(step, jit_compile=True, autograph=False), batch(model, rows, classes)


def endpoint(model, name, rows):
    """An endpoint as a `tf.function` that XLA compiles, its arguments, and their rows: at most its own."""
    import numpy as np
    import tensorflow as tf

    rng, one = np.random.default_rng(common.SEED), model.endpoints()[name]
    rows, inputs = min(rows, one.rows), list(one.inputs)
    serve = model.endpoint_function(name)
    function = tf.function(lambda *given: serve(**dict(zip(inputs, given, strict=True))), jit_compile=True,
                           autograph=False)
    return function, [values(rng, rows, one.inputs[key]) for key in inputs], rows


def lowered(function, arguments):
    """The StableHLO of a function, bytes, and what in its graph is for the host; see `on_host`."""
    with host_calls() as calls:
        graph = function.get_concrete_function(*arguments).graph.as_graph_def()
        program = function.experimental_get_compiler_ir(*arguments)(stage="stablehlo_serialized")
    found = on_host(graph)
    for name, branch in calls:
        found["operations"].append(f"numpy_function {name}{' (only if a check fails)' if branch else ''}")
    return program, found


def on_host(graph):
    """What of a graph, a `GraphDef`, the host must do or decide where XLA compiles no more than the model asks for.

    Returns:
      A dict of `operations`, those of `HOST_OPERATIONS`, `decisions`, the number of branches by the device that their
      condition is bound to (`any` is a GPU if there is one), and `compiled`, the number of parts that the model has
      compiled.
    """
    functions = {one.signature.name: one for one in graph.library.function}
    found = {"operations": [], "decisions": {"CPU": 0, "any": 0}, "compiled": 0}

    def walk(nodes, branch):
        by_name = {node.name: node for node in nodes}
        for node in nodes:
            if node.op in HOST_OPERATIONS:
                found["operations"].append(f"{node.op}{' (only if a check fails)' if branch else ''}")
            if node.op in ("If", "StatelessIf", "Case"):
                condition = by_name.get(node.input[0].split(":")[0])
                device = "CPU" if condition is not None and "CPU" in condition.device else "any"
                found["decisions"][device] += not branch
            compiled = "_XlaMustCompile" in node.attr and node.attr["_XlaMustCompile"].b
            found["compiled"] += compiled
            for value in node.attr.values():
                for called in [value.func.name, *(one.name for one in value.list.func)]:
                    if called in functions and not compiled:
                        walk(functions[called].node_def, branch or node.op in ("If", "StatelessIf", "Case"))

    walk(graph.node, False)
    found["operations"] = sorted(set(found["operations"]))
    return found


def roofline(flops, moved):
    """The shortest times that peaks and bandwidth allow: a dict, in milliseconds.

    Example:
      >>> roofline({"f32": 67e9}, 3.35e9)["bytes"]
      1.0
    """
    unknown = set(flops) - set(PEAKS) - {"f64", "s32"}
    if unknown:
        raise ValueError(f"there is no peak for products of {sorted(unknown)}")
    compute = 1e3 * sum(n / PEAKS.get(dtype, FLOAT32) for dtype, n in flops.items())
    plain = 1e3 * sum(n / (FLOAT32 if dtype == "f32" else PEAKS.get(dtype, FLOAT32)) for dtype, n in flops.items())
    memory = 1e3 * moved / BANDWIDTH
    return {"flops": compute, "flops_without_tf32": plain, "bytes": memory, "at_least": max(compute, memory),
            "at_least_without_tf32": max(plain, memory)}


# ------------------------------------------------------------------------------------------------- compiling


class Compiler:
    """The other interpreter, started again whenever a program ends it."""

    def __init__(self, python):
        self.python, self.worker = python, None

    def start(self):
        if self.worker is None:
            self.worker = common.Worker(self.python, "h100_compile.py")
        return self.worker

    def __call__(self, program):
        """The work and the memory of a program; raises `RuntimeError` if XLA does not compile it."""
        import h100_hlo

        worker = self.start()
        path, text = worker.path("program.mlirbc"), worker.path("program.hlo")
        pathlib.Path(path).write_bytes(program)
        try:
            answer = worker.ask("compile", program=path, text=text)
        except SystemExit as end:
            self.close()
            raise RuntimeError(f"the compiler's process ended: {end}") from None
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return {**h100_hlo.work(pathlib.Path(text).read_text()), **answer}

    def close(self):
        if self.worker is not None:
            self.worker.__exit__()
            self.worker = None


def why(error):
    """An error in one line, without the lines of Python that lead to it."""
    text = re.split(r"The op is created at|Stack trace|\n\s*File ", f"{type(error).__name__}: {error}")[0]
    return " ".join(text.split())


def of_program(compiler, function, arguments, rows):
    """The result of one program: a dict."""
    program, host = lowered(function, arguments)
    one = compiler(program)
    total = sum(one["flops"].values())
    times = roofline(one["flops"], one["bytes"])
    return {
        "rows": rows, "flops": total, "flops_by_dtype": one["flops"], "bytes": one["bytes"],
        "flops_per_byte": total / one["bytes"] if one["bytes"] else 0.0,
        "temporary_bytes": one["temporary_bytes"], "argument_bytes": one["argument_bytes"],
        "kernels": one["kernels"], "kernels_by_kind": one["kinds"], "roofline_ms": times,
        "limited_by": "bytes" if times["bytes"] >= times["flops"] else "flops",
        "in_program": {"host": one["host"], "branches": one["branches"], "loops_of_unknown_length": one["loops"]},
        "in_graph": host,
    }


def by_hand(model, rows):
    """FLOPs of the products of a training step of a VAE whose networks are fully connected.

    A layer's weights meet each example three times, forward, for their gradient and for that of their input, with one
    multiplication and one addition for each weight; only the first layer has no gradient of its input.
    """
    variables = [*model.encoder.trainable_variables, *model.decoder.trainable_variables]
    kernels = [v.shape for v in variables if len(v.shape) == 2]
    return 2 * rows * (3 * sum(a * b for a, b in kernels) - kernels[0][0] * kernels[0][1])


def reads(steps, steps_per_execution):
    """What Python reads in a `fit` of so many steps: the number of tensors, and of these the number of logged terms."""
    import keras
    import numpy as np
    import tensorflow as tf
    from keras.src import backend
    from tensorflow.python.framework import ops

    from dgm_zoo.models import create

    model = create("vae", image_shape=(4,), latent_dim=2, hidden=[4], seed=common.SEED)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), jit_compile=False, steps_per_execution=steps_per_execution)
    x = tf.data.Dataset.from_tensor_slices(np.ones((4 * steps, 4), "float32")).batch(4)
    holders = [next(cls for cls in ops.EagerTensor.__mro__ if "_numpy" in vars(cls)), backend]
    names, count = ["_numpy", "convert_to_numpy"], [0, 0]  # the second is for logs, and does not call the first

    def counted(i, real):
        def read(tensor):
            count[i] += 1
            return real(tensor)

        return read

    kept = [getattr(holder, name) for holder, name in zip(holders, names, strict=True)]
    try:
        for i, (holder, name) in enumerate(zip(holders, names, strict=True)):
            setattr(holder, name, counted(i, kept[i]))
        model.fit(x, verbose=0)
    finally:
        for holder, name, real in zip(holders, names, kept, strict=True):
            setattr(holder, name, real)
    return sum(count), count[1]


def reads_per_step(steps_per_execution):
    """What Python reads for each step of `fit`, besides what it reads at the start and the end: a dict."""
    more, fewer = reads(40, steps_per_execution), reads(20, steps_per_execution)
    return {"tensors": (more[0] - fewer[0]) / 20, "logged_terms": (more[1] - fewer[1]) / 20}


# ------------------------------------------------------------------------------------------------- report


def ran(ms, bound):
    """The cells of a measured time and of the share of it that the bound is."""
    if ms is None:
        return ["", ""]
    return [f"{ms['median']:.3g} ({ms['low']:.3g} to {ms['high']:.3g})", f"{100 * bound / ms['median']:.0f} %"]


def table(results, measured=None):
    """The results as rows of cells; `measured` is what `elsewhere_jax.py --time` wrote."""
    ms = (measured or {}).get("ms", {})
    rows = [["program", "rows", "GFLOP", "in bfloat16", "MB moved", "FLOP/B", "temporary MB", "kernels", "ms at least",
             "ms at least, no TF32", "bound by", *(["ms measured", "of the bound"] if ms else [])]]
    for program, one in results.items():
        times, share = one["roofline_ms"], one["flops_by_dtype"].get("bf16", 0) / max(one["flops"], 1)
        low = f"{100 * share:.0f} %" if "bfloat16" in program else ""
        rows.append([
            program, str(one["rows"]), f"{one['flops'] / 1e9:.3g}", low, f"{one['bytes'] / 1e6:.3g}",
            f"{one['flops_per_byte']:.3g}", f"{one['temporary_bytes'] / 1e6:.3g}", str(one["kernels"]),
            f"{times['at_least']:.3g}", f"{times['at_least_without_tf32']:.3g}",
            {"bytes": "memory", "flops": "compute"}[one["limited_by"]],
            *(ran(ms.get(program), times["at_least"]) if ms else []),
        ])
    return rows


def markdown(report):
    """The page of the table."""
    def lines(rows):
        return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]])

    results, reads = report["results"], report["reads_per_step"]
    failures = [["program", "what XLA says"], *([k, v.replace("|", "/")[:300]] for k, v in report["failures"].items())]
    waits = [["program", "calls of the host in the program", "branches", "loops of unknown length"]]
    operations = {}
    for program, one in results.items():
        found = one["in_program"]
        if found["host"] or found["branches"] or found["loops_of_unknown_length"]:
            waits.append([program, ", ".join(found["host"]) or "none", str(found["branches"]),
                          str(found["loops_of_unknown_length"])])
        for name in one["in_graph"]["operations"] if "training step" in program else ():
            operations.setdefault(name, []).append(program)
    steps = [one["in_graph"] for program, one in results.items() if "training step" in program]
    decisions, parts = ([f(*found) for f in (min, max)] for found in (
        [one["decisions"]["any"] for one in steps if "decisions" in one], [one["compiled"] for one in steps]))
    hand, missing = report["vae_by_hand"], report["not_compiled_yet"]
    return "\n\n".join([
        "# Every training step and endpoint, compiled for an H100",
        "Written by `python benchmarks/h100.py --table=benchmarks/h100.md`. "
        f"**{'Only what says so was measured' if report.get('measured') else 'Nothing here was run or timed'} on a "
        "GPU.** "
        "XLA:GPU compiled each program for the description of an H100 on a machine without one; "
        "FLOPs, bytes and kernels are read from the optimised program. `benchmarks/h100.py` and "
        "`benchmarks/h100_hlo.py` say what counts. The training step of `vae` has "
        f"{hand['flops'] / 1e9:.4f} GFLOP of products by hand, and "
        f"{hand['counted'] / 1e9:.4f} were counted: XLA pads some operands. Batches have 512 examples for fully "
        "connected networks, 256 for convolutional ones and 64 for musegan; endpoints answer at most so many rows.",
        "*ms at least* is what the roofline of an H100 SXM allows: the larger of FLOPs over the peak "
        f"({PEAKS['f32'] / 1e12:.4g} TFLOP/s for float32 operands, in TF32, and {PEAKS['bf16'] / 1e12:.4g} TFLOP/s for "
        f"bfloat16; {FLOAT32 / 1e12:.0f} TFLOP/s for float32 in the column without TF32) and bytes over "
        f"{BANDWIDTH / 1e12:.3g} TB/s. It is no forecast: to start a kernel takes time of its own, which binds small "
        "models, and no kernel reaches the peak; on the other hand what stays in the cache of 50 MB need not move.",
        lines(table(results, report.get("measured"))),
        *([MEASURED.format(**report["measured"])] if report.get("measured") else []),
        "## What does not compile",
        lines(failures) if len(failures) > 1 else f"All {len(results)} programs compile.",
        *(["## What was left out", "Not compiled so far, for want of time: " + "; ".join(missing) + "."]
          if missing else []),
        "## Where the host is asked",
        lines(waits) if len(waits) > 1 else
        "No compiled program calls the host, none has a branch, and XLA knows the length of every loop.",
        f"In `fit`, XLA compiles the {parts[0]} to {parts[1]} parts of a step that `ascend` runs, and TensorFlow runs "
        "the rest: the check of the batch, which is bound to the CPU, where batches come from; noise; the check of the "
        "terms; metrics. These operations of it are the host's:",
        lines([["operation", "training steps"],
               *([name, f"{len(found)} of {len(steps)}"] for name, found in sorted(operations.items()))]),
        f"The terms of a step are reduced on the device to one boolean for each call of `ascend`, and TensorFlow "
        f"branches on it: {decisions[0]} to {decisions[1]} branches in a step have a condition that a GPU computes "
        "and that the host must see.",
        f"Python reads {reads['steps_per_execution=1']['tensors']:g} tensors after each step of `fit(verbose=0)` on a "
        f"model that logs {reads['steps_per_execution=1']['logged_terms']:g} terms, since Keras converts the logs for "
        f"its callbacks after each execution; with `steps_per_execution=10` it is "
        f"{reads['steps_per_execution=10']['tensors']:g} in a step. Keras itself asks the iterator for the rest.",
    ]) + "\n"


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--jax-python", default=sys.executable, metavar="PATH",
                        help="interpreter that has jax and its plugin for CUDA (default: this one)")
    parser.add_argument("--models", type=lambda text: text.split(","), help="registered models (default: all)")
    parser.add_argument("--endpoints", choices=("all", "families", "none"), default="all",
                        help="of all models, of the model with most endpoints in each family, or of none")
    parser.add_argument("--precisions", type=lambda text: [one for one in text.split(",") if one],
                        default=list(PRECISIONS), help="of training steps; endpoints are in float32")
    parser.add_argument("--merge", type=lambda text: [pathlib.Path(one) for one in text.split(",")], default=[],
                        metavar="FILE,FILE", help="earlier reports: what they have is kept and not compiled again")
    parser.add_argument("--measured", type=lambda text: [pathlib.Path(one) for one in text.split(",")], default=[],
                        metavar="FILE,FILE", help="times of steps on a GPU, from `elsewhere_jax.py --time`")
    parser.add_argument("--table", type=pathlib.Path, metavar="FILE", help="where the table goes, in Markdown")
    options = parser.parse_args()
    common.import_tensorflow()
    import keras

    from dgm_zoo.models import list_models

    compiler = Compiler(options.jax_python)
    report = {
        "benchmark": "h100", "quick": options.quick, "nothing_was_run_on_a_gpu": True,
        "bandwidth": BANDWIDTH, "peaks": {**PEAKS, "f32 without TF32": FLOAT32},
        "compiled_with": compiler.start().versions, "targets": [], "failures": {}, "results": {},
        "machine": common.machine(), "versions": common.versions(), "not_compiled_yet": [],
    }
    report["reads_per_step"] = {f"steps_per_execution={n}": reads_per_step(n) for n in (1, 10)}
    for path in options.merge:
        earlier = json.loads(path.read_text())
        for part in ("results", "failures", "vae_by_hand", "measured"):
            report[part] = {**report.get(part, {}), **earlier.get(part, {})}
    for path in options.measured:
        before, found = report.get("measured", {}), json.loads(path.read_text())
        report["measured"] = {**before, **found, "ms": {**before.get("ms", {}), **found["ms"]}}
    report["nothing_was_run_on_a_gpu"] = not report.get("measured")
    results = report["results"]
    report["failures"] = {program: text for program, text in report["failures"].items() if program not in results}

    def add(program, prepare):
        if program in results:
            return
        start = time.perf_counter()
        try:
            results[program] = of_program(compiler, *prepare())
            report["failures"].pop(program, None)
        except Exception as error:  # TensorFlow and XLA raise many kinds; each is a line of the report
            report["failures"][program] = why(error)
        print(f"{program}: {'compiled' if program in results else report['failures'][program][:300]} "
              f"({time.perf_counter() - start:.0f} s)", file=sys.stderr, flush=True)
        if options.out:
            pathlib.Path(options.out).write_text(json.dumps(report, indent=2) + "\n")

    def built(name, precision):
        keras.utils.clear_session()
        keras.config.set_dtype_policy(precision)
        try:
            return created(name)
        finally:
            keras.config.set_dtype_policy("float32")

    names = options.models or (["vae"] if options.quick else list_models())
    for precision in options.precisions:
        for name in names:
            if f"{name}, training step, {precision}" in results:
                continue
            model, rows = built(name, precision)
            add(f"{name}, training step, {precision}", lambda: (*training_step(model, rows), rows))  # noqa: B023
            if name == "vae" and precision == "float32" and f"vae, training step, {precision}" in results:
                hand, counted = by_hand(model, rows), results[f"vae, training step, {precision}"]["flops"]
                report["vae_by_hand"] = {"flops": hand, "counted": counted}
                if not hand <= counted <= PADDING * hand:
                    sys.exit(f"the training step of vae has {hand} FLOP by hand, and {counted} were counted")
    endpoints = "none" if options.quick else options.endpoints
    for name in [] if endpoints == "none" else names if endpoints == "all" else representatives(names):
        model, rows = built(name, "float32")
        for one in model.endpoints():
            add(f"{name}, {one}, float32", lambda: endpoint(model, one, rows))  # noqa: B023
    compiler.close()
    steps = [f"{name}, training step, {precision}" for precision in PRECISIONS for name in list_models()]
    ordered = dict.fromkeys([*(one for one in steps if one in results), *results])
    report["results"] = {program: results[program] for program in ordered}
    report["not_compiled_yet"] = [] if options.quick else [one for one in steps if one not in results]
    for program, reason in report["failures"].items():
        print(f"{program} does not compile: {reason}", file=sys.stderr)
    common.finish(report, table(report["results"]), options.out)
    if options.table:
        options.table.write_text(markdown({"vae_by_hand": {"flops": 0, "counted": 0}, **report}))


if __name__ == "__main__":
    main()
