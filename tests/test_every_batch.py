"""Every batch is checked in its step, whatever it comes from, before the step changes anything."""

import functools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from life import compiled
from zoo import examples, images, tiny, two_cpus, weights

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


# Row 20 is row 4 of the third batch.


@pytest.mark.parametrize(
    ("name", "part", "value", "sentence"),
    [
        ("vae", 0, 255.0, "x has values from 0 to 255, outside [0, 1]; rescale it"),
        ("vae", 0, -1e-3, "x has values from -0.001 to 1, outside [0, 1]; rescale it"),
        ("vae", 0, np.nan, "x holds NaN or infinity in row 4; remove it"),
        ("vae", 0, np.inf, "x holds NaN or infinity in row 4; remove it"),
        ("helmholtz", 0, 0.5, "x holds 0.5 in row 4, but this model takes 0 and 1 only; binarise it"),
        ("helmholtz", 0, np.nan, "x holds NaN or infinity in row 4; remove it"),
        ("svae", 1, 3, "label has values from 0 to 3, outside [-1, 2]; give labels of that range"),
        ("svae", 1, -2, "outside [-1, 2]; give labels of that range"),
        ("svae", 1, 2**32 + 1, "label holds 4294967297 in row 4; give whole numbers that fit int32"),
        ("svae", 1, 0.5, "label holds 0.5 in row 4; give whole numbers that fit int32"),
    ],
)
def test_a_later_batch_that_does_not_suit_stops_training_before_its_step(name, part, value, sentence):
    model, parts = shared(name), list(examples(shared(name), ROWS))
    parts[part] = changed(parts[part], 20, value)
    model.fit(dataset(*(one[:16] for one in parts)), verbose=0)
    step = int(model.step)
    with pytest.raises(InvalidInput, match=re.escape(f"{type(model).__name__}.fit, step {step + 3}: {sentence}")):
        model.fit(dataset(*parts), verbose=0)
    assert int(model.step) == step + 2


@pytest.mark.parametrize("source", [Batches, generator, lambda x: dataset({"image": x, "id": np.arange(ROWS)})])
def test_batches_of_every_source_are_checked(source):
    x, model = images(ROWS)[0], shared("vae")
    assert np.isfinite(model.fit(source(x), verbose=0).history["loss"]).all()
    with pytest.raises(InvalidInput, match=r"x has values from 0 to 255, outside \[0, 1\]; rescale it"):
        model.fit(source(changed(x, 20, 255.0)), verbose=0)


def test_batches_given_one_by_one_and_those_of_evaluation_are_checked():
    x, model = images(ROWS)[0], shared("vae")
    with pytest.raises(InvalidInput, match=r"VAE.fit, step \d+: x has values from 0 to 255"):
        model.train_on_batch(255.0 * x)
    with pytest.raises(InvalidInput, match="VAE.evaluate, after 0 examples: x holds NaN or infinity in row 0"):
        model.test_on_batch(np.nan * x)
    with pytest.raises(InvalidInput, match="VAE.evaluate, after 16 examples: x has values from 0 to 255"):
        model.evaluate(Batches(changed(x, 20, 255.0)), verbose=0)


def test_the_classes_of_two_domains_and_given_latents_are_checked_in_every_batch():
    model = shared("ada")
    x, (source, target) = examples(model, ROWS)
    pairs = tf.data.Dataset.from_tensor_slices((x, (changed(source, 20, 3), target))).batch(BATCH)
    with pytest.raises(InvalidInput, match=r"ADA.fit, step \d+: the source has the class 3, but the model knows 3"):
        model.fit(pairs, verbose=0)
    model = shared("symvae")
    z = np.random.default_rng(0).integers(0, 2, (ROWS, *model.given_shape)).astype("float32")
    z[:BATCH] = -1.0
    with pytest.raises(InvalidInput, match="the latents of row 4 hold 0.5; give zeros and ones, or -1"):
        model.fit(dataset(images(ROWS)[0], changed(z, 20, 0.5)), verbose=0)


@pytest.mark.parametrize("given", [{"jit_compile": True}, {"run_eagerly": True}, {"steps_per_execution": 4}, "replicas"])
def test_a_refused_batch_changes_no_variable(given):
    x = images(ROWS)[0]
    with two_cpus().scope() if given == "replicas" else tf.name_scope(""):
        models = [tiny("ae") for _ in range(2)]
        for model in models:
            model.compile(**({} if given == "replicas" else given))
    models[0].fit(dataset(x[:16]), verbose=0)
    with pytest.raises(InvalidInput, match="AE.fit, step 3: x has values from 0 to 2, outside"):
        models[1].fit(dataset(changed(x, 20, 2.0)), verbose=0)
    np.testing.assert_array_equal(weights(models[1]), weights(models[0]))
    assert np.any(weights(models[0]) != weights(tiny("ae")))


# Dicts.


def test_dicts_are_read_by_their_keys():
    x, label = images(ROWS)
    model = shared("svae")
    wanted = model.evaluate(x, label, verbose=0, return_dict=True)
    for found in (
        dataset({"image": x, "label": label}), dataset({"x": x, "y": label}), {"image": x, "label": label, "id": label}
    ):
        assert model.evaluate(found, verbose=0, return_dict=True, batch_size=ROWS).keys() == wanted.keys()
    np.testing.assert_allclose(
        model.evaluate(dataset({"image": x, "label": label}, batch=ROWS), verbose=0),
        model.evaluate(dataset(x, label, batch=ROWS), verbose=0), rtol=1e-5,
    )
    model = shared("ada")
    x, y = examples(model, ROWS)
    named = {"source": x[0], "target": x[1], "source_label": y[0], "target_label": y[1]}
    np.testing.assert_allclose(model.evaluate(dataset(named), verbose=0), model.evaluate(x, y, BATCH, 0), rtol=1e-5)


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
