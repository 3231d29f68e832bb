"""Measures as declarations: which a run takes, what it refuses before training, what it writes and deletes."""

import dataclasses
import json
import re
from pathlib import Path

import keras
import pytest
from ml_collections import ConfigDict
from zoo import TABLE, tiny

import dgm_zoo
from dgm_zoo import training
from dgm_zoo.cli.main import main
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training import arguments, build, measure, measures
from dgm_zoo.training.measures import MEASURES, Context, Measure, register_measure, sample_quality
from dgm_zoo.training.workdir import OWN_FILES, remove_run

ROOT = Path(__file__).parents[1]
CONFIG = {
    "model": {"name": "vae", "latent_dim": 2, "hidden": [16]},
    "data": {"name": "digits", "batch_size": 100, "binarize": "stochastic"},
    "train": {"epochs": 1},
    "evaluate": {"num_samples": 3, "limit": 100},
}
SMALL = {"hidden": [16], "latent_dim": 2}


def config(model=None, data=None, **evaluate):
    return training.resolve({
        **CONFIG, "model": model or CONFIG["model"], "data": {**CONFIG["data"], **(data or {})},
        "evaluate": {**CONFIG["evaluate"], **evaluate},
    })


@pytest.fixture(autouse=True)
def table(monkeypatch):
    """Each test may register measures; the table is as before after it."""
    before = dict(MEASURES)
    yield
    MEASURES.clear()
    MEASURES.update(before)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "config.py").write_text(f"def get_config():\n    return {CONFIG!r}\n")
    return tmp_path / "config.py"


# ---------------------------------------------------------------------------------------------- the declarations


def described(dataset, classifier=None, target=None):
    """What `Measure.lacks` and `measure.check` read of a config."""
    return ConfigDict({
        "data": {"name": dataset, "target": target}, "evaluate": {"classifier": classifier},
        "train": {"sample_every": None},
    })


def test_every_measure_of_the_package_is_taken_by_some_model_of_the_zoo():
    models = [*(tiny(name) for name in TABLE), tiny("vae", likelihood="IndependentLogistic")]
    data = ("digits", "textured_digits", "gaussian_mixtures/ring")
    settings = [described(name, "classifier") for name in data]
    settings += [described("digits", "classifier", "digits"), described("emoji/noto", target="emoji/twemoji")]
    settings += [described("freedoom_bands"), described("patterns/four")]
    lacking = {
        name for name, one in MEASURES.items()
        if all(one.lacks(model, setting) for model in models for setting in settings)
    }
    assert lacking == set()
    assert {other for one in MEASURES.values() for other in one.instead_of} <= set(MEASURES)


def test_every_file_of_the_folder_registers_a_measure():
    files = {path.stem for path in Path(measures.__file__).parent.glob("*.py")} - {"__init__", "base"}
    functions = [one.measure or one.draw for one in MEASURES.values()]
    assert {function.__module__.rpartition(".")[2] for function in functions} == files


@pytest.mark.parametrize("name, dataset, first_lack", [
    ("gan", "digits", "an endpoint 'encode', which GAN does not have"),
    ("vae", "digits", "the ability 'prior_samples', which VAE does not have"),
    ("aae", "digits", None),
])
def test_a_measure_says_what_a_run_lacks(name, dataset, first_lack):
    assert MEASURES["aggregate_posterior"].lacks(tiny(name), described(dataset)) == first_lack
    classes, quality = MEASURES["classes"], MEASURES["quality_of_images"]
    assert classes.lacks(tiny("gan"), described(dataset)) == (
        "an endpoint 'sample' with the input 'label', which GAN does not have"
    )
    assert quality.lacks(tiny("gan"), described("uci_binary/nips")) == "images, which 'uci_binary/nips' does not have"
    assert quality.lacks(tiny("gan"), described("digits")) == "config.evaluate.classifier, which is None"


def test_one_measure_stands_in_for_another():
    for name, evidence in {"vae": "log_likelihood", "rws": "helmholtz_evidence", "bihm": "p_star_evidence"}.items():
        found = measure.taken(tiny(name), described("bars"))
        assert [one.name for one in found if "{split}_log_likelihood" in one.numbers] == [evidence]


def nothing(context):
    return {}


