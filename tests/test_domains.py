"""Two domains: what models refuse, and what a run does with them."""

import csv
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from exact_domains import identity_network, judge, network_of
from zoo import CLASSES, SHAPE, tiny, weights

import dgm_zoo
from dgm_zoo import training
from dgm_zoo.core.endpoints import Endpoint, Input
from dgm_zoo.data import pair_from_arrays
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import ADA, GAN, PM, CycleGAN
from dgm_zoo.networks import Predictors
from dgm_zoo.networks.dense import dense
from dgm_zoo.training import arguments, build, pairs
from dgm_zoo.training.measures import translations
from dgm_zoo.training.measures.base import MEASURES, Context

# ---------------------------------------------------------------------------------------------- what is refused

IMAGES = np.zeros((8, *SHAPE), "float32")
LABELS, NONE = np.zeros(8, "int32"), np.full(8, -1, "int32")


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("ada", ((IMAGES, IMAGES[:0]), (LABELS, NONE[:0])), "ADA.fit: the target has no examples; give at least one"),
        ("ada", ((IMAGES, IMAGES), (NONE, NONE)), "ADA.fit: the source has examples without a label"),
        ("ada", ((IMAGES, IMAGES), (LABELS, NONE - 1)), "the target has the class -2; give -1 to an example without"),
        ("ada", ((IMAGES, IMAGES), (LABELS, LABELS + 3)), "the target has the class 3, but the model knows 3 classes"),
        ("ada", ((IMAGES, IMAGES), (LABELS + 5, NONE)), "the source has the class 5, but the model knows 3 classes"),
        ("ada", ((IMAGES, IMAGES),), "ADA.fit: ADA needs labels; give (x, y)"),
        ("ada", ((IMAGES, IMAGES[:6]), (LABELS, NONE[:6])), "the source 8 and the target 6 rows; give equally many"),
        ("ada", ((IMAGES, 255 + IMAGES), (LABELS, NONE)), "target has values from 255 to 255, outside [0, 1]"),
        ("cyclegan", ((IMAGES, IMAGES[:, :3]),), "target has shape [8, 3, 4, 1], but this model takes [batch, 4,"),
        ("cyclegan", (IMAGES,), "CycleGAN takes 2 domains, but x has another number of parts; give x as the tuple (so"),
        ("cyclegan", ((IMAGES, IMAGES), LABELS), "CycleGAN takes 2 domains, but y has another number of parts"),
        ("vae", ((IMAGES, IMAGES),), "VAE.fit: x is a tuple; give one array, or a tf.data.Dataset"),
    ],
)
def test_data_that_do_not_suit_are_refused_before_training(name, data, sentence):
    model = tiny(name)
    model.compile("sgd")
    before = weights(model)
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        model.fit(*data, verbose=0)
    np.testing.assert_array_equal(weights(model), before)


