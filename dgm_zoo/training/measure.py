"""Loops over the table of measures: selection, checks before training, numbers and pictures."""

import fnmatch
from collections.abc import Callable
from pathlib import Path

from ml_collections import ConfigDict

from dgm_zoo.core.explaining import explaining
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.errors import InvalidInput
from dgm_zoo.files import writing
from dgm_zoo.training.measures import MEASURES, Context, Measure

SAMPLES = "samples.png"


def ordered() -> list[Measure]:
    """Returns all registered measures in the order of their numbers in `results.json`."""
    return sorted(MEASURES.values(), key=lambda measure: measure.order)


def taken(model: GenerativeModel, config: ConfigDict) -> list[Measure]:
    """Returns the measures that a run takes: those whose needs are met, except those that others replace.

    Args:
      model: the run's model, trained or not.
      config: the resolved config.

    Example:
      >>> [measure.name for measure in taken(model, config)][:2]
      ['bound_terms', 'log_likelihood']
    """
    found = [measure for measure in ordered() if measure.lacks(model, config) is None]
    replaced = {name for measure in found for name in measure.instead_of}
    return [measure for measure in found if measure.name not in replaced]


def sampling(model: GenerativeModel, config: ConfigDict) -> Callable | None:
    """Returns the function `draw` of the measure that draws `samples.png`, or None if a run takes none.

    Args: see `taken`.
    """
    return next((measure.draw for measure in taken(model, config) if SAMPLES in measure.files), None)


def files() -> list[str]:
    """Returns the names of all files that measures write, some of them patterns, sorted."""
    return sorted({file for measure in MEASURES.values() for file in measure.files})


def check(model: GenerativeModel, config: ConfigDict) -> None:
    """Raises `InvalidInput`, before training, if a measure that the config requests cannot be taken afterwards.

    Args: see `taken`.
    """
    chosen = taken(model, config)
    for key in sorted({key for measure in MEASURES.values() for key in measure.keys}):
        value, asked = config.evaluate.get(key), [measure for measure in ordered() if key in measure.keys]
        if value is not None and not any(key in measure.keys for measure in chosen):
            raise InvalidInput(
                f"config.evaluate.{key} is {value!r}, but {asked[0].name} needs {asked[0].lacks(model, config)}; set "
                "it to None"
            )
    if config.train.sample_every and sampling(model, config) is None:
        raise InvalidInput(
            f"config.train.sample_every is {config.train.sample_every}, but no measure draws samples of "
            f"{config.model.name} on {config.data.name}; set it to None"
        )
    owners = {}
    for measure in chosen:
        for name in [*measure.numbers, *measure.files]:
            if owners.setdefault(name, measure.name) != measure.name:
                raise InvalidInput(f"measures '{owners[name]}' and '{measure.name}' both write '{name}'; rename one")
        if measure.check:
            measure.check(model, config)


def evaluate(
    model: GenerativeModel, config: ConfigDict, split: str = "test", verbose: int = 1, history: list | tuple = ()
) -> dict:
    """Measures a trained model on held-out data: the numbers of every measure that it takes.

    Args:
      model: a trained model.
      config: the resolved config of its run.
      split: "test", or "validation".
      verbose: 1 shows progress.
      history: the logs of each epoch, a list of dicts; empty if the epochs are not known.

    Returns:
      dict of metric name to `value`, `stderr` (or None) and `protocol`.

    Raises:
      InvalidInput: a measure returns a metric that it does not declare.

    Example:
      >>> evaluate(model, config, "validation")["validation_log_likelihood"]["value"]
    """
    context, found = Context(model, config, split, history, verbose), {}
    for measure in taken(model, config):
        if measure.measure:
            numbers = explaining(measure.measure)(context)
            _declared(measure, "numbers", [name.format(split=split) for name in measure.numbers], numbers)
            found.update(numbers)
    return found


def draw(model: GenerativeModel, config: ConfigDict, workdir: Path, history: list) -> None:
    """Writes the files of every measure that a trained model takes.

    Args:
      model, config: see `evaluate`.
      workdir: folder of the run.
      history: the logs of each epoch, a list of dicts.

    Raises:
      InvalidInput: a measure draws an undeclared file, which is not written.
    """
    context = Context(model, config, history=history)
    for measure in taken(model, config):
        if measure.draw:
            pictures = measure.draw(context)
            _declared(measure, "files", measure.files, pictures)
            for name, write in pictures.items():
                with writing(workdir / name):
                    write(workdir / name)


def restore(model: GenerativeModel, config: ConfigDict, metrics: dict) -> None:
    """Assigns measured values to the model's attributes, such as BiHM's log Z.

    Args:
      model, config: see `evaluate`.
      metrics: what `evaluate` returned.
    """
    for measure in taken(model, config):
        for name, attribute in measure.restores.items():
            if name in metrics:
                setattr(model, attribute, metrics[name]["value"])


def _declared(measure, declared, patterns, names):
    for name in names:
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            raise InvalidInput(f"measure '{measure.name}' writes '{name}', which its {declared} do not declare; add it")
