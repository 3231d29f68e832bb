"""The rows of `peers.py` in JAX with `jax.jit` and optax, in a process of its own; requests as in `peers_torch.py`.

A step is one compiled function, from weights, Adam's moments and a key to the next ones, whose buffers are donated, so
that they are updated in place. It takes its rows from data that stay on the device. Of the variants the one that is
faster on this row is used: many steps in one call (`lax.scan`) or a call for each; threefry or XLA's own generator.
"""

import itertools
import platform
import statistics
import time

import answering
import jax
import numpy as np
import optax
import peers_losses
from jax import lax
from jax import numpy as jnp

GENERATORS = ("threefry2x32", "rbg")


class Ops:
    """The operations of `peers_losses` whose names or arguments are JAX's."""

    relu, tanh, sigmoid, exp, log, sqrt, rsqrt = (
        jax.nn.relu, jnp.tanh, jax.nn.sigmoid, jnp.exp, jnp.log, jnp.sqrt, lax.rsqrt
    )
    maximum, where = jnp.maximum, jnp.where
    softplus = staticmethod(lambda x: jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x))))
    halves = staticmethod(lambda x: jnp.split(x, 2, -1))
    logsumexp = staticmethod(lambda x: jax.nn.logsumexp(x, 0))
    softmax = staticmethod(lambda x: jax.nn.softmax(x, 0))
    log_softmax = staticmethod(lambda x: jax.nn.log_softmax(x, -1))
    one_hot = staticmethod(jax.nn.one_hot)
    constant = staticmethod(lambda x: x.astype(jnp.float32))
    held = staticmethod(lax.stop_gradient)
    joined = staticmethod(lambda parts: jnp.concatenate(parts, -1))
    repeated = staticmethod(lambda x, n: jnp.broadcast_to(x, (x.shape[0], n, x.shape[2])))
    padded = staticmethod(lambda x, before, after: jnp.pad(x, ((0, 0), (before, after), (0, 0))))
    gradient = staticmethod(jax.grad)

    @staticmethod
    def conv(x, kernel, strides, padding):
        return lax.conv_general_dilated(
            x, kernel, strides, [(padding, padding)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    @staticmethod
    def conv_transposed(x, kernel, strides, padding):
        around = [(size - 1 - padding, size - 1 - padding) for size in kernel.shape[:2]]
        return lax.conv_general_dilated(
            x, kernel[::-1, ::-1].swapaxes(2, 3), (1, 1), around, lhs_dilation=strides,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )


def drawn(key, shapes):
    keys = jax.random.split(key, len(shapes))
    draw = {"normal": jax.random.normal, "uniform": jax.random.uniform}
    return {name: draw[kind](one, shape) for one, (name, (kind, shape)) in zip(keys, shapes.items(), strict=True)}


class Trainer:
    """A row's weights, optimizers and data."""

    def __init__(self, spec, folder):
        self.spec, self.folder = spec, folder
        self.shapes = peers_losses.noise_shapes(spec)
        self.phases = peers_losses.SYSTEMS[spec["system"]]
        self.data = {name: jnp.asarray(value) for name, value in np.load(f"{folder}/data.npz").items()}
        self.rows, self.whole, self.generator = len(self.data["x"]), False, "threefry2x32"
        adam = lambda: optax.adam(  # noqa: E731
            spec["learning_rate"], spec.get("beta_1", 0.9), spec.get("beta_2", 0.999), 1e-7
        )
        self.optimizers = [adam() for _ in self.phases]
        self.one, self.many = (jax.jit(f, donate_argnums=0) for f in (self.of_position, self.of_steps))
        self.reset()

    def reset(self):
        """The first weights again, and new optimizers, in a state: a nested dict of arrays."""
        stored, self.weights = np.load(f"{self.folder}/weights.npz"), {}
        for name in stored.files:
            self.weights.setdefault(name.rsplit("_", 1)[0], []).append(jnp.asarray(stored[name]))
        moved = [{name: self.weights[name] for name in peers_losses.moving(self.weights, p)} for p, _ in self.phases]
        moments = []
        batch, noise = self.given()
        for (_, loss), of in zip(self.phases, moved, strict=True):
            shapes = jax.eval_shape(lambda w, loss=loss: self.value(loss, {}, w, batch, noise), {**self.weights, **of})
            moments.append(jax.tree.map(lambda s: jnp.zeros(s.shape), shapes[1]))
        self.state = {
            "weights": self.weights, "adam": [o.init(of) for o, of in zip(self.optimizers, moved, strict=True)],
            "averages": moments, "counts": jnp.zeros(2), "step": jnp.zeros((), jnp.int32),
        }

    def given(self):
        """The batch and noise to check the losses with."""
        found = {name: jnp.asarray(value) for name, value in np.load(f"{self.folder}/check.npz").items()}
        batch = {name: found[name] for name in self.data}
        batch = {**batch, "rate": jnp.float32(1.0)} if "label" in batch else batch
        return batch, {name: found[name] for name in self.shapes}

    def value(self, loss, moved, others, batch, noise):
        moments = []
        return loss(Ops, {**others, **moved}, batch, noise, self.spec, moments), moments

    def step(self, state, batch, noise):
        """The next state, and the losses."""
        state, losses = {**state, "adam": [*state["adam"]], "averages": [*state["averages"]]}, []
        if "label" in batch:
            seen = jnp.stack([jnp.float32(len(batch["label"])), (batch["label"] >= 0).sum().astype(jnp.float32)])
            state["counts"] += seen
            batch = {**batch, "rate": state["counts"][0] / state["counts"][1]}
        for i, (player, loss) in enumerate(self.phases):
            names = peers_losses.moving(state["weights"], player)
            moved = {name: state["weights"][name] for name in names}
            run = jax.value_and_grad(lambda moved, w, loss=loss: self.value(loss, moved, w, batch, noise), has_aux=True)
            (value, moments), gradient = run(moved, state["weights"])
            change, state["adam"][i] = self.optimizers[i].update(gradient, state["adam"][i])
            state["weights"] = {**state["weights"], **optax.apply_updates(moved, change)}
            state["averages"][i] = jax.tree.map(lambda old, new: old + 0.1 * (new - old), state["averages"][i], moments)
            losses.append(value)
        return {**state, "step": state["step"] + 1}, losses

    def of_position(self, state, data, key, rows):
        batch = {name: value[rows] for name, value in data.items()}
        key = jax.random.fold_in(key, state["step"])
        return self.step(state, {**batch, "x": batch["x"].astype(jnp.float32)}, drawn(key, self.shapes))[0]

    def of_steps(self, state, data, key, order):
        """One step for each row of `order`."""
        return lax.scan(lambda state, rows: (self.of_position(state, data, key, rows), None), state, order)[0]

    def train(self, steps):
        """Seconds of so many steps on rows in a random order."""
        size, start = self.spec["batch"], time.perf_counter()
        key = jax.random.key(0, impl=self.generator)
        generator, a_pass = np.random.default_rng(), self.rows // size
        order = np.concatenate([generator.permutation(self.rows)[: a_pass * size] for _ in range(-(-steps // a_pass))])
        order = order.astype(np.int32).reshape(-1, size)[:steps]
        if self.whole:
            self.state = self.many(self.state, self.data, key, order)
        else:
            for rows in order:
                self.state = self.one(self.state, self.data, key, rows)
        jax.block_until_ready(self.state)
        return time.perf_counter() - start

    def losses(self):
        """As in `peers_torch.py`."""
        self.reset()
        batch, noise = self.given()
        values = jax.jit(
            lambda w, batch: [self.value(loss, {}, w, batch, noise)[0] for _, loss in self.phases]
        )
        if "label" in batch:
            batch["rate"] = jnp.float32(len(batch["label"]) / float((batch["label"] >= 0).sum()))
        before = values(self.state["weights"], batch)
        state, _ = jax.jit(self.step)(self.state, batch, noise)
        after = values(state["weights"], batch)
        return [float(v) for v in [*before, *after]]

    def tune(self, steps=3):
        """Uses the variant whose steps take the least time; returns the seconds of each."""
        seconds, made = {}, {}
        for whole, generator in itertools.product((False, True), GENERATORS):
            self.whole, self.generator = whole, generator
            name = f"{'scan' if whole else 'a call each'}, {generator}"
            made[name] = whole, generator
            self.train(steps)
            seconds[name] = statistics.median(self.train(steps) for _ in range(3)) / steps
        self.whole, self.generator = made[min(seconds, key=seconds.get)]
        return seconds


class Scorer:
    """Importance-sampled log p(x) of a VAE, some images at a time, in one call."""

    def __init__(self, spec, folder):
        self.spec, self.folder, self.generator, self.rows = spec, folder, "threefry2x32", 4
        stored = np.load(f"{folder}/weights.npz")
        self.weights = {"all": [jnp.asarray(stored[name]) for name in stored.files]}
        self.x = jnp.asarray(np.load(f"{folder}/data.npz")["x"], jnp.float32)
        self.run = jax.jit(self.of_all, static_argnums=3)

    def of_rows(self, weights, x, eps):
        log_w = peers_losses.log_weights(Ops, weights, {"x": x}, {"eps": eps}, self.spec)
        return Ops.logsumexp(log_w) - np.log(log_w.shape[0])

    def of_all(self, weights, x, key, rows):
        def one(inputs):
            i, x = inputs
            eps = jax.random.normal(jax.random.fold_in(key, i), (self.spec["samples"], rows, self.spec["latent"]))
            return self.of_rows(weights, x, eps)

        parts = x.reshape(-1, rows, *x.shape[1:])
        return lax.map(one, (jnp.arange(len(parts)), parts)).reshape(-1)

    def score(self):
        key = jax.random.key(0, impl=self.generator)
        return float(self.run(self.weights, self.x, key, self.rows).mean())

    def losses(self):
        given = np.load(f"{self.folder}/check.npz")
        return [float(jax.jit(self.of_rows)(self.weights, jnp.asarray(given["x"]), jnp.asarray(given["eps"])).mean())]

    def train(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            self.score()
        return time.perf_counter() - start

    def tune(self):
        seconds, made = {}, {}
        for rows, generator in itertools.product((1, 4, 10), GENERATORS):
            self.rows, self.generator = rows, generator
            made[f"{rows} images, {generator}"] = rows, generator
            self.train(1)
            seconds[f"{rows} images, {generator}"] = min(self.train(1) for _ in range(2))
        self.rows, self.generator = made[min(seconds, key=seconds.get)]
        return seconds


current = {}


def hello(threads):
    return {"python": platform.python_version(), "jax": jax.__version__, "optax": optax.__version__,
            "devices": str(jax.devices())}


def build(spec, folder):
    made = current["it"] = (Scorer if spec["system"] == "likelihood" else Trainer)(spec, folder)
    parameters = sum(v.size for of in made.weights.values() for v in of)
    return {"parameters": parameters, "tuned": made.tune() if spec["tune"] else {}}


def rates():
    """FLOP per second of a product of 2048-square matrices."""
    a, b = jnp.ones((2048, 2048)), jnp.ones((2048, 2048))
    product, times = jax.jit(jnp.matmul), []
    for _ in range(6):
        start = time.perf_counter()
        product(a, b).block_until_ready()
        times.append(time.perf_counter() - start)
    return {"sgemm": 2 * 2048**3 / min(times)}


if __name__ == "__main__":
    answering.serve(
        hello=hello, build=build, rates=rates,
        losses=lambda: {"losses": current["it"].losses()},
        train=lambda steps: {"seconds": current["it"].train(steps)},
    )
