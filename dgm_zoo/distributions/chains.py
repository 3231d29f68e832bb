"""What distributions over groups z = (z_0, ..., z_T) share, be their values bits or normal."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tensorflow as tf

from dgm_zoo.checks import layer_sizes
from dgm_zoo.distributions.heads import Head
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.errors import InvalidInput


class Chain:
    """A distribution of groups that are sampled one after another, each given those before it.

    A subclass says how a group is scored, in `score(t, group, parameters)`, and how it is drawn, by `walk`.

    Args:
      sizes: values in each group.
      order: the indices of the groups in sampling order.
      parameters: function (t, groups) that returns the parameters of group t, given the dict of the groups sampled
        before it.
    """

    def __init__(self, sizes: Sequence[int], order: Iterable[int], parameters: Callable[..., Any]) -> None:
        self.sizes, self.order, self.parameters = sizes, order, parameters

    def score(self, t: int, group: tf.Tensor, parameters: Any) -> tf.Tensor:
        """Returns the log density or mass of one group, nats: `[..., sizes[t]]` to `[...]`."""
        raise NotImplementedError(f"{type(self).__name__} must implement score(t, group, parameters)")

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        """Returns log p(z), nats: `[...]` for z `[..., sum(sizes)]`."""
        groups = dict(enumerate(tf.split(z, self.sizes, -1)))
        return sum(self.score(t, groups[t], self.parameters(t, groups)) for t in self.order)

    def walk(self, choose: Callable[[int, Any], tf.Tensor]) -> tuple[dict[int, tf.Tensor], dict[int, Any]]:
        """Returns the groups that `choose(t, parameters)` chooses in sampling order, and their parameters, by index."""
        groups, found = {}, {}
        for t in self.order:
            found[t] = self.parameters(t, groups)
            groups[t] = choose(t, found[t])
        return groups, found

    def join(self, groups: dict[int, tf.Tensor]) -> tf.Tensor:
        """Returns the groups as one tensor, z_0 first: `[..., sum(sizes)]`."""
        return tf.concat([groups[t] for t in range(len(self.sizes))], -1)


class Grouped(Head):
    """Base of the priors and posteriors over groups.

    Args:
      sizes: values in each group, z_0 first: a list or a string, two groups or more; see `layer_sizes`.
    """

    factorised = False

    def __init__(self, sizes: Sequence[int] | str, **kwargs: Any) -> None:
        self.sizes = layer_sizes(sizes)
        if len(self.sizes) < 2:
            raise InvalidInput(f"groups {sizes!r} must have at least two sizes, such as '30,100'")
        super().__init__((sum(self.sizes),), **kwargs)
        self.built = True

    def check_prior(self, prior: Prior, wanted: type, posteriors: str, values: str) -> None:
        """Raises `InvalidInput` unless `prior` is a `wanted` with the same groups."""
        if not isinstance(prior, wanted):
            raise InvalidInput(
                f"{type(self).__name__} needs a {wanted.__name__}, got {type(prior).__name__}; give a "
                f"{wanted.__name__} and a {posteriors}"
            )
        if prior.sizes != self.sizes:
            raise InvalidInput(
                f"the prior has groups of {prior.sizes} {values} and the posterior of {self.sizes}; make them equal"
            )

    def steps_of(self, layer: type, hidden: Sequence[int], order: Iterable[int]) -> list:
        """Returns the layers `layer(inputs, units, hidden)` from each group to the next one in `order`."""
        return [
            layer(self.sizes[a], self.sizes[b], hidden, name=f"group_{a}_to_{b}", dtype="float32")
            for a, b in itertools.pairwise(order)
        ]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["event_shape"]
        return {**config, "sizes": list(self.sizes)}
