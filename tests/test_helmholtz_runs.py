"""Helmholtz machines from a config: what a run measures and draws, and what it refuses."""

import json

import numpy as np
import pytest

from dgm_zoo import data, serving, training
from dgm_zoo.cli.main import main
from dgm_zoo.data.vectors import UCI_BINARY
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training.experiments import load_spec, specs

TRAIN = {"epochs": 1, "optimizer": {"name": "adam", "learning_rate": 1e-2}}
EVALUATE = {"num_samples": 20, "limit": 200}


def config(name, dataset, sets, **model):
    return training.resolve({
        "model": {"name": name, "layers": "8,4", **model},
        "data": {"name": dataset, "batch_size": 50, "limit": 200, "data_dir": str(sets)},
        "train": TRAIN, "evaluate": EVALUATE,
    })


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data_dir, and beside it the workdirs of runs."""
    folder = tmp_path_factory.mktemp("helmholtz")
    rng, (*counts, bits) = np.random.default_rng(0), UCI_BINARY["nips"]
    sizes = dict(zip(("train", "valid", "test"), counts, strict=True))
    rows = {key: rng.integers(0, 2, (n, bits), np.uint8) for key, n in sizes.items()}
    np.savez(folder / "nips.npz", **rows)
    data.prepare("uci_binary/nips", str(folder / "sets"), str(folder))
    return folder


@pytest.fixture(scope="module")
def bidirectional(folder):
    """Results of a run of a bidirectional machine on bars in `folder / "bihm"`."""
    return training.train(config("bihm", "bars", folder / "sets", k=3), folder / "bihm", verbose=0)


@pytest.mark.exhaustive
def test_a_bidirectional_machine_is_measured_by_p_star(folder, bidirectional):
    found = bidirectional["metrics"]
    for name in ("test_log_p_star", "test_log_p_tilde", "test_log_likelihood", "log_z", "log_z_by_pairs"):
        assert found[name]["stderr"] > 0 and "nats" in found[name]["protocol"]
    for name in ("test_ess_p", "test_ess_star"):
        assert 1 / 20 <= found[name]["value"] <= 1 and "share of K" in found[name]["protocol"]
    for name in ("test_log_p_star", "test_log_likelihood"):
        assert "K = 20" in found[name]["protocol"] and found[name]["images"] == 200
    assert "2 log Z = " in found["test_log_p_star"]["protocol"]
    both = [found[name] for name in ("log_z", "log_z_by_pairs")]
    assert abs(both[0]["value"] - both[1]["value"]) < 5 * np.hypot(*(one["stderr"] for one in both))
    gap = found["test_log_p_star"]["value"] - found["test_log_p_tilde"]["value"]
    assert gap == pytest.approx(-2 * found["log_z"]["value"])


@pytest.mark.exhaustive
def test_its_log_z_goes_with_the_run_and_with_what_is_exported(folder, bidirectional):
    log_z = bidirectional["metrics"]["log_z"]["value"]
    model, run, results = training.load_run(folder / "bihm")
    assert model.log_z == log_z and results == bidirectional
    x = next(iter(data.load("bars", "test", 5, data_dir=str(folder / "sets")))).numpy()
    serving.export(model, folder / "presets", name="bars", version=1)
    loaded = serving.from_preset(str(folder / "presets" / "bars"))
    np.testing.assert_allclose(loaded.log_p_star(x), model.log_p_tilde(x) - 2 * log_z, rtol=1e-5)
    doc = serving.read_metadata(str(folder / "presets" / "bars"))["endpoints"]["log_likelihood"]["doc"]
    assert f"log Z = {log_z:.4f}" in doc and "K = 128" in doc


@pytest.mark.exhaustive
def test_it_is_drawn(folder, bidirectional):
    for name in ("samples", "gibbs", "inpainting", "curves"):
        assert (folder / "bihm" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.exhaustive
def test_evaluate_estimates_log_z_again(folder, bidirectional, capsys):
    assert main(["evaluate", f"--workdir={folder / 'bihm'}", "--split=validation", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["metrics"]
    assert found["log_z"] == bidirectional["metrics"]["log_z"] and "validation_log_p_star" in found


@pytest.mark.exhaustive
def test_vectors_of_bits_are_measured_but_not_drawn(folder, capsys):
    found = training.train(config("rws", "uci_binary/nips", folder / "sets", k=3), folder / "rws", verbose=0)["metrics"]
    assert found["test_log_likelihood"]["value"] < 0 and "test_ess_p" in found
    assert not {"log_z", "test_log_p_star", "test_log_p_tilde"} & set(found)  # p* is not its model
    assert [path.name for path in (folder / "rws").glob("*.png")] == ["curves.png"]
    out = folder / "x.npy"
    assert main(["sample", f"--workdir={folder / 'rws'}", "--n=3", f"--out={out}"]) == 0
    assert np.load(out).shape == (3, 500)
    capsys.readouterr()
    assert main(["sample", f"--workdir={folder / 'rws'}", "--n=3", f"--out={folder / 'x.png'}"]) != 0
    assert "the samples are vectors of 500 bits; give a .npy file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "dataset", "model", "sentence"),
    [
        ("bihm", "digits", {}, r"train split: x holds 0\.\d+ in row 0, but this model takes 0 and 1 only; binarise it"),
        ("bihm", "bars", {"layers": "8;4"}, "layer sizes '8;4' do not parse at '8;4'; give positive whole numbers"),
        ("rws", "bars", {"k": 0}, "k is 0; give a whole number of at least 1"),
        ("helmholtz", "bars", {"layers": [8, 0]}, r"layer sizes \[8, 0\] do not parse"),
    ],
)
def test_what_a_run_cannot_take_is_refused_before_any_file(folder, name, dataset, model, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        training.train(config(name, dataset, folder / "sets", **model), folder / "none", verbose=0)
    assert not (folder / "none").exists()


def test_the_published_table_says_that_its_values_are_recalled():
    spec = specs()["bihm_uci"]
    experiment = load_spec(spec)
    for row in experiment["rows"]:
        for changes in ([], experiment["quick"]):
            one = training.load_config(spec.parents[1] / row["config"], [*row["overrides"], *changes])
            assert one.train.patience == 20
        assert (row["published"] is None) == (row["published_source"] is None)
        assert row["published"] is None or "recalled" in row["published_source"]
    labels = {row["label"].split(", ")[0] for row in experiment["rows"]}
    assert labels == {"BiHM", "BiHM of 100,50,10", "RWS", "wake-sleep"}
