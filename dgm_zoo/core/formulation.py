"""A model's place in Hu et al.'s unified view, as data: what `dgm-zoo describe`, `compare` and `draw` show.

Every registered class declares a `Formulation`, which holds for its default arguments. Symbols are the paper's, in
plain text: q_φ^r is q reversed, q_φ^(r) both q and q_φ^r, q_* the perfect discriminator, "—" a part that a model lacks.
`tests/test_formulation.py` checks every `Ascent` against one real training step.

References: Hu et al., On Unifying Deep Generative Models, 2018, Table 1 and Figure 1.
"""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dgm_zoo.errors import InvalidInput, check_known

ABSENT = "—"
SOURCES = ("data", "labels", "prior", "posterior")
SYMBOLS = {"theta": "θ", "phi": "φ", "eta": "η", "omega": "ω"}
ROWS = {  # rows of the paper's Table 1, and further properties of a model
    "x": "x", "y": "y", "z": "z", "c": "c",
    "p_x_given_y": "p_θ(x|y)", "q_y_given_x": "q_φ(y|x)", "q_z_given_xy": "q_η(z|x,y)",
    "kl": "minimises", "phases": "phase of wake-sleep", "remark": "remark",
}


def inferred(distributions: str) -> tuple[str, ...]:
    """The variables that a product of conditionals ranges over: those before each bar.

    Example:
      >>> inferred("q_η(z|x,y) q_*^r(y|x)")
      ('z', 'y')
    """
    return tuple(name for group in re.findall(r"\(([a-z,]+)\|", distributions) for name in group.split(","))


@dataclass(frozen=True)
class KL:
    """KL(left ‖ right) − less. The variables `left` ranges over are the inferred (latent) ones.

    Attributes:
      phase: the wake-sleep phase that this KL extends, "wake" or "sleep".
    """

    left: str
    right: str
    phase: str
    less: str = ""

    def __str__(self) -> str:
        return f"KL({self.left} ‖ {self.right})" + (f" − {self.less}" if self.less else "")


@dataclass(frozen=True)
class Ascent:
    """One gradient ascent step of some players on one utility.

    Attributes:
      movers: the players that take the step.
      utility: the function that they ascend, in the paper's symbols.
      reads: the samples that enter: "data", x of the batch; "labels", labels of the batch; "prior", z ~ p(z) and x
        generated from it; "posterior", z ~ q(z|x).
      carries: the players whose variables receive a gradient from the utility; only the movers are updated.
      stopped: the quantities that are held constant, in words.
    """

    movers: tuple
    utility: str
    _: dataclasses.KW_ONLY
    reads: tuple
    carries: tuple
    stopped: str = ""

    def __post_init__(self) -> None:
        for source in self.reads:
            check_known("source of samples", source, SOURCES)
        if not set(self.movers) <= set(self.carries):
            raise InvalidInput(f"players {self.movers} cannot ascend a utility with gradient only for {self.carries}")

    @property
    def who(self) -> str:
        """The movers' symbols, such as "θ, η"."""
        return symbols(self.movers)


@dataclass(frozen=True)
class Edge:
    """An arrow of the schematic graphical model, from a variable that a conditional is given to one it ranges over.

    Attributes:
      of: the conditional's symbol, if the drawing shows it.
      implicit: whether it is a deterministic transformation, which leads to an implicit distribution.
      adversarial: whether it takes part with its reverse, q and q^r.
    """

    source: str
    target: str
    of: str = ""
    implicit: bool = False
    adversarial: bool = False

    @property
    def degenerate(self) -> bool:
        """Whether it belongs to the perfect discriminator, which is not trained."""
        return "*" in self.of

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


@dataclass(frozen=True)
class Formulation:
    """One model in the unified view.

    Attributes:
      name: the model's name in papers.
      x, y, z, c: the meaning of these variables in this model.
      p_x_given_y, q_y_given_x, q_z_given_xy: Table 1's conditionals, or their counterparts.
      kl: the KLs that are minimised; empty for a model that minimises none, as its `remark` states.
      ascents: the steps of training, in order.
      edges: of the schematic graphical model.

    Example:
      >>> dgm_zoo.models.GAN.formulation.kl[0].phase
      'sleep'
    """

    name: str
    x: str = "data"
    y: str = ABSENT
    z: str = ABSENT
    c: str = ABSENT
    p_x_given_y: str = ABSENT
    q_y_given_x: str = ABSENT
    q_z_given_xy: str = ABSENT
    kl: tuple = ()
    remark: str = ABSENT
    ascents: tuple = ()
    edges: tuple = ()

    @property
    def phases(self) -> tuple[str, ...]:
        """The wake-sleep phases that the model extends, out of "wake" and "sleep"."""
        return tuple(dict.fromkeys(one.phase for one in self.kl))

    @property
    def players(self) -> tuple[str, ...]:
        """The names of the players that some ascent moves."""
        return tuple(dict.fromkeys(player for one in self.ascents for player in one.movers))

    @property
    def nodes(self) -> tuple[str, ...]:
        """The variables of the schematic graphical model."""
        return tuple(dict.fromkeys(node for edge in self.edges for node in (edge.source, edge.target)))

    @property
    def latent(self) -> tuple[str, ...]:
        """The variables that the first KL infers (x in a GAN); all variables but x if no KL determines them."""
        found = inferred(self.kl[0].left) if self.kl else ()
        return tuple(node for node in self.nodes if (node in found if found else node != "x"))

    @property
    def visible(self) -> tuple[str, ...]:
        """The variables that are not latent."""
        return tuple(node for node in self.nodes if node not in self.latent)

    def kind(self, edge: Edge) -> str:
        """ "inference" (dashed) for an edge into a latent variable, else "generative" (solid)."""
        return "inference" if edge.target in self.latent else "generative"

    def role(self, conditional: str) -> str:
        """ "[I]" or "[G]", as Table 1 marks conditionals; "" if the KLs disagree or there are none."""
        sides = {inferred(one.left) for one in self.kl}
        over = inferred(conditional)[:1]
        if len(sides) != 1 or sides == {()} or not over:
            return ""
        return "[I] " if over[0] in sides.pop() else "[G] "

    def rows(self) -> dict[str, str]:
        """The model's column of Table 1: a dict of the keys of `ROWS` to text; conditionals with their role."""
        rows = {key: getattr(self, key) for key in ROWS}
        for key in ("p_x_given_y", "q_y_given_x", "q_z_given_xy"):
            rows[key] = self.role(rows[key]) + rows[key]
        return {**rows, "kl": "; ".join(map(str, self.kl)) or ABSENT, "phases": "; ".join(self.phases) or ABSENT}

    def to_dict(self) -> dict[str, Any]:
        """All declared and derived properties, in types that JSON supports."""
        return {
            "name": self.name, **self.rows(), "kl": [str(one) for one in self.kl], "phases": list(self.phases),
            "latent": list(self.latent), "visible": list(self.visible),
            "ascents": [dataclasses.asdict(one) for one in self.ascents],
            "edges": [{**dataclasses.asdict(edge), "kind": self.kind(edge)} for edge in self.edges],
        }


def symbols(players: Iterable[str]) -> str:
    """The players' symbols: "θ, η" for ("theta", "eta")."""
    return ", ".join(SYMBOLS.get(player, player) for player in players)
