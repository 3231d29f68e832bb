"""Networks of binary stochastic layers: sampled from noise that is given, scored on logits."""


import keras
import tensorflow as tf

from dgm_zoo.checks import layer_sizes
from dgm_zoo.distributions.discrete import bernoulli_log_density
from dgm_zoo.networks.autoregressive import level_kind


@keras.saving.register_keras_serializable("dgm_zoo")
class BeliefNetwork(keras.layers.Layer):
    """A chain of levels of bits, each given the one before it.

    With a root it is a joint distribution of all its levels, and the first level's logits are learned; without one
    it is the distribution of the others given the first. "Levels" are lists of tensors `[..., size]` in the order in
    which they are sampled; their leading axes may differ as long as they broadcast.

    Args:
      sizes: bits of each level, in the order in which they are sampled.
      root: whether the first level is sampled too.
      kind: of each level. "sigmoid": independent bits given the level before, a sigmoid belief network. "darn" and
        "nade:N", with N hidden units: autoregressive ones, each bit given those before it in its level too.

    Raises:
      InvalidInput: sizes that do not parse, or an unknown kind.

    Example:
      >>> p, q = BeliefNetwork((10, 200, 784), root=True), BeliefNetwork((784, 200, 10))
      >>> levels, logits = q.draw(BatchNoise([0, 0], 100).uniform([q.bits], 5), x)   # x: [100, 784]
      >>> q.score(levels[1:], logits).shape, p.log_prob(levels[::-1]).shape
      (TensorShape([5, 100]), TensorShape([5, 100]))

    References: Neal, Connectionist learning of belief networks, 1992; for the autoregressive kinds see
      `networks.autoregressive`.
    """

    def __init__(self, sizes, root=False, kind="sigmoid", **kwargs):
        super().__init__(**kwargs)
        self.sizes, self.root, self.kind = layer_sizes(sizes), root, kind
        level, given = level_kind(kind)
        befores = self.sizes[:-1]
        if root:
            befores, units = (0, *befores), self.sizes
        else:
            units = self.sizes[1:]
        self.conditionals = [
            level(*pair, **given, name=f"level_{i}", dtype=self.dtype_policy)
            for i, pair in enumerate(zip(units, befores, strict=True))
        ]
        self.built = True

    @property
    def bits(self):
        """Number of bits that are sampled: the last axis of the noise that `draw` takes."""
        return sum(one.units for one in self.conditionals)

    @property
    def per_bit(self):
        """Numbers that the score of one bit is made of, by which memory grows."""
        return max(one.per_bit for one in self.conditionals)

    def draw(self, noise, first=None):
        """Samples all levels, one after the other.

        Args:
          noise: uniform on [0, 1), `[..., bits]`.
          first: the first level, `[..., sizes[0]]`, of a network without a root.

        Returns:
          `(levels, logits)`: all levels, the given one included, and the logits under which those that were sampled
          are scored. The bits carry no gradient, the logits do.
        """
        levels, logits = [] if first is None else [first], []
        for one, uniform in zip(self.conditionals, self.split(noise), strict=True):
            drawn, scored = one.draw(uniform, levels[-1] if levels else None)
            levels.append(drawn)
            logits.append(scored)
        return levels, logits

    def split(self, bits):
        """Cuts the last axis of `bits`, `[..., bits]`, into the levels that are sampled."""
        return tf.split(bits, [one.units for one in self.conditionals], -1)

    @staticmethod
    def score(levels, logits):
        """The sum of the levels' log probabilities, nats: their leading axes."""
        return sum(bernoulli_log_density(*pair) for pair in zip(levels, logits, strict=True))

    def log_prob(self, levels):
        """log p of all levels, or of all but the first given it, nats: the levels' leading axes, broadcast."""
        befores = [None, *levels[:-1]] if self.root else levels[:-1]
        given = zip(self.conditionals, levels[-len(befores) :], befores, strict=True)
        return sum(one.log_prob(level, before) for one, level, before in given)

    def get_config(self):
        return {**super().get_config(), "sizes": list(self.sizes), "root": self.root, "kind": self.kind}
