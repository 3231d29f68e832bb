"""The tour through the unified view: every line of code in it runs, and prints what the page says."""

import doctest
import re
from pathlib import Path

import pytest

from dgm_zoo.cli.main import main

PAGE = Path(__file__).parents[1] / "docs" / "unified_view.md"
PYTHON, SHELL = (re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL) for kind in ("python", "bash"))
COMMANDS = [line for block in SHELL for line in block.splitlines() if line]


def test_the_python_prints_what_the_page_says():
    blocks = doctest.DocTestParser().get_doctest("\n".join(PYTHON), {}, PAGE.name, str(PAGE), 0)
    assert len(blocks.examples) == sum(block.count(">>> ") for block in PYTHON) > 30
    report = []
    result = doctest.DocTestRunner(verbose=False).run(blocks, out=report.append)
    assert not result.failed, "".join(report)


@pytest.mark.parametrize(
    "command", [pytest.param(one, marks=pytest.mark.slow if "directions" in one else ()) for one in COMMANDS]
)
def test_the_commands_run(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    program, *words = command.split()
    assert program == "dgm-zoo" and main(words) == 0
    assert capsys.readouterr().out.strip()


def test_the_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text())
    assert links and all((PAGE.parent / link).is_file() for link in links)
