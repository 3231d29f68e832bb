"""The declaration of a measure, the context of its functions, and the table of all measures."""

import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from dgm_zoo import data, metrics
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training import pairs
from dgm_zoo.training.arguments import info_of
from dgm_zoo.training.build import dataset, held_out
from dgm_zoo.training.workdir import OWN_FILES

MEASURES = {}  # name to `Measure`, in the order of registration
SHOWN = 500  # number of test rows, the first ones, used for pictures


def kinds(name: str) -> frozenset:
    """Returns the kinds of data in data set `name`: of "images", "points", "labels", "masks", "music", "exact".

    Example:
      >>> sorted(kinds("digits"))
      ['images', 'labels']
    """
    info = data.info(name)
    found = {
        "images": len(info.image_shape) == 3,  # vectors of bits are neither images nor points
        "points": info.levels is None,
        "labels": info.num_classes is not None,
        f"{info.latents}s": info.latents is not None,
        "music": info.music is not None,
        "exact": info.exact,
    }
    return frozenset(kind for kind, present in found.items() if present)


def kinds_of(config: ConfigDict) -> frozenset:
    """Returns the `kinds` of a config's data; for two domains, those of the source and kinds of the pair.

    The kinds of a pair are "domains"; "target labels" if both have labels; "counterparts" if row i of the test split of
    one domain shows the same content as row i of the other.
    """
    found, target = kinds(config.data.name), getattr(config.data, "target", None)
    if target is None:
        return found
    both = {
        "domains": True, "target labels": {"labels"} <= kinds(target) & found,
        "counterparts": frozenset((config.data.name, target)) in data.COUNTERPARTS,
    }
    return found | {kind for kind, present in both.items() if present}


@dataclass(frozen=True)
class Context:
    """A trained model, the config of its run, and the data: the argument of `Measure.measure` and `Measure.draw`.

    Attributes:
      model: the trained model.
      config: the resolved config of its run.
      split: "test" or "validation".
      history: the logs of each epoch, a list of dicts; empty if a model is evaluated outside its run.
      verbose: 1 shows progress.
    """

    model: GenerativeModel
    config: ConfigDict
    split: str = "test"
    history: tuple | list = ()
    verbose: int = 0

    @property
    def seed(self) -> int:
        """The run's seed, int32."""
        return self.config.train.seed

    @cached_property
    def batches(self) -> tf.data.Dataset:
        """The batches of the split, with the labels or pairs of training."""
        return dataset(self.config, self.model, self.split)

    def examples(self, split: str | None = None, **options: Any) -> tf.data.Dataset:
        """Returns batches of x with only what the model and `options` request; see `build.held_out`."""
        return held_out(self.config, self.model, split or self.split, **options)

    def domain(self, role: str, labels: bool = False, limit: int | None = None) -> tuple:
        """Returns the held-out rows of one of two domains, up to the config's limit: x, and labels or None, in NumPy.

        Args:
          role: "source" or "target".
          labels: whether to read the labels.
          limit: number of rows, the first ones; None for the config's limit.
        """
        limit = limit or (self.config.evaluate.limit if self.split == "test" else None)
        parts = [*pairs.one_domain(self.config, role, self.split, labels, limit=limit)]
        if not labels:
            return np.concatenate([x.numpy() for x in parts]), None
        return tuple(np.concatenate([part.numpy() for part in some]) for some in zip(*parts, strict=True))

    @cached_property
    def log_likelihood(self) -> dict:
        """The mean of log p(x) over `batches`, estimated once; see `metrics.log_likelihood`."""
        given = self.config.evaluate
        return metrics.log_likelihood(
            self.model, self.batches, given.num_samples, given.repetitions, self.seed, self.verbose
        )

    @property
    def rows(self) -> int:
        """Number of examples of the split that are evaluated."""
        return rows(self.config, self.split)

    @cached_property
    def shown(self) -> tf.data.Dataset:
        """The test split in batches of 500, without the config's limit: x, or (x, label) for data with labels."""
        return self.examples("test", labels="labels" in kinds(self.config.data.name), batch_size=SHOWN, limit=None)

    @cached_property
    def first(self) -> tuple:
        """The first batch of `shown`: x NumPy `[500, ...]`, and the labels NumPy `[500]`, or None."""
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(next(iter(self.shown)))
        return x.numpy(), None if labels is None else labels.numpy()

    def given(self, n: int | None = None) -> dict:
        """Returns the model's inputs that accompany the first n x of `first`: `{"label": [n]}`, or `{}`."""
        return {"label": self.first[1][:n]} if "label" in self.model.takes() else {}


