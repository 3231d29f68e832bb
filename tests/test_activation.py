"""Adversary activation: Eq. 17 and Lemma 2 by enumeration, the gradients of its limits, samples and warnings."""

import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import CLASSES, SHAPE, images, tiny

from dgm_zoo.core.recipes import autoencoder
from dgm_zoo.distributions import BatchNoise, IndependentBernoulli
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import AACVAE, AASVAE, AAVAE, IWAE
from dgm_zoo.models.evidence.activation import Activated, PerfectDiscriminator
from dgm_zoo.networks import dense
from dgm_zoo.objectives import ImportanceWeightedEvidence, activated, realness, weight_of_fakes

BASES = {"aavae": "vae", "aacvae": "cvae", "aasvae": "svae", "aaiwae": "iwae"}
N = 8


class AAIWAE(Activated, IWAE):
    """The mechanism on a bound of several samples."""


def pair(name, **changes):
    """An activated model, and its base with the same weights."""
    base = tiny(BASES[name])
    if name == "aaiwae":
        parts = autoencoder(image_shape=SHAPE, latent_dim=2, hidden=[16])
        bound = ImportanceWeightedEvidence(3)
        model = AAIWAE(**parts, discriminator=dense(SHAPE, (1,), ()), bound=bound, seed=0, **changes)
    else:
        model = tiny(name, **changes)
    for part in {part for parts in base.players.values() for part in parts}:
        getattr(model, part).set_weights(getattr(base, part).get_weights())
    given = {"hidden": (), "condition_size": CLASSES if model.conditional else 0}
    model.discriminator = dense(SHAPE, (1,), **given)
    return model, base


def judge(model, slope=0.0, bias=0.0):
    """Makes the logit `slope` times the first pixel, and `bias`."""
    kernel = np.zeros(model.discriminator.get_weights()[0].shape, "float32")
    kernel[0] = slope
    model.discriminator.set_weights([kernel, np.array([bias], "float32")])


def batch(model, label=None):
    x, found = images(N)
    x[:, 0, 0] = 1.0
    return model.unpack((x, found if label is None else label) if "label" in model.takes() else x)


def gradient(model, function):
    """The gradient of the mean of `function()` for theta and eta, one vector."""
    variables = [v for player in ("theta", "eta") for v in model.player_variables(player)]
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(function())
    found = zip(tape.gradient(mean, variables), variables, strict=True)
    return np.concatenate([np.zeros(v.shape).ravel() if g is None else np.ravel(g) for g, v in found])


# The limits.


@pytest.mark.parametrize("name", BASES)
def test_under_a_perfect_discriminator_the_gradient_is_half_the_bases(name):
    model, base = pair(name)
    bias = model.decoder.get_layer("params").bias
    bias.assign(tf.tensor_scatter_nd_update(bias, [[0]], [-100.0]))  # no generated x has the first pixel
    base.decoder.set_weights(model.decoder.get_weights())
    judge(model, slope=400.0, bias=-200.0)
    x, c = batch(model)
    noise = model.noise(BatchNoise([0, 0], N))
    found = model.terms(x, c, noise)
    assert (found["q_real"].numpy() == 1.0).all() and (found["q_fake"].numpy() == 0.0).all()
    assert found["weight_fake"].numpy() == 0.0
    wanted = gradient(base, lambda: base.terms(x, c, noise[0])["objective"])
    assert np.abs(wanted).max() > 1e-2
    np.testing.assert_allclose(
        gradient(model, lambda: model.terms(x, c, noise)["activated"]), 0.5 * wanted, rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize("name", BASES)
def test_under_a_constant_discriminator_it_is_c_half_of_real_and_fake(name):
    model, base = pair(name)
    judge(model, bias=np.log(0.3 / 0.7))
    x, c = batch(model)
    noise = model.noise(BatchNoise([0, 0], N))
    fake, c_fake = model.generated(c, noise[1])
    real = gradient(base, lambda: base.terms(x, c, noise[0])["objective"])
    generated = gradient(base, lambda: base.terms(fake, c_fake, noise[2])["objective"])
    assert np.abs(generated - real).max() > 1e-2
    found = gradient(model, lambda: model.terms(x, c, noise)["activated"])
    np.testing.assert_allclose(found, 0.15 * (real + generated), rtol=1e-4, atol=1e-6)
    assert model.terms(x, c, noise)["weight_fake"].numpy() == pytest.approx(0.5)


@pytest.mark.parametrize("name", BASES)
def test_with_constant_weighting_phi_is_trained_and_without_effect_on_the_bound(name):
    (model, _), (uncertain, _) = pair(name, weighting="constant"), pair(name)
    judge(model, slope=2.0, bias=-1.0)
    judge(uncertain)
    x, c = batch(model)
    noise = model.noise(BatchNoise([0, 0], N))
    found = [gradient(one, lambda one=one: one.terms(x, c, noise)["activated"]) for one in (model, uncertain)]
    np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-7)
    assert not any(isinstance(one, PerfectDiscriminator) for one in model.watchers())  # it would have no effect
    terms = model.terms(x, c, noise)
    assert terms["weight_fake"].numpy() == pytest.approx(0.5) and terms["q_real"].numpy().mean() != 0.5
    with tf.GradientTape() as tape:
        utility = model.terms(x, c, noise)["discriminator"]
    assert all(tf.reduce_any(g != 0) for g in tape.gradient(utility, model.player_variables("phi")))


