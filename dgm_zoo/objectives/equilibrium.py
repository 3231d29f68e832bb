"""The utilities of the two players of a symmetric VAE, as functions of log-probabilities, in nats.

Decoder and encoder are the two conditionals of a joint of x and z. Each player ascends its own utility, the expected
log-likelihood of its conditional on examples that the other player completes:

    L_p = E_{pi(x)} E_{q(z|x)} log p(x, z)  +  E_{pi(x, z)} log p(x, z)  +  E_{pi(z)} log p(z)        theta, the decoder
    L_q = E_{pi(z)} E_{p(x|z)} log q(z|x)   +  E_{pi(x, z)} log q(z|x)                                eta, the encoder

with one expectation per kind of data: pi(x), examples without latents; pi(x, z), labelled pairs; and pi(z), latents
only, which is the prior p(z) if no others are given. A kind with no data drops out of the sum. At a Nash equilibrium
(theta, eta) with p(x, z) = pi(x) q(z|x), both gradients vanish. Without pairs these are the two phases of wake-sleep,
taken simultaneously.

pi(x) and pi(z) only need to be sampled. The samples are constants without a gradient, so z may be discrete, nothing is
reparametrised, and there is no KL.

References: Flach, Schlesinger and Shekhovtsov, Symmetric Equilibrium Learning of VAEs, 2024 (AISTATS). The
  semi-supervised terms are written as in the diploma thesis of the repository hruskan1/SSL-diploma-thesis.
"""

import tensorflow as tf


def kinds(known: tf.Tensor, rows: tf.Tensor, pairs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the weights of each example in the expectations over pi(x) and over pi(x, z), for `decoder_utility`.

    Args:
      known: whether the example's latents are known, boolean, `[batch]`.
      rows: number of examples of the batch, over all replicas; a float scalar.
      pairs: number of them with known latents; a float scalar.

    Returns:
      `(of_data, of_pairs)`, `[batch]` each: rows / (rows - pairs) or 0, and 0 or rows / pairs. The mean of the
      weighted values over the batch is the mean over the examples of that kind.

    Example:
      >>> kinds(tf.constant([True, False, False, False]), 4.0, 1.0)[1]   # 4, 0, 0, 0
    """
    of_data = tf.where(known, 0.0, tf.math.divide_no_nan(rows, rows - pairs))
    return of_data, tf.where(known, tf.math.divide_no_nan(rows, pairs), 0.0)


def decoder_utility(log_p: tf.Tensor, log_pz: tf.Tensor | float = 0.0, weights: tuple = (1.0, 0.0)) -> tf.Tensor:
    """Returns theta's utility L_p, nats: `[batch]`, whose mean over the batch is the utility.

    Args:
      log_p: log p(x, z), `[batch]`, for the known latents of x, or for z ~ q(z|x) if they are unknown; log p(x|z)
        suffices if p(z) is fixed.
      log_pz: log p(z) for z ~ pi(z), `[batch]`, if p(z) is learned from latents only.
      weights: the result of `kinds`; by default that of a batch without known latents.

    Example:
      >>> decoder_utility(log_p, weights=kinds(known, rows, pairs))
    """
    of_data, of_pairs = weights
    return (of_data + of_pairs) * log_p + log_pz


def encoder_utility(
    log_q: tf.Tensor, log_q_pairs: tf.Tensor | float = 0.0, weights: tuple = (1.0, 0.0), dreams: float = 1.0
) -> tf.Tensor:
    """Returns eta's utility L_q, nats: `[batch]`, whose mean over the batch is the utility.

    Args:
      log_q: log q(z|x) for generated examples ("dreams"), z ~ pi(z) and x ~ p(x|z), `[batch]`.
      log_q_pairs: log q(z|x) for the known latents of x, `[batch]`.
      weights: the result of `kinds`; by default that of a batch without known latents.
      dreams: weight of the expectation over dreams; 0 to ignore pi(z).

    Example:
      >>> encoder_utility(log_q, log_q_pairs, weights=kinds(known, rows, pairs))
    """
    _, of_pairs = weights
    return dreams * log_q + of_pairs * log_q_pairs
