"""The classifier whose features and probabilities evaluate samples of the other models."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_networks, dropout_rate, input_shape, layer_size, match, output_shape
from dgm_zoo.core import recipes
from dgm_zoo.core.endpoints import Endpoint, Input
from dgm_zoo.core.formulation import Ascent, Edge, Formulation
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions.heads import Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.networks.dense import dense
from dgm_zoo.networks.lenet import lenet


@recipes.makes("trunk", "head")
def networks(*, image_shape: Sequence[int], num_classes: int, filters: Sequence[int] = (32, 64),
             hidden: int = 256) -> dict[str, Any]:
    """Returns a LeNet as the trunk, and a linear head.

    Args:
      filters, hidden: see `networks.lenet`.
    """
    trunk = lenet(image_shape, filters, hidden)
    head = dense((hidden,), (layer_size("num_classes", num_classes),), (), name="head")
    return {"trunk": trunk, "head": head}


@register_model("classifier")
@keras.saving.register_keras_serializable("dgm_zoo")
class Classifier(GenerativeModel):
    """Classifier: one player, which predicts the class of x; the model generates nothing.

        max_{omega}  E_{p_data(x, y)} log q_omega(y|x)

    It evaluates samples of the other models: `dgm_zoo.metrics` compares real and generated images by its features (the
    trunk's output) and by its probabilities. In training, each feature is dropped with probability `dropout`, by a mask
    drawn like all other noise; evaluation and endpoints use all features.

    Args:
      trunk: Keras model, x `[batch, ...]` to features `[batch, d]`.
      head: Keras model, features to logits `[batch, num_classes]`.
      dropout: probability of dropping a feature in training, in [0, 1).

    Raises:
      InvalidInput: the shapes of trunk and head do not match (the message names both), or dropout is not in [0, 1).

    Example:
      >>> model = dgm_zoo.create("classifier", image_shape=(28, 28, 1), num_classes=10)
      >>> model.compile(optimizer="adam")
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 100, labels=True), epochs=10)
      >>> model.classify(x)["probabilities"].argmax(1)

    References:
      LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition, 1998.
      Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014, section 4.
    """

    players = {"omega": ("trunk", "head")}
    logged = ("loss", "accuracy")
    ascends = {"omega": "log_q"}
    weighs = {"log_q": True}
    call_endpoint = ("classify", "probabilities")
    formulation = Formulation(
        name="Classifier",
        c="class",
        remark="no generative model: the maximum likelihood of labels, q_ω(c|x), to judge samples by",
        ascents=(Ascent(("omega",), "E_{p_data(x,c)} log q_ω(c|x)", reads=("data", "labels"), carries=("omega",)),),
        edges=(Edge("x", "c", "q_ω(c|x)"),),
    )

    recipes = (networks,)
    small = {"filters": [4, 8], "hidden": 16}

    def __init__(self, trunk: keras.Model, head: keras.Model, *, dropout: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.trunk, self.head, self.dropout = trunk, head, dropout_rate(dropout)
        check_networks(1, trunk=trunk)
        match("trunk's output", output_shape(trunk), "head's input", input_shape(head))
        self.num_classes = output_shape(head)[0]

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        terms = self.ascend(self.terms, x, c, self.noise(self.rng(x)), **self.ascends)
        return self.log(loss=-terms["log_q"], **terms)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        terms = self.jitted(self.terms)(x, c)
        return self.log(loss=-terms["log_q"], **terms)

    def noise(self, rng: BatchNoise) -> Noise:
        """Uniform noise that selects the features to drop, `[batch, d]`."""
        return rng.uniform(output_shape(self.trunk))

    def terms(self, x: tf.Tensor, c: tuple, noise: Noise | None = None) -> dict[str, tf.Tensor]:
        """log q(y|x) and whether the likeliest class is y, each `[batch]`; with noise, some features are dropped.

        The mean of x is a term so that NaN in x is found: max-pooling on a CPU treats NaN as the smallest number.
        """
        (y,) = c
        h = self.trunk(x)
        if noise is not None:
            h *= tf.cast(noise >= self.dropout, h.dtype) / (1 - self.dropout)
        logits = tf.cast(self.head(h), tf.float32)
        right = tf.argmax(logits, -1, tf.int32) == y
        log_q = -tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
        return {"log_q": log_q, "accuracy": tf.cast(right, tf.float32), "mean_x": tf.reduce_mean(x)}

    def condition(self, y: Any) -> tuple:
        return (tf.cast(y, tf.int32),)

    def classify(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """A dict of `logits` and `probabilities`, each NumPy `[n, num_classes]`."""
        return self.answer("classify", x=x)

    def features(self, x: np.ndarray) -> np.ndarray:
        """The trunk's output for x: NumPy `[n, d]`."""
        return self.answer("features", x=x)["features"]

    def _features(self, x):
        return {"features": tf.cast(self.trunk(x), tf.float32)}

    def _classify(self, x):
        logits = tf.cast(self.head(self.trunk(x)), tf.float32)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    def takes(self) -> dict[str, Input]:
        x = Input(input_shape(self.trunk), range=(0.0, 1.0))
        return {"x": x, "label": Input((), tf.int32, range=(0, self.num_classes - 1))}

    def endpoints(self) -> dict[str, Endpoint]:
        x = {"x": self.takes()["x"]}
        return {
            "classify": Endpoint(x, self._classify, doc="logits and probabilities of the classes"),
            "features": Endpoint(x, self._features, doc="the features before the last layer"),
        }
