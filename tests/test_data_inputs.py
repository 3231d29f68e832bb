"""What arrays and options mean to the data pipelines, and the sentence for each that they cannot serve."""

import re

import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from dgm_zoo import data
from dgm_zoo.errors import InvalidInput

ROWS = 8
X = np.linspace(0, 1, ROWS * 4, dtype="float32").reshape(ROWS, 4)
Y = np.arange(ROWS) % 2
BITS = np.tile([[0, 1, 1, 0]], (ROWS, 1))


def served(x, y=None, **options):
    """All of x, or all of (x, y), as the test split serves it, in one batch."""
    batch = next(iter(data.from_arrays(x, y, **{"split": "test", "batch_size": ROWS, **options})))
    return tuple(part.numpy() for part in batch) if isinstance(batch, tuple) else batch.numpy()


# What integers mean.


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "uint16", "int32", "int64", "uint64"])
def test_zeros_and_ones_are_bits(dtype):
    found = served(BITS.astype(dtype))
    np.testing.assert_array_equal(found, BITS)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(served(BITS.astype(dtype), binarize="stochastic"), BITS)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64"])
@pytest.mark.parametrize("high", [128, 200, 255])
def test_integers_that_need_8_bits_are_256_grey_levels(dtype, high):
    x = np.array([[0, 1, 17, high]]).astype(dtype)
    np.testing.assert_allclose(served(x), x / np.float32(255), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_stated_levels_decide_what_integers_are(dtype):
    np.testing.assert_allclose(served(BITS.astype(dtype), levels=256), BITS / np.float32(255), rtol=1e-6)
    digits = np.array([[0, 4, 16]]).astype(dtype)
    np.testing.assert_array_equal(served(digits, levels=17), digits / 16)
    np.testing.assert_array_equal(served(digits, levels=np.int64(17)), digits / 16)


@pytest.mark.parametrize(
    ("x", "levels", "sentence"),
    [
        ([[0, 16]], "auto", "x has integers from 0 to 16, which may be 17 grey levels or some of 256; give"),
        ([[0, 127]], "auto", "which may be 128 grey levels or some of 256; give levels=128 or levels=256"),
        ([[2, 2]], "auto", "x has integers from 2 to 2, which may be 3 grey levels or some of 256"),
        ([[-1, 1]], "auto", "x has integers from -1 to 1, but integers are bits (0 and 1) or grey levels (0 to 255)"),
        ([[0, 256]], 256, "x has integers from 0 to 256, but integers are bits (0 and 1) or grey levels (0 to 255)"),
        ([[0, 2**40]], "auto", "x has integers from 0 to 1099511627776, but integers are bits"),
        ([[0, 3]], 3, "x has grey level 3 but levels=3; give at least 4"),
        ([[0, 1]], None, "levels=None does not fit int64 data; give 2 to 256, or x as floats"),
        ([[False, True]], 256, "levels=256 does not fit x, which is bool and so has 2; leave levels out"),
        ([[0, 1]], "256", "levels='256' is not a number of grey levels; give 2 to 256, None or 'auto'"),
        ([[0, 1]], True, "levels=True is not a number of grey levels"),
        ([[0, 1]], 2.0, "levels=2.0 is not a number of grey levels"),
        ([[0.0, 1.0]], 1, "levels=1 is not a number of grey levels"),
    ],
)
def test_integers_whose_meaning_is_open_are_refused(x, levels, sentence):
    refused(sentence, np.array(x), levels=levels)


def refused(sentence, *arrays, **options):
    with pytest.raises(InvalidInput, match=re.escape(sentence)) as error:
        data.from_arrays(*arrays, **{"batch_size": 2, **options})
    assert "\n" not in str(error.value) and ". " not in str(error.value)


# Arrays that are not what they look like.


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (X + 1j, "x is not an array of numbers; give bits, grey levels 0 to 255, or floats in [0, 1]"),
        (X.astype(str), "x is not an array of numbers; give bits"),
        (X.astype("S8"), "x is not an array of numbers"),
        (X.astype(object), "x is not an array of numbers"),
        (np.zeros((ROWS, 4), "m8[s]"), "x is not an array of numbers"),
        (np.zeros((ROWS, 4), "M8[s]"), "x is not an array of numbers"),
        ([[0.0, 1.0], [1.0]], "x is not an array of numbers: its rows differ in shape; make them equal"),
        (np.ma.masked_greater(X, 0.5), "x has masked values; fill them, or drop their rows"),
        ([np.ma.masked_greater(row, 0.5) for row in X], "x has masked values"),
        (scipy.sparse.csr_array(BITS), "x is not an array of numbers"),
        (tf.sparse.from_dense(BITS), "x is not an array of numbers"),
        (tf.ragged.constant([[0.0, 1.0], [1.0]]), "x is not an array of numbers"),
        (tf.data.Dataset.range(3), "x is not an array of numbers"),
        (None, "x is not an array of numbers"),
        (np.float64(0), "x has shape (); give at least one row of at least one value, as [N, ...]"),
        (np.float32(0), "x has shape ()"),
        (X[:, 0], f"x has shape ({ROWS},)"),
        (X[:0], "x has shape (0, 4)"),
        (X[:, :0], f"x has shape ({ROWS}, 0)"),
        (np.full((ROWS, 2), 1e300), "x holds NaN or infinite values, first in row 0"),
    ],
)
def test_x_that_cannot_be_served_is_refused(x, sentence):
    refused(sentence, x)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (Y + 2**32, "y holds 4294967296 in row 0; give labels from 0 to 2**31 - 1, and -1 for a row without one"),
        (np.where(Y, 2**32 + 7, 0), "y holds 4294967303 in row 1"),
        (np.full(ROWS, 2**31, "uint64"), "y holds 2147483648 in row 0"),
        (Y - 2, "y holds -2 in row 0"),
        (np.ma.masked_equal(Y, 1), "y has masked values"),
        (Y + 0.0, f"y is float64 of shape ({ROWS},); give integers of shape ({ROWS},)"),
        (Y + 0j, "y is not an array of numbers; give integers of shape (8,)"),
        (Y == 1, "y is bool"),
        (Y.astype(str), "y is not an array of numbers"),
        (Y.astype(object), "y is not an array of numbers"),
        (Y.astype("m8[s]"), "y is not an array of numbers"),
        (Y[:3], "y is int64 of shape (3,)"),
        (Y[:, None], f"y is int64 of shape ({ROWS}, 1)"),
        (np.int64(1), "y is int64 of shape ()"),
        ([[0], [0, 1]], "y is not an array of numbers: its rows differ in shape"),
        (scipy.sparse.csr_array(Y[None]), "y is not an array of numbers"),
    ],
)
@pytest.mark.parametrize("labels", [True, False])
def test_labels_that_cannot_be_served_are_refused_before_they_are_asked_for(y, labels, sentence):
    refused(sentence, X, y, labels=labels)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
