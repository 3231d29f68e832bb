"""Divergences between distributions, in nats."""

import math

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.errors import InvalidInput


def kl(q: tfd.Distribution, p: tfd.Distribution, z: tf.Tensor | None) -> tf.Tensor:
    """Returns KL(q || p): the closed form if there is one, else the one-sample estimate log q(z) - log p(z).

    The closed forms are TFP's, and one between independent normals and normals with full covariance. For the other
    direction swap the arguments: `kl(p, q, z)`, with samples z of p.

    Args:
      q, p: TFP distributions over the same event.
      z: samples of the first distribution, `[..., *batch_shape, *event_shape]`; only the estimate uses them.

    Returns:
      Nats: q's batch shape, or the leading axes of `z` if it is estimated.

    Example:
      >>> kl(posterior(params), prior.distribution(), z)       # the VAE's term
      >>> kl(prior.distribution(), posterior(params), z_prior)  # the other way round
    """
    try:
        return tfd.kl_divergence(q, p)
    except NotImplementedError:
        pass
    try:
        return tfd.kl_divergence(_full(q), _full(p))
    except NotImplementedError:
        return q.log_prob(z) - p.log_prob(z)


def _full(distribution):
    """Returns independent normals over a vector as a multivariate normal; any other distribution unchanged."""
    if not (isinstance(distribution, tfd.Independent) and distribution.event_shape.rank == 1):
        return distribution
    normal = distribution.distribution
    if not isinstance(normal, tfd.Normal):
        return distribution
    return tfd.MultivariateNormalDiag(normal.loc, normal.scale + tf.zeros_like(normal.loc))


def jensen_shannon(
    p: tfd.Distribution, q: tfd.Distribution, samples_p: tf.Tensor | None = None, samples_q: tf.Tensor | None = None
) -> tf.Tensor:
    """Returns JS(p, q) = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2: from 0, if p = q, to log 2.

    It is exact for two categorical distributions (one choice per event), by a sum over the classes. Otherwise it is
    the unbiased Monte Carlo estimate, a mean over axis 0 of the samples.

    Args:
      p, q: TFP distributions over the same event.
      samples_p: samples of p, `[k, *batch_shape, *event_shape]`; unused if the sum is exact.
      samples_q: samples of q, `[k, *batch_shape, *event_shape]`; k may differ from that of `samples_p`.

    Returns:
      Nats, of the batch shape.

    Raises:
      InvalidInput: the distributions are not categorical and samples are missing.

    Example:
      >>> jensen_shannon(tfd.Categorical(probs=[1.0, 0.0]), tfd.Categorical(probs=[0.0, 1.0]))   # log 2

    References: Lin, Divergence Measures Based on the Shannon Entropy, 1991, Eq. 4.1.
    """
    masses = _log_masses(p), _log_masses(q)
    if all(m is not None for m in masses):
        log_p, log_q = masses
        return 0.5 * sum(
            tf.reduce_sum(tf.math.multiply_no_nan(_over_mixture(a, b), tf.exp(a)), -1)
            for a, b in ((log_p, log_q), (log_q, log_p))
        )
    if samples_p is None or samples_q is None:
        raise InvalidInput(f"jensen_shannon has no exact form for {p.name} and {q.name}; give samples_p and samples_q")
    sides = (p, q, samples_p), (q, p, samples_q)
    return 0.5 * sum(tf.reduce_mean(_over_mixture(a.log_prob(x), b.log_prob(x)), 0) for a, b, x in sides)


def _over_mixture(log_a, log_b):
    """log a - log((a + b) / 2), which is log 2 - softplus(log b - log a)."""
    return math.log(2.0) - tf.nn.softplus(log_b - log_a)


def _log_masses(distribution):
    """Returns the log probabilities of the classes, `[*batch_shape, classes]`; None if not one categorical choice."""
    if isinstance(distribution, tfd.Independent) and distribution.event_shape == distribution.distribution.event_shape:
        distribution = distribution.distribution
    if isinstance(distribution, (tfd.Categorical, tfd.OneHotCategorical)):
        return tf.nn.log_softmax(distribution.logits_parameter())
    return None
