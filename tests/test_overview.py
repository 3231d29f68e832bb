"""The overview of docs/results: up to date with the JSON files, and goals as the specs state them."""

import json
import sys

import pytest
from pages import DOCS, ROOT

from dgm_zoo import training
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training.experiments import Goal, goal_of, load_spec, specs

ROW = {"name": "vae", "metric": "test_log_likelihood", "published": None}


def test_the_page_is_that_of_the_files(monkeypatch):
    monkeypatch.chdir(ROOT)
    said = "docs/results changed; run: python -c 'from dgm_zoo import training; training.write_overview()'"
    assert (DOCS / "results" / "README.md").read_text() == training.overview(DOCS / "results"), said


def test_every_number_is_on_the_page():
    page = (DOCS / "results" / "README.md").read_text()
    for path in (DOCS / "results").glob("*.json"):
        section = page.split(f"\n## {path.stem}\n")[1].split("\n## ")[0]
        for row in json.loads(path.read_text())["rows"]:
            if "metric" not in row:  # kl_directions.json
                continue
            line = f"| {row['model']} | {row['dataset']} | {row['metric'].removeprefix('test_').replace('_', ' ')} |"
            assert line in section and f"{row['value']:.4g}" in section
            assert row["published"] is None or f"({row['published_source']})" in section


def test_the_stated_goals_are_those_of_the_specs():
    found = {
        (name, row["label"], row["metric"]): str(goal_of(row))
        for name, path in specs().items() for row in load_spec(path)["rows"] if row.get("goal")
    }
    assert found["helmholtz_mnist", "BiHM, 12 layers, tuned", "test_log_p_star"] == "≥ -85"
    assert found["helmholtz_mnist", "RWS, 200,200,10, tuned", "test_log_likelihood"] == "≥ -87"
    assert found["bihm_uci", "BiHM, dna", "test_log_p_star"] == "≥ -88.658"
    assert found["iwae_mnist", "IWAE, k = 50", "test_log_likelihood"] == "≥ -84.9"
    assert found["hu2018_table3", "AA-SVAE, 10 %", "test_elbo"] == "≥ -101.81"
    assert found["infogan_mnist", "InfoGAN", "test_code_error"] == "≤ 0.08"
    assert found["two_directions", "GAN, grid, longer", "test_modes_covered"] == "≥ 25"
    assert found["symvae_labels", "symmetric, 100 labels", "test_accuracy"] == "difference ≥ -0.02"
    assert found["symvae_mnist", "symmetric, ladder, mnist", "test_frechet_distance"] == "≤ 15"


def test_a_published_number_is_the_goal_where_the_better_direction_is_known():
    assert goal_of({**ROW, "published": -84.8}) == Goal(least=-84.8)
    assert goal_of({**ROW, "metric": "test_code_error", "published": 0.05}) == Goal(most=0.05)
    assert goal_of({**ROW, "metric": "log_z", "published": -0.1}) is None and goal_of(ROW) is None
    assert goal_of({**ROW, "published": -84.8, "goal": None}) is None
    assert Goal(least=1.0).reached(1.0) and not Goal(least=1.0).reached(0.9)
    assert Goal(most=1.0).reached(1.0) and not Goal(least=0.0, most=1.0).reached(1.1)


@pytest.mark.parametrize(
    "goal", [-85.0, {}, {"least": "a"}, {"lest": 1.0}, {"least": 1.0, "of": "ratio"}, {"of": "value"}]
)
def test_a_goal_of_another_form_is_refused(goal):
    with pytest.raises(InvalidInput, match="the goal of row 'vae' is .*; give such as"):
        goal_of({**ROW, "goal": goal})


def test_a_goal_of_a_difference_needs_a_row_to_differ_from():
    goal = {"least": -0.02, "of": "difference"}
    with pytest.raises(InvalidInput, match="row 'vae' has a goal of a difference and no 'against'"):
        goal_of({**ROW, "goal": goal})
    assert goal_of({**ROW, "goal": goal, "against": "other"}) == Goal("difference", least=-0.02)


SPEC = '''"""A table."""

def row(name, published, **others):
    return {"name": name, "label": name, "config": "tiny.py", "overrides": [f"model.name={name}"],
            "metric": "test_log_likelihood", "published": published, "published_source": "a paper", **others}

def get_experiment():
    return {"rows": [row("vae", -2.0), row("iwae", -2.0, against="vae", goal={"least": 0.5, "of": "difference"})],
            "seeds": [0], "quick": [], "notes": []}
'''
CONFIG = '''
def get_config():
    return {"model": {"name": "vae", "latent_dim": 2}, "data": {"name": "digits", "batch_size": 100}}
'''


def test_reproduce_writes_it_beside_its_results_and_nowhere_else(tmp_path, monkeypatch):
    (tmp_path / "configs" / "reproduce").mkdir(parents=True)
    (tmp_path / "configs" / "tiny.py").write_text(CONFIG)
    (tmp_path / "configs" / "reproduce" / "planted.py").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    module = sys.modules["dgm_zoo.training.reproduce"]

    def finished(config, workdir, verbose):
        value = {"vae": -2.5, "iwae": -2.125}[config.model.name]
        metric = {"value": value, "stderr": 0.25, "protocol": "nats"}
        return {"dataset": {"name": "digits"}, "metrics": {"test_log_likelihood": metric}, "epochs": 1,
                "training_seconds": 5400.0}

    monkeypatch.setattr(module, "train", finished)
    monkeypatch.setattr(module, "_picture", lambda *given: False)
    training.reproduce("planted", out="elsewhere", verbose=0)
    assert not (tmp_path / "elsewhere" / "README.md").exists()
    training.reproduce("planted", verbose=0)
    page = (tmp_path / "docs" / "results" / "README.md").read_text()
    assert "| [planted](planted.md) | A table. | 2 | 0 of 2 | `dgm-zoo reproduce planted` |" in page
    assert "| vae | digits | log likelihood | ≥ -2 | -2.5 ± 0.25 | no | -2 (a paper) | 1.5 |" in page
    other = "| iwae | digits | log likelihood | difference ≥ 0.5 | -2.125 ± 0.25; difference 0.375 | no | -2 (a paper)"
    assert page.count(other) == 2  # among the stated goals, too
    more = SPEC.replace('[row("vae", -2.0), ', '[row("cvae", -3.0), row("cgan", None), row("vae", -2.0), ')
    (tmp_path / "configs" / "reproduce" / "planted.py").write_text(more)
    page = training.overview()
    assert "| cvae | - | log likelihood | ≥ -3 | - | not measured | -3 (a paper) | - |" in page and "cgan" not in page
