"""The guides: their code runs from top to bottom, and every file and symbol that they name exists."""

import ast
import builtins
import functools
import importlib.util
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import test_formulation
import zoo
from pages import DOCS, ROOT, blocks, text_of, walk, walk_file

import dgm_zoo
from dgm_zoo.core import registry
from dgm_zoo.errors import InvalidInput
from dgm_zoo.unified import transfer

GUIDES = ("architecture", "add_a_bound", "add_a_model", "add_a_data_set", "add_a_measure")
MOST_LINES = 350  # that one must know to change the evidence bound


# ------------------------------------------------------------------------------------------------- what the code does


def test_a_bound_of_ones_own_trains_and_is_loaded_with_its_model(folder):
    names = walk("add_a_bound")
    code, = (block.code for block in blocks("add_a_bound") if block.file)
    assert len([line for line in code.splitlines()[1:] if line]) <= 15
    loaded, renyi = names["loaded"], names["Renyi"]
    assert isinstance(loaded.bound, renyi) and loaded.bound.get_config() == {"alpha": 0.5, "k": 5}
    assert isinstance(names["model"].bound, renyi) and names["model"].bound is not loaded.bound
    assert int(loaded.step) == 1293 // 64

    test = dgm_zoo.data.load("digits", "test", 120, binarize="stochastic")
    losses = {}
    for key, bound in {
        0.0: renyi(alpha=0.0, k=5), 0.5: renyi(alpha=0.5, k=5), 0.99999: renyi(alpha=0.99999, k=5),
        "known": {"name": "ImportanceWeightedEvidence", "k": 5},
    }.items():
        model = dgm_zoo.create("vae", image_shape=(8, 8, 1), latent_dim=4, hidden=[32], bound=bound, seed=0)
        model.set_weights(loaded.get_weights())
        model.compile("adam")
        losses[key] = model.evaluate(test, return_dict=True, verbose=0)
    known, one = losses["known"], losses[0.99999]
    assert losses[0.0]["loss"] == pytest.approx(known["loss"], rel=1e-6)
    assert losses[0.0]["loss"] < losses[0.5]["loss"] < one["loss"]  # the bound falls as alpha grows
    assert one["loss"] == pytest.approx(-one["elbo"], rel=1e-3)  # to the evidence bound at alpha = 1


def test_a_bound_that_keras_does_not_know_is_refused_by_name(folder):
    with pytest.raises(InvalidInput, match="unknown bound 'nowhere>Renyi'"):
        dgm_zoo.create("vae", image_shape=(8, 8, 1), bound={"name": "nowhere>Renyi"})


@pytest.mark.exhaustive
def test_a_model_from_outside_the_package_goes_through_every_command(folder, capsys):
    names = walk("add_a_model")
    printed, errors = capsys.readouterr()
    assert "dgm-zoo:" not in errors
    wae, model = names["wae"], names["model"]
    assert re.search(r"models:.*\bwae\b", printed) and "wae (WAE)" in printed
    assert "VAE → WAE" in printed and "+ minimises a Wasserstein distance" in printed
    table = transfer.transfer_table()["wae"]
    assert set(table) == set(transfer.TECHNIQUES) and all(one.recipe or one.reason for one in table.values())
    assert re.search(r"^\s*wae\b", printed, re.MULTILINE)

    samples = model.sample(16, seed=0)
    assert samples.shape == (16, 8, 8, 1) and np.isfinite(samples).all()
    loaded = keras.saving.load_model("wae.keras")
    np.testing.assert_array_equal(loaded.sample(16, seed=0), samples)
    assert int(model.step) == 20 and float(model.now("weight")) == 1.0

    run = folder / "runs" / "wae_digits"
    results = (run / "results.json").read_text()
    assert '"test_log_likelihood"' in results and (run / "samples.png").is_file()
    preset = dgm_zoo.from_preset(str(run / "export" / "wae_digits" / "1"))
    assert type(preset) is wae.WAE and preset.sample(2, seed=0).shape == (2, 8, 8, 1)


