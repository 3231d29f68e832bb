"""The site: each model has its page, each snippet runs or says why not, the numbers are those of the files."""

import ast
import importlib
import inspect
import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from pages import DOCS, ROOT, blocks_in, command_lines, walk
from zoo import sparing

import dgm_zoo
from dgm_zoo import data, serving, training
from dgm_zoo.cli import parsing
from dgm_zoo.core import registry
from dgm_zoo.models import AE, GenerativeModel, formulation_of, list_models
from dgm_zoo.training import config

sys.path.insert(0, str(DOCS / "site"))
checks, notation, reference, sources, systems, usage = map(
    importlib.import_module, ("checks", "notation", "reference", "sources", "systems", "usage")
)

PARTS = ("**Idea.**", "**What it needs.**", "**Choose it when**", "**Choose another when**")
TUTORIALS = ("first_run", "your_images", "your_model", "paper_to_number", "production")
EXECUTED = {  # page to the test file that runs its blocks, but those marked "not executed"
    **{f"docs/{name}.md": "test_guides.py" for name in ("add_a_bound", "add_a_model", "add_a_data_set")},
    "docs/add_a_measure.md": "test_measures.py", "docs/unified_view.md": "test_unified_view.py",
    **{f"docs/tutorials/{name}.md": "test_site.py" for name in TUTORIALS}, "README.md": "test_site.py",
    **{f"docs/systems/{name}.md": "test_site.py" for name in list_models()},
}
SHORT = ["--config.train.epochs=1", "--config.evaluate.num_samples=2", "--config.evaluate.limit=40"]


def written():
    """The Markdown pages of the repository, path to text, those of the systems with their generated part."""
    paths = [ROOT / "README.md", ROOT / "benchmarks" / "README.md", ROOT / "tests" / "README.md", *DOCS.rglob("*.md")]
    pages = {str(path.relative_to(ROOT)): path.read_text() for path in sorted(paths)}
    for name in list_models():
        pages[f"docs/systems/{name}.md"] += systems.generated(name)
    return pages


@pytest.fixture(scope="module")
def pages():
    return written()


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


# ------------------------------------------------------------------------------------------------- snippets


def test_every_snippet_runs_in_a_test_or_says_why_not(pages, capsys):
    lines = []
    for page, text in pages.items():
        found = [block for block in blocks_in(text) if block.kind in ("python", "bash", "sh", "console")
                 and "linenums" not in text[: text.index(block.code)].splitlines()[-1]]
        without = [block.code for block in found if not block.reason and page not in EXECUTED]
        assert without == [], f"{page}: run it in a test, or write <!-- not executed: REASON --> above it"
        lines += [f"{page}: {sum(not one.reason for one in found)} executed by tests/{EXECUTED.get(page)}, "
                  f"{sum(bool(one.reason) for one in found)} not" for _ in found[:1]]
        lines += [f"    not executed, {block.reason}: {block.code.splitlines()[0]}" for block in found if block.reason]
    for page, test in EXECUTED.items():
        assert page in pages and (ROOT / "tests" / test).is_file()
    with capsys.disabled():
        print("", *lines, sep="\n")


def test_commands_that_no_test_runs_are_commands(pages):
    checked = 0
    for text in pages.values():
        for block in blocks_in(text):
            if not block.reason or block.kind != "bash":
                continue
            for line in command_lines(block.code):
                for file in re.findall(r"(?:configs|benchmarks)/[\w/]+\.py", line):
                    assert (ROOT / file).is_file(), line
                for part in line.split(" && "):
                    if part.startswith("dgm-zoo "):
                        _, name, *words = shlex.split(part)
                        call = parsing.parse(name, importlib.import_module(f"dgm_zoo.cli.commands.{name}"), words)
                        if name == "train":
                            own = ROOT / call.flags.config
                            training.load_config(own if own.exists() else call.flags.config, call.overrides)
                        checked += 1
    assert checked > 40


@pytest.mark.parametrize("page, short", [
    pytest.param("first_run", {"train": SHORT, "evaluate": []}, marks=pytest.mark.exhaustive),
    ("your_images", {}),
    ("your_model", {}),
    pytest.param("paper_to_number", {}, marks=pytest.mark.exhaustive),
    ("production", {}),
])
def test_the_tutorial_runs(page, short, folder, capsys):
    if not (folder / "configs").exists() and page == "first_run":
        (folder / "configs").symlink_to(ROOT / "configs")
    names = walk(f"tutorials/{page}", short)
    printed = capsys.readouterr().out
    if page == "first_run":
        assert names["code"].shape == (16, 8) and (folder / "walk.png").is_file()
    if page == "your_images":
        assert names["loaded"].sample(2).shape == (2, 16, 16, 1) and (folder / "pairs.png").is_file()
    if page == "your_model":
        size = names["history"]["size"]
        assert size[-1] < size[0] and "Sparse AE" in printed
        assert float(names["loaded"].now("weight")) == 0.5
    if page == "paper_to_number":
        table = json.loads((folder / "results" / "digits_bound.json").read_text())
        assert [row["model"] for row in table["rows"]] == ["VAE", "IWAE, k = 5"]
    if page == "production":
        np.testing.assert_allclose(names["first"][2], names["again"][0], atol=1e-5)
        assert "encode: x must have shape" in printed


