"""Few labels: how they are hidden, and the SVAE (M2), compared with sums over classes and exact evidence."""

import functools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from exact_models import LinearGaussian
from PIL import Image
from scipy import stats
from scipy.special import logsumexp
from zoo import CLASSES, SHAPE, images, tiny, two_cpus, weights

from dgm_zoo import data
from dgm_zoo.data.draws import hidden
from dgm_zoo.distributions import BatchNoise, IndependentBernoulli, IndependentNormal
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import CVAE, SVAE
from dgm_zoo.networks import dense
from dgm_zoo.objectives import Evidence
from dgm_zoo.training import load_config, train
from dgm_zoo.training.build import build
from dgm_zoo.training.measures.classes import classes, styles

UNKNOWN = np.full(8, -1, "int32")


def compiled(name="svae", optimizer=None, **changes):
    model = tiny(name, **changes)
    model.compile(optimizer or keras.optimizers.SGD(1.0))
    return model


def terms(model, x, label, noise):
    return {name: value.numpy() for name, value in model.terms(*trained_on(model, x, label), noise).items()}


def trained_on(model, x, label):
    """x, and the labels with the rate that a first batch of training gives them."""
    x, c = model.unpack((x, label))
    return x, model.counted(c)


# The bound.


def test_the_bound_without_a_label_is_the_brute_force_sum_over_classes():
    model = tiny("svae", class_prior=[0.5, 0.3, 0.2])
    x, _ = images(8)
    noise = model.noise(BatchNoise([0, 0], 8))
    q = model.classify(x)["probabilities"].astype(np.float64)
    wanted = {name: np.zeros(8) for name in ("elbo", "reconstruction", "kl")}
    for c, share in enumerate([0.5, 0.3, 0.2]):
        label = np.full(8, c)
        of_c = CVAE.terms(model, tf.constant(x), CVAE.condition(model, label), noise)
        odds = np.log(share / q[:, c])
        wanted["reconstruction"] += q[:, c] * of_c["reconstruction"]
        wanted["kl"] += q[:, c] * (of_c["kl"] - odds)
        wanted["elbo"] += q[:, c] * (of_c["elbo"] + odds)
    found = terms(model, x, UNKNOWN, noise)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5)
    np.testing.assert_array_equal(found["objective"], found["elbo"])


def test_a_number_of_classes_may_be_numpys():
    model = tiny("svae", num_classes=np.int64(CLASSES))
    np.testing.assert_allclose(model.log_p_c(), np.log(np.full(CLASSES, 1 / CLASSES)), rtol=1e-6)


def test_the_bound_of_a_one_hot_q_is_that_of_the_label_and_so_is_its_gradient():
    model = compiled()
    kernel, _ = model.classifier.get_weights()[-2:]
    certain = 0 * kernel, np.array([0, 200, 0], "float32")  # q(c=1|x) = 1
    model.classifier.set_weights([*model.classifier.get_weights()[:-2], *certain])
    x, _ = images(8)
    noise, label = model.noise(BatchNoise([0, 0], 8)), np.ones(8, "int32")
    one, two = (terms(model, x, given, noise) for given in (UNKNOWN, label))
    for name in ("objective", "elbo", "reconstruction", "kl"):
        np.testing.assert_allclose(one[name], two[name], rtol=1e-6)
    others = [*model.player_variables("theta"), *model.encoder.trainable_variables]
    for variable, found, wanted in zip(
        others, *(gradient(model, x, given, noise, "objective", others) for given in (UNKNOWN, label)), strict=True
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-5, err_msg=variable.path)


def gradient(model, x, label, noise, term, variables):
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(model.terms(*trained_on(model, x, label), noise)[term])
    return [0.0 if g is None else g.numpy() for g in tape.gradient(mean, variables)]


