"""The bound of a model with a class c as second latent, known for some examples (Kingma's M2).

It is computed from the bounds given each class:

    L(x, c) = bound of log p(x|c) + log p(c)                     for an x with label c
    U(x)    = sum_c q(c|x) (L(x, c) - log q(c|x))                for an x without a label

A label makes q(c|x) one-hot, so one expression covers both.

References: Kingma, Rezende, Mohamed and Welling, Semi-supervised Learning with Deep Generative Models, 2014, Eq. 6, 7.
"""

import tensorflow as tf

BOUNDS = ("objective", "elbo", "bound")  # the terms from which KL(q(c|x) || p(c)) is subtracted


def over_classes(of_class: dict, label: tf.Tensor, log_q: tf.Tensor, log_p: tf.Tensor) -> dict:
    """Returns the terms of x, nats, `[batch]` each, from the terms given every class.

    Args:
      of_class: the terms of x given each class, `[num_classes, batch]`, such as `objective` and `kl`.
      label: the class, or -1 if it is unknown: `[batch]`.
      log_q: log q(c|x), `[batch, num_classes]`.
      log_p: log p(c), `[num_classes]`.
    """
    known = label[:, None] >= 0
    q = tf.where(known, tf.one_hot(label, tf.shape(log_q)[1]), tf.exp(log_q))
    mean = lambda value: tf.reduce_sum(q * value, -1)  # noqa: E731
    terms = {name: mean(tf.transpose(value)) for name, value in of_class.items()}
    divergence = mean(tf.where(known, 0.0, log_q) - log_p)
    bounds = {name: terms[name] - divergence for name in BOUNDS if name in terms}
    return {**terms, **bounds, "kl": terms["kl"] + divergence}


def of_labels(log_q: tf.Tensor, label: tf.Tensor) -> dict:
    """log q(label|x), `classification`, and whether the likeliest class is the label, `accuracy`: `[batch]` each.

    Both are 0 where there is no label.

    Args:
      log_q: log q(c|x), `[batch, num_classes]`.
      label: the class, -1 where there is none: `[batch]`.
    """
    known = tf.cast(label >= 0, tf.float32)
    right = tf.cast(tf.argmax(log_q, -1, tf.int32) == label, tf.float32)
    return {"classification": known * tf.gather(log_q, tf.maximum(label, 0), batch_dims=1), "accuracy": known * right}


def of_labelled(label: tf.Tensor) -> dict:
    """The weights of `of_labels`' terms in their means: 1 for each example with a label, else 0; `[batch]` each."""
    known = tf.cast(label >= 0, tf.float32)
    return {"classification": known, "accuracy": known}
