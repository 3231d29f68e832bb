"""Schematic graphical models, as in Figure 1 of Hu et al., drawn with matplotlib.

Every variable has a fixed position (the variable that the discriminator sees in the middle, y to its right, other
variables to the left, a class above), so two drawings side by side show what was swapped. A layout engine such as
Graphviz would choose different positions for each model, and needs a binary that pip does not install.
"""

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dgm_zoo.checks import check_path, shown
from dgm_zoo.errors import InvalidInput, unknown
from dgm_zoo.files import whole

if TYPE_CHECKING:  # importing it takes time
    from dgm_zoo.core.formulation import Formulation

FORMATS = (".pdf", ".png", ".svg")
BLACK, BLUE, PALE, GREY = "#222222", "#1f5fbf", "#a9c3ea", "#e4e4e4"
RADIUS, BEND, HEAD = 0.27, 0.3, 0.17  # radius of a node, bend of an arrow as a share of its length, length of its head
WIDTH, ABOVE, BELOW = 4.5, 1.05, 0.8  # width of one drawing, margins above its highest and below its lowest variable
SCALE = 0.8  # inches per unit of these lengths
LEGEND_ENTRIES, LEGEND_COLUMNS = 7, {1: 2, 2: 4, 3: 7}  # columns by the number of drawings in a row
ADVERSARY = "y"


