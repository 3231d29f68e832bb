"""The snippets of the pages: each runs in a test or says why not; tutorials, README and the pages of systems run."""

import ast
import importlib
import inspect
import json
import re
import shlex

import numpy as np
import pytest
from pages import ROOT, blocks_in, command_lines, generator, walk, written
from zoo import sparing

import dgm_zoo
from dgm_zoo import data, serving, training
from dgm_zoo.cli import parsing
from dgm_zoo.core import registry
from dgm_zoo.models import GenerativeModel, list_models

usage, = generator("usage")

TUTORIALS = ("first_run", "your_images", "your_model", "your_research", "paper_to_number", "production")
EXECUTED = {  # page to the test file that runs its blocks, but those marked "not executed"
    **{f"docs/{name}.md": "test_guides.py" for name in ("add_a_bound", "add_a_model", "add_a_data_set")},
    "docs/add_a_measure.md": "test_measures.py", "docs/unified_view.md": "test_unified_view.py",
    **{f"docs/tutorials/{name}.md": "test_snippets.py" for name in TUTORIALS},
    "docs/tutorials/your_research.md": "test_examples.py", "README.md": "test_snippets.py",
    **{f"docs/systems/{name}.md": "test_snippets.py" for name in list_models()},
}
SHORT = ["--config.train.epochs=1", "--config.evaluate.num_samples=2", "--config.evaluate.limit=40"]


@pytest.fixture(scope="module")
def pages():
    found = written()
    for name in list_models():
        found[f"docs/systems/{name}.md"] += "\n\n".join([usage.training(name), usage.keras(name), usage.serving(name)])
    return found


def test_every_snippet_runs_in_a_test_or_says_why_not(pages, capsys):
    lines = []
    for page, text in pages.items():
        found = [block for block in blocks_in(text) if block.kind in ("python", "bash", "sh", "console")]
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
    pytest.param("your_images", {"train": [*SHORT, "--config.evaluate.limit=20"]}, marks=pytest.mark.exhaustive),
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
        if options.get("labelled_fraction"):
            options["labelled_fraction"] = 0.5  # a hundredth of so few rows has not every class
        options["labels_per_class"] = min(options["labels_per_class"], 2) if "labels_per_class" in options else None
        return data.from_arrays(x, y, split=split, batch_size=batch_size, levels=info.levels, **options)

    def load_pair(self, source, target, batch_size, split="train", limit=None, labels=(True, True), **options):
        (x, y, _), (z, _, _) = self.arrays(source, 2 * batch_size), self.arrays(target, 2 * batch_size)
        return data.pair_from_arrays(x, z, y if labels[0] else None, batch_size=batch_size, split=split, **options)


LOAD = data.load


@pytest.fixture
def made_up(monkeypatch, folder):
    """Runs code with data made up, one epoch of each `fit`, and few samples behind log Z, in a temporary folder."""
    fit, log_partition = GenerativeModel.fit, dgm_zoo.metrics.log_partition
    monkeypatch.setattr(dgm_zoo.metrics, "log_partition", lambda model: log_partition(model, num_samples=1000))
    monkeypatch.setattr(data, "load", MadeUp().load)
    monkeypatch.setattr(data, "load_pair", MadeUp().load_pair)
    monkeypatch.setattr(
        GenerativeModel, "fit", lambda self, *args, epochs, **given: fit(self, *args, epochs=1, verbose=0, **given)
    )
    (folder / "saved_models").symlink_to(ROOT / "saved_models")
    return folder


TRAINING = {name: usage.training_code(name) for name in sorted(usage.runs())}  # needs the true signature of `load`


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINING)
def test_a_model_is_trained_as_its_page_says(name, made_up):
    names = {}
    exec(compile(TRAINING[name], name, "exec"), names)
    assert int(names["model"].step) >= 2


@pytest.mark.slow
def test_the_code_of_the_readme_runs(made_up):
    bits = np.float32(MadeUp.rng.integers(0, 2, (500, 28, 28, 1)))
    names = {"x_target": bits[:5], "x_noto": np.zeros((5, 32, 32, 3), "float32"), "mask": bits[:10]}
    found = [block for block in blocks_in((ROOT / "README.md").read_text()) if block.kind == "python"]
    for block in found:
        if block.reason:
            continue
        if "segvae" in block.code:
            names["x"] = np.zeros((4, 28, 28, 3), "float32")
        exec(compile(block.code, "README.md", "exec"), names)
    assert len(found) > 10 and (made_up / "band.mid").is_file()