def test_the_classifier_is_taught_by_alpha_times_all_rows_over_the_labelled_ones():
    x, label = images(8)
    label[3:] = -1
    noise = tiny("svae").noise(BatchNoise([0, 0], 8))
    per_label = 8 / 3
    with_it, without = (tiny("svae", alpha=alpha) for alpha in (0.5, 0.0))
    found = terms(with_it, x, label, noise)
    log_q = np.log(with_it.classify(x)["probabilities"][np.arange(8), label])
    np.testing.assert_allclose(found["classification"], np.where(label >= 0, log_q, 0.0), rtol=1e-5)
    extra = found["objective"] - terms(without, x, label, noise)["objective"]
    np.testing.assert_allclose(extra, 0.5 * per_label * found["classification"], atol=1e-5)
    right = with_it.classify(x[:3])["probabilities"].argmax(1) == label[:3]
    assert found["accuracy"].sum() == right.sum()


def test_alpha_is_that_of_the_data_where_few_batches_have_labels():
    """Over an epoch the weights of the labelled rows add up to those of all rows, as in Kingma's Eq. 9."""
    model, total = tiny("svae"), 0.0
    x, label = images(64)
    label[:] = -1
    label[[20, 40]] = 1  # in the second and the third of four batches
    for epoch in range(20):
        for start in range(0, 64, 16):
            _, (given, rate, _) = trained_on(model, x[start : start + 16], label[start : start + 16])
            total += float(tf.reduce_sum(tf.where(given >= 0, rate, 0.0))) if epoch >= 10 else 0.0
    assert total / (10 * 64) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("name", ["svae", "ssaae", "aasvae"])
def test_accuracy_is_the_mean_over_labelled_rows_however_they_are_batched(name):
    model = tiny(name)
    model.compile("sgd")
    x, label = images(64)
    label[16:] = -1  # labels in the first of four batches only
    wanted = (model.classify(x[:16])["probabilities"].argmax(1) == label[:16]).mean()
    found = model.evaluate(x, label, batch_size=16, verbose=0, return_dict=True)
    assert found["accuracy"] == pytest.approx(wanted, abs=1e-6)
    log_q = np.log(model.classify(x[:16])["probabilities"][np.arange(16), label[:16]])
    assert found["classification"] == pytest.approx(log_q.mean(), rel=1e-4)


def test_the_label_phase_has_its_own_momentum_and_leaves_a_batch_without_labels_out():
    """Its first step is up its own gradient, whatever the other phase did before; without labels nothing coasts."""
    x, label = images(16)
    model = tiny("ssaae")
    model.compile({p: keras.optimizers.Adam(1e-9) for p in model.players} | {"classification": keras.optimizers.SGD(
        0.1, momentum=0.9)})
    before = [v.numpy() for v in model.player_variables("eta")]
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(model.label_terms(tf.constant(x), label, 1.0)["taught"])
    wanted = tape.gradient(mean, [v.value for v in model.player_variables("eta")])
    model.fit(x, label, batch_size=16, verbose=0)
    after = [v.numpy() for v in model.player_variables("eta")]
    for old, new, g in zip(before, after, wanted, strict=True):
        np.testing.assert_allclose(new - old, 0.1 * g, atol=1e-5)
    model.fit(x, np.full(16, -1, "int32"), batch_size=16, verbose=0)
    for old, variable in zip(after, model.player_variables("eta"), strict=True):
        np.testing.assert_allclose(variable.numpy(), old, atol=1e-7)
    assert int(model.optimizers["classification"].iterations) == 1


def test_an_encoder_that_meets_each_class_once_has_the_bound_of_one_that_meets_it_in_every_row():
    z, c = keras.Input(SHAPE), keras.Input((CLASSES,))
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(z), c])
    plain = keras.Model([z, c], keras.layers.Dense(4)(joined))
    parts = networks()
    once, every = SVAE(**parts), SVAE(**{**parts, "encoder": plain})
    plain.set_weights(parts["encoder"].get_weights())
    assert once.meets_each_class and not every.meets_each_class
    x, label = images(8)
    label[3:] = -1
    noise = once.noise(BatchNoise([0, 0], 8))
    found, wanted = terms(once, x, label, noise), terms(every, x, label, noise)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5)


