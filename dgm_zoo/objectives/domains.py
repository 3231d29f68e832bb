"""Adversarial domain adaptation: the utilities of discriminator and features, as functions of logits, in nats.

y = 1 is the source domain, y = 0 the target, p(y) = 1/2; x = G_theta(z) is the feature of an example z, and the
discriminator emits the logit of q_phi(y=1|x), D(x) for short. phi always ascends `domain_discrimination`.
theta's utility differs:

    symmetric   E_source log (1 - D) + E_target log D            Hu et al., Eq. 1-3; both domains, does not saturate
    reversal    -lambda (E_source log D + E_target log (1 - D))  DANN; both domains, zero-sum, saturates
    adda        E_target log D                                   ADDA; the target only, does not saturate

The gradients with respect to the logit, on source and target, are -D and 1 - D; -lambda (1 - D) and lambda D; 0 and
1 - D. At D = 1/2 the nonzero ones are equal up to lambda; the symmetric form and reversal are largest at opposite ends
of D.

References:
  Hu et al., On Unifying Deep Generative Models, 2018, Eq. 1-3.
  Ganin et al., Domain-Adversarial Training of Neural Networks, 2016, section 4 (reversal, and the schedule of lambda).
  Tzeng, Hoffman, Saenko and Darrell, Adversarial Discriminative Domain Adaptation, 2017, Eq. 8.
"""

import tensorflow as tf

from dgm_zoo.objectives.adversarial import Adversarial, NonSaturating, log_q

STEEPNESS = 10.0  # Ganin et al.'s gamma
PLAIN = NonSaturating()


def domain_discrimination(source: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns phi's utility, log q(y=1|x) on the source + log q(y=0|x) on the target, nats: `[batch]`.

    Args:
      source, target: logits of q(y=1|x) on equally many examples of each domain, `[batch]`.

    References: Hu et al., 2018, Eq. 1.

    Example:
      >>> domain_discrimination(tf.zeros(4), tf.zeros(4))   # 2 log 1/2 = -1.386 each
    """
    return log_q(source, 1) + log_q(target, 0)


def domain_confusion(source: tf.Tensor, target: tf.Tensor, objective: Adversarial = PLAIN) -> tf.Tensor:
    """log q^r(y=1|x) on the source and log q^r(y=0|x) on the target, the symmetric form, nats: `[batch]`.

    Args:
      source, target: see `domain_discrimination`.
      objective: `NonSaturating`, or `ImportanceWeighted`, which weighs the utilities of each domain's examples by how
        much they look like the other domain's.

    References: Hu et al., 2018, Eq. 2 and 3.

    Example:
      >>> domain_confusion(tf.constant([9.0]), tf.constant([-9.0]))   # about -18: the domains are told apart
    """
    return objective.generator(-source) + objective.generator(target)  # log q^r(y=1|x) is that of -logit for y=0


def target_confusion(target: tf.Tensor, objective: Adversarial = PLAIN) -> tf.Tensor:
    """log q^r(y=0|x) = log q(y=1|x) on the target, ADDA's form, nats: `[batch]`.

    Args:
      target: logits of q(y=1|x) on examples of the target, `[batch]`.
      objective: see `domain_confusion`.

    References: Tzeng et al., 2017, Eq. 8.

    Example:
      >>> target_confusion(tf.constant([0.0]))   # log 1/2 = -0.693
    """
    return objective.generator(target)


def reverse_gradient(x: tf.Tensor, weight: float | tf.Tensor = 1.0) -> tf.Tensor:
    """Returns x unchanged and multiplies its gradient by -weight: the gradient reversal layer of DANN.

    If a discriminator of `reverse_gradient(features, weight)` ascends its utility, the features descend `weight` times
    that utility in the same pass, while the discriminator's own gradient does not depend on `weight`. Ascend the sum of
    the utilities of classifier and discriminator; a minus sign before the latter would reverse the gradient twice.

    Args:
      x: features, any shape.
      weight: lambda, a scalar; 0 blocks the gradient. The weight itself gets no gradient.

    References: Ganin et al., 2016, Eq. 16 to 18.

    Example:
      >>> logits = discriminator(reverse_gradient(features, reversal_weight(progress)))
    """
    weight = tf.stop_gradient(tf.cast(weight, x.dtype))

    @tf.custom_gradient
    def reversal(x):
        return tf.identity(x), lambda gradient: -weight * gradient

    return reversal(x)


def reversal_weight(progress: float | tf.Tensor) -> tf.Tensor:
    """Returns lambda = 2 / (1 + exp(-10 progress)) - 1, from 0 at the start of training to 1 at its end: a scalar.

    Args:
      progress: completed share of all training steps, 0 to 1.

    References: Ganin et al., 2016, section 5.2.2.

    Example:
      >>> [round(float(reversal_weight(p)), 3) for p in (0.0, 0.1, 0.5, 1.0)]
      [0.0, 0.462, 0.987, 1.0]
    """
    return tf.tanh(0.5 * STEEPNESS * tf.cast(progress, tf.float32))  # the same function, exact at 0
