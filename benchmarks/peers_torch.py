"""The rows of `peers.py` in PyTorch with `torch.compile`, in a process of its own that `answering.py` runs.

    {"do": "hello", "threads": 2}                                   -> versions
    {"do": "build", "spec": {...}, "folder": "..."}                 -> {"parameters": ..., "flop": ..., "tuned": ...}
    {"do": "losses"}                                                -> {"losses": [...]}, see `Trainer.losses`
    {"do": "train", "steps": 100}                                   -> {"seconds": ...}
    {"do": "rates"}                                                 -> {"sgemm": ..., "stream": ...}, per second

A phase of a step is one compiled function, from weights, rows and random numbers to gradients, without Python in it;
Adam is PyTorch's fused one. The data are one tensor, from which a step takes its rows. Convolutions are in
`channels_last` order. Of the variants in `VARIANTS` the one that is faster on this row is used.
"""

import statistics
import time

import answering
import numpy as np
import peers_losses
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

VARIANTS = ("compiled", "eager")


class Ops:
    """The operations of `peers_losses` whose names or arguments are PyTorch's."""

    relu, tanh, sigmoid, exp, log, sqrt, rsqrt = (
        torch.relu, torch.tanh, torch.sigmoid, torch.exp, torch.log, torch.sqrt, torch.rsqrt
    )
    maximum, where = torch.maximum, torch.where
    softplus = staticmethod(lambda x: torch.relu(x) + torch.log1p(torch.exp(-x.abs())))
    halves = staticmethod(lambda x: x.chunk(2, -1))
    logsumexp = staticmethod(lambda x: torch.logsumexp(x, 0))
    softmax = staticmethod(lambda x: torch.softmax(x, 0))
    log_softmax = staticmethod(lambda x: torch.log_softmax(x, -1))
    one_hot = staticmethod(lambda x, n: (x[:, None] == torch.arange(n)).float())
    constant = staticmethod(lambda x: x.float())
    held = staticmethod(torch.Tensor.detach)
    joined = staticmethod(lambda parts: torch.cat(parts, -1))
    repeated = staticmethod(lambda x, n: x.expand(-1, n, -1))
    padded = staticmethod(lambda x, before, after: functional.pad(x, (0, 0, before, after)))
    gradient = staticmethod(torch.func.grad)

    @staticmethod
    def conv(x, kernel, strides, padding):
        kernel = kernel.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
        return functional.conv2d(x.permute(0, 3, 1, 2), kernel, None, strides, padding).permute(0, 2, 3, 1)

    @staticmethod
    def conv_transposed(x, kernel, strides, padding):
        kernel = kernel.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
        found = functional.conv_transpose2d(x.permute(0, 3, 1, 2), kernel, None, strides, padding)
        return found.permute(0, 2, 3, 1)


def drawn(shapes):
    return {name: (torch.randn if kind == "normal" else torch.rand)(shape) for name, (kind, shape) in shapes.items()}


class Trainer:
    """A row's weights, optimizers and data, with a step that is compiled or not."""

    def __init__(self, spec, folder):
        torch.manual_seed(0)
        self.spec, self.folder = spec, folder
        self.shapes = peers_losses.noise_shapes(spec)
        self.phases = peers_losses.SYSTEMS[spec["system"]]
        self.data = {name: torch.from_numpy(value) for name, value in np.load(f"{folder}/data.npz").items()}
        self.rows = len(self.data["x"])
        self.order, self.position = torch.randperm(self.rows), 0
        self.reset()
        self.functions = [self.function(*phase) for phase in self.phases]

    def reset(self):
        """The first weights again, and new optimizers."""
        stored = np.load(f"{self.folder}/weights.npz")
        self.weights = {}
        for name in stored.files:
            player, _ = name.rsplit("_", 1)
            self.weights.setdefault(player, []).append(torch.from_numpy(stored[name]))
        self.optimizers = []
        for player, _ in self.phases:
            of = [v for name in peers_losses.moving(self.weights, player) for v in self.weights[name]]
            rate, beta = self.spec["learning_rate"], self.spec.get("beta_1", 0.9)
            self.optimizers.append(torch.optim.Adam(of, rate, (beta, self.spec.get("beta_2", 0.999)), 1e-7, fused=True))
        self.averages, self.counts = {}, torch.zeros(2)

    def function(self, player, loss):
        """The gradients of one phase: a pure function of weights, batch and noise to ((gradients), (loss, moments))."""
        spec = self.spec

        def of(moved, others, batch, noise):
            moments = []
            return loss(Ops, {**others, **moved}, batch, noise, spec, moments), moments

        gradients = torch.func.grad_and_value(of, has_aux=True)

        def run(moved, others, batch, noise):
            found, (value, moments) = gradients(moved, others, batch, noise)
            # the fused Adam reads gradients in the order of memory, so that it has to be the weights'
            return {name: [v.contiguous() for v in of] for name, of in found.items()}, value, moments

        return run

    def batch(self, rows):
        """The batch of these rows."""
        found = {name: value[rows] for name, value in self.data.items()}
        return self.counted({**found, "x": found["x"].float()})

    def counted(self, batch):
        if "label" not in batch:
            return batch
        self.counts += torch.stack([torch.tensor(float(len(batch["label"]))), (batch["label"] >= 0).sum()])
        return {**batch, "rate": self.counts[0] / self.counts[1]}

    def phase(self, i, batch, noise):
        player = self.phases[i][0]
        names = peers_losses.moving(self.weights, player)
        moved = {name: self.weights[name] for name in names}
        others = {name: value for name, value in self.weights.items() if name not in names}
        found, value, moments = self.functions[i](moved, others, batch, noise)
        for name in names:
            for variable, gradient in zip(self.weights[name], found[name], strict=True):
                variable.grad = gradient
        self.optimizers[i].step()
        if moments:
            self.average(player, moments)
        return value

    def average(self, player, moments):
        """The moving averages of batch normalisation."""
        flat = [v for pair in moments for v in pair]
        if player not in self.averages:
            self.averages[player] = [v.clone() for v in flat]
        torch._foreach_lerp_(self.averages[player], flat, 0.1)

    def step(self, batch, noise):
        return [self.phase(i, batch, noise) for i in range(len(self.phases))]

    def train(self, steps):
        """Seconds of so many steps on rows in a random order."""
        size, start = self.spec["batch"], time.perf_counter()
        for _ in range(steps):
            if self.position + size > self.rows:
                self.order, self.position = torch.randperm(self.rows), 0
            batch = self.batch(self.order[self.position : self.position + size])
            self.position += size
            self.step(batch, drawn(self.shapes))
        return time.perf_counter() - start

    def losses(self):
        """The losses of all phases on a given batch with given noise: before and after a step of all of them."""
        given = {name: torch.from_numpy(value) for name, value in np.load(f"{self.folder}/check.npz").items()}
        self.reset()
        batch = self.counted({name: given[name] for name in self.data})
        noise = {name: given[name] for name in self.shapes}
        before = self.values(batch, noise)
        self.step(batch, noise)
        after = self.values(batch, noise)
        self.reset()
        return before + after

    def values(self, batch, noise):
        return [
            float(loss(Ops, self.weights, batch, noise, self.spec, [])) for _, loss in self.phases
        ]

    def flop(self):
        """Operations of a step's products and convolutions, forwards and backwards, as PyTorch counts them."""
        with FlopCounterMode(display=False) as counter:
            self.step(self.batch(self.order[: self.spec["batch"]]), drawn(self.shapes))
        return counter.get_total_flops()

    def tune(self):
        """Uses the variant whose steps take the least time; returns the seconds of each."""
        plain, seconds, made = self.functions, {}, {}
        for name in VARIANTS:
            compiled = [torch.compile(one, dynamic=False) for one in plain] if name == "compiled" else plain
            self.functions = made[name] = compiled
            self.train(3)
            seconds[name] = statistics.median(self.train(3) for _ in range(3)) / 3
        self.functions = made[min(seconds, key=seconds.get)]
        return seconds


