"""Predictability minimisation."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo import distributions
from dgm_zoo.checks import boolean, input_shape, layer_size, match, output_shape, shown, whole_number
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.endpoints import Endpoint, Input
from dgm_zoo.core.formulation import Ascent, Edge, Formulation
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.core.optimizers import current_rate
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions.heads import Head, Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.networks import Predictors, encoder_and_decoder
from dgm_zoo.objectives import log_q_units, log_q_units_reversed, v_c

FORMS = ("squares", "bernoulli", "reversed")
LEAD = 3.0  # at least this much faster, in steps times learning rate, the predictors should learn than the code


@recipes.makes("encoder", "predictors", "decoder", "likelihood")
def networks(*, image_shape: Sequence[int], latent_dim: int = 32, network: str = "dense",
             hidden: Sequence[int] | None = None, activation: str | None = None, predictor_hidden: Sequence[int] = (),
             decode: bool = False, likelihood: Any = None) -> dict[str, Any]:
    """Returns an encoder, a predictor for each unit and, with `decode`, a decoder and its likelihood.

    Args:
      image_shape: shape of x.
      latent_dim: number of code units, at least 2.
      network, hidden, activation: see `networks.encoder_and_decoder`.
      predictor_hidden: widths of the hidden layers of each predictor; see `networks.Predictors`.
      decode: whether to build a decoder.
      likelihood: the head of the decoder's p(x|z), with `decode` only; see `distributions.get`. None for
        IndependentBernoulli.
    """
    if not boolean("decode", decode) and likelihood is not None:
        raise InvalidInput(f"likelihood {shown(likelihood)} is for a decoder; set decode=True or leave likelihood out")
    units, image_shape = layer_size("latent_dim", latent_dim, 2), tuple(image_shape)
    head = distributions.get("IndependentBernoulli" if likelihood is None else likelihood, image_shape)
    encoder, decoder = encoder_and_decoder(
        network, image_shape, units, (units,), head.params_shape, hidden, activation
    )
    given = {"decoder": decoder, "likelihood": head} if decode else {"likelihood": None}
    return {"encoder": encoder, "predictors": Predictors(units, predictor_hidden), **given}


@register_model("pm")
@keras.saving.register_keras_serializable("dgm_zoo")
class PM(GenerativeModel):
    """Predictability minimisation: learns a code of binary units that cannot be predicted from one another.

        max_{phi}  E_{p_data(x)} sum_i log q_phi(z_i|z_-i),      z = G_eta(x) in (0, 1)^n
        min_{eta}  the same

    The predictor of a unit receives all other units. The encoder makes each unit unpredictable, which drives the units
    to be binary, balanced and mutually independent: a factorial code. In a training step the predictors take
    `predictor_steps` steps, then the encoder takes one. The units are deterministic functions of x, because random bits
    would be unpredictable, too. The predictors must learn faster than the encoder, with 10
    times its learning rate as in the original, or with several steps; otherwise units saturate at a constant, where the
    sigmoid has no gradient.

    `form` defines log q:

    * "squares": -V_C, V_C = 1/2 sum_i (P_i - z_i)^2, Schmidhuber's objective with gamma = 0; q is Gaussian.
    * "bernoulli": the log-probability of bits, z_i log P_i + (1 - z_i) log (1 - P_i).
    * "reversed": as "bernoulli" for phi; eta ascends log q^r = sum_i log q_phi(1 - z_i|z_-i) instead, which does not
      saturate.

    With a decoder, which also belongs to eta, eta's utility includes `reconstruction_weight` E log p(x|z).

    `loss`, used for model selection, is -V_C in every form. V_C overstates independence if the predictors lag behind;
    the measure `code_independence` fits new predictors.

    Args:
      encoder: Keras model, x `[batch, ...]` to the logits of the units, `[batch, n]`, n at least 2.
      predictors: `networks.Predictors` for n units.
      decoder: Keras model, z `[batch, n]` to the parameters of p(x|z); None for no decoder.
      likelihood: the head of p(x|z); None without a decoder.
      form: "squares", "bernoulli" or "reversed".
      predictor_steps: number of predictor steps per encoder step.
      reconstruction_weight: weight of log p(x|z), a number or a schedule; has no effect without a decoder.

    Raises:
      InvalidInput: the code has one unit; the shapes of two networks do not match (the message names both); the form
        is unknown; a decoder is given without a likelihood, or vice versa.

    `fit` warns if the predictors learn less than 3 times as fast as the encoder, by steps times learning rate: one
    optimizer for both players needs several predictor steps.

    Example:
      >>> model = dgm_zoo.create("pm", image_shape=(28, 28, 1), latent_dim=16)
      >>> model.compile({"eta": keras.optimizers.Adam(1e-4), "phi": keras.optimizers.Adam(1e-3)})
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128, binarize="threshold"), epochs=10)
      >>> model.encode(x)["mean"].shape
      (10, 16)

    References:
      Schmidhuber, Learning Factorial Codes by Predictability Minimization, 1992.
      Hu et al., On Unifying Deep Generative Models, 2018 (the reversal of q, here for each unit).
    """

    players = {"eta": ("encoder",), "phi": ("predictors",)}
    logged = ("loss", "log_q", "error_of_units")
    units = {
        "loss": "minus V_C, half the sum of squared errors of the units",
        "log_q": "minus V_C, or nats in the forms of bits",
        "error_of_units": "mean squared error of a unit's predictor",
    }
    ascends = {"eta": "objective", "phi": "log_q"}
    call_endpoint = ("encode", "mean")
    formulation = Formulation(
        name="PM",
        z="all code units but one", y="that unit",
        q_y_given_x="q_φ(y|z): the predictor of a unit, of the others",
        q_z_given_xy="z = G_η(x), and y of the same x: deterministic",
        remark="η descends what φ ascends, a zero-sum game; form 'reversed' has η ascend log q_φ^r(y|z) instead",
        ascents=(
            Ascent(("phi",), "E_{p_data(x)} Σ_i log q_φ(z_i|z_-i)", reads=("data",), carries=("phi",), stopped="code"),
            Ascent(("eta",), "−E_{p_data(x)} Σ_i log q_φ(z_i|z_-i)", reads=("data",), carries=("eta", "phi")),
        ),
        edges=(
            Edge("x", "z", "G_η(x)", implicit=True), Edge("x", "y", implicit=True),
            Edge("z", "y", "q_φ(y|z)", adversarial=True),
        ),
    )
    abilities = frozenset({"prediction"})
    recipes = (networks,)
    small = {"latent_dim": 3, "predictor_steps": 5}  # at equal learning rates
    reconstruction_weight = Coefficient()

    def __init__(self, encoder: keras.Model, predictors: Predictors, decoder: keras.Model | None = None,
                 likelihood: Head | None = None, *, form: str = "squares", predictor_steps: int = 1,
                 reconstruction_weight: Any = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encoder, self.predictors, self.decoder, self.likelihood = encoder, predictors, decoder, likelihood
        self.form, self.predictor_steps = form, whole_number("predictor_steps", predictor_steps)
        self.reconstruction_weight = reconstruction_weight
        check_known("form", form, FORMS)
        match("encoder's output", output_shape(encoder), "predictors' code", (predictors.units,))
        if not predictors.built:
            predictors.build((None, predictors.units))
        if (decoder is None) != (likelihood is None):
            raise InvalidInput("a decoder and a likelihood come together; give PM both or neither")
        if decoder is not None:
            match("decoder's input", input_shape(decoder), "code", (predictors.units,))
            match("decoder's output", output_shape(decoder), "likelihood's parameters", likelihood.params_shape)
            self.players = {**type(self).players, "eta": ("encoder", "decoder", "likelihood")}
            self.logged = (*type(self).logged, "reconstruction")
            self.call_endpoint = ("reconstruct", "x")

    # ------------------------------------------------------------------------------------------ the two players

    def code(self, x: tf.Tensor) -> tf.Tensor:
        """z = G_eta(x): the units, `[batch, n]` in (0, 1)."""
        return tf.sigmoid(tf.cast(self.encoder(x), tf.float32))

    def prediction(self, code: tf.Tensor) -> tf.Tensor:
        """The logits of q_phi(z_i=1|z_-i): `[batch, n]`."""
        return tf.cast(self.predictors(code), tf.float32)

    def phi_terms(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """The utility of phi: `[batch]`."""
        code = tf.stop_gradient(self.code(x))
        return {"log_q": self._log_q(self.prediction(code), code)}

    def _log_q(self, logit, code):
        return -v_c(tf.sigmoid(logit), code) if self.form == "squares" else log_q_units(logit, code)

    def eta_terms(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """The utility of eta, `loss` for model selection, and diagnostics; each `[batch]`."""
        code = self.code(x)
        logit = self.prediction(code)
        reversed_too = self.form == "reversed"
        objective = log_q_units_reversed(logit, code) if reversed_too else -self._log_q(logit, code)
        squares = v_c(tf.sigmoid(logit), code)
        found = {"loss": -squares, "error_of_units": 2.0 * squares / self.predictors.units}
        if self.decoder is not None:
            found["reconstruction"] = self.likelihood(self.decoder(code)).log_prob(x)
            objective += self.now("reconstruction_weight") * found["reconstruction"]
        return {"objective": objective, **found}

    # ------------------------------------------------------------------------------------------ training

    def steps_of(self, player: str) -> int:
        return self.predictor_steps if player == "phi" else 1

    def watchers(self) -> list[keras.callbacks.Callback]:
        return [*super().watchers(), SlowPredictors()]

    def noise(self, rng: BatchNoise) -> Noise:
        """Returns `()`: a training step needs no noise."""
        return ()

    def play(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """Takes one training step: the predictors' steps, then the encoder's; returns the terms of the last steps."""
        for _ in range(self.predictor_steps):
            terms = self.ascend(self.phi_terms, x, phi=self.ascends["phi"])
        return {**terms, **self.ascend(self.eta_terms, x, eta=self.ascends["eta"])}

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        return self.log(**self.play(x, c, self.noise(self.rng(x))))

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, _ = self.unpack(data)
        return self.log(**self.jitted(self.phi_terms)(x), **self.jitted(self.eta_terms)(x))

    # ------------------------------------------------------------------------------------------ use

    def encode(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """A dict with `mean`, the deterministic units: NumPy `[n, units]` in (0, 1)."""
        return self.answer("encode", x=x)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """The mean of p(x|z) at codes z `[n, units]`: NumPy `[n, *x_shape]`. Requires a decoder."""
        return self.answer("decode", z=z)["x"]

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """The mean of p(x|z) at the code of x: NumPy `[n, *x_shape]`. Requires a decoder."""
        return self.answer("reconstruct", x=x)["x"]

    def takes(self) -> dict[str, Input]:
        return {"x": Input(input_shape(self.encoder), range=self.likelihood.range if self.likelihood else None)}

    def endpoints(self) -> dict[str, Endpoint]:
        x, z = {"x": self.takes()["x"]}, {"z": Input((self.predictors.units,), range=(0.0, 1.0))}
        found = {"encode": Endpoint(x, lambda x: {"mean": self.code(x)}, doc="the units of the code")}
        if self.decoder is None:
            return found

        def decode(z):
            return {"x": tf.cast(self.likelihood(self.decoder(z)).mean(), tf.float32)}

        return {
            **found, "decode": Endpoint(z, decode, doc="the mean of p(x|z)"),
            "reconstruct": Endpoint(x, lambda x: decode(self.code(x)), doc="the mean of p(x|z) at the code of x"),
        }


class SlowPredictors(keras.callbacks.Callback):
    """Warns before training in which the predictors learn hardly faster than the code that they should predict."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        model = self.model
        phi, eta = (current_rate(model.optimizers[player]) for player in ("phi", "eta"))
        if model.predictor_steps * phi < LEAD * eta:
            warnings.warn(
                f"PM's predictors take {model.predictor_steps} step(s) with learning rate {phi:g} for one of the code "
                f"with {eta:g}; if they learn no faster, the code only looks independent: give phi 10 times eta's "
                "learning rate, as in the paper, or predictor_steps=5",
                stacklevel=2,
            )
