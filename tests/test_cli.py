"""The `dgm-zoo` command: what it prints, what it writes, and how it ends."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from dgm_zoo.cli.main import COMMANDS, main
from dgm_zoo.cli.parsing import split_overrides
from dgm_zoo.errors import InvalidInput

CONFIG = '''
from ml_collections import ConfigDict

def get_config():
    return ConfigDict({
        "model": {"name": "vae", "latent_dim": 2, "hidden": [16]},
        "data": {"name": "digits", "batch_size": 100, "binarize": "stochastic"},
        "train": {"epochs": 2, "optimizer": {"name": "adam", "learning_rate": 1e-2}},
        "evaluate": {"num_samples": 10},
    })
'''


def quiet_main(*words):
    """Runs the command; returns its JSON document."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = main([*words, "--json"])
    assert code == 0
    return json.loads(out.getvalue())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    (folder / "tiny.py").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    """What `train --json` prints for a VAE of two epochs."""
    return quiet_main("train", f"--config={folder / 'tiny.py'}", f"--workdir={folder / 'vae'}")


@pytest.fixture(scope="module")
def conditional(folder):
    """The preset of a model that is conditioned on labels, with its first weights."""
    from dgm_zoo import models, serving, training

    config = training.load_config(folder / "tiny.py", ["model.name=cvae"]).to_dict()
    arguments = {"image_shape": (8, 8, 1), "num_classes": 10, "latent_dim": 2, "hidden": [16], "seed": 0}
    return serving.export(models.create("cvae", **arguments), folder, "cvae", metadata={"config": config})


def fails(capsys, code, *words):
    """Runs a command line that must fail; returns its one sentence."""
    assert main(list(words)) == code
    out, err = capsys.readouterr()
    assert out == "" or code == 3  # training had begun
    assert err.startswith("dgm-zoo: ") and err.count("\n") == 1
    return err


# Help, and words that do not exist.


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command_with_an_example(capsys, words):
    assert main(words) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name}" in out for name in COMMANDS) and "example:\n  dgm-zoo" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_with_examples_that_parse(capsys, name):
    import importlib

    from dgm_zoo.cli import parsing

    assert main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: dgm-zoo {name} ") and "--json" in out
    command = importlib.import_module(f"dgm_zoo.cli.commands.{name}")
    for line in command.EXAMPLES:
        assert line in out
        words = line.split()
        example = importlib.import_module(f"dgm_zoo.cli.commands.{words[1]}")
        parsing.parse(words[1], example, words[2:])


