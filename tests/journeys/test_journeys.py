"""Three users' journeys, each a script that runs from a wheel in an environment of its own, with the time of each step.

    pytest -m slow -n0 tests/journeys
"""

import shutil
from pathlib import Path

import pytest
from pages import ROOT
from test_installed import user, wheel  # noqa: F401 (fixtures)

HERE = Path(__file__).parent
TIMES = """
set -eu
did() { echo "    $1: $((SECONDS - before)) s"; before=$SECONDS; }
before=0
"""


@pytest.mark.slow  # minutes each: they train
@pytest.mark.parametrize("name", sorted(path.stem for path in HERE.glob("*.sh")))
def test_the_journey_ends_well(name, user, capsys):  # noqa: F811
    run, folder = user
    shutil.rmtree(folder)
    folder.mkdir()
    if name == "researcher":
        for path in (ROOT / "examples").glob("*.py"):
            shutil.copy(path, folder)
    programs = Path(run("-c", "import sys; print(sys.prefix)", program="python").stdout.strip(), "bin")
    script = f'PATH="{programs}:$PATH"\n{TIMES}{(HERE / f"{name}.sh").read_text()}'
    ran = run("-c", script, program=shutil.which("bash"))
    with capsys.disabled():
        print(f"\n{name}", *[line for line in ran.stdout.splitlines() if line.startswith("    ")], sep="\n")


def test_there_are_three_journeys():
    assert {path.stem for path in HERE.glob("*.sh")} == {"newcomer", "practitioner", "researcher"}