def test_a_batch_of_one_domain_is_refused():
    model = tiny("cyclegan")
    model.compile("sgd")
    with pytest.raises(InvalidInput, match="CycleGAN takes 2 domains"):
        model.fit(tf.data.Dataset.from_tensor_slices((IMAGES, IMAGES)).batch(4), verbose=0)
    with pytest.raises(InvalidInput, match=re.escape("target has shape [8, 3, 4, 1]")):
        model.train_on_batch((IMAGES, IMAGES[:, :3]))


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("ada", {"mode": "symetric"}, "unknown mode 'symetric'; did you mean 'symmetric'?"),
        ("ada", {"level": "feature"}, "unknown level 'feature'; did you mean 'features'?"),
        ("ada", {"objective": "LeastSquares"}, "takes the objectives NonSaturating and ImportanceWeighted, got Least"),
        ("ada", {"objective": "Saturating"}, "the saturating game is mode='grl'"),
        ("ada", {"mode": "grl", "objective": "ImportanceWeighted"}, "mode 'grl' is zero-sum and takes no objective"),
        ("ada", {"domain_weight": -1.0}, "domain_weight is -1.0; give a number of at least 0"),
        ("ada", {"domain_weight": {"total_steps": 5, "gamma": 10}}, "unknown key of domain_weight's schedule 'gamma'"),
        ("pm", {"likelihood": "IndependentNormal"}, "likelihood 'IndependentNormal' is for a decoder; set decode=True"),
        ("pm", {"latent_dim": 1}, "latent_dim is 1; give a whole number of at least 2"),
        ("pm", {"form": "square"}, "unknown form 'square'; did you mean 'squares'?"),
        ("cyclegan", {"network": "conv", "hidden": None}, "cannot be halved 2 times"),
        ("cyclegan", {"domain_names": ["mnist"]}, "domain_names is ['mnist']; give two different names"),
        ("cyclegan", {"domain_names": "ab"}, "domain_names is 'ab'; give two different names"),
        ("cyclegan", {"pool_size": -1}, "pool_size is -1; give a whole number of at least 0"),
        ("cyclegan", {"identity_weight": -0.5}, "identity_weight is -0.5; give a number of at least 0"),
    ],
)
def test_models_that_cannot_be_are_refused(name, given, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        tiny(name, **given)


def test_networks_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match="depth 3 leaves no patch of image_shape .16, 16, 1."):
        dgm_zoo.create("cyclegan", image_shape=(16, 16, 1), depth=3)
    grey, colour = identity_network(), network_of(keras.layers.Conv2D(3, 1))
    back = network_of(keras.layers.Conv2D(1, 1), (4, 4, 3))
    given = [colour, back, judge(), judge((4, 4, 3))]
    assert CycleGAN(*given).takes()["target"].shape == (4, 4, 3)
    with pytest.raises(InvalidInput, match=re.escape("but G takes (4, 4, 1) and the target has (4, 4, 3); set")):
        CycleGAN(*given, identity_weight=0.5)
    with pytest.raises(InvalidInput, match="the output of to_target has shape"):
        CycleGAN(colour, grey, judge(), judge())
    with pytest.raises(InvalidInput, match="output of logits has shape .2,., but the discriminator's input has .1,."):
        ADA(dense((1,), (1,), ()), dense((1,), (2,), ()), dense((1,), (1,), ()), level="logits")
    with pytest.raises(InvalidInput, match="mode 'symmetric' has one trunk for both domains"):
        ADA(*[dense((1,), (1,), ()) for _ in range(3)], target_trunk=dense((1,), (1,), ()))
    for wrong, sentence in (
        (dense((2,), (1,), ()), "target_trunk's input has shape (2,)"),
        (dense((1,), (2,), ()), "target_trunk's output has shape (2,)"),
    ):
        with pytest.raises(InvalidInput, match=re.escape(sentence)):
            ADA(*[dense((1,), (1,), ()) for _ in range(3)], target_trunk=wrong, mode="adda")
    with pytest.raises(InvalidInput, match="a decoder and a likelihood come together"):
        PM(dense((4,), (2,), ()), Predictors(2), decoder=dense((2,), (4,), ()))


@pytest.mark.parametrize("span", ["ab", (0,), (0, float("nan")), (1, 0), (0, 0), 1, (0, "1"), (False, True)])
def test_a_range_of_the_data_that_is_none_is_refused_when_a_model_is_built(span):
    with pytest.raises(InvalidInput, match="data_range is .*; give two numbers .low, high. with low < high, or None"):
        CycleGAN(identity_network(), identity_network(), judge(), judge(), data_range=span)
    with pytest.raises(InvalidInput, match="data_range is"):
        GAN(dense((2,), (3,), ()), dense((3,), (1,), ()), data_range=span)


# ---------------------------------------------------------------------------------------------- configs of two domains

CONFIG = {
    "model": {"name": "ada", "filters": [4, 8], "feature_dim": 16, "discriminator_hidden": [16]},
    "data": {"name": "digits", "target": "digits", "batch_size": 100, "limit": [400, 300]},
    "train": {"epochs": 2, "steps_per_execution": 4}, "evaluate": {"limit": 100},
}


def config(**sections):
    return training.resolve({key: {**CONFIG.get(key, {}), **sections.get(key, {})} for key in {*CONFIG, *sections}})


