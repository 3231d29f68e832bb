"""Networks of binary stochastic layers, which are sampled from given noise and scored by their logits."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import layer_sizes
from dgm_zoo.distributions.discrete import bernoulli_log_density
from dgm_zoo.networks.autoregressive import level_kind


@keras.saving.register_keras_serializable("dgm_zoo")
class BeliefNetwork(keras.layers.Layer):
    """A chain of levels of bits, each conditioned on the previous one.

    With a root it is a joint distribution of all levels, and the logits of the first level are learned. Without one it
    is the distribution of the other levels given the first. "Levels" are lists of tensors `[..., size]` in sampling
    order; their leading axes must broadcast.

    Args:
      sizes: bits of each level, in sampling order.
      root: whether the first level is sampled too.
      kind: kind of all levels. "sigmoid": independent bits given the previous level, a sigmoid belief network. "darn"
        and "nade:N", with N hidden units: autoregressive, each bit also depends on the bits before it in its level.

    Raises:
      InvalidInput: sizes that do not parse, or an unknown kind.

    Example:
      >>> p, q = BeliefNetwork((10, 200, 784), root=True), BeliefNetwork((784, 200, 10))
      >>> levels, logits = q.draw(BatchNoise([0, 0], 100).logistic([q.bits], 5), x)   # x: [100, 784]
      >>> q.score(levels[1:], logits).shape, p.log_prob(levels[::-1]).shape
      (TensorShape([5, 100]), TensorShape([5, 100]))

    References: Neal, Connectionist learning of belief networks, 1992; for the autoregressive kinds see
      `networks.autoregressive`.
    """

    def __init__(self, sizes: Sequence[int] | str, root: bool = False, kind: str = "sigmoid", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sizes, self.root, self.kind = layer_sizes(sizes), root, kind
        level, given = level_kind(kind)
        befores = self.sizes[:-1]
        if root:
            befores, units = (0, *befores), self.sizes
        else:
            units = self.sizes[1:]
        self.conditionals = [
            level(*pair, **given, name=f"level_{i}", dtype="float32")  # logits, under any precision
            for i, pair in enumerate(zip(units, befores, strict=True))
        ]
        self.built = True

    @property
    def bits(self) -> int:
        """Number of sampled bits, which is the size of the last axis of the noise for `draw`."""
        return sum(one.units for one in self.conditionals)

    @property
    def per_bit(self) -> int:
        """Numbers computed to score one bit, which determine the memory."""
        return max(one.per_bit for one in self.conditionals)

    def draw(self, noise: tf.Tensor, first: tf.Tensor | None = None) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Samples all levels, one by one.

        Args:
          noise: standard logistic, `[..., bits]`.
          first: the first level, `[..., sizes[0]]`; only for a network without a root.

        Returns:
          `(levels, logits)`: all levels, including a given one, and the logits that score the sampled levels. Only the
          logits carry a gradient.
        """
        levels, logits = [] if first is None else [first], []
        for one, of_level in zip(self.conditionals, self.split(noise), strict=True):
            drawn, scored = one.draw(of_level, levels[-1] if levels else None)
            levels.append(drawn)
            logits.append(scored)
        return levels, logits

    def split(self, bits: tf.Tensor) -> list[tf.Tensor]:
        """Splits the last axis of `bits`, `[..., bits]`, into the sampled levels."""
        return tf.split(bits, [one.units for one in self.conditionals], -1)

    @staticmethod
    def score(levels: list[tf.Tensor], logits: list[tf.Tensor]) -> tf.Tensor:
        """Returns the sum of the levels' log probabilities, nats: the leading axes of the levels."""
        return sum(bernoulli_log_density(*pair) for pair in zip(levels, logits, strict=True))

    def log_prob(self, levels: list[tf.Tensor]) -> tf.Tensor:
        """Returns log p of all levels (without a root: of all others given the first), nats: the leading axes."""
        befores = [None, *levels[:-1]] if self.root else levels[:-1]
        given = zip(self.conditionals, levels[-len(befores) :], befores, strict=True)
        return sum(one.log_prob(level, before) for one, level, before in given)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sizes": list(self.sizes), "root": self.root, "kind": self.kind}