def test_features_of_the_classifier_are_dropped_in_training_and_kept_in_evaluation():
    model, whole = (compiled(dropout=rate, classifier_network="lenet", classifier_hidden=[2, 2, 16])
                    for rate in (0.5, 0.0))
    x, label = images(8)
    for_z, uniform = model.noise(BatchNoise([0, 0], 8))
    *before, last = model.classifier.layers
    kept = np.asarray(uniform) >= 0.5
    features = np.asarray(keras.Model(model.classifier.input, before[-1].output)(x)) * kept / 0.5
    wanted = tf.nn.log_softmax(last(features)).numpy()[np.arange(8), label]
    np.testing.assert_allclose(terms(model, x, label, (for_z, uniform))["classification"], wanted, rtol=1e-5)
    assert 0.2 < kept.mean() < 0.8
    whole.set_weights(model.get_weights())
    unlabelled = terms(model, x, UNKNOWN, (for_z, uniform)), terms(whole, x, UNKNOWN, for_z)
    np.testing.assert_allclose(*(one["elbo"] for one in unlabelled), rtol=1e-5)  # the sum over classes drops none
    given = tf.data.Dataset.from_tensors((x, label))
    assert model.evaluate(given, verbose=0, return_dict=True) == whole.evaluate(given, verbose=0, return_dict=True)


def test_a_label_reaches_the_bound_of_its_own_row_alone():
    model = tiny("svae", alpha=0.0)
    x, label = images(8)
    noise = model.noise(BatchNoise([0, 0], 8))
    alone = terms(model, x, UNKNOWN, noise)["elbo"]
    some = np.where(np.arange(8) == 2, label, -1)
    together = terms(model, x, some, noise)["elbo"]
    assert (together == alone)[np.arange(8) != 2].all() and together[2] != alone[2]


class Mixture:
    """Linear Gaussians of one covariance, moved by the class: evidence and every posterior in closed form."""

    shares = np.array([0.5, 0.3, 0.2])

    def __init__(self):
        self.base = LinearGaussian(orthogonal=True)
        self.moved = 1.5 * np.random.default_rng(3).normal(size=(3, 5))  # of the mean of x, by class
        self.cov = self.base.w @ self.base.w.T + self.base.s**2 * np.eye(5)

    def data(self, n):
        label = np.random.default_rng(4).choice(3, n, p=self.shares)
        return (self.base.data(n) + self.moved[label]).astype("float32"), label.astype("int32")

    def log_joint(self, x):
        """log p(x, c): `[n, 3]`."""
        of_class = [stats.multivariate_normal(self.base.b + v, self.cov).logpdf(x) for v in self.moved]
        return np.stack(of_class, 1) + np.log(self.shares)

    def model(self):
        """The SVAE with these joints and the exact posteriors as its q."""
        kernel, bias, w, b = self.base.parameters()
        posterior, given = IndependentNormal((2,)), {"hidden": (), "condition_size": 3}
        encoder, decoder = dense((5,), (4,), **given), dense((2,), (5,), **given)
        encoder.set_weights([np.concatenate([kernel, -self.moved @ kernel]), bias])
        decoder.set_weights([np.concatenate([w, self.moved]), b])
        classifier, precise = dense((5,), (3,), ()), np.linalg.inv(self.cov)
        mean = self.base.b + self.moved
        offset = np.log(self.shares) - 0.5 * np.einsum("ci,ij,cj->c", mean, precise, mean)
        classifier.set_weights([precise @ mean.T, offset])
        return SVAE(
            encoder, decoder, classifier=classifier, likelihood=IndependentNormal((5,), stddev=self.base.s),
            posterior=posterior, num_classes=3, class_prior=self.shares, alpha=0.0, seed=0,
        )


