"""Runs on the device of JAX what `elsewhere.py take` wrote; needs jax and numpy, and nothing of dgm_zoo.

    python benchmarks/elsewhere_jax.py FOLDER --out=TRAINED [--only=REGEX] [--part=0/3] [--limit=540]
    python benchmarks/elsewhere_jax.py FOLDER --time=MEASURED.json [--only=REGEX] [--limit=300]

Each run trains for its epochs, or until `patience` epochs have not improved the validation loss. Several epochs are one
call: scans of the training step over the rows of its batches, on arrays that stay on the device, and of the validation
step. Programs are compiled before the first run. A run whose epochs would not fit into the seconds that `--limit`
leaves is left out and said so; of several runs for one workdir, the first that fits is trained.
The best epoch's weights, by validation loss, those that changed, and the logs are written into archives of at most
15 MB; weights are rounded to `bits` bits of mantissa.

`--time` runs each of the steps of `elsewhere.py steps` many times in one call, a scan that hands its state on, on one
batch of random values, and writes the milliseconds per step: the median, least and most of `ROUNDS` calls.
"""

import argparse
import concurrent.futures
import functools
import io
import json
import lzma
import pathlib
import re
import sys
import tarfile
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jax.interpreters import mlir

try:
    from jax.extend.mlir import deserialize_portable_artifact
except ImportError:
    from jax._src.lib import _jax

    deserialize_portable_artifact = _jax.mlir.deserialize_portable_artifact

ARCHIVE = 15_000_000
IN_A_CALL = 4000  # training steps
STEPS, ROUNDS = 50, 5  # of a timed step: in one call, and calls
START = time.perf_counter()
jax.config.update("jax_enable_x64", True)  # TensorFlow counts steps in int64

# ---------------------------------------------------------------------------------------------------- programs

call = core.Primitive("stablehlo_program")
call.multiple_results = True


@call.def_abstract_eval
def _results(*_, program):
    return program.results


def _lowered(context, *arguments, program):
    with context.module_context.module.context:
        module = deserialize_portable_artifact(program.content)
        without_copies(module.operation)
    name = mlir.merge_mlir_modules(context.module_context.module, "step", module,
                                   dst_symtab=context.module_context.symbol_table)
    from jaxlib.mlir import ir
    from jaxlib.mlir.dialects import func

    called = func.CallOp(program.types(context.module_context), ir.FlatSymbolRefAttr.get(name), arguments)
    return list(called.results)


mlir.register_lowering(call, _lowered)


def without_copies(operation):
    """Removes TensorFlow's `mhlo.copy` operations, which hint at layouts and which this way to XLA refuses."""
    for region in operation.regions:
        for block in region.blocks:
            for one in list(block.operations):
                if one.operation.name == "mhlo.copy":
                    one.operation.results[0].replace_all_uses_with(one.operation.operands[0])
                    one.operation.erase()
                else:
                    without_copies(one.operation)


class Program:
    """A StableHLO program of `(parts, seed, state, captured...) -> (logs, state, ...)`, to be called under `jit`."""

    def __init__(self, content):
        self.content, self.results = content, None
        with mlir.make_ir_context():
            module = deserialize_portable_artifact(content)  # an operation does not keep its module alive
            main = next(one for one in module.body.operations if str(one.attributes["sym_name"]) == '"main"')
            self.results = [jax.core.ShapedArray(tuple(one.shape), np.dtype(DTYPES[str(one.element_type)]))
                            for one in main.type.results]

    def types(self, context):
        return [mlir.aval_to_ir_type(context, one) if _takes_context() else mlir.aval_to_ir_type(one)
                for one in self.results]

    def __call__(self, *arguments):
        return call.bind(*arguments, program=self)


DTYPES = {"f32": "float32", "f64": "float64", "i1": "bool", "i8": "int8", "i16": "int16", "i32": "int32",
          "i64": "int64", "ui8": "uint8", "ui16": "uint16", "ui32": "uint32", "ui64": "uint64", "bf16": jnp.bfloat16,
          "f16": "float16"}
DTYPES_BY_NAME = {"bfloat16": jnp.bfloat16}


