"""Bits in groups, z = (z_0, ..., z_T), each conditioned on a neighbour: a prior p(z) and two posteriors q(z|x).

The groups are concatenated along the last axis of z. Models use a `GroupedBits` as a distribution: it has `log_prob`,
and its heads sample from it.

References: Flach, Schlesinger and Shekhovtsov, Symmetric Equilibrium Learning of VAEs, 2024; and the authors'
  code (dschles70/symvae-aistats2024).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import layer_sizes
from dgm_zoo.distributions.affine import affine
from dgm_zoo.distributions.chains import Chain, Grouped
from dgm_zoo.distributions.discrete import bernoulli_log_density, draw_bits, draw_one_hot, straight_through
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.errors import InvalidInput


class GroupedBits(Chain):
    """The distribution of bits that are sampled group by group.

    Args:
      sizes: bits of each group.
      order: the indices of the groups in sampling order.
      logits: function (t, groups) that returns the logits of group t, given the dict of the groups sampled before it.
      classes: whether z_0 is a one-hot class; otherwise its bits are independent.
      reparametrised: whether bits carry the gradient of `straight_through`.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        order: Iterable[int],
        logits: Callable[[int, dict[int, tf.Tensor]], tf.Tensor],
        classes: bool = False,
        reparametrised: bool = False,
    ) -> None:
        super().__init__(sizes, order, logits)
        self.logits, self.classes, self.reparametrised = logits, classes, reparametrised

    def log_prob_first(self, first: tf.Tensor) -> tf.Tensor:
        """Returns log p(z_0), nats, of a distribution that samples z_0 first: `[...]` for `[..., sizes[0]]`."""
        return self.score(0, first, self.logits(0, {}))

    def draw(self, noise: tf.Tensor, first: tf.Tensor | None = None) -> tf.Tensor:
        """Returns z, a function of logistic noise, `[..., bits]` each; gradient: none, or that of `straight_through`.

        Args:
          noise: standard logistic, `[..., bits]`.
          first: a known z_0, `[..., sizes[0]]`; only for a distribution that samples z_0 first.
        """
        noise = tf.split(noise, self.sizes, -1)

        def choose(t, logits):
            if t == 0 and first is not None:
                return self._bits(first, logits)
            return self._bits((draw_one_hot if self._one_hot(t) else draw_bits)(logits, noise[t]), logits)

        return self.join(self.walk(choose)[0])

    def likeliest(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z, each group at its likeliest value given the groups before it, and the logits; `[..., bits]`."""

        def choose(t, logits):
            likely = tf.one_hot(tf.argmax(logits, -1), self.sizes[t]) if self._one_hot(t) else logits > 0.0
            return self._bits(likely, logits)

        groups, logits = self.walk(choose)
        return self.join(groups), self.join(logits)

    def score(self, t: int, group: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        if self._one_hot(t):
            return tf.reduce_sum(group * tf.nn.log_softmax(parameters), -1)
        return bernoulli_log_density(group, parameters)

    def _one_hot(self, t):
        return self.classes and t == 0

    def _bits(self, chosen, logits):
        bits = tf.cast(chosen, tf.float32)
        return straight_through(bits, logits) if self.reparametrised else bits


class BitsGivenBits(keras.layers.Layer):
    """The logits of one group given another: a linear map of the given bits and of a perceptron (tanh) of them.

    Args:
      inputs: number of bits of the given group.
      units: number of bits of the predicted group.
      hidden: widths of the perceptron; empty for a linear map of only the bits.
    """

    def __init__(self, inputs: int, units: int, hidden: Sequence[int] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.perceptron, sizes = [], [inputs, *hidden]
        for i, width in enumerate(hidden, 1):
            self.perceptron.append(keras.layers.Dense(width, "tanh", name=f"hidden_{i}", dtype=self.dtype_policy))
            self.perceptron[-1].build((None, sizes[i - 1]))
        rows = inputs + sizes[-1] if hidden else inputs
        self.kernel = self.add_weight(shape=(rows, units), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")
        self.built = True

    def call(self, given: tf.Tensor) -> tf.Tensor:
        """Maps bits `[..., inputs]` to logits `[..., units]`, float32."""
        h = given
        for layer in self.perceptron:
            h = layer(h)
        return affine(tf.concat([given, h], -1) if self.perceptron else given, self.kernel, self.bias)


class _Grouped(Grouped):
    """Base of the prior and of the posteriors.

    Args:
      sizes: bits of each group, z_0 first: a list or a string, two groups or more; see `layer_sizes`.
      classes: whether z_0 is a one-hot class.
      reparametrised: whether samples carry the gradient of `straight_through`, which an evidence bound needs.
    """

    binary = True
    range = (0.0, 1.0)

    def __init__(
        self, sizes: Sequence[int] | str, classes: bool = False, reparametrised: bool = False, **kwargs: Any
    ) -> None:
        self.classes, self.reparametrised = classes, reparametrised
        if classes and reparametrised:
            raise InvalidInput("no gradient passes through a class; set only one of classes and reparametrised")
        super().__init__(sizes, **kwargs)

    def shares(self, prior: Prior) -> dict[str, Callable]:
        """Returns the prior's logits; raises `InvalidInput` unless the prior has the same groups."""
        self.check_prior(prior, GroupedPrior, "LadderPosterior or ReversePosterior", "bits")
        if prior.classes != self.classes:
            raise InvalidInput(
                "prior and posterior disagree on whether z_0 is a class; set classes=True on both or neither"
            )
        return {"prior_logits": prior.logits}

    def noise(self, rng: BatchNoise, samples: int | None = None) -> tf.Tensor:
        return rng.logistic(self.event_shape, samples)

    def sample(self, distribution: GroupedBits, noise: tf.Tensor, first: tf.Tensor | None = None) -> tf.Tensor:
        return distribution.draw(noise, first)

    def code(self, distribution: GroupedBits) -> tf.Tensor:
        """Returns z with each group at its likeliest value given the groups before it."""
        return distribution.likeliest()[0]

    def moments(self, distribution: GroupedBits) -> dict[str, tf.Tensor]:
        return {"logits": distribution.likeliest()[1]}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "classes": self.classes, "reparametrised": self.reparametrised}


