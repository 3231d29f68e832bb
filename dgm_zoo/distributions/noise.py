"""Stateless noise for batches and rows.

All randomness of the zoo is drawn here, outside the compiled region, and passed to pure functions. Two classes share
one interface, so the same sampler works in a training step and in a served request:

* `BatchNoise` draws a whole batch from one seed; it is fast, for training and evaluation;
* `RowNoise` draws each row from that row's own seed: a row's value does not depend on its batch.

Both give the same numbers with and without XLA, because XLA never draws them. (XLA's own generator is many times slower
than TensorFlow's on a CPU, and gives another stream.)
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_seed


def row_seeds(seed: int, n: int) -> np.ndarray:
    """Returns `n` int32 seeds derived from `seed`, `[n]`; the first m of them do not depend on n.

    Example:
      >>> row_seeds(0, 64)[:8] == row_seeds(0, 8)   # all true
    """
    words = np.random.SeedSequence(check_seed(seed) + 2**31).generate_state(n)
    return words.astype(np.uint32).view(np.int32)


def step_seed(seed: int | tf.Tensor, stream: int, position: int | tf.Tensor) -> tf.Tensor:
    """Returns the seed of one batch: an int32 tensor `[2]`, independent for each stream, position and replica.

    Args:
      seed: the model's seed, int32.
      stream: 0 for training, 1 for evaluation.
      position: index of the batch in its stream, int32.
    """
    found = tf.random.fold_in(tf.stack([seed, stream]), position)
    context = tf.distribute.get_replica_context()
    if context is not None and context.num_replicas_in_sync > 1:
        found = tf.random.fold_in(found, context.replica_id_in_sync_group)
    return found


class BatchNoise:
    """Independent noise for `n` rows from one seed.

    Args:
      seed: int32 tensor or sequence of shape `[2]`.
      n: number of rows, an int or a scalar int32 tensor.

    Example:
      >>> BatchNoise([0, 1], 128).normal([50]).shape
      TensorShape([128, 50])
    """

    def __init__(self, seed: tf.Tensor | Sequence[int], n: int | tf.Tensor) -> None:
        self.seed, self.n, self.draws = tf.cast(seed, tf.int32), n, 0

    def fork(self, index: int | tf.Tensor) -> "BatchNoise":
        """Returns a new noise source, independent of this one and of forks with another `index`."""
        return type(self)(tf.random.fold_in(tf.random.fold_in(self.seed, -1), index), self.n)

    def normal(self, shape: Sequence[int], samples: int | None = None) -> tf.Tensor:
        """Returns standard normal float32 noise, `[n, *shape]`, or `[samples, n, *shape]`."""
        return self._draw(tf.random.stateless_normal, shape, samples)

    def uniform(self, shape: Sequence[int], samples: int | None = None) -> tf.Tensor:
        """Returns float32 noise uniform on [0, 1), `[n, *shape]`, or `[samples, n, *shape]`."""
        return self._draw(tf.random.stateless_uniform, shape, samples)

    def logistic(self, shape: Sequence[int], samples: int | None = None) -> tf.Tensor:
        """Returns standard logistic float32 noise, `[n, *shape]`, or `[samples, n, *shape]`; see `draw_bits`.

        It is log u - log (1 - u) for the u of `uniform`, made finer than its steps of 2^-23: it is below a logit with
        probability sigmoid(logit) for logits from -38 to 38, and u from 2^-56 to 1 - 2^-56.
        """
        return self._draw(_logistic, shape, samples)

    def zeros(self, shape: Sequence[int], samples: int | None = None) -> tf.Tensor:
        """Returns float32 zeros of the shape that `normal` returns: the noise of a deterministic head."""
        return tf.zeros([*([] if samples is None else [samples]), self.n, *shape])

    def _next(self):
        self.draws += 1
        return self.draws

    def _draw(self, sampler, shape, samples):
        lead = [self.n] if samples is None else [samples, self.n]
        return sampler([*lead, *shape], tf.random.fold_in(self.seed, self._next()))


def _logistic(shape, key):
    """log u - log (1 - u), u uniform. Values along the last axis share the last 32 binary digits of u, after 23 own.

    Two bits that they decide depend on each other only if both u lie in the steps of 2^-23 in which their bits change.
    """
    u = tf.random.stateless_uniform(shape, key)
    fine = tf.random.stateless_uniform([*shape[:-1], 1][: len(shape)], tf.bitwise.invert(key), None, None, tf.uint32)
    below, above = (2.0**-55 * (tf.cast(part, tf.float32) + 0.5) for part in (fine, tf.bitwise.invert(fine)))
    return tf.math.log((u + below) / ((1.0 - 2.0**-23) - u + above))


class RowNoise(BatchNoise):
    """Noise whose row i depends only on `seeds[i]`.

    Args:
      seeds: int32 tensor `[n]`, or `[n, 2]`.
    """

    def __init__(self, seeds: tf.Tensor | Sequence[int]) -> None:
        seeds = tf.cast(seeds, tf.int32)
        seeds = tf.stack([seeds, tf.zeros_like(seeds)], -1) if seeds.shape.rank == 1 else seeds
        super().__init__(seeds, tf.shape(seeds)[0])

    def fork(self, index: int | tf.Tensor) -> "RowNoise":
        fold = lambda s: tf.random.fold_in(tf.random.fold_in(s, -1), index)  # noqa: E731
        return RowNoise(tf.map_fn(fold, self.seed))

    def _draw(self, sampler, shape, samples):
        shape = [*shape] if samples is None else [samples, *shape]
        draw, known = self._next(), [None if tf.is_tensor(size) else size for size in shape]
        noise = tf.map_fn(
            lambda s: sampler(shape, tf.random.fold_in(s, draw)),
            self.seed,
            fn_output_signature=tf.TensorSpec(known, tf.float32),
        )
        return noise if samples is None else tf.einsum("ns...->sn...", noise)
