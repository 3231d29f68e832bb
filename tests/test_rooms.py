"""Imports point down, files are short, models stand on few others: read from the source, without TensorFlow.

The table in docs/architecture.md says what each room may import. Every rule is a function of the sources, module name
to text, that returns the sentences in which it is broken; each is also tried on sources that break it.
"""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "dgm_zoo"
EVERYWHERE = {"errors", "checks", "specs"}
LONGEST_FILE, LONGEST_CHAIN, MOST_CLASSES = 300, 4, 6
LONGER = {"dgm_zoo.core.model": "`GenerativeModel`, one class: its steps, endpoints and state are in other files"}


def sources():
    """The package's modules: name to text."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return found


def rooms_of_the_page():
    """The table of docs/architecture.md: room to the set of rooms that it may import, itself and `EVERYWHERE` aside."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    return {room: set(re.findall(r"`(\w+)`", others)) for room, others in rows}


def imports(module, modules):
    """The modules and names of the package that a module imports, anywhere in its text: a set of dotted names.

    Counts `import a`, `from a import b`, relative imports and `importlib.import_module("a")`; of an f-string, what
    stands before its first placeholder.
    """
    is_package = any(other.startswith(f"{module}.") for other in modules)
    return _imports(modules[module], tuple(module.split(".") if is_package else module.split(".")[:-1]))


@functools.cache  # every planted source is read among all the others, which stay as they are
def _imports(text, parents):
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = [*parents[: len(parents) - node.level + 1], *([node.module] if node.module else [])]
            base = ".".join(base) if node.level else node.module
            found |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
            found.add(_first_text(node.args[0]).rstrip("."))
    return {name for name in found if name.split(".")[0] == PACKAGE}


def _first_text(node):
    node = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def imported_modules(module, modules):
    """What `imports` finds, as modules: a name inside a module counts as that module."""
    return {name if name in modules else name.rpartition(".")[0] for name in imports(module, modules)} - {module}


def room_of(name):
    return name.split(".")[1] if "." in name else ""


def family_of(name):
    parts = name.split(".")
    return parts[2] if parts[1:2] == ["models"] and len(parts) > 2 else ""


# ------------------------------------------------------------------------------------------------------- the rules


def rooms(modules):
    """A room imports itself, what everything may, and what the page allows."""
    may = rooms_of_the_page()
    for module in modules:
        if module == PACKAGE:
            continue
        if room_of(module) not in may:
            yield f"{module} is in a room that docs/architecture.md does not name"
            continue
        basic = room_of(module) in EVERYWHERE
        allowed = may[room_of(module)] | {room_of(module)} | (set() if basic else {*EVERYWHERE, "__version__"})
        for name in sorted(imports(module, modules)):
            if room_of(name) not in allowed:
                yield f"{module} imports {name}, which its room may not"


def families(modules):
    """A model's file imports models of its own family only, and not the package that imports all of them."""
    for module in modules:
        for name in sorted(imports(module, modules)) if family_of(module) else ():
            if room_of(name) == "models" and family_of(name) != family_of(module):
                yield f"{module} imports {name}, which is not of its family"


def chains(modules):
    """No model's file stands on more than three others in turn."""
    def chain(module, above=()):
        if module in above:
            return [module]
        within = [m for m in imported_modules(module, modules) if family_of(m) and m not in above]
        return [module, *max((chain(m, (*above, module)) for m in within), key=len, default=[])]

    for module in modules:
        if family_of(module) and len(found := chain(module)) > LONGEST_CHAIN:
            yield f"{' imports '.join(found)}: {len(found)} files in a row"


def lengths(modules):
    """A file has at most 300 lines, or stands in `LONGER` with its idea for as long as it needs to."""
    for module, text in modules.items():
        lines = len(text.splitlines())
        if lines > LONGEST_FILE and module not in LONGER:
            yield f"{module} has {lines} lines; split it by ideas"
        if lines <= LONGEST_FILE and module in LONGER:
            yield f"{module} has {lines} lines; take it out of LONGER"


RULES = {rule.__name__: rule for rule in (rooms, families, chains, lengths)}