def test_a_run_of_two_domains_trains_measures_and_resumes(tmp_path):
    found = training.train(config(), tmp_path / "run", verbose=0)
    assert found["steps_per_epoch"] == 400 // 50 and found["dataset"]["target"] == "digits"
    metrics = found["metrics"]
    assert {"test_target_accuracy", "test_source_accuracy", "test_accuracy_target"} <= set(metrics)
    with open(tmp_path / "run" / "log.csv", newline="") as file:
        oracle = max(float(logs["val_accuracy_target"]) for logs in csv.DictReader(file))
    assert metrics["oracle_target_accuracy"]["value"] == oracle and metrics["oracle_target_accuracy"]["stderr"] is None
    assert metrics["test_target_accuracy"]["value"] == metrics["test_source_accuracy"]["value"]  # one and the same set
    assert (tmp_path / "run" / "domain_map.png").stat().st_size > 10_000
    run = training.load_run(tmp_path / "run")
    assert training.train(config(), tmp_path / "run", verbose=0) == found
    adda = config(model={"mode": "adda"}, train={"start_from": str(tmp_path / "run"), "epochs": 2})
    model = training.train_model(adda, tmp_path / "adda", verbose=0).model
    np.testing.assert_array_equal(weights(model.trunk), weights(run.model.trunk))
    history = (tmp_path / "adda" / "checkpoints" / "epoch_000002" / "progress.json").read_text()
    assert '"best_epoch": 2' in history  # of equal losses the latest


@pytest.mark.exhaustive
def test_translations_are_drawn_and_the_pool_survives(tmp_path):
    small = {"name": "cyclegan", "network": "dense", "hidden": [8], "pool_size": 10}
    given = {"data": {"name": "digits", "target": "digits", "batch_size": 100, "limit": 200}, "model": small}
    plain = training.resolve({**CONFIG, **given})
    found = training.train_model(plain, tmp_path / "run", verbose=0)
    assert (tmp_path / "run" / "translations.png").exists()
    assert int(found.model.pool_target.count) == 10 and np.ptp(found.model.pool_target.images) > 0


class Judge:
    """Stands for a classifier of digits that gives every image of `calls` the class of its brightest column."""

    def __init__(self, name, features=True):
        self.name, self.known = name, {"classify", *({"features"} if features else {})}

    def endpoints(self):
        return {name: Endpoint({"x": Input((8, 8, 1))}, None) for name in self.known}

    def get_weights(self):
        return [np.frombuffer(self.name.encode(), np.uint8)]

    def answer(self, name, x):
        logits = np.asarray(x).sum((1, 3))
        return {"features": {"features": logits}, "classify": {"logits": logits, "probabilities": logits}}[name]

    def classify(self, x):
        return self.answer("classify", x)


def of_translations(classifier, **sections):
    small = {"name": "cyclegan", "network": "dense", "hidden": [8], "pool_size": 10}
    given = {"data": {"name": "digits", "target": "digits", "batch_size": 100}, "model": small, "train": {"epochs": 1},
             "evaluate": {"limit": 100, "classifier": classifier}}
    return training.resolve({**given, **sections})


def test_the_classifier_of_a_translations_domain_judges_it(monkeypatch):
    monkeypatch.setattr(translations, "from_preset", Judge)
    both = of_translations(["of_source", "of_target"])
    model = dgm_zoo.create("cyclegan", image_shape=(8, 8, 1), network="dense", hidden=[8])
    monkeypatch.setattr(type(model), "translate", lambda model, x, to: x)
    found = translations.measure_classes(Context(model, both))
    kept = found["test_class_kept_to_target"]
    assert kept["protocol"] == "of_target finds the class of 100 translations to the target"
    assert found["test_class_of_source"]["protocol"] == "of_source finds the class of 100 real images of the source"
    names = {name.format(split="test") for name in MEASURES["class_kept"].numbers}
    assert set(found) == names and len(names) == 10
    for to in ("target", "source"):
        assert found[f"test_frechet_distance_to_{to}"]["value"] == pytest.approx(0.0, abs=1e-6)  # one and the same set
        kept = [found[f"test_class_kept_{key}to_{to}"]["value"] for key in ("", "untranslated_")]
        assert kept[0] == kept[1]
    assert "features of of_target-" in found["test_frechet_distance_to_target"]["protocol"]
    one = translations.measure_classes(Context(model, of_translations("judge")))
    assert one["test_class_of_target"]["protocol"].startswith("judge finds")


