"""Adversarial domain adaptation."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_networks, input_shape, match, output_shape
from dgm_zoo.core.coefficients import Coefficient, from_dict
from dgm_zoo.core.endpoints import Endpoint, Input
from dgm_zoo.core.formulation import KL, Ascent, Edge, Formulation
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions.heads import Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.models.domains.adaptation import LEVELS, ReversalSchedule, check_augment, confusion_objective, networks
from dgm_zoo.networks.augmenting import augmented
from dgm_zoo.objectives import (
    domain_confusion,
    domain_discrimination,
    reverse_gradient,
    target_confusion,
)


@register_model("ada")
@keras.saving.register_keras_serializable("dgm_zoo")
class ADA(GenerativeModel):
    """Adversarial domain adaptation: learns features of two domains that a discriminator cannot distinguish.

        max_{phi}    E_{p_theta(x|y) p(y)} log q_phi(y|x)
        max_{theta}  E_{source} log C_omega(class|G_theta(z)) + lambda E_{p_theta(x|y) p(y)} log q^r_phi(y|x)
        max_{omega}  E_{source} log C_omega(class|G_theta(z))

    z is an example, x = G_theta(z) its features, y = 1 the source domain and y = 0 the target. All players step
    simultaneously. Half of a batch is source, the other half target; each half passes through the networks separately,
    so that a layer such as `BatchNormalization` uses the statistics of one domain. Training never uses target labels.

    `mode` selects theta's domain term, weighted by lambda = `domain_weight`:

    * "symmetric": log q^r_phi(y|x) of both domains, as above (Hu et al., Eq. 1 to 3).
    * "grl": -log q_phi(y|x) of both domains, through a gradient reversal layer (DANN).
    * "adda": theta is an encoder of the target only, initialised with `trunk`, and ascends log q^r_phi(y=0|x). `trunk`
      and `head` come from an earlier run on the source and stay fixed (ADDA). In a config, `train.start_from` names
      that run, such as one with `domain_weight` 0.

    `loss`, used for model selection, is the mean of -log C on the source, in nats; in mode "adda" it is constant, and
    the last epoch is selected. `evaluate` also reports `accuracy_target`, an oracle: the accuracy on target examples
    that have a label.

    Args:
      trunk: Keras model, examples `[batch, ...]` to features `[batch, d]`.
      head: Keras model, features to logits of the classes, `[batch, num_classes]`.
      discriminator: Keras model, features (or logits of the classes) to the logit of q(y=1|x), `[batch, 1]`.
      target_trunk: the encoder of the target in mode "adda"; a copy of `trunk` if None.
      mode: "symmetric", "grl" or "adda".
      level: the discriminator's input: "features", or "logits" of the classes.
      objective: `NonSaturating` or `ImportanceWeighted`; see `objectives.domain_confusion`. Mode "grl" takes none.
      domain_weight: lambda: a number, a schedule, or `{"total_steps": n}` for DANN's schedule, which rises from 0 to 1
        over n steps; in a config "dann" is that schedule over the whole run.
      augment: how far training moves the images of both domains at random, as a share of their size, in [0, 0.5); see
        `networks.augmented`.

    Raises:
      InvalidInput: the mode or level is unknown; the shapes of two networks do not match (the message names both); the
        mode does not support the objective; a target trunk is given in a mode other than "adda"; `augment` is no such
        share, or the examples are no images.

    Example:
      >>> model = dgm_zoo.create("ada", image_shape=(28, 28, 1), num_classes=10)
      >>> model.compile("adam")
      >>> model.fit(dgm_zoo.data.load_pair("mnist", "usps", 128), epochs=10)
      >>> model.classify(x)["probabilities"].argmax(1)

    References:
      Hu et al., On Unifying Deep Generative Models, 2018, Eq. 1 to 3.
      Ganin et al., Domain-Adversarial Training of Neural Networks, 2016 (DANN).
      Tzeng, Hoffman, Saenko and Darrell, Adversarial Discriminative Domain Adaptation, 2017 (ADDA).
    """

    domains = ("source", "target")
    players = {"theta": ("trunk",), "omega": ("head",), "phi": ("discriminator",)}
    logged = ("loss", "accuracy_source", "discriminator", "confusion", "accuracy_domain")
    units = dict.fromkeys(["accuracy_source", "accuracy_target", "accuracy_domain"], "share of examples")
    ascends = {"theta": "objective", "omega": "log_class", "phi": "discriminator"}
    call_endpoint = ("classify", "probabilities")
    formulation = Formulation(
        name="ADA",
        x="features", y="domain: 1 source, 0 target", z="data examples",
        p_x_given_y="p_θ(x|y), implicit: x = G_θ(z), z ~ p(z|y), of both domains",
        q_y_given_x="q_φ(y|x): discriminator",
        kl=(KL("p_θ(x|y)", "q^r(x|y)", "sleep", less="JSD(p_θ(x|y=0) ‖ p_θ(x|y=1))"),),
        remark="all players step at once; modes 'grl' and 'adda' have another utility in the place of log q_φ^r",
        ascents=(
            Ascent(("phi",), "E_{p_θ(x|y) p(y)} log q_φ(y|x)", reads=("data",), carries=("phi", "theta")),
            Ascent(
                ("theta",), "E_{source} log C_ω(label|G_θ(z)) + λ E_{p_θ(x|y) p(y)} log q_φ^r(y|x)",
                reads=("data", "labels"), carries=("theta", "omega", "phi"),
            ),
            Ascent(
                ("omega",), "E_{source} log C_ω(label|G_θ(z))", reads=("data", "labels"), carries=("theta", "omega"),
            ),
        ),
        edges=(
            Edge("z", "x", "p_θ(x|y)", implicit=True), Edge("y", "x"),
            Edge("x", "y", "q_φ^(r)(y|x)", adversarial=True),
        ),
    )
    recipes = (networks,)
    small = {"filters": [4, 8], "feature_dim": 16}
    domain_weight = Coefficient()

    def __init__(self, trunk: keras.Model, head: keras.Model, discriminator: keras.Model,
                 target_trunk: keras.Model | None = None, *, mode: str = "symmetric", level: str = "features",
                 objective: Any = "NonSaturating", domain_weight: Any = 1.0, augment: float = 0.0,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.trunk, self.head, self.discriminator, self.target_trunk = trunk, head, discriminator, target_trunk
        self.mode, self.level, self.objective = mode, level, confusion_objective(objective, mode)
        check_known("level", level, LEVELS)
        self.augment = check_augment(augment, input_shape(trunk))
        scheduled = isinstance(domain_weight, dict) and "total_steps" in domain_weight
        self.domain_weight = (
            from_dict("domain_weight", domain_weight, ReversalSchedule) if scheduled else domain_weight
        )
        self.logged = (*type(self).logged, *self.objective.logged)
        check_networks(1, trunk=trunk, head=head, discriminator=discriminator)
        match("trunk's output", output_shape(trunk), "head's input", input_shape(head))
        judged = output_shape(trunk if level == "features" else head)
        match(f"output of {level}", judged, "discriminator's input", input_shape(discriminator))
        match("discriminator's output", output_shape(discriminator) or (1,), "logit", (1,))
        if mode == "adda":
            self._fix_the_source()
        elif target_trunk is not None:
            raise InvalidInput(f"mode '{mode}' has one trunk for both domains; leave target_trunk out")

    def _fix_the_source(self):
        """Gives the target its own trunk; the source's trunk and head become untrainable."""
        self.players = {"theta": ("target_trunk",), "phi": ("discriminator",)}
        self.ascends = {player: type(self).ascends[player] for player in self.players}
        if self.target_trunk is None:
            self.target_trunk = keras.models.clone_model(self.trunk)
            self.target_trunk.set_weights(self.trunk.get_weights())
        check_networks(1, target_trunk=self.target_trunk)
        match("target_trunk's input", input_shape(self.target_trunk), "trunk's input", input_shape(self.trunk))
        match("target_trunk's output", output_shape(self.target_trunk), "trunk's output", output_shape(self.trunk))
        self.trunk.trainable = self.head.trainable = False

    def take_weights(self, other: keras.Model) -> bool:
        """Copies trunk and head of a source run in mode "adda"; otherwise see `GenerativeModel.take_weights`."""
        if self.mode != "adda":
            return super().take_weights(other)
        pairs = [(self.trunk, "trunk"), (self.target_trunk, "trunk"), (self.head, "head")]
        same = isinstance(other, ADA) and all(
            [v.shape for v in mine.weights] == [v.shape for v in getattr(other, its).weights] for mine, its in pairs
        )
        for mine, its in pairs if same else ():
            mine.set_weights(getattr(other, its).get_weights())
        return same

    # ------------------------------------------------------------------------------------------ the utilities

    def see(self, x: tf.Tensor, target: bool = True) -> tuple[tf.Tensor, tf.Tensor]:
        """Features and class logits of x: `[batch, d]` and `[batch, num_classes]`."""
        features = (self.target_trunk if target and self.mode == "adda" else self.trunk)(x)
        return tf.cast(features, tf.float32), tf.cast(self.head(features), tf.float32)

    def domain_logit(self, features: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """The logit of q_phi(y=1|x): `[batch]`."""
        x = features if self.level == "features" else logits
        if self.mode == "grl":
            x = reverse_gradient(x, self.now("domain_weight"))
        return tf.reshape(tf.cast(self.discriminator(x), tf.float32), [-1])

    def terms(self, x: tuple[tf.Tensor, tf.Tensor], c: tuple, noise: Noise = ()) -> dict[str, tf.Tensor]:
        """The players' utilities, and the accuracies of head and discriminator; each `[batch]`.

        Args:
          x: examples (source, target), `[batch, ...]` each.
          c: the result of `condition`, a tuple with the source classes: int32 `[batch]`.
          noise: the result of `noise`, with which the examples are moved; `()` leaves them as they are.
        """
        (label,) = c
        mean_x = tf.reduce_mean(x[0]) + tf.reduce_mean(x[1])  # finds NaN, which max-pooling on a CPU drops
        if noise:
            x = tuple(augmented(images, of, self.augment) for images, of in zip(x, noise, strict=True))
        of_source, of_target = self.see(x[0], target=False), self.see(x[1])
        source, target = self.domain_logit(*of_source), self.domain_logit(*of_target)
        log_class = -tf.nn.sparse_softmax_cross_entropy_with_logits(label, of_source[1])
        told_apart = domain_discrimination(source, target)
        confusion = {
            "symmetric": lambda: domain_confusion(source, target, self.objective),
            "adda": lambda: target_confusion(target, self.objective), "grl": lambda: -told_apart,
        }[self.mode]()
        objective = {
            "symmetric": lambda: log_class + self.now("domain_weight") * confusion,
            "adda": lambda: self.now("domain_weight") * confusion,
            "grl": lambda: log_class + told_apart,  # for the trunk, reversed and weighted
        }[self.mode]()
        right = self.objective.accuracies(source, target)
        return {
            "objective": objective, "log_class": log_class, "discriminator": told_apart, "confusion": confusion,
            "accuracy_source": tf.cast(tf.argmax(of_source[1], -1, tf.int32) == label, tf.float32),
            "accuracy_domain": 0.5 * (right["accuracy_real"] + right["accuracy_fake"]),
            **self.objective.diagnostics(target),
            "logits_target": of_target[1],
            "mean_x": mean_x,
        }

    # ------------------------------------------------------------------------------------------ training

    def noise(self, rng: BatchNoise) -> Noise:
        """The noise of the random moves of source and target, `[batch, 4]` each; `()` if `augment` is 0."""
        return (rng.uniform((4,)), rng.uniform((4,))) if self.augment else ()

    def condition(self, y: Any) -> tuple:
        """The source classes; target classes are ignored."""
        return (tf.cast(y[0], tf.int32),)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        terms = self.ascend(self.terms, x, c, self.noise(self.rng(x[0])), **self.ascends)
        return self.log(loss=-terms["log_class"], **terms)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        terms = self.jitted(self.terms)(x, c)
        known = tf.cast(data[1][1], tf.int32)
        right = tf.argmax(terms["logits_target"], -1, tf.int32) == known
        self.oracle.update_state(tf.cast(right, tf.float32), sample_weight=tf.cast(known >= 0, tf.float32))
        return self.log(loss=-terms["log_class"], **terms)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        super().compile(*args, **kwargs)
        self.__dict__["oracle"] = keras.metrics.Mean(name="accuracy_target")

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, return_dict: bool = False,
                 **kwargs: Any) -> dict[str, float] | list[float]:
        """`GenerativeModel.evaluate`, plus `accuracy_target` if any target example has a label."""
        if self.compiled:
            self.oracle.reset_state()
        logs = super().evaluate(x, y, *args, return_dict=True, **kwargs)
        if float(tf.convert_to_tensor(self.oracle.count)):
            logs["accuracy_target"] = float(self.oracle.result())
        return logs if return_dict else list(logs.values())

    # ------------------------------------------------------------------------------------------ use

    def check_examples(self, where: str, x: Any, y: Any) -> None:
        classes = output_shape(self.head)[0]
        if int(tf.reduce_min(y[0])) < 0:
            raise InvalidInput(f"{where}: the source has examples without a label; give each its class")
        if (least := int(tf.reduce_min(y[1]))) < -1:
            raise InvalidInput(f"{where}: the target has the class {least}; give -1 to an example without a label")
        for domain, label in zip(self.domains, y, strict=True):
            most = int(tf.reduce_max(label))
            if most >= classes:
                raise InvalidInput(
                    f"{where}: the {domain} has the class {most}, but the model knows {classes} classes; build it with "
                    f"num_classes={most + 1}, or leave these examples out"
                )

    def doubts(self, x: Any, y: Any) -> list[tf.Tensor]:
        classes = output_shape(self.head)[0]
        return [*(tf.reduce_any(label < least) for label, least in zip(y, (0, -1), strict=True)),
                *(tf.reduce_any(label >= classes) for label in y)]

    def classify(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """A dict of `logits` and `probabilities`, each NumPy `[n, num_classes]`, of examples of the target domain."""
        return self.answer("classify", x=x)

    def features(self, x: np.ndarray) -> np.ndarray:
        """The features of examples of the target domain: NumPy `[n, d]`."""
        return self.answer("features", x=x)["features"]

    def takes(self) -> dict[str, Input]:
        x = Input(input_shape(self.trunk), range=(0.0, 1.0))
        return {"source": x, "target": x, "source_label": Input((), tf.int32)}

    def endpoints(self) -> dict[str, Endpoint]:
        def classify(x):
            logits = self.see(x)[1]
            return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

        x = {"x": self.takes()["target"]}
        return {
            "classify": Endpoint(x, classify, doc="logits and probabilities of the classes"),
            "features": Endpoint(x, lambda x: {"features": self.see(x)[0]}, doc="the features G(x)"),
        }
