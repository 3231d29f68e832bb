"""A Helmholtz machine of 6 visible bits and two latent layers of 4 and 3, enumerated in NumPy float64.

Rows are the 64 values of x, columns the 128 values of h = (h_1, h_2). Every gradient of the family is
sum_{x, h} c(x, h) grad log p(x, h), or the same of log q(h|x), for some array c `[64, 128]`: `grad_p` and `grad_q`
take that array, and a test states it.
"""

import itertools

import numpy as np
import tensorflow as tf
from scipy import stats

from dgm_zoo.distributions import BatchNoise
from dgm_zoo.networks.stochastic import BeliefNetwork

KINDS = ("sigmoid", "darn", "nade:2")  # of levels


def every(bits):
    """All values of so many bits, `[2^bits, bits]`."""
    return np.array(list(itertools.product([0, 1], repeat=bits)), np.float64)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def log_mass(bits, logits):
    return (bits * logits - np.logaddexp(0, logits)).sum(-1)


def shapes(kind, units, inputs):
    """Shapes of the parameters of a level, in the order in which its network has them."""
    to = lambda n: [(inputs, n), (n,)] if inputs else [(n,)]  # noqa: E731
    if kind == "sigmoid":
        return to(units)
    if kind == "darn":
        return [*to(units), (units, units)]
    hidden = int(kind.removeprefix("nade:"))
    return [*to(units), (units, hidden), (hidden, units), *to(hidden)]


def level_logits(kind, values, bits, before):
    """The logits of every bit of a level, one after the other: `[..., units]`."""
    values, units = list(values), range(bits.shape[-1])

    def of_before():
        return values.pop(0) if before is None else before @ values.pop(0) + values.pop(0)

    logits = of_before()
    if kind == "sigmoid":
        return logits
    if kind == "darn":
        lateral = values.pop(0)
        return np.stack([logits[..., d] + bits[..., :d] @ lateral[:d, d] for d in units], -1)
    encode, decode, state = values.pop(0), values.pop(0), of_before()
    hidden = (sigmoid(state + bits[..., :d] @ encode[:d]) for d in units)
    return np.stack([logits[..., d] + one @ decode[:, d] for d, one in zip(units, hidden, strict=True)], -1)


