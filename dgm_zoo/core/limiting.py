"""Samples from the limiting distribution of the chain that alternates encoder and decoder."""

import numpy as np
import tensorflow as tf

from dgm_zoo.checks import whole_number
from dgm_zoo.core.chunks import in_chunks
from dgm_zoo.core.endpoints import check_samples, check_weights
from dgm_zoo.distributions import RowNoise, row_seeds


class LimitingChain:
    """Mixin for a model with `prior`, `posterior`, `likelihood`, `q_z` and `p_x`: `limiting_samples`.

    References: Flach, Schlesinger and Shekhovtsov, Symmetric Equilibrium Learning of VAEs, 2024.
    """

    def limiting_samples(self, n: int, steps: int = 1000, seed: int = 0) -> np.ndarray:
        """Draws from the limit of the chain z ~ q(z|x), x ~ p(x|z): NumPy `[n, *image_shape]`, the last mean of p(x|z).

        If encoder and decoder are the conditionals of one joint, these have the distribution of `sample`; their loss of
        quality shows how inconsistent the two are. The chain starts from z ~ p(z), so 0 steps return those of `sample`.

        Args:
          n: number of samples; the first m are the same for every n >= m.
          steps: number of times that x is redrawn; the authors use 1,000.
          seed: int32.

        Raises:
          InvalidInput: n or steps is not a positive whole number (steps may be 0), or the seed is not an int32.
        """
        check_weights(self)
        n, steps = check_samples(self, n), whole_number("steps", steps, least=0)
        run = self.traced(self._limit)
        return in_chunks(lambda seeds: run(seeds, tf.constant(steps)), [row_seeds(seed, n)])

    def _limit(self, seeds, steps):
        rng = RowNoise(seeds)

        def body(i, z):
            source = rng.fork(i)
            x = self.likelihood.sample(self.p_x(z), self.likelihood.noise(source))
            return i + 1, self.posterior.sample(self.q_z(x), self.posterior.noise(source))

        start = (tf.constant(0), self.prior.draw(self.prior.noise(rng), self.q_z))
        _, z = tf.while_loop(lambda i, _: i < steps, body, start)
        return self.p_x(z).mean()
