"""A pool of earlier generated images, from which a discriminator is shown some in place of new ones.

References: Shrivastava et al., Learning from Simulated and Unsupervised Images through Adversarial Training, 2017,
  section 2.3; in the form of Zhu, Park, Isola and Efros, Unpaired Image-to-Image Translation using Cycle-Consistent
  Adversarial Networks, 2017, section 4.
"""

import keras
import tensorflow as tf

from dgm_zoo.checks import whole_number
from dgm_zoo.errors import InvalidInput


def exchange(
    stored: tf.Tensor, count: tf.Tensor, images: tf.Tensor, uniform: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Passes images through a pool one after the other: a pure function.

    While the pool is not full an image is stored and returned. After that it is, with probability 1/2, returned as it
    is; else it takes the place of a random stored image, which is returned. An image may meet one of its own batch.

    Args:
      stored: the pool, `[size, ...]`.
      count: how many images are in it, 0 to size; a scalar int32.
      images: `[batch, ...]`.
      uniform: noise on [0, 1), `[batch, 2]`: whether to exchange, and which image.

    Returns:
      The images to show, `[batch, ...]`, the pool, and its count.

    Example:
      >>> exchange(tf.zeros((1, 1)), 1, tf.ones((1, 1)), tf.constant([[0.9, 0.0]]))[0]   # exchanged: [[0.0]]
    """
    size, batch = stored.shape[0], tf.shape(images)[0]
    turn = tf.range(batch)
    fills = count + turn < size
    stores = fills | (uniform[:, 0] >= 0.5)
    chosen = tf.minimum(tf.cast(uniform[:, 1] * size, tf.int32), size - 1)
    place = tf.where(fills, count + turn, chosen)
    # Who wrote last to a place: the latest earlier image of this batch, or -1 for the pool as it was.
    wrote = stores[None, :] & (place[None, :] == place[:, None]) & (turn[None, :] < turn[:, None])
    before = tf.reduce_max(tf.where(wrote, turn[None, :], -1), 1)
    found = _pick(before, images, tf.gather(stored, place))
    shown = _where(stores & ~fills, found, images)
    wrote = stores[None, :] & (place[None, :] == tf.range(size)[:, None])
    stored = _pick(tf.reduce_max(tf.where(wrote, turn[None, :], -1), 1), images, stored)
    return shown, stored, tf.minimum(count + batch, size)


def _pick(index, images, otherwise):
    """`images[index]` where an index is not -1, `otherwise` where it is."""
    return _where(index >= 0, tf.gather(images, tf.maximum(index, 0)), otherwise)


def _where(condition, one, other):
    return tf.where(tf.reshape(condition, [-1, *[1] * (one.shape.rank - 1)]), one, other)


@keras.saving.register_keras_serializable("dgm_zoo")
class ImagePool(keras.layers.Layer):
    """A pool of images as state: `[batch, ...]` to `[batch, ...]`, of which some are of earlier calls.

    Its images and their count are weights, not trainable, and are saved and restored with a model. Under a distribution
    strategy there is one pool: every replica passes the images of all replicas through it, with their noise, in the
    replicas' order, and shows its own share. So the replicas' pools stay equal, and a run does not depend on their
    number. Call it outside the compiled step; no gradient passes through it.

    Args:
      size: number of images that it holds, 50 in the papers; 0 passes images through.
      event_shape: shape of one image.

    Raises:
      InvalidInput: a size that is no whole number of at least 0, or images of another shape.

    Example:
      >>> pool = ImagePool(50, (32, 32, 3))
      >>> fake = pool(generator(x), BatchNoise(seed, 64).uniform((2,)))
    """

    def __init__(self, size, event_shape, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})  # images are stored as they are, whatever the precision
        self.size, self.event_shape = whole_number("size", size, 0), tuple(event_shape)
        if self.size:
            state = {"initializer": "zeros", "trainable": False, "aggregation": "only_first_replica"}
            self.images = self.add_weight(shape=(self.size, *self.event_shape), name="images", **state)
            self.count = self.add_weight(shape=(), dtype="int32", name="count", **state)
        self.built = True

    def call(self, images, uniform):
        if tuple(images.shape[1:]) != self.event_shape:
            raise InvalidInput(f"{self.name} holds images {self.event_shape}, but was given {tuple(images.shape[1:])}")
        images = tf.stop_gradient(images)
        if not self.size:
            return images
        context, rows = tf.distribute.get_replica_context(), tf.shape(images)[0]
        several = context is not None and context.num_replicas_in_sync > 1
        if several:
            images, uniform = (context.all_gather(part, axis=0) for part in (images, uniform))
        shown, stored, count = exchange(
            tf.convert_to_tensor(self.images), tf.convert_to_tensor(self.count), images, uniform
        )
        self.images.assign(stored)
        self.count.assign(count)
        if not several:
            return shown
        first = tf.cast(context.replica_id_in_sync_group, tf.int32) * rows
        return shown[first : first + rows]

    def compute_output_shape(self, shape, *_):
        return shape

    def get_config(self):
        return {**super().get_config(), "size": self.size, "event_shape": list(self.event_shape)}
