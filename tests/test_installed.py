"""The package as a user has it: a wheel in an environment of its own, used from an empty folder."""

import ast
import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from dgm_zoo.cli import declared, parsing
from dgm_zoo.serving import places

ROOT = Path(__file__).parents[1]
MOST = 12 * 2**20  # bytes that configs and presets may add to the wheel
SOURCES = ("setup.py", "pyproject.toml", "README.md", "LICENSE")
FAMILIES = {"evidence", "adversarial", "helmholtz", "equilibrium", "supervised"}  # those with a preset


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The path of the wheel, built from a copy, since a build writes into its sources."""
    pytest.importorskip("wheel")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("dgm_zoo", "configs", "saved_models"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"), symlinks=True)
    for name in SOURCES:
        shutil.copy(ROOT / name, source / name)
    pip(["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", out, source])
    return next(out.glob("dgm_zoo-*.whl"))


def pip(words, **options):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *map(str, words)]
    subprocess.run(command, check=True, capture_output=True, timeout=300, **options)


@pytest.fixture(scope="module")
def user(wheel, tmp_path_factory):
    """(function that runs a command line, an empty folder): an environment with the wheel, and this one's packages."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True, timeout=120)
    pip(["--python", place / "bin" / "python", "install", "--no-deps", "--no-index", wheel])
    folder, home = tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("home")
    site = next(place.glob("lib/python*/site-packages"))
    others = [sysconfig.get_path("purelib"), *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]
    (site / "others.pth").write_text("\n".join(others))  # they come after the wheel on the path
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "TF_CPP", "DGM_ZOO"))}

    def run(*words, program="dgm-zoo"):
        ran = subprocess.run(
            [place / "bin" / program, *words], cwd=folder, env={**kept, "HOME": str(home)}, capture_output=True,
            text=True, timeout=1800,
        )
        assert ran.returncode == 0, ran.stderr
        return ran

    return run, folder


def test_the_wheel_holds_configs_experiments_and_a_small_preset_of_each_family(wheel):
    files = {one.filename: one.compress_size for one in zipfile.ZipFile(wheel).infolist()}
    for folder in ("configs", "configs/reproduce"):
        assert {f"dgm_zoo/{folder}/{path.name}" for path in (ROOT / folder).glob("*.py")} <= set(files)
    presets = {name.split("/")[2] for name in files if name.startswith("dgm_zoo/saved_models/")}
    assert {"vae_digits", "classifier_digits"} <= presets
    families = set()
    for name in presets:
        folder = ROOT / "saved_models" / name
        assert {f"dgm_zoo/{path.relative_to(ROOT)}" for path in folder.rglob("*") if path.is_file()} <= set(files)
        model = json.loads((folder / "1" / "metadata.json").read_text())["model"]
        families |= {path.parent.name for path in (ROOT / "dgm_zoo" / "models").rglob(f"{model}.py")}
    assert families == FAMILIES
    added = [size for name, size in files.items() if name.split("/")[1] in ("configs", "saved_models")]
    assert sum(added) <= MOST


def test_an_installed_package_lists_what_it_holds_from_an_empty_folder(user):
    run, folder = user
    where = run("-c", "import dgm_zoo; print(dgm_zoo.__file__)", program="python").stdout
    assert str(ROOT) not in where
    found = json.loads(run("list", "--json").stdout)
    assert {"vae_digits", "classifier_digits"} <= set(found["presets"])
    assert set(found["configs"]) == {path.stem for path in (ROOT / "configs").glob("*.py")}
    assert set(found["experiments"]) == {path.stem for path in (ROOT / "configs" / "reproduce").glob("*.py")}
    presets = json.loads(run("presets", "list", "--json").stdout)["presets"]
    assert all(not one["folder"].startswith(str(ROOT)) for one in presets)
    assert run("describe", "vae_digits").stdout.startswith("vae_digits, version 1: VAE, 68,680 parameters")
    assert list(folder.iterdir()) == []


@pytest.mark.slow  # minutes: one run, and the nine of `reproduce bars --quick`
def test_the_main_job_works_from_a_wheel_in_an_empty_folder_and_says_nothing_but_its_own(user):
    run, folder = user
    trained = run("train", "--config=vae_digits", "--workdir=run", "--config.train.epochs=1",
                  "--config.evaluate.num_samples=10")
    assert trained.stderr == "" and "test log-likelihood:" in trained.stdout
    assert run("sample", "--workdir=run", "--n=4", "--out=own.npy").stderr == ""
    assert run("sample", "--preset=vae_digits", "--n=4", "--out=samples.png").stderr == ""
    code = "import dgm_zoo; print(dgm_zoo.from_preset('vae_digits').sample(2, seed=0).shape)"
    assert "(2, 8, 8, 1)" in run("-c", code, program="python").stdout
    assert "correct" in run("presets", "verify").stdout
    quick = run("reproduce", "bars", "--quick")
    assert quick.stdout.splitlines()[-1].startswith("wrote runs/reproduce/bars-quick/bars.json") and quick.stderr == ""
    assert (folder / "run" / "results.json").is_file() and (folder / "samples.png").is_file()
    assert not (folder / "docs").exists()


