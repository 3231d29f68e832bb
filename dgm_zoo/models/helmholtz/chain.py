"""Samples p* of a bidirectional Helmholtz machine: importance resampling, and block Gibbs with part of x known."""

import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_memory, whole_number
from dgm_zoo.core.chunks import in_chunks
from dgm_zoo.core.endpoints import check_array, check_samples, check_weights
from dgm_zoo.distributions import BatchNoise, RowNoise, row_seeds
from dgm_zoo.distributions.discrete import bernoulli_log_density
from dgm_zoo.distributions.heads import pick
from dgm_zoo.errors import InvalidInput
from dgm_zoo.objectives.wake_sleep import power_bound


class GibbsChain:
    """Mixin for a machine whose model is p*, such as `BiHM`: `resample`, `gibbs`, `inpaint`, and their parts.

    References: Bornschein, Shabanian, Fischer and Bengio, Bidirectional Helmholtz Machines, 2016.
    """

    candidates = 10  # drawn for a block of the chain, for each of its two sets of latents
    endpoint_steps = 20  # sweeps behind the served inpaint

    # p*(x) is the marginal of a joint of x and two sets of latents,
    #     sqrt(p(x, h) q(h|x)) sqrt(p(x, h') q(h'|x)) / Z^2,
    # whose factors are all known. The chain samples this joint and updates one block (a layer of h and h', or x) at a
    # time: it draws candidates, adds the current block, and picks one with probability proportional to target over
    # proposal. Since the current block is a candidate, each update leaves the joint invariant, for any number of them.

    def chain_noise(self, rng: BatchNoise) -> tf.Tensor:
        """The noise of one sweep: standard logistic, `[2 candidates, batch, columns]`."""
        return rng.logistic((sum(n + 2 for n in self.latents) + self.inference.sizes[0] + 1,), 2 * self.candidates)

    def sweep(self, levels: list[tf.Tensor], keep: tuple[tf.Tensor, tf.Tensor], noise: tf.Tensor) -> list[tf.Tensor]:
        """Resamples every block once: the odd layers, the even ones, then x.

        Args:
          levels: `[x, h_1, ..., h_L]`: x `[batch, visible]`, the others `[2, batch, size]`, h and h'.
          keep: `(x, mask)`, `[batch, visible]` each: where the mask is 1, x is held at its value.
          noise: the result of `chain_noise`.

        Returns:
          The new levels.
        """
        parts = tf.split(noise, [size for n in self.latents for size in (n, 1, 1)] + [self.inference.sizes[0], 1], -1)
        levels, depth = list(levels), len(self.latents)
        for i in [*range(1, depth + 1, 2), *range(2, depth + 1, 2)]:
            levels[i] = self._resample_layer(i, levels, *parts[3 * i - 3 : 3 * i])
        levels[0] = self._resample_x(levels, keep, *parts[-2:])
        return levels

    def _resample_layer(self, i, levels, bits, which, choice):
        """Candidates for h_i, each from p(h_i|h_i+1) or from q(h_i|h_i-1) with probability 1/2."""
        p, q, top = self.generative.conditionals[::-1], self.inference.conditionals, i == len(self.latents)
        bits, which = (tf.reshape(v, [-1, 2, tf.shape(v)[1], v.shape[-1]]) for v in (bits, which))
        above, below = None if top else levels[i + 1], levels[i - 1]
        drawn = tf.where(which < 0.0, p[i].draw(bits, above)[0], q[i - 1].draw(bits, below)[0])
        offered = tf.concat([levels[i][None], drawn], 0)
        log_p, log_q = p[i].log_prob(offered, above), q[i - 1].log_prob(offered, below)
        log_target = log_p + log_q + p[i - 1].log_prob(below, offered)
        if not top:
            log_target += q[i].log_prob(above, offered)
        return _pick(offered, 0.5 * log_target - tf.reduce_logsumexp([log_p, log_q], 0), choice[:2])

    def _resample_x(self, levels, keep, bits, choice):
        """Candidates for x from p(x|h), h the mean of h_1 and h'_1: each bit given those before it, known bits fixed.

        If x's bits are independent, this is the geometric mean of p(x|h_1) and p(x|h'_1), up to a constant.
        """
        p, q = self.generative.conditionals[-1], self.inference.conditionals[0]
        (known, mask), h = keep, tf.reduce_mean(levels[1], 0)
        drawn, _ = p.draw(tf.where(mask > 0.0, (1.0 - 2.0 * known) * np.inf, bits), h)
        offered = tf.concat([levels[0][None], drawn], 0)
        log_target = sum(p.log_prob(offered, one) + q.log_prob(one, offered) for one in tf.unstack(levels[1]))
        # logit 0 gives a known bit, which was not drawn, the same factor in every candidate
        log_proposal = bernoulli_log_density(offered, (1.0 - mask) * p.logits(h, offered))
        return _pick(offered, 0.5 * log_target - log_proposal, choice[0])

    def start(self, x: tf.Tensor, mask: tf.Tensor,
              noise: tuple[tf.Tensor, tf.Tensor]) -> tuple[list[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        """The chain's first levels: x with its missing values from an ancestral sample of p, h and h' from q."""
        of_p, of_q = noise
        *_, dreamt = self.generative.draw(of_p)[0]
        x, mask = (tf.reshape(v, [-1, self.inference.sizes[0]]) for v in (x, mask))
        return self.inference.draw(of_q, mask * x + (1.0 - mask) * dreamt)[0], (x, mask)

    def start_noise(self, rng: BatchNoise) -> tuple[tf.Tensor, tf.Tensor]:
        """The noise that `start` takes."""
        return rng.logistic((self.generative.bits,)), rng.logistic((self.inference.bits,), 2)

    def inpaint(self, x: np.ndarray, mask: np.ndarray, steps: int = 100, seed: int = 0) -> np.ndarray:
        """Draws the missing values of x from p*, given the others, by a block Gibbs chain: NumPy, the shape of x.

        Args:
          x: `[n, *image_shape]`, binary; where the mask is 0, the value has no effect but must still be 0 or 1.
          mask: 1 where x is known, 0 where it is missing; `[n, *image_shape]`, or one `image_shape` for all.
          steps: sweeps of the chain, which starts from an ancestral sample of p and forgets it as steps grow.
          seed: int32. An image's result does not depend on the other images in the call.

        Raises:
          InvalidInput: x or the mask has the wrong shape or is not binary, or steps is below 1.
        """
        steps = whole_number("steps", steps)
        wanted = self.takes()["x"]
        x = tf.constant(check_array("inpaint", "x", x, wanted))
        if getattr(mask, "shape", None) == self.image_shape:
            mask = np.broadcast_to(mask, x.shape)
        mask = tf.constant(check_array("inpaint", "mask", mask, wanted))
        if len(x) != len(mask):
            raise InvalidInput(f"inpaint: x has {len(x)} rows and the mask {len(mask)}; give each the same number")
        return self._chains(x, mask, steps, seed)

    def _chains(self, x, mask, steps, seed):
        """x after `steps` sweeps, computed in chunks of rows: NumPy, the shape of x."""
        if not len(x):
            return np.zeros((0, *self.image_shape), np.float32)
        run = self.traced(self._inpaint)
        return in_chunks(
            lambda x, mask, seeds: run(x, mask, seeds, tf.constant(steps)), (x, mask, row_seeds(seed, len(x))),
            max(1, self.rows_per_pass // (2 * self.candidates)),
        )

    def gibbs(self, n: int, steps: int = 100, seed: int = 0) -> np.ndarray:
        """Draws n samples of p* by the chain of `inpaint` with no known values: NumPy `[n, *image_shape]`.

        0 steps return the start of the chain, ancestral samples of p.
        """
        check_weights(self)
        nothing = tf.zeros((check_samples(self, n), *self.image_shape))
        return self._chains(nothing, nothing, whole_number("steps", steps, least=0), seed)

    def resample(self, n: int, candidates: int = 100, inner: int = 10, seed: int = 0) -> np.ndarray:
        """Draws n samples of p* by importance resampling: NumPy `[n, *image_shape]`.

        Each sample is picked from `candidates` pairs x, h ~ p of its own, with probability proportional to an estimate
        of p~*(x, h) / p(x, h): sqrt(q(h|x) / p(x, h)) (1/J) sum_j sqrt(p(x, h_j) / q(h_j|x)), h_j ~ q(h|x). One
        candidate gives samples of p; as `candidates` grows, the distribution tends to p*.

        Args:
          n: number of samples; the first m are the same for every n >= m.
          candidates: number of pairs x, h ~ p for each sample.
          inner: J.
          seed: int32.

        Raises:
          InvalidInput: a number is below 1, or the seed is not an int32.
        """
        check_weights(self)
        n, inner = check_samples(self, n), whole_number("inner", inner)
        candidates = whole_number("candidates", candidates)
        check_memory("candidates x inner", candidates * inner, 4 * candidates * inner * self.inference.bits)
        run = self.traced(self._resample)
        rows = max(1, self.rows_per_pass // (candidates * inner))
        return in_chunks(lambda seeds: run(seeds, candidates, inner), [row_seeds(seed, n)], rows)

    def _resample(self, seeds, candidates, inner):
        rng = RowNoise(seeds)
        levels, logits = self.generative.draw(rng.logistic((self.generative.bits,), candidates))
        log_w = self.generative.score(levels, logits) - self.inference.log_prob(levels[::-1])
        noise = rng.logistic((self.inference.bits,), inner * candidates)
        log_p, log_q = self.infer(levels[-1], tf.reshape(noise, [inner, -1, self.inference.bits]))
        log_tilde = tf.reshape(power_bound(log_p - log_q, 0.5), tf.shape(log_w))
        x = _pick(levels[-1], 0.5 * (log_tilde - log_w), rng.logistic((1,)))
        return tf.reshape(x, [-1, *self.image_shape])

    def _inpaint(self, x, mask, seeds, steps):
        rng = RowNoise(seeds)
        return self._chain(x, mask, self.start_noise(rng), steps, lambda i: self.chain_noise(rng.fork(i)))

    def _chain(self, x, mask, start_noise, steps, noise):
        """x after `steps` sweeps, `[batch, *image_shape]`; `noise(i)` is the noise of sweep i."""
        levels, keep = self.start(x, mask, start_noise)
        body = lambda i, levels: (i + 1, self.sweep(levels, keep, noise(i)))  # noqa: E731
        _, (x, *_) = tf.while_loop(lambda i, _: i < steps, body, (0, levels))
        return tf.reshape(x, [-1, *self.image_shape])


def _pick(offered, log_w, noise):
    """Picks a candidate on axis 0 for each index of the other axes, with probability proportional to exp(log_w)."""
    last = [*range(1, log_w.shape.rank), 0]
    chosen = tf.one_hot(pick(tf.transpose(log_w, last), tf.sigmoid(noise[..., 0])), tf.shape(log_w)[0], axis=0)
    return tf.reduce_sum(chosen[..., None] * offered, 0)