def test_with_exact_posteriors_both_bounds_are_the_exact_evidence():
    mixture = Mixture()
    model, (x, label) = mixture.model(), mixture.data(4)
    joint = mixture.log_joint(x)
    log_p = logsumexp(joint, 1)
    np.testing.assert_allclose(model.classify(x)["logits"], joint - log_p[:, None], atol=1e-4)
    many, n = np.repeat(x, 20000, 0), 4 * 20000
    noise = model.noise(BatchNoise([1, 2], n))
    for given, wanted in ((np.full(n, -1), log_p), (np.repeat(label, 20000), joint[np.arange(4), label])):
        found = terms(model, many, given.astype("int32"), noise)["elbo"].reshape(4, -1).astype(np.float64)
        stderr = found.std(1) / np.sqrt(20000)
        assert (np.abs(found.mean(1) - wanted) < 4 * stderr + 1e-4).all()
    # Every importance weight is p(x) itself.
    np.testing.assert_allclose(model.log_likelihood(x, num_samples=3), log_p, atol=1e-3)


def test_the_estimated_evidence_is_summed_over_classes_when_q_is_wrong():
    mixture = Mixture()
    model, (x, _) = mixture.model(), mixture.data(6)
    model.encoder.set_weights([0.9 * w for w in model.encoder.get_weights()])
    wanted = logsumexp(mixture.log_joint(x), 1)
    np.testing.assert_allclose(model.log_likelihood(x, num_samples=20000), wanted, atol=0.03)
    assert (terms(model, x, np.full(6, -1, "int32"), model.noise(BatchNoise([0, 0], 6)))["elbo"] != wanted).all()


# Training and evaluation.


@pytest.mark.exhaustive
def test_hidden_labels_teach_the_classes_and_evaluation_does_not_look_at_labels_for_its_loss():
    x, label = images(512)
    model = compiled(optimizer=keras.optimizers.Adam(1e-2), alpha=1.0)
    batches = data.from_arrays(x, label, batch_size=32, labels=True, labels_per_class=8)
    model.fit(batches, epochs=15, verbose=0)
    held_out, truth = images(250, seed=1)
    right, wrong = (
        model.evaluate(held_out, y, batch_size=100, return_dict=True, verbose=0) for y in (truth, (truth + 1) % CLASSES)
    )
    assert right["accuracy"] > 0.8 and wrong["accuracy"] < 0.2 and right["loss"] == wrong["loss"] == -right["elbo"]
    found = model.classify(held_out)["probabilities"]
    assert right["accuracy"] == pytest.approx((found.argmax(1) == truth).mean(), abs=1e-6)
    assert right["classification"] == pytest.approx(np.log(found[np.arange(250), truth]).mean(), abs=1e-4)


@pytest.mark.exhaustive
def test_labels_that_one_replica_has_and_the_other_has_not_weigh_as_on_one():
    x, label = images(16)
    label[4:] = -1

    def step(model, x, label, noise):
        model.ascend(model.terms, *trained_on(model, x, label), noise, **model.ascends)

    one = compiled()
    noise = one.noise(one.rng(x))
    tf.function(step)(one, x, label, noise)
    strategy = two_cpus()
    with strategy.scope():
        two = compiled()

    def half(value):
        parts = tf.split(value, 2)
        return strategy.experimental_distribute_values_from_function(lambda c: parts[c.replica_id_in_sync_group])

    run = tf.function(lambda *args: strategy.run(lambda *a: step(two, *a), args))
    run(half(x), half(label), half(noise))
    np.testing.assert_allclose(weights(two), weights(one), atol=1e-5)
    assert np.abs(weights(one) - weights(compiled())).max() > 1e-3


def test_a_batch_without_any_label_is_trained_on_too():
    x, _ = images(16)
    model = compiled()
    history = model.fit(x, np.full(16, -1, "int32"), batch_size=8, verbose=0).history
    assert history["accuracy"] == [0.0] and np.isfinite(weights(model)).all()


# Answers.


