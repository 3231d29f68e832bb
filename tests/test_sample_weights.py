"""Weights of examples: as in Keras where a model ascends a mean over examples, refused in every form elsewhere."""

import functools
import re

import keras
import numpy as np
import pytest
from life import compiled
from test_every_batch import Batches, dataset
from zoo import images, tiny, weights

from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import list_models, model_class

ROWS = 32
X, LABEL = images(ROWS)
TWICE = np.where(np.arange(ROWS) % 2, 2.0, 1.0).astype("float32")
HALF = (np.arange(ROWS) % 2).astype("float32")
shared = functools.cache(compiled)


def test_models_of_examples_take_weights_and_the_others_do_not():
    take = {name for name in list_models() if model_class(name).takes_weights.fget(model_class(name))}
    assert take == {"ae", "bihm", "classifier", "cvae", "helmholtz", "hvae", "iwae", "svae", "vae"}
    assert not tiny("vae", free_bits=0.5).takes_weights  # a KL of the batch, not of its examples


@functools.cache
def at_rest(name):
    """A tiny model, compiled with gradient descent, and its weights; dropout would make rows differ."""
    model = tiny(name, **({"dropout": 0.0} if name == "classifier" else {}))
    model.compile("sgd")
    return model, model.get_weights()


def trained(name, *data, rate=0.1, **given):
    """The weights of a tiny model after one step of gradient descent on all rows."""
    model, start = at_rest(name)
    model.set_weights(start)
    model.optimizer.learning_rate = rate
    model.fit(*data, batch_size=len(data[0]), verbose=0, shuffle=False, **given)
    return weights(model)


def test_a_weight_is_a_number_of_copies():
    copies = trained("ae", np.repeat(X, TWICE.astype(int), axis=0), rate=0.1 * 1.5)  # a mean over 1.5 times the rows
    np.testing.assert_allclose(trained("ae", X, sample_weight=TWICE), copies, atol=1e-6)
    left = trained("ae", X[HALF > 0], rate=0.1 * 0.5)
    np.testing.assert_allclose(trained("ae", X, sample_weight=HALF), left, atol=1e-6)
    np.testing.assert_array_equal(trained("ae", X, sample_weight=np.ones(ROWS)), trained("ae", X))


def test_the_wake_phase_is_weighed_and_dreams_are_not():
    whole, half = (compiled("helmholtz", optimizer=keras.optimizers.SGD(0.1)) for _ in range(2))
    before = weights(whole.inference), weights(whole.generative)
    whole.fit(X, batch_size=ROWS, verbose=0, shuffle=False)
    half.fit(X, batch_size=ROWS, verbose=0, shuffle=False, sample_weight=np.full(ROWS, 0.5))
    np.testing.assert_array_equal(weights(half.inference), weights(whole.inference))
    moved = weights(whole.generative) - before[1]
    np.testing.assert_allclose(weights(half.generative) - before[1], 0.5 * moved, atol=1e-6)
    assert np.any(moved) and np.any(weights(whole.inference) != before[0])