@keras.saving.register_keras_serializable("dgm_zoo")
class GroupedPrior(_Grouped, Prior):
    """p(z) = p(z_0) p(z_1|z_0) ... p(z_T|z_T-1), with uniform bits z_0 and one `BitsGivenBits` per further group.

    Args:
      sizes: bits of each group, z_0 first: a list or a string, two groups or more; see `layer_sizes`.
      hidden: widths of the perceptrons.
      classes: whether z_0 is a one-hot class, uniformly distributed.

    Raises:
      InvalidInput: sizes that do not parse, or fewer than two groups.

    Example:
      >>> prior = GroupedPrior((30, 100), hidden=(600, 600))
      >>> prior.draw(prior.noise(BatchNoise([0, 0], 64))).shape
      TensorShape([64, 130])
    """

    def __init__(self, sizes: Sequence[int] | str, hidden: Sequence[int] | str = (), **kwargs: Any) -> None:
        super().__init__(sizes, **kwargs)
        self.hidden = layer_sizes(hidden, empty=True)
        self.steps = self.steps_of(BitsGivenBits, self.hidden, range(len(self.sizes)))

    def logits(self, t: int, groups: dict[int, tf.Tensor]) -> tf.Tensor:
        """Returns the logits of z_t given the dict of the groups before it: `[..., sizes[t]]`."""
        return self.steps[t - 1](groups[t - 1]) if t else tf.zeros(self.sizes[:1])

    def distribution(self, posterior: Callable | None = None) -> GroupedBits:
        return GroupedBits(self.sizes, range(len(self.sizes)), self.logits, self.classes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden": list(self.hidden)}


@keras.saving.register_keras_serializable("dgm_zoo")
class LadderPosterior(_Grouped):
    """q(z|x) = q(z_0|x) q(z_1|z_0, x) ... in the prior's order, sharing its logits.

    The logits of z_0 are a_0(x); those of z_t are the prior's, given z_t-1, plus a_t(x). The network emits all a_t. For
    two groups and a p(x|z_1) whose logarithm is linear in z_1, the exact p(z_1|z_0, x) has this form. The
    prior's layers still belong to the prior: a player that owns this head does not train them.

    Args:
      sizes: bits of each group, z_0 first.
      classes: whether z_0 is a one-hot class with logits a_0(x).
      reparametrised: whether samples carry the gradient of `straight_through`, which an evidence bound needs.
    """

    def call(self, params: tf.Tensor, prior_logits: Callable) -> GroupedBits:
        """Returns q(z|x) for `params`, `[batch, bits]`, and `GroupedPrior.logits`."""
        own = tf.split(params, self.sizes, -1)
        logits = lambda t, groups: own[t] + prior_logits(t, groups) if t else own[0]  # noqa: E731
        return GroupedBits(self.sizes, range(len(self.sizes)), logits, self.classes, self.reparametrised)


@keras.saving.register_keras_serializable("dgm_zoo")
class ReversePosterior(_Grouped):
    """q(z|x) = q(z_T|x) q(z_T-1|z_T) ... q(z_0|z_1), in the order of wake-sleep.

    The network emits only the logits of z_T.

    Args:
      sizes: bits of each group, z_0 first.
      hidden: widths of the perceptrons of the other groups' `BitsGivenBits`.
      reparametrised: see `LadderPosterior`.
    """

    def __init__(self, sizes: Sequence[int] | str, hidden: Sequence[int] | str = (), **kwargs: Any) -> None:
        super().__init__(sizes, **kwargs)
        self.hidden = layer_sizes(hidden, empty=True)
        self.steps = self.steps_of(BitsGivenBits, self.hidden, range(len(self.sizes))[::-1])

    @property
    def params_shape(self) -> tuple[int, ...]:
        return self.sizes[-1:]

    def call(self, params: tf.Tensor, prior_logits: Callable) -> GroupedBits:
        """Returns q(z|x) for `params`, `[batch, sizes[-1]]`; the prior's logits are unused."""
        last = len(self.sizes) - 1
        logits = lambda t, groups: self.steps[last - 1 - t](groups[t + 1]) if t < last else params  # noqa: E731
        return GroupedBits(self.sizes, range(last + 1)[::-1], logits, self.classes, self.reparametrised)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden": list(self.hidden)}


INFERENCE = {"ladder": LadderPosterior, "reverse": ReversePosterior}
