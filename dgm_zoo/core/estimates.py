"""What a model with p(z), p(x|z) and q(z|x) answers by drawing: its likelihood, and x with its noise."""

import numpy as np
import tensorflow as tf

from dgm_zoo.checks import whole_number
from dgm_zoo.core.endpoints import ROWS_PER_CALL, check_array, checked
from dgm_zoo.distributions import RowNoise, row_seeds
from dgm_zoo.errors import InvalidInput

ROWS_PER_DECODE = 4000  # samples x images in one call of the decoder when a likelihood is estimated


class Estimates:
    """Mixin of models with `prior`, `posterior`, `likelihood`, `q_z` and `p_x`, such as `VAE`."""

    def log_weights(self, x, c, q, noise):
        """log p(x, z_k) - log q(z_k|x) for z_k ~ q, nats: `[k, batch]`."""
        z = self.posterior.sample(q, noise)
        return self.p_x(z, *c).log_prob(x) + self.p_z().log_prob(z) - q.log_prob(z)

    def log_likelihood(self, x, label=None, num_samples=1000, seed=0):
        """Importance-sampled log p(x), nats: NumPy `[n]`.

        A lower bound in expectation, tight as `num_samples` grows. Memory does not grow with `num_samples`, and
        an image's number does not depend on the others given with it.

        Args:
          x: `[n, *image_shape]`.
          label: `[n]` for a model that is conditioned on labels.
          num_samples: importance samples K per image.
          seed: int32.

        References: Burda et al., 2016, section 5 (K = 5,000).
        """
        num_samples = whole_number("num_samples", num_samples)
        given = {"x": x, **self._given("log_likelihood", label)}
        takes = self.endpoints()["log_likelihood"].inputs
        x, label = (
            check_array("log_likelihood", name, given.get(name), wanted) if (wanted := takes.get(name)) else None
            for name in ("x", "label")
        )
        if label is not None and len(label) != len(x):
            rows = sorted({len(x), len(label)})
            raise InvalidInput(f"log_likelihood: inputs have {rows} rows; give each the same number")
        chunk = min(num_samples, 200)
        rows, seeds = max(1, ROWS_PER_DECODE // chunk), row_seeds(seed, len(x))
        parts = [np.zeros(0, np.float32)] + [
            self.traced(self._estimate)(
                tf.constant(x[i : i + rows]), None if label is None else tf.constant(label[i : i + rows]),
                tf.constant(seeds[i : i + rows]), tf.constant(num_samples), chunk,
            ).numpy()
            for i in range(0, len(x), rows)
        ]
        return np.concatenate(parts)

    def _estimate(self, x, label, seeds, num_samples, chunk):
        c, rng = self.condition(label), RowNoise(seeds)
        q = self.q_z(x, *c)

        def body(i, total):
            log_w = self.log_weights(x, c, q, self.posterior.noise(rng.fork(i), chunk))
            counts = i * chunk + tf.range(chunk) < num_samples  # the last chunk may be more than is asked for
            log_w = tf.where(counts[:, None], log_w, -float("inf"))
            return i + 1, tf.reduce_logsumexp(tf.concat([total[None], log_w], 0), 0)

        start = (tf.constant(0), tf.fill([tf.shape(x)[0]], -float("inf")))
        _, total = tf.while_loop(lambda i, _: i * chunk < num_samples, body, start)
        return total - tf.math.log(tf.cast(num_samples, tf.float32))

    def draw_z(self, noise, label=None):
        """z ~ p(z) for what `prior.noise` drew, `[batch, latent_dim]`; of a class if that is a part of z."""
        return self.prior.draw(noise, self.q_z)

    def draw(self, n, seed=0, label=None):
        """Draws z ~ p(z), then x ~ p(x|z), of which `sample` gives the mean: NumPy `[n, *image_shape]`.

        The mean is the better picture; a draw is what the model holds data to be, its noise included.

        Args:
          n, seed: see `sample`.
          label: what the model conditions on, `[n]` or one for all; None for a model without labels.

        Raises:
          InvalidInput: see `sample`.
        """
        asked = self.asked(n, seed, {} if label is None else {"label": label})
        arrays = checked("draw", self.endpoints()["sample"].inputs, asked).values()  # seeds, and labels if any
        starts = range(0, n, ROWS_PER_CALL)
        parts = [[tf.constant(value[i : i + ROWS_PER_CALL]) for value in arrays] for i in starts]
        return np.concatenate([self.traced(self._draw)(*part).numpy() for part in parts])

    def _draw(self, seeds, label=None):
        rng, c = RowNoise(seeds), self.condition(label)
        p = self.p_x(self.draw_z(self.prior.noise(rng), label), *c)
        return self.likelihood.sample(p, self.likelihood.noise(rng))
