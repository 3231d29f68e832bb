"""A Helmholtz machine of 6 visible bits and two latent layers of 4 and 3, enumerated in NumPy float64.

Rows are the 64 values of x, columns the 128 values of h = (h_1, h_2). Every gradient of the family is
sum_{x, h} c(x, h) grad log p(x, h), or the same of log q(h|x), for some array c `[64, 128]`: `grad_p` and `grad_q`
take that array, and a test states it.
"""

import itertools

import numpy as np

from dgm_zoo.networks.stochastic import BeliefNetwork


def every(bits):
    """All values of so many bits, `[2^bits, bits]`."""
    return np.array(list(itertools.product([0, 1], repeat=bits)), np.float64)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def log_mass(bits, logits):
    return (bits * logits - np.logaddexp(0, logits)).sum(-1)


class Exact:
    """The machine with random weights, or with those given: W and b of each level, p's from the top down (its first
    has no W), q's from x up.

    Attributes:
      x, h: all values, `[64, 6]` and `[128, 7]`.
      log_p, log_q: log p(x, h) and log q(h|x), `[64, 128]`.
      log_px, log_tilde: log p(x) and log p~*(x), `[64]`; log_z; log_star: log p*(x), `[64]`.
      posterior, star, q_of_h: p(h|x), p*(h|x) and q(h|x), `[64, 128]`.
    """

    shape = (2, 3, 1)
    sizes = (6, 4, 3)

    def __init__(self, p=None, q=None, seed=0, scale=0.5):
        rng = np.random.default_rng(seed)
        d, m, n = self.sizes
        self.p = p or [scale * rng.normal(size=s) for s in ((n,), (n, m), (m,), (m, d), (d,))]
        self.q = q or [scale * rng.normal(size=s) for s in ((d, m), (m,), (m, n), (n,))]
        self.x, self.h = every(d), every(m + n)
        self.h1, self.h2 = self.h[:, :m], self.h[:, m:]
        b2, w1, b1, w0, b0 = self.p
        v1, a1, v2, a2 = self.q
        self.p_logits = [b2, self.h2 @ w1 + b1, self.h1 @ w0 + b0]  # of h_2, h_1 and x
        self.q_logits = [self.x @ v1 + a1, self.h1 @ v2 + a2]  # of h_1 and h_2
        log_ph = log_mass(self.h2, b2) + log_mass(self.h1, self.p_logits[1])
        self.log_p = log_ph + log_mass(self.x[:, None], self.p_logits[2])
        self.log_q = log_mass(self.h1, self.q_logits[0][:, None]) + log_mass(self.h2, self.q_logits[1])
        root = np.exp((self.log_p + self.log_q) / 2)
        self.log_px, self.log_tilde = np.log(np.exp(self.log_p).sum(1)), 2 * np.log(root.sum(1))
        self.log_z = np.log(np.exp(self.log_tilde).sum()) / 2
        self.log_star = self.log_tilde - 2 * self.log_z
        self.posterior, self.q_of_h = np.exp(self.log_p - self.log_px[:, None]), np.exp(self.log_q)
        self.star = root / root.sum(1, keepdims=True)

    def grad_p(self, c):
        """sum c(x, h) grad log p(x, h), in the order of the parameters: `[size]`."""
        of_h, of_x = c.sum(0), c.T @ self.x
        to_2 = self.h2 - sigmoid(self.p_logits[0])
        to_1 = self.h1 - sigmoid(self.p_logits[1])
        to_x = of_x - of_h[:, None] * sigmoid(self.p_logits[2])
        parts = [of_h @ to_2, self.h2.T @ (of_h[:, None] * to_1), of_h @ to_1, self.h1.T @ to_x, to_x.sum(0)]
        return np.concatenate([np.ravel(part) for part in parts])

    def grad_q(self, c):
        """sum c(x, h) grad log q(h|x), in the order of the parameters: `[size]`."""
        of_h, of_x = c.sum(0), c.sum(1)
        to_1 = c @ self.h1 - of_x[:, None] * sigmoid(self.q_logits[0])
        to_2 = self.h2 - sigmoid(self.q_logits[1])
        parts = [self.x.T @ to_1, to_1.sum(0), self.h1.T @ (of_h[:, None] * to_2), of_h @ to_2]
        return np.concatenate([np.ravel(part) for part in parts])

    def moved(self, player, index, by):
        """The same machine with one parameter of "p" or "q", counted over all of them, moved."""
        parameters = {"p": [a.copy() for a in self.p], "q": [a.copy() for a in self.q]}
        for one in parameters[player]:
            if index < one.size:
                one.flat[index] += by
                return type(self)(**parameters)
            index -= one.size
        raise IndexError(f"{player} has no parameter {index} after its last")

    def images(self, rows=slice(None)):
        """x as images: `[n, 2, 3, 1]`, float32."""
        return self.x[rows].reshape(-1, *self.shape).astype("float32")

    def model(self, cls, **given):
        """A model of the zoo with these numbers."""
        generative, inference = BeliefNetwork(self.sizes[::-1], root=True), BeliefNetwork(self.sizes)
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
    """Gives a network its parameters in the order of its levels, kernel before bias."""
    values = iter(values)
    for level in network.conditionals:
        for variable in (level.kernel, level.bias):
            if variable is not None:
                variable.assign(next(values))


def flat(network, of_variable):
    """Gradients of a network's variables in the order of `assign`: `[size]`, NumPy float64."""
    variables = [v for level in network.conditionals for v in (level.kernel, level.bias) if v is not None]
    return np.concatenate([np.ravel(of_variable(v)) for v in variables]).astype(np.float64)


def forced(bits):
    """Uniform "noise" with which a level of any logits takes these bits: float32, the shape of `bits`."""
    return (1.0 - np.asarray(bits)).astype("float32")
