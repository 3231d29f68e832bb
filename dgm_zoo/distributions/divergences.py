"""Divergences between distributions, in nats."""

from tensorflow_probability import distributions as tfd


def kl(q, p, z):
    """KL(q || p): the closed form where TFP registers one, else the one-sample estimate log q(z) - log p(z).

    Args:
      q, p: TFP distributions over the same event.
      z: samples of q, `[..., *batch_shape, *event_shape]`; used by the estimate alone.

    Returns:
      Nats, of q's batch shape, or with the leading axes of `z` where it is estimated.
    """
    try:
        return tfd.kl_divergence(q, p)
    except NotImplementedError:
        return q.log_prob(z) - p.log_prob(z)
