"""`reproduce`: from a spec to a table beside the published one."""

import json
import sys
from pathlib import Path

import keras
import pytest

from dgm_zoo import training
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training.workdir import made_by, results_folder

CONFIG = '''
def get_config():
    return {
        "model": {"name": "vae", "latent_dim": 2, "hidden": [16]},
        "data": {"name": "digits", "batch_size": 100, "binarize": "stochastic"},
        "train": {"epochs": 50},
        "evaluate": {"num_samples": 10},
    }
'''
SPEC = '''"""Two seeds of a small VAE."""

def row(name, label, overrides):
    return {"name": name, "label": label, "config": "tiny.py", "overrides": overrides, "published": -1.5,
            "metric": "test_log_likelihood", "published_source": "a paper"}

def get_experiment():
    return {"rows": [row("vae", "VAE", []), row("iwae", "IWAE", ["model.name=iwae", "model.k=2"])],
            "seeds": [0, 1], "quick": ["train.epochs=1"], "notes": ["A note."]}
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduce")
    (folder / "configs" / "reproduce").mkdir(parents=True)
    (folder / "configs" / "tiny.py").write_text(CONFIG)
    (folder / "configs" / "reproduce" / "two_vaes.py").write_text(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


class Killed(BaseException):
    """Stands for a kill."""


@pytest.mark.slow
def test_a_table_resumes_after_a_kill_and_runs_nothing_twice(folder, monkeypatch):
    assert {"iwae_mnist", "two_vaes"} <= set(training.list_experiments())
    fit, runs = keras.Model.fit, []

    def counted(model, *args, **kwargs):
        runs.append(type(model).__name__)
        if len(runs) == 3:
            raise Killed
        return fit(model, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "fit", counted)
    with pytest.raises(Killed):
        training.reproduce("two_vaes", out="results", quick=True, verbose=0)
    assert not (folder / "results" / "two_vaes.json").exists()
    results = training.reproduce("two_vaes", out="results", quick=True, verbose=0)
    assert runs == ["VAE", "VAE", "IWAE", "IWAE", "IWAE"]  # the third was killed
    again = training.reproduce("two_vaes", out="results", quick=True, verbose=0)
    assert len(runs) == 5 and again["rows"] == results["rows"]

    assert again.pop("files") == results.pop("files") == [f"results/two_vaes.{kind}" for kind in ("json", "md", "png")]
    assert again == json.loads((folder / "results" / "two_vaes.json").read_text())
    assert {"experiment", "quick", "rows", "notes", "versions", "git_revision", "machine"} == set(results)
    vae, iwae = results["rows"]
    keys = "model dataset metric value stderr seeds budget published published_source"
    assert set(keys.split()) <= set(vae) and set(keys.split()) <= set(iwae)
    assert (vae["model"], iwae["model"], vae["dataset"]) == ("VAE", "IWAE", "digits")
    values = [
        json.loads((folder / f"runs/reproduce/two_vaes-quick/vae-seed{s}/results.json").read_text())
        ["metrics"]["test_log_likelihood"]["value"] for s in (0, 1)
    ]
    assert vae["value"] == pytest.approx(sum(values) / 2) and vae["seeds"] == [0, 1]
    assert vae["stderr"] == pytest.approx(abs(values[0] - values[1]) / 2) and vae["stderr_over"] == "seeds"
    assert vae["budget"].startswith("1 epochs, ")
    page = (folder / "results" / "two_vaes.md").read_text()
    assert page.startswith("# Two seeds of a small VAE.\n") and "A quick run" in page and "- A note." in page
    assert f"| VAE | log likelihood | {vae['value']:.4g} | {vae['stderr']:.2g} (seeds) | -1.5 (a paper) |" in page
    assert "dgm-zoo reproduce two_vaes --quick" in page


def test_a_quick_run_writes_beside_its_runs_and_never_into_the_results(folder, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", pytest.fail)
    for out in ("docs/results", folder / "docs" / "results", "docs/../docs/results/"):
        with pytest.raises(InvalidInput, match="numbers of a quick run are meaningless"):
            training.reproduce("two_vaes", out=out, quick=True, verbose=0)
    assert not (folder / "docs").exists()
    assert results_folder(None, True, "runs/x") == Path("runs/x")
    assert results_folder(None, False, "runs/x") == Path("docs/results")
    assert results_folder("there", True, "runs/x") == results_folder("there", False, "runs/x") == Path("there")


def test_a_page_says_by_which_version_it_was_made_outside_a_checkout():
    installed = {"machine": "a machine", "git_revision": None, "versions": {"dgm_zoo": "0.1.0"}}
    assert made_by(installed) == "a machine; dgm_zoo 0.1.0"
    assert made_by({**installed, "git_revision": "abc"}) == "a machine; git revision abc"


def test_a_mistake_in_a_late_row_is_found_before_the_first_is_trained(folder, monkeypatch):
    (folder / "configs" / "reproduce" / "wrong.py").write_text(SPEC.replace("model.k=2", "model.kk=2"))
    monkeypatch.setattr(keras.Model, "fit", pytest.fail)
    with pytest.raises(InvalidInput, match="unknown config key 'model.kk'"):
        training.reproduce("wrong", out="results", verbose=0)


def test_an_unknown_experiment_is_refused(folder):
    with pytest.raises(InvalidInput, match="unknown experiment 'two_vae'; did you mean 'two_vaes'?"):
        training.reproduce("two_vae")


PAIRED = SPEC.replace(', "model.k=2"])]', ']) | {"against": "vae", "published": -1.0}]')


def test_rows_held_against_another_differ_seed_by_seed(folder, monkeypatch):
    (folder / "configs" / "reproduce" / "paired.py").write_text(PAIRED)
    module, values = sys.modules["dgm_zoo.training.reproduce"], {"vae": [-90.0, -80.0], "iwae": [-88.5, -78.0]}

    def finished(config, workdir, verbose):
        value = values[config.model.name][config.train.seed]
        metric = {"value": value, "stderr": None, "protocol": "nats"}
        return {"dataset": {"name": "digits"}, "metrics": {"test_log_likelihood": metric}, "epochs": 1,
                "training_seconds": 60.0}

    monkeypatch.setattr(module, "train", finished)
    monkeypatch.setattr(module, "_picture", lambda *given: False)
    vae, iwae = training.reproduce("paired", out="results", verbose=0)["rows"]
    assert "difference" not in vae and iwae["against"] == "VAE"
    assert (iwae["difference"], iwae["published_difference"]) == (1.75, 0.5)
    assert iwae["difference_stderr"] == pytest.approx(0.25)  # of the differences, where either row's own is 5
    page = (folder / "results" / "paired.md").read_text()
    assert "| IWAE | VAE | log likelihood | +1.75 | 0.25 | +0.5 | yes |" in page
    for found, seen in (([-90.1, -79.9], "no"), ([-91.0, -81.5], "the opposite")):
        values["iwae"] = found
        training.reproduce("paired", out="results", verbose=0)
        assert f"| +0.5 | {seen} |" in (folder / "results" / "paired.md").read_text()


def test_a_row_may_have_fewer_seeds_than_the_table(folder, monkeypatch):
    few = SPEC.replace('"model.k=2"])]', '"model.k=2"]) | {"seeds": [0]}]')
    (folder / "configs" / "reproduce" / "few.py").write_text(few)
    unpaired = few.replace('{"seeds": [0]}', '{"seeds": [0], "against": "vae"}')
    (folder / "configs" / "reproduce" / "unpaired.py").write_text(unpaired)
    module, trained = sys.modules["dgm_zoo.training.reproduce"], []

    def finished(config, workdir, verbose):
        trained.append(workdir.name)
        metric = {"value": -1.0, "stderr": None, "protocol": "nats"}
        return {"dataset": {"name": "digits"}, "metrics": {"test_log_likelihood": metric}, "epochs": 1,
                "training_seconds": 60.0}

    monkeypatch.setattr(module, "train", finished)
    monkeypatch.setattr(module, "_picture", lambda *given: False)
    rows = training.reproduce("few", out="results", verbose=0)["rows"]
    assert trained == ["vae-seed0", "vae-seed1", "iwae-seed0"] and [row["seeds"] for row in rows] == [[0, 1], [0]]
    with pytest.raises(InvalidInput, match=r"rows 'iwae' and 'vae' have the seeds \[0\] and \[0, 1\]; give both"):
        training.reproduce("unpaired", out="results", verbose=0)
    assert len(trained) == 3


def test_some_rows_are_run_again_and_the_others_kept(folder, monkeypatch):
    (folder / "configs" / "reproduce" / "again.py").write_text(PAIRED)
    module, trained, values = sys.modules["dgm_zoo.training.reproduce"], [], {"vae": -90.0, "iwae": -88.0}

    def finished(config, workdir, verbose):
        trained.append(workdir.name)
        metric = {"value": values[config.model.name] + config.train.seed, "stderr": None, "protocol": "nats"}
        return {"dataset": {"name": "digits"}, "metrics": {"test_log_likelihood": metric}, "epochs": 1,
                "training_seconds": 60.0}

    monkeypatch.setattr(module, "train", finished)
    monkeypatch.setattr(module, "_picture", lambda *given: False)
    alone = training.reproduce("again", out="again", verbose=0, rows="vae")["rows"]
    assert [row["model"] for row in alone] == ["VAE"] and trained == ["vae-seed0", "vae-seed1"]
    training.reproduce("again", out="again", verbose=0)
    before = json.loads((folder / "again" / "again.json").read_text())
    (folder / "again" / "again.json").write_text(json.dumps({**before, "git_revision": "0123abc"}))
    trained.clear()
    values["iwae"] = -85.0
    vae, iwae = training.reproduce("again", out="again", verbose=0, rows="iw.*")["rows"]
    assert trained == ["iwae-seed0", "iwae-seed1"]
    assert vae == {**before["rows"][0], "git_revision": "0123abc"} and "git_revision" not in iwae
    assert (iwae["value"], iwae["difference"]) == (-84.5, 5.0)  # from the row that was kept
    assert "- Measured before, at git revision 0123abc: VAE." in (folder / "again" / "again.md").read_text()
    vae, iwae = training.reproduce("again", out="again", verbose=0, rows="vae")["rows"]
    assert iwae["difference"] == 5.0 and "git_revision" in iwae and "git_revision" not in vae
    for rows, message in (("gan", "row 'gan'"), ("(", "no regular expression")):
        with pytest.raises(InvalidInput, match=message):
            training.reproduce("again", out="again", verbose=0, rows=rows)


TUNED = SPEC.replace('"model.k=2"])]', '"model.k=2"]) | {"starts_from": "vae"}]')


def test_a_row_starts_from_the_same_seed_of_another(folder, monkeypatch):
    (folder / "configs" / "reproduce" / "tuned.py").write_text(TUNED)
    (folder / "configs" / "reproduce" / "untuned.py").write_text(TUNED.replace('": "vae"', '": "iwae"'))
    started = {}

    def interrupted(config, workdir, verbose):
        started[workdir.name] = config.train.start_from
        if len(started) == 4:
            raise Killed
        metric = {"test_log_likelihood": {"value": -1.0, "stderr": None, "protocol": "nats"}}
        return {"dataset": {"name": "digits"}, "metrics": metric, "epochs": 1, "training_seconds": 60.0}

    module = sys.modules["dgm_zoo.training.reproduce"]
    monkeypatch.setattr(module, "train", interrupted)
    monkeypatch.setattr(module, "_picture", lambda *given: False)
    with pytest.raises(Killed):
        training.reproduce("tuned", out="results", workdir="w", verbose=0)
    assert started == {"vae-seed0": None, "vae-seed1": None, "iwae-seed0": "w/vae-seed0", "iwae-seed1": "w/vae-seed1"}
    started["and on"] = "w"
    rows = training.reproduce("tuned", out="results", workdir="w", verbose=0)["rows"]
    assert [row["budget"] for row in rows] == ["1 epochs, 1.0 min", "1 epochs, 1.0 min, after 1 epochs, 1.0 min"]
    with pytest.raises(InvalidInput, match="unknown row to start from 'iwae'"):
        training.reproduce("untuned", out="results", verbose=0)


def test_a_row_that_is_held_against_none_is_refused_before_training(folder, monkeypatch):
    (folder / "configs" / "reproduce" / "alone.py").write_text(PAIRED.replace('"against": "vae"', '"against": "vea"'))
    monkeypatch.setattr(keras.Model, "fit", pytest.fail)
    with pytest.raises(InvalidInput, match="unknown row to compare with 'vea'; did you mean 'vae'?"):
        training.reproduce("alone", out="results", verbose=0)


MATRIX = '''"""Two measures of two models."""

