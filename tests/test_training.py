"""A run from its config to its results: what it writes, how it resumes, and what it refuses."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import sparing, tiny

from dgm_zoo import serving, training
from dgm_zoo.cli.main import main
from dgm_zoo.errors import InvalidInput, NonFiniteLoss
from dgm_zoo.training import build, checkpoints, logs
from dgm_zoo.training.checkpoints import Checkpoints
from dgm_zoo.training.workdir import claimed

CONFIG = {
    "model": {"name": "vae", "latent_dim": 2, "hidden": [16]},
    "data": {"name": "digits", "batch_size": 100, "binarize": "stochastic"},  # 12 steps per epoch
    "train": {"epochs": 2, "optimizer": {"name": "adam", "learning_rate": 1e-2}, "checkpoint_seconds": 0.0},
    "evaluate": {"num_samples": 10},
}
PNG = b"\x89PNG"


def config(*overrides, folder=None):
    place = folder / "config.py"
    if not place.exists():
        place.write_text(f"def get_config():\n    return {CONFIG!r}\n")
    return training.load_config(place, overrides)


def fit(folder, workdir, *overrides, **options):
    return training.train(config(*overrides, folder=folder), folder / workdir, verbose=0, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="module")
def trained(folder):
    """Results of the finished run in `folder / "vae"`."""
    return fit(folder, "vae")


def contents(folder):
    """Every file below a folder with its bytes and time."""
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(Path(folder).rglob("*")) if p.is_file()}


def events(folder):
    """(tag, step) of every scalar below a TensorBoard folder."""
    records = tf.data.TFRecordDataset([str(p) for p in sorted(folder.rglob("events*"))])
    found = [tf.compat.v1.Event.FromString(record.numpy()) for record in records]
    return [(value.tag, event.step) for event in found for value in event.summary.value]


# What a run writes.


@pytest.mark.parametrize("name", sparing(["vae", "ae", "cvae", "iwae"], ["vae"]))
def test_a_run_leaves_results_pictures_logs_and_a_checkpoint(name, folder, trained):
    place = folder / name
    results = trained if name == "vae" else fit(folder, name, f"model.name={name}")
    assert results == json.loads((place / "results.json").read_text(), parse_constant=pytest.fail)  # no NaN
    assert {"test_loss", "test_reconstruction", "active_units"} <= set(results["metrics"])
    for metric in results["metrics"].values():
        assert np.isfinite(metric["value"]) and metric["protocol"] and "stderr" in metric
    if name != "ae":
        assert results["metrics"]["test_log_likelihood"]["stderr"] > 0
    assert (results["epochs"], results["steps_per_epoch"], results["seed"]) == (2, 12, 0)
    assert {"keras", "tensorflow", "dgm_zoo"} <= set(results["versions"]) and results["machine"]
    for picture in ("samples", "reconstructions", "latent_map", "curves"):
        assert (place / f"{picture}.png").read_bytes().startswith(PNG)
    rows = list(csv.DictReader((place / "log.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2"] and float(rows[1]["val_loss"]) < float(rows[0]["val_loss"])
    assert sorted(events(place / "tensorboard")).count(("epoch_loss", 2)) == 2  # train and validation
    assert sorted(p.name for p in (place / "checkpoints").iterdir()) == ["epoch_000001", "epoch_000002"]
    model, _, loaded = training.load_run(place)
    given = {"label": 1} if name == "cvae" else {}
    assert loaded == results and model.sample(2, seed=0, **given).shape == (2, 8, 8, 1)


def test_a_finished_run_is_neither_trained_nor_measured_again(folder, trained, monkeypatch):
    before = contents(folder / "vae")
    assert fit(folder, "vae") == trained
    assert contents(folder / "vae") == before
    (folder / "vae" / "results.json").unlink()
    monkeypatch.setattr(keras.Model, "fit", pytest.fail)
    assert fit(folder, "vae") == trained  # measured again, to the same numbers


def test_a_trained_run_is_measured_again_with_another_section_evaluate(folder, trained, monkeypatch):
    shutil.copytree(folder / "vae", folder / "measured")
    monkeypatch.setattr(keras.Model, "fit", pytest.fail)
    found = fit(folder, "measured", "evaluate.num_samples=11")
    assert "K = 11" in found["metrics"]["test_log_likelihood"]["protocol"]
    assert found["metrics"]["test_loss"] == trained["metrics"]["test_loss"]
    assert json.loads((folder / "measured" / "config.json").read_text())["evaluate"]["num_samples"] == 11


@pytest.mark.exhaustive
def test_lower_precision_is_for_training_alone_and_limits_hold(folder):
    results = fit(
        folder, "limited", "train.precision=mixed_bfloat16", "train.epochs=1", "data.limit=230", "evaluate.limit=1",
        "train.seed=-1", "train.decay=cosine",
    )
    assert results["steps_per_epoch"] == 2 and results["metrics"]["test_log_likelihood"]["images"] == 1
    assert keras.config.dtype_policy().name == "float32"
    model, *_ = training.load_run(folder / "limited")
    assert {layer.compute_dtype for layer in model.encoder.layers} == {"float32"}


@pytest.mark.parametrize("wanted, steps, found", [(32, 550, 25), (32, 20, 20), (32, 557, 1), (1, 12, 1), (5, 12, 4)])
def test_executions_are_whole(wanted, steps, found):
    assert build.whole_executions(wanted, steps) == found


# Resuming.


class Killed(BaseException):
    """Stands for SIGKILL where a real one could not be aimed: nothing of the package catches it."""


def die(*_, **__):
    raise Killed


def half_saved(model, path, **_):
    Path(path).write_bytes(b"PK\x03\x04 and no more")
    raise Killed


DEATHS = [  # (the epoch at whose end it dies, or 0 for at once; where; the newest whole checkpoint after it)
    (2, keras.Model, "save", half_saved, 1),
    (3, checkpoints, "write_csv", die, 2),  # all is written but nothing renamed into place
    (4, checkpoints, "shutil", SimpleNamespace(copy=shutil.copy, rmtree=die), 4),  # epoch 2 is not deleted yet
    (0, logs.TensorBoard, "on_epoch_end", die, 4),  # while the epochs before are logged again
]


def save_with(change, at, save=Checkpoints.save):
    """`Checkpoints.save` that calls `change` first in epoch `at`."""

    def changed(saver, epoch, best):
        if epoch + 1 == at:
            change()
        save(saver, epoch, best)

    return changed


def assert_same_bits(*folders):
    """That the models of two checkpoints agree in every bit, their optimizers too."""
    one, two = (keras.saving.load_model(folder / "model.keras") for folder in folders)
    for (name, a), (_, b) in zip(checkpoints.state(one), checkpoints.state(two), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=name)


@pytest.mark.exhaustive
def test_a_run_that_died_four_times_ends_with_the_same_bits(folder, monkeypatch):
    changes = ["train.epochs=5", "train.decay=cosine", "train.steps_per_execution=3"]
    through = fit(folder, "through", *changes)
    again = folder / "again"
    for at, owner, name, death, newest in DEATHS:
        with monkeypatch.context() as patch:
            change = partial(patch.setattr, owner, name, death)
            change() if at == 0 else patch.setattr(Checkpoints, "save", save_with(change, at))
            with pytest.raises(Killed):
                fit(folder, "again", *changes)
        assert checkpoints.newest(again / "checkpoints").name == f"epoch_{newest:06d}"
        assert training.load_run(again)[2] is None  # whole, and not yet measured
    results = fit(folder, "again", *changes)
    assert results["metrics"] == through["metrics"] and results["best_epoch"] == through["best_epoch"]
    last = "checkpoints/epoch_000005"
    for name in ("log.csv", f"{last}/history.json"):
        assert (again / name).read_bytes() == (folder / "through" / name).read_bytes()
    assert_same_bits(*(folder / place / last for place in ("through", "again")))
    assert sorted(p.name for p in (again / "checkpoints").iterdir()) == ["epoch_000004", "epoch_000005"]
    assert not list(again.rglob(".incomplete-*"))
    found = events(again / "tensorboard")
    assert sorted(found) == sorted(events(folder / "through" / "tensorboard"))
    assert [step for tag, step in found if tag == "epoch_kl"] == [1, 2, 3, 4, 5] * 2


def test_sigterm_saves_the_last_whole_epoch_and_says_so(folder, trained, monkeypatch, capsys):
    """It comes in the middle of the second epoch, when the first has no checkpoint yet."""
    place = folder / "terminated"

    def end(callback, epoch, logs=None):
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    changes = ["train.checkpoint_seconds=1e9", "train.steps_per_execution=4"]  # it ends after 4 steps
    with monkeypatch.context() as patch:
        patch.setattr(logs.TensorBoard, "on_epoch_begin", end)
        with pytest.raises(SystemExit) as ended:
            fit(folder, "terminated", *changes)
    assert ended.value.code == 143 and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert capsys.readouterr().err == (
        f"dgm-zoo: ended by SIGTERM; the last whole epoch is in {place}/checkpoints/epoch_000001; run the same command "
        "again to resume\n"
    )
    assert fit(folder, "terminated", *changes)["metrics"] == trained["metrics"]
    assert_same_bits(*(folder / name / "checkpoints" / "epoch_000002" for name in ("vae", "terminated")))


@pytest.mark.slow
def test_a_run_that_was_killed_with_sigkill_ends_with_the_same_bits():
    script = Path(__file__).with_name("kill_and_resume.py")
    ran = subprocess.run([sys.executable, script, "--seed=1"], capture_output=True, text=True, timeout=1200)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    found = json.loads(ran.stdout)
    assert found["steps"] >= 300 and len(found["left_by_each_kill"]) == 3 and found["differences"] == []


def saver(workdir, losses=(), seconds=0.0, patience=None, epochs=9):
    """A callback on a tiny model, whose first weight is the number of epochs so far."""
    model = tiny("vae")
    model.compile("adam")
    found = Checkpoints(workdir, [{"val_loss": float(loss)} for loss in losses], seconds, patience)
    found.set_model(model)
    found.set_params({"epochs": epochs})
    return found


def epochs(found, losses):
    for loss in losses:
        epoch = len(found.history)
        found.model.weights[0].assign(np.full(found.model.weights[0].shape, epoch + 1.0))
        found.on_epoch_end(epoch, {"val_loss": loss})


def kept(workdir, name):
    return float(keras.saving.load_model(checkpoints.newest(workdir / "checkpoints") / name).get_weights()[0].flat[0])


def test_the_best_weights_are_kept_between_checkpoints_and_over_a_resume(tmp_path):
    first = saver(tmp_path, seconds=1e9)
    epochs(first, [3, 1, 2])
    assert checkpoints.newest(tmp_path / "checkpoints") is None  # its time has not come
    first.seconds = 0.0
    epochs(first, [4])
    assert (kept(tmp_path, "model.keras"), kept(tmp_path, "best.keras")) == (4.0, 2.0)
    assert float(first.model.get_weights()[0].flat[0]) == 4.0
    resumed = saver(tmp_path, [3, 1, 2, 4])
    epochs(resumed, [5])
    assert (kept(tmp_path, "model.keras"), kept(tmp_path, "best.keras")) == (5.0, 2.0)
    epochs(resumed, [0.5])
    assert (kept(tmp_path, "model.keras"), kept(tmp_path, "best.keras")) == (6.0, 6.0)


def test_early_stopping_counts_the_epochs_before_a_resume(tmp_path):
    epochs(saver(tmp_path, patience=3), [3, 1, 2])
    resumed = saver(tmp_path, [3, 1, 2], seconds=1e9, patience=3)
    epochs(resumed, [2])
    assert not resumed.model.stop_training and not checkpoints.stopped_early(resumed.history, 3)
    epochs(resumed, [2])
    assert resumed.model.stop_training and checkpoints.stopped_early(resumed.history, 3)
    assert checkpoints.newest(tmp_path / "checkpoints").name == "epoch_000005"  # written though no time has passed


def test_two_processes_cannot_train_in_one_workdir(folder):
    with claimed(folder / "busy"), pytest.raises(InvalidInput, match="another process is training in workdir"):
        fit(folder, "busy")
    assert [p.name for p in (folder / "busy").iterdir()] == [".lock"]


# Loss that is not finite.


def rates(*pieces):
    """Replaces the run's optimizer by one whose learning rate changes to the given ones at the given steps."""
    steps, values = zip(*pieces, strict=True)
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(list(steps), [1e-2, *values])
    return lambda train, players, total_steps: {player: keras.optimizers.SGD(schedule) for player in players}


