"""A finished run that goes on: more epochs, another evaluation; and pictures of samples while it trains."""

import keras
import pytest
from ml_collections import ConfigDict
from test_training import assert_same_bits, config, contents, events, fit

from dgm_zoo import training
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training.workdir import check_workdir, is_measured, remove_run, rescheduled, write_json

PNG = b"\x89PNG"
MEANS = ["train.optimizer.use_ema=True", "train.optimizer.ema_momentum=0.9"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("more")


@pytest.mark.parametrize("changes", [["train.sample_every=2"], pytest.param(MEANS, marks=pytest.mark.exhaustive)])
def test_a_run_that_goes_on_ends_with_the_bits_of_one_that_had_all_epochs_from_the_start(folder, changes):
    name = str(len(changes))
    first = fit(folder, f"{name}-on", *changes, "train.epochs=2")
    on = fit(folder, f"{name}-on", *changes, "train.epochs=4")
    through = fit(folder, f"{name}-through", *changes, "train.epochs=4")
    assert first["epochs"] == 2 and on["epochs"] == 4
    assert (on["metrics"], on["best_epoch"]) == (through["metrics"], through["best_epoch"])
    places = [folder / f"{name}-{which}" for which in ("on", "through")]
    assert_same_bits(*(place / "checkpoints" / "epoch_000004" for place in places))
    one, two = (sorted(path.relative_to(place) for path in place.rglob("*.png")) for place in places)
    assert one == two and all((places[0] / path).read_bytes() == (places[1] / path).read_bytes() for path in one)
    assert (places[0] / "log.csv").read_bytes() == (places[1] / "log.csv").read_bytes()
    assert sorted(events(places[0] / "tensorboard")) == sorted(events(places[1] / "tensorboard"))
    assert training.load_run(places[0]).config.train.epochs == 4


@pytest.mark.exhaustive
def test_samples_are_drawn_every_n_epochs_and_shown_by_tensorboard(folder):
    place = folder / "pictures"
    fit(folder, "pictures", "train.sample_every=2", "train.epochs=5")
    drawn = sorted((place / "progress").iterdir())
    assert [path.name for path in drawn] == ["epoch_000002.png", "epoch_000004.png"]
    assert drawn[0].read_bytes().startswith(PNG) and drawn[0].read_bytes() != drawn[1].read_bytes()
    assert [one for one in events(place / "tensorboard") if one[0] == "samples"] == [("samples", 2), ("samples", 4)]
    remove_run(place, ["samples.png"])
    assert not (place / "progress").exists()


@pytest.mark.exhaustive
def test_points_and_a_run_without_samples(folder):
    points = [
        "data.name=gaussian_mixtures/ring", "data.binarize=None", "model.likelihood=IndependentNormal",
        "train.sample_every=1", "train.epochs=1", "data.limit=200", "evaluate.limit=160",
    ]
    fit(folder, "points", *points)
    assert (folder / "points" / "progress" / "epoch_000001.png").read_bytes().startswith(PNG)
    classes = ["data.labels=True", "data.binarize=None", "train.sample_every=1"]
    with pytest.raises(InvalidInput, match="sample_every is 1, but no measure draws samples of classifier on digits"):
        training.train({**config(*classes, folder=folder).to_dict(), "model": {"name": "classifier"}}, folder / "none")
    assert not (folder / "none").exists()


@pytest.mark.exhaustive
def test_another_evaluation_measures_again_and_trains_nothing(folder, monkeypatch):
    before = fit(folder, "evaluated")
    weights = contents(folder / "evaluated" / "checkpoints")
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "fit", pytest.fail)
        other = fit(folder, "evaluated", "evaluate.num_samples=3", "evaluate.limit=20")
        assert other["metrics"]["test_log_likelihood"]["images"] == 20
        assert other["metrics"]["test_loss"] != before["metrics"]["test_loss"]
        assert fit(folder, "evaluated", "evaluate.num_samples=3", "evaluate.limit=20") == other
        assert fit(folder, "evaluated")["metrics"] == before["metrics"]
    assert contents(folder / "evaluated" / "checkpoints") == weights


RESOLVED = {
    "model": {"name": "vae"}, "data": {"name": "digits", "batch_size": 100},
    "train": {"epochs": 5, "seed": 0, "patience": None, "decay": None}, "evaluate": {"limit": None},
}


def changed(**changes):
    """RESOLVED with other values, such as `train={"seed": 1}`."""
    return ConfigDict({section: {**values, **changes.get(section, {})} for section, values in RESOLVED.items()})


@pytest.fixture
def finished(tmp_path):
    """A workdir with a finished run of five epochs, as far as the checks of a workdir read it."""
    (tmp_path / "checkpoints" / "epoch_000005").mkdir(parents=True)
    for name, value in (("config", RESOLVED), ("results", {"metrics": {}})):
        write_json(value, tmp_path / f"{name}.json")
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"train": {"epochs": 4}}, "holds 5 epochs; set config.train.epochs to 5 or more"),
        ({"train": {"epochs": 6, "decay": "cosine"}}, "train.decay is None there and 'cosine' here"),
        ({"train": {"epochs": 6, "seed": 1}}, "train.seed is 0 there and 1 here"),
    ],
)
def test_what_would_not_be_the_same_run_is_refused(finished, changes, sentence):
    with pytest.raises(InvalidInput) as error:
        check_workdir(changed(**changes), finished, False)
    assert sentence in str(error.value) and "\n" not in str(error.value)


SCHEDULES = [("train", "decay", "cosine"), ("train", "decay", [[0.5, 0.1]]), ("model", "domain_weight", "dann")]


@pytest.mark.parametrize(("section", "key", "value"), SCHEDULES)
def test_a_schedule_over_all_epochs_goes_on_and_says_so(finished, section, key, value):
    more = changed(**{section: {key: value}})
    write_json(more.to_dict(), finished / "config.json")
    assert rescheduled(more, finished) is None and rescheduled(changed(train={"epochs": 6}), finished) is None
    more.train.epochs = 6
    check_workdir(more, finished, False)
    sentence = rescheduled(more, finished)
    assert sentence.startswith(f"{section}.{key}={value!r} lasts until the last epoch, and workdir '{finished}' was tr")
    assert "it goes on as epoch 6 of 6" in sentence


@pytest.mark.exhaustive
def test_a_decayed_run_goes_on_with_its_optimizer_and_its_results_say_so(folder):
    changes = ["train.decay=cosine", "train.epochs=2"]
    fit(folder, "decays", *changes)
    with pytest.warns(UserWarning, match="lasts until the last epoch") as warned:
        results = fit(folder, "decays", *changes[:1], "train.epochs=4")
    assert results["schedules"] == [str(warned[0].message)] and results["epochs"] == 4
    assert fit(folder, "decays", *changes[:1], "train.epochs=4") == results


@pytest.mark.parametrize(
    ("changes", "measured"),
    [
        ({}, True), ({"train": {"checkpoint_seconds": 1.0, "sample_every": 2}}, True),
        ({"train": {"epochs": 6}}, False), ({"train": {"patience": 3}}, False),
        ({"evaluate": {"limit": 7}}, False), ({"evaluate": {"new": 7}}, False),
    ],
)
def test_only_what_changes_numbers_is_trained_or_measured_again(finished, changes, measured):
    check_workdir(changed(**changes), finished, False)
    assert is_measured(changed(**changes), finished) is measured