def test_labels_of_every_integer_type_are_int32(dtype):
    _, y = served(X, Y.astype(dtype), labels=True)
    np.testing.assert_array_equal(y, Y)
    assert y.dtype == np.int32
    _, y = served(X, np.full(ROWS, 2**31 - 1), labels=True)
    np.testing.assert_array_equal(y, np.full(ROWS, 2**31 - 1))


@pytest.mark.parametrize(
    ("z", "sentence"),
    [
        (BITS + 0j, "y is not an array of numbers; give the latents of each row, zeros and ones"),
        (BITS.astype(str), "y is not an array of numbers"),
        (BITS.astype(object), "y is not an array of numbers"),
        (np.ma.masked_equal(BITS, 1), "y has masked values"),
        (BITS - 1, "y holds -1 in row 0, but the latents of pairs are bits"),
        (np.full((ROWS, 4), np.nan), "y holds nan in row 0, but the latents of pairs are bits"),
        (BITS[:3], f"pairs need the latents of each row, but y has shape (3, 4); give [{ROWS}, n]"),
        (BITS[:, :0], f"but y has shape ({ROWS}, 0)"),
    ],
)
def test_latents_that_cannot_be_served_are_refused(z, sentence):
    refused(sentence, X, z, pairs=2)


def test_a_masked_array_without_masked_values_is_an_array():
    np.testing.assert_array_equal(served(np.ma.masked_array(X)), X)


# Options.