def test_what_is_logged_is_what_keras_logs():
    """Keras: the loss is the sum of the weighted values over the number of rows, metrics are not weighted."""
    plain = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    plain.compile(loss="mse", metrics=["mse"])
    x, y = np.linspace(0, 1, ROWS)[:, None], np.linspace(1, 2, ROWS)[:, None]
    of_rows = np.square(plain.predict(x, verbose=0) - y)[:, 0]
    found = plain.evaluate(x, y, 20, 0, TWICE, return_dict=True)
    np.testing.assert_allclose([found["loss"], found["mse"]], [np.mean(TWICE * of_rows), np.mean(of_rows)], rtol=1e-5)

    model = shared("ae")
    of_rows = np.array([model.evaluate(X[i : i + 1], verbose=0, return_dict=True)["loss"] for i in range(0, ROWS, 4)])
    found = model.evaluate(X[::4], None, 5, 0, TWICE[: ROWS // 4], return_dict=True)
    assert found["loss"] == pytest.approx(np.mean(TWICE[: ROWS // 4] * of_rows), rel=1e-5)
    assert found["reconstruction"] == pytest.approx(-np.mean(of_rows), rel=1e-5)


FORMS = {
    "arrays": lambda x, y, w: ((x, y), {"sample_weight": w}),
    "arrays without y": lambda x, y, w: ((x,), {"sample_weight": w}),
    "data set": lambda x, y, w: ((dataset(x, y, w),), {}),
    "dict": lambda x, y, w: ((dataset({"x": x, "label": y, "sample_weight": w}),), {}),
    "PyDataset": lambda x, y, w: ((Batches(x, y, w),), {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_weights_of_every_form_arrive_or_are_refused(form):
    data, given = FORMS[form](X, LABEL, TWICE)
    model = shared("ae")
    found = model.evaluate(*data, verbose=0, return_dict=True, **given)
    of_rows = [model.evaluate(X[TWICE == w], verbose=0, return_dict=True)["loss"] for w in (1.0, 2.0)]
    assert found["loss"] == pytest.approx((of_rows[0] + 2 * of_rows[1]) / 2, rel=1e-5)
    sentence = "GAN takes no sample weights, since not all that it ascends is a mean over examples; leave them out"
    for call in (shared("gan").fit, shared("gan").evaluate):
        with pytest.raises(InvalidInput, match=sentence):
            call(*data, verbose=0, **given)


@pytest.mark.exhaustive
def test_weights_of_single_batches_and_of_validation_data_arrive_or_are_refused():
    model = shared("ae")
    one, two = (model.test_on_batch(X, sample_weight=w)[0] for w in (TWICE, np.ones(ROWS)))
    assert one == pytest.approx(model.evaluate(X, None, ROWS, 0, TWICE)[0], rel=1e-5) and one != two
    history = model.fit(X, validation_data=(X, None, 3 * np.ones(ROWS)), verbose=0).history
    assert history["val_loss"][0] == pytest.approx(-3 * history["val_reconstruction"][0], rel=1e-5)
    history = model.fit(X, sample_weight=3 * np.ones(ROWS), validation_split=0.25, verbose=0).history
    assert history["val_loss"][0] == pytest.approx(-3 * history["val_reconstruction"][0], rel=1e-5)
    assert history["loss"][0] == pytest.approx(-3 * history["reconstruction"][0], rel=1e-5)
    for validation in ((X, None, TWICE), dataset(X, LABEL, TWICE), Batches(X, LABEL, TWICE)):
        with pytest.raises(InvalidInput, match="GAN takes no sample weights"):
            shared("gan").fit(X, validation_data=validation, verbose=0)
    for call in (shared("gan").train_on_batch, shared("gan").test_on_batch):
        with pytest.raises(InvalidInput, match="GAN takes no sample weights"):
            call(X, sample_weight=TWICE)


def test_a_list_of_weights_is_one_array():
    model = shared("ae")
    one, two = (model.evaluate(X, sample_weight=weight, verbose=0) for weight in (TWICE.tolist(), TWICE))
    assert one == two


def test_class_weights_are_weights_of_the_examples_of_a_class():
    wanted = trained("classifier", X, LABEL, sample_weight=np.where(LABEL, 1.0, 5.0))
    np.testing.assert_array_equal(trained("classifier", X, LABEL, class_weight={0: 5.0}), wanted)
    model, start = at_rest("classifier")
    model.set_weights(start)
    model.fit(dataset(X, LABEL, batch=ROWS), class_weight={0: 5.0}, verbose=0)
    np.testing.assert_allclose(weights(model), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("ae", {"sample_weight": -TWICE}, "sample_weight has values from -2 to -1, outside [0, 1e+12]; rescale it"),
        ("ae", {"sample_weight": np.nan * TWICE}, "sample_weight holds NaN or infinity in row 0; remove it"),
        ("ae", {"sample_weight": TWICE[:, None]}, "sample_weight has shape [32, 1], but this model takes [batch]"),
        ("ae", {"sample_weight": TWICE[1:]}, "x 32 and sample_weight 31 rows; give equally many"),
        ("ae", {"class_weight": {0: 2.0}}, "AE takes no class_weight, since it does not weigh examples by a class"),
        ("svae", {"y": LABEL, "class_weight": {0: 2.0}}, "SVAE takes no class_weight"),
        ("classifier", {"y": LABEL, "class_weight": {3: 2.0}}, "class_weight names the class 3; give classes from 0"),
        ("classifier", {"y": LABEL, "class_weight": {0: -1.0}}, "class_weight of class 0 is -1.0; give a number of at"),
    ],
)
def test_weights_that_cannot_be_are_refused_before_training(name, given, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        shared(name).fit(X, verbose=0, **given)


def test_a_batch_of_one_does_not_count_for_what_compares_examples():
    model = shared("gan")
    rest = np.concatenate([X, X[:1]])
    one, two = (model.evaluate(x, verbose=0, return_dict=True)["loss"] for x in (X, rest))
    assert two == pytest.approx(one, rel=1e-4)
    assert model.evaluate(X[:1], verbose=0, return_dict=True)["loss"] > 2 * one  # twice a distance: all there is
