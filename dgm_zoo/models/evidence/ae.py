"""The deterministic auto-encoder."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo import distributions
from dgm_zoo.checks import input_shape, layer_size, match, output_shape
from dgm_zoo.core import recipes
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.core.formulation import Ascent, Edge, Formulation
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.core.registry import register_model
from dgm_zoo.core.vetting import current_batch
from dgm_zoo.distributions import FittedNormal, Head
from dgm_zoo.distributions.roles import check_scored
from dgm_zoo.networks import encoder_and_decoder


@recipes.makes("encoder", "decoder", "likelihood")
def networks(*, image_shape: Sequence[int], latent_dim: int = 32, network: Any = "dense", hidden: Any = None,
             activation: Any = None, likelihood: Any = "IndependentBernoulli") -> dict[str, Any]:
    """Encoder, decoder and likelihood; see `core.recipes.autoencoder`."""
    latent = (layer_size("latent_dim", latent_dim),)
    likelihood = distributions.get(likelihood, tuple(image_shape))
    encoder, decoder = encoder_and_decoder(
        network, image_shape, latent_dim, latent, likelihood.params_shape, hidden, activation
    )
    return {"encoder": encoder, "decoder": decoder, "likelihood": likelihood}


@register_model("ae")
@keras.saving.register_keras_serializable("dgm_zoo")
class AE(GenerativeModel):
    """Deterministic auto-encoder: a code z = Q(x) and its decoder, and no joint to match.

        max_{theta, eta}  E_{p_data(x)} log p_theta(x | z = Q_eta(x))

    With `IndependentNormal(shape, stddev=1)` this is the squared error up to a constant, with
    `IndependentBernoulli(shape)` the cross-entropy. It has no prior and so no likelihood; to sample it, codes are
    drawn from a normal with the mean and covariance of the training codes (ex-post density estimation).

    Args:
      encoder: Keras model, x `[batch, ...]` to z `[batch, latent_dim]`.
      decoder: Keras model, z to the parameters of p(x|z), `[batch, *likelihood.params_shape]`.
      likelihood: the head of p(x|z).
      codes: the density of codes that `sample` draws from; None for a `FittedNormal`, fitted during training.

    Raises:
      InvalidInput: shapes of networks and heads disagree; names both.

    Example:
      >>> model = dgm_zoo.create("ae", image_shape=(28, 28, 1), latent_dim=32)
      >>> model.compile(optimizer="adam")
      >>> model.fit(dgm_zoo.data.load("mnist", "train", 128), epochs=10)

    References: Ghosh et al., From Variational to Deterministic Autoencoders, 2020, section 4 (sampling).
    """

    players = {"theta": ("decoder", "likelihood"), "eta": ("encoder",)}
    logged = ("loss", "reconstruction", "mse")
    ascends = {"theta": "reconstruction", "eta": "reconstruction"}
    weighs = {"reconstruction": True}
    formulation = Formulation(
        name="AE",
        z="code",
        p_x_given_y="p_θ(x|z): decoder",
        q_z_given_xy="z = Q_η(x): encoder, deterministic",
        remark="reconstruction only: there is no p(z), so no joint to match",
        ascents=(
            Ascent(
                ("theta", "eta"), "E_{p_data(x)} log p_θ(x|z), z = Q_η(x)",
                reads=("data",), carries=("theta", "eta"),
            ),
        ),
        edges=(Edge("z", "x", "p_θ(x|z)"), Edge("x", "z", "z = Q_η(x)", implicit=True)),
    )

    recipes = (networks,)

    def __init__(self, encoder: keras.Model, decoder: keras.Model, *, likelihood: Head,
                 codes: FittedNormal | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        latent = input_shape(decoder)
        self.encoder, self.decoder, self.likelihood = encoder, decoder, likelihood
        self.codes = FittedNormal(latent) if codes is None else codes
        check_scored(type(self), likelihood)
        match("encoder's input", input_shape(encoder), "likelihood's event", likelihood.event_shape)
        match("encoder's output", output_shape(encoder), "decoder's input", latent)
        match("decoder's output", output_shape(decoder), "likelihood's parameters", likelihood.params_shape)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, _ = self.unpack(data)
        self.rng(x)  # counts the batch; the step uses no noise
        terms = self.ascend(self.terms, x, **self.ascends)
        self.codes.update(terms["code"], current_batch(self).weight)
        return self.log(loss=-terms["reconstruction"], **terms)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, _ = self.unpack(data)
        terms = self.jitted(self.terms)(x)
        return self.log(loss=-terms["reconstruction"], **terms)

    def terms(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """log p(x|z), the squared error per value, each `[batch]`, and the code `[batch, latent_dim]`."""
        z = tf.cast(self.encoder(x), tf.float32)
        p = self.likelihood(self.decoder(z))
        mse = tf.reduce_mean((p.mean() - x) ** 2, list(range(1, x.shape.rank)))
        return {"reconstruction": p.log_prob(x), "mse": mse, "code": z}

    def encode(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """The code of x: `{"mean": z}`, z NumPy `[n, latent_dim]`."""
        return self.answer("encode", x=x)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """The likelihood's mean for codes z: NumPy `[n, *image_shape]`."""
        return self.answer("decode", z=z)["x"]

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """The likelihood's mean at the code of x: NumPy, the shape of x."""
        return self.answer("reconstruct", x=x)["x"]

    def _decode(self, z):
        return {"x": self.likelihood(self.decoder(z)).mean()}

    def _reconstruct(self, x):
        return self._decode(self.encoder(x))

    def takes(self) -> dict[str, Input]:
        return {"x": Input(self.likelihood.event_shape, range=self.likelihood.range)}

    def endpoints(self) -> dict[str, Endpoint]:
        return {
            "sample": Endpoint(
                {"seed": SEED}, lambda noise: self._decode(self.codes.draw(noise)), self.codes.noise,
                "a code from the normal fitted to the training codes, then the mean of p(x|z)",
            ),
            "encode": Endpoint(
                self.takes(), lambda x: {"mean": tf.cast(self.encoder(x), tf.float32)}, doc="the code of x"
            ),
            "decode": Endpoint({"z": Input(self.codes.event_shape)}, self._decode, doc="the mean of p(x|z)"),
            "reconstruct": Endpoint(self.takes(), self._reconstruct, doc="the mean of p(x|z) at the code of x"),
        }