def test_the_models_discrepancy_is_that_of_its_definition(folder):
    walk_file("add_a_model", "wae.py")
    wae = importlib.import_module("wae")
    one, other = np.random.default_rng(0).normal(size=(2, 7, 3)).astype("float32")
    kernel = lambda a, b: 6 / (6 + ((a - b) ** 2).sum())  # noqa: E731
    pairs = [(i, j) for i in range(7) for j in range(7)]
    wanted = sum(kernel(a[i], a[j]) for a in (one, other) for i, j in pairs if i != j) / 42
    wanted -= 2 * sum(kernel(one[i], other[j]) for i, j in pairs) / 49
    assert float(wae.mmd(tf.constant(one), tf.constant(other))) == pytest.approx(wanted, abs=1e-6)


def test_the_models_formulation_is_what_a_training_step_does(folder, monkeypatch):
    walk_file("add_a_model", "wae.py")
    importlib.import_module("wae")
    monkeypatch.setitem(zoo.TABLE, "wae", {"latent_dim": 2, "hidden": [16]})
    declared, seen = registry.formulation_of("wae").ascents[0], test_formulation.observed("wae")
    seen = seen[frozenset(declared.movers)]
    assert seen.moved == set(declared.movers) and seen.carries == set(declared.carries)
    assert seen.reads == set(declared.reads)


@pytest.mark.parametrize("old, new, message", [
    ('("loss", "reconstruction", "mmd")', '("reconstruction", "mmd")', "begin it with 'loss'"),
    ('{"theta": "objective", "eta": "objective"}', '{"theta": "objective"}', "but the players are"),
    ("    formulation = ", "    placement = ", "no formulation of its own"),
    ('("theta", "eta"), "E', '("theta",), "E', "formulation moves"),
    ("    units = ", '    players = {"theta": ("net",), "eta": ("encoder",)}\n    units = ', "'net' .* constructor"),
    ("    units = ", '    abilities = frozenset({"fly"})\n    units = ', r"does not define fly\(\)"),
    ("def train_step", "def training_step", r"does not define train_step\(\)"),
])
def test_registration_refuses_a_model_without_what_the_checklist_names(old, new, message, folder):
    code, = (block.code for block in blocks("add_a_model") if block.file == "wae.py")
    assert code.count(old) == 1
    Path("broken.py").write_text(code.replace(old, new))
    importlib.invalidate_caches()
    with pytest.raises(InvalidInput, match=message):
        importlib.import_module("broken")


def test_a_data_set_of_ones_own_is_arrays_and_a_name(folder):
    names = walk("add_a_data_set")
    x, y = next(iter(names["train"]))
    assert x.shape == (50, 8, 8, 1) and set(np.unique(x)) == {0.0, 1.0} and y.shape == (50,)
    (source, target), (of_source, of_target) = next(iter(names["pair"]))
    assert source.shape == target.shape == (20, 8, 8, 1)
    assert set(of_source.numpy()) <= {0, 1, 2} and set(of_target.numpy()) == {-1}
    assert dgm_zoo.data.info("columns", data_dir="sets").prepared
    x, label = next(iter(names["columns_train"]))
    np.testing.assert_array_equal(x.numpy()[np.arange(50), :, label.numpy()], 1.0)


# ------------------------------------------------------------------------------------------------- what the pages name


def named_files(text):
    """The paths, from the root of the repository, that a page names in backquotes."""
    words = re.findall(r"`([\w./<>]+)`", text)
    return {w for w in words if re.match(r"(dgm_zoo|tests|configs|docs|benchmarks)/", w) and not re.search("<|NAME", w)}


def attribute(root, dotted):
    """What a dotted name below a module is: an attribute or a module; None if there is neither."""
    for part in dotted.split("."):
        if not hasattr(root, part) and not importlib.util.find_spec(f"{root.__name__}.{part}"):
            return None
        root = getattr(root, part) if hasattr(root, part) else importlib.import_module(f"{root.__name__}.{part}")
    return root