@pytest.mark.parametrize("given, sentence", [
    ({"numbers": ("a",)}, "must declare both numbers and measure, or neither"),
    ({"draw": nothing}, "must declare both files and draw, or neither"),
    ({"files": "a.png", "draw": nothing}, "files is the text 'a.png'; give a tuple of names"),
    ({"files": ("../a.png",), "draw": nothing}, "cannot write the file '../a.png'; give a plain name"),
    ({"files": ("*.png",), "draw": nothing}, "cannot write the file '*.png'"),
    ({"files": ("config.*",), "draw": nothing}, "cannot write the file 'config.*'"),
    ({"files": ("results.json",), "draw": nothing}, "cannot write the file 'results.json'"),
])
def test_a_declaration_that_contradicts_itself_is_refused(given, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        Measure("mine", "Mine.", **given)


def test_what_is_no_measure_is_not_registered():
    with pytest.raises(InvalidInput, match="is not a Measure; give Measure"):
        register_measure(nothing)


def test_an_undeclared_number_or_file_is_refused_and_not_written(tmp_path):
    def stray(context):
        return {"b": lambda path: path.write_text("b")}

    MEASURES.clear()
    register_measure(Measure("mine", "Mine.", numbers=("{split}_a",), measure=stray, files=("a.png",), draw=stray))
    with pytest.raises(InvalidInput, match="measure 'mine' writes 'b', which its numbers do not declare; add it"):
        measure.evaluate(tiny("vae"), described("digits"), verbose=0)
    with pytest.raises(InvalidInput, match="measure 'mine' writes 'b', which its files do not declare; add it"):
        measure.draw(tiny("vae"), described("digits"), tmp_path, [])
    assert not list(tmp_path.iterdir())


def test_two_measures_of_one_file_are_refused():
    register_measure(Measure("mine", "Mine.", files=("curves.png",), draw=nothing))
    with pytest.raises(InvalidInput, match="measures 'curves' and 'mine' both write 'curves.png'; rename one"):
        measure.check(tiny("vae"), described("digits"))


# ---------------------------------------------------------------------------------------------- before training


def judge(**changes):
    given = {"image_shape": (8, 8, 1), "num_classes": 10, "filters": [4, 8], "hidden": 16, "seed": 0}
    return dgm_zoo.create("classifier", **{**given, **changes})


REFUSED = [
    (config({"name": "classifier", "filters": [4, 8], "hidden": 16}, {"binarize": None}, classifier="judge"), judge,
     "config.evaluate.classifier is 'judge', but quality_of_images needs an endpoint 'sample', which Classifier does"),
    (config(classifier="judge"), lambda: judge(image_shape=(4, 4, 1)), "sees images of shape (4, 4, 1), but the model"),
    (config({"name": "cvae", **SMALL}, classifier="judge"), lambda: judge(num_classes=3),
     "classifier 'judge' knows 3 classes, but the model has 10; set config.evaluate.classifier to another, or to None"),
    (config({"name": "vae", "likelihood": "IndependentNormal", **SMALL}, {"binarize": None}, classifier="judge"), judge,
     "classifier 'judge' sees values in [0, 1], but the model's samples may have any; set config.evaluate.classifier"),
    (config(classifier="judge"), lambda: tiny("svae"), "preset 'judge' is not a classifier"),  # it has no features
    (config(classifier="judge", limit=19), judge, "config.evaluate.limit is 19, too few samples to judge"),
    (config({"name": "aae", **SMALL}, limit=19), judge, "config.evaluate.limit is 19, too few codes to compare with"),
    (config({"name": "bihm", "layers": "8,4"}, {"binarize": "threshold"}, num_samples=30_000_000), judge,
     "config.evaluate.num_samples is 30000000, and log Z would take 100 times as many; give at most 21474836"),
]


@pytest.mark.parametrize("given, preset, sentence", REFUSED, ids=[sentence[:40] for *_, sentence in REFUSED])
def test_a_measure_that_could_not_be_taken_is_refused_before_training(given, preset, sentence, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", pytest.fail)
    monkeypatch.setattr(sample_quality, "from_preset", lambda name: preset())
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        training.train(given, tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()


def test_a_classifier_for_points_is_refused():
    points = config({"name": "gan", "network": "dense", **SMALL}, {"name": "gaussian_mixtures/ring", "binarize": None},
                    classifier="judge", limit=400)
    sentence = "but quality_of_images needs images, which 'gaussian_mixtures/ring' does not have; set it to None"
    with pytest.raises(InvalidInput, match=sentence):
        measure.check(build.build(points), points)


# ---------------------------------------------------------------------------------------------- arguments


def test_an_argument_is_filled_in_by_a_function_of_ones_own(monkeypatch):
    monkeypatch.setattr(arguments, "FILLS", dict(arguments.FILLS))

    @arguments.register_argument("latent_dim", settable=False)
    def latent_dim(given, config):
        return arguments.image_of(config)[0][0] // 2

    with pytest.raises(InvalidInput, match="unknown config key 'model.latent_dim'"):
        config()
    assert build.build(config({"name": "vae", "hidden": [16]})).encode([[[[0.0]] * 8] * 8])["mean"].shape == (1, 4)


# ---------------------------------------------------------------------------------------------- held-out data


@pytest.mark.parametrize("options", [
    {"labels": True}, {"labels": True, "labelled_fraction": 0.5}, {"labels": True, "labels_per_class": 5},
    {"labels": True, "labels_per_class": 5, "labelled_rows": 20},
])
def test_labels_of_training_alone_do_not_come_with_test_images(options):
    found = build.held_out(config(data=options), tiny("vae"), "test", batch_size=7, limit=7)
    assert next(iter(found)).shape == (7, 8, 8, 1)
    x, label = next(iter(build.held_out(config(data=options), tiny("cvae"), "test", batch_size=7, limit=7)))
    assert x.shape == (7, 8, 8, 1) and (label.numpy() >= 0).all()


# ---------------------------------------------------------------------------------------------- runs


@pytest.fixture
def built(monkeypatch):
    """The models that commands build."""
    found, create = [], build.create
    monkeypatch.setattr(build, "create", lambda *words, **given: found.append(words) or create(*words, **given))
    return found


def test_a_run_builds_its_model_once(file, tmp_path, built, capsys):
    words = ["train", f"--config={file}", "--json"]
    assert main([*words, f"--workdir={tmp_path / 'run'}"]) == 0 and len(built) == 1
    trained = json.loads(capsys.readouterr().out)
    model, _, results = training.load_run(tmp_path / "run")
    assert results == trained["results"] and len(built) == 2
    exported = dgm_zoo.from_preset(trained["export"])
    for mine, its in zip(model.get_weights(), exported.get_weights(), strict=True):
        assert (mine == its).all()
    built.clear()
    assert main([*words, f"--workdir={tmp_path / 'run'}"]) == 0 and len(built) == 1


@pytest.mark.exhaustive
def test_a_run_of_lower_precision_builds_its_model_twice_since_it_is_measured_in_float32(file, tmp_path, built):
    low = "--config.train.precision=mixed_bfloat16"
    assert main(["train", f"--config={file}", f"--workdir={tmp_path / 'low'}", low]) == 0 and len(built) == 2


def test_the_first_run_writes_the_pictures_that_the_readme_lists():
    page = (ROOT / "README.md").read_text()
    listed, = [line for line in page.splitlines() if line.endswith("| pictures |")]
    first = training.load_config(ROOT / "configs" / "vae_digits.py")
    written = [name for one in measure.taken(build.build(first), first) for name in one.files]
    assert sorted(re.findall(r"`([^`]+\.png)`", listed)) == sorted(written)


def test_overwrite_deletes_every_file_that_a_measure_declares_and_nothing_else(tmp_path):
    written = [name.replace("[0-9]*", "12") for name in measure.files()]
    mine = ["mine.png", "traversal_value_of_mine.png", "notes.txt"]
    for name in [*OWN_FILES, *written, *mine]:
        (tmp_path / name).write_text(name)
    assert len(written) > 12
    remove_run(tmp_path, measure.files())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(mine)


@pytest.mark.exhaustive
def test_the_guides_measure_is_taken_and_its_file_deleted(tmp_path):
    code, = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "add_a_measure.md").read_text(), re.DOTALL)
    exec(compile(code, "add_a_measure.md", "exec"), {"__name__": "add_a_measure"})
    found = training.train(config(), tmp_path / "run", verbose=0)
    metric = json.loads((tmp_path / "run" / "results.json").read_text())["metrics"]["test_brightness"]
    assert metric == found["metrics"]["test_brightness"] and metric["stderr"] > 0
    assert metric["protocol"] == "mean pixel of 100 samples less that of 360 test images"
    model, loaded, _ = training.load_run(tmp_path / "run")
    x, real = model.sample(100, seed=0), Context(model, loaded).first[0]
    assert metric["value"] == pytest.approx(float(x.mean() - real.mean()), abs=1e-6)
    assert (tmp_path / "run" / "mean_image.png").read_bytes().startswith(b"\x89PNG")
    assert "validation_brightness" in training.evaluate(model, loaded, "validation", verbose=0)
    with pytest.raises(InvalidInput, match="config.evaluate.limit is 1, too few samples for a standard error"):
        training.train(config(limit=1), tmp_path / "other", verbose=0)
    register_measure(dataclasses.replace(MEASURES["brightness"], draw=nothing))
    training.train(config(), tmp_path / "run", overwrite=True, verbose=0)
    assert not (tmp_path / "run" / "mean_image.png").exists() and (tmp_path / "run" / "samples.png").exists()
