"""Sweeps over a grid and seeds, and runs compared: processes, folders, tables, curves, and what is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_training import CONFIG

from dgm_zoo import training
from dgm_zoo.cli.main import main
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training import comparison
from dgm_zoo.training.workdir import read_json, write_json

module = sys.modules["dgm_zoo.training.sweep"]
SHORT = ["train.epochs=1", "data.limit=100", "evaluate.limit=20", "evaluate.num_samples=2"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config.py").write_text(f"def get_config():\n    return {CONFIG!r}\n")
    return tmp_path


def finished(folder, seed, loss, **model):
    """A workdir as a finished run leaves it, as far as `compare_runs` reads it."""
    config = {"model": {"name": "vae", **model}, "data": {"name": "digits"}, "train": {"seed": seed}, "evaluate": {}}
    metric = {"value": loss, "stderr": 0.5, "protocol": f"mean of {model}"}
    folder.mkdir(parents=True)
    write_json(config, folder / "config.json")
    write_json({"metrics": {"test_loss": metric}, "training_seconds": 60.0 + seed}, folder / "results.json")
    return folder


def test_runs_that_differ_in_the_seed_are_one_row(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "_history", lambda folder: [{"val_loss": 9.0}, {"val_loss": 3.0}])
    runs = [finished(tmp_path / f"z{z}-{seed}", seed, float(z + seed), latent_dim=z) for z in (2, 8) for seed in (0, 1)]
    (tmp_path / "notes").mkdir()
    found = training.compare_runs([*runs, runs[0], tmp_path / "notes"], out=tmp_path / "out")
    assert [(row["label"], row["seeds"]) for row in found["rows"]] == [
        ("model.latent_dim=2", [0, 1]), ("model.latent_dim=8", [0, 1]),
    ]
    metric = found["rows"][1]["metrics"]["test_loss"]
    assert (metric["value"], metric["stderr"], metric["stderr_over"]) == (8.5, 0.5, "seeds")
    assert found["left_out"] == [str(tmp_path / "notes")]
    page = (tmp_path / "out" / "comparison.md").read_text()
    assert "| model.latent_dim=2 | 2 of 2 | 2 | 1.0 | 2.5 ± 0.5 |" in page and "- `test_loss`: mean of" in page
    assert (tmp_path / "out" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    (runs[0] / "results.json").unlink()
    assert found["caveats"] == []
    half = training.compare_runs(runs[:1], out=tmp_path / "out")
    assert half["rows"][0]["metrics"] == {} and half["rows"][0]["label"] == "model.name=vae"


def test_a_comparison_of_runs_on_other_data_says_so(here, capsys):
    for name in ("digits", "mnist"):
        config = read_json(finished(here / name, 0, 1.0) / "config.json")
        write_json({**config, "data": {"name": name, "batch_size": len(name)}}, here / name / "config.json")
    assert main(["compare-runs", "digits", "mnist"]) == 0
    sentence = "The runs differ in data.name: their test examples are not the same."
    assert sentence in capsys.readouterr().out and sentence in Path("comparison/comparison.md").read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "give the workdirs of runs; for example dgm-zoo compare-runs"),
        (["no"], "'no' holds no run; give the workdirs of runs"),
        (["z2", "--metric=test_los"], "unknown metric of all these runs 'test_los'; did you mean 'test_loss'?"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_one_sentence(here, capsys, words, sentence):
    finished(here / "z2", 0, 1.0)
    assert main(["compare-runs", *words]) == 2
    assert sentence in capsys.readouterr().err and not (here / "comparison").exists()


GRID = ["--grid", "model.latent_dim=2,3"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--grid", "latent_dim=2"], "--grid 'latent_dim=2' does not read section.key=value,value"),
        (["--grid", "model.latent_dim="], "does not read section.key=value,value"),
        ([], "sweep needs --grid; for example dgm-zoo sweep"),
        ([*GRID, *GRID], "--grid model.latent_dim is given twice"),
        (["--grid", "model.latent_dim=2,2"], "grid key 'model.latent_dim' has the values [2, 2]"),
        (["--grid", "model.latentdim=2"], "did you mean 'model.latent_dim'?"),
        (["--grid", "model.latent_dim=2,0"], "latent_dim is 0; give a whole number of at least 1"),
        (["--grid", "train.seed=1,2"], "train.seed is set by the number of seeds"),
        ([*GRID, "--config.train.seed=1"], "train.seed is set by the number of seeds"),
        ([*GRID, "--seeds=0"], "seeds is 0; give a whole number of at least 1"),
        ([*GRID, "--processes=100000"], "processes is 100000; give a whole number from 1 to"),
        (["--grid", "model.activation='a b','a/b'"], "two points of the grid would have the folder 'activation=a_b'"),
    ],
)
def test_a_sweep_that_cannot_be_made_is_one_sentence_before_any_run(here, capsys, monkeypatch, words, sentence):
    monkeypatch.setattr(subprocess, "Popen", pytest.fail)
    assert main(["sweep", "--config=config.py", "--workdir=w", *words]) == 2
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1 and not (here / "w").exists()


def test_values_of_a_grid_are_literals_or_words():
    import importlib

    parsed = importlib.import_module("dgm_zoo.cli.commands.sweep").parsed
    assert parsed("model.hidden=[64],[64,32]") == ("model.hidden", [[64], [64, 32]])
    assert parsed("train.decay=None,cosine") == ("train.decay", [None, "cosine"])
    assert parsed("a.b=1e-3") == ("a.b", [1e-3])


def test_processes_are_bounded_and_a_failed_run_stops_no_other(here, monkeypatch):
    """With processes that only sleep, or fail, in the place of runs."""
    running, most = [], []

    def start(job, threads):
        code = "import sys, time; time.sleep(0.2); sys.exit(sys.argv[1])" if job.config.model.latent_dim == 3 else ""
        messages = open(os.devnull, "r+b") if not code else open(here / "messages", "w+b")
        process = subprocess.Popen([sys.executable, "-c", code, "it broke"], stderr=messages)
        running.append(process)
        most.append(sum(one.poll() is None for one in running))
        return module.Child(job, process, messages, time.monotonic())

    monkeypatch.setattr(module, "_start", start)
    monkeypatch.setattr(module, "cores", lambda: 2)
    said = []
    with pytest.raises(InvalidInput, match="1 of 3 runs failed, first 'latent_dim=3-seed0': it broke; correct it"):
        training.sweep("config.py", {"model.latent_dim": [2, 3, 4]}, "w", progress=said.append)
    assert max(most) == 2 and len(said) == 3


@pytest.mark.slow  # four processes that import TensorFlow
def test_a_sweep_is_killed_resumed_and_grown(here):
    words = [
        sys.executable, "-m", "dgm_zoo.cli", "sweep", "--config=config.py", "--workdir=w", "--seeds=2", "--json",
        *(f"--config.{change}" for change in SHORT), "--grid",
    ]
    killed = subprocess.Popen([*words, "model.latent_dim=2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(here.glob("w/*/results.json")):
        assert killed.poll() is None
        time.sleep(0.05)
    killed.send_signal(signal.SIGTERM)
    assert killed.wait(120) == 143
    kept = {path: path.stat().st_mtime_ns for path in here.glob("w/*/results.json")}
    ran = subprocess.run([*words, "model.latent_dim=2,3"], capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert [(row["label"], row["finished"]) for row in found["rows"]] == [
        ("model.latent_dim=2", 2), ("model.latent_dim=3", 2),
    ]
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    for row in found["rows"]:
        for folder, value in zip(row["runs"], row["metrics"]["test_loss"]["values"], strict=True):
            assert json.loads(Path(folder, "results.json").read_text())["metrics"]["test_loss"]["value"] == value
    assert {Path(file).name for file in found["files"]} == {"comparison.json", "comparison.md", "comparison.png"}
