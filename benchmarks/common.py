"""What the benchmarks share: the network, the data, the other side's process, the sgemm rate, the report."""

import argparse
import contextlib
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

CORES = len(os.sched_getaffinity(0))
LATENT_DIM, HIDDEN = 50, 512
BATCH_SIZE = 128
LEARNING_RATE = 1e-3
SEED = 1

# Weights of the products that an example meets: 784-512-2x50 and 50-512-784.
ENCODER_PRODUCTS = 784 * HIDDEN + HIDDEN * 2 * LATENT_DIM
DECODER_PRODUCTS = LATENT_DIM * HIDDEN + HIDDEN * 784


def _rounds(text):
    if (rounds := int(text)) < 2:
        raise argparse.ArgumentTypeError(f"{rounds} round tells nothing of the spread; give at least 2")
    return rounds


def arguments(doc):
    """The command line of a benchmark."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pythae-python", default=sys.executable, metavar="PATH",
                        help="interpreter that has pythae and torch (default: this one)")
    parser.add_argument("--rounds", type=_rounds,
                        help="rounds of the interleaved measurement (2 with --quick)")
    parser.add_argument("--out", metavar="FILE", help="where the JSON report goes (default: nowhere)")
    parser.add_argument("--quick", action="store_true",
                        help="a smoke run of less than a minute; its numbers mean nothing")
    return parser


def import_tensorflow():
    """Imports TensorFlow with as many threads as this process may use cores, which is what torch is given too."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(CORES)
    tf.config.threading.set_inter_op_parallelism_threads(CORES)
    return tf


