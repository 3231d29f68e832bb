"""Source code as the pages show it: excerpts with a link to their lines, and the files that they come from."""

import inspect
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def file_of(thing: Any) -> str:
    """Returns the file of a class or function, relative to the root of the repository."""
    return str(Path(inspect.getsourcefile(thing)).resolve().relative_to(ROOT))


def excerpt(thing: Any, title: str) -> str:
    """Returns the source of a class or function as Markdown for a system's page, below a link to its lines."""
    lines, first = inspect.getsourcelines(thing)
    file = file_of(thing)
    place = f"../source/{file.removesuffix('.py')}.html#__codelineno-0-{first}"
    code = textwrap.dedent("".join(lines)).rstrip()
    return f'<a href="{place}">{title}, {file}, line {first}</a>\n\n```python linenums="{first}"\n{code}\n```'


def page(file: str) -> str:
    """Returns the page of one source file."""
    code = (ROOT / file).read_text().rstrip()
    return f'---\nsearch:\n  exclude: true\nhide: [toc]\n---\n\n# {file}\n\n````python linenums="1"\n{code}\n````\n'


def args_of(text: str | None, section: str = "Args") -> dict[str, str]:
    """Returns the arguments that a docstring describes, name to text on one line; "a, b: text" describes both.

    Example:
      >>> args_of('''Does.
      ...
      ... Args:
      ...   a, b: two
      ...     numbers.
      ... ''')
      {'a': 'two numbers.', 'b': 'two numbers.'}
    """
    found, names = {}, []
    lines = inspect.cleandoc(text or "").splitlines()
    if f"{section}:" not in lines:
        return found
    for line in lines[lines.index(f"{section}:") + 1 :]:
        if line and not line.startswith("  "):
            break
        begins, colon, rest = line.strip().partition(": ")
        if line.startswith("  ") and line[2:3] != " " and colon and all(n.isidentifier() for n in begins.split(", ")):
            names = begins.split(", ")
            found.update(dict.fromkeys(names, rest))
        elif line.strip():
            found.update({name: f"{found[name]} {line.strip()}" for name in names})
    return found


def table(titles: list[str], rows: list[list[str]]) -> str:
    """Returns a Markdown table; a bar or a line's end in a cell does not end it."""
    cells = [titles, ["---"] * len(titles), *([" ".join(c.replace("|", "\\|").split()) for c in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
