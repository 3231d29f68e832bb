"""MuseGAN's hybrid networks and step in plain PyTorch, in a process of its own.

It answers requests as `answering.py` says.

    {"do": "hello", "threads": 2}                                     -> {"python": ..., "torch": ...}
    {"do": "build", "shape": [4, 16, 84, 5], "width": 128, "critic_width": 512, "noise": 128, "critic_steps": 1}
                                                                      -> {"parameters": ...}
    {"do": "train", "data": "x.npy", "batch_size": 32}                -> {"seconds": ...}, one epoch

The data are uint8 phrases in memory, converted batch by batch. A step is `critic_steps` steps of the critic on one
batch, with the gradient penalty and fresh noise, then one of the generator; Adam at 2e-3 with betas 0.5 and 0.9.
"""

import time

import answering
import numpy as np
import torch
from torch import nn


def normalised(layer, channels):
    """A layer with batch normalisation and ReLU."""
    norm = {nn.Linear: nn.BatchNorm1d, nn.ConvTranspose1d: nn.BatchNorm1d, nn.ConvTranspose2d: nn.BatchNorm2d}
    return [layer, norm[type(layer)](channels), nn.ReLU()]


def temporal(latent, bars, width):
    """z `[b, latent]` to `[b, latent, bars]`."""
    return nn.Sequential(
        nn.Unflatten(1, (latent, 1)),
        *normalised(nn.ConvTranspose1d(latent, width, 2, bias=False), width),
        *normalised(nn.ConvTranspose1d(width, latent, bars - 1, bias=False), latent),
    )


def bar_generator(latent, octaves, doublings, width):
    """z `[b, latent]` to logits of one track, `[b, 1, steps, pitches]`, steps a power of 2: time first, then pitch."""
    channels = [width // 2, *(width // share for share in (2, 4, 4, 8, 8)[:doublings])]
    layers = [*normalised(nn.Linear(latent, width, bias=False), width), nn.Unflatten(1, (width // 2, 2, 1))]
    for before, after in zip(channels, channels[1:]):  # noqa: B905 (one fewer)
        layers += normalised(nn.ConvTranspose2d(before, after, (2, 1), (2, 1), bias=False), after)
    last = width // 16
    layers += normalised(nn.ConvTranspose2d(channels[-1], last, (1, octaves), (1, octaves), bias=False), last)
    return nn.Sequential(*layers, nn.ConvTranspose2d(last, 1, (1, 12), (1, 12)))


class Generator(nn.Module):
    """z `[b, 4 parts of each track]` to probabilities `[b, bars, tracks, steps, pitches]`."""

    def __init__(self, shape, width, noise):
        super().__init__()
        self.bars, steps, pitches, self.tracks = shape
        self.size = noise // 4
        self.latent = 2 * self.size * (1 + self.tracks)
        doublings = (steps // 2).bit_length() - 1
        self.over_bars = nn.ModuleList(temporal(self.size, self.bars, width) for _ in range(1 + self.tracks))
        self.of_track = nn.ModuleList(
            bar_generator(noise, pitches // 12, doublings, width) for _ in range(self.tracks)
        )

    def forward(self, z):
        parts = z.split(self.size, 1)
        constant = [one[:, :, None].expand(-1, -1, self.bars) for one in parts[::2]]
        varying = [network(one) for network, one in zip(self.over_bars, parts[1::2], strict=True)]
        tracks = []
        for i, network in enumerate(self.of_track, 1):
            latent = torch.cat([constant[0], varying[0], constant[i], varying[i]], 1)  # [b, noise, bars]
            tracks.append(network(latent.transpose(1, 2).flatten(0, 1)))
        x = torch.cat(tracks, 1)
        return torch.sigmoid(x).unflatten(0, (-1, self.bars))


class Critic(nn.Module):
    """Phrases `[b, bars, tracks, steps, pitches]` to values `[b]`."""

    def __init__(self, shape, width):
        super().__init__()
        self.bars, steps, pitches, tracks = shape
        low = width // 8
        layers = [nn.Conv2d(tracks, low, (1, 12), (1, 12)), nn.LeakyReLU(0.2),
                  nn.Conv2d(low, low, (1, pitches // 12), (1, pitches // 12)), nn.LeakyReLU(0.2)]
        for _ in range(min(2, (steps // 8).bit_length() - 1)):
            layers += [nn.Conv2d(low, low, (2, 1), (2, 1)), nn.LeakyReLU(0.2)]
            steps //= 2
        layers += [nn.Conv2d(low, width // 4, (4, 1), (2, 1)), nn.LeakyReLU(0.2),
                   nn.Conv2d(width // 4, width // 2, (3, 1), (2, 1)), nn.LeakyReLU(0.2), nn.Flatten()]
        self.of_bar = nn.Sequential(*layers)
        time_left = ((steps - 4) // 2 + 1 - 3) // 2 + 1
        last = min(3, self.bars - 1)
        self.of_phrase = nn.Sequential(
            nn.Conv1d(time_left * width // 2, width // 2, 2), nn.LeakyReLU(0.2),
            nn.Conv1d(width // 2, width // 8, last), nn.LeakyReLU(0.2), nn.Flatten(),
            nn.Linear(width // 8 * (self.bars - last), width), nn.LeakyReLU(0.2), nn.Linear(width, 1),
        )

    def forward(self, x):
        bars = self.of_bar(x.flatten(0, 1)).unflatten(0, (-1, self.bars))
        return self.of_phrase(bars.transpose(1, 2))[:, 0]


class Trainer:
    """Both networks with their optimizers."""

    def __init__(self, shape, width, critic_width, noise, critic_steps):
        torch.manual_seed(0)
        self.critic_steps = critic_steps
        self.nets = Generator(shape, width, noise), Critic(shape, critic_width)
        self.optimizers = [torch.optim.Adam(n.parameters(), 2e-3, (0.5, 0.9)) for n in self.nets]

    def parameters(self):
        return sum(p.numel() for n in self.nets for p in n.parameters())

    def penalty(self, real, fake):
        mix = torch.rand(len(real), 1, 1, 1, 1)
        x = (mix * real + (1 - mix) * fake).requires_grad_()
        slope, = torch.autograd.grad(self.nets[1](x).sum(), x, create_graph=True)
        return ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()

    def step(self, x):
        (g, d), (for_g, for_d) = self.nets, self.optimizers
        for _ in range(self.critic_steps):
            with torch.no_grad():
                fake = g(torch.randn(len(x), g.latent))
            for_d.zero_grad()
            (d(fake).mean() - d(x).mean() + 10 * self.penalty(x, fake)).backward()
            for_d.step()
        for_g.zero_grad()
        d.requires_grad_(False)
        (-d(g(torch.randn(len(x), g.latent))).mean()).backward()
        d.requires_grad_(True)
        for_g.step()

    def epoch(self, x, batch_size):
        """Seconds of one pass over `x`, uint8 `[n, bars, steps, pitches, tracks]`, in a new order."""
        start = time.perf_counter()
        for rows in torch.randperm(len(x)).split(batch_size):
            self.step(x[rows].permute(0, 1, 4, 2, 3).float().contiguous())
        return time.perf_counter() - start


current, phrases = {}, {}


def build(**given):
    current["trainer"] = Trainer(**given)
    return {"parameters": current["trainer"].parameters()}


def train(data, batch_size):
    if data not in phrases:
        phrases[data] = torch.from_numpy(np.load(data))
    return {"seconds": current["trainer"].epoch(phrases[data], batch_size)}


if __name__ == "__main__":
    answering.serve(hello=answering.hello_torch, build=build, train=train)
