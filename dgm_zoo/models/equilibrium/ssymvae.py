"""The semi-supervised symmetric variational auto-encoder."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from dgm_zoo.core import recipes
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.core.formulation import KL, Ascent, Edge
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions.groups import LadderPosterior
from dgm_zoo.distributions.heads import Head, Noise
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.equilibrium.hsymvae import HierarchicalSymmetricVAE
from dgm_zoo.models.equilibrium.symvae import UNKNOWN


@register_model("ssymvae")
@keras.saving.register_keras_serializable("dgm_zoo")
class SemiSupervisedSymmetricVAE(HierarchicalSymmetricVAE):
    """Semi-supervised symmetric VAE: a ladder of groups z = (z_0, ..., z_T) in which z_0 is a class, known for some x.

        max_{theta}  E_{p_data(x)} E_{q_eta(z|x)} log p_theta(x, z)
                     + E_{p_data(x, z_0)} E_{q_eta(z_1, ..., z_T|z_0, x)} log p_theta(x, z)
        max_{eta}    E_{p_theta(x, z)} log q_eta(z|x)  +  E_{p_data(x, z_0)} log q_eta(z_0|x)

    Training data are pairs (x, label), with label -1 for unlabelled x, as `data.load(..., labels_per_class=)` returns
    them. Each expectation over data is a mean over the batch's examples of its kind, unlabelled for p_data(x) and
    labelled for p_data(x, z_0), and drops out if the batch has none. The encoder samples the class of unlabelled x. See
    `HierarchicalSymmetricVAE` for the game. The model classifies x by q(z_0|x), and generates samples of a given class.
    `accuracy` is computed on the batch's labelled examples, 0 if there are none; evaluation uses labels for nothing
    else.

    Args:
      prior: a `networks.groups.GroupedPrior` with `classes=True`.
      posterior: a `LadderPosterior` over the same groups, with `classes=True`.
      Everything else: see `HierarchicalSymmetricVAE`.

    Raises:
      InvalidInput: as `HierarchicalSymmetricVAE`; groups without a class; a posterior that is not a ladder (only a
        ladder has q(z_0|x) in closed form); data without labels.

    Example:
      >>> model = dgm_zoo.create("ssymvae", image_shape=(28, 28, 1), num_classes=10, groups="100")
      >>> model.compile(keras.optimizers.Adam(1e-3))
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 100, binarize="threshold", labels=True, labels_per_class=10,
      ...                             labelled_rows=20))   # 20 of each 100 images have one of the 100 labels
      >>> model.classify(x)["probabilities"].shape
      (60000, 10)

    References: Flach, Schlesinger and Shekhovtsov, Symmetric Equilibrium Learning of VAEs, 2024, and its code.
    """

    logged = (*HierarchicalSymmetricVAE.logged, "accuracy")
    formulation = replace(
        HierarchicalSymmetricVAE.formulation,
        name="Semi-supervised symmetric VAE",
        z="bits in groups, z = (z_1, ..., z_T)",
        c="class, c = z_0, known for some x",
        p_x_given_y="p_θ(x|z_T) p_θ(z_T|z_T-1) ... p_θ(z_1|c) p(c): decoder",
        q_z_given_xy="q_η(z,c|x): q(c|x) q(z_1|c,x) ..., a ladder that shares the decoder's logits",
        kl=(KL("q_η(z,c|x) p_data(x)", "p_θ(x,z,c)", "wake"), KL("p_θ(x,z,c)", "q_η(z,c|x) p_θ(x)", "sleep")),
        ascents=tuple(
            Ascent((player,), utility, reads=("data", "labels", *reads), carries=carries, stopped=stopped)
            for player, utility, reads, carries, stopped in (
                ("theta", "E_{p_data(x) q_η(z,c|x)} log p_θ(x,z,c) + E_{p_data(x,c) q_η(z|c,x)} log p_θ(x,z,c)",
                 ("posterior",), ("theta",), "samples z, c"),
                ("eta", "E_{p_θ(x,z,c)} log q_η(z,c|x) + E_{p_data(x,c)} log q_η(c|x)",
                 ("prior",), ("theta", "eta"), "dreams x, z, c"),
            )
        ),
        edges=(*HierarchicalSymmetricVAE.formulation.edges, Edge("c", "z", "p_θ(z_1|c)"), Edge("x", "c", "q_η(c|x)")),
    )

    recipes = (
        recipes.with_fixed(
            recipes.with_defaults(recipes.bits_in_groups, groups=(100,)), inference="ladder", reparametrised=False
        ),
    )
    small = {"groups": [5]}

    def __init__(self, encoder: keras.Model, decoder: keras.Model, prior: Prior, *, likelihood: Head, posterior: Head,
                 **kwargs: Any) -> None:
        if not (getattr(prior, "classes", False) and isinstance(posterior, LadderPosterior)):
            raise InvalidInput(
                f"{type(prior).__name__} and {type(posterior).__name__} do not form a ladder below a class; give a "
                "GroupedPrior and a LadderPosterior, both with classes=True"
            )
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)
        self.num_classes = prior.sizes[0]

    # ------------------------------------------------------------------------------------------ training

    @property
    def given_shape(self) -> tuple[int, ...]:
        return (self.num_classes,)

    def unpack(self, data: Any) -> tuple[Any, tuple]:
        x, c = super().unpack(data)
        if not c:
            raise InvalidInput(f"{type(self).__name__} needs labels; give (x, label), -1 where there is none")
        return x, c

    def given(self, y: Any) -> tf.Tensor:
        label = tf.cast(y, tf.int32)
        return tf.where(label[:, None] < 0, UNKNOWN, tf.one_hot(label, self.num_classes))

    def completed(self, given: tf.Tensor, z: tf.Tensor, q: tfd.Distribution, noise: Noise) -> tf.Tensor:
        return tf.stop_gradient(self.posterior.sample(q, noise, given))

    def log_q_given(self, q: tfd.Distribution, given: tf.Tensor) -> tf.Tensor:
        return q.log_prob_first(given)

    def known_terms(self, q: tfd.Distribution, given: tf.Tensor, weights: Any) -> dict[str, tf.Tensor]:
        """`accuracy`, `[batch]`: N / N_labelled if the likeliest class is the label, else 0; 0 without a label."""
        right = tf.argmax(q.logits(0, {}), -1) == tf.argmax(given, -1)
        return {"accuracy": weights[1] * tf.cast(right, tf.float32)}

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        noise = self.noise(self.rng(x, training=False))

        def terms(x, c, noise):
            return {**self.terms(x, (), noise), **self.known_terms(self.q_z(x), *c)}

        return self.log(**self.jitted(terms)(x, c, noise))

    # ------------------------------------------------------------------------------------------ use

    def draw_z(self, noise: Noise, label: Any = None) -> tf.Tensor:
        return self.p_z().draw(noise, first=tf.one_hot(label, self.num_classes))

    def classify(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """A dict of `logits` and `probabilities` of the classes, each NumPy `[n, num_classes]`."""
        return self.answer("classify", x=x)

    def takes(self) -> dict[str, Input]:
        return {**super().takes(), "label": Input((), tf.int32, range=(-1, self.num_classes - 1))}

    def endpoints(self) -> dict[str, Endpoint]:
        label = {"label": Input((), tf.int32, range=(0, self.num_classes - 1))}
        table = {
            name: one._replace(inputs={key: wanted for key, wanted in one.inputs.items() if key != "label"})
            for name, one in super().endpoints().items()
        }

        def classify(x):
            logits = self.q_z(x).logits(0, {})
            return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

        return {
            **table,
            "sample": table["sample"]._replace(
                inputs={"seed": SEED, **label}, doc="z ~ p(z) of a class, then the mean of p(x|z)"
            ),
            "classify": Endpoint({"x": self.takes()["x"]}, classify, doc="logits and probabilities of the classes"),
        }