def test_classifiers_that_do_not_suit_the_domains_are_refused(monkeypatch):
    monkeypatch.setattr(translations, "from_preset", lambda name: Judge(name, features=name != "plain"))
    model = dgm_zoo.create("cyclegan", image_shape=(8, 8, 1), network="dense", hidden=[8])
    translations.check_classes(model, of_translations("judge"))
    with pytest.raises(InvalidInput, match="preset 'plain' is not a classifier; set config.evaluate.classifier to"):
        translations.check_classes(model, of_translations(["judge", "plain"]))
    other = dgm_zoo.create("cyclegan", image_shape=(4, 4, 1), network="dense", hidden=[8])
    with pytest.raises(InvalidInput, match=r"'judge' takes images \(8, 8, 1\), but the source's have \(4, 4, 1\); set"):
        translations.check_classes(other, of_translations("judge"))
    with pytest.raises(InvalidInput, match=r"evaluate.classifier is \['a', 'b', 'c'\]; give None, or the name or"):
        of_translations(["a", "b", "c"])
    with pytest.raises(InvalidInput, match=r"evaluate.classifier is \['a', 'b'\]; give None, or the name or folder of"):
        of_translations(["a", "b"], data={"name": "digits", "batch_size": 10}, model={"name": "vae"})


@pytest.mark.exhaustive
def test_the_runs_of_pm_are_measured(tmp_path):
    plain = training.resolve({
        "model": {"name": "pm", "latent_dim": 4, "hidden": [16]}, "data": {"name": "digits", "batch_size": 100},
        "train": {"epochs": 1}, "evaluate": {"limit": 100},
    })
    metrics = training.train(plain, tmp_path / "run", verbose=0)["metrics"]
    assert {"test_code_information", "test_unit_error", "constant_units"} <= set(metrics)
    assert (tmp_path / "run" / "codes.png").exists()


def test_every_held_out_row_of_a_domain_is_measured():
    given = config(data={"image_size": [8, 8], "channels": 3, "limit": None}, evaluate={"limit": None})
    x, label = next(iter(pairs.one_domain(given, "target", "test", labels=True, batch_size=1000)))
    assert x.shape[1:] == (8, 8, 3) and len(x) == len(label) == dgm_zoo.data.info("digits").splits["test"]
    plain = build.held_out(given, None, "test", batch_size=7, limit=7)
    assert next(iter(plain)).shape == (7, 8, 8, 3)
    assert arguments.image_of(given)[0] == (8, 8, 3)


def test_held_out_domains_have_labels_and_training_hides_the_targets():
    (_, (source, target)) = next(iter(build.dataset(config(), tiny("ada"), "train")))
    assert (source.numpy() >= 0).all() and (target.numpy() == -1).all()
    (_, (_, target)) = next(iter(build.dataset(config(), tiny("ada"), "validation")))
    assert (target.numpy() >= 0).all()


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"data": {"target": None}}, "ada needs two domains, but config.data.target is not set"),
        ({"model": {"name": "vae"}}, "config.data.target is 'digits', but vae takes one data set; set it to None"),
        ({"data": {"target": "digit"}}, "unknown data set 'digit'; did you mean 'digits'?"),
        ({"data": {"binarize": "fixed"}}, "unknown config key 'data.binarize'"),
        ({"data": {"limit": [1, 2, 3]}}, "config.data.limit is [1, 2, 3]; give None, or a whole number"),
    ],
)
def test_configs_of_domains_that_do_not_suit_are_refused(sections, sentence):
    given = {key: {**CONFIG.get(key, {}), **sections.get(key, {})} for key in CONFIG}
    if sections.get("model"):
        given["model"] = sections["model"]
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        training.resolve(given)


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"model": {"mode": "adda"}}, "set config.train.start_from to the workdir of such a run"),
        ({"data": {"target": "gaussian_mixtures/ring"}}, "has 10 classes and the target 'gaussian_mixtures/ring' 8"),
        ({"data": {"name": "emoji/noto", "target": "emoji/twemoji"}}, "ada needs labels, but data set 'emoji/noto' h"),
    ],
)
def test_domains_that_do_not_suit_the_model_are_refused(sections, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        build.build(config(**sections))


def test_danns_schedule_spans_the_run():
    given = config(model={"mode": "grl", "domain_weight": "dann"}, train={"epochs": 7})
    assert build.build(given).domain_weight.total_steps == 7 * 8


def test_arrays_of_a_users_own_are_trained_on():
    rng = np.random.default_rng(0)
    source, target, label = rng.random((40, *SHAPE)), rng.random((60, *SHAPE)), rng.integers(0, CLASSES, 40)
    model = tiny("ada")
    model.compile("sgd")
    pair = pair_from_arrays(source.astype("float32"), target.astype("float32"), label, batch_size=20)
    assert len(model.fit(pair, epochs=2, verbose=0).history["loss"]) == 2
