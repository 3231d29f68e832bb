"""Textured digits and the model that segments them: the data, pairs, the game with a told mask, endpoints, a run."""

import dataclasses
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from exact_helmholtz import sigmoid
from exact_models import assert_near_zero
from PIL import Image
from stand_ins import COLOURS, SIZES, write_digits, write_photographs
from zoo import MASKS, SHAPE, images, tiny

from dgm_zoo import data, distributions, serving, training
from dgm_zoo.cli.main import main
from dgm_zoo.data import sets
from dgm_zoo.data.builders import textured_digits
from dgm_zoo.data.draws import hidden_latents
from dgm_zoo.distributions import BatchNoise, IndependentBernoulli, SampledPrior
from dgm_zoo.distributions.masks import MaskAndNoise
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics import intersection_over_union, segmentation_iou
from dgm_zoo.models import SegmentationVAE, create
from dgm_zoo.networks import dense
from dgm_zoo.networks.masks import mask_decoder
from dgm_zoo.training import arguments
from dgm_zoo.training.build import build
from dgm_zoo.training.measures import consistency, limiting


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data_dir with a small `textured_digits`: 40 examples to train, 20 to validate, 20 to test."""
    folder = tmp_path_factory.mktemp("sets")
    write_digits(folder)
    write_photographs(folder / "manual")
    small = dataclasses.replace(sets.SETS["textured_digits"], splits=sets._carved(40, 20, 20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textured_digits, "SIZES", SIZES)
        patch.setitem(sets.SETS, "textured_digits", small)
        data.prepare("textured_digits", str(folder), str(folder / "manual"))
        yield folder


def load(folder, split, rows=20, **options):
    return data.load("textured_digits", split, rows, data_dir=str(folder), **options)


def rows(dataset):
    return [np.concatenate([part.numpy() for part in parts]) for parts in zip(*dataset, strict=True)]


# ---------------------------------------------------------------------------------------------- the data


def test_digit_and_ground_are_of_two_photographs_and_the_splits_share_none(folder):
    for split, own in (("train", {0, 1, 2, 4, 5, 6}), ("validation", {0, 1, 2, 4, 5, 6}), ("test", {3, 7})):
        x, z = rows(load(folder, split, pairs=40, shuffle=False) if split == "train" else load(folder, split, pairs=0))
        nearest = np.abs(x[:, :, :, None] * 255 - COLOURS).sum(-1).argmin(-1).reshape(z.shape)
        assert np.abs(x.reshape(*z.shape, 3) * 255 - COLOURS[nearest]).max() < 8
        seen = set()
        for photograph, mask in zip(nearest, z, strict=True):
            digit, ground = set(photograph[mask == 1]), set(photograph[mask == 0])
            assert len(digit) == len(ground) == 1 and digit != ground
            seen |= digit | ground
        assert seen <= own and (split == "validation" or seen == own)


def test_masks_and_labels_are_those_of_mnist(folder):
    digits = next(iter(tfds.load("mnist", split="test", data_dir=folder, download=False).batch(20)))
    x, z = rows(load(folder, "test", pairs=0))
    _, label = rows(load(folder, "test", labels=True))
    np.testing.assert_array_equal(z.reshape(20, 28, 28, 1), digits["image"].numpy() > 127)
    np.testing.assert_array_equal(label, digits["label"])
    assert x.shape == (20, 28, 28, 3) and z.dtype == np.float32


def test_an_example_depends_on_its_split_and_number_alone(folder):
    photographs = list(textured_digits.photographs(folder / "manual" / "textures")["train"].values())
    x, z = rows(load(folder, "train", pairs=40, shuffle=False))
    for row in (0, 7, 39):
        mask = z[row].astype("uint8").reshape(28, 28, 1)
        again = textured_digits.textured(mask, photographs, np.random.RandomState([0, row]))
        np.testing.assert_array_equal(np.rint(x[row] * 255), again)
    assert len({one.tobytes() for one in x}) == 40


def test_with_little_contrast_to_be_had_the_best_pair_of_patches_is_taken():
    grey = [np.full((28, 28, 3), level, "uint8") for level in (100, 110, 130)]
    mask = np.zeros((28, 28, 1), "uint8")
    mask[4:9] = 1
    found = textured_digits.textured(mask, grey, np.random.RandomState(0))
    assert set(found[mask[..., 0] == 1].ravel()) ^ set(found[mask[..., 0] == 0].ravel()) == {100, 130}


def test_every_batch_has_pairs_and_x_alone(folder):
    few = load(folder, "train", 10, pairs=7, labelled_rows=4, seed=3)
    x, z = rows(few)
    known = (z >= 0).all(1)
    assert ((z == -1).all(1) | known).all() and (known.reshape(4, 10).sum(1) == 4).all()
    truth, masks = rows(load(folder, "train", pairs=40, shuffle=False))
    of = {one.tobytes(): mask for one, mask in zip(truth, masks, strict=True)}
    assert len({one.tobytes() for one in x[known]}) == 7
    for one, mask in zip(x[known], z[known], strict=True):
        np.testing.assert_array_equal(mask, of[one.tobytes()])


def test_fewer_pairs_are_among_more_of_them_and_the_held_out_masks_are_all_known(folder):
    kept = [
        set(np.flatnonzero((hidden_latents(np.zeros((40, 2), "int8"), pairs, seed) == 0).all(1)))
        for pairs, seed in ((9, 0), (5, 0), (5, 1))
    ]
    assert kept[1] < kept[0] and kept[1] != kept[2] and len(kept[1]) == 5
    for split in ("validation", "test"):
        assert (rows(load(folder, split, pairs=0))[1] >= 0).all()
    assert (rows(load(folder, "train", pairs=0))[1] == -1).all()
    assert next(iter(load(folder, "train"))).shape == (20, 28, 28, 3)
    assert data.info("textured_digits").latents == "mask" and data.info("mnist").latents is None


@pytest.mark.parametrize(("options", "sentence"), [
    ({"pairs": 41}, "pairs=41 does not fit the 40 rows of 'train'; give 0 to 40"),
    ({"pairs": -1}, "pairs=-1 does not fit the 40 rows of 'train'"),
    ({"pairs": 5, "labels": True}, "labels=True and pairs=5 exclude each other; give one of them"),
    ({"pairs": 0, "labelled_rows": 5}, "labelled_rows=5, but the rows of 'train' do not differ in having labels"),
    ({"pairs": 5, "image_size": (14, 14)}, "image_size=(14, 14) would not suit the masks of pairs; leave it out"),
])
def test_pairs_that_cannot_be_are_refused(folder, options, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        load(folder, "train", **options)


def test_pairs_of_other_data_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="pairs=5, but 'bars' has no latents to pair x with; leave pairs out"):
        data.load("bars", "train", 10, pairs=5, data_dir=str(tmp_path))
    for y, sentence in (
        (np.full((8, 2), 2), "y holds 2 in row 0, but the latents of pairs are bits; give 0 and 1"),
        (None, "pairs need the latents of each row; give them as y, zeros and ones [8, n]"),
    ):
        with pytest.raises(InvalidInput, match=re.escape(sentence)):
            data.from_arrays(np.zeros((8, 2), "float32"), y, batch_size=4, pairs=2)


def test_photographs_that_do_not_serve_are_named(tmp_path):
    prepare = lambda: data.prepare("textured_digits", str(tmp_path), str(tmp_path / "own"))  # noqa: E731
    with pytest.raises(InvalidInput, match="is read from textures/\\*.jpg, which is not in .*own; run 'dgm-zoo data"):
        prepare()
    write_photographs(tmp_path / "own", COLOURS[:3])
    with pytest.raises(InvalidInput, match="data set 'mnist' is not prepared in"):
        prepare()
    write_digits(tmp_path)
    with pytest.raises(InvalidInput, match="textures' has 3 photographs; give at least 8, as"):
        prepare()
    write_photographs(tmp_path / "small", size=(40, 20))
    with pytest.raises(InvalidInput, match="photograph_0.jpg' has 20x40 pixels; give at least 28x28"):
        textured_digits.photographs(tmp_path / "small" / "textures")
    (tmp_path / "small" / "textures" / "photograph_0.jpg").write_bytes(b"none")
    with pytest.raises(InvalidInput, match="photograph_0.jpg' cannot be read .*; give a photograph as JPEG"):
        textured_digits.photographs(tmp_path / "small" / "textures")


# ---------------------------------------------------------------------------------------------- the metric


def test_intersection_over_union_is_that_of_small_masks():
    mask = np.array([[[1, 1], [0, 0]], [[1, 1], [1, 1]], [[0, 0], [0, 0]], [[0, 1], [0, 0]], [[1, 0], [1, 1]]])
    truth = np.array([[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 1, 1]])
    np.testing.assert_allclose(intersection_over_union(mask, truth), [1 / 3, 1 / 4, 1, 0, 1])
    with pytest.raises(InvalidInput, match="truth holds -1; give zeros and ones"):
        intersection_over_union(truth, -truth)
    with pytest.raises(InvalidInput, match=r"masks have \[5, 4\] values and true ones \[2, 4\]"):
        intersection_over_union(mask, truth[:2])


def test_segmentation_is_the_mean_over_images_with_its_error():
    model, (x, _) = tiny("segvae"), images(30)
    truth = MASKS[np.arange(30) % 4].reshape(30, 16).astype("float32")
    found = segmentation_iou(model, tf.data.Dataset.from_tensor_slices((x, truth)).batch(8))
    each = intersection_over_union(model.segment(x)["mask"], truth)
    np.testing.assert_allclose([found["value"], found["stderr"]], [each.mean(), each.std(ddof=1) / 30**0.5])
    with pytest.raises(InvalidInput, match="the data set is empty"):
        segmentation_iou(model, tf.data.Dataset.from_tensor_slices((x, truth)).take(0).batch(8))


# ---------------------------------------------------------------------------------------------- the model


def small(seed=0, **given):
    """A model of images of 2 pixels, a mask of 2 bits and one bit of noise, whose networks are linear."""
    keras.utils.set_random_seed(seed)
    model = SegmentationVAE(
        dense((1, 2, 1), (3,), ()), dense((3,), (1, 2, 1), ()), likelihood=IndependentBernoulli((1, 2, 1)), seed=0,
        **given,
    )
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(int(np.prod(variable.shape))).normal(size=variable.shape))
    return model


def test_of_a_pair_the_noise_is_inferred_and_the_mask_is_told():
    model, n = small(), 40_000
    x, mask = np.array([1, 0], "float32"), np.array([0, 1], "float32")
    batch = np.broadcast_to(x.reshape(1, 2, 1), (n, 1, 2, 1)), np.broadcast_to(mask, (n, 2))
    terms = model.terms(*model.unpack(batch), model.noise(BatchNoise([0, 0], n)))
    kernel, bias, decode, shift = (v.numpy().astype(np.float64) for v in model.trainable_variables)
    logits = x @ kernel + bias
    chance = [1 - sigmoid(logits[2]), sigmoid(logits[2])]  # of w = 0, 1, given x
    mean = [sigmoid(np.array([*mask, w]) @ decode + shift) for w in (0, 1)]
    log_px = [(x * np.log(p) + (1 - x) * np.log(1 - p)).sum() for p in mean]
    log_pz = -3 * np.log(2)
    assert_near_zero(terms["decoder"].numpy()[:, None] - np.dot(chance, log_px) - log_pz)
    log_q = (mask * logits[:2] - np.logaddexp(0, logits[:2])).sum()
    alone = model.terms(tf.constant(batch[0]), (), model.noise(BatchNoise([0, 0], n)))
    np.testing.assert_allclose(terms["encoder"] - alone["encoder"], log_q, rtol=1e-4)


def test_pairs_alone_teach_the_encoder_the_mask_and_nothing_of_the_noise():
    model = small(dream_weight=0.0)
    x = images(8)[0][:, :1, :2]
    z = np.tile([[0, 1], [1, 1]], (4, 1)).astype("float32")
    kernel = model.player_variables("eta")[0].value
    with tf.GradientTape() as tape:
        utility = tf.reduce_mean(model.terms(*model.unpack((x, z)), model.noise(BatchNoise([0, 0], 8)))["encoder"])
    found = tape.gradient(utility, kernel).numpy()
    residual = z - sigmoid(x.reshape(8, 2) @ kernel.numpy()[:, :2] + model.player_variables("eta")[1].numpy()[:2])
    np.testing.assert_allclose(found[:, :2], x.reshape(8, 2).T @ residual / 8, atol=1e-6)
    assert np.abs(found[:, :2]).max() > 0.01 and not found[:, 2].any()


def test_dreams_begin_with_the_given_masks_and_uniform_noise():
    prior = MaskAndNoise(MASKS.reshape(4, 16), 2)
    z = prior.draw(prior.noise(BatchNoise([0, 0], 4000))).numpy()
    which = (z[:, None, :16] == MASKS.reshape(4, 16)).all(-1)
    assert which.any(1).all()
    assert_near_zero(which - 0.25)
    assert_near_zero(z[:, 16:] - 0.5)
    copy = MaskAndNoise.from_config(prior.get_config())
    assert copy.get_config() == prior.get_config() and not copy.has_density


def test_segment_and_render_have_the_shapes_and_ranges_that_they_state():
    model, (x, _) = tiny("segvae"), images(9)
    found = model.segment(x)
    assert found["probabilities"].shape == found["mask"].shape == (9, 4, 4, 1)
    np.testing.assert_array_equal(found["mask"], found["probabilities"] > 0.5)
    np.testing.assert_allclose(
        found["probabilities"].reshape(9, 16), sigmoid(model.encode(x)["logits"][:, :16]), atol=1e-5
    )
    one, same, other = (model.render(found["mask"], seed=seed) for seed in (0, 0, 1))
    assert one.shape == (9, *SHAPE) and one.min() >= 0 and one.max() <= 1
    np.testing.assert_array_equal(one, same)
    np.testing.assert_allclose(model.render(found["mask"][:3], seed=0), one[:3], atol=1e-6)
    assert np.abs(one - other).max() > 0
    rendered = {model.render(MASKS[:1], seed=seed).tobytes() for seed in range(40)}
    assert len(rendered) == 2**3  # one image for each value of the noise, and no more


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda model: model.render(MASKS * 0.5), "render: z holds 0.5 in row 0, but this model takes 0 and 1 only"),
    (lambda model: model.render(MASKS[0]), "render: z has shape [4, 4, 1], but this model takes [batch, 4, 4, 1]"),
    (lambda model: model.render(0), "render: z has shape [], but this model takes [batch, 4, 4, 1]"),
    (lambda model: model.segment(MASKS[..., 0]), "segment: x has shape [4, 4, 4], but this model takes"),
    (lambda model: model.unpack((images(8)[0], np.zeros((8, 19)))), "but the model's have [None, 16]; give x only, or"),
    (lambda model: create("segvae", image_shape=(6, 6, 1)), "image_shape (6, 6, 1) cannot be halved twice; give"),
    (lambda model: mask_decoder((8, 8, 2), 3, filters=(4, 4)), "filters (4, 4) must be three positive whole numbers"),
    (lambda model: tiny("segvae", masks=MASKS[..., 0]), "masks have shape [4, 4, 4]; give [N, 4, 4, 1]"),
    (lambda model: tiny("segvae", masks=MASKS * 3), "masks have values from 0 to 3; give zeros and ones"),
    (lambda model: tiny("segvae", noise_bits=0), "noise_bits is 0; give a whole number of at least 1"),
    (lambda model: model.render([[0.0], [0.0, 1.0]]), "render: z is not an array of numbers: its rows differ in shape"),
    (lambda model: MaskAndNoise(SampledPrior((4, 4, 1), MASKS), 3), "masks have shape (4, 4, 1); give vectors"),
    (lambda model: MaskAndNoise(SampledPrior((16,), 0.3 * MASKS.reshape(4, 16)), 3),
     "SampledPrior gives 0.3, but MaskAndNoise takes only 0 and 1; give a prior over such values"),
    (lambda model: segmentation_iou(model, tf.data.Dataset.from_tensor_slices(images(4)[0]).batch(4)),
     "the images come without masks; load them with pairs=0"),
    (lambda model: model.sample(2, label=3), "unknown input of sample 'label'"),
    (lambda model: MaskAndNoise(MASKS, 3), "masks have shape [4, 4, 4, 1]; give vectors of zeros and ones"),
    (lambda model: SegmentationVAE(dense((1, 2, 1), (2,)), dense((2,), (1, 2, 1)),
                                   likelihood=IndependentBernoulli((1, 2, 1))),
     "z has 2 bits, and the mask takes 2 of them; give z more bits"),
    (lambda model: SegmentationVAE(dense((2,), (3,)), dense((3,), (2,)), likelihood=IndependentBernoulli((2,))),
     "SegmentationVAE infers bits of images, not IndependentBernoulli of (2,)"),
])
def test_what_does_not_fit_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(InvalidInput) as error:
        call(tiny("segvae"))
    assert sentence in str(error.value) and "\n" not in str(error.value)


def test_no_rows_have_no_masks_and_no_renderings():
    model = tiny("segvae")
    assert model.segment(np.zeros((0, *SHAPE)))["mask"].shape == (0, *SHAPE)
    assert model.render(np.zeros((0, 4, 4, 1))).shape == (0, *SHAPE)


@pytest.mark.exhaustive
def test_a_served_model_segments_and_renders_as_it_does_in_python(tmp_path):
    model, x = tiny("segvae"), images(2)[0]
    serving.export(model, tmp_path, name="rows", version=1)
    served = tf.saved_model.load(tmp_path / "rows" / "1").signatures
    rendered = served["render"](z=tf.constant(x), seed=tf.constant(distributions.row_seeds(0, 2)))["x"]
    np.testing.assert_allclose(rendered, model.render(x, seed=0), atol=1e-6)
    np.testing.assert_array_equal(served["segment"](x=tf.constant(x))["mask"], model.segment(x)["mask"])
    restored = serving.from_preset(str(tmp_path / "rows"))
    np.testing.assert_array_equal(restored.sample(5, seed=0), model.sample(5, seed=0))


# ---------------------------------------------------------------------------------------------- a run


class Source:
    """Stands for a preset whose samples are above 1/2 in one row."""

    def sample(self, n, seed):
        x = np.full((n, 28, 28, 1), 0.4, "float32")
        x[np.arange(n), (np.arange(n) + seed) % 28] = 0.7
        return x


def config(folder, **changes):
    model = {"name": "segvae", "masks": "source", "noise_bits": 2, "filters": [2, 2, 2], **changes.pop("model", {})}
    given = {"name": "textured_digits", "batch_size": 10, "pairs": 6, "labelled_rows": 3, "data_dir": str(folder)}
    return training.config.resolve({
        "model": model, "data": {**given, **changes}, "train": {"epochs": 1}, "evaluate": {"batch_size": 20},
    })


@pytest.mark.exhaustive
def test_a_run_measures_its_masks_and_draws_both_directions(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(arguments, "from_preset", lambda name: Source())
    monkeypatch.setattr(limiting, "LIMIT", 2)
    results = training.train(config(folder), tmp_path / "run", verbose=0)
    model, _, _ = training.load_run(tmp_path / "run")
    assert results["metrics"]["test_iou"] == segmentation_iou(model, load(folder, "test", pairs=0))
    assert "test_consistency_asleep" not in results["metrics"]  # p(mask) has no density
    for name, columns in (("segmentation", 10), ("rendering", 10), ("samples", 8), ("limiting", 8)):
        assert Image.open(tmp_path / "run" / f"{name}.png").width == columns * 58 + 2
    for words in (["reconstruct", "--n=4"], ["interpolate", "--rows=2"]):  # of test images without their masks
        assert main([*words, f"--workdir={tmp_path / 'run'}", f"--out={tmp_path / words[0]}.npz"]) == 0
    x, _ = next(iter(load(folder, "test", rows=4, limit=4, pairs=0)))
    np.testing.assert_array_equal(np.load(tmp_path / "reconstruct.npz")["x"], x)
    assert np.load(tmp_path / "interpolate.npz")["x"].shape == (2, 11, 28, 28, 3)
    positions = (np.arange(10_000, dtype="float32") + 0.5) / 10_000
    masks = model.prior.masks.draw((positions,)).numpy().reshape(-1, 28, 28)
    assert model.prior.masks.latents.shape[0] == 10_000
    assert (masks.all(2).sum(1) == 1).all() and (masks.sum((1, 2)) == 28).all()


def test_an_encoder_that_nothing_teaches_is_refused(folder, monkeypatch):
    monkeypatch.setattr(arguments, "from_preset", lambda name: Source())
    alone = config(folder, model={"dream_weight": 0}, pairs=0, labelled_rows=None)
    with pytest.raises(InvalidInput, match=r"dream_weight is 0 and config\.data\.pairs leaves no pairs"):
        build(alone)


@pytest.mark.exhaustive
def test_a_symmetric_run_tells_how_well_its_players_agree(tmp_path, monkeypatch):
    monkeypatch.setattr(consistency, "DREAMS", 40)
    monkeypatch.setattr(limiting, "LIMIT", 2)
    given = {
        "model": {"name": "symvae", "latent_dim": 3, "hidden": [8]},
        "data": {"name": "bars", "batch_size": 50, "limit": 500, "data_dir": str(tmp_path / "sets")},
        "train": {"epochs": 1}, "evaluate": {"num_samples": 5, "limit": 100, "batch_size": 40},
    }
    found = training.train(training.config.resolve(given), tmp_path / "run", verbose=0)["metrics"]
    asleep, awake = (found[f"test_consistency_{phase}"] for phase in ("asleep", "awake"))
    assert asleep["lower"] <= asleep["value"] and "over 40 x of the model" in asleep["protocol"]
    assert awake["stderr"] > 0 and "over 40 x of the data" in awake["protocol"]
    assert (tmp_path / "run" / "limiting.png").is_file()


def test_a_prior_of_masks_may_be_sampled_from_a_model():
    prior = SampledPrior.of(lambda n, seed: MASKS[np.arange(n) % 4].reshape(n, 16), n=12)
    assert MaskAndNoise(prior, 3).draw(MaskAndNoise(prior, 3).noise(BatchNoise([0, 0], 5))).shape == (5, 19)