def row(name, label, metric, published, **others):
    return {"name": name, "label": label, "config": "tiny.py", "overrides": [f"model.name={name}"], "metric": metric,
            "published": published, "published_source": "a paper", "where_measured": True, **others}

def get_experiment():
    return {
        "rows": [row("vae", "test set", "test_a_real", None, column="test_a", seeds=[0], budget="none"),
                 row("vae", "VAE", "test_a", 2.5), row("vae", "VAE", "test_b", 4.0),
                 row("iwae", "IWAE", "test_a", None), row("iwae", "IWAE", "test_b", None, against="vae")],
        "seeds": [0, 1], "quick": [], "notes": [],
        "tables": [{"title": "Both", "columns": {"test_a": "first", "test_b": "second"}}],
    }
'''


def test_rows_are_laid_out_as_a_matrix_and_what_is_undefined_is_left_out(folder, monkeypatch):
    (folder / "configs" / "reproduce" / "matrix.py").write_text(MATRIX)
    module = sys.modules["dgm_zoo.training.reproduce"]

    def finished(config, workdir, verbose):
        metrics = {"test_a_real": 9.0, "test_a": 1.0 + config.train.seed}
        if config.model.name == "vae" and config.train.seed == 1:
            metrics["test_b"] = 5.0
        found = {key: {"value": value, "stderr": 0.25, "protocol": "nats"} for key, value in metrics.items()}
        return {"dataset": {"name": "digits"}, "metrics": found, "epochs": 1, "training_seconds": 60.0}

    monkeypatch.setattr(module, "train", finished)
    monkeypatch.setattr(module, "_picture", lambda *given: False)
    rows = training.reproduce("matrix", out="results", verbose=0)["rows"]
    assert [(row["model"], row["metric"], row["value"], row["seeds"]) for row in rows] == [
        ("test set", "test_a_real", 9.0, [0]), ("VAE", "test_a", 1.5, [0, 1]), ("VAE", "test_b", 5.0, [1]),
        ("IWAE", "test_a", 1.5, [0, 1]),
    ]
    page = (folder / "results" / "matrix.md").read_text()
    assert """## Both

| model | first | second |
| --- | --- | --- |
| test set | 9 ± 0.25 | - |
| VAE | 1.5 ± 0.5 | 5 ± 0.25 |
| IWAE | 1.5 ± 0.5 | - |
| *published: VAE* | 2.5 | 4 |

## Budgets

| model | budget | seeds | s.e. over |
| --- | --- | --- | --- |
| test set | none | 1 | one run |
| VAE | 1 epochs, 1.0 min | 2 | seeds |
| IWAE | 1 epochs, 1.0 min | 2 | seeds |
""" in page
    assert "- `test_a_real` on digits: nats\n- `test_b` on digits: nats\n- `matrix.json` has the protocol" in page
