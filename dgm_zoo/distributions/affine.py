"""The affine map of the layers that emit logits; it rounds identically with and without XLA."""

import keras
import tensorflow as tf


def affine(h: tf.Tensor, kernel: tf.Tensor | keras.Variable, bias: tf.Tensor | keras.Variable) -> tf.Tensor:
    """Returns h W + b over the last axis: `[..., inputs]` to `[..., units]`, float32.

    `matmul` and `+` are avoided because TensorFlow may fuse or regroup them with neighbouring additions; the rounding
    would then depend on whether the batch size is known statically. `einsum` with an ellipsis is avoided because its
    gradient is a separate product for each row.
    """
    inputs, units = kernel.shape
    rows = tf.einsum("ni,ij->nj", tf.reshape(h, [-1, inputs]), kernel)
    rows = tf.cast(tf.nn.bias_add(rows, bias), tf.float32)
    return tf.reshape(rows, tf.concat([tf.shape(h)[:-1], [units]], 0))
