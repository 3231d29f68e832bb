"""Networks of binary stochastic layers: sampled from noise that is given, scored on logits."""

import keras
import tensorflow as tf

from dgm_zoo.distributions.discrete import bernoulli_log_density
from dgm_zoo.distributions.heads import is_whole
from dgm_zoo.errors import InvalidInput


def layer_sizes(sizes):
    """Returns the sizes of latent layers as a tuple of ints, the one next to the data first.

    Args:
      sizes: a list or tuple of positive whole numbers, or a string of them such as "200,200,10".

    Raises:
      InvalidInput: anything else; names it.

    Example:
      >>> layer_sizes("200,200,10")
      (200, 200, 10)
    """
    parts = sizes.split(",") if isinstance(sizes, str) else sizes
    if isinstance(parts, (list, tuple)) and parts:
        try:
            whole = [int(part) if isinstance(part, str) else part for part in parts]
        except ValueError:
            whole = []
        if whole and all(is_whole(size, 1) for size in whole):
            return tuple(int(size) for size in whole)
    raise InvalidInput(f"layer sizes {sizes!r} do not parse; give positive whole numbers, such as '200,200,10'")


@keras.saving.register_keras_serializable("dgm_zoo")
class SigmoidBelief(keras.layers.Layer):
    """The Bernoulli logits W h + b of one level of a sigmoid belief network, given the level h before it.

    It starts as in the code of Bornschein et al.: weights uniform on +-sqrt(6 / (inputs + units)) / inputs, biases
    -1. So small a start keeps deep stacks from saturating.

    Args:
      units: bits of this level.
      inputs: bits of the level before it; 0 for a level without one, whose logits are b alone.
    """

    def __init__(self, units, inputs=0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.inputs = units, inputs
        self.kernel = self.add_weight(shape=(inputs, units), initializer=_small, name="kernel") if inputs else None
        self.bias = self.add_weight(shape=(units,), initializer=keras.initializers.Constant(-1.0), name="bias")
        self.built = True

    def call(self, before):
        """Maps `[..., inputs]` to logits `[..., units]`, float32."""
        return tf.cast(keras.ops.matmul(before, self.kernel) + self.bias, tf.float32)

    def logits(self, before):
        """The logits given the level before, or `[units]` where there is none (`before` is then None)."""
        return self(before) if self.inputs else tf.cast(tf.convert_to_tensor(self.bias), tf.float32)

    def log_prob(self, bits, before):
        """log p(bits | before), nats: `[...]` for bits `[..., units]`, broadcast against `before`."""
        return bernoulli_log_density(bits, self.logits(before))

    def get_config(self):
        return {**super().get_config(), "units": self.units, "inputs": self.inputs}


def _small(shape, dtype=None):
    return keras.initializers.GlorotUniform()(shape, dtype) / shape[0]


@keras.saving.register_keras_serializable("dgm_zoo")
class BeliefNetwork(keras.layers.Layer):
    """A chain of sigmoid belief levels, each Bernoulli given the one before it.

    With a root it is a joint distribution of all its levels, and the first level's logits are learned; without one
    it is the distribution of the others given the first. "Levels" are lists of tensors `[..., size]` in the order in
    which they are sampled; their leading axes may differ as long as they broadcast.

    Args:
      sizes: bits of each level, in the order in which they are sampled.
      root: whether the first level is sampled too.

    Example:
      >>> p, q = BeliefNetwork((10, 200, 784), root=True), BeliefNetwork((784, 200, 10))
      >>> levels, logits = q.draw(BatchNoise([0, 0], 100).uniform([q.bits], 5), x)   # x: [100, 784]
      >>> q.score(levels[1:], logits).shape, p.log_prob(levels[::-1]).shape
      (TensorShape([5, 100]), TensorShape([5, 100]))

    References: Neal, Connectionist learning of belief networks, 1992.
    """

    def __init__(self, sizes, root=False, **kwargs):
        super().__init__(**kwargs)
        self.sizes, self.root = layer_sizes(sizes), root
        befores = self.sizes[:-1]
        if root:
            befores, units = (0, *befores), self.sizes
        else:
            units = self.sizes[1:]
        self.conditionals = [
            SigmoidBelief(*pair, name=f"level_{i}", dtype=self.dtype_policy)
            for i, pair in enumerate(zip(units, befores, strict=True))
        ]
        self.built = True

    @property
    def bits(self):
        """Number of bits that are sampled: the last axis of the noise that `draw` takes."""
        return sum(one.units for one in self.conditionals)

    def draw(self, noise, first=None):
        """Samples all levels, one after the other.

        Args:
          noise: uniform on [0, 1), `[..., bits]`.
          first: the first level, `[..., sizes[0]]`, of a network without a root.

        Returns:
          `(levels, logits)`: all levels, the given one included, and the logits of those that were sampled. The bits
          carry no gradient, the logits do.
        """
        levels, logits = [] if first is None else [first], []
        for one, uniform in zip(self.conditionals, self.split(noise), strict=True):
            logits.append(one.logits(levels[-1] if levels else None))
            levels.append(tf.cast(uniform < tf.sigmoid(logits[-1]), tf.float32))
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
        return {**super().get_config(), "sizes": list(self.sizes), "root": self.root}
