"""The networks of adversarial domain adaptation, DANN's schedule of lambda, and checks of its arguments."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo.checks import dropout_rate, is_number, layer_size, nonnegative, shown, whole_number
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Schedule
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.networks.dcgan import dense_discriminator
from dgm_zoo.networks.dense import dense
from dgm_zoo.networks.lenet import lenet
from dgm_zoo.objectives import Adversarial, NonSaturating, Saturating, adversarial, reversal_weight

MODES = ("symmetric", "grl", "adda")
LEVELS = ("features", "logits")


@recipes.makes("trunk", "head", "discriminator")
def networks(*, image_shape: Sequence[int], num_classes: int, filters: Sequence[int] = (20, 50), feature_dim: int = 500,
             discriminator_hidden: Sequence[int] = (500, 500), normalization: str = "none",
             level: str = "features", padding: str = "same", dropout: float = 0.0) -> dict[str, Any]:
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
    """
    classes, size = layer_size("num_classes", num_classes), layer_size("feature_dim", feature_dim)
    check_known("level", level, LEVELS)
    judged = {"features": size, "logits": classes}[level]
    return {
        "trunk": lenet(image_shape, filters, size, padding=padding, dropout=dropout),
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


def check_augment(by: Any, shape: Sequence[int]) -> float:
    """Returns `augment` as a float; raises `InvalidInput` unless it is a share, and 0 if examples are no images."""
    if not is_number(by) or not 0 <= by < 0.5:
        raise InvalidInput(f"augment is {shown(by)}; give a share of the image from 0 to below 0.5, such as 0.1")
    if by and len(shape) != 3:
        raise InvalidInput(f"augment {by} moves images, but the trunk takes {shape}; leave augment out")
    return float(by)


def confusion_objective(objective: Any, mode: str) -> Adversarial:
    """Returns the objective that `objective` names; raises `InvalidInput` if the mode is unknown or rejects it."""
    check_known("mode", mode, MODES)
    found = adversarial(objective)
    if not isinstance(found, NonSaturating) or isinstance(found, Saturating):
        raise InvalidInput(
            f"ADA takes the objectives NonSaturating and ImportanceWeighted, got {type(found).__name__}; the "
            "saturating game is mode='grl'"
        )
    if mode == "grl" and type(found) is not NonSaturating:
        raise InvalidInput(f"mode 'grl' is zero-sum and takes no objective, got {type(found).__name__}; leave it out")
    return found