def test_its_answers_take_the_likeliest_class_and_a_style_can_be_given_another():
    model, (x, _) = tiny("svae"), images(6)
    label = model.classify(x)["probabilities"].argmax(1)
    z = model.encode(x)["mean"]
    np.testing.assert_allclose(model.reconstruct(x), model.decode(z, label), atol=1e-6)
    np.testing.assert_allclose(model(x), model.decode(z, label), atol=1e-6)
    assert np.abs(model.decode(z, (label + 1) % CLASSES) - model.decode(z, label)).max() > 1e-3
    table = model.endpoints()
    assert {"classify", "sample", "encode", "decode", "reconstruct", "log_likelihood"} == set(table)
    assert set(table["sample"].inputs) == {"seed", "label"}
    assert table["sample"].inputs["label"].range == (0, CLASSES - 1)
    for name in ("classify", "encode", "reconstruct"):
        assert set(table[name].inputs) == {"x"}
    with pytest.raises(InvalidInput, match=r"label has values from -1 to -1, outside \[0, 2\]"):
        model.sample(2, label=-1)


# Hidden labels.


def batches(count=60, batch=12, per_class=None, fraction=None, epochs=1, **given):
    """Batches (row numbers, labels), one list for each epoch; classes 0, 1 and 2 with 30, 20 and 10 of 60 rows."""
    y = np.repeat([0, 1, 2], [count // 2, count // 3, count // 6])
    x = np.arange(count, dtype="float32")[:, None]
    found = data.from_arrays(
        x, y, batch_size=batch, labels=True, labels_per_class=per_class, labelled_fraction=fraction, levels=None,
        **given,
    )
    found = [[(x.numpy()[:, 0].astype(int), y.numpy()) for x, y in found] for _ in range(epochs)]
    return y, found


def test_labels_stay_for_the_same_rows_of_each_class_in_every_epoch_and_come_from_the_seed():
    truth, epochs = batches(batch=10, fraction=0.2, epochs=3)
    kept = []
    for epoch in epochs:
        rows, labels = (np.concatenate(part) for part in zip(*epoch, strict=True))
        assert sorted(rows) == list(range(60))
        known = labels >= 0
        np.testing.assert_array_equal(labels[known], truth[rows[known]])
        kept.append(sorted(rows[known]))
        assert np.bincount(labels[known]).tolist() == [6, 4, 2] and (labels[~known] == -1).all()
    assert kept[0] == kept[1] == kept[2] and not np.array_equal(epochs[0][0][0], epochs[1][0][0])
    assert sorted(np.flatnonzero(hidden(truth, 0.2, seed=0) >= 0)) == kept[0]
    assert not np.array_equal(hidden(truth, 0.2, seed=1), hidden(truth, 0.2, seed=0))


def test_every_batch_has_its_share_of_labelled_rows_evenly_spaced():
    _, (epoch,) = batches(fraction=0.5)
    for _, labels in epoch:
        assert np.flatnonzero(labels >= 0).tolist() == [0, 2, 4, 6, 8, 10]
    _, (epoch,) = batches(per_class=1)  # less than one a batch: each gets one, and they come again
    found = [labels[labels >= 0].tolist() for _, labels in epoch]
    assert [len(one) for one in found] == [1] * 5 and {0, 1, 2} == {c for one in found for c in one}
    _, (epoch,) = batches(per_class=2, labelled_rows=4)
    assert [np.flatnonzero(labels >= 0).tolist() for _, labels in epoch] == [[0, 3, 6, 9]] * 5
    rows = np.concatenate([rows[labels < 0] for rows, labels in epoch])
    assert len(set(rows)) == 40 == len(rows)  # of the 54 that have none


def test_more_unlabelled_rows_than_there_are_begin_again():
    truth, (epoch,) = batches(fraction=0.9, labelled_rows=2)
    rows = np.concatenate([rows[labels < 0] for rows, labels in epoch])
    assert len(rows) == 50 and len(set(rows)) == 6


def test_an_epoch_can_be_resumed_and_held_out_splits_keep_every_label():
    _, epochs = batches(fraction=0.2, epochs=3)
    y, x = np.repeat([0, 1, 2], [30, 20, 10]), np.arange(60, dtype="float32")[:, None]
    given = {"labels": True, "labelled_fraction": 0.2, "levels": None}
    resumed = data.from_arrays(x, y, batch_size=12, first_epoch=2, **given)
    for (rows, labels), (x_, y_) in zip(epochs[2], resumed.take(5), strict=True):
        np.testing.assert_array_equal(x_[:, 0], rows)
        np.testing.assert_array_equal(y_, labels)
    for split in ("validation", "test"):
        labels = np.concatenate([b.numpy() for _, b in data.from_arrays(x, y, split=split, batch_size=25, **given)])
        np.testing.assert_array_equal(labels, y)


@pytest.mark.statistics
def test_a_few_labels_are_enough_for_the_semi_supervised_adversarial_auto_encoder_too():
    x, label = images(256)
    model = compiled("ssaae", keras.optimizers.Adam(5e-3, beta_1=0.5))
    given = data.from_arrays(x, label, batch_size=16, labels=True, labelled_fraction=0.25, labelled_rows=4)
    model.fit(given, epochs=15, verbose=0)
    held_out, truth = images(200, seed=1)
    assert (model.classify(held_out)["probabilities"].argmax(1) == truth).mean() > 0.8


CONFIG = '''
def get_config():
    return {
        "model": {"name": "svae", "latent_dim": 2, "hidden": [16]},
        "data": {"name": "digits", "batch_size": 100, "binarize": "stochastic", "labelled_fraction": 0.5},
        "train": {"epochs": 2},
        "evaluate": {"num_samples": 3, "limit": 200},
    }
'''


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("svae") / "svae.py"
    path.write_text(CONFIG)
    return functools.partial(load_config, path)


@pytest.mark.exhaustive
def test_a_run_takes_the_prior_of_the_classes_from_its_labels_and_measures_accuracy(config, tmp_path):
    resolved = config()
    shares = data.class_shares("digits", labelled_fraction=0.5)
    assert sum(shares) == pytest.approx(1.0) and len(set(shares)) > 1 and build(resolved).class_prior == shares
    assert data.class_shares("digits", labels_per_class=10) == [0.1] * 10
    assert build(config([f"model.class_prior={[0.1] * 10}"])).class_prior == [0.1] * 10
    found = train(resolved, tmp_path / "run", verbose=0)["metrics"]
    assert 0.0 <= found["test_accuracy"]["value"] <= 1.0
    assert found["test_accuracy"]["protocol"] == "mean over images, share of right answers"
    assert found["test_log_likelihood"]["value"] > found["test_elbo"]["value"] - 1.0
    # A class in each of ten rows, a style in each of ten columns; ten images, and after each the ten classes.
    for name, columns in (("classes", 10), ("style_transfer", 11)):
        assert Image.open(tmp_path / "run" / f"{name}.png").size == (58 * columns + 2, 58 * 10 + 2)


def test_pictures_of_classes_have_a_style_in_each_column_and_begin_with_the_image():
    model, (x, _) = tiny("svae"), images(10)
    drawn = classes(model).reshape(CLASSES, 10, *SHAPE)
    np.testing.assert_array_equal(drawn[2], model.sample(10, seed=0, label=2))
    found = styles(model, x, {}).reshape(10, 1 + CLASSES, *SHAPE)
    np.testing.assert_array_equal(found[:, 0], x)
    z = model.encode(x)["mean"]
    np.testing.assert_allclose(found[:, 3], model.decode(z, np.full(10, 2)), atol=1e-6)


# Bad input.


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"fraction": 0.04}, "labelled_fraction=0.04 leaves class 2, which has 10 rows, without labels; give at least"),
        ({"fraction": 0.0}, "labelled_fraction=0.0 is not a share; give more than 0 and at most 1"),
        ({"fraction": 1.5}, "labelled_fraction=1.5 is not a share"),
        ({"per_class": 0}, "labels_per_class=0 is not a number of rows; give an integer of at least 1"),
        ({"per_class": 11}, "labels_per_class=11 is more than the 10 rows of class 2; give at most that"),
        ({"per_class": 1, "fraction": 0.5}, "labelled_fraction=0.5 and labels_per_class=1 exclude each other"),
        ({"per_class": 1, "labelled_rows": 12}, "batch_size=12 has no room for 12 labelled and one unlabelled row"),
        ({"per_class": 1, "labelled_rows": 0.5}, "labelled_rows=0.5 is not a number of rows"),
        ({"labelled_rows": 3}, "labelled_rows=3, but the rows of 'train' do not differ in having labels"),
        ({"per_class": 1, "batch": 1}, "batch_size=1 has no room for 1 labelled and one unlabelled row; raise it"),
    ],
)
def test_labels_that_cannot_be_hidden_so_are_refused_in_one_sentence(given, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)) as error:
        batches(**given)
    assert str(error.value).count(". ") == 0


