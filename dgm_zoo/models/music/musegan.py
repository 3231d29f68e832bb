"""MuseGAN: phrases of several tracks, generated from scratch or to accompany a given track."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo import distributions
from dgm_zoo.checks import boolean, input_shape, layer_size, match, output_shape, shown
from dgm_zoo.core.critic import check_critic, fixed
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.core.formulation import Ascent, Edge, Formulation
from dgm_zoo.core.registry import register_model
from dgm_zoo.core.rounds import Rounds
from dgm_zoo.distributions import StandardNormal, row_seeds
from dgm_zoo.distributions.heads import Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.models.music import longer
from dgm_zoo.models.music.band import band, index_of
from dgm_zoo.networks import noise_sizes
from dgm_zoo.objectives import adversarial, energy_distance

BINARISATIONS = ("threshold", "bernoulli")


@register_model("musegan")
@keras.saving.register_keras_serializable("dgm_zoo")
class MuseGAN(Rounds):
    """Wasserstein GAN of phrases x `[bars, steps, pitches, tracks]`; its generator shares noise over tracks and bars.

        max_{phi}    E_{p_data(x)} D_phi(x) - E_{p(z)} D_phi(G_theta(z)) - 10 E (|grad D_phi(x^)| - 1)^2
        max_{theta}  E_{p(z)} D_theta(G_theta(z)),
        bar t of track i:  G_bar,i(z, G_temp(z_t)_t, z_i, G_temp,i(z_it)_t).

    The noise z is common to all bars and tracks, z_i belongs to track i, and G_temp maps z_t and z_it to a different
    vector for each bar. "hybrid" has all four; "composer" lacks the track-specific ones, "jamming" the shared ones, so
    that its tracks are independent. In "jamming" each of the M critics receives one track, and phi's utility is the sum
    over the critics. With a condition y, one of the tracks, the generator receives features of each bar of y and
    generates the other tracks, G(z, y); the critics compare (x, y) with (G(z, y), y).

    As in the paper, training uses probabilities, and samples are bits. `loss`, used for model selection, is the energy
    distance between the batch and as many samples. A training step is `critic_steps` steps of phi on one batch, each
    with fresh noise, then one step of theta. z has unit variance; the released code uses 0.1, which gives the same
    networks, since batch normalisation follows the first layer.

    Args:
      generator: Keras model, z `[batch, latent]`, or [z, y], to logits of the generated tracks.
      critic: Keras model, x to the value of each critic, `[batch, m]`; see `networks.phrase_critics`.
      prior: p(z), not trained; `StandardNormal` if None.
      objective: see `objectives.adversarial`.
      composition, tracks, condition, noise_dim: see `band`.
      critic_steps: number of steps of phi per step of theta.
      binarisation: of samples: "threshold", 1 if the probability is above 1/2, or "bernoulli", 1 with that probability.
      straight_through: whether the critics receive such bits, with a gradient, instead of probabilities.
      monophonic: names of the tracks whose samples sound one pitch at a time, the likeliest one.

    Raises:
      InvalidInput: the track, composition or binarisation is unknown; shapes of networks and prior do not match.

    Example:
      >>> tracks = ["bass", "drums", "guitar", "lead", "strings"]
      >>> model = dgm_zoo.create("musegan", image_shape=(4, 16, 84, 5), tracks=tracks, width=256, condition="lead")
      >>> model.compile(keras.optimizers.Adam(1e-3, beta_1=0.5, beta_2=0.9))
      >>> model.fit(dgm_zoo.data.load("freedoom_bands", "train", 64, hop=1, sounding=3), epochs=20)
      >>> model.accompany(melody, seed=0).shape   # melody [4, 16, 84]
      (4, 16, 84, 5)

    References:
      Dong, Hsiao, Yang and Yang, MuseGAN: Multi-track Sequential Generative Adversarial Networks for Symbolic Music
        Generation and Accompaniment, 2018, Eqs. 3 to 5 and the section on track-conditional generation.
      Gulrajani et al., Improved Training of Wasserstein GANs, 2017, Eq. 3.
      Dong and Yang, Convolutional Generative Adversarial Networks with Binary Neurons, 2018 (`straight_through`).
    """

    players = {"theta": ("generator",), "phi": ("critic",)}
    logged = ("loss", "discriminator", "generator", "accuracy_real", "accuracy_fake", "voices", "voices_real")
    units = {
        "loss": "energy distance between phrases and samples",
        "discriminator": "difference of the critics' values, less the penalty",
        "generator": "the critics' values",
        **dict.fromkeys(["voices", "voices_real"], "pitches that sound in a time step, of samples or of the batch"),
    }
    ascends = {"theta": "generator", "phi": "discriminator"}
    compares = ("loss",)
    call_endpoint = ("decode", "x")
    abilities = frozenset({"perform", "compose"})
    small = {  # with plain gradient steps the default penalty, 10, would diverge
        "image_shape": (2, 8, 24, 2), "width": 16, "noise_dim": 8, "critic_steps": 2,
        "objective": {"name": "Wasserstein", "gradient_penalty": 0.1},
    }
    formulation = Formulation(
        name="MuseGAN",
        x="phrases and generations", y="1 real, 0 generated", z="noise of bars and tracks",
        p_x_given_y="p_θ(x|y), implicit: p_data(x) for y=1; x = G_θ(z), z ~ p(z), for y=0",
        q_y_given_x="critic D_φ(x) in place of the logit of q_φ(y|x)",
        remark="no KL: θ descends φ's estimate of the Wasserstein distance between p_data(x) and p_θ(x|y=0)",
        ascents=(
            Ascent(
                ("phi",), "E_{p_data(x)} D_φ(x) − E_{p(z)} D_φ(G_θ(z)) − λ E (|∇ D_φ| − 1)²",
                reads=("data", "prior"), carries=("phi",), stopped="generated x",
            ),
            Ascent(("theta",), "E_{p(z)} D_φ(G_θ(z))", reads=("prior",), carries=("theta", "phi")),
        ),
        edges=(
            Edge("z", "x", "p_θ(x|y)", implicit=True), Edge("y", "x"), Edge("x", "y", "D_φ(x)", adversarial=True),
        ),
    )
    recipes = (band,)

    def __init__(self, generator: keras.Model, critic: keras.Model, prior: Prior | None = None, *,
                 tracks: Sequence[str], composition: str = "hybrid", condition: str | None = None, noise_dim: int = 128,
                 objective: Any = "Wasserstein", critic_steps: int = 5, binarisation: str = "threshold",
                 straight_through: bool = False, monophonic: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(critic_steps=critic_steps, **kwargs)
        self.generator, self.critic, self.objective = generator, critic, adversarial(objective)
        self.tracks, self.composition, self.given = list(tracks), composition, condition
        if not isinstance(monophonic, (list, tuple)):
            raise InvalidInput(f"monophonic is {shown(monophonic)}; give the names of tracks")
        self.noise_dim, self.index = layer_size("noise_dim", noise_dim), index_of(self.tracks, condition)
        self.binarisation, self.monophonic = binarisation, list(monophonic)
        self.straight_through = boolean("straight_through", straight_through)
        check_known("binarisation", binarisation, BINARISATIONS)
        own = [track for track in self.tracks if track != condition]
        self.single = tuple(index_of(own, name) for name in self.monophonic)
        bars, *bar, count = self.x_shape = input_shape(critic)
        match("tracks' names", (len(self.tracks),), "tracks of the critic's input", (count,))
        self.own_shape = (bars, *bar, len(own))
        match("generator's output", output_shape(generator), "tracks to generate", self.own_shape)
        self.sizes = noise_sizes(composition, bars, len(own), noise_dim)
        self.prior = fixed(StandardNormal((sum(self.sizes.values()),)) if prior is None else prior, type(self))
        match("prior's event", self.prior.event_shape, "parts of the noise", (sum(self.sizes.values()),))
        check_critic(self.objective, critic)
        self.logged = (*type(self).logged, *self.objective.logged)

    # ------------------------------------------------------------------------------------------ the two players

    def unpack(self, data: Any) -> tuple[Any, tuple]:
        x, _ = super().unpack(data)
        return x, () if self.index is None else (x[..., self.index : self.index + 1],)

    def logits(self, z: tf.Tensor, *c: tf.Tensor) -> tf.Tensor:
        """Logits of the tracks that G_theta generates, `[batch, *own_shape]`, given the condition's track, if any."""
        return tf.cast(self.generator([z, *c] if c else z), tf.float32)

    def bits(self, logits: tf.Tensor, of_bits: tf.Tensor, single: Sequence[int] = ()) -> tf.Tensor:
        """Bits with a gradient, `[batch, *own_shape]`; the tracks with indices `single` are monophonic."""
        return distributions.binarised(logits, of_bits if self.binarisation == "bernoulli" else None, single)

    def own(self, x: tf.Tensor) -> tf.Tensor:
        """The tracks of x other than the condition's."""
        return x if self.index is None else tf.concat([x[..., : self.index], x[..., self.index + 1 :]], -1)

    def whole(self, own: tf.Tensor, *c: tf.Tensor) -> tf.Tensor:
        """The generated tracks, with the condition's track inserted at its index: `[batch, *x_shape]`."""
        return tf.concat([own[..., : self.index], *c, own[..., self.index :]], -1) if c else own

    def values(self, own: tf.Tensor, *c: tf.Tensor) -> tf.Tensor:
        """D_phi of these tracks and the condition's: `[batch]`, or `[batch, m]` for the m critics of "jamming"."""
        found = tf.cast(self.critic(self.whole(own, *c)), tf.float32)
        return found if self.composition == "jamming" else found[:, 0]

    def shown(self, logits: tf.Tensor, of_bits: tf.Tensor) -> tf.Tensor:
        """The critics' input for a generated phrase: bits with `straight_through`, else probabilities."""
        return self.bits(logits, of_bits) if self.straight_through else tf.sigmoid(logits)

    # ------------------------------------------------------------------------------------------ training

    def dream_noise(self, rng: BatchNoise) -> tuple:
        of_bits = rng.logistic(self.own_shape) if self.binarisation == "bernoulli" else rng.zeros(())
        return self.prior.noise(rng), of_bits

    def phi_terms(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """The utility of phi on real and generated phrases, with its diagnostics; each `[batch]`."""
        (z, of_bits), mix = noise
        generated = tf.stop_gradient(self.shown(self.logits(self.prior.draw(z), *c), of_bits))
        terms = self.objective.contest(lambda own: self.values(own, *c), self.own(x), generated, mix)
        return {
            "discriminator": _over_critics(tf.reduce_sum, terms.pop("discriminator")),
            **{name: _over_critics(tf.reduce_mean, value) for name, value in terms.items()},
        }

    def theta_terms(self, x: tf.Tensor, c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """The utility of theta on generated phrases, and comparisons with real ones; each `[batch]`."""
        z, of_bits = noise
        logits = self.logits(self.prior.draw(z), *c)
        values = self.values(self.shown(logits, of_bits), *c)
        sample = self.whole(tf.stop_gradient(self.bits(logits, of_bits, self.single)), *c)
        steps = self.x_shape[0] * self.x_shape[1]
        return {
            "generator": _over_critics(tf.reduce_sum, self.objective.generator(values)),
            "loss": energy_distance(x, sample),
            "voices": tf.reduce_sum(sample, [1, 2, 3, 4]) / steps,
            "voices_real": tf.reduce_sum(x, [1, 2, 3, 4]) / steps,
            **self.objective.diagnostics(values),
        }

    # ------------------------------------------------------------------------------------------ use

    def takes(self) -> dict[str, Input]:
        return {"x": Input(self.x_shape, range=(0.0, 1.0), binary=True)}

    def endpoints(self) -> dict[str, Endpoint]:
        track = {} if self.index is None else {"condition": Input(self.x_shape[:-1], range=(0.0, 1.0), binary=True)}
        seed = {"seed": SEED} if self.binarisation == "bernoulli" else {}

        def decode(z, of_bits, condition=None):
            c = () if condition is None else (condition[..., None],)
            return {"x": self.whole(self.bits(self.logits(z, *c), of_bits, self.single), *c)}

        def drawn(noise, condition=None):
            return decode(self.prior.draw(noise[0]), noise[1], condition)

        def decoded(z, noise=None, condition=None):
            return decode(z, noise, condition)

        doc = "z ~ p(z), then the phrase G(z)" if self.index is None else "z ~ p(z), then G(z, condition) beside it"
        return {
            "sample" if self.index is None else "accompany": Endpoint({"seed": SEED, **track}, drawn,
                                                                      self.dream_noise, doc),
            "decode": Endpoint(
                {"z": Input(self.prior.event_shape), **seed, **track}, decoded,
                (lambda rng: rng.logistic(self.own_shape)) if seed else None, "the phrase of given noise",
            ),
        }

    def accompany(self, condition: np.ndarray, seed: int = 0) -> np.ndarray:
        """Generates the other tracks for a given one.

        Args:
          condition: zeros and ones of the condition's track, `[n, bars, steps, pitches]`, or `[bars, steps, pitches]`.
          seed: int32.

        Returns:
          All tracks: NumPy `[n, bars, steps, pitches, tracks]`, without the first axis if the condition is one phrase.

        Raises:
          InvalidInput: the model has no condition, the condition has no note, or its shape does not match.
        """
        given = np.asarray(condition)
        phrases = given[None] if given.ndim == len(self.x_shape) - 1 else given
        self.check_condition(phrases)
        x = self.answer("accompany", seed=row_seeds(seed, len(phrases)), condition=phrases)["x"]
        return x[0] if given.ndim == len(self.x_shape) - 1 else x

    def check_condition(self, condition: np.ndarray) -> None:
        """Raises `InvalidInput` if the model has no condition, or `condition` has no note."""
        if self.index is None:
            raise InvalidInput("this musegan generates from scratch; train one with a condition, such as 'strings'")
        if not np.any(condition):
            raise InvalidInput(f"the condition, track '{self.given}', has no note; give a track with notes")

    def perform(self, x: np.ndarray, seed: int = 0) -> np.ndarray:
        """Returns a sample for each phrase of x `[n, ...]`; a model with a condition takes that track from x."""
        seeds = row_seeds(seed, len(x))
        if self.index is None:
            return self.answer("sample", seed=seeds)["x"]
        return self.answer("accompany", seed=seeds, condition=np.asarray(x)[..., self.index])["x"]

    def compose(self, phrases: int | None = None, seed: int = 0, condition: np.ndarray | None = None) -> np.ndarray:
        """Generates a piece of any length; see `longer.compose`."""
        return longer.compose(self, phrases, seed, condition)

    def interpolate(self, first: int, second: int, n: int, condition: np.ndarray | None = None) -> np.ndarray:
        """Interpolates between the noise of two seeds; see `longer.interpolate`."""
        return longer.interpolate(self, first, second, n, condition)

    def get_config(self) -> dict[str, Any]:  # `condition` is the base's method
        return {**super().get_config(), "condition": self.given}


def _over_critics(reduce, values):
    """Reduces the values of one or several critics to one value per example, `[batch]`."""
    return reduce(values, 1) if values.shape.rank == 2 else values
