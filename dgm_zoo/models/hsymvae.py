"""The hierarchical symmetric variational auto-encoder."""

from dataclasses import replace

import keras
import tensorflow as tf

from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.endpoints import SEED, Endpoint, Input
from dgm_zoo.models.formulation import Ascent
from dgm_zoo.models.registry import register
from dgm_zoo.models.symvae import UNKNOWN, SymmetricVAE
from dgm_zoo.networks.groups import INFERENCE, GroupedPrior, LadderPosterior, hierarchy


@register("hsymvae")
@keras.saving.register_keras_serializable("dgm_zoo")
class HierarchicalSymmetricVAE(SymmetricVAE):
    """Hierarchical symmetric VAE: the symmetric VAE's game with bits z = (z_0, ..., z_T) in two or more groups.

        max_{theta}  E_{p_data(x)} E_{q_eta(z|x)}  log p_theta(x, z)
        max_{eta}    E_{p_theta(x, z)}             log q_eta(z|x)

        p_theta(x, z) = p(z_0) p_theta(z_1|z_0) ... p_theta(z_T|z_T-1) p_theta(x|z),      p(z_0) uniform

        ladder   q_eta(z|x) = q(z_0|x) q(z_1|z_0, x) ... q(z_T|z_T-1, x)
        reverse  q_eta(z|x) = q(z_T|x) q(z_T-1|z_T) ... q(z_0|z_1)

    In a ladder the logits of z_t, t > 0, are those of p_theta(z_t|z_t-1) plus a_t(x), the encoder's. What it shares
    with the decoder stays theta's: eta's step sees it as a constant. See `SymmetricVAE` for the game. z is
    one vector, group after group; `encode` gives the logits of each group, given the likeliest value of those drawn
    before it, and `reconstruct` the mean of p(x|z) at these values.

    z_0 may be a class, one-hot, that is known for some x (`classes`): training data are then pairs (x, label), with the
    label -1 where there is none, as `data.load(..., labels_per_class=)` gives them, and a ladder's utilities also hold

        E_{p_data(x, z_0)} E_{q_eta(z_1, ..., z_T|z_0, x)} log p_theta(x, z)  and  E_{p_data(x, z_0)} log q_eta(z_0|x).

    Such a model classifies x by q(z_0|x), and draws samples of a class. `accuracy` is a mean over the examples that
    have a label; in evaluation nothing else looks at labels.

    Args:
      encoder: Keras model, x to the parameters of q(z|x), `[batch, *posterior.params_shape]`.
      decoder: Keras model, z `[batch, bits]` to those of p(x|z); that of `create` looks at z_T alone, as the authors'.
      prior: p(z), a `networks.groups.GroupedPrior`.
      likelihood: the head of p(x|z).
      posterior: a `LadderPosterior` or a `ReversePosterior` of the same groups.
      latents, dream_weight, seed: see `SymmetricVAE`.

    Raises:
      InvalidInput: as `SymmetricVAE`; prior or posterior of other classes, or of groups that differ; a class for z_0
        and no ladder.

    Example:
      >>> model = dgm_zoo.create("hsymvae", image_shape=(28, 28, 1), groups="30,100", inference="reverse")
      >>> model.compile(keras.optimizers.Adam(1e-3))
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128, binarize="threshold"), epochs=10)
      >>> model.encode(x)["logits"].shape   # x: [64, 28, 28, 1]
      (64, 130)

    References: Flach, Schlesinger and Shekhovtsov, Symmetric Equilibrium Learning of VAEs, 2024, and its code.
    """

    formulation = replace(
        SymmetricVAE.formulation,
        name="Hierarchical symmetric VAE",
        z="bits in groups, z = (z_0, ..., z_T)",
        p_x_given_y="p_θ(x|z_T) p_θ(z_T|z_T-1) ... p(z_0): decoder",
        q_z_given_xy="q_η(z|x): q(z_0|x) q(z_1|z_0,x) ..., a ladder that shares the decoder's logits",
        ascents=(
            SymmetricVAE.formulation.ascents[0],
            Ascent(
                ("eta",), "E_{p_θ(x,z)} log q_η(z|x)",
                reads=("prior",), carries=("theta", "eta"), stopped="dreams x, z",
            ),
        ),
    )

    def __init__(self, encoder, decoder, prior, *, likelihood, posterior, **kwargs):
        if not isinstance(prior, GroupedPrior) or not isinstance(posterior, tuple(INFERENCE.values())):
            raise InvalidInput(
                f"{type(prior).__name__} and {type(posterior).__name__} are not both of groups; give a GroupedPrior "
                "and a LadderPosterior or ReversePosterior"
            )
        if prior.sizes != posterior.sizes:
            raise InvalidInput(
                f"the prior has groups of {prior.sizes} bits and the posterior of {posterior.sizes}; make them equal"
            )
        if prior.classes != posterior.classes:
            raise InvalidInput("z_0 is a class to one of prior and posterior alone; give both classes=True, or neither")
        if prior.classes and not isinstance(posterior, LadderPosterior):
            raise InvalidInput(
                f"{type(posterior).__name__} draws z_0 last, so that q(z_0|x) has no closed form to learn labels by; "
                "give classes a LadderPosterior (inference='ladder')"
            )
        super().__init__(encoder, decoder, prior, likelihood=likelihood, posterior=posterior, **kwargs)
        self.num_classes = prior.sizes[0] if prior.classes else None
        if prior.classes:
            self.logged = (*self.logged, "accuracy")

    @classmethod
    def create(cls, image_shape, groups=(30, 100), inference="ladder", group_hidden=(600, 600), network="dense",
               hidden=None, activation=None, likelihood="IndependentBernoulli", classes=None, seed=None):
        """Builds the model with default networks.

        Args:
          groups: bits of each group, z_0 first: a list, or a string such as "30,100".
          classes: number of classes; z_0 is then the class of x, and `groups` are those after it.
          inference: "ladder" or "reverse".
          group_hidden: widths of the perceptrons between groups.
          network, hidden, activation: see `networks.encoder_and_decoder`.
        """
        return cls(
            **hierarchy(image_shape, groups, inference, group_hidden, network, hidden, activation, likelihood, classes),
            seed=seed,
        )

    # ------------------------------------------------------------------------------------------ classes

    @property
    def given_shape(self):
        return self.prior.sizes[:1] if self.num_classes else super().given_shape

    def given(self, y):
        if not self.num_classes:
            return super().given(y)
        label = tf.cast(y, tf.int32)
        return tf.where(label[:, None] < 0, UNKNOWN, tf.one_hot(label, self.num_classes))

    def completed(self, given, z, q, noise):
        return tf.stop_gradient(q.draw(noise, first=given)) if self.num_classes else given

    def log_q_given(self, q, given):
        return q.log_prob_first(given) if self.num_classes else super().log_q_given(q, given)

    def terms(self, x, c, noise):
        found = super().terms(x, c, noise)
        return {**found, **self.judged(x, *c)} if self.num_classes and c else found

    def judged(self, x, given, weights):
        """Whether the likeliest class is the label, times N / N_labelled where there is one: `accuracy`, `[batch]`."""
        right = tf.argmax(self.q_class(x), -1) == tf.argmax(given, -1)
        return {"accuracy": weights[1] * tf.cast(right, tf.float32)}

    def q_class(self, x):
        """The logits of q_eta(z_0|x), `[batch, classes]`."""
        return self.q_z(x).logits(0, {})

    def test_step(self, data):
        if not self.num_classes:
            return super().test_step(data)
        x, given = self.unpack(data)
        terms = self.jitted(self.terms)(x, (), self.noise(self.rng(x, training=False)))
        return self.log(**terms, **self.jitted(self.judged)(x, *given))

    def classify(self, x):
        """A dict of `logits` and `probabilities` of the classes, each NumPy `[n, classes]`."""
        return self.answer("classify", x=x)

    def takes(self):
        label = {"label": Input((), tf.int32, range=(-1, self.num_classes - 1))} if self.num_classes else {}
        return {**super().takes(), **label}

    def endpoints(self):
        if not self.num_classes:
            return super().endpoints()
        label = {"label": Input((), tf.int32, range=(0, self.num_classes - 1))}
        table = {
            name: one._replace(inputs={key: wanted for key, wanted in one.inputs.items() if key != "label"})
            for name, one in super().endpoints().items()
        }

        def sample(noise, label):
            z = self.p_z().draw(noise, first=tf.one_hot(label, self.num_classes))
            return {"x": self.p_x(z).mean()}

        def classify(x):
            logits = self.q_class(x)
            return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

        return {
            **table,
            "sample": Endpoint(
                {"seed": SEED, **label}, sample, self.prior.noise, "z ~ p(z) of a class, then the mean of p(x|z)"
            ),
            "classify": Endpoint({"x": self.takes()["x"]}, classify, doc="logits and probabilities of the classes"),
        }
