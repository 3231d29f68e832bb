"""What the page says in plain words: what an endpoint does, and what p, q and z are in a model."""

import html
import inspect
from typing import Any

from dgm_zoo.core.formulation import ABSENT
from dgm_zoo.core.formulation import SYMBOLS as GREEK
from dgm_zoo.play.exhibits import Exhibit

TITLES = {"log_likelihood": "Log-likelihood", "inpaint": "Completion", "reconstruct": "Reconstruction",
          "classify": "Class", "encode": "Code", "segment": "Mask", "render": "Picture of this mask",
          "to_source": "As the source domain has it", "to_target": "As the target domain has it"}

SAYS = {
    "sample": "The model makes examples up. Chance, fixed by the seed, picks a code z from p(z); the generator p(x|z) "
              "turns it into x.",
    "sample_code": "You set the part of the code that has learnt a meaning; chance, fixed by the seed, picks the rest.",
    "encode": "q reads your picture and writes down its code: the few numbers that p can draw it from again.",
    "decode": "The generator p turns the code z into x. Every z gives a picture; the likely ones are near the draws of "
              "p(z).",
    "reconstruct": "q turns your picture into a code, and p turns that code into a picture again. What comes back is "
                   "what the model has understood.",
    "log_likelihood": "How likely p finds your picture, as a logarithm: higher is likelier. Draw something odd, and it "
                      "falls.",
    "classify": "Which class q takes your picture for, with the probability of each.",
    "inpaint": "What you hid is drawn anew, given what you left.",
    "segment": "q says for each pixel whether it belongs to the shape.",
    "render": "p paints a picture whose shape is your mask; chance, fixed by the seed, picks its colours.",
    "features": "What the network computes before its last layer.",
    "to_source": "Your picture, drawn as the first data set would draw it.",
    "to_target": "Your picture, drawn as the second data set would draw it.",
    "accompany": "Your track stays; the model adds the other instruments. Chance, fixed by the seed, picks how.",
}

SYMBOLS = {
    "x": ("x", "what one sees"),
    "z": ("z", "the code that explains x"),
    "c": ("c", "the class"),
    "y": ("y", "what a discriminator is asked"),
    "p_x_given_y": ("p", "the generator: how x comes about"),
    "q_z_given_xy": ("q(z|x)", "the reader: which code explains a given x"),
    "q_y_given_x": ("q(y|x)", "the judge: real or generated?"),
    "kl": ("KL", "training makes this distance between the two small"),
}


def title(endpoint: str) -> str:
    """Returns the heading of an endpoint's answer."""
    return TITLES.get(endpoint, endpoint.replace("_", " ").capitalize())


def says(exhibit: Exhibit, endpoint: str) -> str:
    """Returns what an endpoint does, as HTML: in plain words if there are any, then in its own symbols."""
    doc = exhibit.table[endpoint].doc
    plain = html.escape(SAYS.get(endpoint, ""))
    return f"<p class='says'>{plain} <span class='symbols'>{html.escape(doc)}</span></p>"


def about(name: str, model: Any) -> str:
    """Returns a model's name and what p, q and z are in it, as HTML, from its declared place in the unified view."""
    cls = type(model)
    summary = " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())
    for letter, symbol in GREEK.items():
        summary = summary.replace(f"_{letter}", f"_{symbol}")
    formulation = getattr(cls, "formulation", None)
    rows = formulation.rows() if formulation else {}
    lines = "".join(
        f"<tr><th>{html.escape(symbol)}</th><td>{html.escape(plain)}</td><td>{html.escape(rows[key])}</td></tr>"
        for key, (symbol, plain) in SYMBOLS.items() if rows.get(key, ABSENT) != ABSENT
    )
    table = f"<details><summary>What p, q and z are here</summary><table>{lines}</table></details>" if lines else ""
    head = f"<h2>{html.escape(name)}</h2><p class='about'><b>{html.escape(cls.__name__)}</b> {html.escape(summary)}</p>"
    return head + table
