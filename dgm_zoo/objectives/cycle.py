"""Cycle consistency: the utility of two translators besides an adversarial one, as functions of images.

G translates x to the domain of y, F translates back. Each translator's utility is

    realism - lambda (|F(G(x)) - x| + |G(F(y)) - y|) - lambda_id lambda (|F(x) - x| + |G(y) - y|),

with means over pixels and, for `realism`, over patches. -|.| is the log-likelihood of a Laplace distribution, up to
constants: F(G(x)) is a reconstruction of x from the code G(x). A small cycle error does not prove that a translation
is right, since G can hide x in details of G(x): evaluate the translations themselves.

References: Zhu, Park, Isola and Efros, Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks,
  2017, Eq. 2 and 3, section 5.2 (identity).
"""

import tensorflow as tf


def distance(x: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Returns the mean over pixels and channels of |x - other|, in the images' unit: `[batch]` for `[batch, ...]`.

    Example:
      >>> distance(tf.zeros((2, 4, 4, 1)), tf.ones((2, 4, 4, 1)))   # [1, 1]
    """
    return over_patches(tf.abs(x - other))


def over_patches(values: tf.Tensor) -> tf.Tensor:
    """Returns the mean of each example's values, such as a utility per patch: `[batch]` for `[batch, ...]`.

    Example:
      >>> over_patches(objective.generator(discriminator(fake)))   # of logits [batch, h, w, 1]
    """
    return tf.reduce_mean(tf.reshape(values, [tf.shape(values)[0], -1]), -1)


def cycle_consistency(x: tf.Tensor, x_again: tf.Tensor, y: tf.Tensor, y_again: tf.Tensor) -> tf.Tensor:
    """Returns |F(G(x)) - x| + |G(F(y)) - y|, means over pixels: `[batch]`.

    Args:
      x, x_again: images of one domain, and F(G(x)), `[batch, H, W, C]`.
      y, y_again: as many images of the other domain, and G(F(y)).

    References: Zhu et al., 2017, Eq. 2.
    """
    return distance(x_again, x) + distance(y_again, y)


def identity(x: tf.Tensor, f_of_x: tf.Tensor, y: tf.Tensor, g_of_y: tf.Tensor) -> tf.Tensor:
    """Returns |F(x) - x| + |G(y) - y|, means over pixels, `[batch]`: translators applied to their output domain.

    Both domains must have the same number of channels.

    Args:
      x, f_of_x: images of one domain, and F(x), `[batch, H, W, C]`.
      y, g_of_y: as many images of the other domain, and G(y).

    References: Zhu et al., 2017, section 5.2.
    """
    return distance(f_of_x, x) + distance(g_of_y, y)


def translation(
    realism: tf.Tensor,
    cycle: tf.Tensor,
    same: float | tf.Tensor = 0.0,
    cycle_weight: float = 10.0,
    identity_weight: float = 0.0,
) -> tf.Tensor:
    """Returns the utility of both translators, `[batch]`: realism - cycle_weight (cycle + identity_weight same).

    Args:
      realism: the sum of the utilities of G(x) and F(y) under the two discriminators, `[batch]`. With the published
        weights it is -(D_Y(G(x)) - 1)^2 - (D_X(F(y)) - 1)^2, twice that of `LeastSquares`, which has a factor 1/2.
      cycle: `cycle_consistency`, `[batch]`.
      same: `identity`, `[batch]`.
      cycle_weight: lambda.
      identity_weight: lambda_id; 0.5 in the paper's experiments that use it.

    References: Zhu et al., 2017, Eq. 3.

    Example:
      >>> translation(tf.zeros(1), tf.constant([0.25]))   # [-2.5]
    """
    return realism - cycle_weight * (cycle + identity_weight * same)
