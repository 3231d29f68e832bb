"""Normal values in groups, z = (z_0, ..., z_T), each conditioned on a neighbour: a prior and two posteriors.

The counterpart of `groups`, whose groups are bits. The groups are concatenated along the last axis of z, z_0 first, as
they are sampled from p(z); only z_T is next to x. Samples carry the exact gradient (reparametrisation).

References: Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016, Eq. 1 and 2, and its code
  (yburda/iwae); Sønderby et al., Ladder Variational Autoencoders, 2016.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import layer_sizes
from dgm_zoo.distributions.affine import affine
from dgm_zoo.distributions.chains import Chain, Grouped
from dgm_zoo.distributions.heads import positive
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.distributions.priors import Prior

Normal = tuple[tf.Tensor, tf.Tensor]  # mean and standard deviation of independent normal values


class GroupedNormals(Chain):
    """The distribution of independent normal values that are sampled group by group.

    Args:
      sizes: values in each group.
      order: the indices of the groups in sampling order.
      parameters: function (t, groups, held) that returns mean and standard deviation of group t, given the dict
        of the groups sampled before it; with `held`, no gradient reaches any weight through them, but that of `groups`
        remains.
    """

    def score(self, t: int, group: tf.Tensor, parameters: Normal) -> tf.Tensor:
        mean, stddev = parameters
        square = ((group - mean) / stddev) ** 2
        return -0.5 * tf.reduce_sum(square + 2.0 * tf.math.log(stddev) + math.log(2.0 * math.pi), -1)

    def draw(self, noise: tf.Tensor) -> tf.Tensor:
        """Returns z, a differentiable function of standard normal noise, `[..., sum(sizes)]` each."""
        noise = tf.split(noise, self.sizes, -1)
        return self.join(self.walk(lambda t, normal: normal[0] + normal[1] * noise[t])[0])

    def means(self) -> Normal:
        """Returns the mean of each group given the means of those before it, and its standard deviation there."""
        means, found = self.walk(lambda t, normal: normal[0])
        return self.join(means), self.join({t: tf.broadcast_to(found[t][1], tf.shape(means[t])) for t in means})

    def held(self) -> "GroupedNormals":
        """Returns the same distribution, whose density has a gradient in z alone."""
        return GroupedNormals(self.sizes, self.order, lambda t, groups: self.parameters(t, groups, held=True))


class NormalGivenValues(keras.layers.Layer):
    """Mean and standard deviation of one group given another: a perceptron (tanh) with two linear outputs.

    Args:
      inputs: number of values of the given group.
      units: number of values of the predicted group.
      hidden: widths of the perceptron; empty for linear outputs of the values themselves.
    """

    def __init__(self, inputs: int, units: int, hidden: Sequence[int] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        widths, outputs, self.maps = [inputs, *hidden], [*hidden, 2 * units], []
        for i, (rows, columns) in enumerate(zip(widths, outputs, strict=True), 1):
            kernel = self.add_weight(shape=(rows, columns), initializer="glorot_uniform", name=f"kernel_{i}")
            self.maps.append((kernel, self.add_weight(shape=(columns,), initializer="zeros", name=f"bias_{i}")))
        self.built = True

    def call(self, given: tf.Tensor, held: bool = False) -> Normal:
        """Maps values `[..., inputs]` to mean and standard deviation, `[..., units]` each, float32.

        With `held`, the gradient reaches `given` and no weight.
        """
        h = given
        for i, (kernel, bias) in enumerate(self.maps):
            weights = [tf.convert_to_tensor(kernel), tf.convert_to_tensor(bias)]
            h = affine(tf.tanh(h) if i else h, *(map(tf.stop_gradient, weights) if held else weights))
        mean, raw = tf.split(h, 2, -1)
        return mean, positive(raw)


class _Grouped(Grouped):
    """Base of the prior and of the posteriors; see `Grouped`."""

    def shares(self, prior: Prior) -> dict[str, Callable]:
        """Returns the prior's parameters; raises `InvalidInput` unless the prior has the same groups."""
        posteriors = "LadderNormalPosterior or ReverseNormalPosterior"
        self.check_prior(prior, GroupedNormalPrior, posteriors, "values")
        return {"prior_parameters": prior.parameters}

    def noise(self, rng: BatchNoise, samples: int | None = None) -> tf.Tensor:
        return rng.normal(self.event_shape, samples)

    def sample(self, distribution: GroupedNormals, noise: tf.Tensor) -> tf.Tensor:
        return distribution.draw(noise)

    def held(self, distribution: GroupedNormals) -> GroupedNormals:
        return distribution.held()

    def code(self, distribution: GroupedNormals) -> tf.Tensor:
        """Returns z with each group at its mean given the groups before it."""
        return distribution.means()[0]

    def moments(self, distribution: GroupedNormals) -> dict[str, tf.Tensor]:
        """Returns `mean` and `stddev` of each group given the means of those sampled before it."""
        mean, stddev = distribution.means()
        return {"mean": mean, "stddev": stddev}