PLANTED = [  # a rule, a module, and a text of its that breaks the rule
    *(("rooms", module, text) for module, text in [
        ("dgm_zoo.objectives.planted", "from dgm_zoo.models.evidence.vae import VAE"),
        ("dgm_zoo.objectives.planted", "from dgm_zoo.core.model import GenerativeModel"),
        ("dgm_zoo.distributions.planted", "from dgm_zoo.objectives import elbo"),
        ("dgm_zoo.distributions.planted", "from dgm_zoo.networks import dense"),
        ("dgm_zoo.distributions.planted", "def late():\n    from dgm_zoo import core"),
        ("dgm_zoo.distributions.planted", "import dgm_zoo.models"),
        ("dgm_zoo.networks.planted", "from ..core import recipes"),
        ("dgm_zoo.networks.planted", "from dgm_zoo.models import VAE"),
        ("dgm_zoo.core.planted", "from dgm_zoo.models.evidence.vae import VAE"),
        ("dgm_zoo.core.planted", "def late():\n    from dgm_zoo.training import train"),
        ("dgm_zoo.core.planted", "from dgm_zoo import serving"),
        ("dgm_zoo.core.planted", "import importlib\nimportlib.import_module('dgm_zoo.cli.main')"),
        ("dgm_zoo.models.evidence.planted", "from dgm_zoo.training.build import build"),
        ("dgm_zoo.models.evidence.planted", "from dgm_zoo.serving import from_preset"),
        ("dgm_zoo.models.evidence.planted", "from dgm_zoo.cli import main"),
        ("dgm_zoo.models.evidence.planted", "def late(name):\n    import_module(f'dgm_zoo.data.{name}')"),
        ("dgm_zoo.models.evidence.planted", "from dgm_zoo.metrics import log_likelihood"),
        ("dgm_zoo.data.planted", "from dgm_zoo.models import create"),
        ("dgm_zoo.data.builders.planted", "from ...models import create"),
        ("dgm_zoo.metrics.planted", "from dgm_zoo.models import create"),
        ("dgm_zoo.unified.planted", "from dgm_zoo.training import train"),
        ("dgm_zoo.unified.theory.planted", "from dgm_zoo.cli.main import main"),
        ("dgm_zoo.training.planted", "from dgm_zoo.cli.parsing import Call"),
        ("dgm_zoo.checks.planted", "from dgm_zoo.specs import from_spec"),
        ("dgm_zoo.metrics.planted", "from dgm_zoo import create"),
        ("dgm_zoo.attic.planted", ""),
    ]),
    ("families", "dgm_zoo.models.adversarial.planted", "from dgm_zoo.models.evidence.vae import VAE"),
    ("families", "dgm_zoo.models.helmholtz.planted", "def late():\n    from ..adversarial import gan"),
    ("families", "dgm_zoo.models.helmholtz.planted", "from dgm_zoo.models import VAE"),
    ("chains", "dgm_zoo.models.evidence.planted", "from dgm_zoo.models.evidence.aasvae import AASVAE"),
    ("lengths", "dgm_zoo.objectives.planted", "x = 1\n" * 301),
    ("lengths", "dgm_zoo.core.model", "x = 1\n" * 300),
]


@pytest.fixture(scope="module")
def package():
    return sources()


@pytest.mark.parametrize("rule", RULES)
def test_the_package_keeps_the_rule(rule, package):
    assert len(package) > 100
    assert list(RULES[rule](package)) == []


@pytest.mark.parametrize("rule, module, text", PLANTED, ids=[f"{rule}-{module}" for rule, module, _ in PLANTED])
def test_a_source_that_breaks_the_rule_is_found(rule, module, text, package):
    found = set(RULES[rule]({**package, module: text})) - set(RULES[rule](package))
    assert len(found) == 1 and module in found.pop()


def test_every_rule_has_a_counter_example():
    assert {rule for rule, *_ in PLANTED} == set(RULES)


def test_the_page_names_the_rooms_that_there_are_and_points_down(package):
    may = rooms_of_the_page()
    assert set(may) == {room_of(module) for module in package} - {""}
    order = list(may)
    for room, others in may.items():
        below = set(order[: order.index(room)])
        assert others <= below, f"{room} may import {others - below}, which the table names later"


def test_the_page_states_the_limits():
    page = " ".join((ROOT / "docs" / "architecture.md").read_text().split())
    said = re.search(r"at most (\d+) files long.*?at most (\d+) classes.*?at most (\d+) lines", page)
    assert tuple(map(int, said.groups())) == (LONGEST_CHAIN, MOST_CLASSES, LONGEST_FILE)


# ------------------------------------------------------------------------------------------------------- the classes


def package_classes(cls):
    """The names of the package's classes that one must know to know `cls`."""
    return [base.__name__ for base in cls.__mro__ if base.__module__.split(".")[0] == PACKAGE]


def test_a_model_has_few_classes_of_the_package_above_it():
    from dgm_zoo import models

    found = {name: package_classes(models.model_class(name)) for name in models.list_models()}
    assert len(found) > 20
    assert {name: classes for name, classes in found.items() if len(classes) > MOST_CLASSES} == {}


def test_a_class_too_many_is_counted():
    from dgm_zoo.models import model_class

    one_more = type("OneMore", (model_class("aasvae"),), {"__module__": "dgm_zoo.models.evidence.planted"})
    assert len(package_classes(one_more)) == MOST_CLASSES + 1
