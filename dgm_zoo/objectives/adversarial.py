"""Adversarial objectives: q_phi(y|x) against its reversal q^r_phi(y|x) = q_phi(1 - y|x), as functions of logits.

y = 1 is real, y = 0 is generated, p(y) = 1/2, and the discriminator emits the logit of q_phi(y=1|x). phi ascends
log q_phi(y|x) on both kinds of x, theta ascends log q^r_phi(y|x) on generated x. An objective defines these two
utilities, one value per example; objectives differ in the function of the logit.

References:
  Hu et al., On Unifying Deep Generative Models, 2018, Eq. 3 (the pair), Eq. 16 (importance weighting).
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import is_number
from dgm_zoo.errors import InvalidInput
from dgm_zoo.objectives.evidence import importance_weights
from dgm_zoo.specs import from_spec


def log_q(logit: tf.Tensor, y: int) -> tf.Tensor:
    """Returns log q_phi(y|x), nats, for the logit of q_phi(y=1|x): the shape of `logit`.

    Args:
      logit: of q_phi(y=1|x), any shape.
      y: 1 for real, 0 for generated.
    """
    return -tf.nn.softplus(-logit if y else logit)


def log_q_reversed(logit: tf.Tensor, y: int) -> tf.Tensor:
    """Returns log q^r_phi(y|x) = log q_phi(1 - y|x), nats: the shape of `logit`."""
    return log_q(logit, 1 - y)


def importance_weighted(utility: tf.Tensor, logit: tf.Tensor) -> tf.Tensor:
    """Weights each sample's utility by w~_i, the softmax of the logits over the batch, held constant.

    The weight q^r_phi(y=0|x_i) / q_phi(y=0|x_i) is exp(logit_i). The batch mean of the result is
    sum_i w~_i utility_i: the plain mean if all logits are equal, and one sample's utility if its logit dominates.

    Args:
      utility: theta's utility without weights, `[batch]`.
      logit: of q_phi(y=1|x_i), `[batch]`.

    Returns:
      batch x w~_i x utility_i, `[batch]`.

    References: Hu et al., 2018, Eq. 16.
    """
    return tf.cast(tf.shape(logit)[0], logit.dtype) * importance_weights(logit) * utility


def effective_sample_size(logit: tf.Tensor) -> tf.Tensor:
    """Returns 1 / sum_i w~_i^2 for the weights of `importance_weighted`: a scalar from 1 to the batch size."""
    return 1.0 / tf.reduce_sum(importance_weights(logit) ** 2, 0)


def gradient_penalty(
    critic: Callable[[tf.Tensor], tf.Tensor], real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor
) -> tf.Tensor:
    """Returns (|grad_x critic(x)| - 1)^2 at points x between real and generated examples: `[batch]`.

    Args:
      critic: function from x to logits, `[batch]`, each of which depends only on its own example; or to the logits of
        several critics, `[batch, m]`, the i-th of which sees only x[..., i], with a result for each, `[batch, m]`.
      real, fake: `[batch, ...]`.
      mix: share of the real example in each x, uniform on [0, 1), `[batch]`.

    References: Gulrajani et al., Improved Training of Wasserstein GANs, 2017, Eq. 3.
    """
    mix = tf.reshape(mix, [-1] + [1] * (real.shape.rank - 1))
    x = mix * real + (1.0 - mix) * fake
    with tf.GradientTape() as tape:
        tape.watch(x)
        logit = critic(x)
    slope = tape.gradient(logit, x)
    squared = tf.reduce_sum(slope**2, list(range(1, slope.shape.rank - logit.shape.rank + 1)))
    return (tf.sqrt(tf.maximum(squared, 1e-12)) - 1.0) ** 2  # the root has no gradient at 0


class Adversarial:
    """Base of the objectives: the utilities of discriminator and generator as functions of logits.

    Attributes:
      gradient_penalty: weight of the function `gradient_penalty` in the discriminator's utility.
      saturates: whether a perfect discriminator leaves the generator without a useful gradient.
      logged: names of the values that `diagnostics` returns.
    """

    gradient_penalty = 0.0
    saturates = True
    logged = ()

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """Returns phi's utility, `[batch]`, for the logits of real and of generated examples, `[batch]` each."""
        raise NotImplementedError(f"{type(self).__name__} must implement discriminator(real, fake)")

    def generator(self, fake: tf.Tensor) -> tf.Tensor:
        """Returns theta's utility, `[batch]`, for the logits of generated examples, `[batch]`."""
        raise NotImplementedError(f"{type(self).__name__} must implement generator(fake)")

    def penalty(
        self, critic: Callable[[tf.Tensor], tf.Tensor], real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor
    ) -> tf.Tensor | float:
        """Returns the weighted `gradient_penalty`, `[batch]`, or 0, to subtract from phi's utility; same arguments."""
        if not self.gradient_penalty:
            return 0.0
        return self.gradient_penalty * gradient_penalty(critic, real, fake, mix)

    def contest(
        self, critic: Callable[[tf.Tensor], tf.Tensor], real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Returns a dict of phi's utility, `discriminator`, and its accuracies on two batches, of the logits' shape.

        Args:
          critic: function from x to logits, `[batch]`, or to those of several critics; see `gradient_penalty`.
          real, fake: `[batch, ...]`.
          mix: uniform on [0, 1), `[batch]`; see `gradient_penalty`.
        """
        of_real, of_fake = critic(real), critic(fake)
        utility = self.discriminator(of_real, of_fake) - self.penalty(critic, real, fake, mix)
        return {"discriminator": utility, **self.accuracies(of_real, of_fake)}

    def boundary(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor | float:
        """Returns the logit above which the discriminator classifies an example as real."""
        return 0.0

    def accuracies(self, real: tf.Tensor, fake: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns `accuracy_real` and `accuracy_fake`, `[batch]` each: 1 where the discriminator is right, else 0."""
        boundary = self.boundary(real, fake)
        return {
            "accuracy_real": tf.cast(real > boundary, tf.float32),
            "accuracy_fake": tf.cast(fake <= boundary, tf.float32),
        }

    def diagnostics(self, fake: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns further values to log about the generator's utility: a dict of scalars."""
        return {}

    def get_config(self) -> dict[str, Any]:
        return dataclasses.asdict(self) if dataclasses.is_dataclass(self) else {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Adversarial":
        return cls(**config)


@keras.saving.register_keras_serializable("dgm_zoo")
class NonSaturating(Adversarial):
    """phi: log q(y=1|x) + log q(y=0|G(z)), nats. theta: log q^r(y=0|G(z)) = log q(y=1|G(z)), nats.

    References: Goodfellow et al., Generative Adversarial Nets, 2014, section 3. Hu et al., 2018, Eq. 3.
    """

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        return log_q(real, 1) + log_q(fake, 0)

    def generator(self, fake: tf.Tensor) -> tf.Tensor:
        return log_q_reversed(fake, 0)


@keras.saving.register_keras_serializable("dgm_zoo")
class ImportanceWeighted(NonSaturating):
    """`NonSaturating`, with theta's utility importance weighted: sum_i w~_i log q^r(y=0|G(z_i)) over the batch.

    The weights are normalised over the batch of one replica. Logs `ess`, the effective sample size.

    References: Hu et al., 2018, section 4.1.
    """

    logged = ("ess",)

    def generator(self, fake: tf.Tensor) -> tf.Tensor:
        return importance_weighted(super().generator(fake), fake)

    def diagnostics(self, fake: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"ess": effective_sample_size(fake)}


@keras.saving.register_keras_serializable("dgm_zoo")
class Saturating(NonSaturating):
    """The zero-sum game. phi: as `NonSaturating`. theta: -log q(y=0|G(z)), nats, flat where q(y=0|G(z)) is near 1.

    References: Goodfellow et al., 2014, Eq. 1.
    """

    def generator(self, fake: tf.Tensor) -> tf.Tensor:
        return -log_q(fake, 0)


@keras.saving.register_keras_serializable("dgm_zoo")
class LeastSquares(Adversarial):
    """phi: -(D(x) - 1)^2 / 2 - D(G(z))^2 / 2. theta: -(D(G(z)) - 1)^2 / 2.

    References: Mao et al., Least Squares Generative Adversarial Networks, 2017, section 3.
    """

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        return -0.5 * (real - 1.0) ** 2 - 0.5 * fake**2

    def generator(self, fake: tf.Tensor) -> tf.Tensor:
        return -0.5 * (fake - 1.0) ** 2

    def boundary(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor | float:
        return 0.5


@keras.saving.register_keras_serializable("dgm_zoo")
class Hinge(Adversarial):
    """phi: min(0, D(x) - 1) + min(0, -D(G(z)) - 1). theta: D(G(z)).

    References: Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018, Eq. 16 and 17.
    """

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        return tf.minimum(0.0, real - 1.0) + tf.minimum(0.0, -fake - 1.0)

    def generator(self, fake: tf.Tensor) -> tf.Tensor:
        return fake


@keras.saving.register_keras_serializable("dgm_zoo")
@dataclasses.dataclass(frozen=True)
class Wasserstein(Adversarial):
    """phi: D(x) - D(G(z)) - gradient_penalty (|grad D| - 1)^2. theta: D(G(z)).

    D has no fixed decision boundary: an example counts as real if its logit is above the mean of the two batches.

    Args:
      gradient_penalty: weight of the penalty, at least 0. Train the critic for several steps per generator step, and
        without batch normalisation.

    References: Arjovsky et al., Wasserstein GAN, 2017, Eq. 3. Gulrajani et al., 2017, Eq. 3 (weight 10).
    """

    gradient_penalty: float = 10.0
    saturates = False

    def __post_init__(self):
        value = self.gradient_penalty
        if not is_number(value) or value < 0:
            raise InvalidInput(f"gradient_penalty is {value!r}; give a number of at least 0")
        object.__setattr__(self, "gradient_penalty", float(value))

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        return real - fake

    def generator(self, fake: tf.Tensor) -> tf.Tensor:
        return fake

    def boundary(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor | float:
        return 0.5 * (tf.reduce_mean(real, 0) + tf.reduce_mean(fake, 0))


OBJECTIVES = {
    cls.__name__: cls for cls in (NonSaturating, ImportanceWeighted, Saturating, LeastSquares, Hinge, Wasserstein)
}


def adversarial(spec: Any) -> Adversarial:
    """Returns the objective that `spec` names.

    Args:
      spec: an objective (returned unchanged), its class name, or a dict with that `name` and further arguments, such as
        `{"name": "Wasserstein", "gradient_penalty": 1.0}`.

    Raises:
      InvalidInput: an unknown objective (the message suggests the nearest name), or an unknown argument.

    Example:
      >>> adversarial("Hinge").generator(tf.constant([0.5]))   # [0.5]
    """
    return from_spec("objective", spec, Adversarial, OBJECTIVES, "NonSaturating")
