"""The plain-text mathematics of a declaration, such as "E_{p(z)} log q_φ(y|x)", as LaTeX, and LaTeX as MathML.

MathML is part of HTML, so pages need no script and no font to show it.
"""

import re

SYMBOLS = {
    "θ": r"\theta ", "φ": r"\phi ", "η": r"\eta ", "ω": r"\omega ", "λ": r"\lambda ", "Σ": r"\sum ", "∇": r"\nabla ",
    "‖": r"\parallel ", "∝": r"\propto ", "−": "-", "½": r"\tfrac{1}{2}", "²": "^{2}", "...": r"\ldots ",
    "..": r",\ldots,", "~": r"\sim ", "√": r"\sqrt", "—": r"\text{—}", "|": r"\vert ",
}
WORDS = {"log": r"\,\log\,", "E": r"\mathbb{E}"}


def latex(text: str) -> str:
    """Returns a formula of a `Formulation` as LaTeX, in which a vertical bar is written as a command.

    Example:
      >>> latex("log q_φ^r(y|x)")
      '\\\\,\\\\log\\\\, q_{\\\\phi }^{r}(y\\\\vert x)'
    """
    text = _roots(text)
    text = re.sub("(\\w)\u0303", r"\\tilde{\1}", text)
    text = re.sub(r"([_^])(\([a-z]\)|-?[A-Za-zθφηω*]\d|-[a-z]|[a-z]{2,}|[\wθφηω*])", r"\1{\2}", text)
    text = re.sub(r"\{([A-Za-zθφηω])(\d)\}", r"{\1_{\2}}", text)
    text = re.sub(r"(?<![\\A-Za-z])([A-Za-z]{2,}|E)(?![A-Za-z])", lambda word: _word(word[1]), text)
    for symbol, command in SYMBOLS.items():
        text = text.replace(symbol, command)
    return " ".join(text.split())


def _word(word):
    return WORDS.get(word, rf"\mathrm{{{word}}}\,")


def _roots(text):
    """Turns the parentheses around what stands under a root into braces."""
    while (start := text.find("√(")) >= 0:
        depth, end = 1, start + 2
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        text = f"{text[:start]}√{{{text[start + 2 : end - 1]}}}{text[end:]}"
    return text


def inline(text: str) -> str:
    """Returns a formula of a `Formulation` as inline mathematics of a Markdown page."""
    return f"${latex(text)}$"


def rendered(html: str) -> str:
    """Returns a page's HTML with its LaTeX, as the Markdown extension arithmatex marks it, as MathML."""
    from html import unescape

    from latex2mathml.converter import convert

    return re.sub(
        r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>',
        lambda found: convert(unescape(found[2]), display="inline" if found[1] == "span" else "block"), html,
        flags=re.DOTALL,
    )