def test_hiding_labels_that_are_not_asked_for_or_not_there_is_refused():
    x, y = images(16)
    with pytest.raises(InvalidInput, match="hide labels, but labels=False; set it to True"):
        data.from_arrays(x, y, batch_size=4, labelled_fraction=0.5)
    with pytest.raises(InvalidInput, match="'binarized_mnist' has no labels"):
        data.load("binarized_mnist", "train", 4, labels=True, labelled_fraction=0.5)
    with pytest.raises(InvalidInput, match="data set 'binarized_mnist' has no labels; choose another"):
        data.class_shares("binarized_mnist")


def test_a_run_says_what_its_labels_lack_before_it_trains(config, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", pytest.fail)
    with pytest.raises(InvalidInput, match="labelled_fraction=0.001 leaves class 0, which has .* without labels"):
        train(config(["data.labelled_fraction=0.001"]), tmp_path / "run", verbose=0)
    with pytest.raises(InvalidInput, match="svae needs labels, but data set 'bars' has no labels; choose another"):
        train(config(["data.name=bars"]), tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()


def test_labels_outside_the_classes_are_refused():
    model, (x, label) = compiled(), images(8)
    for wrong in (3, -2):
        label[5] = wrong
        with pytest.raises(InvalidInput, match=r"SVAE.fit: label has values from .*, outside \[-1, 2\]"):
            model.fit(x, label, verbose=0)
    with pytest.raises(InvalidInput, match="SVAE.fit: SVAE needs labels; give \\(x, y\\)"):
        model.fit(x, verbose=0)


def networks(classifier=CLASSES, image=SHAPE):
    given = {"hidden": (), "condition_size": CLASSES}
    return {
        "encoder": dense(SHAPE, (4,), **given), "decoder": dense((2,), SHAPE, **given),
        "classifier": dense(image, (classifier,), ()), "likelihood": IndependentBernoulli(SHAPE),
        "num_classes": CLASSES,
    }


def nested(network):
    x = keras.Input(SHAPE)
    return keras.Model(x, network(x))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (networks(classifier=4), "the classifier's output has shape (4,), but the classes' logits has (3,)"),
        (networks(image=(5, 5, 1)), "the classifier's input has shape (5, 5, 1), but the likelihood's"),
        ({**networks(), "class_prior": [0.5, 0.5]}, "the class_prior has shape (2,), but the classes has (3,)"),
        ({**networks(), "class_prior": [0.5, 0.5, 0.5]}, "must hold a positive probability for each class, 1 in sum"),
        ({**networks(), "class_prior": [1.0, 0.0, 0.0]}, "must hold a positive probability for each class, 1 in sum"),
        ({**networks(), "alpha": -1.0}, "alpha is -1.0; give a number of at least 0"),
        ({**networks(), "dropout": 1.0}, "dropout is 1.0; give a probability from 0 to below 1"),
        ({**networks(), "dropout": 0.5, "classifier": nested(dense(SHAPE, (3,), ()))},
         "dropout 0.5 drops features before the classifier's last layer, which is a Functional; make that a"),
        ({**networks(), "bound": Evidence(free_bits=0.5)},
         "the bound Evidence averages over the batch ({'beta': 1.0, 'free_bits': 0.5}), which in SVAE would be over"),
    ],
)
def test_parts_that_do_not_fit_are_refused(given, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        SVAE(**given)
