"""The networks of adversarial domain adaptation, and DANN's schedule of lambda."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import dropout_rate, layer_size, nonnegative, whole_number
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Schedule
from dgm_zoo.errors import check_known
from dgm_zoo.networks.augmenting import augmented
from dgm_zoo.networks.dcgan import dense_discriminator
from dgm_zoo.networks.dense import dense
from dgm_zoo.networks.lenet import lenet
from dgm_zoo.objectives import reversal_weight

LEVELS = ("features", "logits")


@recipes.makes("trunk", "head", "discriminator")
def networks(*, image_shape: Sequence[int], num_classes: int, filters: Sequence[int] = (20, 50), feature_dim: int = 500,
             discriminator_hidden: Sequence[int] = (500, 500), normalization: str = "none",
             level: str = "features", padding: str = "same", dropout: float = 0.0,
             augment: float = 0.0) -> dict[str, Any]:
    """Returns a LeNet as the trunk, a linear head, and a dense domain discriminator.

    Args:
      image_shape: shape of x, the same in both domains.
      num_classes: number of classes.
      filters, feature_dim, padding: channels of the LeNet's convolutions, number of features, and "same" or "valid";
        see `networks.lenet`.
      discriminator_hidden, normalization: see `networks.dense_discriminator`.
      level: see `ADA`.
      dropout: probability of dropping a channel of the LeNet's last convolution, and a feature before the head, in
        training.
      augment: how far training moves the images of both domains at random, as a share of their size; see
        `networks.augmented`.
    """
    classes, size = layer_size("num_classes", num_classes), layer_size("feature_dim", feature_dim)
    check_known("level", level, LEVELS)
    judged = {"features": size, "logits": classes}[level]
    return {
        "trunk": augmented(lenet(image_shape, filters, size, padding=padding, dropout=dropout), augment),
        "head": _head(size, classes, dropout_rate(dropout)),
        "discriminator": dense_discriminator((judged,), discriminator_hidden, normalization),
    }


def _head(size, classes, dropped):
    """A linear layer, after dropout if `dropped` is a probability above 0."""
    linear = dense((size,), (classes,), (), name="head")
    if not dropped:
        return linear
    features = keras.Input((size,), name="features")
    return keras.Model(features, linear(keras.layers.Dropout(dropped)(features)), name="head")


@keras.saving.register_keras_serializable("dgm_zoo")
class ReversalSchedule(Schedule):
    """`value` times `objectives.reversal_weight` at the completed share of `total_steps`: rises from 0 to `value`.

    Args:
      total_steps: training steps until the end of the schedule.
      value: the final weight.

    Example:
      >>> [round(float(ReversalSchedule(100)(step)), 3) for step in (0, 10, 50, 100)]
      [0.0, 0.462, 0.987, 1.0]

    References: Ganin et al., Domain-Adversarial Training of Neural Networks, 2016, section 5.2.2.
    """

    def __init__(self, total_steps: int, value: float = 1.0) -> None:
        self.total_steps, self.value = whole_number("total_steps", total_steps), nonnegative("value", value)

    def __call__(self, step: Any) -> tf.Tensor:
        return self.value * reversal_weight(tf.minimum(tf.cast(step, tf.float32) / self.total_steps, 1.0))

    def get_config(self) -> dict[str, Any]:
        return {"total_steps": self.total_steps, "value": self.value}