def test_a_loss_that_is_not_finite_keeps_the_last_good_checkpoint(folder, capsys, monkeypatch):
    place = folder / "nan"
    monkeypatch.setattr(build, "make_optimizers", rates((16, 1e30)))
    words = ["train", f"--config={folder / 'config.py'}", f"--workdir={place}"]
    code, sentence = fails(capsys, *words)
    assert code == 3 and "NaN or infinite at step 19" in sentence and "term '" in sentence
    assert str(place / "checkpoints" / "epoch_000001") in sentence
    model, _, results = training.load_run(place)
    assert results is None and all(np.isfinite(w).all() for w in model.get_weights())
    code, sentence = fails(capsys, *words, "--config.train.optimizer.learning_rate=0.001")
    assert code == 2 and "train.optimizer.learning_rate is 0.01 there and 0.001 here" in sentence
    assert "choose another workdir, or --overwrite" in sentence


def test_a_last_step_that_spoils_the_weights_is_not_saved(tmp_path):
    found = saver(tmp_path)
    epochs(found, [1])
    for spoil in (found.model.weights[1], found.model.optimizers["theta"].variables[-1]):
        good = spoil.numpy()
        spoil.assign(np.full(spoil.shape, np.inf))
        with pytest.raises(NonFiniteLoss, match="variable '.+' became NaN or infinite by step 0; lower the learning"):
            epochs(found, [1])
        spoil.assign(good)
    with pytest.raises(NonFiniteLoss, match="term 'val_loss' became NaN"):
        epochs(found, [float("nan")])
    assert checkpoints.newest(tmp_path / "checkpoints").name == "epoch_000001" and len(found.history) == 1