@keras.saving.register_keras_serializable("dgm_zoo")
class GroupedNormalPrior(_Grouped, Prior):
    """p(z) = p(z_0) p(z_1|z_0) ... p(z_T|z_T-1), z_0 ~ N(0, I), with one `NormalGivenValues` per further group.

    Args:
      sizes: values in each group, z_0 first: a list or a string, two groups or more; see `layer_sizes`.
      hidden: widths of the perceptrons.

    Raises:
      InvalidInput: sizes that do not parse, or fewer than two groups.

    Example:
      >>> prior = GroupedNormalPrior((50, 100), hidden=(100, 100))
      >>> prior.draw(prior.noise(BatchNoise([0, 0], 64))).shape
      TensorShape([64, 150])

    References: Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016, Eq. 1.
    """

    def __init__(self, sizes: Sequence[int] | str, hidden: Sequence[int] | str = (), **kwargs: Any) -> None:
        super().__init__(sizes, **kwargs)
        self.hidden = layer_sizes(hidden, empty=True)
        self.steps = self.steps_of(NormalGivenValues, self.hidden, range(len(self.sizes)))

    def parameters(self, t: int, groups: dict[int, tf.Tensor], held: bool = False) -> Normal:
        """Returns mean and standard deviation of z_t given the dict of the groups before it: `[..., sizes[t]]`."""
        if t:
            return self.steps[t - 1](groups[t - 1], held=held)
        return tf.zeros(self.sizes[:1]), tf.ones(self.sizes[:1])

    def distribution(self, posterior: Callable | None = None) -> GroupedNormals:
        return GroupedNormals(self.sizes, range(len(self.sizes)), self.parameters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden": list(self.hidden)}


@keras.saving.register_keras_serializable("dgm_zoo")
class LadderNormalPosterior(_Grouped):
    """q(z|x) = q(z_0|x) q(z_1|z_0, x) ... in the prior's order, sharing its normals.

    The network emits a normal a_t(x) for each group. q(z_0|x) is a_0(x); q(z_t|z_t-1, x) is proportional to the product
    of the densities of p(z_t|z_t-1) and a_t(x): precisions add up, and weight the means. For two groups and an x that
    is normal and linear in z_1, with orthogonal effects, the exact p(z_1|z_0, x) has this form. The prior's layers
    still belong to the prior: a player that owns this head does not train them.

    Args:
      sizes: values in each group, z_0 first.

    References: Sønderby et al., Ladder Variational Autoencoders, 2016.
    """

    @property
    def params_shape(self) -> tuple[int, ...]:
        return (2 * sum(self.sizes),)

    def call(self, params: tf.Tensor, prior_parameters: Callable) -> GroupedNormals:
        """Returns q(z|x) for `params`, `[batch, 2 * sum(sizes)]`: means and raw standard deviations of each group."""
        own = tf.split(params, [2 * size for size in self.sizes], -1)

        def parameters(t, groups, held=False):
            mean, stddev = _normal(own[t], held)
            if not t:
                return mean, stddev
            of_prior, spread = prior_parameters(t, groups, held=held)
            precision, before = stddev**-2, spread**-2
            return (precision * mean + before * of_prior) / (precision + before), (precision + before) ** -0.5

        return GroupedNormals(self.sizes, range(len(self.sizes)), parameters)


@keras.saving.register_keras_serializable("dgm_zoo")
class ReverseNormalPosterior(_Grouped):
    """q(z|x) = q(z_T|x) q(z_T-1|z_T) ... q(z_0|z_1): from x upwards, each group a normal given the one below it.

    The network emits mean and raw standard deviation of z_T alone.

    Args:
      sizes: values in each group, z_0 first.
      hidden: widths of the perceptrons of the other groups' `NormalGivenValues`.

    References: Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016, Eq. 2.
    """

    def __init__(self, sizes: Sequence[int] | str, hidden: Sequence[int] | str = (), **kwargs: Any) -> None:
        super().__init__(sizes, **kwargs)
        self.hidden = layer_sizes(hidden, empty=True)
        self.steps = self.steps_of(NormalGivenValues, self.hidden, range(len(self.sizes))[::-1])

    @property
    def params_shape(self) -> tuple[int, ...]:
        return (2 * self.sizes[-1],)

    def call(self, params: tf.Tensor, prior_parameters: Callable | None = None) -> GroupedNormals:
        """Returns q(z|x) for `params`, `[batch, 2 * sizes[-1]]`; the prior's parameters are unused."""
        last = len(self.sizes) - 1

        def parameters(t, groups, held=False):
            return self.steps[last - 1 - t](groups[t + 1], held=held) if t < last else _normal(params, held)

        return GroupedNormals(self.sizes, range(last + 1)[::-1], parameters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden": list(self.hidden)}


def _normal(params, held):
    """Returns mean and standard deviation from a network's output; with `held`, no gradient passes to the network."""
    mean, raw = tf.split(tf.stop_gradient(params) if held else params, 2, -1)
    return mean, positive(raw)


NORMAL_INFERENCE = {"ladder": LadderNormalPosterior, "reverse": ReverseNormalPosterior}