@pytest.mark.parametrize("preset", sparing(serving.list_presets(), ("vae_digits", "classifier_digits")))
def test_a_preset_is_used_as_its_page_says(preset):
    code, names = usage.preset_code(serving.read_metadata(preset)), {}
    exec(compile(code, preset, "exec"), names)
    shown = re.search(r"# (\[[\d, ]+\])$", code, re.MULTILINE)
    if shown and "sample" in code:
        assert list(names["x"].shape) == ast.literal_eval(shown[1])


@pytest.mark.parametrize("name", sorted(usage.runs()))
def test_the_training_in_python_has_arguments_that_exist(name):
    for node in ast.walk(ast.parse(usage.training_code(name))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given = {one.arg for one in node.keywords}
            if node.func.attr == "create":
                assert given <= set(registry.arguments(name))
                required = {k for k, p in registry.arguments(name).items() if p.default is p.empty}
                assert required <= given
            if node.func.attr in ("load", "load_pair"):
                inspect.signature(getattr(data, node.func.attr)).bind(*node.args, **dict.fromkeys(given))


# ------------------------------------------------------------------------------------------------- with data made up


class MadeUp:
    """Stands in for `data.load` and `data.load_pair`: random arrays of the shape and kind of a set, and its options."""

    rng = np.random.default_rng(0)

    def arrays(self, name, rows):
        info = data.info(name)
        x = self.rng.integers(0, info.levels or 2, (rows, *info.image_shape)).astype("uint8")
        return x, None if info.num_classes is None else np.arange(rows) % info.num_classes, info

    def load(self, name, split, batch_size, **options):
        if data.info(name).music:
            return LOAD(name, split, batch_size, **{**options, "limit": 2 * batch_size})
        x, y, info = self.arrays(name, 2 * batch_size)
        if "pairs" in options:
            y, options["pairs"] = self.rng.integers(0, 2, (len(x), np.prod(info.image_shape[:2]))), batch_size
        options.pop("limit", None)
        options["labels_per_class"] = min(options["labels_per_class"], 2) if "labels_per_class" in options else None
        return data.from_arrays(x, y, split=split, batch_size=batch_size, levels=info.levels, **options)

    def load_pair(self, source, target, batch_size, split="train", limit=None, labels=(True, True), **options):
        (x, y, _), (z, _, _) = self.arrays(source, 2 * batch_size), self.arrays(target, 2 * batch_size)
        return data.pair_from_arrays(x, z, y if labels[0] else None, batch_size=batch_size, split=split, **options)


LOAD = data.load


@pytest.fixture
def made_up(monkeypatch):
    fit, log_partition = GenerativeModel.fit, dgm_zoo.metrics.log_partition
    monkeypatch.setattr(dgm_zoo.metrics, "log_partition", lambda model: log_partition(model, num_samples=1000))
    monkeypatch.setattr(data, "load", MadeUp().load)
    monkeypatch.setattr(data, "load_pair", MadeUp().load_pair)
    monkeypatch.setattr(
        GenerativeModel, "fit", lambda self, *args, epochs, **given: fit(self, *args, epochs=1, verbose=0, **given)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(usage.runs()))
def test_a_model_is_trained_as_its_page_says(name, made_up):
    names = {}
    exec(compile(usage.training_code(name), name, "exec"), names)
    assert int(names["model"].step) == 2


@pytest.mark.slow
def test_the_code_of_the_readme_runs(folder, made_up):
    (folder / "saved_models").symlink_to(ROOT / "saved_models")
    bits = np.float32(MadeUp.rng.integers(0, 2, (500, 28, 28, 1)))
    names = {"x_target": bits[:5], "x_noto": np.zeros((5, 32, 32, 3), "float32"), "mask": bits[:10]}
    found = [block for block in blocks_in((ROOT / "README.md").read_text()) if block.kind == "python"]
    for block in found:
        if block.reason:
            continue
        if "segvae" in block.code:
            names["x"] = np.zeros((4, 28, 28, 3), "float32")
        exec(compile(block.code, "README.md", "exec"), names)
    assert len(found) > 10 and (folder / "band.mid").is_file()
