"""An extension of Griffe that turns the sections of our docstrings into those that mkdocstrings renders."""

import re

import griffe


class Sections(griffe.Extension):
    """"Example:" becomes "Examples:", and "References:" a paragraph, with its lines joined."""

    def on_object(self, *, obj: griffe.Object, **kwargs: object) -> None:
        if obj.docstring:
            obj.docstring.value = sections(obj.docstring.value)


def sections(text: str) -> str:
    """Returns a docstring with its sections "Example" and "References" as Markdown and Google's style have them."""
    text = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
    found = re.search(r"^References?:((?:.*\n?)(?:^ +.*\n?)*)", text, re.MULTILINE)
    if found:
        text = f"{text[: found.start()]}**References.** {' '.join(found[1].split())}\n{text[found.end() :]}"
    return text
