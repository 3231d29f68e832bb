"""Trains runs on a GPU that has JAX and no TensorFlow, and brings them back into their workdirs.

    python benchmarks/elsewhere.py take FOLDER --experiment=iwae_mnist --rows='vae|iwae' --seeds=0
    python benchmarks/elsewhere.py take FOLDER --config=gan_cifar10 --set=data.name=emoji/noto --workdir=runs/emoji
    python benchmarks/elsewhere_jax.py FOLDER --out=TRAINED          # there; needs jax and numpy alone
    python benchmarks/elsewhere.py bring TRAINED
    python benchmarks/elsewhere.py steps FOLDER                      # the steps of h100.py, to be timed
    python benchmarks/elsewhere_jax.py FOLDER --time=MEASURED.json   # there

`take` builds each run as `dgm-zoo train` does, and traces one function of a batch, the model's seed and all variables:
the whole training step (noise, forward, backward, the optimizers' updates, metrics), another for the validation step.
Both are written as StableHLO, with the variables' initial values and the data. `elsewhere_jax.py` compiles them for its
device and runs whole epochs there. `bring` writes the best epoch's weights by validation loss, and the logs, as the
run's checkpoint; `dgm-zoo train` or `dgm-zoo reproduce` on the same workdirs then find the runs trained and measure
them here. Optimizers stay behind, so that such a run cannot go on with more epochs.

The step is the package's own, and so are its noise and its initial weights, but for their last bits: weights travel
with 12 bits of mantissa (`--bits`, on the way back). To keep the folder small, a second seed of a run begins with the
initial values of the first, shuffled within each variable, which are as independent of each other as they were. The
order of the data and the pixels that are drawn afresh come from another generator than the pipeline's, so the numbers
are those of another run of the same config. A folder taken in one version of the package is to be brought back in the
same.
"""

import argparse
import gc
import hashlib
import io
import json
import lzma
import pathlib
import re
import sys
import tarfile
import time

import h100


def divisor(rows, most=1000):
    """The largest batch size up to `most` that leaves no remainder."""
    return max(n for n in range(1, min(most, rows) + 1) if rows % n == 0)


def compact(x):
    """An array as uint8 grey levels k / 255 where that is what it holds, or as it is."""
    import numpy as np

    grey = np.rint(255 * x).astype(np.uint8)
    return grey if x.min() >= 0 and x.max() <= 1 and np.abs(grey / np.float32(255) - x).max() < 1e-6 else x


def thin(x):
    """Images of equal channels as images of one."""
    return x[..., :1] if x.ndim == 4 and x.shape[-1] == 3 and (x[..., :1] == x).all() else x


# ---------------------------------------------------------------------------------------------------- data


def training_data(config, model):
    """The parts of the training split, `(x, y or None)` for each domain, and whether x is drawn from its pixels."""
    import numpy as np

    from dgm_zoo.data import draws
    from dgm_zoo.training import build, pairs

    if pairs.is_pair(config):
        return domains(config), False
    given, options = config.data.to_dict(), {}
    if given.get("dequantize"):
        sys.exit("runs with dequantize are not taken elsewhere")
    drawn = given.get("binarize") == "stochastic"
    rows = given.get("limit") or build.info_of(config).splits["train"]
    hides = {key: given.get(key) for key in ("labelled_fraction", "labels_per_class")}
    options |= {key: None for key in (*hides, "labelled_rows") if given.get(key) is not None}
    options |= {"binarize": None} if drawn else {}
    options |= {"pairs": rows, "labelled_rows": None} if given.get("pairs") is not None else {}
    found = list(build.dataset(config, model, "train", shuffle=False, batch_size=divisor(rows), **options))
    if not isinstance(found[0], tuple):
        return [(np.concatenate(found), None)], drawn
    x, y = (np.concatenate(part) for part in zip(*found, strict=True))
    if any(one is not None for one in hides.values()):
        y = draws.hidden(y, *hides.values(), config.train.seed)
    if given.get("pairs") is not None:
        y = draws.hidden_latents(y.astype(np.int8), given["pairs"], config.train.seed)
    return [(x, y)], drawn


