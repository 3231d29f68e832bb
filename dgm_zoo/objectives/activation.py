"""Adversary activation: the discriminator of a GAN in the evidence bound, as a weight.

Let p(y) = 1/2, x real for y = 1 and generated for y = 0, and p_theta0(x) the even mixture of both, held constant. With
the perfect discriminator of Lemma 2 the objective is a VAE's; Eq. 17 of Hu et al. puts a trained q_phi in its place:

    max_{theta, eta}  E_{p_theta0(x)} [ E_{q_eta(z|x,y) q^r_phi(y|x)} log p_theta(x|z,y)
                                        - KL( q_eta(z|x,y) q^r_phi(y|x) || p(z|y) p(y) ) ]

Only p(x|z, y=0) has parameters, since p(x|z, y=1) is the data distribution. Up to terms that do not depend on theta and
eta, the objective is therefore

    1/2 E_{x real} D(x) L(x) + 1/2 E_{x generated} D(x) L(x),       D(x) = q^r_phi(y=0|x) = q_phi(y=1|x),

where L is the bound of the model without an adversary. D(x) and the generated x are held constant.

References: Hu et al., On Unifying Deep Generative Models, 2018, Eq. 12 and 13 (Lemma 2), Eq. 17.
"""

import tensorflow as tf


def realness(logit: tf.Tensor) -> tf.Tensor:
    """Returns the weight D(x) = q^r_phi(y=0|x), held constant, for the logit of q_phi(y=1|x): the shape of `logit`."""
    return tf.stop_gradient(tf.sigmoid(logit))


def activated(real: tf.Tensor, fake: tf.Tensor, of_real: tf.Tensor, of_fake: tf.Tensor) -> tf.Tensor:
    """Returns the activated bound, (D(x) L(x) of a real x + D(x) L(x) of a generated x) / 2, nats: `[batch]`.

    Args:
      real, fake: the bound L of real and of generated examples, `[batch]` each.
      of_real, of_fake: the logits of q_phi(y=1|x) for these examples, `[batch]` each.

    Example:
      >>> activated(real=[-80.0], fake=[-60.0], of_real=[0.0], of_fake=[0.0])   # [-35.0]
    """
    return 0.5 * (realness(of_real) * real + realness(of_fake) * fake)


def weight_of_fakes(of_real: tf.Tensor, of_fake: tf.Tensor) -> tf.Tensor:
    """Returns the share of the total weight on generated examples, from 0 (perfect discriminator) to 1: a scalar."""
    real, fake = tf.reduce_sum(realness(of_real)), tf.reduce_sum(realness(of_fake))
    return tf.math.divide_no_nan(fake, real + fake)