def test_help_and_lists_of_names_do_without_tensorflow():
    code = (
        "import sys\n"
        "from dgm_zoo.cli.main import main\n"
        "assert main([]) == 0 and main(['train', '--help']) == 0\n"
        "assert main(['list']) == 0 and main(['presets', 'list', '--json']) == 0\n"
        "assert main(['data', 'list']) == 0\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sampel"], "unknown command 'sampel'; did you mean 'sample'?"),
        (["--jsno"], "--jsno"),
        (["sample", "--sede=1"], "did you mean '--seed'?"),
        (["train", "--confg=x"], "did you mean '--config'?"),
        (["sample", "--n=many"], "--n=many"),
        (["sample", "--n"], "--n"),
        (["sample", "extra"], "'extra'"),
        (["sample"], "--workdir=DIR"),
        (["sample", "--workdir=a", "--preset=b"], "--preset=NAME"),
        (["sample", "--workdir=a", "--n=0"], "--n=0"),
        (["sample", "--workdir=a", "--out=x.jpg"], "'.jpg'; did you mean '.png'?"),
        (["interpolate", "--workdir=a", "--steps=1"], "--steps=1"),
        (["evaluate", "--workdir=a", "--split=tset"], "did you mean 'test'?"),
        (["export", "--workdir=no/such/run"], "no/such/run"),
        (["sample", "--preset=no_such_preset"], "no_such_preset"),
        (["list", "modles"], "did you mean 'models'?"),
        (["describe"], "for example dgm-zoo describe vae"),
        (["describe", "iwaee"], "did you mean 'iwae'?"),
        (["data"], "prepare NAME"),
        (["data", "prepare"], "dgm-zoo data prepare digits"),
        (["data", "prepare", "digit"], "did you mean 'digits'?"),
        (["data", "lsit"], "did you mean 'list'?"),
        (["data", "list", "digits"], "'digits'"),
        (["reproduce"], "NAME is missing"),
        (["train", "--workdir=x"], "--config"),
        (["train", "--config=c.py"], "--workdir"),
        (["train", "--config=no_such.py", "--workdir=x"], "no_such.py"),
        (["train", "--config=c.py", "--workdir=x", "--config.train.epochs"], "--config.train.epochs=VALUE"),
    ],
)
def test_a_mistake_ends_with_code_2_and_one_sentence(capsys, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    assert sentence in fails(capsys, 2, *words)
    assert not list(tmp_path.iterdir())


def test_overrides_are_told_from_flags():
    words = ["--config=c.py", "--config.train.epochs=2", "--json", "--config.evaluate.limit", "-1", "--workdir=w"]
    assert split_overrides(words) == (
        ["--config=c.py", "--json", "--workdir=w"], ["train.epochs=2", "evaluate.limit=-1"],
    )
    with pytest.raises(InvalidInput, match="--config.train.seed=VALUE"):
        split_overrides(["--config.train.seed", "--workdir=w"])


# Lists and descriptions.


def test_list_and_data_list(capsys):
    assert {"cvae", "iwae", "vae"} <= set(quiet_main("list", "models")["models"])
    sets = {it["name"]: it for it in quiet_main("data", "list")["datasets"]}
    assert sets["digits"]["image_shape"] == [8, 8, 1] and sets["digits"]["splits"]["test"] == 360
    assert main(["data", "list"]) == 0
    assert "binarized_mnist" in capsys.readouterr().out


def test_data_prepare_says_where_the_set_lies():
    folder = quiet_main("data", "prepare", "digits")["folder"]
    assert os.path.isfile(os.path.join(folder, "dataset_info.json"))


def test_describe_states_players_objective_and_arguments(capsys):
    from dgm_zoo.cli.commands import describe
    from dgm_zoo.models import list_models, model_class

    for name in list_models():
        found = quiet_main("describe", name)
        assert set(found["players"]) == set(model_class(name).players)
        assert "max_{" in found["description"] and found["create"]["image_shape"]["required"]
        assert found["create"].get("latent_dim") in ({"required": False, "settable": True, "default": 32}, None)
        assert not found["create"]["image_shape"]["settable"]
        out = describe.show(found)
        assert all(f"  {player}" in out for player in found["players"])
        other = {"classifier": "classify(x", "ada": "classify(x", "cyclegan": "to_target(x", "pm": "encode(x"}
        assert other.get(name, "sample(seed") in out
    assert main(["describe", name]) == 0
    assert capsys.readouterr().out == f"{out}\n"


def test_reproduce_hands_its_flags_on_and_prints_the_table(monkeypatch, capsys):
    from dgm_zoo import training

    asked = {}

    def reproduce(name, **options):
        asked.update(options, name=name)
        row = {"model": "iwae", "dataset": "mnist", "metric": "log_likelihood", "value": -84.8812, "stderr": 0.31}
        rows = [{**row, "published": -84.78}, {**row, "published": None}]
        return {"rows": rows, "files": ["here/iwae_mnist.json", "here/iwae_mnist.md"]}

    monkeypatch.setattr(training, "reproduce", reproduce, raising=False)
    assert main(["reproduce", "iwae_mnist", "--quick", "--out=here", "--workdir=there", "--rows=iw.*"]) == 0
    assert asked == {"name": "iwae_mnist", "out": "here", "quick": True, "workdir": "there", "rows": "iw.*"}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["model", "dataset", "metric", "value", "stderr", "published"]
    assert [line.split()[-3:] for line in lines[1:3]] == [["-84.88", "0.31", "-84.78"], ["-84.88", "0.31", "-"]]
    assert lines[3:] == ["", "wrote here/iwae_mnist.json, here/iwae_mnist.md"]


# A run, from its config to its export.


def test_train_leaves_a_run_and_says_how_to_go_on(trained, folder, capsys):
    from dgm_zoo.cli.commands import train

    metric = trained["results"]["metrics"]["test_log_likelihood"]
    assert json.loads((folder / "vae" / "results.json").read_text())["metrics"]["test_log_likelihood"] == metric
    text = train.show(trained)
    assert f"{metric['value']:.2f} ± {metric['stderr']:.2g} ({metric['protocol']})" in text
    serve, ask = trained["serve_commands"]
    assert f"-v {folder / 'vae' / 'export' / 'tiny'}:/models/tiny -e MODEL_NAME=tiny" in serve
    assert json.loads(ask.split("'")[1]) == {"instances": [{"seed": 0}]}
    assert trained["sample_command"] in text and serve in text and ask in text
    assert os.path.isfile(os.path.join(trained["export"], "saved_model.pb"))
    metadata = json.loads(open(os.path.join(trained["export"], "metadata.json")).read())
    assert metadata["metrics"]["test_log_likelihood"] == metric and metadata["config"]["model"]["latent_dim"] == 2


def test_the_printed_sample_command_works(trained, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(trained["sample_command"].split()[1:]) == 0
    assert "64 samples" in capsys.readouterr().out
    assert np.asarray(Image.open("samples.png")).shape == (8 * 58 + 2, 8 * 58 + 2, 3)


def test_samples_are_the_models_from_workdir_and_preset_alike(trained, folder, tmp_path):
    from dgm_zoo.training import load_run

    one, other, array = tmp_path / "new" / "one.npz", tmp_path / "other.npz", tmp_path / "x.npy"
    quiet_main("sample", f"--workdir={folder / 'vae'}", "--n=5", "--seed=3", f"--out={one}")
    quiet_main("sample", f"--preset={trained['export']}", "--n", "5", "--seed", "3", f"--out={other}")
    document = quiet_main("sample", f"--workdir={folder / 'vae'}", "--n=3", "--seed=3", f"--out={array}")
    assert document == {"out": str(array), "n": 3, "seed": 3, "label": None, "shape": [3, 8, 8, 1]}
    x = load_run(folder / "vae")[0].sample(5, seed=3)
    np.testing.assert_array_equal(np.load(one)["x"], x)
    np.testing.assert_allclose(np.load(other)["x"], x, rtol=1e-5)
    np.testing.assert_allclose(np.load(array), x[:3], rtol=1e-5)  # a product of fewer rows may add in another order


def test_labels_are_taken_by_conditional_models_alone(conditional, trained, folder, capsys, tmp_path):
    out = tmp_path / "x.npz"
    quiet_main("sample", f"--preset={conditional}", "--n=12", f"--out={out}")
    np.testing.assert_array_equal(np.load(out)["label"], np.arange(12) % 10)
    quiet_main("sample", f"--preset={conditional}", "--n=12", "--label=7", f"--out={out}")
    np.testing.assert_array_equal(np.load(out)["label"], np.full(12, 7))
    assert "--label=10" in fails(capsys, 2, "sample", f"--preset={conditional}", "--label=10", f"--out={out}")
    assert "--label=1" in fails(capsys, 2, "sample", f"--workdir={folder / 'vae'}", "--label=1", f"--out={out}")


@pytest.mark.parametrize("seed", [2**31, -(2**40)])
def test_a_seed_that_is_no_int32_is_refused(trained, folder, capsys, tmp_path, seed):
    words = ["sample", f"--workdir={folder / 'vae'}", f"--seed={seed}", f"--out={tmp_path / 'x.png'}"]
    assert f"seed is {seed}; give a whole number" in fails(capsys, 2, *words)
    assert not list(tmp_path.iterdir())


def test_a_path_that_cannot_be_written_is_named(trained, folder, capsys):
    out = folder / "tiny.py" / "samples.png"
    assert "tiny.py" in fails(capsys, 2, "sample", f"--workdir={folder / 'vae'}", f"--out={out}")


def test_reconstruct_takes_the_first_test_images(trained, folder, capsys, tmp_path):
    from dgm_zoo import data
    from dgm_zoo.training import load_run

    quiet_main("reconstruct", f"--workdir={folder / 'vae'}", "--n=4", f"--out={tmp_path / 'r.npz'}")
    found = np.load(tmp_path / "r.npz")
    x = next(iter(data.load("digits", "test", 4, binarize="stochastic"))).numpy()
    np.testing.assert_array_equal(found["x"], x)
    np.testing.assert_array_equal(found["reconstruction"], load_run(folder / "vae")[0].reconstruct(x))
    quiet_main("reconstruct", f"--preset={trained['export']}", f"--out={tmp_path / 'r.png'}")
    assert np.asarray(Image.open(tmp_path / "r.png")).shape[1] == 16 * 58 + 2
    assert "1 to 360" in fails(capsys, 2, "reconstruct", f"--workdir={folder / 'vae'}", "--n=361")


def test_interpolation_ends_at_the_reconstructions(trained, conditional, folder, tmp_path):
    quiet_main("interpolate", f"--workdir={folder / 'vae'}", "--rows=2", "--steps=5", f"--out={tmp_path / 'i.npz'}")
    quiet_main("reconstruct", f"--workdir={folder / 'vae'}", "--n=4", f"--out={tmp_path / 'r.npz'}")
    found, ends = np.load(tmp_path / "i.npz"), np.load(tmp_path / "r.npz")["reconstruction"]
    assert found["x"].shape == (2, 5, 8, 8, 1) and found["z"].shape == (2, 5, 2)
    np.testing.assert_allclose(found["x"][:, 0], ends[[0, 2]], atol=1e-5)
    np.testing.assert_allclose(found["x"][:, -1], ends[[1, 3]], atol=1e-5)
    np.testing.assert_allclose(np.diff(found["z"], 2, axis=1), 0, atol=1e-5)  # a straight line
    quiet_main("interpolate", f"--preset={conditional}", "--rows=3", f"--out={tmp_path / 'c.png'}")
    assert np.asarray(Image.open(tmp_path / "c.png")).shape == (3 * 58 + 2, 11 * 58 + 2, 3)


def test_evaluate_prints_the_numbers_of_the_run(trained, capsys):
    metric = trained["results"]["metrics"]["test_log_likelihood"]
    assert main(["evaluate", f"--preset={trained['export']}"]) == 0
    out = capsys.readouterr().out
    assert f"{metric['value']:.2f} ± {metric['stderr']:.2g}" in out and metric["protocol"] in out


def test_json_is_alone_on_stdout_and_progress_on_stderr(trained, folder, capsys):
    assert main(["evaluate", f"--workdir={folder / 'vae'}", "--split=validation", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "validation_log_likelihood" in json.loads(out)["metrics"] and "log_likelihood" in err


def test_export_adds_a_version_that_list_describe_and_sample_know(trained, folder, capsys, monkeypatch):
    place = folder / "vae" / "export"
    words = ["export", f"--preset={trained['export']}", f"--out={place}", "--name=tiny"]
    assert quiet_main(*words)["path"] == str(place / "tiny" / "2")
    assert "give another version" in fails(capsys, 2, *words, "--version=1")
    monkeypatch.setenv("DGM_ZOO_PRESETS", str(place))
    assert "tiny" in quiet_main("list", "presets")["presets"]
    found = quiet_main("describe", "tiny")
    assert found["kind"] == "preset" and found["dataset"]["name"] == "digits" and found["version"] == 2
    assert quiet_main("describe", trained["export"])["version"] == 1
    assert main(["describe", "tiny"]) == 0
    assert "test_log_likelihood" in capsys.readouterr().out
    assert "did you mean 'vae_digits'?" in fails(capsys, 2, "sample", "--preset=vae_digit")


def test_an_export_has_the_name_of_the_runs_config(trained, folder, tmp_path):
    from dgm_zoo.cli.exporting import name_of_config

    words = ["export", f"--workdir={folder / 'vae'}", f"--out={tmp_path}"]
    assert quiet_main(*words)["path"] == str(tmp_path / "tiny" / "1")
    assert name_of_config("configs/ada_mnist_usps.py", ["train.epochs=2"]) == "ada_mnist_usps"
    assert name_of_config("vae_mnist", []) == "vae_mnist" and name_of_config("my config.py", []) == "my_config"
    assert name_of_config("vae_mnist", ["data.name=fashion_mnist"]) is None
    assert name_of_config("runs/a/config.json", []) is None


def test_another_config_in_the_workdir_is_refused_and_the_run_unharmed(trained, folder, capsys):
    before = {p: p.stat().st_mtime_ns for p in sorted((folder / "vae").rglob("*"))}
    words = ["train", f"--config={folder / 'tiny.py'}", f"--workdir={folder / 'vae'}"]
    assert "model.latent_dim" in fails(capsys, 2, *words, "--config.model.latent_dim=3")
    assert "did you mean 'model.latent_dim'?" in fails(capsys, 2, *words, "--config.model.latentdim=3")
    assert {p: p.stat().st_mtime_ns for p in sorted((folder / "vae").rglob("*"))} == before


def test_a_loss_that_is_not_finite_ends_with_code_3(folder, capsys, tmp_path):
    words = ["train", f"--config={folder / 'tiny.py'}", f"--workdir={tmp_path / 'nan'}"]
    assert "NaN or infinite" in fails(capsys, 3, *words, "--config.train.optimizer.learning_rate=1e20")


# As a process.


def process(folder, *words, **options):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_CPP")}
    command = [sys.executable, "-m", "dgm_zoo.cli", *words]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job's children ignore Ctrl-C
        **options,
    )


def test_a_process_that_fails_shows_one_sentence(folder):
    ran = process(folder, "data", "prepare")
    assert ran.communicate(timeout=60) == (
        "", "dgm-zoo: data prepare needs the NAME of a data set; for example dgm-zoo data prepare digits\n",
    )
    assert ran.returncode == 2


def test_a_process_shows_a_warning_in_one_line(folder):
    (folder / "warning.py").write_text("import warnings\nwarnings.warn('two\\nlines')\n", encoding="utf-8")
    ran = process(folder, "data", "describe", "digits", "--imports=warning")
    assert ran.communicate(timeout=120)[1] == "dgm-zoo: warning: two lines\n"


def test_tensorflow_is_as_silent_as_the_user_asks_where_she_sets_its_variable():
    """TensorFlow 2.21 writes lines before it reads the variable, at any level."""
    code = "from dgm_zoo.cli import quiet; quiet.import_tensorflow(); import keras, tensorflow"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.exhaustive
def test_control_c_ends_with_code_130_and_how_to_resume_and_no_log_of_tensorflow(folder):
    ran = process(folder, "train", "--config=tiny.py", "--workdir=stopped", "--config.train.epochs=1000000")
    for _ in range(1200):
        if (folder / "stopped" / "tensorboard").exists():  # training has begun
            break
        time.sleep(0.1)
    ran.send_signal(signal.SIGINT)
    _, err = ran.communicate(timeout=120)
    assert ran.returncode == 130
    assert err == "dgm-zoo: interrupted; run the same command again to resume from the last checkpoint\n"