class Exact:
    """The machine with random weights, or with those given: the parameters of each level, p's from the top down (its
    first has no level before it), q's from x up.

    Attributes:
      x, h: all values, `[64, 6]` and `[128, 7]`.
      log_p, log_q: log p(x, h) and log q(h|x), `[64, 128]`.
      log_px, log_tilde: log p(x) and log p~*(x), `[64]`; log_z; log_star: log p*(x), `[64]`.
      posterior, star, q_of_h: p(h|x), p*(h|x) and q(h|x), `[64, 128]`.
    """

    shape = (2, 3, 1)
    sizes = (6, 4, 3)

    def __init__(self, p=None, q=None, seed=0, scale=0.5, kind="sigmoid"):
        rng = np.random.default_rng(seed)
        d, m, n = self.sizes
        self.kind, of_p, of_q = kind, ((n, 0), (m, n), (d, m)), ((m, d), (n, m))
        self.shapes = {"p": [shapes(kind, *level) for level in of_p], "q": [shapes(kind, *level) for level in of_q]}
        self.p = p or [scale * rng.normal(size=s) for level in self.shapes["p"] for s in level]
        self.q = q or [scale * rng.normal(size=s) for level in self.shapes["q"] for s in level]
        self.x, self.h = every(d), every(m + n)
        self.h1, self.h2 = self.h[:, :m], self.h[:, m:]
        self.log_p, self.log_q = (sum(self.log_level(*level) for level in self.levels(of)) for of in "pq")
        root = np.exp((self.log_p + self.log_q) / 2)
        self.log_px, self.log_tilde = np.log(np.exp(self.log_p).sum(1)), 2 * np.log(root.sum(1))
        self.log_z = np.log(np.exp(self.log_tilde).sum()) / 2
        self.log_star = self.log_tilde - 2 * self.log_z
        self.posterior, self.q_of_h = np.exp(self.log_p - self.log_px[:, None]), np.exp(self.log_q)
        self.star = root / root.sum(1, keepdims=True)

    def levels(self, player):
        """The levels of "p" or "q" in their order: parameters, bits and the bits before them."""
        x, values = self.x[:, None], iter(getattr(self, player))
        down, up = ((self.h2, None), (self.h1, self.h2), (x, self.h1)), ((self.h1, x), (self.h2, self.h1))
        given = zip(self.shapes[player], down if player == "p" else up, strict=True)
        return [([next(values) for _ in level], *bits) for level, bits in given]

    def log_level(self, values, bits, before):
        return log_mass(bits, level_logits(self.kind, values, bits, before))

    def grad(self, player, c):
        """sum c(x, h) grad log p(x, h), or of log q(h|x), in the order of the parameters, by differences: `[size]`."""
        found = []
        for values, *given in self.levels(player):
            for i, value in enumerate(values):
                for step in 1e-5 * np.eye(value.size).reshape(-1, *value.shape):
                    up, down = (
                        self.log_level([*values[:i], value + by, *values[i + 1 :]], *given) for by in (step, -step)
                    )
                    found.append((c * (up - down)).sum() / 2e-5)
        return np.array(found)

    def moved(self, player, index, by):
        """The same machine with one parameter of "p" or "q", counted over all of them, moved."""
        parameters = {"p": [a.copy() for a in self.p], "q": [a.copy() for a in self.q]}
        for one in parameters[player]:
            if index < one.size:
                one.flat[index] += by
                return type(self)(**parameters, kind=self.kind)
            index -= one.size
        raise IndexError(f"{player} has no parameter {index} after its last")

    def images(self, rows=slice(None)):
        """x as images: `[n, 2, 3, 1]`, float32."""
        return self.x[rows].reshape(-1, *self.shape).astype("float32")

    def model(self, cls, **given):
        """A model of the zoo with these numbers."""
        generative = BeliefNetwork(self.sizes[::-1], root=True, kind=self.kind)
        inference = BeliefNetwork(self.sizes, kind=self.kind)
        assign(generative, self.p)
        assign(inference, self.q)
        return cls(generative, inference, image_shape=self.shape, seed=0, **given)

    def draw_star(self, n, rng):
        """x ~ p*(x) and, given x, h and h' ~ p*(h|x): the rows of x and the columns of h and h', `[n]` each."""
        rows = rng.choice(len(self.x), n, p=np.exp(self.log_star))
        edges = self.star.cumsum(1)[rows]
        h, other = ((rng.random((n, 1)) * edges[:, -1:] > edges).sum(1) for _ in range(2))
        return rows, h, other


def assign(network, values):
    """Gives a network its parameters in the order of its levels."""
    for variable, value in zip(network.trainable_variables, values, strict=True):
        variable.assign(value)


def flat(network, of_variable):
    """Gradients of a network's variables in the order of `assign`: `[size]`, NumPy float64."""
    return np.concatenate([np.ravel(of_variable(v)) for v in network.trainable_variables]).astype(np.float64)


def forced(bits):
    """Logistic "noise" with which a level of any logits takes these bits: float32, the shape of `bits`."""
    return np.where(bits, -np.inf, np.inf).astype("float32")


def chi_square(counts, chance):
    """The p-value of counts against their chances; cells where fewer than 5 are expected are joined."""
    expected = chance * counts.sum()
    rare = expected < 5
    assert expected[rare].sum() > 0 or not counts[rare].any()
    found, expected = (np.append(v[~rare], v[rare].sum()) for v in (counts, expected))
    keep = expected > 0
    return stats.chisquare(found[keep], expected[keep]).pvalue


def after_a_sweep(exact, model, n, mask, seed):
    """Rows of x and columns of h before and after one sweep of n chains that started from the exact joint."""
    rows, h, other = exact.draw_star(n, np.random.default_rng(seed))
    both = np.stack([exact.h[h], exact.h[other]]).astype("float32")
    x = tf.constant(exact.x[rows], tf.float32)
    mask = tf.broadcast_to(tf.constant(mask, tf.float32), x.shape)
    noise = model.chain_noise(BatchNoise([seed, 2], n))
    x, h1, h2 = tf.function(model.sweep, autograph=False)([x, both[..., :4], both[..., 4:]], (x, mask), noise)
    after = (x.numpy() @ 2 ** np.arange(5, -1, -1)).astype(int)
    columns = (np.concatenate([h1, h2], -1) @ 2 ** np.arange(6, -1, -1)).astype(int)
    return rows, after, columns
