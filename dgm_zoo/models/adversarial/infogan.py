"""The information-maximising generative adversarial network."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import input_shape, layer_size, match, output_shape
from dgm_zoo.core import recipes
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.critic import with_features
from dgm_zoo.core.endpoints import SEED, Endpoint, Input, asked, checked
from dgm_zoo.core.formulation import KL, Ascent, Edge
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions.codes import Codes
from dgm_zoo.distributions.heads import Noise
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models.adversarial.gan import GAN, adversaries
from dgm_zoo.networks import dense
from dgm_zoo.objectives import energy_distance


@recipes.makes("generator", "discriminator", "recognition", "prior", "objective", "data_range")
def coded_adversaries(*, image_shape: Sequence[int], latent_dim: int = 32, categories: int = 10, continuous: int = 2,
                      network: str | None = None, hidden: Sequence[int] | None = None, normalization: str | None = None,
                      units: int | None = None, recognition_hidden: Sequence[int] = (128,),
                      objective: Any = "NonSaturating") -> dict[str, Any]:
    """Returns the parts of `adversaries`, with a `Codes` prior, and the recognition network.

    Args:
      latent_dim: size of z, including the code.
      categories, continuous: see `distributions.Codes`.
      recognition_hidden: widths of the layers that only q_eta has.
      Everything else: see `adversaries`.
    """
    prior = Codes((layer_size("latent_dim", latent_dim),), categories, continuous)
    parts = adversaries(
        image_shape=image_shape, latent_dim=latent_dim, network=network, hidden=hidden, normalization=normalization,
        units=units, prior=prior, objective=objective,
    )
    features = output_shape(with_features(parts["discriminator"]), 1)
    return {**parts, "recognition": dense(features, (prior.code_size,), recognition_hidden, "relu", name="recognition")}


@register_model("infogan")
@keras.saving.register_keras_serializable("dgm_zoo")
class InfoGAN(GAN):
    """Information-maximising GAN: a GAN in which a part of z, the code c, can be inferred from x.

        max_{phi}         E  log q_phi(y|x)    + weight log q_eta(c|x)
        max_{theta, eta}  E  log q^r_phi(y|x)  + weight log q_eta(c|x),

    the second term over generated x only, y = 0. q_eta shares the discriminator's layers up to `layer`. These layers
    belong to phi, so log q_eta is part of phi's utility too. The logged value `information` is log q_eta(c|x) + H(c) in
    nats, a lower bound on I(c; x).

    Args:
      generator: Keras model, z = [noise, category, continuous] `[batch, latent_dim]` to x.
      discriminator: Keras model, x to the logit of q(y=1|x), `[batch, 1]`, with a layer named `layer`.
      recognition: Keras model, that layer's output to the parameters of q_eta(c|x), `[batch, prior.code_size]`.
      prior: p(z), a `Codes`.
      weight: weight of the information in the utilities, at least 0.
      layer: name of the last discriminator layer that q_eta shares.
      Everything else: see `GAN`.

    Raises:
      InvalidInput: the prior is not a `Codes`; the discriminator has no such layer; shapes do not match.

    Example:
      >>> model = dgm_zoo.create("infogan", image_shape=(28, 28, 1), latent_dim=74, categories=10, continuous=2)
      >>> model.sample(10, seed=0, category=np.arange(10), continuous=np.zeros((10, 2))).shape
      (10, 28, 28, 1)

    References:
      Chen et al., InfoGAN, 2016, Eq. 5 and 6. Hu et al., On Unifying Deep Generative Models, 2018, Eq. 9.
    """

    players = {"theta": ("generator",), "phi": ("discriminator",), "eta": ("recognition",)}
    logged = (*GAN.logged, "information")
    ascends = {"theta": "generator", "phi": "discriminator", "eta": "generator"}
    formulation = replace(
        GAN.formulation,
        name="InfoGAN",
        z="noise, and the code c that is inferred",
        q_z_given_xy="q_η(z|x,y): for y=0 the code's q_η(c|x), on the discriminator's features; fixed for y=1",
        kl=(KL("p_θ(x|y)", "q^r(x|z,y)", "sleep", less="JSD(p_θ(x|y=0) ‖ p_θ(x|y=1))"),),
        remark="an equality of θ's gradients at the current θ0 (Eq. 10), q^r(x|z,y) ∝ q_η(z|x,y) q_φ^r(y|x) p_θ0(x)",
        ascents=(
            Ascent(
                ("phi",), "E_{p_θ(x|y) p(y)} log q_φ(y|x) + weight log q_η(z|x,y)",
                reads=("data", "prior"), carries=("phi", "eta"), stopped="generated x",
            ),
            Ascent(
                ("theta", "eta"), "E_{p_θ(x|y) p(y)} log q_φ^r(y|x) + weight log q_η(z|x,y)",
                reads=("prior",), carries=("theta", "phi", "eta"),
            ),
        ),
        edges=(*GAN.formulation.edges, Edge("x", "z", "q_η(z|x,y)")),
    )

    recipes = (coded_adversaries,)
    weight = Coefficient()
    small = {"latent_dim": 6, "categories": 3, "continuous": 1}

    def __init__(self, generator: keras.Model, discriminator: keras.Model, recognition: keras.Model, prior: Codes, *,
                 weight: Any = 1.0, layer: str = "features", **kwargs: Any) -> None:
        super().__init__(generator, discriminator, prior, **kwargs)
        self.recognition, self.layer = recognition, layer
        self.weight = weight
        self.trunk = with_features(discriminator, layer)
        features, code = output_shape(self.trunk, 1), (prior.code_size,)
        match("recognition's input", input_shape(recognition), f"discriminator's layer '{layer}'", features)
        match("recognition's output", output_shape(recognition), "code's parameters", code)

    def recognise(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The logit of q_phi(y=1|x), `[batch]`, and the parameters of q_eta(c|x), `[batch, code_size]`."""
        logit, features = self.trunk(x)
        return tf.reshape(tf.cast(logit, tf.float32), [-1]), tf.cast(self.recognition(features), tf.float32)

    def phi_terms(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        z, mix = self.prior.draw(noise[0]), noise[1]
        generated = tf.stop_gradient(self.generate(z))
        real, (fake, params) = self.logit(x), self.recognise(generated)
        utility = self.objective.discriminator(real, fake) - self.objective.penalty(self.logit, x, generated, mix)
        utility += self.now("weight") * self.prior.information(params, z)
        return {"discriminator": utility, **self.objective.accuracies(real, fake)}

    def theta_terms(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        z = self.prior.draw(noise)
        generated = self.generate(z)
        fake, params = self.recognise(generated)
        information = self.prior.information(params, z)
        return {
            "generator": self.objective.generator(fake) + self.now("weight") * information,
            "information": information,
            "loss": energy_distance(x, generated),
            **self.objective.diagnostics(fake),
        }

    def play(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        for_phi, for_theta = noise
        for one in for_phi:
            terms = self.ascend(self.phi_terms, x, c, one, phi=self.ascends["phi"])
        return {
            **terms,
            **self.ascend(self.theta_terms, x, c, for_theta, theta=self.ascends["theta"], eta=self.ascends["eta"]),
        }

    def encode(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """q_eta(c|x): a dict of NumPy arrays, `logits` `[n, categories]`, `mean` and `stddev` `[n, continuous]`."""
        return self.answer("encode", x=x)

    def sample(self, n: int, seed: int = 0, category: Any = None, continuous: Any = None) -> np.ndarray:
        """Draws `n` samples: NumPy `[n, *x_shape]`.

        Args:
          n: number of samples.
          seed: int32.
          category: classes `[n]`, or one class for all samples. If one part of the code is given, all must be.
          continuous: values in [-1, 1], `[n, continuous]`. If no part is given, the code is drawn from its prior.

        Raises:
          InvalidInput: a part of the code is missing, does not exist in this model, or has the wrong dtype.
        """
        given = {"category": category, "continuous": continuous}
        given = {name: value for name, value in given.items() if value is not None}
        if not given:
            return super().sample(n, seed)
        wanted = self.code_inputs()
        for name in given:
            if name not in wanted:
                raise InvalidInput(f"the code has no '{name}'; its parts are {', '.join(wanted)}")
        arrays = checked("sample", self.endpoints()["sample_code"].inputs, asked(self, n, seed, given))
        if category is not None and not np.issubdtype(np.asarray(category).dtype, np.integer):
            raise InvalidInput(
                f"category holds {np.asarray(category).dtype}; give whole numbers up to {wanted['category'].range[1]}"
            )
        return self.answer("sample_code", **arrays)["x"]

    def code_inputs(self) -> dict[str, Any]:
        """The parts of the code as `Input`s by name."""
        inputs = {}
        if self.prior.categories:
            inputs["category"] = Input((), tf.int32, range=(0, self.prior.categories - 1))
        if self.prior.continuous:
            inputs["continuous"] = Input((self.prior.continuous,), range=(-1.0, 1.0))
        return inputs

    def endpoints(self) -> dict[str, Endpoint]:
        def sample_code(noise, category=None, continuous=None):
            rows = tf.shape(noise)[0]
            category = tf.zeros([rows], tf.int32) if category is None else category
            continuous = tf.zeros([rows, 0]) if continuous is None else continuous
            return {"x": self.generate(self.prior.join(noise, category, continuous))}

        def encode(x):
            heads = self.prior.recognised(self.recognise(x)[1])
            return {name: value for head, q in heads for name, value in head.moments(q).items()}

        return {
            **super().endpoints(),
            "sample_code": Endpoint(
                {"seed": SEED, **self.code_inputs()}, sample_code,
                lambda rng: rng.normal([self.prior.noise_size]), "x = G(z) for z of the given code",
            ),
            "encode": Endpoint(self.takes(), encode, doc="the parameters of q(c|x)"),
        }
