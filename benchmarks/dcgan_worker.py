"""A DCGAN in plain PyTorch, in a process of its own, so that its threads and TensorFlow's never share one.

It answers requests as `answering.py` says. Needs NumPy and PyTorch, and nothing of dgm_zoo: `common.Worker` starts it
with the interpreter that has them.

    {"do": "hello", "threads": 2}                                     -> {"python": ..., "torch": ...}
    {"do": "build", "latent": 100, "filters": [64, 128], "side": 28}  -> {"parameters": ...}
    {"do": "train", "data": "x.npy", "batch_size": 128}               -> {"seconds": ...}, one epoch

The step is the usual one: the discriminator's on the batch and on as many detached samples, then the generator's on
fresh ones, binary cross-entropy, Adam at 2e-4 with beta_1 0.5. Tensors are in `channels_last` order, which oneDNN
prefers.
"""

import time

import answering
import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits


def generator(latent, filters, side):
    """z to x in [0, 1]: two fully connected layers, then one transposed convolution for each doubling."""
    side >>= len(filters)
    units = 8 * filters[-1]
    layers = [
        nn.Linear(latent, units, bias=False), nn.BatchNorm1d(units), nn.ReLU(),
        nn.Linear(units, filters[-1] * side * side, bias=False), nn.Unflatten(1, (filters[-1], side, side)),
        nn.BatchNorm2d(filters[-1]), nn.ReLU(),
    ]
    for below, above in zip(filters[::-1], filters[-2::-1]):  # noqa: B905 (one fewer)
        layers += [nn.ConvTranspose2d(below, above, 4, 2, 1, bias=False), nn.BatchNorm2d(above), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(filters[0], 1, 4, 2, 1), nn.Sigmoid())


def discriminator(filters, side):
    """x to a logit: one convolution for each halving, then two fully connected layers."""
    units = 8 * filters[-1]
    layers = [nn.Conv2d(1, filters[0], 4, 2, 1), nn.LeakyReLU(0.2)]
    for before, after in zip(filters, filters[1:]):  # noqa: B905 (one fewer)
        layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    flat = filters[-1] * (side >> len(filters)) ** 2
    hidden = [nn.Linear(flat, units, bias=False), nn.BatchNorm1d(units), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), *hidden, nn.Linear(units, 1))


class Trainer:
    """Both networks with their optimizers."""

    def __init__(self, latent, filters, side):
        torch.manual_seed(0)
        self.latent = latent
        self.nets = [n.to(memory_format=torch.channels_last) for n in
                     (generator(latent, filters, side), discriminator(filters, side))]
        self.optimizers = [torch.optim.Adam(n.parameters(), 2e-4, (0.5, 0.999)) for n in self.nets]

    def parameters(self):
        return sum(p.numel() for n in self.nets for p in n.parameters())

    def step(self, x):
        (g, d), (for_g, for_d) = self.nets, self.optimizers
        real, fake = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        with torch.no_grad():
            generated = g(torch.randn(len(x), self.latent))
        for_d.zero_grad()
        loss = binary_cross_entropy_with_logits(d(x), real) + binary_cross_entropy_with_logits(d(generated), fake)
        loss.backward()
        for_d.step()
        for_g.zero_grad()
        d.requires_grad_(False)
        binary_cross_entropy_with_logits(d(g(torch.randn(len(x), self.latent))), real).backward()
        d.requires_grad_(True)
        for_g.step()

    def epoch(self, x, batch_size):
        """Seconds of one pass over `x` in a new order."""
        start = time.perf_counter()
        for rows in torch.randperm(len(x)).split(batch_size):
            self.step(x[rows].contiguous(memory_format=torch.channels_last))
        return time.perf_counter() - start


current, images = {}, {}


def build(**given):
    current["trainer"] = Trainer(**given)
    return {"parameters": current["trainer"].parameters()}


def train(data, batch_size):
    if data not in images:
        images[data] = torch.from_numpy(np.load(data))
    return {"seconds": current["trainer"].epoch(images[data], batch_size)}


if __name__ == "__main__":
    answering.serve(hello=answering.hello_torch, build=build, train=train)