def images(train_rows, test_rows):
    """Returns binary images, uint8 `[n, 28, 28, 1]`: train, test, and what they are.

    MNIST binarised once, where `TFDS_DATA_DIR` has it; else synthetic images: each row is one of 64 fixed random
    patterns with a tenth of its pixels flipped.
    """
    import numpy as np

    from dgm_zoo import data
    from dgm_zoo.errors import InvalidInput

    try:
        train = data.load("mnist", "train", 1000, binarize="fixed", shuffle=False, limit=-(-train_rows // 1000) * 1000)
        test = data.load("mnist", "test", 1000, binarize="fixed", limit=test_rows)
        train, test = (np.concatenate([x.numpy().astype(np.uint8) for x in part]) for part in (train, test))
        return train[:train_rows], test, "mnist, binarised once"
    except InvalidInput as error:
        print(f"{error}; using synthetic images", file=sys.stderr)
    rng = np.random.default_rng(SEED)
    patterns = rng.random((64, 28, 28, 1)) < 0.3
    rows = train_rows + test_rows
    x = (patterns[rng.integers(64, size=rows)] ^ (rng.random((rows, 28, 28, 1)) < 0.1)).astype(np.uint8)
    return x[:train_rows], x[train_rows:], "synthetic (64 random patterns, a tenth of the pixels flipped)"


def create_model(precision="float32", posterior="IndependentNormal"):
    """The benchmark's VAE: 784-512-2x50-512-784, ReLU, Bernoulli likelihood; pythae's own default network."""
    import keras

    from dgm_zoo.models import create

    keras.utils.set_random_seed(SEED)
    keras.config.set_dtype_policy(precision)
    model = create("vae", image_shape=(28, 28, 1), latent_dim=LATENT_DIM, hidden=[HIDDEN], activation="relu",
                   posterior=posterior, seed=SEED)
    keras.config.set_dtype_policy("float32")
    return model


def copy_pythae_weights(path, model):
    """Gives our VAE the weights that pythae saved."""
    import numpy as np

    w = np.load(path)
    dense = lambda *names: [  # noqa: E731
        np.concatenate([w[f"{n}.weight"] for n in names]).T, np.concatenate([w[f"{n}.bias"] for n in names])
    ]
    model.encoder.set_weights(dense("encoder.layers.0.0") + dense("encoder.embedding", "encoder.log_var"))
    model.decoder.set_weights(dense("decoder.layers.0.0") + dense("decoder.layers.1.0"))


def pythae_model():
    """Our VAE that is pythae's: the same p(x|z), p(z) and q(z|x); its weights are for `copy_pythae_weights`.

    pythae's encoder emits a log variance, so the posterior is a head that reads it as one.
    """
    import tensorflow as tf
    from tensorflow_probability import distributions as tfd

    from dgm_zoo.distributions import IndependentNormal

    class LogVarianceNormal(IndependentNormal):
        def call(self, params):
            loc, log_variance = self.split(params)
            return self.independent(tfd.Normal(loc, tf.exp(0.5 * log_variance)))

    return create_model(posterior=LogVarianceNormal(LATENT_DIM))


class Worker:
    """The other side, in a process of its own: `with Worker(python, "pythae_worker.py") as it: it.ask("epoch")`."""

    def __init__(self, python, script):
        self.folder = tempfile.TemporaryDirectory(prefix="dgm_zoo_benchmark_")
        self.log = open(os.path.join(self.folder.name, "stderr"), "w+")
        environment = {**os.environ, "OMP_NUM_THREADS": str(CORES), "MKL_NUM_THREADS": str(CORES)}
        worker = pathlib.Path(__file__).with_name(script)
        try:
            self.process = subprocess.Popen(
                [python, str(worker)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
                env=environment,
            )
        except OSError as error:
            sys.exit(f"cannot run {python} ({error.strerror}); give --pythae-python the interpreter that has it")
        self.versions = self.ask("hello", threads=CORES)

    def path(self, name):
        """A path in the folder that the two processes share."""
        return os.path.join(self.folder.name, name)

    def ask(self, do, **request):
        """Sends one request and returns its answer; exits with the worker's last words if it died."""
        try:
            print(json.dumps({"do": do, **request}), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # it has died; its last words follow
        answer = self.process.stdout.readline()
        if not answer:
            self.log.seek(0)
            last = (self.log.read().strip().splitlines() or ["no output"])[-1]
            sys.exit(f"the other side's process ended ({last}); install the extra 'bench', or give --pythae-python")
        return json.loads(answer)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()  # it holds nothing that is not answered
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.log.close()
        self.folder.cleanup()


def train_pythae(pythae, x, epochs):
    """Readies pythae's trainer on images `x`; then each `ask("epoch")` trains one."""
    import numpy as np

    np.save(pythae.path("train.npy"), x.reshape(-1, 1, 28, 28))
    return pythae.ask(
        "train", data=pythae.path("train.npy"), initial=pythae.path("initial.npz"), epochs=epochs,
        batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, latent_dim=LATENT_DIM, seed=SEED,
        output_dir=pythae.path("pythae"),
    )


class Sgemm:
    """Times TensorFlow's float32 product `[m, k] x [k, n]`."""

    def __init__(self, m, k, n):
        import tensorflow as tf

        a, b = tf.random.normal([m, k]), tf.random.normal([k, n])
        self.flop = 2 * m * k * n
        self.product = tf.function(lambda: tf.linalg.matmul(a, b))
        self.seconds(repeats=2)

    def seconds(self, repeats=10):
        """Median time of one product."""
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            self.product().numpy()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    def rate(self):
        """FLOP per second."""
        return self.flop / self.seconds()


def interleaved(contenders, rounds):
    """Runs each of `contenders` (name to function of the round) once per round, in an order that rotates.

    Returns a dict of name to the list of what its function returned.
    """
    names, results = list(contenders), {name: [] for name in contenders}
    for r in range(rounds):
        first = r % len(names)
        for name in names[first:] + names[:first]:
            results[name].append(contenders[name](r))
        print(f"round {r + 1} of {rounds}", file=sys.stderr, flush=True)
    return results


def spread(values):
    """Median, lowest and highest."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def ratios(over, under):
    """Spread of the ratios of two contenders, round by round."""
    return spread([a / b for a, b in zip(over, under, strict=True)])


def cores_busy(seconds=2.0):
    """Cores that all processes together keep busy while this one sleeps; 0.0 where /proc/stat does not tell."""
    stat = pathlib.Path("/proc/stat")
    if not stat.exists():
        return 0.0

    def idle():
        fields = stat.read_text().split("\n", 1)[0].split()[1:]
        return (int(fields[3]) + int(fields[4])) / os.sysconf("SC_CLK_TCK")

    start, before = time.perf_counter(), idle()
    time.sleep(seconds)
    return max(0.0, os.cpu_count() - (idle() - before) / (time.perf_counter() - start))


def machine():
    """The processor, its cores that this process may use, and how many of them others keep busy now."""
    busy = cores_busy()
    if busy > 0.1:
        print(f"other processes keep {busy:.1f} cores busy; the ratios mean little, run it again on an idle machine",
              file=sys.stderr)
    lines = pathlib.Path("/proc/cpuinfo")
    models = [s.split(":", 1)[1].strip() for s in lines.read_text().splitlines() if s.startswith("model name")] \
        if lines.exists() else []
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": CORES,
        "cores_busy_before": busy,
        "platform": platform.platform(),
    }


def versions():
    """Versions of this side."""
    names = ("tensorflow", "keras", "tensorflow-probability", "numpy")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in names}}


def target(name, value, limit, at_least=True):
    """One line of the verdict."""
    return {"name": name, "value": value, "at_least" if at_least else "at_most": limit,
            "met": value >= limit if at_least else value <= limit}


def finish(report, rows, out):
    """Prints the table (`rows` of cells) and the targets, and writes the JSON."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for one in report["targets"]:
        limit = f">= {one['at_least']}" if "at_least" in one else f"<= {one['at_most']}"
        print(f"{'met   ' if one['met'] else 'missed'}  {one['name']}: {one['value']:.2f} (target {limit})")
    if out:
        path = pathlib.Path(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=2) + "\n")
