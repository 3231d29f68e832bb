"""The site: each model has its page, and the numbers are those of the files."""

import inspect
import json
import re
from pathlib import Path

import pytest
from pages import DOCS, ROOT, generator, written

import dgm_zoo
from dgm_zoo import serving
from dgm_zoo.core import registry
from dgm_zoo.models import AE, formulation_of, list_models
from dgm_zoo.training import config

checks, notation, reference, sources, systems = generator("checks", "notation", "reference", "sources", "systems")

PARTS = ("**Idea.**", "**What it needs.**", "**Choose it when**", "**Choose another when**")


@pytest.fixture(scope="module")
def pages():
    found = written()
    for name in list_models():
        found[f"docs/systems/{name}.md"] += systems.generated(name)
    return found


# ------------------------------------------------------------------------------------------------- a page for each


@pytest.mark.parametrize("name", list_models())
def test_every_model_has_its_page(name, pages):
    own = (DOCS / "systems" / f"{name}.md").read_text()
    assert all(own.count(part) == 1 for part in PARTS) and len(own.split()) > 60
    page = pages[f"docs/systems/{name}.md"]
    assert f"schematic-{name}.svg" in page and f'create("{name}"' in page and "## Objective" in page
    assert all(notation.latex(one.utility) in page for one in formulation_of(name).ascents)
    assert f"systems/{name}.md" in json.dumps(systems.navigation())


def test_there_is_no_page_of_a_model_that_does_not_exist():
    assert {path.stem for path in (DOCS / "systems").glob("*.md")} == set(list_models()) and systems.missing() == {}


def test_a_new_model_gets_its_page_without_any_of_ours(monkeypatch):
    class Planted(AE):
        """Planted auto-encoder: a model that has no hand-written page.

        References: this test.
        """

        formulation = AE.formulation

    monkeypatch.setitem(registry.MODELS, "planted", Planted)
    assert "Planted auto-encoder" in systems.missing()["systems/planted.md"]
    assert "systems/planted.md" in json.dumps(systems.navigation())
    page = systems.generated("planted")
    assert "Planted auto-encoder" in page and "`AE.terms`" in page and "this test." in page
    assert "No number of this model is recorded yet" in page


@pytest.mark.parametrize("name", list_models())
def test_the_code_beside_the_objective_is_the_code(name):
    found = systems.code(name)
    assert found
    for title, function in found.items():
        shown = sources.excerpt(function, title)
        first = int(re.search(r"line (\d+)", shown)[1])
        line = (ROOT / sources.file_of(function)).read_text().splitlines()[first - 1]
        assert line.strip() == inspect.getsource(function).splitlines()[0].strip()


def test_formulas_are_written_in_latex_that_has_no_other_symbols():
    for name in list_models():
        declared = formulation_of(name)
        for text in [*(one.utility for one in declared.ascents), *map(str, declared.kl)]:
            found = notation.latex(text)
            assert found.isascii() and found.count("{") == found.count("}") and "|" not in found, found
    assert notation.latex("√(p_θ(x|h) / q)").replace(" ", "") == r"\sqrt{p_{\theta}(x\verth)/q}"
    assert notation.latex("q_φ^(r)(z_-i)").replace(" ", "") == r"q_{\phi}^{(r)}(z_{-i})"


# ------------------------------------------------------------------------------------------------- numbers


def test_every_row_of_a_table_is_on_the_page_of_its_model_with_its_protocol(pages):
    rows = {
        (row["page"], row["model"], row["metric"]): name for name, them in systems.results().items() for row in them
    }
    counted = 0
    for path in sorted((DOCS / "results").glob("*.json")):
        for row in json.loads(path.read_text())["rows"]:
            if "metric" not in row:  # kl_directions.json, whose rows are divergences
                continue
            counted += 1
            page = pages[f"docs/systems/{rows[path.stem, row['model'], row['metric']]}.md"]
            assert f"on {row['dataset']}: {row['protocol']}" in page
            if row["published"] is not None:
                assert f"{row['published']} ({row['published_source']})" in page
    assert counted == len([row for them in systems.results().values() for row in them]) > 100
    assert "recalled" in pages["docs/systems/rws.md"] and "recalled" in pages["docs/systems/infogan.md"]


def test_the_numbers_of_a_preset_are_those_of_its_metadata(pages):
    for preset in serving.list_presets():
        facts = serving.read_metadata(preset)
        page = pages[f"docs/systems/{facts['model']}.md"]
        for key, metric in facts["metrics"].items():
            assert f"| {key} | {systems.number(metric['value'], metric.get('stderr'))} |" in page


# ------------------------------------------------------------------------------------------------- reference


def test_the_reference_has_every_key_command_and_public_name():
    page = reference.configuration()
    for key in [*config.TRAIN, *config.EVALUATE]:
        row, = re.findall(rf"^\| `{key}` \| (?:.*) \| (.+) \|$", page, re.MULTILINE)[-1:]
        assert len(row) > 5, f"say beside {key} in training/config.py what it means"
    assert all(f"| `{key}` |" in page for name in list_models() for key in reference.settable(name))
    commands = reference.commands()
    assert all(f"usage: dgm-zoo {name}" in commands for name in reference.COMMANDS)
    found = reference.api()
    assert set(dgm_zoo._ROOMS) <= {Path(path).stem for path in found}
    assert "::: dgm_zoo.data.pipeline.from_arrays" in found["api/data.md"]
    assert all(f".{cls.__name__}\n" in found["api/models.md"] for cls in registry.MODELS.values())


def test_links_that_lead_nowhere_and_resources_from_elsewhere_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#here">b</a><a href="https://example.org">out</a><p id="top"></p>')
    (tmp_path / "b.html").write_text('<p id="here"></p><a href="a.html#top">a</a>')
    assert checks.problems(tmp_path) == []
    (tmp_path / "b.html").write_text('<a href="c.html">c</a><img src="https://example.org/x.png"><script src="d.js">')
    assert checks.problems(tmp_path) == [
        "a.html links to b.html#here, a place that the page does not have",
        "b.html links to c.html, which is not there",
        "b.html links to d.js, which is not there",
        "b.html loads https://example.org/x.png",
    ]
