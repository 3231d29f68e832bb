"""The semi-supervised symmetric VAE: densities of a class and bits below it, what labels add to the game, its use."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from exact_helmholtz import every
from zoo import CLASSES, images, tiny, weights

from dgm_zoo import data
from dgm_zoo.distributions import BatchNoise, RowNoise, row_seeds
from dgm_zoo.distributions.groups import GroupedPrior, LadderPosterior, ReversePosterior
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics import active_units, consistency, log_likelihood
from dgm_zoo.models import HierarchicalSymmetricVAE, SemiSupervisedSymmetricVAE

SIZES = (3, 2)  # of the class and of the bits below
Z = np.concatenate([np.repeat(np.eye(3), 4, 0), np.tile(every(2), (3, 1))], -1)  # every z


def joints():
    """The prior, q(z|x) of one x, and their log densities of every z by NumPy."""
    keras.utils.set_random_seed(1)
    prior, posterior = GroupedPrior(SIZES, classes=True), LadderPosterior(SIZES, classes=True)
    kernel, bias = (np.random.default_rng(i).normal(size=v.shape) for i, v in enumerate(prior.steps[0].variables))
    prior.steps[0].set_weights([kernel, bias])
    params = np.random.default_rng(5).normal(size=(1, 5))
    below = Z[:, :3] @ kernel + bias

    def log_density(of_class, of_bits):
        log_class = of_class - np.logaddexp.reduce(of_class)
        return Z[:, :3] @ log_class + (Z[:, 3:] * of_bits - np.logaddexp(0, of_bits)).sum(-1)

    q = posterior(tf.constant(params, tf.float32), prior_logits=prior.logits)
    wanted = log_density(np.zeros(3), below), log_density(params[0, :3], below + params[0, 3:])
    return prior.distribution(), q, wanted


def test_a_class_and_the_bits_below_it_have_the_densities_of_their_factors():
    p, q, wanted = joints()
    for density, log_density in zip((p, q), wanted, strict=True):
        np.testing.assert_allclose(np.exp(log_density).sum(), 1.0)
        np.testing.assert_allclose(density.log_prob(tf.constant(Z, tf.float32)), log_density, atol=1e-5)
    of_class = np.exp(wanted[1]).reshape(3, 4).sum(1)
    np.testing.assert_allclose(np.exp(q.log_prob_first(tf.eye(3))), of_class, rtol=1e-5)
    assert q.likeliest()[0].numpy()[0, :3].tolist() == np.eye(3)[of_class.argmax()].tolist()


def test_classes_are_drawn_from_their_density_and_bits_given_a_class():
    p, q, wanted = joints()
    n, noise = 20_000, BatchNoise([0, 0], 20_000).logistic((5,))

    def found(drawn):
        assert set(np.unique(drawn)) <= {0.0, 1.0} and (drawn[:, :3].sum(1) == 1).all()
        return np.bincount((drawn[:, :3].argmax(1) * 4 + drawn[:, 3:] @ [2, 1]).astype(int), minlength=12) / n

    for density, log_density in zip((p, q), wanted, strict=True):
        chance = np.exp(log_density)
        assert np.abs((found(density.draw(noise).numpy()) - chance) / np.sqrt(chance / n)).max() < 4.5
        second = np.where(np.arange(12) // 4 == 1, chance, 0)
        second /= second.sum()
        given = found(density.draw(noise, first=tf.one_hot(tf.ones(n, tf.int32), 3)).numpy())
        assert not given[second == 0].any()
        assert np.abs((given - second)[4:8] / np.sqrt(second[4:8] / n)).max() < 4.5


def test_labels_add_the_mean_over_those_that_are_known_to_each_utility():
    model = tiny("ssymvae")
    model.compile("sgd")
    x, label = images(32)
    label[6:] = -1
    noise = model.noise(BatchNoise([0, 0], 32))
    terms, alone = model.terms(*model.unpack((x, label)), noise), model.terms(tf.constant(x), (), noise)
    q = model.q_z(tf.constant(x[:6]))
    one_hot = tf.one_hot(label[:6], CLASSES)
    z = q.draw(noise[0][:6], first=one_hot)
    np.testing.assert_array_equal(z[:, :CLASSES], one_hot)
    mean, log_p = tf.reduce_mean, model.log_joint(tf.constant(x[:6]), z)
    log_q = np.log(model.classify(x[:6])["probabilities"][np.arange(6), label[:6]])
    np.testing.assert_allclose(mean(terms["decoder"]), mean(alone["decoder"][6:]) + mean(log_p), rtol=1e-5)
    np.testing.assert_allclose(mean(terms["encoder"]), mean(alone["encoder"]) + log_q.mean(), rtol=1e-5)
    of_pairs = q.log_prob(z) - log_q - log_p  # -log p(x, z) / q(z_1|z_0, x)
    np.testing.assert_allclose(terms["loss"], tf.concat([of_pairs, alone["loss"][6:]], 0), rtol=1e-5)
    right = model.classify(x[:6])["logits"].argmax(1) == label[:6]
    np.testing.assert_allclose(mean(terms["accuracy"]), right.mean(), rtol=1e-6)


def test_the_decoders_gradient_for_a_labelled_image_has_the_enumerated_mean():
    """E_{q(z_1|z_0, x)} grad log p(x, z) with z_0 the label: its mean over draws against the sum over every z_1."""
    model = tiny("ssymvae", groups=[4], hidden=[], group_hidden=[])
    x, label = images(1, seed=3)
    first, n = tf.one_hot(label, CLASSES), 4000
    theta = model.player_variables("theta")

    def gradient(z, weights):
        with tf.GradientTape() as tape:
            log_p = model.log_joint(tf.repeat(tf.constant(x), len(z), 0), z)
            value = tf.reduce_sum(weights * log_p)
        return np.concatenate([np.ravel(g) for g in tape.gradient(value, theta)])

    z = tf.concat([tf.repeat(first, 16, 0), tf.constant(every(4), tf.float32)], -1)
    q = model.q_z(tf.constant(x))
    chance = tf.exp(q.log_prob(z) - q.log_prob_first(first))
    np.testing.assert_allclose(tf.reduce_sum(chance), 1.0, rtol=1e-5)
    exact = gradient(z, tf.stop_gradient(chance))
    noise = BatchNoise([0, 0], n).logistic((CLASSES + 4,))
    many = model.q_z(tf.repeat(tf.constant(x), n, 0))
    drawn = model.completed(tf.repeat(first, n, 0), None, many, noise)
    each = np.stack([gradient(drawn[i : i + 100], tf.fill([100], 0.01)) for i in range(0, n, 100)])
    error = each.std(0, ddof=1) / np.sqrt(len(each))
    assert (np.abs(each.mean(0) - exact) <= 4.5 * error + 1e-5).all()


@pytest.mark.exhaustive
def test_it_trains_classifies_draws_classes_and_is_saved(tmp_path):
    model, (x, label) = tiny("ssymvae", groups=[3, 5]), images(512)
    rows = data.from_arrays(x, y=label, labels=True, split="test", batch_size=128)
    few = np.where(np.arange(512) % 4 == 0, label, -1)
    model.compile(keras.optimizers.Adam(1e-2), steps_per_execution=4)
    before = model.evaluate(rows, return_dict=True, verbose=0)
    model.fit(data.from_arrays(x, y=few, labels=True, batch_size=64, seed=0), steps_per_epoch=8, epochs=30, verbose=0)
    after = model.evaluate(rows, return_dict=True, verbose=0)
    assert after["accuracy"] > 0.9 and after["elbo"] > before["elbo"]
    found = model.classify(x)
    np.testing.assert_allclose((found["logits"].argmax(1) == label).mean(), after["accuracy"], atol=1e-6)
    np.testing.assert_allclose(found["probabilities"].sum(1), 1.0, rtol=1e-5)
    drawn = model.sample(64, seed=0, label=np.arange(64) % CLASSES)
    assert (model.classify(np.round(drawn))["logits"].argmax(1) == np.arange(64) % CLASSES).mean() > 0.7
    assert consistency(model, rows, 20, 50)["asleep"]["value"] > 0
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.classify(x[:4])["logits"], found["logits"][:4])
    assert set(model.endpoints()["sample"].inputs) == {"seed", "label"}
    assert set(model.endpoints()["encode"].inputs) == {"x"}


@pytest.mark.exhaustive
def test_a_step_with_some_labels_is_the_same_with_xla():
    trained = []
    for jit_compile in (False, True):
        model, (x, label) = tiny("ssymvae"), images(64)
        label[::2] = -1
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
        model.fit(data.from_arrays(x, y=label, labels=True, batch_size=32, seed=0), steps_per_epoch=2, verbose=0)
        trained.append(weights(model))
    np.testing.assert_allclose(*trained, atol=1e-5)


def test_what_does_not_fit_is_refused_in_one_sentence():
    with pytest.raises(InvalidInput, match="num_classes is 0; give a whole number of at least 1"):
        tiny("ssymvae", num_classes=0)
    model = tiny("ssymvae")
    parts = {"encoder": model.encoder, "decoder": model.decoder, "prior": model.prior, "likelihood": model.likelihood}
    with pytest.raises(InvalidInput, match="prior and posterior disagree on whether z_0 is a class"):
        HierarchicalSymmetricVAE(**parts, posterior=LadderPosterior(model.prior.sizes))
    with pytest.raises(InvalidInput, match="GroupedPrior and ReversePosterior do not form a ladder below a class; "):
        SemiSupervisedSymmetricVAE(**parts, posterior=ReversePosterior(model.prior.sizes, classes=True))
    others = tiny("hsymvae", groups=model.prior.sizes)
    with pytest.raises(InvalidInput, match="GroupedPrior and LadderPosterior do not form a ladder below a class; give"):
        SemiSupervisedSymmetricVAE(
            others.encoder, others.decoder, others.prior, likelihood=others.likelihood, posterior=others.posterior
        )
    model.compile("sgd")
    with pytest.raises(InvalidInput, match="SemiSupervisedSymmetricVAE needs labels; give .x, y."):
        model.fit(images(8)[0], verbose=0)
    with pytest.raises(InvalidInput, match="SemiSupervisedSymmetricVAE needs labels; give .x, y."):
        model.evaluate(images(8)[0], verbose=0)
    with pytest.raises(InvalidInput, match="SemiSupervisedSymmetricVAE needs labels; give .x, y."):
        model.test_on_batch(images(8)[0])


def test_a_draw_is_of_its_class_as_a_sample_is():
    model = tiny("ssymvae")
    seeds, label = row_seeds(3, 50), np.full(50, 1, "int32")
    noise = RowNoise(seeds)
    z = model.draw_z(model.prior.noise(noise), tf.constant(label))
    assert (z.numpy()[:, :CLASSES].argmax(1) == label).all()
    np.testing.assert_allclose(model.p_x(z).mean(), model.sample(50, seed=3, label=1), atol=1e-6)
    wanted = model.likelihood.sample(model.p_x(z), model.likelihood.noise(noise))
    np.testing.assert_array_equal(model.draw(50, seed=3, label=1), wanted)
    for wrong, sentence in (({}, "draw: label is missing"), ({"label": 99}, "draw: label has values from 99 to 99")):
        with pytest.raises(InvalidInput, match=sentence):
            model.draw(2, **wrong)


def test_what_looks_at_no_label_takes_images_alone():
    model, x = tiny("ssymvae"), images(20)[0]
    rows = tf.data.Dataset.from_tensor_slices(x).batch(10)
    np.testing.assert_allclose(log_likelihood(model, rows, 3)["value"], log_likelihood(
        model, tf.data.Dataset.from_tensor_slices((x, np.zeros(20, "int32"))).batch(10), 3)["value"])
    assert consistency(model, rows, 3, 10)["awake"]["value"] > -1
    np.testing.assert_array_equal(model.encode(x, np.zeros(20, "int32"))["logits"], model.encode(x)["logits"])
    with pytest.raises(InvalidInput, match="unknown input of encode 'label'"):
        tiny("hsymvae").encode(x, np.zeros(20, "int32"))
    with pytest.raises(InvalidInput, match="LadderPosterior does not state its means; leave active_units out"):
        active_units(model, rows)
