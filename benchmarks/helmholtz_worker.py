"""A bidirectional Helmholtz machine in plain PyTorch, in a process of its own.

It answers requests as `answering.py` says. Needs NumPy and PyTorch, and nothing of dgm_zoo: `common.Worker` starts it
with the interpreter that has them.

    {"do": "hello", "threads": 2}                                               -> {"python": ..., "torch": ...}
    {"do": "build", "sizes": [784, 200, 10], "k": 10, "weights": "w.npz"}       -> {"parameters": ...}, weights saved
    {"do": "train", "data": "x.npy", "batch_size": 100}                         -> {"seconds": ...}, one epoch
    {"do": "bound", "data": "x.npy"}                                            -> {"bound": ...}, mean over rows

The step is the usual one: K samples of q for each row, weights softmax of (log p - log q) / 2, the weighted
log-probabilities as the loss, Adam at 1e-3. The first level of q is computed once for all K, as x is the same.
"""

import time

import answering
import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus

ROWS = 500


def log_prob(bits, logits):
    return (bits * logits - softplus(logits)).sum(-1)


class Machine(nn.Module):
    """p from the last level down and q from x up, each level a linear layer's logits."""

    def __init__(self, sizes, k):
        super().__init__()
        self.k = k
        self.top = nn.Parameter(torch.full((sizes[-1],), -1.0))
        pairs = list(zip(sizes, sizes[1:]))  # noqa: B905 (one fewer)
        self.up = nn.ModuleList(nn.Linear(below, above) for below, above in pairs)
        self.down = nn.ModuleList(nn.Linear(above, below) for below, above in pairs[::-1])
        for layer in [*self.up, *self.down]:
            nn.init.xavier_uniform_(layer.weight)
            layer.weight.data /= layer.in_features
            nn.init.constant_(layer.bias, -1.0)

    def forward(self, x):
        """log p(x, h_k) and log q(h_k|x), `[k, rows]`."""
        levels, log_q = [x], 0.0
        for layer in self.up:
            logits = layer(levels[-1])
            with torch.no_grad():
                bits = (torch.rand(self.k, *logits.shape[-2:]) < torch.sigmoid(logits)).float()
            log_q = log_q + log_prob(bits, logits)
            levels.append(bits)
        log_p = log_prob(levels[-1], self.top)
        for layer, above, below in zip(self.down, levels[:0:-1], levels[-2::-1], strict=True):
            log_p = log_p + log_prob(below, layer(above))
        return log_p, log_q

    def bound(self, x):
        """2 log (1/k) sum_k sqrt(w_k), `[rows]`."""
        with torch.no_grad():
            log_p, log_q = self(x)
            return 2 * (torch.logsumexp(0.5 * (log_p - log_q), 0) - np.log(self.k))

    def save(self, path):
        """Weights in the order of dgm_zoo's networks: kernel before bias, p's from the top."""
        layers = {"generative": [self.top], "inference": []}
        for name, linear in (("generative", self.down), ("inference", self.up)):
            for layer in linear:
                layers[name] += [layer.weight.T, layer.bias]
        np.savez(path, **{
            f"{name}_{i}": value.detach().numpy() for name, values in layers.items() for i, value in enumerate(values)
        })


class Trainer:
    """The machine with its optimizer."""

    def __init__(self, sizes, k, weights):
        torch.manual_seed(0)
        self.machine = Machine(sizes, k)
        self.machine.save(weights)
        self.optimizer = torch.optim.Adam(self.machine.parameters(), 1e-3)

    def parameters(self):
        return sum(p.numel() for p in self.machine.parameters())

    def step(self, x):
        log_p, log_q = self.machine(x)
        weights = torch.softmax(0.5 * (log_p - log_q).detach(), 0)
        loss = -(weights * log_p + (weights - 1 / self.machine.k) * log_q).sum(0).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def epoch(self, x, batch_size):
        """Seconds of one pass over `x` in a new order."""
        start = time.perf_counter()
        for rows in torch.randperm(len(x)).split(batch_size):
            self.step(x[rows])
        return time.perf_counter() - start


current, images = {}, {}


def read(path):
    if path not in images:
        images[path] = torch.from_numpy(np.load(path))
    return images[path]


def build(**given):
    current["trainer"] = Trainer(**given)
    return {"parameters": current["trainer"].parameters()}


def train(data, batch_size):
    return {"seconds": current["trainer"].epoch(read(data), batch_size)}


def bound(data):
    parts = [current["trainer"].machine.bound(part) for part in read(data).split(ROWS)]
    return {"bound": float(torch.cat(parts).mean())}


if __name__ == "__main__":
    answering.serve(hello=answering.hello_torch, build=build, train=train, bound=bound)
