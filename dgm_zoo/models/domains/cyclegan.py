"""The cycle-consistent generative adversarial network."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import (
    check_networks,
    input_shape,
    match,
    nonnegative,
    output_shape,
    shown,
    value_range,
    whole_number,
)
from dgm_zoo.core.coefficients import Coefficient
from dgm_zoo.core.critic import Saturation, check_critic
from dgm_zoo.core.endpoints import Endpoint, Input
from dgm_zoo.core.formulation import Ascent, Edge, Formulation
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.core.registry import register_model
from dgm_zoo.distributions.heads import Noise
from dgm_zoo.distributions.noise import BatchNoise
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.models.domains.translators import networks
from dgm_zoo.networks import ImagePool
from dgm_zoo.objectives import adversarial, cycle_consistency, energy_distance, identity, over_patches, translation


@register_model("cyclegan")
@keras.saving.register_keras_serializable("dgm_zoo")
class CycleGAN(GenerativeModel):
    """CycleGAN: translation between two domains in both directions, learned without pairs.

        max_{theta, eta}  u(D_target(G(z))) + u(D_source(F(x))) - lambda (|F(G(z)) - z| + |G(F(x)) - x|)
                          - lambda lambda_id (|F(z) - z| + |G(x) - x|)
        max_{phi}         the discriminators' utilities on real and on translated images

    z is an image of the source, x an image of the target; G = `to_target` has parameters theta, F = `to_source` eta. u
    is the objective's utility; utilities and distances are means over patches and pixels. One direction is an AAE whose
    code is an image, the other is its mirror image, InfoGAN; -|.| is the log-likelihood of a Laplace distribution, up
    to constants.

    In a training step both translators take one step together, then both discriminators take one step, on the batch and
    on the translations computed before the translators moved. A pool of earlier translations replaces some of the new
    ones for the discriminators. The pool is saved with the model, so that a resumed run is bit-identical.

    Neither the utilities nor the cycle error measure translation quality. `loss`, used for model selection, is the sum
    of the energy distances between each domain and the translations to it.

    Args:
      to_target, to_source: Keras models, images of one domain to images of the other; their output range is that of
        the data.
      discriminator_source, discriminator_target: Keras models, an image to logits: one per patch, or a single one.
      objective: see `objectives.adversarial`; the default is the published `LeastSquares`.
      cycle_weight: lambda. `LeastSquares` has a factor 1/2 that the published utility lacks, so 5 corresponds to the
        published 10.
      identity_weight: lambda_id, relative to lambda; 0 disables the term, 0.5 is the paper's value where it uses one.
      pool_size: number of stored translations to each domain; 0 disables the pool.
      data_range: range that the data must lie in; None to skip the check.
      domain_names: names of (source, target), which `translate` takes too and the endpoints' documentation has, such as
        ("mnist", "usps"); a run of `dgm-zoo train` gives those of its data sets.

    Raises:
      InvalidInput: the shapes of two networks do not match (the message names both); a gradient penalty is combined
        with a discriminator that normalises over the batch; identity_weight is set, but the domains' shapes differ;
        data_range is no range, or domain_names are not two different names.

    `fit` warns if a discriminator classifies 99 % of both the real and the generated examples correctly for a whole
    epoch.

    Example:
      >>> model = dgm_zoo.create("cyclegan", image_shape=(28, 28, 1))
      >>> model.compile(keras.optimizers.Adam(2e-4, beta_1=0.5))
      >>> model.fit(dgm_zoo.data.load_pair("mnist", "usps", 128), epochs=20)
      >>> model.translate(x, to="target").shape
      (10, 28, 28, 1)

    References:
      Zhu, Park, Isola and Efros, Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, 2017.
      Hu et al., On Unifying Deep Generative Models, 2018.
    """

    domains = ("source", "target")
    players = {
        "theta": ("to_target",), "eta": ("to_source",), "phi": ("discriminator_source", "discriminator_target"),
    }
    logged = ("loss", "discriminator", "realism", "cycle", "accuracy_real", "accuracy_fake")
    units = {
        "loss": "sum of two energy distances between a domain and translations to it",
        "cycle": "sum of two mean absolute errors, in the images' unit",
        "identity": "sum of two mean absolute errors, in the images' unit",
        **dict.fromkeys(["accuracy_real", "accuracy_fake"], "share of patches"),
        **dict.fromkeys(["discriminator", "realism"], "utility of the objective, the sum of both domains"),
    }
    ascends = {"theta": "translation", "eta": "translation", "phi": "discriminator"}
    compares = ("loss",)
    call_endpoint = ("to_target", "x")
    formulation = Formulation(
        name="CycleGAN",
        x="target images and translations to them", y="1 real, 0 translated, in each domain",
        z="source images and translations to them",
        p_x_given_y="p_θ(x|y), implicit: p_target(x) for y=1; x = G_θ(z), z ~ p_source(z), for y=0",
        q_y_given_x="q_φ(y|x) and q_φ(y|z): a discriminator of each domain",
        q_z_given_xy="implicit: z = F_η(x); |F_η(G_θ(z)) − z| is −log of a Laplace q_η(z|x)",
        remark="an AAE whose code is an image and its mirror, InfoGAN, with one objective; least squares in the place "
               "of log q_φ by default, for which Lemma 1 does not hold",
        ascents=(
            Ascent(
                ("theta", "eta"),
                "E u(q_φ^r(y|x)) + E u(q_φ^r(y|z)) − λ (E |F_η(G_θ(z)) − z| + E |G_θ(F_η(x)) − x|)",
                reads=("data",), carries=("theta", "eta", "phi"),
            ),
            Ascent(
                ("phi",), "E_{p(x|y) p(y)} u(q_φ(y|x)) + E_{p(z|y) p(y)} u(q_φ(y|z))", reads=("data",),
                carries=("phi",), stopped="translations, some of them from the pool",
            ),
        ),
        edges=(
            Edge("z", "x", "p_θ(x|y)", implicit=True), Edge("y", "x"),
            Edge("x", "y", "q_φ^(r)(y|x)", adversarial=True), Edge("x", "z", "q_η(z|x)", implicit=True),
        ),
    )
    recipes = (networks,)
    small = {"pool_size": 48}
    cycle_weight = Coefficient()

    def __init__(self, to_target: keras.Model, to_source: keras.Model, discriminator_source: keras.Model,
                 discriminator_target: keras.Model, *, objective: Any = "LeastSquares", cycle_weight: Any = 5.0,
                 identity_weight: float = 0.0, pool_size: int = 50, data_range: Sequence[float] | None = None,
                 domain_names: Sequence[str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.to_target, self.to_source = to_target, to_source
        self.discriminator_source, self.discriminator_target = discriminator_source, discriminator_target
        self.objective, self.pool_size = adversarial(objective), whole_number("pool_size", pool_size, 0)
        self.cycle_weight, self.identity_weight = cycle_weight, nonnegative("identity_weight", identity_weight)
        self.data_range, self.domain_names = value_range("data_range", data_range), _names(domain_names)
        source, target = input_shape(to_target), input_shape(to_source)
        check_networks(1, to_target=to_target, to_source=to_source)
        check_networks(1, discriminator_source=discriminator_source, discriminator_target=discriminator_target)
        match("output of to_target", output_shape(to_target), "input of to_source", target)
        match("output of to_source", output_shape(to_source), "input of to_target", source)
        for domain, shape, one in (("source", source, discriminator_source), ("target", target, discriminator_target)):
            match(f"discriminator_{domain}'s input", input_shape(one), f"{domain} image", shape)
            check_critic(self.objective, one)
        if self.identity_weight and source != target:
            raise InvalidInput(
                f"identity_weight {identity_weight!r} compares G(x) with x of the target, but G takes {source} and the "
                f"target has {target}; set it to 0"
            )
        self.logged = (*type(self).logged, *(("identity",) if self.identity_weight else ()), *self.objective.logged)
        self.pool_source, self.pool_target = ImagePool(self.pool_size, source), ImagePool(self.pool_size, target)

    def watchers(self) -> list[keras.callbacks.Callback]:
        return [Saturation()] if self.objective.saturates else []

    # ------------------------------------------------------------------------------------------ the utilities

    def g(self, z: tf.Tensor) -> tf.Tensor:
        """G_theta(z): translates source images to the target."""
        return tf.cast(self.to_target(z), tf.float32)

    def f(self, x: tf.Tensor) -> tf.Tensor:
        """F_eta(x): translates target images to the source."""
        return tf.cast(self.to_source(x), tf.float32)

    def logits(self, domain: str, images: tf.Tensor) -> tf.Tensor:
        """The logits of a domain's discriminator, one per patch: `[batch, ...]`."""
        return tf.cast(getattr(self, f"discriminator_{domain}")(images), tf.float32)

    def translator_terms(self, z: tf.Tensor, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """The utility of theta and eta with its terms, `[batch]`, and the translations `fake_target`, `fake_source`."""
        fake_target, fake_source = self.g(z), self.f(x)
        logits = self.logits("target", fake_target), self.logits("source", fake_source)
        realism = sum(over_patches(self.objective.generator(one)) for one in logits)
        cycle = cycle_consistency(z, self.f(fake_target), x, self.g(fake_source))
        same = identity(z, self.f(z), x, self.g(x)) if self.identity_weight else tf.zeros_like(cycle)
        both = [self.objective.diagnostics(one) for one in logits]
        return {
            "translation": translation(realism, cycle, same, self.now("cycle_weight"), self.identity_weight),
            "realism": realism, "cycle": cycle, "identity": same,
            "loss": energy_distance(x, fake_target) + energy_distance(z, fake_source),
            "fake_target": fake_target, "fake_source": fake_source,
            **{name: 0.5 * tf.reduce_mean(both[0][name] + both[1][name]) for name in self.objective.logged},
        }

    def phi_terms(self, z: tf.Tensor, x: tf.Tensor, fake_source: tf.Tensor, fake_target: tf.Tensor,
                  mix: tf.Tensor) -> dict[str, tf.Tensor]:
        """The utility of phi on real and translated images of both domains, and its accuracies; each `[batch]`."""
        found = [self._contest("source", z, fake_source, mix), self._contest("target", x, fake_target, mix)]
        one, other = found
        return {
            "discriminator": one["discriminator"] + other["discriminator"],
            **{key: 0.5 * (one[key] + other[key]) for key in ("accuracy_real", "accuracy_fake")},
        }

    def _contest(self, domain, real, fake, mix):
        of_real, of_fake = self.logits(domain, real), self.logits(domain, fake)
        utility = over_patches(self.objective.discriminator(of_real, of_fake))
        utility -= self.objective.penalty(lambda some: over_patches(self.logits(domain, some)), real, fake, mix)
        right = self.objective.accuracies(of_real, of_fake)
        return {"discriminator": utility, **{name: over_patches(value) for name, value in right.items()}}

    # ------------------------------------------------------------------------------------------ training

    def noise(self, rng: BatchNoise) -> Noise:
        """The noise of one training step: for the source and target pools, and for the gradient penalty's mix."""
        return rng.uniform((2,)), rng.uniform((2,)), rng.uniform(())

    def play(self, x: tuple[tf.Tensor, tf.Tensor], c: tuple, noise: Noise) -> dict[str, tf.Tensor]:
        """Takes one training step: the translators first, then the discriminators; returns all terms."""
        (z, x), (for_source, for_target, mix) = x, noise
        both = {player: self.ascends[player] for player in ("theta", "eta")}
        terms = self.ascend(self.translator_terms, z, x, **both)
        fake_source = self.pool_source(terms.pop("fake_source"), for_source)
        fake_target = self.pool_target(terms.pop("fake_target"), for_target)
        return {
            **terms,
            **self.ascend(self.phi_terms, z, x, fake_source, fake_target, mix, phi=self.ascends["phi"]),
        }

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        return self.log(**self.play(x, c, self.noise(self.rng(x[0]))))

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        (z, x), _ = self.unpack(data)
        *_, mix = self.noise(self.rng(z, training=False))
        terms = self.jitted(self.translator_terms)(z, x)
        fakes = terms.pop("fake_source"), terms.pop("fake_target")
        return self.log(**terms, **self.jitted(self.phi_terms)(z, x, *fakes, mix))

    # ------------------------------------------------------------------------------------------ use

    def translate(self, x: np.ndarray, to: str = "target") -> np.ndarray:
        """Translates images to the other domain: NumPy `[n, ...]`.

        Args:
          x: images of the source for `to="target"`, of the target for `to="source"`.
          to: the domain to translate to, "target", "source" or one of `domain_names`.

        Raises:
          InvalidInput: the domain is unknown, or the images have another shape or range.
        """
        named = dict(zip((*(self.domain_names or self.domains), *self.domains), self.domains * 2, strict=True))
        check_known("domain", to, named)
        return self.answer(f"to_{named[to]}", x=x)["x"]

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """F(G(x)) for images x of the source: NumPy `[n, ...]`."""
        return self.answer("reconstruct", x=x)["x"]

    def takes(self) -> dict[str, Input]:
        return {
            "source": Input(input_shape(self.to_target), range=self.data_range),
            "target": Input(input_shape(self.to_source), range=self.data_range),
        }

    def endpoints(self) -> dict[str, Endpoint]:
        source, target = ({"x": wanted} for wanted in self.takes().values())
        one, other = self.domain_names or ("the source", "the target")
        return {
            "to_target": Endpoint(source, lambda x: {"x": self.g(x)}, doc=f"images of {one} as {other}'s, G(x)"),
            "to_source": Endpoint(target, lambda x: {"x": self.f(x)}, doc=f"images of {other} as {one}'s, F(x)"),
            "reconstruct": Endpoint(source, lambda x: {"x": self.f(self.g(x))}, doc=f"F(G(x)) of images of {one}"),
        }


def _names(given):
    """Returns `domain_names` as a tuple, None as None; raises `InvalidInput` unless they are two different names."""
    if given is None:
        return None
    found = tuple(given) if isinstance(given, (tuple, list)) else ()
    if len(found) != 2 or not all(isinstance(name, str) and name for name in found) or found[0] == found[1]:
        raise InvalidInput(
            f"domain_names is {shown(given)}; give two different names, such as ('mnist', 'usps'), or None"
        )
    return found