def test_nothing_but_phi_moves_by_the_discriminators_utility():
    model, _ = pair("aavae")
    judge(model, slope=1.0)
    x, c = batch(model)
    noise = model.noise(BatchNoise([0, 0], N))
    assert not gradient(model, lambda: model.terms(x, c, noise)["discriminator"]).any()
    with tf.GradientTape() as tape:
        bound = model.terms(x, c, noise)["activated"]
    assert tape.gradient(bound, model.player_variables("phi")) == [None, None]


# Eq. 12 and 17, with every sum taken.


class Categorical:
    """x of 6 values, z of 3, in float64: p(x|z) and q(z|x) are tables of logits, p_data and q(z|x, y=1) are fixed."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.theta, self.eta = (tf.Variable(rng.normal(size=shape)) for shape in ((3, 6), (6, 3)))
        self.prior = tf.constant(rng.dirichlet(np.ones(3)))
        self.p_data = tf.constant(rng.dirichlet(np.ones(6)))
        self.q_of_real = tf.constant(rng.dirichlet(np.ones(3), 6))
        log_px = tf.nn.log_softmax(self.theta)
        self.p_g = tf.constant(tf.linalg.matvec(tf.exp(log_px), self.prior, transpose_a=True).numpy())

    def bound(self):
        """L(x) of every x: `[6]`."""
        log_q = tf.nn.log_softmax(self.eta)
        log_px = tf.transpose(tf.nn.log_softmax(self.theta))
        return tf.reduce_sum(tf.exp(log_q) * (log_px + tf.math.log(self.prior) - log_q), 1)

    def equation(self, d):
        """Eq. 17 as it is printed, for d = q^r(y=0|x) by the source of x (real, generated) and x: `[2, 6]`."""
        log_q, log_px = tf.nn.log_softmax(self.eta), tf.transpose(tf.nn.log_softmax(self.theta))
        q_z = tf.stack([tf.exp(log_q), self.q_of_real])  # [y, x, z]
        log_x = tf.stack([log_px, tf.math.log(self.p_data)[:, None] + tf.zeros_like(log_px)])
        q_y = tf.stack([d, 1.0 - d])[..., None]  # [y, source, x, 1]
        joint = q_z[:, None] * q_y  # [y, source, x, z]
        log_joint = tf.math.log(tf.where(joint > 0, joint, 1.0))  # 0 log 0 is 0
        inner = tf.reduce_sum(joint * (log_x[:, None] - log_joint + tf.math.log(0.5 * self.prior)), [0, 3])
        return 0.5 * tf.reduce_sum(tf.stack([self.p_data, self.p_g]) * inner)

    def ours(self, d):
        """The expectation of `activated` over a real and a generated x."""
        logit = tf.math.log(d) - tf.math.log1p(-d)
        bound = self.bound()
        pairs = activated(bound[:, None], bound[None], logit[0][:, None], logit[1][None])
        return tf.reduce_sum(self.p_data[:, None] * self.p_g[None] * pairs)

    def gradients(self, function):
        with tf.GradientTape() as tape:
            value = function()
        return [g.numpy() for g in tape.gradient(value, [self.theta, self.eta])]


def test_the_working_form_has_the_gradient_of_equation_17():
    model = Categorical()
    by_x = np.random.default_rng(1).uniform(0.05, 0.95, 6)
    for d in (np.stack([by_x, by_x]), np.random.default_rng(2).uniform(0.05, 0.95, (2, 6))):
        wanted, found = (model.gradients(lambda f=f, d=d: f(tf.constant(d))) for f in (model.equation, model.ours))
        for one, two in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, two, atol=1e-12)
            assert np.abs(one).max() > 1e-3


def test_lemma_2_with_a_perfect_discriminator_it_is_the_vae():
    model = Categorical()
    perfect = tf.constant(np.stack([np.ones(6), np.zeros(6)]))
    half = lambda: 0.5 * tf.reduce_sum(model.p_data * model.bound())  # noqa: E731
    for one, two, three in zip(
        *(model.gradients(f) for f in (half, lambda: model.equation(perfect), lambda: model.ours(perfect))), strict=True
    ):
        np.testing.assert_allclose(two, one, atol=1e-12)
        np.testing.assert_allclose(three, one, atol=1e-12)
    p_g, q, p_data = (value.numpy() for value in (model.p_g, model.q_of_real, model.p_data))
    of_real = p_g @ (np.log(p_data) - (q * np.log(q / model.prior.numpy())).sum(1))  # what y = 1 adds, a constant
    np.testing.assert_allclose(model.equation(perfect) - half(), 0.5 * (of_real + 2 * np.log(0.5)), atol=1e-12)


def test_weights_are_held_constant_and_add_up():
    logit = tf.Variable([0.0, 2.0, -1.0])
    with tf.GradientTape() as tape:
        d = realness(logit)
    assert tape.gradient(d, logit) is None
    np.testing.assert_allclose(d, 1 / (1 + np.exp(-logit.numpy())), rtol=1e-6)
    np.testing.assert_allclose(weight_of_fakes([0.0, 0.0], [0.0, 0.0]), 0.5)
    np.testing.assert_allclose(weight_of_fakes([500.0], [-500.0]), 0.0)


# What it looks at.


@pytest.mark.parametrize("name", ["aavae", "aacvae", "aasvae"])
def test_generated_examples_are_samples_of_the_model_or_their_means(name):
    drawn, mean = (tiny(name, fakes=fakes) for fakes in ("sample", "mean"))
    n = 4000
    blank, label = np.zeros((n, *SHAPE), "float32"), np.full(n, 1, "int32")
    _, c = drawn.unpack((blank, label) if "label" in drawn.takes() else blank)
    noise = drawn.noise(BatchNoise([0, 0], n))
    x, p = drawn.generated(c, noise[1])[0].numpy(), mean.generated(c, noise[1])[0].numpy()
    assert set(np.unique(x)) == {0.0, 1.0} and ((p > 0) & (p < 1)).all()
    assert np.abs((x - p).mean(0)).max() < 4 * 0.5 / np.sqrt(n)
    given = {"label": 1} if name == "aacvae" else {"label": np.arange(n) % CLASSES} if name == "aasvae" else {}
    assert np.abs(p.mean(0) - drawn.sample(n, seed=1, **given).mean(0)).max() < 0.05


def test_classes_of_generated_examples_come_from_their_prior_and_count_as_unknown():
    model = tiny("aasvae", class_prior=[0.6, 0.3, 0.1], fakes="mean")
    n = 4000
    c = tf.zeros(n, tf.int32), tf.ones(n)
    (uniform, (for_prior, _)) = model.noise(BatchNoise([0, 0], n))[1]
    still = uniform, (0.0 * for_prior, ())
    x, (label, _) = model.generated(c, still)
    assert (label.numpy() == -1).all()
    of_class = model.decode(np.zeros((CLASSES, 2), "float32"), np.arange(CLASSES))
    found = np.abs(x.numpy()[:, None] - of_class).sum((2, 3, 4)).argmin(1)
    np.testing.assert_allclose(np.bincount(found) / n, [0.6, 0.3, 0.1], atol=0.03)


@pytest.mark.parametrize("name", ["aavae", "aasvae"])
def test_it_starts_as_its_base_does_and_is_evaluated_as_it(name):
    model, base = tiny(name), tiny(BASES[name])
    held_out, label = images(64, seed=1)
    given = (held_out, label) if "label" in model.takes() else (held_out,)
    found = []
    for one in (model, base):
        one.compile("sgd")
        found.append(one.evaluate(*given, return_dict=True, verbose=0))
    assert {key: found[0][key] for key in found[1]} == pytest.approx(found[1], rel=1e-5)
    assert set(found[0]) - set(found[1]) == {"discriminator", "q_real", "q_fake", "weight_fake"}


def test_it_works_on_the_importance_weighted_bound():
    model, _ = pair("aaiwae")
    x, _ = images(64)
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(x, batch_size=16, epochs=6, verbose=0).history
    assert {"ess", "bound", "weight_fake"} <= set(history) and history["loss"][-1] < history["loss"][0]
    assert AAIWAE.players == {**IWAE.players, "phi": ("discriminator",)} and "phi" not in IWAE.players
    assert model.get_config()["bound"]["config"]["k"] == 3 and "discriminator" in model.get_config()


# The warning.


def test_a_perfect_discriminator_is_reported_with_what_it_means():
    model, _ = pair("aavae")
    bias = model.decoder.get_layer("params").bias
    bias.assign(tf.tensor_scatter_nd_update(bias, [[0]], [-100.0]))
    judge(model, slope=40.0, bias=-20.0)
    model.compile({"theta": "sgd", "eta": "sgd", "phi": keras.optimizers.SGD(1e-6)})
    x = images(32)[0]
    x[:, 0, 0] = 1.0
    with pytest.warns(UserWarning, match=r"perfect in epoch 1: its mean q\(y=1\|x\) was 1.0000 on real and 0.0000 .*"
                      "AAVAE trained as if it had none"):
        model.fit(x, batch_size=16, verbose=0)


def test_a_discriminator_in_doubt_is_not():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for real, fake in ((0.98, 0.0), (1.0, 0.02), (0.5, 0.5)):
            PerfectDiscriminator().on_epoch_end(0, {"q_real": real, "q_fake": fake})


# Bad input.


@pytest.mark.parametrize("fakes", ["sample", "mean"])
def test_generated_pixels_of_another_kind_than_the_datas_are_refused_before_training(fakes):
    model = tiny("aavae", fakes=fakes)
    model.compile("sgd")
    x = images(N)[0] * (0.5 if fakes == "sample" else 1.0)
    fix = "give fakes='mean', or binarize the data" if fakes == "sample" else "give fakes='sample'"
    for given in ((x,), (tf.data.Dataset.from_tensor_slices(x).batch(4),)):
        with pytest.raises(InvalidInput, match=fix):
            model.fit(*given, verbose=0)


def networks(**changes):
    given = {"hidden": (), **changes}
    return {"encoder": dense(SHAPE, (4,), **given), "decoder": dense((2,), SHAPE, **given),
            "likelihood": IndependentBernoulli(SHAPE)}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: AAVAE(**networks(), discriminator=dense((5, 5, 1), (1,), ())),
         "the discriminator's input has shape (5, 5, 1), but the likelihood's event has (4, 4, 1); make them equal"),
        (lambda: AAVAE(**networks(), discriminator=dense(SHAPE, (2,), ())),
         "the discriminator's output has shape (2,), but the logit has (1,)"),
        (lambda: AAVAE(**networks(), discriminator=dense(SHAPE, (1,), (), condition_size=3)),
         "the discriminator's condition has shape (3,), but the model's has ()"),
        (lambda: AACVAE(**networks(condition_size=3), num_classes=3, discriminator=dense(SHAPE, (1,), ())),
         "the discriminator's condition has shape (), but the model's has (3,)"),
        (lambda: AASVAE(**networks(condition_size=3), num_classes=3, classifier=dense(SHAPE, (3,), ()),
                        discriminator=dense((5, 5, 1), (1,), ())),
         "the discriminator's input has shape (5, 5, 1), but the likelihood's event has (4, 4, 1)"),
        (lambda: tiny("aavae", fakes="means"), "unknown fakes 'means'; did you mean 'mean'?"),
        (lambda: tiny("aacvae", weighting="constnt"), "unknown weighting 'constnt'; did you mean 'constant'?"),
        (lambda: tiny("aavae", discriminator_network="cnn"), "unknown network 'cnn'"),
    ],
)
def test_parts_that_do_not_fit_are_refused(make, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        make()