def save_schematic(formulations: Sequence["Formulation"], path: str | os.PathLike) -> None:
    """Draws the schematic graphical models of formulations, each under its name, three per row.

    Solid arrows denote the generative process, dashed arrows inference. A hollow head denotes a deterministic
    transformation, which leads to an implicit distribution. Blue denotes the adversarial mechanism, q and its reverse;
    pale blue the perfect discriminator, which is not trained. Grey variables are visible, white ones latent.

    Args:
      formulations: the formulations to draw, at least one.
      path: the file (.svg, .png or .pdf), in an existing folder. Equal formulations give equal bytes.

    Raises:
      InvalidInput: no formulation, another file ending, or a folder that does not exist.

    Example:
      >>> save_schematic([models.VAE.formulation, models.InfoGAN.formulation], "swapped.svg")

    References: Hu et al., On Unifying Deep Generative Models, 2018, Figure 1.
    """
    check_schematic_path(path)
    if not isinstance(formulations, (list, tuple)) or not all(hasattr(one, "edges") for one in formulations):
        raise InvalidInput(f"formulations is {shown(formulations)}; give a list of them, as [models.VAE.formulation]")
    if not formulations:
        raise InvalidInput("formulations is empty; give at least one")
    columns = min(max(LEGEND_COLUMNS), len(formulations))
    rows = [formulations[i : i + columns] for i in range(0, len(formulations), columns)]
    tops = [max(y for one in row for _, y in places(one).values()) + ABOVE for row in rows]
    legend = 0.28 * math.ceil(LEGEND_ENTRIES / LEGEND_COLUMNS[columns]) + 0.1  # inches
    width, height = columns * WIDTH * SCALE, (sum(tops) + len(rows) * BELOW) * SCALE + legend

    import matplotlib.style

    settings = {"mathtext.fontset": "stix", "font.family": "STIXGeneral", "svg.hashsalt": "dgm_zoo"}
    with matplotlib.style.context("default"), matplotlib.rc_context(settings):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), dpi=200)
        FigureCanvasAgg(figure)
        bottom = height
        for row, top in zip(rows, tops, strict=True):
            bottom -= (top + BELOW) * SCALE
            for i, one in enumerate(row):
                axes = figure.add_axes((i / columns, bottom / height, 1 / columns, (top + BELOW) * SCALE / height))
                axes.set(xlim=(-WIDTH / 2, WIDTH / 2), ylim=(-BELOW, top))
                axes.axis("off")
                _draw(axes, one)
        _legend(figure, columns)
        dates = {".png": {"Software": None}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
        with whole(path) as partial:
            figure.savefig(partial, metadata=dates[partial.suffix])


def check_schematic_path(path: str | os.PathLike) -> None:
    """Raises `InvalidInput` if `path` has another ending than `FORMATS`, or if its folder does not exist."""
    path = check_path("path", path)
    ending, folder = os.path.splitext(path)[1], os.path.dirname(os.path.abspath(path))
    if ending not in FORMATS:
        raise unknown("ending of a drawing", ending or path, FORMATS)
    if not os.path.isdir(folder):
        raise InvalidInput(f"the folder '{folder}' of a drawing does not exist; make it first")
    if os.path.isdir(path):
        raise InvalidInput(f"'{path}' is a folder; give a file")


def places(formulation: "Formulation") -> dict[str, tuple[float, float]]:
    """Returns the position of each variable: the input of q(y|.) (x if there is none) in the middle, a class above."""
    nodes = formulation.nodes
    hub = next((edge.source for edge in formulation.edges if edge.target == ADVERSARY), "x")
    sides = {hub: (0.0, 0.0), ADVERSARY: (1.6, 0.0), "c": (0.0, 1.7)}
    found = {node: sides.get(node, (-1.6, 0.0)) for node in nodes}
    middle = (min(x for x, _ in found.values()) + max(x for x, _ in found.values())) / 2
    return {node: (x - middle, y) for node, (x, y) in found.items()}


def _draw(axes, formulation):
    """Draws nodes, arrows and the name of one model."""
    from matplotlib.patches import Circle

    at = places(formulation)
    pairs = {(edge.source, edge.target) for edge in formulation.edges}
    title = max(y for _, y in at.values()) + ABOVE - 0.12
    axes.text(0, title, formulation.name, ha="center", va="top", fontsize=15, color=BLACK)
    for edge in formulation.edges:
        start, end = np.array(at[edge.source]), np.array(at[edge.target])
        _arrow(axes, start, end, edge, formulation.kind(edge), _bend(start, end, (edge.target, edge.source) in pairs))
    for node, place in at.items():
        colour = GREY if node in formulation.visible else "white"
        axes.add_patch(Circle(place, RADIUS, facecolor=colour, edgecolor=BLACK, linewidth=1.3, zorder=3))
        axes.text(*place, f"${node}$", ha="center", va="center_baseline", fontsize=17, color=BLACK, zorder=4)


def _bend(start, end, paired):
    """Returns the bend of an arrow to its left, as a share of its length: away from its pair, and around the middle."""
    along = end - start
    if np.all(along != 0):  # between a class above and a variable at the side
        outwards = np.sign(np.dot([-along[1], along[0]], start + end))
        return outwards * (BEND + 0.15 * outwards * paired)
    return BEND if paired else 0.0


def _arrow(axes, start, end, edge, kind, bend):
    """Draws one arrow, bent to its left, and the label of its conditional."""
    from matplotlib.patches import Polygon

    colour = (PALE if edge.degenerate else BLUE) if edge.adversarial else BLACK
    along = end - start
    left = np.array([-along[1], along[0]])
    t = np.linspace(0, 1, 400)[:, None]
    curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * (start + along / 2 + bend * left) + t**2 * end
    outside = (np.linalg.norm(curve - start, axis=1) > RADIUS) & (np.linalg.norm(curve - end, axis=1) > RADIUS + 0.02)
    curve = curve[outside]
    tip = curve[-1]
    line = curve[np.linalg.norm(curve - tip, axis=1) > HEAD * 0.95]
    direction = (tip - line[-1]) / np.linalg.norm(tip - line[-1])
    across = 0.45 * HEAD * np.array([-direction[1], direction[0]])
    axes.plot(*line.T, color=colour, linewidth=1.5, linestyle=(0, (4, 2.2)) if kind == "inference" else "-",
              solid_capstyle="butt")
    base = tip - HEAD * direction
    axes.add_patch(Polygon(
        [tip, base + across, base - across], facecolor="white" if edge.implicit else colour, edgecolor=colour,
        linewidth=1.3, joinstyle="miter", zorder=2,
    ))
    if edge.of:
        unit = left / np.linalg.norm(left)
        place = start + along / 2 + (bend / 2 * np.linalg.norm(along) + 0.08) * unit
        _label(axes, place, unit, edge.of, BLUE if edge.adversarial else BLACK)


def _label(axes, place, outwards, text, colour):
    """Writes the label of a conditional on the outer side of its arrow."""
    x, y = outwards
    axes.text(
        *place, f"${text.replace('^(r)', '^{(r)}')}$", fontsize=12, color=colour,
        ha="center" if abs(x) < 0.5 else "left" if x > 0 else "right",
        va="center" if abs(y) < 0.5 else "bottom" if y > 0 else "top",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )


def _legend(figure, columns):
    """Draws the legend of lines, heads and colours."""
    from matplotlib.lines import Line2D

    line = {"color": BLACK, "linewidth": 1.5}
    dot = {"linestyle": "", "marker": "o", "markersize": 11, "markeredgecolor": BLACK}
    head = {"linestyle": "", "marker": ">", "markersize": 8, "markeredgecolor": BLACK}
    handles = {
        "generative": Line2D([], [], **line),
        "inference": Line2D([], [], linestyle=(0, (4, 2.2)), **line),
        "adversarial": Line2D([], [], color=BLUE, linewidth=1.5),
        "degenerate": Line2D([], [], color=PALE, linewidth=1.5),
        "deterministic": Line2D([], [], markerfacecolor="white", **head),
        "visible": Line2D([], [], markerfacecolor=GREY, **dot),
        "latent": Line2D([], [], markerfacecolor="white", **dot),
    }
    figure.legend(
        list(handles.values()), list(handles), loc="lower center", ncols=LEGEND_COLUMNS[columns], frameon=False,
        fontsize=11, handlelength=1.8, columnspacing=1.4,
    )