@dataclass(frozen=True)
class Measure:
    """The needs, outputs and functions of one measure. Only `name` and `doc` are required.

    A run takes a measure if the model has the `endpoints` and `abilities`, `suits` returns true, the data have the
    kinds `data` and `least` rows, and the config's `evaluate` section has a value for each of `keys`.

    Attributes:
      name: unique name; a measure that is registered later under the same name replaces the first.
      doc: one sentence that says what is measured or drawn.
      endpoints: name of each required endpoint to the names of its required inputs.
      abilities: methods that the model must declare in `abilities`.
      suits: function of the model for conditions that endpoints and abilities do not express; None for no condition.
      data: kinds of data, as `kinds_of` names them: "images", "points", "labels", "masks", "music", "exact" (few
        examples in exact proportion); for two domains also "domains", "target labels", "counterparts".
      least: number of rows that the test and validation splits must have, whatever the config's limit; a smaller set,
        such as a user's own, does without this measure.
      keys: keys of the config's `evaluate` section that request this measure, such as "classifier". A config that sets
        such a key is refused before training if no measure with this key suits the model.
      numbers: names of the metrics that `measure` returns, with "{split}" for the split; "*" stands for any text.
      files: names of the files that `draw` writes, which `--overwrite` deletes; "*" and "[0-9]" as in a shell.
      instead_of: names of measures that are left out if this one is taken.
      restores: name of a metric to the attribute of the model that its value is assigned to, after evaluation and
        whenever the run is loaded.
      check: function `(model, config)` that raises `InvalidInput`, before training, if the measure cannot be taken.
      measure: function of a `Context` that returns a dict of metric name to `value`, `stderr` (or None) and
        `protocol`.
      draw: function of a `Context` that returns a dict of file name to a function that writes the file, given its path.
      order: position of its numbers in `results.json`, ascending.

    Raises:
      InvalidInput: numbers are declared without `measure` or files without `draw`, or the reverse; or a file name is a
        path, begins with a wildcard, or belongs to the run itself.

    Example:
      >>> Measure(
      ...     "limiting_samples", "Samples in the limit of the model's chain.", abilities={"limiting_samples"},
      ...     data={"images"}, files=("limiting.png",), draw=draw,
      ... )
    """

    name: str
    doc: str
    endpoints: Mapping = field(default_factory=dict)
    abilities: frozenset = frozenset()
    suits: Callable | None = None
    data: frozenset = frozenset()
    least: int = 0
    keys: tuple = ()
    numbers: tuple = ()
    files: tuple = ()
    instead_of: tuple = ()
    restores: Mapping = field(default_factory=dict)
    check: Callable | None = None
    measure: Callable | None = None
    draw: Callable | None = None
    order: int = 1000

    def __post_init__(self):
        for declared, function in (("numbers", "measure"), ("files", "draw")):
            names = vars(self)[declared]
            if isinstance(names, str):
                raise InvalidInput(f"measure '{self.name}': {declared} is the text {names!r}; give a tuple of names")
            if bool(names) != (vars(self)[function] is not None):
                raise InvalidInput(f"measure '{self.name}' must declare both {declared} and {function}, or neither")
        for file in self.files:
            own = any(fnmatch.fnmatchcase(name, file) for name in OWN_FILES)
            if own or re.match(r"[*?\[.]", file) or re.search(r"[/\\]", file):
                raise InvalidInput(
                    f"measure '{self.name}' cannot write the file '{file}'; give a plain name that the run itself does "
                    f"not use ({', '.join(OWN_FILES)})"
                )

    def lacks(self, model: GenerativeModel, config: ConfigDict) -> str | None:
        """Returns the first unmet need of this measure as text, or None if a run can take it."""
        table, cls = model.endpoints(), type(model).__name__
        for name, inputs in self.endpoints.items():
            if name not in table:
                return f"an endpoint '{name}', which {cls} does not have"
            for key in inputs:
                if key not in table[name].inputs:
                    return f"an endpoint '{name}' with the input '{key}', which {cls} does not have"
        for name in sorted(self.abilities):
            if name not in model.abilities:
                return f"the ability '{name}', which {cls} does not have"
        for kind in sorted(self.data):
            if kind not in kinds_of(config):
                return f"{kind}, which '{config.data.name}' does not have"
        few = min(info_of(config).splits[split] for split in ("test", "validation")) if self.least else 0
        if few < self.least:
            return f"{self.least} test and validation rows, of which '{config.data.name}' has {few}"
        for key in self.keys:
            if config.evaluate.get(key) is None:
                return f"config.evaluate.{key}, which is None"
        if self.suits and not self.suits(model):
            return f"another model than this {cls}"
        return None


def rows(config: ConfigDict, split: str) -> int:
    """Returns the number of examples of a held-out split that are evaluated."""
    return (config.evaluate.limit if split == "test" else None) or info_of(config).splits[split]


def plane(points: np.ndarray) -> np.ndarray:
    """Returns the first two values of each point, `[n, 2]`; points of one value get a second value of 0."""
    return np.pad(points, [(0, 0), (0, 1)])[:, :2]


def register_measure(measure: Measure) -> Measure:
    """Makes a measure known to `train`, `evaluate` and `--overwrite`; returns it.

    Args:
      measure: the measure; replaces one of the same name.

    Raises:
      InvalidInput: `measure` is not a `Measure`.

    Example:
      >>> register_measure(Measure("curves", "Learning curves.", files=("curves.png",), draw=draw))
    """
    if not isinstance(measure, Measure):
        raise InvalidInput(f"{measure!r} is not a Measure; give Measure(name, doc, ...)")
    MEASURES[measure.name] = measure
    return measure


def first_of(answer: Mapping) -> np.ndarray:
    """Returns the first array of an endpoint's answer, such as the mean of q(z|x) for `encode`."""
    return next(iter(answer.values()))
