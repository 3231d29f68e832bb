"""The affine map of the layers that emit logits, rounded alike with and without XLA."""

import tensorflow as tf


def affine(h, kernel, bias):
    """h W + b over the last axis: `[..., inputs]` to `[..., units]`, float32.

    Not `matmul` and `+`: whether TensorFlow fuses or regroups these with what is added to them, and so how it rounds,
    would depend on what is known of the batch's size. And not `einsum` with an ellipsis, whose gradient is a product
    for each row alone.
    """
    inputs, units = kernel.shape
    rows = tf.einsum("ni,ij->nj", tf.reshape(h, [-1, inputs]), kernel)
    rows = tf.cast(tf.nn.bias_add(rows, bias), tf.float32)
    return tf.reshape(rows, tf.concat([tf.shape(h)[:-1], [units]], 0))