def _takes_context():
    import inspect

    return len(inspect.signature(mlir.aval_to_ir_type).parameters) > 1


# ---------------------------------------------------------------------------------------------------- a run


def content(folder, name):
    return lzma.decompress((folder / name).read_bytes())


@functools.cache
def arrays(folder, name):
    with np.load(io.BytesIO(content(folder, name))) as found:
        return [found[f"arr_{i}"] for i in range(len(found.files))]


def pixels(x):
    return x.astype(jnp.float32) / 255 if x.dtype == jnp.uint8 else x


def labels(y):
    return y.astype(jnp.float32) if y.dtype == jnp.int8 else y  # latent bits


class Run:
    """One job: its data on the device, its compiled epoch and validation."""

    def __init__(self, folder, job, compiled):
        self.job, self.folder = job, folder
        self.parts = [[arrays(folder, name)[0] for name in names] for names in job["data"]]
        self.parts = [[x[rows[0]], y] if rows else [x, *([y] if y is not None else [])]
                      for x, y, *rows in ([*part, None][: max(2, len(part))] for part in self.parts)]
        self.validation = arrays(folder, job["validation"])
        self.state, self.rng = arrays(folder, job["state"]), np.random.default_rng(job["order_seed"] + 2**33)
        if job["shuffled"]:
            self.state = [self.rng.permutation(one.reshape(-1)).reshape(one.shape) for one in self.state]
        self.left = [np.empty(0, np.int32) for _ in self.parts]  # rows of a domain's pass that are still to come
        shapes = jax.tree.map(lambda one: (one.shape, str(one.dtype)), (self.parts, self.validation, self.state))
        self.key = json.dumps([job["train"], job["validate"], job["drawn"], job["steps"], job["batch"], shapes])
        self.compiled = compiled

    def program(self, kind):
        made = self.job[kind]
        step, constants = Program(content(self.folder, made["program"])), arrays(self.folder, made["constants"])
        logs, count = len(made["logs"]), len(self.state)

        def run(parts, seed, state):
            left = iter(constants)
            captured = [next(left) if i is None else state[i] for i in made["captured"]]
            found = step(*parts, seed, *state, *captured)
            return found[:logs], found[logs : logs + count]

        return run

    def functions(self):
        train, validate = self.program("train"), self.program("validate")

        job = self.job

        def step(data, seed, key, carry, given):
            (state, _), (number, rows) = carry, given
            xs = [jnp.broadcast_to(pixels(part[0][of]), (len(of), *shape))
                  for part, of, shape in zip(data, rows, job["shapes"], strict=True)]
            if job["drawn"]:
                noise = jax.random.uniform(jax.random.fold_in(key, number), xs[0].shape, jnp.float32)
                xs[0] = (noise < xs[0]).astype(jnp.float32)
            ys = [labels(part[1][of]) for part, of in zip(data, rows, strict=True) if len(part) > 1]
            logs, state = train([*xs, *ys], seed, state)
            return (state, logs), None

        def tested(seed, carry, parts):
            logs, state = validate([pixels(one) for one in parts], seed, carry[0])
            return (state, logs), None

        def zeros(kind):
            return [jnp.zeros((), jnp.float32)] * len(job[kind]["logs"])

        def epoch(fixed, carry, given):
            data, batches, seed, root = fixed
            (state, best, least), (number, rows) = carry, given
            one = functools.partial(step, data, seed, jax.random.fold_in(root, number))
            start = self.cleared(state), zeros("train")
            (state, logs), _ = jax.lax.scan(one, start, (jnp.arange(job["steps"]), rows))
            shown = self.averaged(state)
            start = self.cleared(shown), zeros("validate")
            (_, values), _ = jax.lax.scan(functools.partial(tested, seed), start, batches)
            loss = values[job["validate"]["logs"].index("loss")]
            better = loss <= least
            best = [jnp.where(better, now, before) for now, before in zip(shown, best, strict=True)]
            return (state, best, jnp.where(better, loss, least)), (jnp.stack(logs), jnp.stack(values))

        def epochs(carry, numbers, rows, data, batches, seed, root):
            """Several epochs: the state, the best state so far and its loss; and the logs of each epoch."""
            return jax.lax.scan(functools.partial(epoch, (data, batches, seed, root)), carry, (numbers, rows))

        return epochs

    def compile(self):
        if self.key not in self.compiled:
            start, epochs = time.perf_counter(), self.functions()
            carry, at_once = (self.state, self.state, np.float32(0)), self.at_once()
            given = np.arange(at_once), self.rows_of(at_once), self.parts, self.validation
            lowered = jax.jit(epochs, donate_argnums=0).lower(carry, *given, np.int32(0), jax.random.key(0))
            self.compiled[self.key] = lowered.compile()
            print(f"{self.job['name']}: compiled in {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        self.rng = np.random.default_rng(self.job["order_seed"] + 2**33)
        self.left = [np.empty(0, np.int32) for _ in self.parts]

    def at_once(self):
        """The number of epochs in a call, a divisor of all."""
        most = max(1, IN_A_CALL // self.job["steps"])
        return max(n for n in range(1, min(most, self.job["epochs"]) + 1) if self.job["epochs"] % n == 0)

    def rows_of(self, epochs):
        return [np.stack(one) for one in zip(*(self.rows() for _ in range(epochs)), strict=True)]

    def rows(self):
        """The rows of an epoch's batches, `[steps, rows of a batch]` for each domain."""
        steps, found = self.job["steps"], []
        for i, (x, *y) in enumerate(self.parts):
            if self.job["mixed"]:
                found.append(self.mixed(y[0]))
                continue
            size = self.job["batch"]
            while self.job["pair"] and len(self.left[i]) < steps * size:
                order = self.rng.permutation(len(x)).astype(np.int32)
                self.left[i] = np.concatenate([self.left[i], order[: len(x) // size * size]])
            order = self.left[i] if self.job["pair"] else self.rng.permutation(len(x)).astype(np.int32)
            self.left[i] = order[steps * size :] if self.job["pair"] else self.left[i]
            found.append(order[: steps * size].reshape(steps, size))
        return found

    def mixed(self, y):
        """An epoch in which every batch has as many labelled rows, as `data.load` arranges it."""
        steps, size, rows = self.job["steps"], self.job["batch"], len(y)
        known, order = (y.reshape(rows, -1) >= 0).any(1), self.rng.permutation(rows)
        several = self.job["labelled_rows"] or max(1, round(size * known.sum() / rows))
        several = min(several, size - 1)
        spots = np.zeros(size, bool)
        spots[np.arange(several) * size // several] = True
        spots = np.tile(spots, steps)
        found = np.empty(steps * size, np.int32)
        for where, kind in ((spots, known), (~spots, ~known)):
            found[where] = np.resize(order[kind[order]], where.sum())
        return found.reshape(steps, size)

    def averaged(self, state):
        """The state with the moving averages in the place of their weights."""
        state = list(state)
        for i, j in self.job["averages"]:
            state[i] = state[j]
        return state

    def cleared(self, state):
        """The state with the metrics' variables at zero, as at the start of an epoch."""
        state = list(state)
        for i in self.job["metrics"]:
            state[i] = jnp.zeros_like(state[i])
        return state

    def train(self, deadline, trained):
        """Trains; returns `(history, values of the best state, seconds)`, or None if there is not enough time.

        Args:
          deadline: by `time.perf_counter`.
          trained: the best states of other runs by name, a dict of position to value, from which this one may start.
        """
        job, start = self.job, time.perf_counter()
        if job["starts_from"]:
            values, base = list(self.state), trained[job["starts_from"]]
            for mine, its in job["taken"]:
                values[job["places"].index(mine)] = base[its]
            self.state = values
        state, data, batches = jax.device_put((self.state, self.parts, self.validation))
        carry = state, [jnp.array(one) for one in state], jnp.float32(np.inf)
        seed, root, history, at_once = np.int32(job["seed"]), jax.random.key(job["order_seed"]), [], self.at_once()
        names = [*job["train"]["logs"], *(f"val_{name}" for name in job["validate"]["logs"])]
        while len(history) < job["epochs"]:
            begun, done = time.perf_counter(), len(history)
            numbers, rows = np.arange(done, done + at_once), self.rows_of(at_once)
            carry, logs = self.compiled[self.key](carry, numbers, rows, data, batches, seed, root)
            found = np.concatenate([np.asarray(one) for one in logs], 1)
            if not np.isfinite(found).all():
                print(f"{job['name']}: not finite in epochs {done + 1} to {done + at_once}", flush=True)
                return None
            history += [dict(zip(names, map(float, one), strict=True)) for one in found]
            losses = [one["val_loss"] for one in history]
            if job["patience"] is not None and len(losses) - 1 - int(np.argmin(losses)) >= job["patience"]:
                break
            each, left = (time.perf_counter() - begun) / at_once, job["epochs"] - len(history)
            if done <= at_once and job["patience"] is None:
                print(f"{job['name']}: {each:.3f} s per epoch, {1e3 * each / job['steps']:.3f} ms per step with "
                      f"validation, {each * left:.0f} s to go", flush=True)
            if time.perf_counter() + each * left * (job["patience"] is None) > deadline:
                print(f"{job['name']}: left out, {deadline - time.perf_counter():.0f} s are left", flush=True)
                return None
        return history, [np.asarray(one) for one in carry[1]], time.perf_counter() - start


def short(value, bits):
    """A large float32 array rounded to so many bits of mantissa, for the sake of its file's size."""
    if value.dtype != np.float32 or value.size < 1000:
        return value
    low = 24 - bits
    return ((value.view(np.uint32) + np.uint32(1 << low - 1)) >> low << low).view(np.float32)


class Archives:
    """Tar archives of at most `ARCHIVE` bytes."""

    def __init__(self, folder, label):
        self.folder, self.label, self.number, self.size, self.tar = pathlib.Path(folder), label, 0, ARCHIVE, None
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, name, job, places, values, **about):
        out, about = io.BytesIO(), {"job": job, "places": places, **about}
        np.savez(out, *values)
        files = {f"{name}.npz.xz": lzma.compress(out.getvalue(), preset=1), f"{name}.json": json.dumps(about).encode()}
        size = sum(map(len, files.values()))
        if self.size + size > ARCHIVE:
            self.close()
            self.tar = tarfile.open(self.folder / f"trained-{self.label}-{self.number}.tar", "w")
            self.number, self.size = self.number + 1, 0
        self.size += size
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            self.tar.addfile(info, io.BytesIO(content))
        self.tar.fileobj.flush()

    def close(self):
        if self.tar is not None:
            self.tar.close()


# ---------------------------------------------------------------------------------------------------- times


def random_values(rng, shape, dtype, high):
    """Floats from 0 to `high`, integers of 0."""
    if dtype in ("float32", "float16", "bfloat16", "float64"):
        return jnp.asarray(rng.random(shape, np.float32) * high, DTYPES_BY_NAME.get(dtype, dtype))
    return jnp.zeros(shape, dtype)


def timed_step(folder, one):
    """The compiled scan of a step and its arguments."""
    rng, step = np.random.default_rng(0), Program(content(folder, one["program"]))
    constants, logs = arrays(folder, one["constants"]), len(one["logs"])
    parts = [random_values(rng, shape, dtype, 1.0) for shape, dtype in one["parts"]]
    state = [random_values(rng, shape, dtype, 0.01) for shape, dtype in one["state"]]

    def run(parts, state):
        def body(state, _):
            left = iter(constants)
            captured = [next(left) if i is None else state[i] for i in one["captured"]]
            found = step(*parts, np.int32(0), *state, *captured)
            return found[logs : logs + len(state)], found[:logs]

        state, values = jax.lax.scan(body, state, None, length=STEPS)
        return state, values

    return jax.jit(run, donate_argnums=1).lower(parts, state).compile(), parts, state


def time_steps(folder, only, limit, out, after):
    """Times the steps of `steps.json`, once the file `after` exists, and writes what was measured after each."""
    listed = [one for one in json.loads((folder / "steps.json").read_text()) if re.fullmatch(only, one["name"])]
    device = jax.devices()[0]
    report = {"device": device.device_kind, "jax": jax.__version__, "steps_in_a_call": STEPS, "rounds": ROUNDS,
              "ms": {}, "failed": {}, "seconds_to_compile": {}}

    def made(one):
        start = time.perf_counter()
        try:
            return one["name"], timed_step(folder, one), time.perf_counter() - start
        except Exception as error:  # of any kind that XLA raises: a line of the report
            return one["name"], f"{type(error).__name__}: {error}"[:300], 0

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        programs = list(pool.map(made, listed))
        print(f"{len(programs)} programs compiled, {time.perf_counter() - START:.0f} s", flush=True)
        while after and not pathlib.Path(after).exists() and time.perf_counter() - START < limit:
            time.sleep(0.2)
        for name, found, seconds in programs:  # none is timed while others are compiled
            if isinstance(found, str) or time.perf_counter() - START > limit:
                report["failed"][name] = found if isinstance(found, str) else "no time was left"
            else:
                run, parts, state = found
                try:
                    state, values = run(parts, state)
                    jax.block_until_ready(values)
                    times = []
                    for _ in range(ROUNDS):
                        start = time.perf_counter()
                        state, values = run(parts, state)
                        jax.block_until_ready((state, values))
                        times.append(1e3 * (time.perf_counter() - start) / STEPS)
                    report["ms"][name] = {"median": float(np.median(times)), "low": min(times), "high": max(times)}
                    report["seconds_to_compile"][name] = seconds
                except Exception as error:  # such as out of memory
                    report["failed"][name] = f"{type(error).__name__}: {error}"[:300]
            print(name, report["ms"].get(name) or report["failed"][name], flush=True)
            pathlib.Path(out).write_text(json.dumps(report, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--out", help="folder of the trained runs")
    parser.add_argument("--time", metavar="FILE", help="time steps instead, and write the report to this file")
    parser.add_argument("--after", metavar="FILE", help="compile, but time steps only once this file exists")
    parser.add_argument("--only", default=".*", help="regular expression of the runs' names")
    parser.add_argument("--part", default="0/1", help="the i-th of n parts of the runs, each by a process of its own")
    parser.add_argument("--limit", type=float, default=1e9, metavar="SECONDS", help="from the start of this process")
    parser.add_argument("--epochs", type=int, help="of each run, to try it out")
    options = parser.parse_args()
    if bool(options.out) == bool(options.time):
        sys.exit("give --out to train runs, or --time to time steps")
    if options.time:
        return time_steps(options.folder, options.only, options.limit, options.time, options.after)
    index, count = map(int, options.part.split("/"))
    listed = json.loads((options.folder / "jobs.json").read_text())
    jobs = [one for one in listed if re.fullmatch(options.only, one["name"])][index::count]
    for job in jobs if options.epochs else ():
        job["epochs"] = min(job["epochs"], options.epochs)
    compiled, device = {}, jax.devices()[0].device_kind
    runs = [Run(options.folder, job, compiled) for job in jobs]
    first = {run.key: run for run in reversed(runs)}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(Run.compile, first.values()))
    archives = Archives(options.out, index)
    trained, done = {}, set()
    for run in runs:
        if run.job["workdir"] in done:
            continue
        run.compile()
        found = run.train(START + options.limit, trained)
        if found is None:
            continue
        history, best, seconds = found
        trained[run.job["name"]] = dict(zip(run.job["places"], best, strict=True))
        done.add(run.job["workdir"])
        wanted = [i for i, place in enumerate(run.job["places"]) if place is not None]
        weights = [i for i in wanted if run.job["weights"][i] and not np.array_equal(best[i], np.asarray(run.state[i]))]
        about = {"history": history, "device": device, "jax": jax.__version__, "seconds": seconds}
        job = {key: run.job[key] for key in ("name", "workdir", "config")}
        archives.add(run.job["name"], job, [run.job["places"][i] for i in weights],
                     [short(best[i], run.job["bits"]) for i in weights], **about)
        print(f"{run.job['name']}: {len(history)} epochs, {seconds:.1f} s, {json.dumps(history[-1])}", flush=True)
    archives.close()


if __name__ == "__main__":
    main()
