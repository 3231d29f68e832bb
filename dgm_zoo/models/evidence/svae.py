"""The semi-supervised variational auto-encoder."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.checks import check_networks, dropout_rate, input_shape, layer_size, match, output_shape
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.core.formulation import KL, Ascent, Edge
from dgm_zoo.core.registry import register_model
from dgm_zoo.core.state import counter
from dgm_zoo.core.steps import over_replicas
from dgm_zoo.distributions import BatchNoise, Head, Prior
from dgm_zoo.distributions.heads import pick
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.evidence.cvae import CVAE, refuse_vamp
from dgm_zoo.models.evidence.vae import VAE, bound
from dgm_zoo.networks import Conditioned, classifier_of
from dgm_zoo.objectives import of_labelled, of_labels, over_classes


@recipes.makes("classifier")
def classifier(*, image_shape: Sequence[int], num_classes: int, network: Any = "dense", hidden: Any = None,
               activation: Any = None, classifier_network: Any = None,
               classifier_hidden: Any = None) -> dict[str, keras.Model]:
    """The classifier q(c|x).

    Args:
      classifier_network, classifier_hidden: see `networks.classifier_of`; None for a network like the encoder's.
      Everything else: see `core.recipes.conditional_autoencoder`.
    """
    if classifier_network is None:
        classifier_network, classifier_hidden = network, hidden if classifier_hidden is None else classifier_hidden
    return {"classifier": classifier_of(classifier_network, image_shape, num_classes, classifier_hidden, activation)}


@register_model("svae")
@keras.saving.register_keras_serializable("dgm_zoo")
class SVAE(VAE):
    """Semi-supervised variational auto-encoder, Kingma's M2: a CVAE whose class is a second latent, known for some x.

        L(x, c) = E_{q_eta(z|x,c)} log p_theta(x|z,c) - KL(q_eta(z|x,c) || p(z)) + log p(c)      if x has the label c
        U(x)    = sum_c q_eta(c|x) (L(x, c) - log q_eta(c|x))                                    if it has none

        max_{theta, eta}  L or U of every example, and alpha N / N_labelled log q_eta(c|x) of those that have a label

    A known label makes q(c|x) one-hot, so one expression covers both bounds; its sum over classes takes one pass of
    encoder and decoder over every pair of example and class, with the same noise for each class. N / N_labelled counts
    all examples trained on so far, over all replicas. Training data are pairs (x, label), with label -1 for unlabelled
    examples, as `data.load(..., labelled_fraction=)` returns them.

    In evaluation the bound ignores labels: `loss` and `elbo` are those of U, a bound on log p(x). Labels determine
    `classification`, log q(c|x) in nats, and `accuracy`; both are means over labelled examples. `kl` is
    KL(q(z, c|x) || p(z) p(c)), without the term log q of a known c.

    Args:
      encoder: Keras model of `[x, c]`, c one-hot `[batch, num_classes]`. If a `networks.Conditioned` layer adds c,
        the layers before it run once for all classes.
      decoder: Keras model of `[z, c]`.
      classifier: Keras model, x to the logits of q(c|x), `[batch, num_classes]`.
      num_classes: number of classes.
      alpha: weight of the classification term, at least 0.
      dropout: probability, in [0, 1), of dropping a feature before the classifier's last layer in the classification
        term; the sum over classes is weighted by q(c|x) with all features.
      class_prior: p(c), a positive probability for each class, such as the classes' shares of the data
        (`data.class_shares`); None for the uniform one. A run takes it from its labelled rows.
      Everything else: see `VAE`; the bound must have one value for each example (no free bits).

    Raises:
      InvalidInput: parts whose shapes disagree (names both); a class_prior that is not a distribution.

    Example:
      >>> model = dgm_zoo.create("svae", image_shape=(28, 28, 1), num_classes=10, latent_dim=50)
      >>> model.compile(optimizer="adam")
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 100, labels=True, labelled_fraction=0.01), epochs=7)
      >>> model.classify(x)["probabilities"].shape
      (60000, 10)

    References: Kingma, Rezende, Mohamed and Welling, Semi-supervised Learning with Deep Generative Models, 2014, Eq. 6
      to 9. Hu et al., On Unifying Deep Generative Models, 2018, Tables 2 and 3 ("SVAE").
    """

    players = {"theta": ("decoder", "likelihood", "prior"), "eta": ("encoder", "posterior", "classifier")}
    formulation = replace(
        CVAE.formulation,
        name="SVAE",
        c="class, known for some x",
        kl=(KL("q_η(z,c|x,y) q_*^r(y|x)", "p_θ(z,c,y|x)", "wake"),),
        remark="where the label is known q_η(c|x) is its indicator; the classifier's term is maximum likelihood, no KL",
        ascents=(
            Ascent(
                ("theta", "eta"), "L(x,c) where the label is known, with alpha log q_η(c|x); U(x) where it is not",
                reads=("data", "labels", "posterior"), carries=("theta", "eta"),
            ),
        ),
        edges=(*CVAE.formulation.edges, Edge("x", "c", "q_η(c|x)")),
    )
    recipes = (recipes.conditional_autoencoder, classifier, bound)
    alpha = Coefficient()
    endpoint_samples = 16  # of each class

    def __init__(self, encoder: keras.Model, decoder: keras.Model, prior: Prior | None = None, *,
                 classifier: keras.Model, likelihood: Head, num_classes: int, posterior: Head | None = None,
                 alpha: Any = 0.1, dropout: float = 0.0, class_prior: Any = None, **kwargs: Any) -> None:
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)
        refuse_vamp(self)
        self.num_classes = layer_size("num_classes", num_classes)
        self.logged = (*self.logged, "classification", "accuracy")
        self.counters.update(rows=counter("rows"), labelled=counter("labelled"))
        self.classifier, self.alpha, self.dropout = classifier, alpha, dropout_rate(dropout)
        self.class_prior = [1.0 / self.num_classes] * self.num_classes if class_prior is None else _shares(class_prior)
        check_networks(2, encoder=encoder, decoder=decoder)
        match("classifier's input", input_shape(classifier), "likelihood's event", likelihood.event_shape)
        match("classifier's output", output_shape(classifier), "classes' logits", (num_classes,))
        if self.dropout and not isinstance(classifier.layers[-1], keras.layers.Dense):
            raise InvalidInput(
                f"dropout {dropout!r} drops features before the classifier's last layer, which is a "
                f"{type(classifier.layers[-1]).__name__}; make that a Dense layer, or leave dropout out"
            )
        match("class_prior", (len(self.class_prior),), "classes", (num_classes,))
        if self.dropout:  # in __dict__, so that Keras does not track its layers twice
            self.__dict__["_features"] = keras.Model(classifier.inputs[0], classifier.layers[-1].input)
        self.meets_each_class = any(isinstance(layer, Conditioned) for layer in encoder.layers)
        if not self.bound.of_rows:
            raise InvalidInput(
                f"the bound {type(self.bound).__name__} averages over the batch ({self.bound.get_config()}), which in "
                "SVAE would be over classes; give free_bits 0, or a bound with one value for each example"
            )

    # ------------------------------------------------------------------------------------------ the two joints

    def log_q_c(self, x: tf.Tensor) -> tf.Tensor:
        """log q_eta(c|x), nats: `[batch, num_classes]`."""
        return tf.nn.log_softmax(tf.cast(self.classifier(x), tf.float32))

    def dropped_log_q_c(self, x: tf.Tensor, dropped: tf.Tensor, noise: tf.Tensor) -> list[tf.Tensor]:
        """log q_eta(c|x), nats: with all features, and with the fraction `dropped`, `[batch]`, removed by `noise`."""
        h = self.__dict__["_features"](x)
        kept = tf.cast(noise >= dropped[:, None], tf.float32) / (1.0 - dropped[:, None])
        logits = (self.classifier.layers[-1](one) for one in (h, h * tf.cast(kept, h.dtype)))
        return [tf.nn.log_softmax(tf.cast(one, tf.float32)) for one in logits]

    def log_p_c(self) -> tf.Tensor:
        """log p(c), nats: `[num_classes]`."""
        return tf.math.log(tf.constant(self.class_prior))

    def q_z(self, x: tf.Tensor, *c: tf.Tensor) -> tfd.Distribution:
        """q_eta(z|x,c): batch shape `[batch]`; without c, for every class: `[num_classes * batch]`."""
        if not c:
            every, c = self.every_class(x)
            x = x if self.meets_each_class else every
        return super().q_z(x, *c)

    def every_class(self, x: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        """Every row of x with every class: x `[num_classes * batch, ...]` and one-hot c, ordered by class."""
        c = tf.repeat(tf.eye(self.num_classes), tf.shape(x)[0], axis=0)
        return self.for_every_class(x, 0), (c,)

    def for_every_class(self, value: Any, axis: int) -> Any:
        """Repeats tensors, whose rows are on `axis`, once per class, in the order of `every_class`."""
        return tf.nest.map_structure(
            lambda v: tf.tile(v, [self.num_classes if i == axis else 1 for i in range(v.shape.rank)]), value
        )

    # ------------------------------------------------------------------------------------------ training

    def unpack(self, data: Any) -> tuple[tf.Tensor, tuple]:
        x, _ = super().unpack(data)
        label = tf.cast(keras.utils.unpack_x_y_sample_weight(data)[1], tf.int32)
        return x, (label, tf.ones_like(label, tf.float32), tf.fill(tf.shape(label), self.dropout))

    def counted(self, c: tuple) -> tuple:
        """The conditions c of a training batch, with N / N_labelled over all batches so far, including this one.

        This tends to the data's ratio, whether labels are spread over the batches at random or evenly.
        """
        label, _, dropped = c
        counts = [tf.size(label, tf.int64), tf.reduce_sum(tf.cast(label >= 0, tf.int64))]
        counts = over_replicas("sum", counts)
        before = [tf.convert_to_tensor(self.counters[name]) for name in ("rows", "labelled")]
        rows, labelled = (one + count for one, count in zip(before, counts, strict=True))
        for name, count in zip(("rows", "labelled"), counts, strict=True):
            self.counters[name].assign_add(count)
        rate = tf.math.divide_no_nan(tf.cast(rows, tf.float32), tf.cast(labelled, tf.float32))
        return label, tf.fill(tf.shape(label), rate), dropped

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        rng, c = self.rng(x), self.counted(c)
        terms = self.ascend(self.terms, x, c, self.noise(rng), **self.ascends)
        return self.log(of_labelled(c[0]), loss=-terms["objective"], **terms, **self.asleep(c, rng))

    def noise(self, rng: BatchNoise) -> Any:
        for_z = super().noise(rng)
        return (for_z, rng.uniform(self.__dict__["_features"].output_shape[1:])) if self.dropout else for_z

    def terms(self, x: tf.Tensor, c: tuple, noise: Any) -> dict[str, tf.Tensor]:
        """The bound and its parts, each `[batch]`, in nats.

        Args:
          c: the labels (-1 for none), N / N_labelled, and the fraction of features that is dropped, `[batch]` each.
        """
        label, rate, dropped = c
        if self.dropout:
            noise, for_features = noise
            log_q, taught = self.dropped_log_q_c(x, dropped, for_features)
        else:
            log_q = taught = self.log_q_c(x)
        noise = self.for_every_class(noise, 1 if self.bound.samples else 0)
        each = self.bound_terms(*self.every_class(x), self.q_z(x), noise)
        of_class = {name: tf.reshape(value, [self.num_classes, -1]) for name, value in each.items()}
        terms, taught = over_classes(of_class, label, log_q, self.log_p_c()), of_labels(taught, label)
        weighed = self.now("alpha") * rate * taught["classification"]
        return {**terms, "objective": terms["objective"] + weighed, **taught}

    def sleep_noise(self, rng: BatchNoise) -> tuple:
        return rng.uniform(()), super().sleep_noise(rng)

    def dreams(self, c: tuple, noise: Any) -> dict[str, tf.Tensor]:
        """log q(c|x) + log q(z|x,c) of dreams with c ~ p(c), nats: `sleep`, `[batch]`."""
        uniform, noise = noise
        c = tf.one_hot(pick(self.log_p_c(), uniform), self.num_classes)
        z, x = self.dreamt(noise, c)
        return {"sleep": tf.reduce_sum(c * self.log_q_c(x), -1) + self.q_z(x, c).log_prob(z)}

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, (label, rate, dropped) = self.unpack(data)
        rng = self.rng(x, training=False)
        hidden = tf.fill(tf.shape(label), -1), rate, tf.zeros_like(dropped)
        terms = self.jitted(self.terms)(x, hidden, self.noise(rng))
        terms |= self.jitted(lambda x, label: of_labels(self.log_q_c(x), label))(x, label)
        terms |= self.asleep(hidden, rng, training=False)
        return self.log(of_labelled(label), loss=-terms["objective"], **terms)

    # ------------------------------------------------------------------------------------------ use

    def log_weights(self, x: tf.Tensor, c: tuple, q: tfd.Distribution, noise: Any) -> tf.Tensor:
        """log p(x, z_k) / q(z_k|x), nats, `[k, batch]`: separate z_k per class, summed over classes in the log."""
        x, c = self.every_class(x)
        log_w = super().log_weights(x, c, q, self.for_every_class(noise, 1))
        log_w = tf.reshape(log_w, [tf.shape(log_w)[0], self.num_classes, -1])
        return tf.reduce_logsumexp(log_w + self.log_p_c()[:, None], 1)

    def classify(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """A dict of `logits` and `probabilities` of the classes, each NumPy `[n, num_classes]`."""
        return self.answer("classify", x=x)

    def condition(self, y: Any) -> tuple:
        return () if y is None else (tf.one_hot(tf.cast(y, tf.int32), self.num_classes),)

    def likeliest(self, x: tf.Tensor) -> tf.Tensor:
        """The class of the largest q(c|x), one-hot `[batch, num_classes]`."""
        return tf.one_hot(tf.argmax(self.log_q_c(x), -1), self.num_classes)

    def _classify(self, x):
        log_q = self.log_q_c(x)
        return {"logits": log_q, "probabilities": tf.exp(log_q)}

    def _encode(self, x):
        return self.posterior.moments(self.q_z(x, self.likeliest(x)))

    def _reconstruct(self, x):
        c = self.likeliest(x)
        return {"x": self.p_x(self.posterior.code(self.q_z(x, c)), c).mean()}

    def takes(self) -> dict[str, Input]:
        return {**super().takes(), "label": Input((), tf.int32, range=(-1, self.num_classes - 1))}

    def endpoints(self) -> dict[str, Endpoint]:
        x, label = {"x": self.takes()["x"]}, {"label": Input((), tf.int32, range=(0, self.num_classes - 1))}
        table = super().endpoints()
        of_class = {name: table[name]._replace(inputs={**table[name].inputs, **label}) for name in ("sample", "decode")}
        return {
            **of_class,
            "encode": Endpoint(x, self._encode, doc="the parameters of q(z|x, c) of the likeliest class c"),
            "reconstruct": Endpoint(x, self._reconstruct, doc="the mean of p(x|z, c) at q's mean, likeliest class"),
            "classify": Endpoint(x, self._classify, doc="logits and probabilities of the classes"),
            "log_likelihood": table["log_likelihood"]._replace(
                inputs={**x, "seed": SEED},
                doc=f"log p(x) in nats by importance sampling, K = {self.endpoint_samples} of each class",
                rows=max(1, table["log_likelihood"].rows // self.num_classes)),
        }


def _shares(class_prior):
    """Returns p(c) as a list; raises `InvalidInput` unless it holds positive numbers that sum to 1."""
    try:
        shares = np.asarray(class_prior, np.float64)
    except (TypeError, ValueError, OverflowError):
        shares = np.zeros(0)
    if shares.ndim != 1 or not (shares > 0).all() or not abs(shares.sum() - 1.0) < 1e-5:
        raise InvalidInput(f"class_prior {class_prior!r} must hold a positive probability for each class, 1 in sum")
    return [float(share) for share in shares]
