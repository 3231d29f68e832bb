"""Every batch is checked in its step, whatever it comes from, before the step changes anything."""

import functools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from life import compiled
from zoo import examples, images, tiny, two_cpus, weights

from dgm_zoo.core.vetting import vetted
from dgm_zoo.errors import InvalidInput

ROWS, BATCH = 32, 8
shared = functools.cache(compiled)  # a refused batch leaves a model as it was


def dataset(*parts, batch=BATCH):
    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0]).batch(batch)


def changed(array, row, value):
    """The array, in a type that holds the value, with another first value in a row."""
    array = array.astype(np.result_type(array, np.asarray(value)))
    array.reshape(len(array), -1)[row, 0] = value
    return array


class Batches(keras.utils.PyDataset):
    """Batches of arrays, as a user's own `PyDataset` yields them."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = parts

    def __len__(self):
        return len(self.parts[0]) // BATCH

    def __getitem__(self, i):
        return tuple(part[i * BATCH : (i + 1) * BATCH] for part in self.parts)


def generator(*parts):
    data = Batches(*parts)
    return (data[i] for i in range(len(data)))


def check(name, *parts):
    """Checks a batch as each batch of training is, without the step; returns what the step would take."""
    return vetted(shared(name), lambda data: data, training=True)(tf.nest.map_structure(tf.constant, parts))


@pytest.mark.parametrize(
    ("name", "part", "value", "sentence"),
    [
        ("vae", 0, 255.0, "VAE.fit, step 1: x has values from 0 to 255, outside [0, 1]; rescale it"),
        ("vae", 0, -1e-3, "x has values from -0.001 to 1, outside [0, 1]; rescale it"),
        ("vae", 0, np.nan, "x holds NaN or infinity in row 4; remove it"),
        ("vae", 0, np.inf, "x holds NaN or infinity in row 4; remove it"),
        ("helmholtz", 0, 0.5, "x holds 0.5 in row 4, but this model takes 0 and 1 only; binarise it"),
        ("helmholtz", 0, 1e-9, "x holds 1e-09 in row 4, but this model takes 0 and 1 only; binarise it"),
        ("helmholtz", 0, 2.0, "x has values from 0 to 2, outside [0, 1]"),
        ("helmholtz", 0, -np.inf, "x holds NaN or infinity in row 4; remove it"),
        ("svae", 1, 3, "label has values from 0 to 3, outside [-1, 2]; give whole numbers from -1 to 2"),
        ("svae", 1, -2, "label has values from -2 to 2, outside [-1, 2]; give whole numbers from -1 to 2"),
        ("svae", 1, 2**32 + 1, "label holds 4294967297 in row 4; give whole numbers that fit int32"),
        ("svae", 1, 0.5, "label holds 0.5 in row 4; give whole numbers that fit int32"),
        ("svae", 1, np.nan, "label holds NaN or infinity in row 4; remove it"),
        ("svae", 1, "1", "SVAE.fit: label is not an array of numbers; give shape [batch]"),
        ("vae", 0, 1j, "VAE.fit: x is not an array of numbers; give shape [batch, 4, 4, 1]"),
    ],
)
def test_a_batch_that_does_not_suit_is_refused(name, part, value, sentence):
    parts = list(examples(shared(name), BATCH))
    check(name, *parts)
    parts[part] = changed(parts[part], 4, value)
    with pytest.raises(InvalidInput, match=re.escape(sentence)) as error:
        check(name, *parts)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("row", range(0, 1000, 111))
def test_nan_is_found_wherever_it_is(row):
    """By the reductions themselves: which of several values a minimum keeps differs between processors."""
    x = changed(np.ones((1000, 4, 4, 1), "float32"), row, np.nan)
    with pytest.raises(InvalidInput, match=f"x holds NaN or infinity in row {row}; remove it"):
        check("vae", x)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float64", "bool"])
def test_every_type_that_holds_the_values_suits(dtype):
    x, label = images(BATCH)
    check("helmholtz", x.astype(dtype))
    check("svae", x.astype(dtype), label.astype(dtype))
    check("svae", x, np.where(label, label, -1))


def test_the_classes_of_two_domains_and_given_latents_are_checked():
    x, (source, target) = examples(shared("ada"), BATCH)
    with pytest.raises(InvalidInput, match="ADA.fit, step 1: the source has the class 3, but the model knows 3"):
        check("ada", x, (changed(source, 4, 3), target))
    with pytest.raises(InvalidInput, match="ADA.fit, step 1: the target has the class 7, but the model knows 3"):
        check("ada", x, (source, changed(target, 4, 7)))
    with pytest.raises(InvalidInput, match="ADA.fit, step 1: the source 8 and the target 7 rows; give equally many"):
        check("ada", (x[0], x[1][:7]), (source, target[:7]))
    x, z = images(BATCH)[0], np.full((BATCH, *shared("symvae").given_shape), -1.0, "float32")
    z[4:] = 1.0
    check("symvae", x, z)
    for value in (0.5, -1.0):
        with pytest.raises(InvalidInput, match=f"the latents of row 4 hold {value:g}; give zeros and ones, or -1"):
            check("symvae", x, changed(z, 4, value))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda x: x + 1j, "x is not an array of numbers; give shape [batch, 4, 4, 1]"),
        (lambda x: x.astype(str), "x is not an array of numbers"),
        (lambda x: x.astype(object), "x is not an array of numbers"),
        (lambda x: np.ma.masked_equal(x, 1.0), "x has masked values; fill them, or drop their rows"),
        (lambda x: 255 * x.astype("uint8"), "x has values from 0 to 255, outside [0, 1]; rescale it"),
    ],
)
def test_arrays_that_would_be_misread_are_refused_at_every_door(change, sentence):
    x, model = change(images(BATCH)[0]), shared("vae")
    for call in (model.fit, model.evaluate, model.log_likelihood, model.encode, model.reconstruct):
        with pytest.raises(InvalidInput, match=re.escape(sentence)):
            call(x)


# In training. Row 20 is row 4 of the third batch.


@pytest.mark.parametrize("source", [Batches, generator])
def test_batches_of_every_source_are_checked(source):
    x, model = images(ROWS)[0], shared("vae")
    assert np.isfinite(model.fit(source(x), verbose=0, shuffle=False).history["loss"]).all()
    step = int(model.step)
    sentence = rf"VAE.fit, step {step + 3}: x has values from 0 to 255, outside \[0, 1\]; rescale it"
    with pytest.raises(InvalidInput, match=sentence):
        model.fit(source(changed(x, 20, 255.0)), verbose=0, shuffle=False)
    assert int(model.step) == step + 2


def test_batches_given_one_by_one_and_those_of_evaluation_are_checked():
    x, model = images(ROWS)[0], shared("vae")
    with pytest.raises(InvalidInput, match=r"VAE.fit, step \d+: x has values from 0 to 255"):
        model.train_on_batch(255.0 * x)
    with pytest.raises(InvalidInput, match="VAE.evaluate, after 0 examples: x holds NaN or infinity in row 0"):
        model.test_on_batch(np.nan * x)
    with pytest.raises(InvalidInput, match="VAE.evaluate, after 16 examples: x has values from 0 to 255"):
        model.evaluate(Batches(changed(x, 20, 255.0)), verbose=0)


@functools.cache
def after_two_batches():
    model = tiny("ae")
    model.compile()
    model.fit(dataset(images(ROWS)[0][:16]), verbose=0)
    return weights(model)


@pytest.mark.parametrize(
    "given",
    [{"jit_compile": True}, "replicas", pytest.param({"steps_per_execution": 4}, marks=pytest.mark.exhaustive)],
)
def test_a_refused_batch_changes_no_variable(given):
    with two_cpus().scope() if given == "replicas" else tf.name_scope(""):
        model = tiny("ae")
        model.compile(**({} if given == "replicas" else given))
    with pytest.raises(InvalidInput, match="AE.fit, step 3: x has values from 0 to 2, outside"):
        model.fit(dataset(changed(images(ROWS)[0], 20, 2.0)), verbose=0)
    np.testing.assert_allclose(weights(model), after_two_batches(), atol=1e-6)


# Dicts.


def test_dicts_are_read_by_their_keys():
    x, label = images(BATCH)
    for keys in (("image", "label"), ("x", "y")):
        found = check("svae", dict(zip(keys, (x, label), strict=True)))
        np.testing.assert_array_equal(found[0], x)
        np.testing.assert_array_equal(found[1], label)
    np.testing.assert_array_equal(check("vae", {"image": x, "label": label, "id": label}), x)
    (source, target), (y_source, y_target) = examples(shared("ada"), BATCH)
    named = {"source": source, "target": target, "source_label": y_source, "target_label": y_target}
    found = check("ada", named)
    for one, wanted in zip(tf.nest.flatten(found), (source, target, y_source, y_target), strict=True):
        np.testing.assert_array_equal(one, wanted)


def test_a_dict_of_arrays_is_trained_on():
    x = images(ROWS)[0]
    model = shared("vae")
    assert model.fit({"image": x}, verbose=0, validation_data={"x": x}).history["val_loss"][0] == pytest.approx(
        model.evaluate({"x": x}, verbose=0)[0], rel=1e-5
    )


@pytest.mark.parametrize(
    ("name", "keys", "sentence"),
    [
        ("svae", ("pixels", "label"), "'pixels', 'label'; give the examples as 'x' or 'image', or give x, or (x, y)"),
        ("svae", ("image", "class"), "SVAE needs labels; give (x, y)"),
        ("ada", ("source", "label"), "'source', 'label'; give the target as 'target', or give x, or (x, y)"),
    ],
)
def test_dicts_that_do_not_name_what_is_wanted_are_refused(name, keys, sentence):
    given = dict(zip(keys, images(ROWS), strict=True))
    for data in (dataset(given), given):
        with pytest.raises(InvalidInput, match=re.escape(sentence)) as error:
            shared(name).fit(data, verbose=0)
        assert "\n" not in str(error.value)


def test_a_generator_of_x_alone_trains_as_arrays_do():
    x, found = images(ROWS)[0], []
    parts = (part for part in np.split(x, ROWS // BATCH))
    for data, given in ((x, {"batch_size": BATCH, "shuffle": False}), (parts, {"shuffle": False})):
        model = tiny("vae")
        model.compile(keras.optimizers.SGD(0.1))
        model.fit(data, verbose=0, **given)
        found.append(weights(model))
    np.testing.assert_allclose(*found, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"batch_size": 0}, "batch_size is 0; give a whole number of at least 1"),
        ({"epochs": -1}, "epochs is -1; give a whole number of at least 1"),
        ({"epochs": None}, "epochs is None; give a whole number of at least 1"),
        ({"initial_epoch": None}, "initial_epoch is None; give a whole number of at least 0"),
        ({"x": images(ROWS)[0][:0]}, "VAE.fit: x has no rows; give at least one"),
        ({"epochs": 1.5}, "epochs is 1.5; give a whole number of at least 1"),
        ({"initial_epoch": -1}, "initial_epoch is -1; give a whole number of at least 0"),
        ({"steps_per_epoch": 0}, "steps_per_epoch is 0; give a whole number of at least 1"),
        ({"validation_steps": -2}, "validation_steps is -2; give a whole number of at least 1"),
        ({"validation_batch_size": "8"}, "validation_batch_size is '8'; give a whole number of at least 1"),
        ({"validation_split": 2}, "validation_split is 2; give a share from 0 to below 1"),
        ({"validation_split": -0.5}, "validation_split is -0.5; give a number of at least 0 that a float32 holds"),
        ({"validation_freq": 0}, "validation_freq is 0; give a whole number of at least 1"),
        ({"validation_freq": [1, 0]}, "validation_freq is 0; give a whole number of at least 1"),
    ],
)
def test_amounts_that_cannot_be_are_refused(given, sentence):
    with pytest.raises(InvalidInput) as error:
        shared("vae").fit(**{"x": images(ROWS)[0], "verbose": 0, **given})
    assert str(error.value) == sentence


@pytest.mark.parametrize("given", [{"batch_size": 0}, {"batch_size": 2.5}, {"steps": 0}, {"steps": "3"}])
@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_amounts_of_evaluate_and_predict_that_cannot_be_are_refused(method, given):
    (name, value), = given.items()
    with pytest.raises(InvalidInput) as error:
        getattr(shared("vae"), method)(images(ROWS)[0], verbose=0, **given)
    assert str(error.value) == f"{name} is {value!r}; give a whole number of at least 1"