@pytest.mark.parametrize("guide", GUIDES)
def test_the_files_and_the_links_that_a_page_names_exist(guide):
    text = text_of(guide)
    files = named_files(text)
    missing = {file for file in files if not (ROOT / file).exists()}
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert files and missing == set()
    assert all((DOCS / link).is_file() for link in links)


@functools.cache
def names_in_package():
    """The identifiers of the source of the package and of its zoo of tiny models, without comments and prose, and the
    names of their files and folders."""
    paths = [*(ROOT / "dgm_zoo").rglob("*.py"), ROOT / "tests" / "zoo.py"]
    files = {part for path in paths for part in path.relative_to(ROOT).with_suffix("").parts}
    return files.union(*(identifiers(path.read_text()) for path in paths))


def identifiers(source):
    """What a source calls its names, attributes, arguments and keys."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        for field in ("id", "attr", "arg", "name", "value"):
            name = getattr(node, field, None)
            if isinstance(name, str) and name.isidentifier():
                found.add(name)
    return found


def words_that_exist(guide):
    """The identifiers of the package, of the page's own code and of Python."""
    code = [block.code for block in blocks(guide) if block.kind == "python"]
    return names_in_package() | set().union(*map(identifiers, code)) | vars(builtins).keys()


def unknown_symbols(text, words):
    """The names in backquotes that do not exist: as attributes, if they begin with "dgm_zoo.", or else as words."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for name in sorted(set(re.findall(r"`([\w.]+)(?:\([^`]*\))?`", prose))):
        if name.startswith("dgm_zoo."):
            if not attribute(dgm_zoo, name.removeprefix("dgm_zoo.")):
                yield name
        elif not name.endswith((".py", ".json", ".csv", ".png", ".keras")) and not set(name.split(".")) <= words:
            yield name


@pytest.mark.parametrize("guide", GUIDES)
def test_the_symbols_that_a_page_names_exist(guide):
    assert list(unknown_symbols(text_of(guide), words_that_exist(guide))) == []


def test_a_name_that_does_not_exist_is_found():
    assert named_files("`dgm_zoo/objectives/bound.py`, `configs/NAME.py`") == {"dgm_zoo/objectives/bound.py"}
    text = "`dgm_zoo.objectives.Bounds`, `dgm_zoo.objectives.Bound`, `LatentModel.jointed`, `LatentModel.joint`, `kl()`"
    assert list(unknown_symbols(text, words_that_exist("add_a_bound"))) == [
        "LatentModel.jointed", "dgm_zoo.objectives.Bounds",
    ]


# ------------------------------------------------------------------------------------------------- how much to read


def lines_of(file, symbols):
    """How many lines of a file the named classes, functions and methods take; all of them for no names."""
    text = (ROOT / file).read_text()
    count = 0 if symbols else len(text.splitlines())
    for symbol in symbols:
        body = ast.parse(text).body
        for part in symbol.split("."):
            node = next(one for one in body if getattr(one, "name", None) == part)
            body = getattr(node, "body", [])
        count += node.end_lineno + 1 - min([node.lineno, *(one.lineno for one in node.decorator_list)])
    return count


def test_few_lines_must_be_known_to_change_the_evidence_bound(capsys):
    rows = re.findall(r"^\| `([\w/.]+)` \| (.*) \| (\d+) \|$", text_of("add_a_bound"), re.MULTILINE)
    counts = {file: lines_of(file, re.findall(r"`([\w.]+)`", what)) for file, what, _ in rows}
    with capsys.disabled():
        print(f"\nlines to know, to change the evidence bound: {sum(counts.values())} {counts}")
    assert len(rows) == 4 and all(counts[file] <= int(most) for file, _, most in rows)
    assert sum(int(most) for *_, most in rows) <= MOST_LINES
    assert lines_of("dgm_zoo/objectives/evidence.py", []) > lines_of("dgm_zoo/objectives/evidence.py", ["elbo"]) > 5