# ------------------------------------------------------------------------------------------------------- the README


def commands(page):
    """The words of each `dgm-zoo` line in the page's shell blocks, in order."""
    blocks = re.findall(r"```bash\n(.*?)```", page, re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [words[1:] for words in lines if words[:1] == ["dgm-zoo"]]


def unmade(page):
    """Yields each word of the commands that names a config, run, preset or experiment that is not there yet."""
    configs, experiments = (set(places.python_files(kind)) for kind in (places.CONFIGS, places.EXPERIMENTS))
    presets, runs = {path.name for path in places.shipped(places.PRESETS).iterdir()}, set()
    for name, *words in commands(page):
        call = parsing.parse(name, importlib.import_module(f"dgm_zoo.cli.commands.{name}"), words)
        wanted = {flag: call.flags[flag].value for flag in ("config", "workdir", "preset") if flag in call.flags}
        if wanted.get("workdir") and name in ("train", "sweep", "reproduce"):
            runs.add(wanted.pop("workdir"))
        named = {"reproduce": experiments, "presets": presets}.get(name)
        words = call.arguments[1:] if name == "presets" else call.arguments
        yield from ([word for word in words if word not in named] if named else [])
        for flag, known in (("config", configs), ("workdir", runs), ("preset", presets)):
            if wanted.get(flag) and wanted[flag] not in known:
                yield wanted[flag]
        if name == "export" and call.flags.name:
            presets.add(call.flags.name)


def test_the_readmes_commands_use_only_what_ships_or_what_an_earlier_one_made():
    page = (ROOT / "README.md").read_text()
    assert len(commands(page)) > 15 and list(unmade(page)) == []


def test_a_command_too_early_is_found():
    page = "```bash\ndgm-zoo sample --workdir=a\ndgm-zoo train --config=vae_digits --workdir=a  # b\n```"
    assert list(unmade(page)) == ["a"] and list(unmade(page.replace("vae_digits", "no"))) == ["a", "no"]


# ------------------------------------------------------------------------------------------- names without imports


def test_the_names_in_the_sources_are_those_that_are_registered():
    from dgm_zoo import models
    from dgm_zoo.training.measures import MEASURES

    code = "from dgm_zoo.cli import declared; print(declared.models(), declared.measures(), sep='\\n')"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    written = [set(ast.literal_eval(line)) for line in ran.stdout.splitlines()]
    own = {name for name in models.list_models() if models.model_class(name).__module__.startswith("dgm_zoo.")}
    assert written == [own, {name for name, one in MEASURES.items() if _is_own(one)}]


def _is_own(measure):
    functions = [measure.measure, measure.draw, measure.check]
    return any(one is not None and one.__module__.startswith("dgm_zoo.") for one in functions)


def test_names_that_a_user_registers_are_listed_too(monkeypatch):
    from dgm_zoo.core import registry

    monkeypatch.setitem(registry.MODELS, "mine", registry.model_class("vae"))
    assert "mine" in declared.models()


# ----------------------------------------------------------------------------------------- other operating systems

ELSEWHERE = """
import sys, os
sys.modules["fcntl"] = None
del os.getuid, os.sched_getaffinity
import locale, warnings
warnings.simplefilter("ignore")
assert locale.getpreferredencoding(False) in ("ANSI_X3.4-1968", "US-ASCII"), locale.getpreferredencoding(False)
from pathlib import Path
from dgm_zoo.training import reproduce, workdir
from dgm_zoo.serving.card import write_card
from dgm_zoo.serving import read_metadata
from dgm_zoo.cli.commands import transfer
from dgm_zoo.errors import InvalidInput
here = Path("run")
with workdir.claimed(here):
    try:
        with workdir.claimed(here):
            sys.exit("two processes in one workdir")
    except InvalidInput as error:
        assert "another process" in str(error)
with workdir.claimed(here):
    workdir.write_json(workdir.machine(), here / "versions.json")
    assert workdir.read_json(here / "versions.json")["machine"]
metadata = read_metadata("vae_digits")
write_card(here, metadata)
assert "\\u00b1" in (here / "README.md").read_text(encoding="utf-8")
from dgm_zoo.cli import main
sys.argv = ["dgm-zoo", "describe", "vae"]
main.console()
"""


@pytest.mark.exhaustive
def test_it_runs_without_fcntl_getuid_and_utf8(tmp_path):
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], cwd=tmp_path, env=environment, capture_output=True, timeout=600,
    )
    assert ran.returncode == 0, ran.stderr.decode("ascii", "replace")
    assert b"vae (VAE)" in ran.stdout and b"KL(q_?(z|x" in ran.stdout
