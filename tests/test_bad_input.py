"""Values of a wrong kind, one of each kind at the place where it enters: one sentence, before anything is computed."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import SHAPE, tiny

import dgm_zoo
from dgm_zoo import serving
from dgm_zoo.checks import check_memory, real_array, whole_number
from dgm_zoo.core import recipes
from dgm_zoo.core.registry import small
from dgm_zoo.distributions import (
    BernoulliPrior,
    Deterministic,
    IndependentBernoulli,
    IndependentNormal,
    MultivariateNormalTriL,
    StandardNormal,
    VampPrior,
)
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.models import model_class

SIZES = [
    ("vae", {"image_shape": ()}, r"image_shape is \(\); give the shape of one x"),
    ("vae", {"image_shape": (4.0, 4, 1)}, r"image_shape is \(4.0, 4, 1\); give"),
    ("gan", {"image_shape": (0, 4, 1)}, r"image_shape is \(0, 4, 1\); give"),
    ("rws", {"image_shape": (4, -1, 1)}, r"image_shape is \(4, -1, 1\); give"),
    ("ada", {"image_shape": None}, "image_shape is None; give"),
    ("aae", {"image_shape": (10**9, 10**9, 3)}, "image_shape is .*, which needs at least 12,000,000,000 GB of memory"),
    ("vae", {"latent_dim": 10**12}, "latent_dim is 1000000000000, which needs at least 4,000 GB of memory"),
    ("vae", {"hidden": [10**6, 10**6]}, r"hidden is \[1000000, 1000000\], which needs at least 4,000 GB of memory"),
    ("bihm", {"layers": [10**6, 10**6]}, r"layer sizes is \[1000000, 1000000\], which needs at least 4,000 GB"),
    ("hvae", {"group_hidden": 0}, "layer sizes 0 do not parse"),
    ("rws", {"layers": "9" * 5000}, "layer sizes '9*[.]{3} do not parse"),
]


@pytest.mark.parametrize("name, changed, sentence", SIZES, ids=[f"{name}-{next(iter(one))}" for name, one, _ in SIZES])
def test_a_size_that_cannot_be_is_refused_when_a_model_is_built(name, changed, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        dgm_zoo.create(name, **{"image_shape": SHAPE, **small(name), **changed})


PARTS = [
    ("vae", {"encoder": None}, "encoder of VAE is None; give a functional keras.Model"),
    ("gan", {"discriminator": "conv"}, "discriminator of GAN is 'conv'; give a functional keras.Model"),
    ("vae", {"likelihood": "IndependentBernoulli"}, "likelihood of VAE is 'IndependentBernoulli'; give a head"),
    ("vae", {"likelihood": StandardNormal(SHAPE)}, "likelihood of VAE is a StandardNormal; give a head whose"),
    ("vae", {"prior": IndependentNormal((2,))}, "prior of VAE is a IndependentNormal; give a prior"),
    ("vae", {"prior": BernoulliPrior((2,))}, "BernoulliPrior and IndependentNormal take different values of z"),
    ("vae", {"likelihood": Deterministic(SHAPE)}, r"VAE needs log q\(z\|x\) and log p\(x\|z\), but Determ"),
    ("vae", {"prior": VampPrior((2,), (3, 3, 1), 2)}, r"VampPrior's data has shape \(3, 3, 1\), but the likelihood's"),
    ("rws", {"generative": keras.layers.Dense(2)}, "generative of RWS is a Dense; give a BeliefNetwork"),
]


@pytest.mark.parametrize("name, changed, sentence", PARTS, ids=[f"{name}-{next(iter(one))}" for name, one, _ in PARTS])
def test_a_part_that_cannot_play_its_role_is_refused_when_a_model_is_built(name, changed, sentence):
    model, cls = tiny(name), model_class(name)
    parts = {key: getattr(model, key) for key in recipes.constructor_arguments(cls) if hasattr(model, key)}
    with pytest.raises(InvalidInput, match=sentence):
        cls(**{**parts, **changed})


def test_a_vamp_prior_needs_independent_normals_from_the_start():
    given = {"prior": {"name": "VampPrior", "data_shape": SHAPE, "num_components": 2}}
    with pytest.raises(InvalidInput, match="VampPrior averages posteriors .*, not of MultivariateNormalTriL; give"):
        dgm_zoo.create("vae", image_shape=SHAPE, latent_dim=2, hidden=[4], posterior="MultivariateNormalTriL", **given)
    assert isinstance(dgm_zoo.create("vae", image_shape=SHAPE, latent_dim=2, hidden=[4], **given).prior, VampPrior)
    assert MultivariateNormalTriL.has_density and IndependentBernoulli.has_density


def test_log_z_is_at_most_0_but_for_the_error_of_an_estimate():
    model = tiny("bihm")
    with pytest.raises(InvalidInput, match="log_z is 1.0, but Z is at most 1; give an estimate of log Z"):
        model.log_z = 1.0
    model.log_z = 0.01
    assert model.log_z == 0.01


def test_weights_that_are_nan_neither_answer_nor_are_exported(tmp_path):
    model = tiny("vae")
    x = np.zeros((2, *SHAPE), "float32")
    model.set_weights([np.nan * w for w in model.get_weights()])
    for call in (
        lambda: model.sample(2), lambda: model.draw(2), lambda: model.log_likelihood(x, num_samples=2),
        lambda: serving.export(model, tmp_path, "a"),
    ):
        with pytest.raises(InvalidInput, match="NaN"):
            call()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [
    None, "text", {1, 2}, object(), 1j, np.zeros(2, "datetime64[s]"),
    tf.ragged.constant([[1], [1, 2]]), tf.sparse.from_dense([[1.0]]), keras.KerasTensor((2,)), np.array([b"a"]),
    np.array([None]),
], ids=lambda value: type(value).__name__)
def test_what_is_no_array_of_numbers_is_refused(value):
    with pytest.raises(InvalidInput, match="^x is not an array of numbers; give numbers$"):
        real_array("x", value, "numbers")


def test_messages_stay_one_short_line():
    with pytest.raises(InvalidInput) as error:
        whole_number("n", np.zeros((99, 9)))
    assert "\n" not in str(error.value) and len(str(error.value)) < 300
    with pytest.raises(InvalidInput, match="n is <int>; give a whole number of at most 2,147,483,647"):
        whole_number("n", 10**5000)
    with pytest.raises(InvalidInput, match=r"unknown model '\['vae'\]'; did you mean 'vae'?"):
        check_known("model", ["vae"], {"vae": 1})
    with pytest.raises(InvalidInput, match="n is 3, which needs at least 1,000 GB of memory, of which there are"):
        check_memory("n", 3, 10**12)


@pytest.mark.parametrize(("name", "argument"), [("vae", "network"), ("iwae", "estimator"), ("vae", "latent_dim")])
def test_a_tensor_in_the_place_of_a_value_is_refused(name, argument):
    with pytest.raises(InvalidInput, match=f"{argument} is a tensor, .*; give its value"):
        dgm_zoo.create(name, image_shape=(4, 4, 1), **{argument: tf.constant(2)})