# Bad input: one sentence, exit code 2, and nothing on disk changed.


def fails(capsys, *words):
    """Runs a command line that must fail; returns its exit code and its one sentence."""
    code = main(list(words))
    err = capsys.readouterr().err
    assert err.startswith("dgm-zoo: ") and err.count("\n") == 1 and "Traceback" not in err, err
    return code, err


def refused(capsys, folder, *words):
    before = contents(folder)
    code, sentence = fails(capsys, *words)
    assert code == 2
    assert contents(folder) == before
    return sentence


BROKEN = {
    "syntax.py": ("def get_config(:\n", "SyntaxError"),
    "nothing.py": ("x = 1\n", "has no get_config(); define it"),
    "raises.py": ("def get_config():\n    raise KeyError('x')\n", "is broken (KeyError: 'x'); correct it"),
    "exits.py": ("raise SystemExit(0)\n", "is broken (SystemExit: 0); correct it"),
    "none.py": ("def get_config():\n    return None\n", "gives NoneType; let it give a ConfigDict"),
    "array.py": ("import numpy as np\ndef get_config():\n    return {'model': np.ones(2)}\n", "config.model is array("),
    "section.py": ("def get_config():\n    return {'model': 'vae'}\n", "config.model is 'vae'; make it a section"),
    "sections.py": ("def get_config():\n    return {'models': {}}\n", "did you mean 'model'?"),
    "empty.py": ("def get_config():\n    return {}\n", "config.model.name is missing or not a string; set it"),
    "broken.json": ('{"model":', "is broken (JSONDecodeError"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_config_file_is_refused(name, tmp_path, capsys):
    (tmp_path / name).write_text(BROKEN[name][0])
    sentence = refused(capsys, tmp_path, "train", f"--config={tmp_path / name}", f"--workdir={tmp_path / 'run'}")
    assert BROKEN[name][1] in sentence and "__pycache__" not in {p.name for p in tmp_path.iterdir()}


def test_a_missing_config_file_is_refused(tmp_path, capsys):
    for path in (tmp_path / "no.py", tmp_path / "no.json", tmp_path):
        assert "there is no config file" in refused(capsys, tmp_path, "train", f"--config={path}", "--workdir=run")


BAD = {
    "model.name=vea": "unknown model 'vea'; did you mean 'vae'?",
    "model.name=3": "config.model.name is missing or not a string",
    "model.likelihood=IndependentBernouli": "unknown head 'IndependentBernouli'; did you mean 'IndependentBernoulli'?",
    "model.latentdim=2": "did you mean 'model.latent_dim'?",
    "model.latent_dim=0": "latent_dim is 0; give a whole number of at least 1",
    "data.name=digit": "unknown data set 'digit'; did you mean 'digits'?",
    "data.batchsize=2": "did you mean 'data.batch_size'?",
    "data.batch_size=1294": "batch_size=1294 is more than the 1293 rows of 'train'; lower it",
    "data.batch_size=None": "config.data.batch_size is None",
    "data.limit=5000": "limit=5000 does not fit split 'train'; give 1 to 1293",
    "data.limit=0": "config.data.limit is 0",
    "data.labels=false": "config.data.labels is 'false'; give True or False",
    "data.image_size=9": "image_size=9 is not a size",
    "train.epoch=1": "did you mean 'train.epochs'?",
    "train.epochs=-1": "config.train.epochs is -1; give a whole number of at least 1",
    "train.epochs=1e400": "config.train.epochs is inf; give a finite number",
    "train.seed=2147483648": "seed is 2147483648; give a whole number",
    "train.seed=0.5": "seed is 0.5; give a whole number",
    "train.patience=0": "config.train.patience is 0; give None, or a whole number of at least 1",
    "train.checkpoint_seconds=abc": "config.train.checkpoint_seconds is 'abc'; give seconds, 0 or more",
    "train.jit_compile=yes": "config.train.jit_compile is 'yes'; give True, False or 'auto'",
    "train.decay=linear": "config.train.decay is 'linear'; give None, 'cosine', or stages such as",
    "train.precision=float16": "config.train.precision is 'float16'; give 'float32' or 'mixed_bfloat16'",
    "train.optimizer=sgd": "config.train.optimizer is 'sgd'; set config.train.optimizer.name",
    "train.optimizer.name=adamm": "unknown optimizer 'adamm'; did you mean 'adam'?",
    "train.optimizer.learning_rate=abc": "config.train.optimizer.learning_rate is 'abc'; give a positive number",
    "train.optimizer.learning_rate=-1": "config.train.optimizer.learning_rate is -1; give a positive number",
    "train.optimizer.players.phi.learning_rate=0.1": "unknown player 'phi'",
    "train.optimizer.players.theta=0.1": "config.train.optimizer.players.theta is 0.1; make it a section",
    "train.optimizer.players.theta.learning_rate=-1": "config.train.optimizer.learning_rate is -1; give a positive",
    "train.optimizer.momentum=0.9": "config.train.optimizer does not suit adam",
    "train=3": "override 'train=3' does not read section.key=value",
    "train.epochs.x=3": "'epochs' is a value, not a section",
    "trian.epochs=3": "unknown config section 'trian'; did you mean 'train'?",
    "evaluate.samples=3": "did you mean 'evaluate.num_samples'?",
    "evaluate.classifier=vae_digit": "unknown preset 'vae_digit'; did you mean 'vae_digits'?",
    "evaluate.classifier=vae_digits": "preset 'vae_digits' is not a classifier; set config.evaluate.classifier to one",
    "evaluate.limit=361": "limit=361 does not fit split 'test'; give 1 to 360",
}


@pytest.mark.parametrize("override", BAD)
def test_a_bad_value_is_refused_and_the_run_in_the_workdir_unharmed(override, folder, trained, capsys):
    words = ["train", f"--config={folder / 'config.py'}", f"--workdir={folder / 'vae'}", "--overwrite"]
    assert BAD[override] in refused(capsys, folder, *words, f"--config.{override}")


@pytest.mark.parametrize("changes, sentence", [
    (["data.name=binarized_mnist", "model.name=cvae"], "cvae needs labels, but data set 'binarized_mnist' has no l"),
    (["data.name=binarized_mnist", "data.labels=True"], "labels=True, but 'binarized_mnist' has no labels"),
    (["model.likelihood=IndependentLogistic"], "256 levels, but the data of 'digits' 2; set config.model"),
    (["model.likelihood=IndependentLogistic", "data.binarize=None"], "256 levels, but the data of 'digits' 17"),
    (["model.likelihood=IndependentLogistic", "data.binarize=None", "data.dequantize=True"], "dequantize is True"),
])
def test_a_model_that_does_not_suit_its_data_is_refused(changes, sentence, folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))  # nothing is prepared there
    config(folder=folder)
    words = ["train", f"--config={folder / 'config.py'}", f"--workdir={tmp_path / 'run'}"]
    assert sentence in refused(capsys, tmp_path, *words, *(f"--config.{change}" for change in changes))


@pytest.mark.exhaustive
def test_a_run_starts_from_the_best_weights_of_another(folder, trained):
    still = "train.optimizer.learning_rate=1e-30"
    fit(folder, "tuned", f"train.start_from='{folder / 'vae'}'", still, "train.epochs=1", "train.seed=5")
    first, tuned = (training.load_run(folder / name)[0] for name in ("vae", "tuned"))
    for before, after in zip(first.get_weights(), tuned.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert main(["export", f"--workdir={folder / 'tuned'}", f"--out={folder / 'presets'}", "--name=tuned"]) == 0
    assert serving.read_metadata(folder / "presets" / "tuned")["config"]["train"]["start_from"] == "vae"  # no path


def test_a_start_from_other_networks_or_no_run_is_refused(folder, trained, capsys):
    run = folder / "vae"
    config(folder=folder)
    for override, sentence in {
        f"train.start_from='{run}'": "a run of vae with other networks; name one with the same networks, or None",
        "train.start_from=nowhere": "workdir 'nowhere' holds no run",
        "train.start_from=3": "config.train.start_from is 3; give None, or the workdir of a run",
    }.items():
        command = ["train", f"--config={folder / 'config.py'}", f"--workdir={folder / 'refused'}"]
        assert main([*command, "--config.model.hidden=[7]", f"--config.{override}"]) == 2
        assert sentence in capsys.readouterr().err
    assert not (folder / "refused").exists()


def test_too_few_samples_to_judge_are_refused_before_training(folder, tmp_path, capsys):
    changes = ["model.likelihood=IndependentNormal", "data.binarize=None", "data.name=gaussian_mixtures/ring"]
    changes += ["evaluate.limit=100"]
    words = ["train", f"--config={folder / 'config.py'}", f"--workdir={tmp_path / 'run'}"]
    sentence = refused(capsys, tmp_path, *words, *(f"--config.{change}" for change in changes))
    assert "config.evaluate.limit is 100, too few samples to judge their quality; set it to at least 160" in sentence


def test_a_logistic_with_the_levels_of_the_data_is_built(folder):
    for likelihood, changes in [(17, []), (256, ["data.image_size=(16, 16)"]), (2, ["data.binarize=fixed"])]:
        head = f"model.likelihood={{'name': 'IndependentLogistic', 'levels': {likelihood}}}"
        build.build(config(head, "data.binarize=None", *changes, folder=folder))


@pytest.mark.parametrize("value, sentence", [
    (np.nan, "x holds NaN or infinite values, first in row 3"),
    (2.0, "x has values from 0 to 2, outside [0, 1]"),
])
def test_values_that_are_no_pixels_are_refused_before_training(value, sentence, tmp_path, capsys, monkeypatch, folder):
    from dgm_zoo.data import registry

    x = np.zeros((200, 8, 8, 1), "float32")
    x[3, 0, 0] = value
    monkeypatch.setattr(registry, "open_split", lambda *_: (x, np.zeros(200, "int32"), None, 17))
    config(folder=folder)
    words = ["train", f"--config={folder / 'config.py'}", f"--workdir={tmp_path / 'run'}"]
    assert sentence in refused(capsys, tmp_path, *words)


def test_a_workdir_that_is_no_folder_is_refused(folder, tmp_path, capsys):
    config(folder=folder)
    (tmp_path / "file").write_text("mine")
    for workdir in (tmp_path / "file", tmp_path / "file" / "below"):
        words = ["train", f"--config={folder / 'config.py'}", f"--workdir={workdir}", "--overwrite"]
        assert "is a file; give a folder" in refused(capsys, tmp_path, *words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.access", lambda *_: False)  # chmod does not stop root
        words = ["train", f"--config={folder / 'config.py'}", f"--workdir={tmp_path / 'new'}"]
        assert f"'{tmp_path}' is read-only; choose another" in refused(capsys, tmp_path, *words)


def test_an_untrained_workdir_has_nothing_to_evaluate_sample_or_export(folder, tmp_path, capsys):
    resolved = json.dumps(config(folder=folder).to_dict())
    for written, sentence in ((None, "holds no run; train one with"), (resolved, "holds an untrained run; train it")):
        if written:
            (tmp_path / "config.json").write_text(written)
        for command in (["evaluate"], ["sample", f"--out={tmp_path / 'x.png'}"], ["export", f"--out={tmp_path / 'x'}"]):
            assert sentence in refused(capsys, tmp_path, *command, f"--workdir={tmp_path}")


def truncated(path):
    path.write_bytes(path.read_bytes()[:1000])


def scrambled(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = bytes(2000)
    path.write_bytes(content)


def another_keras_model(path):
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.save(path)


def another_vae(path):
    model = tiny("vae")
    model.compile("adam")
    model.save(path)


@pytest.mark.parametrize("damage", [truncated, scrambled, another_keras_model, another_vae, Path.unlink])
def test_a_damaged_or_foreign_checkpoint_is_refused(damage, folder, trained, tmp_path, capsys):
    place = tmp_path / "run"
    shutil.copytree(folder / "vae", place)
    (place / "results.json").unlink()
    for path in place.rglob("*.keras"):
        damage(path)
    for command in (["train", f"--config={folder / 'config.py'}"], ["evaluate"]):
        sentence = refused(capsys, place, *command, f"--workdir={place}")
        assert "epoch_000002" in sentence and "train with --overwrite to start afresh" in sentence


@pytest.mark.exhaustive
def test_a_damaged_checkpoint_is_trained_again_from_the_one_before_to_the_same_bits(folder, trained, tmp_path):
    place = tmp_path / "run"
    shutil.copytree(folder / "vae", place)
    (place / "results.json").unlink()
    scrambled(place / "checkpoints" / "epoch_000002" / "best.keras")
    with pytest.warns(UserWarning, match="epoch_000002' is damaged .best.keras .*epoch_000001 is used instead"):
        assert training.train(config(folder=folder), place, verbose=0)["metrics"] == trained["metrics"]
    assert_same_bits(*(where / "checkpoints" / "epoch_000002" for where in (folder / "vae", place)))


def test_overwrite_starts_afresh_and_deletes_nothing_else(folder, trained, tmp_path):
    place = tmp_path / "run"
    shutil.copytree(folder / "vae", place)
    for name in ("notes.txt", "mine.png"):
        (place / name).write_text("mine")
    results = training.train(config("train.epochs=1", folder=folder), place, overwrite=True, verbose=0)
    assert results["epochs"] == 1 and [p.name for p in (place / "checkpoints").iterdir()] == ["epoch_000001"]
    assert (place / "notes.txt").exists() and (place / "mine.png").exists()