OPTIONS = [
    ({"labels": "False"}, "labels='False' is not a boolean; give True or False"),
    ({"labels": 1}, "labels=1 is not a boolean"),
    ({"labels": None}, "labels=None is not a boolean"),
    ({"shuffle": "no"}, "shuffle='no' is not a boolean; give True or False"),
    ({"shuffle": 0}, "shuffle=0 is not a boolean"),
    ({"dequantize": "no"}, "dequantize='no' is not a boolean"),
    ({"binarize": True}, "unknown binarize 'True'"),
    ({"binarize": np.array(["fixed"])}, "unknown binarize '['fixed']'; did you mean 'fixed'?"),
    ({"split": ["train"]}, "unknown split '['train']'; did you mean 'train'?"),
    ({"split": None}, "unknown split 'None'"),
    ({"batch_size": True}, "batch_size=True is not a number of rows"),
    ({"batch_size": "2"}, "batch_size='2' is not a number of rows"),
    ({"batch_size": np.float32(2)}, "batch_size=np.float32(2.0) is not a number of rows"),
    ({"seed": None}, "seed is None; give a whole number"),
    ({"seed": True}, "seed is True; give a whole number"),
    ({"seed": -(2**31) - 1}, "seed is -2147483649; give a whole number"),
    ({"first_epoch": 0.0}, "first_epoch=0.0 is not an epoch"),
    ({"first_epoch": True}, "first_epoch=True is not an epoch"),
    ({"limit": True}, "limit=True does not fit split 'train'"),
    ({"limit": -1}, "limit=-1 does not fit split 'train'"),
    ({"limit": 2.0}, "limit=2.0 does not fit split 'train'"),
    ({"labels": True, "labelled_fraction": "0.5"}, "labelled_fraction='0.5' is not a share"),
    ({"labels": True, "labelled_fraction": True}, "labelled_fraction=True is not a share"),
    ({"labels": True, "labelled_fraction": np.nan}, "labelled_fraction=nan is not a share"),
    ({"labels": True, "labels_per_class": True}, "labels_per_class=True is not a number of rows"),
    ({"labels": True, "labels_per_class": 1.0}, "labels_per_class=1.0 is not a number of rows"),
    ({"labelled_rows": "3"}, "labelled_rows='3' is not a number of rows"),
    ({"image_size": "28"}, "image_size='28' is not a size"),
    ({"image_size": (2, True)}, "image_size=(2, True) is not a size"),
]


@pytest.fixture(scope="module")
def digits_dir(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("tfds"))
    data.prepare("digits", folder)
    return folder


@pytest.mark.parametrize(("options", "sentence"), OPTIONS)
def test_options_of_the_wrong_kind_are_refused_by_both_ways_in(digits_dir, options, sentence):
    refused(sentence, X.reshape(ROWS, 2, 2, 1), Y, **options)
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        data.load("digits", **{"split": "train", "batch_size": 2, "data_dir": digits_dir, **options})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"labels": True, "labelled_fraction": "0.5"}, "labelled_fraction='0.5' is not a share"),
        ({"labels": True, "labels_per_class": 0}, "labels_per_class=0 is not a number of rows"),
        ({"labelled_rows": 0}, "labelled_rows=0 is not a number of rows"),
    ],
)
def test_options_of_training_are_checked_for_the_held_out_splits_too(options, sentence):
    refused(sentence, X, Y, split="test", **options)
    refused("pairs=-5 does not fit the rows of 'train'; give an integer of at least 0", X, BITS, split="test", pairs=-5)


@pytest.mark.parametrize("integer", [np.int8, np.uint8, np.int32, np.int64])
def test_numbers_of_numpy_mean_what_those_of_python_mean(integer):
    def batches(kind, flag, real):
        options = {
            "batch_size": kind(4), "seed": kind(3), "first_epoch": kind(2), "limit": kind(6), "labelled_rows": kind(2),
            "labels": flag(True), "shuffle": flag(True), "dequantize": flag(False), "image_size": (kind(1), kind(2)),
        }
        given = {"labels_per_class": kind(1)} if real is None else {"labelled_fraction": real(0.4)}
        stream = data.from_arrays(X.reshape(ROWS, 2, 2, 1), Y, binarize="stochastic", **options, **given)
        return [part.numpy() for batch in stream.take(3) for part in batch]

    for real in (None, float):
        for one, other in zip(batches(int, bool, real), batches(integer, np.bool_, real and np.float32), strict=True):
            np.testing.assert_array_equal(one, other)


def test_numbers_of_pairs_of_numpy_mean_what_those_of_python_mean():
    one, other = (data.from_arrays(X, BITS, batch_size=ROWS, pairs=kind(3)) for kind in (int, np.int8))
    for x, y in zip(next(iter(one)), next(iter(other)), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"limit": 0}, "limit=0 does not fit split 'train'; give 1 to 1293"),
        ({"limit": -5}, "limit=-5 does not fit split 'train'"),
        ({"limit": True}, "limit=True does not fit split 'train'"),
        ({"seed": 2**31}, "seed is 2147483648; give a whole number"),
        ({"labelled_fraction": "0.5"}, "labelled_fraction='0.5' is not a share"),
    ],
)
def test_class_shares_checks_its_options(digits_dir, options, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        data.class_shares("digits", data_dir=digits_dir, **options)
