"""Differences between two formulations, derived from their declarations."""

from typing import Any

from dgm_zoo.core.formulation import ROWS, Formulation

EXCHANGED = {"x": "z", "z": "x"}
SWAPPED = {"generative": "inference", "inference": "generative"}
STYLE = {"generative": "solid", "inference": "dashed"}
SIDES = {"left": "which misses modes", "right": "which covers modes"}  # the effect of a model on this side of a KL


def compare(one: Formulation, other: Formulation) -> dict[str, Any]:
    """Returns the differences from one formulation to another.

    Args:
      one, other: the formulations to compare.

    Returns:
      A dict with `observations`, sentences about the graphical models and the KLs; `rows`, a dict from each key of
      `formulation.ROWS` that differs to both texts; and `ascents`, a dict from players that move together to the
      differences in their `utility`, `reads`, `carries` and `stopped` (None for a model without such a step).

    Example:
      >>> compare(models.VAE.formulation, models.InfoGAN.formulation)["observations"][0]
      'solid and dashed arrows are swapped: what generated infers, and what inferred generates'
    """
    mine, theirs = one.rows(), other.rows()
    return {
        "observations": [*_arrows(one, other), *_slots(one, other)],
        "rows": {key: [mine[key], theirs[key]] for key in ROWS if mine[key] != theirs[key]},
        "ascents": dict(_ascents(one, other)),
    }


def _shape(formulation, exchange=False, swap=False):
    """Returns the arrows, (source, target) to (edge, kind), optionally with x and z exchanged or the kinds swapped."""
    name = EXCHANGED if exchange else {}
    kind = SWAPPED if swap else {}
    return {
        (name.get(edge.source, edge.source), name.get(edge.target, edge.target)):
            (edge, kind.get(formulation.kind(edge), formulation.kind(edge)))
        for edge in formulation.edges
    }


def _same(mine, theirs):
    return mine.keys() == theirs.keys() and all(mine[pair][1] == theirs[pair][1] for pair in mine)


def _arrows(one, other):
    """Yields sentences on how one graphical model becomes the other."""
    theirs = _shape(other)
    for exchange, swap in ((False, False), (False, True), (True, False), (True, True)):
        mine = _shape(one, exchange, swap)
        if _same(mine, theirs):
            if exchange:
                yield "x and z are exchanged"
            if swap:
                yield "solid and dashed arrows are swapped: what generated infers, and what inferred generates"
            if not exchange and not swap:
                yield "the arrows are the same"
            break
    else:
        mine = _shape(one)
        for pair in [*mine, *(pair for pair in theirs if pair not in mine)]:
            (before, old), (after, new) = mine.get(pair, (None, None)), theirs.get(pair, (None, None))
            if before is None or after is None:
                edge, kind = theirs.get(pair) or mine[pair]
                of = f", {edge.of}" if edge.of else ""
                yield f"{edge} ({STYLE[kind]}{of}) is {'new' if before is None else 'gone'}"
            elif old != new:
                yield f"{after} is {STYLE[new]}, where it was {STYLE[old]}"
    for pair in (pair for pair in mine if pair in theirs):
        before, after = mine[pair][0], theirs[pair][0]
        if before.implicit != after.implicit:
            yield f"{after} is {'' if after.implicit else 'no longer '}a deterministic transformation"
        if before.degenerate != after.degenerate:
            yield f"{after} is {'that of a perfect discriminator' if after.degenerate else 'learned by a player'}"


def _slots(one, other):
    """Yields a sentence if θ is on one side of the KL in each model and the side changes."""
    sides = [
        {side for kl in formulation.kl for side in ("left", "right") if "θ" in getattr(kl, side)}
        for formulation in (one, other)
    ]
    if sides in ([{"left"}, {"right"}], [{"right"}, {"left"}]):
        (old,), (new,) = sides
        yield f"θ moves from the {old} of the KL, {SIDES[old]}, to the {new}, {SIDES[new]}"


def _ascents(one, other):
    mine, theirs = ({a.who: a for a in formulation.ascents} for formulation in (one, other))
    for who in [*mine, *(who for who in theirs if who not in mine)]:
        pair = mine.get(who), theirs.get(who)
        values = {key: [getattr(a, key, None) for a in pair] for key in ("utility", "reads", "carries", "stopped")}
        if different := {key: value for key, value in values.items() if value[0] != value[1]}:
            yield who, different
