"""A hierarchy of two normal groups whose evidence is known exactly, in float64, and the zoo's model with its numbers.

z_0 ~ N(0, I_2), z_1 = V z_0 + c + S e, x = W z_1 + b + s e: x is normal. Each row and column of V has at most one
entry, and the columns of W are orthogonal, so that the exact posterior is both a ladder and a reverse chain of
independent normals.
"""

import keras
import numpy as np
import tensorflow as tf
from exact_models import raw, with_bound
from scipy import stats
from tensorflow_probability import distributions as tfd

from dgm_zoo.distributions import GroupedNormalPrior, IndependentNormal
from dgm_zoo.distributions.heads import MIN_STDDEV
from dgm_zoo.distributions.normal_groups import NORMAL_INFERENCE
from dgm_zoo.models import HierarchicalVAE
from dgm_zoo.networks import dense


class LinearHierarchy:
    """The model above, and q(z|x).

    Args:
      inference: "ladder" or "reverse".
      away: how far q is from the exact posterior; 0 is the posterior itself.
    """

    sizes = (2, 3)

    def __init__(self, inference, away=0.0, seed=0):
        self.inference, rng = inference, np.random.default_rng(seed)
        self.v = np.array([[0.0, 0.9], [-1.2, 0.0], [0.0, 0.0]])
        self.c, self.spread = rng.normal(size=3), np.array([0.6, 0.9, 1.3])
        self.w = np.linalg.qr(rng.normal(size=(5, 3)))[0] * [1.5, 0.7, 1.1]
        self.b, self.s = rng.normal(size=5), 0.8
        w2 = (self.w**2).sum(0) / self.s**2  # precision that x gives each value of z_1
        to_z1 = (self.w / self.s**2 / w2).T  # x - b to its estimate of z_1
        if inference == "reverse":
            of_z1 = 1 / ((self.v**2).sum(1) + self.spread**2)
            total = w2 + of_z1
            z1 = (w2 / total)[:, None] * to_z1
            below = [z1, of_z1 / total * self.c - z1 @ self.b, total**-0.5]
            up = self.v.T / self.spread**2
            total = 1 + (up * self.v.T).sum(1)
            above = [up / total[:, None], -(up / total[:, None]) @ self.c, total**-0.5]
        else:
            below = [to_z1, -to_z1 @ self.b, w2**-0.5]
            up = self.v.T / (self.spread**2 + 1 / w2)
            total = 1 + (up * self.v.T).sum(1)
            z0 = up @ to_z1 / total[:, None]
            above = [z0, -(up / total[:, None]) @ (self.c + to_z1 @ self.b), total**-0.5]
        self.q = [(m + away * rng.normal(size=m.shape), a + away * rng.normal(size=a.shape), d * (1 + away))
                  for m, a, d in (above, below)]  # matrix, offset and deviations of z_0 and z_1

    def data(self, n, seed=1):
        rng = np.random.default_rng(seed)
        z1 = rng.normal(size=(n, 2)) @ self.v.T + self.c + self.spread * rng.normal(size=(n, 3))
        return (z1 @ self.w.T + self.b + self.s * rng.normal(size=(n, 5))).astype("float32")

    def log_p(self, x):
        """log p(x), nats: `[n]`."""
        of_z1 = self.v @ self.v.T + np.diag(self.spread**2)
        mean, cov = self.w @ self.c + self.b, self.w @ of_z1 @ self.w.T + self.s**2 * np.eye(5)
        return stats.multivariate_normal(mean, cov).logpdf(x)

    def parameters(self):
        """Kernels and biases in float64: of encoder, q's own step (reverse), decoder and prior."""
        linear = [[m.T, np.zeros((m.shape[1], len(d))), a, raw(d)] for m, a, d in self.q]
        (m0, k0, a0, r0), (m1, k1, a1, r1) = linear
        if self.inference == "ladder":
            eta = [np.concatenate([m0, k0, m1, k1], 1), np.concatenate([a0, r0, a1, r1])]
        else:
            eta = [np.concatenate(one, -1) for one in ((m1, k1), (a1, r1), (m0, k0), (a0, r0))]
        prior = [np.concatenate([self.v.T, np.zeros((2, 3))], 1), np.concatenate([self.c, raw(self.spread)])]
        return [*eta, self.w.T, self.b, *prior]

    def elbo(self, x, parameters):
        """The evidence bound in closed form, `[n]`: TensorFlow float64, differentiable by `parameters`.

        The raw deviations of a group given another are taken as constant in that group, as they are.
        """
        *eta, w, b, kernel, bias = parameters
        v, c, spread = kernel[:, :3], bias[:3], tf.nn.softplus(bias[3:]) + MIN_STDDEV
        outputs = x @ eta[0] + eta[1]
        eye = tf.eye(2, dtype=tf.float64)
        if self.inference == "ladder":
            mean_0, raw_0, mean_1, raw_1 = tf.split(outputs, [2, 2, 3, 3], -1)
            d0, d1 = (tf.nn.softplus(one) + MIN_STDDEV for one in (raw_0, raw_1))
            total = d1**-2 + spread**-2
            share = (spread**-2 / total)[:, None]  # z_1 is linear in z_0, of which so much of v remains
            slope, d1 = share * v, total**-0.5
            mean_1 = (1 - share[:, 0]) * mean_1 + share[:, 0] * (mean_0 @ v + c)
            c00 = tf.linalg.diag(d0**2)
            c01 = c00 @ slope
            c11 = tf.linalg.matrix_transpose(slope) @ c01 + tf.linalg.diag(d1**2)
        else:
            mean_1, raw_1 = tf.split(outputs, 2, -1)
            slope, offset = eta[2][:, :2], eta[3][:2]
            d0, d1 = (tf.nn.softplus(one) + MIN_STDDEV for one in (eta[3][2:], raw_1))
            mean_0, c11 = mean_1 @ slope + offset, tf.linalg.diag(d1**2)
            c01 = tf.linalg.matrix_transpose(c11 @ slope)
            c00 = c01 @ slope + tf.linalg.diag(d0**2)
        of_q = tf.concat([tf.concat([c00, c01], 2), tf.concat([tf.linalg.matrix_transpose(c01), c11], 2)], 1)
        of_p = tf.concat([tf.concat([eye, v], 1), tf.concat([tf.transpose(v), tf.transpose(v) @ v
                                                             + tf.linalg.diag(spread**2)], 1)], 0)
        full = lambda mean, cov: tfd.MultivariateNormalTriL(mean, tf.linalg.cholesky(cov))  # noqa: E731
        q, p = full(tf.concat([mean_0, mean_1], 1), of_q), full(tf.concat([tf.zeros(2, tf.float64), c], 0), of_p)
        error = tf.reduce_sum((x - b - mean_1 @ w) ** 2, 1) + tf.einsum("ij,nik,kj->n", w, c11, w)
        return -2.5 * np.log(2 * np.pi * self.s**2) - error / (2 * self.s**2) - tfd.kl_divergence(q, p)

    def model(self, **given):
        """`HierarchicalVAE` with these numbers, `parameters()` in the order of its variables."""
        prior = GroupedNormalPrior(self.sizes)
        posterior = NORMAL_INFERENCE[self.inference](self.sizes)
        z = keras.Input((5,))
        encoder, last = dense((5,), posterior.params_shape, hidden=()), dense((3,), (5,), hidden=())
        decoder = keras.Model(z, last(keras.ops.split(z, [2], -1)[1]))
        parts = [encoder, decoder, prior] if self.inference == "ladder" else [encoder, posterior, decoder, prior]
        variables = [one for part in parts for one in part.trainable_variables]
        for variable, value in zip(variables, self.parameters(), strict=True):
            variable.assign(value)
        likelihood = IndependentNormal((5,), stddev=self.s)
        return HierarchicalVAE(
            encoder, decoder, prior, likelihood=likelihood, posterior=posterior, seed=0, **with_bound(given)
        )
