"""Energy distance between two batches: the model-selection criterion for models without a likelihood."""

import tensorflow as tf


def energy_distance(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """2 E|x - y| - E|x - x'| - E|y - y'|, estimated without bias from two batches of equal size: `[batch]`.

    0 if and only if the two distributions are equal. The mean over the batch is the estimate; one value means
    nothing. |.| is the Euclidean distance over all axes of an example, and the result has its unit. A batch of one
    has no second sample x', and gives 2|x - y|. A shift of both batches does not change it.

    Args:
      x, y: float32 `[batch, ...]`, of equal shape.

    Example:
      >>> energy_distance(tf.zeros([100, 2]), tf.ones([100, 2]))[0]   # 2 sqrt(2)
      2.828427

    References: Szekely and Rizzo, Energy statistics: a class of statistics based on distances, 2013.
    """
    x, y = (tf.stop_gradient(tf.reshape(v, [tf.shape(v)[0], -1])) for v in (x, y))
    n = tf.cast(tf.shape(x)[0], x.dtype)
    between = _distances(x, y)
    within = tf.reduce_sum(_distances(x, x) + _distances(y, y), 1) / tf.maximum(n - 1.0, 1.0)
    return (tf.reduce_sum(between, 1) + tf.reduce_sum(between, 0)) / n - within


def _distances(x, y):
    """|x_i - y_j|, `[n, m]`; exactly 0 from a point to itself.

    The squares are expanded about the mean of both, since about a distant origin they cancel: float32 keeps 7 digits.
    """
    same, centre = x is y, (tf.reduce_mean(x, 0) + tf.reduce_mean(y, 0)) / 2.0
    x, y = x - centre, y - centre
    squared = tf.reduce_sum(x**2, 1)[:, None] + tf.reduce_sum(y**2, 1)[None] - 2.0 * tf.matmul(x, y, transpose_b=True)
    squared = tf.linalg.set_diag(squared, tf.zeros_like(x[:, 0])) if same else squared
    return tf.sqrt(tf.maximum(squared, 0.0))