class Scorer:
    """Importance-sampled log p(x) of a VAE, some images at a time."""

    def __init__(self, spec, folder):
        torch.manual_seed(0)
        self.spec, self.folder = spec, folder
        stored = np.load(f"{folder}/weights.npz")
        self.weights = {"all": [torch.from_numpy(stored[name]) for name in stored.files]}
        self.x = torch.from_numpy(np.load(f"{folder}/data.npz")["x"]).float()

        def of(weights, x, eps):
            log_w = peers_losses.log_weights(Ops, weights, {"x": x}, {"eps": eps}, spec)
            return Ops.logsumexp(log_w) - np.log(log_w.shape[0])

        self.plain = self.run = of
        self.rows = 4

    def score(self):
        """Estimates log p(x) of all images; returns the mean."""
        found, samples = [], self.spec["samples"]
        with torch.inference_mode():
            for x in self.x.split(self.rows):
                found.append(self.run(self.weights, x, torch.randn(samples, len(x), self.spec["latent"])))
            return float(torch.cat(found).mean())

    def flop(self):
        with FlopCounterMode(display=False) as counter:
            self.score()
        return counter.get_total_flops()

    def losses(self):
        given = np.load(f"{self.folder}/check.npz")
        x, eps = (torch.from_numpy(given[name]) for name in ("x", "eps"))
        with torch.no_grad():
            return [float(self.plain(self.weights, x, eps).mean())]

    def train(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            self.score()
        return time.perf_counter() - start

    def tune(self):
        seconds, made = {}, {}
        for name in VARIANTS:
            run = torch.compile(self.plain, dynamic=False) if name == "compiled" else self.plain
            for rows in (1, 4, 10):
                self.run, self.rows = made[f"{name}, {rows} images"] = run, rows
                self.train(1)
                seconds[f"{name}, {rows} images"] = min(self.train(1) for _ in range(2))
        self.run, self.rows = made[min(seconds, key=seconds.get)]
        return seconds


current = {}


def build(spec, folder):
    made = (Scorer if spec["system"] == "likelihood" else Trainer)(spec, folder)
    current["it"], flop = made, made.flop()
    parameters = sum(v.numel() for of in made.weights.values() for v in of)
    tuned = made.tune() if spec["tune"] else {}
    return {"parameters": parameters, "flop": flop, "tuned": tuned}


def rates():
    """FLOP per second of a product of 2048-square matrices; bytes per second of c = a + b on large arrays."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    x, y, z = (torch.zeros(1 << 24) for _ in range(3))
    return {"sgemm": 2 * 2048**3 / timed(lambda: torch.mm(a, b)), "stream": 12 * len(x) / timed(
        lambda: torch.add(x, y, out=z))}


def timed(run, repeats=5):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    answering.serve(
        hello=answering.hello_torch, build=build, rates=rates,
        losses=lambda: {"losses": current["it"].losses()},
        train=lambda steps: {"seconds": current["it"].train(steps)},
    )
