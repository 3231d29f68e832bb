"""The rows of `peers.py` in TensorFlow by hand, without Keras; requests as in `peers_torch.py`.

What the package's own framework allows: a step is one graph of the losses and of TensorFlow's kernel of Adam, with
nothing that `fit` does around it. Of the variants the one that is faster on this row is used: a loop over the steps in
one graph, without XLA or with each step compiled by it, or the loop itself compiled. Likelihood evaluation is left out.
"""

import platform
import statistics
import time

import answering
import common
import numpy as np
import peers_losses

common.import_tensorflow()

import tensorflow as tf  # noqa: E402
from tensorflow.python.ops.numpy_ops import np_config  # noqa: E402

np_config.enable_numpy_behavior(prefer_float32=True)  # the losses are written with methods of arrays
tf.Tensor.sum = lambda x, axis=None: tf.reduce_sum(x, axis)

PLAIN, EACH, WHOLE = "without XLA", "each step by XLA", "the loop by XLA"
AT_ONCE = 8  # steps of a compiled loop


class Ops:
    """The operations of `peers_losses` whose names or arguments are TensorFlow's."""

    relu, tanh, sigmoid, exp, log, sqrt, rsqrt, softplus = (
        tf.nn.relu, tf.tanh, tf.sigmoid, tf.exp, tf.math.log, tf.sqrt, tf.math.rsqrt, tf.nn.softplus
    )
    maximum, where, held = tf.maximum, tf.where, tf.stop_gradient
    halves = staticmethod(lambda x: tf.split(x, 2, -1))
    logsumexp = staticmethod(lambda x: tf.reduce_logsumexp(x, 0))
    softmax = staticmethod(lambda x: tf.nn.softmax(x, 0))
    log_softmax = staticmethod(lambda x: tf.nn.log_softmax(x, -1))
    one_hot = staticmethod(tf.one_hot)
    constant = staticmethod(lambda x: tf.cast(x, tf.float32))
    joined = staticmethod(lambda parts: tf.concat(parts, -1))
    repeated = staticmethod(lambda x, n: tf.repeat(x, n, 1))
    padded = staticmethod(lambda x, before, after: tf.pad(x, ((0, 0), (before, after), (0, 0))))

    @staticmethod
    def gradient(function):
        def of(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = function(x)
            return tape.gradient(value, x)

        return of

    @staticmethod
    def conv(x, kernel, strides, padding):
        return tf.nn.conv2d(x, kernel, strides, [[0, 0], [padding] * 2, [padding] * 2, [0, 0]])

    @staticmethod
    def conv_transposed(x, kernel, strides, padding):
        n, height, width, _ = x.shape
        return tf.nn.conv2d_transpose(x, kernel, [n, 2 * height, 2 * width, kernel.shape[2]], strides, "SAME")


class Trainer:
    """A row's weights, optimizers and data."""

    def __init__(self, spec, folder):
        self.spec, self.folder, self.variant = spec, folder, PLAIN
        self.shapes = peers_losses.noise_shapes(spec)
        self.phases = peers_losses.SYSTEMS[spec["system"]]
        self.data = {name: tf.constant(value) for name, value in np.load(f"{folder}/data.npz").items()}
        self.rows = len(self.data["x"])
        stored, self.weights = np.load(f"{folder}/weights.npz"), {}
        self.initial = {name: stored[name] for name in stored.files}
        for name, value in self.initial.items():
            self.weights.setdefault(name.rsplit("_", 1)[0], []).append(tf.Variable(value))
        self.moved = [
            [v for name in peers_losses.moving(self.weights, player) for v in self.weights[name]]
            for player, _ in self.phases
        ]
        self.adam = [[[tf.Variable(tf.zeros_like(v)) for v in of] for _ in range(2)] for of in self.moved]
        batch, noise = self.given()
        moments = [self.value(loss, batch, noise)[1] for _, loss in self.phases]
        self.averages = [[tf.Variable(tf.zeros_like(v)) for v in tf.nest.flatten(of)] for of in moments]
        self.number, self.counts = tf.Variable(0, dtype=tf.int64), tf.Variable(tf.zeros(2))
        compiled = tf.function(self.of_rows, jit_compile=True)
        self.loops = {
            PLAIN: tf.function(lambda order: self.loop(self.of_rows, order)),
            EACH: tf.function(lambda order: self.loop(compiled, order)),
            WHOLE: tf.function(lambda order: self.loop(self.of_rows, order), jit_compile=True),
        }

    def reset(self):
        """The first weights again, and new optimizers."""
        for (_, value), v in zip(self.initial.items(), tf.nest.flatten(list(self.weights.values())), strict=True):
            v.assign(value)
        for v in tf.nest.flatten([self.adam, self.averages, self.number, self.counts]):
            v.assign(tf.zeros_like(v))

    def given(self):
        """The batch and noise to check the losses with."""
        found = {name: tf.constant(value) for name, value in np.load(f"{self.folder}/check.npz").items()}
        batch = {name: found[name] for name in self.data}
        batch = {**batch, "rate": tf.constant(1.0)} if "label" in batch else batch
        return batch, {name: found[name] for name in self.shapes}

    def value(self, loss, batch, noise):
        moments, tensors = [], {name: [tf.convert_to_tensor(v) for v in of] for name, of in self.weights.items()}
        return loss(Ops, tensors, batch, noise, self.spec, moments), moments

    def step(self, batch, noise):
        spec = self.spec
        if "label" in batch:
            known = tf.reduce_sum(tf.cast(batch["label"] >= 0, tf.float32))
            counts = self.counts.assign_add(tf.stack([tf.constant(float(spec["batch"])), known]))
            batch = {**batch, "rate": counts[0] / counts[1]}
        powers = tf.cast(self.number.assign_add(1), tf.float32)
        beta_1, beta_2 = spec.get("beta_1", 0.9), spec.get("beta_2", 0.999)
        for i, (_, loss) in enumerate(self.phases):
            with tf.GradientTape() as tape:
                value, moments = self.value(loss, batch, noise)
            slopes = tape.gradient(value, self.moved[i])
            for v, m, s, slope in zip(self.moved[i], *self.adam[i], slopes, strict=True):
                tf.raw_ops.ResourceApplyAdam(
                    var=v.handle, m=m.handle, v=s.handle, beta1_power=tf.pow(beta_1, powers),
                    beta2_power=tf.pow(beta_2, powers), lr=spec["learning_rate"], beta1=beta_1, beta2=beta_2,
                    epsilon=1e-7, grad=slope,
                )
            for old, new in zip(self.averages[i], tf.nest.flatten(moments), strict=True):
                old.assign_add(0.1 * (new - old))

    def of_rows(self, rows):
        batch = {name: tf.gather(value, rows) for name, value in self.data.items()}
        draw = {"normal": tf.random.stateless_normal, "uniform": tf.random.stateless_uniform}
        number = tf.cast(self.number, tf.int32)
        shapes = enumerate(self.shapes.items())
        noise = {name: draw[kind](shape, tf.stack([number, i])) for i, (name, (kind, shape)) in shapes}
        self.step({**batch, "x": tf.cast(batch["x"], tf.float32)}, noise)

    def loop(self, step, order):
        for i in tf.range(len(order)):
            step(order[i])

    def train(self, steps):
        """Seconds of so many steps on rows in a random order."""
        size, start = self.spec["batch"], time.perf_counter()
        generator, a_pass = np.random.default_rng(), self.rows // size
        order = np.concatenate([generator.permutation(self.rows)[: a_pass * size] for _ in range(-(-steps // a_pass))])
        order = tf.constant(order.astype(np.int32).reshape(-1, size)[:steps])
        for part in range(0, steps, AT_ONCE):
            self.loops[self.variant](order[part : part + AT_ONCE])
        self.number.numpy()
        return time.perf_counter() - start

    def losses(self):
        """As in `peers_torch.py`."""
        self.reset()
        batch, noise = self.given()
        if "label" in batch:
            batch["rate"] = tf.constant(len(batch["label"]) / float(np.sum(batch["label"].numpy() >= 0)))
        values = lambda: [float(self.value(loss, batch, noise)[0]) for _, loss in self.phases]  # noqa: E731
        before = values()
        self.step({name: value for name, value in batch.items() if name != "rate"}, noise)
        return [*before, *values()]

    def tune(self, steps=AT_ONCE):
        """Uses the variant whose steps take the least time; returns the seconds of each."""
        seconds = {}
        for variant in self.loops:
            self.variant = variant
            self.train(steps)
            seconds[variant] = statistics.median(self.train(steps) for _ in range(3)) / steps
        self.variant = min(seconds, key=seconds.get)
        return seconds


current = {}


def hello(threads):
    return {"python": platform.python_version(), "tensorflow": tf.__version__}


def build(spec, folder):
    made = current["it"] = Trainer(spec, folder)
    parameters = sum(int(tf.size(v)) for of in made.weights.values() for v in of)
    return {"parameters": parameters, "tuned": made.tune() if spec["tune"] else {}}


if __name__ == "__main__":
    answering.serve(
        hello=hello, build=build,
        rates=lambda: {"sgemm": 0.0},
        losses=lambda: {"losses": current["it"].losses()},
        train=lambda steps: {"seconds": current["it"].train(steps)},
    )
