"""Runs trained by JAX from the traced step: what is taken, and that the way there and back is a run like any other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dgm_zoo import training
from dgm_zoo.training.workdir import read_json

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
CONFIG = '''
def get_config():
    return {
        "model": {"name": "vae", "latent_dim": 2, "hidden": [16]},
        "data": {"name": "digits", "batch_size": 100, "binarize": "stochastic"},
        "train": {"epochs": 20, "seed": 3, "optimizer": {"name": "adam", "learning_rate": 3e-3}},
        "evaluate": {"num_samples": 10},
    }
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "tiny.py").write_text(CONFIG)
    return folder


def command(folder, script, *words):
    return subprocess.run([sys.executable, BENCHMARKS / script, *words], cwd=folder, check=True, timeout=300)


@pytest.fixture(scope="module")
def taken(folder):
    command(folder, "elsewhere.py", "take", "taken", "--config=tiny.py", "--seeds=3,4", "--workdir=runs/{seed}")
    return json.loads((folder / "taken" / "jobs.json").read_text())


@pytest.mark.slow
def test_a_job_says_what_a_machine_without_tensorflow_needs(taken, folder):
    first, second = taken
    assert (first["steps"], first["batch"], first["epochs"], first["drawn"]) == (12, 100, 20, True)
    assert first["train"]["program"] == second["train"]["program"]  # the seed is an argument of the step
    assert (first["shuffled"], second["shuffled"]) == (False, True)
    assert first["seed"] != second["seed"] and first["order_seed"] == 3
    assert {"loss", "elbo"} <= set(first["train"]["logs"])
    for kind in ("train", "validate"):
        assert (folder / "taken" / first[kind]["program"]).is_file()


@pytest.mark.slow
def test_a_run_trained_by_jax_is_as_good_as_one_trained_here(taken, folder, monkeypatch):
    pytest.importorskip("jax", reason="the extra 'bench' has jax")
    command(folder, "elsewhere_jax.py", "taken", "--out=trained")
    command(folder, "elsewhere.py", "bring", "trained")
    monkeypatch.chdir(folder)
    found = training.train(read_json(Path("runs/3/config.json")), "runs/3", verbose=0)
    history = read_json(Path("runs/3/checkpoints/epoch_000020/history.json"))
    assert found["epochs"] == len(history) == 20 and (folder / "runs/4/checkpoints/epoch_000020").is_dir()
    here = training.train(read_json(Path("runs/3/config.json")), "here", verbose=0)
    ours = read_json(Path("here/checkpoints/epoch_000020/history.json"))
    assert history[0]["loss"] > history[-1]["loss"] + 5
    for epoch in (0, 4, 19):  # the same weights at first and the same noise, but another order and other pixels
        assert history[epoch]["val_loss"] == pytest.approx(ours[epoch]["val_loss"], rel=0.03)
    elbo = found["metrics"]["test_elbo"]["value"]
    assert elbo == pytest.approx(here["metrics"]["test_elbo"]["value"], rel=0.03)
    assert -elbo == pytest.approx(min(one["val_loss"] for one in history), rel=0.1)  # the weights of the best epoch