def domains(config):
    """The training examples of two domains, and which rows of them `load_pair` keeps."""
    import numpy as np

    from dgm_zoo import data
    from dgm_zoo.data import draws
    from dgm_zoo.data.domains import domain
    from dgm_zoo.data.pairs import _kept, with_channels
    from dgm_zoo.data.preparing import directory
    from dgm_zoo.data.reading import read_split
    from dgm_zoo.training import pairs

    found, given = [], config.data.to_dict()
    size = given.get("image_size") and tuple(given["image_size"])
    for i, (role, name) in enumerate((("source", config.data.name), ("target", config.data.target))):
        x, y, _, levels = read_split(name, "train", directory(name, given.get("data_dir")), size)
        one = domain(role, f"'{name}'", x, y, levels=levels)
        rows = _kept(one, pairs.limits(config, "train")[i], given.get("balanced", False), True, config.train.seed)
        x = with_channels(draws.values(one.x, one.levels), given.get("channels"))
        labelled = i == 0 and data.info(name).num_classes is not None
        y = one.y[rows] if labelled else np.full(len(rows), draws.UNLABELLED, np.int32)
        found.append((np.asarray(x, np.float32), y, rows.astype(np.int32)))
    return found


def validation_batches(config, model):
    """All parts of the validation split, `[batches, rows, ...]` each."""
    import numpy as np
    import tensorflow as tf

    from dgm_zoo.training import build, pairs

    if pairs.is_pair(config):
        whole = [tf.nest.flatten(one) for one in pairs.pair(config, "validation", batch_size=2)]
        rows = len(whole) - len(whole) % 50
        size = divisor(rows, 500)
        found = [np.concatenate([one[i].numpy() for one in whole[:rows]]) for i in range(4)]
    else:
        size = divisor(build.info_of(config).splits["validation"])
        whole = [tf.nest.flatten(one) for one in build.dataset(config, model, "validation", batch_size=size)]
        found = [np.concatenate([one[i].numpy() for one in whole]) for i in range(len(whole[0]))]
    return [part.reshape(len(part) // size, size, *part.shape[1:]) for part in found]


# ---------------------------------------------------------------------------------------------------- programs


def touched(functions):
    """The variables that traced functions read or write, and which live in captured handles: a list."""
    import tensorflow as tf

    alive = [one for one in gc.get_objects() if isinstance(one, tf.Variable) and one.handle is not None]
    handles = {id(one.handle): one for one in alive}
    found = {}
    for function in functions:
        for outside, _ in function.graph.captures:
            if outside.dtype == tf.resource:
                if id(outside) not in handles:
                    raise ValueError(f"a captured resource is no variable: {outside}")
                found[id(outside)] = handles[id(outside)]
    return list(found.values())


def program(step, parts, variables, seed, model):
    """`(StableHLO bytes, captured constants, names of the logs)` of `(parts, seed, variables) -> (logs, variables)`."""
    import tensorflow as tf

    names = []

    def pure(*given):
        batch, number, values = given[: len(parts)], given[len(parts)], given[len(parts) + 1 :]
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        before, model.__dict__["seed"] = model.seed, number
        logs = step(*batch)
        model.__dict__["seed"] = before
        names[:] = list(logs)
        return [tf.cast(one, tf.float32) for one in logs.values()] + [one.read_value() for one in variables]

    function = tf.function(pure, jit_compile=True, autograph=False)
    arguments = [*parts, tf.constant(seed, tf.int32), *(one.value() for one in variables)]
    with h100.host_calls():
        traced = function.get_concrete_function(*arguments)
        found = function.experimental_get_compiler_ir(*arguments)(stage="stablehlo_serialized")
    captured = []
    for outside, _ in traced.graph.captures:
        if outside.dtype == tf.resource:
            owner = next(i for i, one in enumerate(variables) if one.handle is outside)
            captured.append(("variable", owner))
        else:
            captured.append(("constant", outside.numpy()))
    return found, captured, names


def built(config, start=True):
    """The model of a config as `dgm-zoo train` begins with it; unless `start`, without another run's weights."""
    import keras

    from dgm_zoo.training import build

    keras.utils.clear_session()
    keras.utils.set_random_seed(config.train.seed % 2**32)
    with build.precision(config.train.precision):
        model = build.build(config)
        build.compile_model(model, config)
    if start and config.train.start_from:
        from dgm_zoo.training.run import _start_from

        _start_from(config.train.start_from, model)
    return model


def states(model):
    """Each variable of a checkpoint, by the address of its handle, to its position."""
    from dgm_zoo.training import checkpoints

    return {id(raw(one).handle): i for i, (_, one) in enumerate(checkpoints.state(model))}


def raw(variable):
    """The TensorFlow variable of one of Keras, or itself."""
    import tensorflow as tf

    return variable if isinstance(variable, tf.Variable) else variable.value


def positions(model, part):
    """The positions among `checkpoints.state` of the weights of a part of the model: a set."""
    handles = {id(one.value.handle) for one in getattr(model, part).weights} if part else ()
    return {i for i, one in enumerate(model.weights) if id(one.value.handle) in handles}


def own_weights(model):
    """The positions among `checkpoints.state` of what is not an optimizer's: a set."""
    from dgm_zoo.training import checkpoints

    of_optimizers = sum(len(one.variables) for one in model.optimizers.values())
    networks, whole = len(model.weights), len(checkpoints.state(model))
    return {*range(networks), *range(networks + of_optimizers, whole)}


# ---------------------------------------------------------------------------------------------------- commands


class Folder:
    """Where `take` writes; a file that is there already is not written twice."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def bytes(self, content, suffix):
        name = hashlib.sha256(content).hexdigest()[:16] + suffix + ".xz"
        if not (self.path / name).exists():
            (self.path / name).write_bytes(lzma.compress(content, preset=1))
        return name

    def arrays(self, arrays):
        import numpy as np

        out = io.BytesIO()
        np.savez(out, *arrays)
        return self.bytes(out.getvalue(), ".npz")


def short(value):
    """A large float32 array rounded to 12 bits of mantissa, which halves its file."""
    import numpy as np

    if value.dtype != np.float32 or value.size < 1000:
        return value
    return ((value.view(np.uint32) + 0x800) & np.uint32(0xFFFFF000)).view(np.float32)


def taken_from(model, base):
    """Which positions of `checkpoints.state(model)` a run that starts from `base` takes from which of its: pairs."""
    import numpy as np

    before = model.get_weights()
    numbers = iter(range(1, 1 + len(base.weights)))
    base.set_weights([np.full(one.shape, next(numbers), one.dtype) for one in base.weights])
    if not model.take_weights(base):
        sys.exit(f"a {type(model).__name__} cannot start from this {type(base).__name__}")
    now = model.get_weights()
    model.set_weights(before)
    return [[i, int(one.flat[0]) - 1] for i, (one, old) in enumerate(zip(now, before, strict=True))
            if one.size and not np.array_equal(one, old)]


def take(folder, config, workdir, programs, bases, options):
    """Writes one run; returns its job, a dict. Runs with the same networks and steps share `programs`."""
    import numpy as np
    import tensorflow as tf

    from dgm_zoo.core import averaging, vetting
    from dgm_zoo.training import build, checkpoints, pairs

    model, start = built(config, start=False), config.train.start_from
    taken = taken_from(model, built(bases[start], start=False)) if start else []
    parts, drawn = training_data(config, model)
    oracle = getattr(model, "oracle", None)  # of a model of two domains: what `evaluate` adds to the logs
    kept = [*model.metrics, *([oracle] if oracle else [])]
    place, metrics = states(model), [v.value for metric in kept for v in metric.variables]
    weights = own_weights(model) - positions(model, options.leave)
    known = {**{of: ("state", i) for of, i in place.items()},
             **{id(one.handle): ("metric", i) for i, one in enumerate(metrics)}}
    owners = dict(zip(known.values(), [*(raw(one) for _, one in checkpoints.state(model)), *metrics], strict=True))
    same = {**config.to_dict(), "train": {**config.train.to_dict(), "seed": 0, "start_from": None}}
    key = json.dumps([same, [len(x) for x, *_ in parts]], sort_keys=True, default=str)
    first = key not in programs
    if first:
        validation = validation_batches(config, model)
        batch = next(iter(build.dataset(config, model, "train")))
        flat = [tf.zeros_like(one) for one in tf.nest.flatten(batch)]

        def packed(run):
            if pairs.is_pair(config):
                return lambda *given: run((tuple(given[:2]), tuple(given[2:])))
            return lambda *given: run(given if len(given) > 1 else given[0])

        def tested(data):
            logs = model.test_step(data)
            return {**logs, **({oracle.name: oracle.result()} if oracle else {})}

        train, test = (packed(vetting.vetted(model, one, one == model.train_step))
                       for one in (model.train_step, tested))
        probe = [tf.constant(one[0]) for one in validation]
        with h100.host_calls():
            traced = [tf.function(run, autograph=False).get_concrete_function(*given)
                      for run, given in ((train, flat), (test, probe))]
        variables, made = touched(traced), {}
        for name, run, given in (("train", train, flat), ("validate", test, probe)):
            found, captured, logs = program(run, given, variables, model.seed, model)
            constants = [value for kind, value in captured if kind == "constant"]
            made[name] = {
                "program": folder.bytes(found, ".mlirbc"), "logs": logs, "constants": folder.arrays(constants),
                "captured": [value if kind == "variable" else None for kind, value in captured],
            }
        programs[key] = {
            **made, "batch": len(flat[0]), "drawn": drawn, "pair": pairs.is_pair(config),
            "validation": folder.arrays([compact(one) if one.dtype == np.float32 else one for one in validation]),
            "state": folder.arrays([short(one.numpy()) for one in variables]),
        }, [known[id(one.handle)] for one in variables]
    shared, order = programs[key]
    variables = [owners[one] for one in order]
    averages = averaging._averages(model)
    at = {id(one.handle): i for i, one in enumerate(variables)}
    mixed = not pairs.is_pair(config) and parts[0][1] is not None and (parts[0][1] < 0).any()
    return {
        "name": workdir.name, "workdir": str(workdir), "config": config.to_dict(), **shared,
        "bits": options.bits, "starts_from": start and pathlib.Path(start).name, "taken": taken,
        "epochs": config.train.epochs, "patience": config.train.patience, "seed": int(model.seed),
        "order_seed": config.train.seed, "steps": build.steps_per_epoch(config),
        "labelled_rows": config.data.get("labelled_rows") if mixed else None, "mixed": bool(mixed),
        "data": [[folder.arrays([one]) for one in (thin(compact(x)), *more) if one is not None] for x, *more in parts],
        "shapes": [list(x.shape[1:]) for x, *_ in parts],
        "shuffled": not first,
        "places": [place.get(id(one.handle)) for one in variables],
        "weights": [place.get(id(one.handle)) in weights for one in variables],
        "metrics": [at[id(one.handle)] for one in metrics if id(one.handle) in at],
        "averages": [[at[id(v.value.handle)], at[id(a.value.handle)]] for v, a in averages],
    }


def steps(folder, names, precisions):
    """Writes the training steps of `h100.py`, without weights or data, to be timed: `steps.json`, a list."""
    import keras
    import tensorflow as tf

    from dgm_zoo.models import list_models

    path = folder.path / "steps.json"
    listed = json.loads(path.read_text()) if path.exists() else []
    for precision in precisions:
        for name in names or list_models():
            title = f"{name}, training step, {precision}"
            if title in [one["name"] for one in listed]:
                continue
            start = time.perf_counter()
            keras.utils.clear_session()
            keras.config.set_dtype_policy(precision)
            try:
                model, rows = h100.created(name)
            finally:
                keras.config.set_dtype_policy("float32")
            function, parts = h100.training_step(model, rows)
            step = function.python_function
            with h100.host_calls():
                variables = touched([tf.function(step, autograph=False).get_concrete_function(*parts)])
            found, captured, logs = program(step, parts, variables, 0, model)
            listed.append({
                "name": title, "rows": rows, "program": folder.bytes(found, ".mlirbc"), "logs": logs,
                "constants": folder.arrays([value for kind, value in captured if kind == "constant"]),
                "captured": [value if kind == "variable" else None for kind, value in captured],
                "parts": [[one.shape.as_list(), one.dtype.name] for one in parts],
                "state": [[one.shape.as_list(), one.dtype.name] for one in variables],
            })
            path.write_text(json.dumps(listed))
            print(f"{title}: taken in {time.perf_counter() - start:.0f} s", flush=True)


def bring(path):
    """Writes the runs of a folder of results into their workdirs."""
    import keras
    import numpy as np

    from dgm_zoo.training import checkpoints, workdir
    from dgm_zoo.training.config import resolve

    for archive in sorted(pathlib.Path(path).glob("*.tar")):  # in the order of training
        with tarfile.open(archive) as tar:
            files = {one.name: tar.extractfile(one).read() for one in tar.getmembers()}
        for name in (one for one in files if one.endswith(".json")):
            found = json.loads(files[name])
            job, values = found["job"], np.load(io.BytesIO(lzma.decompress(
                files[name.replace(".json", ".npz.xz")])))
            config, folder = resolve(job["config"]), pathlib.Path(job["workdir"])
            keras.utils.clear_session()
            model = built(config)
            whole = [one for _, one in checkpoints.state(model)]
            for place, value in zip(found["places"], values.values(), strict=True):
                whole[place].assign(value)
            folder.mkdir(parents=True, exist_ok=True)
            workdir.write_json(config.to_dict(), folder / "config.json")
            workdir.write_json(workdir.machine(), folder / "versions.json")
            workdir.write_json({key: found[key] for key in ("device", "jax", "seconds")}, folder / "elsewhere.json")
            saver = checkpoints.Checkpoints(folder, found["history"], 0, None)
            saver.set_model(model)
            saver.started, saver.best_weights = time.monotonic() - found["seconds"], model.get_weights()
            saver.save(len(found["history"]) - 1, checkpoints.best_epoch(found["history"]))
            best = checkpoints.best_epoch(found["history"])
            print(f"{folder}: {len(found['history'])} epochs in {found['seconds']:.0f} s, best {best + 1}: "
                  f"{found['history'][best]}", flush=True)


def runs_of(options):
    """`(config, workdir)` of each run that the command line asks for."""
    from dgm_zoo.training.config import load_config
    from dgm_zoo.training.experiments import load_spec, specs
    from dgm_zoo.training.reproduce import _runs

    if options.config:
        for seed in options.seeds or [None]:
            changes = [*options.set, *([] if seed is None else [f"train.seed={seed}"])]
            yield load_config(options.config, changes), pathlib.Path(options.workdir.format(seed=seed))
        return
    known = specs()
    spec = load_spec(known[options.experiment])
    workdir, seen = pathlib.Path(options.workdir or f"runs/reproduce/{options.experiment}"), set()
    for row in spec["rows"]:
        if not re.fullmatch(options.rows, row["name"]):
            continue
        row["seeds"] = options.seeds or row.get("seeds", spec["seeds"])
        row["overrides"] = [*row["overrides"], *options.set]
        for config, folder in _runs(row, spec, False, known[options.experiment].parents[1], workdir):
            if folder not in seen and not (folder / "checkpoints").exists():
                seen.add(folder)
                yield config, folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("take", "steps", "bring"))
    parser.add_argument("folder")
    parser.add_argument("--experiment", help="name of a spec of `dgm-zoo reproduce`")
    parser.add_argument("--rows", default=".*", help="regular expression of the rows' names")
    parser.add_argument("--config", help="a config instead of an experiment")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a change of the config")
    parser.add_argument("--bits", type=int, default=12, help="of mantissa that weights keep on their way back")
    parser.add_argument("--leave", metavar="PART", help="part of the model whose weights stay behind, such as a critic")
    parser.add_argument("--seeds", type=lambda text: [int(one) for one in text.split(",")])
    parser.add_argument("--workdir", help="folder of the runs; of a config's run, with {seed} where there are several")
    words = lambda text: text.split(",")  # noqa: E731
    parser.add_argument("--models", type=words, help="of `steps`: registered models (default: all)")
    parser.add_argument("--precisions", type=words, default=list(h100.PRECISIONS), help="of `steps`")
    options = parser.parse_args()
    if options.command == "bring":
        return bring(options.folder)
    if options.command == "steps":
        import common

        common.import_tensorflow()
        return steps(Folder(options.folder), options.models, options.precisions)
    if bool(options.config) == bool(options.experiment) or (options.config and not options.workdir):
        sys.exit("give --experiment, or --config with --workdir")
    import common

    common.import_tensorflow()
    folder, programs, bases = Folder(options.folder), {}, {}
    listed = folder.path / "jobs.json"
    jobs = json.loads(listed.read_text()) if listed.exists() else []
    for config, workdir in runs_of(options):
        start = time.perf_counter()
        bases[str(workdir)] = config
        jobs.append(take(folder, config, workdir, programs, bases, options))
        listed.write_text(json.dumps(jobs, default=str))
        print(f"{workdir}: {jobs[-1]['epochs']} epochs of {jobs[-1]['steps']} steps, taken in "
              f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
