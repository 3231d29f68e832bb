"""Monte Carlo estimates for models with p(z), p(x|z) and q(z|x): log p(x), and samples with observation noise."""

from typing import Any

import numpy as np
import tensorflow as tf

from dgm_zoo.checks import whole_number
from dgm_zoo.core.chunks import in_chunks
from dgm_zoo.core.endpoints import asked, check_array, check_weights, checked
from dgm_zoo.distributions import RowNoise, row_seeds
from dgm_zoo.errors import InvalidInput

ROWS_PER_DECODE = 4000  # samples x images in one call of the decoder, when estimating a likelihood


def log_likelihood(model: Any, x: np.ndarray, label: Any = None, num_samples: int = 1000, seed: int = 0) -> np.ndarray:
    """Importance-sampled log p(x), nats: NumPy `[n]`.

    A lower bound in expectation, tight as `num_samples` grows. Memory does not grow with `num_samples`, and
    an image's estimate does not depend on the other images in the call.

    Args:
      model: a `LatentModel`.
      x: `[n, *image_shape]`.
      label: `[n]` for a model that is conditioned on labels.
      num_samples: importance samples K per image.
      seed: int32.

    Raises:
      InvalidInput: K is below 1; x or labels have the wrong shape or range; or the prior can only be sampled.

    References: Burda et al., 2016, section 5 (K = 5,000).
    """
    num_samples = whole_number("num_samples", num_samples)
    if not model.prior.has_density:
        raise InvalidInput(
            f"log p(x) needs log p(z), but {type(model.prior).__name__} can only be sampled; compare samples, with "
            "metrics.sample_quality"
        )
    given = {"x": x, **model.label_for("log_likelihood", label)}
    takes = model.endpoints()["log_likelihood"].inputs
    x, label = (
        check_array("log_likelihood", name, given.get(name), wanted) if (wanted := takes.get(name)) else None
        for name in ("x", "label")
    )
    if label is not None and len(label) != len(x):
        rows = sorted({len(x), len(label)})
        raise InvalidInput(f"log_likelihood: inputs have {rows} rows; give each the same number")
    if not len(x):
        return np.zeros(0, np.float32)
    chunk = min(num_samples, 200)  # a tensor in the graph, which is traced once for all of them

    def log_likelihood_of_rows(x, label, seeds, total, chunk):
        return _log_likelihood(model, x, label, seeds, total, chunk)

    run = model.traced(log_likelihood_of_rows)
    return in_chunks(
        lambda x, label, seeds: run(x, label, seeds, tf.constant(num_samples), tf.constant(chunk)),
        (x, label, row_seeds(seed, len(x))), max(1, ROWS_PER_DECODE // chunk),
    )


def _log_likelihood(model, x, label, seeds, num_samples, chunk):
    c, rng = model.condition(label), RowNoise(seeds)
    q = model.q_z(x, *c)

    def body(i, total):
        log_w = model.log_weights(x, c, q, model.posterior.noise(rng.fork(i), chunk))
        counts = i * chunk + tf.range(chunk) < num_samples  # the last chunk may exceed num_samples
        log_w = tf.where(counts[:, None], log_w, -float("inf"))
        return i + 1, added(total, tf.reduce_logsumexp(log_w, 0))

    start = (tf.constant(0), tf.fill([tf.shape(x)[0]], tf.constant(-np.inf, tf.float64)))
    _, total = tf.while_loop(lambda i, _: i * chunk < num_samples, body, start)
    return tf.cast(total - tf.math.log(tf.cast(num_samples, tf.float64)), tf.float32)


def added(total: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
    """log(exp(total) + exp(part)) for a running `total` in float64, since a million terms are lost in float32."""
    return tf.reduce_logsumexp(tf.stack([total, tf.cast(part, tf.float64)]), 0)


def draw(model: Any, n: int, seed: int = 0, label: Any = None) -> np.ndarray:
    """Draws z ~ p(z), then x ~ p(x|z), whose mean `sample` returns: NumPy `[n, *image_shape]`.

    The mean looks better; a draw is an example from the model's distribution of data, observation noise included.

    Args:
      model: a `LatentModel`.
      n, seed: see `GenerativeModel.sample`.
      label: the label that the model conditions on, `[n]` or one for all; None for a model without labels.

    Raises:
      InvalidInput: see `GenerativeModel.sample`.
    """
    given = asked(model, n, seed, {} if label is None else {"label": label})
    check_weights(model)
    arrays = checked("draw", model.endpoints()["sample"].inputs, given)

    def draw_of_rows(seeds, label=None):
        rng, c = RowNoise(seeds), model.condition(label)
        p = model.p_x(model.draw_z(model.prior.noise(rng), label), *c)
        return model.likelihood.sample(p, model.likelihood.noise(rng))

    return in_chunks(model.traced(draw_of_rows), list(arrays.values()))  # seeds, and labels if any
