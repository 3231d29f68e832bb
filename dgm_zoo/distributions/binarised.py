"""From a generator's logits to the notes of a piano-roll, with a gradient."""

import tensorflow as tf

from dgm_zoo.checks import is_whole
from dgm_zoo.distributions.discrete import draw_bits, straight_through
from dgm_zoo.errors import InvalidInput


def binarised(logits: tf.Tensor, noise: tf.Tensor | None = None, monophonic: tuple[int, ...] = ()) -> tf.Tensor:
    """Returns zeros and ones of the logits' shape, whose gradient is that of `straight_through`.

    Args:
      logits: float32 `[..., pitches, tracks]`.
      noise: None for a threshold: 1 where a logit is positive, which is where a tanh is, or a sigmoid above 1/2. Or
        float32 of the logits' shape, standard logistic: 1 with probability sigmoid(logit).
      monophonic: indices of the tracks, such as the bass, that sound at most one pitch at a time, the likeliest one;
        the other pitches have no gradient then.

    Returns:
      float32 of the logits' shape.

    Raises:
      InvalidInput: a monophonic track that does not exist.

    Example:
      >>> binarised(tf.constant([[2.0], [3.0], [-1.0]]), monophonic=(0,))[:, 0]
      <tf.Tensor: shape=(3,), dtype=float32, numpy=array([0., 1., 0.], dtype=float32)>

    References: Dong et al., MuseGAN, 2018 (the threshold; in its released code, the monophonic bass); Dong and Yang,
      Convolutional Generative Adversarial Networks with Binary Neurons, 2018 (training through bits).
    """
    logits = tf.convert_to_tensor(logits, tf.float32)
    bits = straight_through(draw_bits(logits, 0.0 if noise is None else noise), logits)
    return bits * _kept(logits, monophonic) if monophonic else bits


def _kept(logits, monophonic):
    """1 for the likeliest pitch of a monophonic track, and for all pitches of the others; no gradient."""
    tracks = logits.shape[-1]
    for index in monophonic:
        if not is_whole(index, 0) or index >= tracks:
            raise InvalidInput(f"monophonic holds {index!r}, but there are {tracks} tracks; give 0 to {tracks - 1}")
    first = tf.one_hot(tf.argmax(logits, -2), logits.shape[-2], axis=logits.shape.rank - 2)
    single = tf.reduce_sum(tf.one_hot(list(set(monophonic)), tracks), 0)
    return tf.stop_gradient(1 - single * (1 - first))
