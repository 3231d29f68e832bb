"""The code of a Markdown page: its blocks in order, and a walk that runs them as a reader would."""

import importlib
import re
import sys
from pathlib import Path
from typing import NamedTuple

from dgm_zoo.cli.main import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FENCE = re.compile(r"(?:<!-- not executed: ([^\n]*?) -->\n)?^```(\w+)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block of code: its language, its text, the file that it is (or None), and why no test runs it (or None)."""

    kind: str
    code: str
    file: str | None
    reason: str | None


def generator(*modules):
    """The modules of docs/site by these names."""
    if str(DOCS / "site") not in sys.path:
        sys.path.insert(0, str(DOCS / "site"))
    return map(importlib.import_module, modules)


def written():
    """The Markdown pages of the repository: path to text."""
    paths = [ROOT / "README.md", ROOT / "benchmarks" / "README.md", ROOT / "tests" / "README.md", *DOCS.rglob("*.md")]
    return {str(path.relative_to(ROOT)): path.read_text() for path in sorted(paths)}


def text_of(page):
    return (DOCS / f"{page}.md").read_text()


def blocks_in(text):
    """The blocks of a Markdown text in order. A block that begins with "# NAME.py" is that file."""
    found = []
    for reason, kind, code in FENCE.findall(text):
        named = re.match(r"# ([\w/]+\.py)\n", code)
        found.append(Block(kind, code, named and named[1], reason or None))
    return found


def blocks(page):
    return blocks_in(text_of(page))


def command_lines(code):
    """The commands of a console block, without comments, a line that ends with a backslash joined with the next."""
    lines = re.sub(r"\\\n\s*", "", code).splitlines()
    return [line for line in (re.sub(r"\s+#.*", "", line).strip() for line in lines) if line]


def walk(page, short=None):
    """Runs a page's code in the current folder; returns the names that it leaves behind.

    Args:
      short: words to add to a command, by its name, to make it short: `{"train": ["--config.train.epochs=1"]}`.
    """
    names = {"__name__": page}
    for block in blocks(page):
        if block.reason:
            continue
        if block.file:
            write(block)
        elif block.kind == "python":
            exec(compile(block.code, f"docs/{page}.md", "exec"), names)
        elif block.kind == "bash":
            for line in command_lines(block.code):
                program, *words = line.split()
                assert program == "dgm-zoo" and main([*words, *(short or {}).get(words[0], [])]) == 0, line
    return names


def write(block):
    Path(block.file).parent.mkdir(parents=True, exist_ok=True)
    Path(block.file).write_text(block.code)
    importlib.invalidate_caches()


def walk_file(page, name):
    block, = (block for block in blocks(page) if block.file == name)
    write(block)
