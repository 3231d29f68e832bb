"""The specs of published tables, `configs/reproduce/NAME.py`, and the goals of their rows."""

from pathlib import Path
from typing import NamedTuple

from dgm_zoo.checks import is_number, shown
from dgm_zoo.errors import InvalidInput
from dgm_zoo.serving import places
from dgm_zoo.training.config import call_in, run_file

MORE = {  # metrics for which higher is better: a published number is a lower bound, unless the row states a goal
    "test_log_likelihood", "test_log_p_star", "test_elbo", "test_accuracy", "test_source_accuracy",
    "test_target_accuracy", "test_conditional_accuracy", "test_inception_score", "test_factorial",
}
LESS = {  # metrics for which lower is better
    "test_frechet_distance", "test_limiting_frechet_distance", "test_code_error", "test_code_information", "test_mse",
}


class Goal(NamedTuple):
    """What a number is to reach.

    Attributes:
      of: "value", or "difference" from the row named by `against`.
      least, most: its bounds; None for no bound on that side.
    """

    of: str = "value"
    least: float | None = None
    most: float | None = None

    def reached(self, number: float) -> bool:
        """Returns whether `number` lies within the bounds."""
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)

    def __str__(self) -> str:
        bounds = [f"{sign} {bound:.5g}" for sign, bound in (("≥", self.least), ("≤", self.most)) if bound is not None]
        return ("difference " if self.of == "difference" else "") + ", ".join(bounds)


def specs() -> dict[str, Path]:
    """Returns name to path of every spec."""
    return places.python_files(places.EXPERIMENTS)


def load_spec(path: Path) -> dict:
    """Returns what a spec's `get_experiment` returns, and its `title`.

    Raises:
      InvalidInput: the file is missing or broken, or a row's goal is none; see `goal_of`.
    """
    names = run_file(path)
    title = (names.get("__doc__") or path.stem).strip().splitlines()[0]
    spec = call_in(path, names, "get_experiment")
    for row in spec["rows"]:
        goal_of(row)
    return {**spec, "title": title}


def goal_of(row: dict) -> Goal | None:
    """Returns the goal of a row of a spec; None if there is none.

    A row may state it as `goal`: a dict of `least` or `most`, and `of`, "value" (the default) or "difference"; or None,
    if the published number is not comparable with ours. Without that key, a published number is the goal if its metric
    is in `MORE` or `LESS`.

    Raises:
      InvalidInput: `goal` has another form, or is a difference and the row has no `against`.

    Example:
      >>> goal_of({"metric": "test_accuracy", "published": 0.98})
      Goal(of='value', least=0.98, most=None)
    """
    if "goal" not in row:
        published, metric = row["published"], row["metric"]
        if published is None or metric not in MORE | LESS:
            return None
        return Goal(**{"least" if metric in MORE else "most": published})
    given = row["goal"]
    if given is None:
        return None
    bounds = {key: value for key, value in given.items() if key != "of"} if isinstance(given, dict) else {}
    fits = bounds and set(bounds) <= {"least", "most"} and all(map(is_number, bounds.values()))
    if not fits or given.get("of", "value") not in ("value", "difference"):
        example = '{"least": -85.0}, or {"most": 0.1, "of": "difference"}'
        raise InvalidInput(f"the goal of row '{row['name']}' is {shown(given)}; give such as {example}, or None")
    if given.get("of") == "difference" and "against" not in row:
        raise InvalidInput(f"row '{row['name']}' has a goal of a difference and no 'against'; name the other row there")
    return Goal(**given)
