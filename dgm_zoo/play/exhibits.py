"""The models on show: presets by name and a run by folder, loaded once, asked by many sessions at a time."""

import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dgm_zoo import serving
from dgm_zoo.errors import InvalidInput, unknown
from dgm_zoo.play import controls

FIRST = "vae_mnist"  # shown where the user names no preset, if it exists


class Exhibit(NamedTuple):
    """A model on show.

    Attributes:
      name: as the page lists it.
      model: the Keras model.
      music: the `data.facts.Music` of its training data; None for anything else.
      table: `model.endpoints()`.
      panels: see `controls.panels`.
      locks: endpoint to a lock that is held while it runs, since the first request traces it.
      known: endpoint to the shapes of its outputs, as far as they are known; see `shapes`.
    """

    name: str
    model: Any
    music: Any
    table: dict
    panels: list
    locks: dict
    known: dict

    def ask(self, endpoint: str, n: int = 1, seed: int = 0, given: dict | None = None) -> dict[str, np.ndarray]:
        """Returns the answer of an endpoint for n rows.

        Args:
          endpoint: its name.
          n: number of rows.
          seed: int32, from which the rows' seeds follow, so that row i does not depend on n.
          given: the other inputs by name; those that the endpoint does not take are ignored. A choice is one value
            for all rows, or None for each value in turn; a vector may be one for all rows.

        Raises:
          InvalidInput: the endpoint's own sentence about what is wrong with an input.
        """
        from dgm_zoo.distributions import row_seeds

        arrays = {}
        for name, wanted in self.table[endpoint].inputs.items():
            kind, value = controls.kind_of(name, wanted), (given or {}).get(name)
            if kind == controls.SEED:
                value = row_seeds(seed, n)
            elif kind == controls.CHOICE:
                every = controls.choices(wanted)
                value = np.resize(every, n) if value is None else np.full(n, value)
            elif value is not None and np.ndim(value) == len(wanted.shape):
                value = np.broadcast_to(value, (n, *np.shape(value)))
            arrays[name] = value
        with self.locks[endpoint]:
            return self.model.answer(endpoint, **arrays)


    def shapes(self, endpoint: str) -> dict[str, tuple]:
        """Returns the shape of one row of each output of an endpoint, by name."""
        with self.locks[endpoint]:
            if endpoint not in self.known:
                self.known[endpoint] = {name: value.shape[1:] for name, value in self._none(endpoint).items()}
            return self.known[endpoint]

    def warm(self, closed: threading.Event) -> None:
        """Traces every endpoint, so that the first request of each is as fast as the others; ends early if closed."""
        for panel in self.panels:
            for endpoint in panel.endpoints:
                with self.locks[endpoint]:
                    if closed.is_set():
                        return
                    self._none(endpoint)

    def _none(self, endpoint):
        """The answer of an endpoint for no rows."""
        none = {name: np.zeros((0, *wanted.shape)) for name, wanted in self.table[endpoint].inputs.items()}
        return self.model.answer(endpoint, **none)

    def fits(self, panel: controls.Panel, endpoint: str) -> list[str]:
        """Returns the outputs of an endpoint that can be put on the sheet of a panel.

        They have its input's shape, and not the name of another input: a grey x is not a mask, though as large.
        """
        others = {one.name for one in self.panels if one.kind == controls.PICTURE} - {panel.name}
        return [output for output, shape in self.shapes(endpoint).items()
                if shape == tuple(panel.wanted.shape) and output not in {"probabilities", *others}]

    def example(self, panel: controls.Panel, seed: int = 0, without: tuple = ()) -> np.ndarray | None:
        """Returns one x for the sheet of a panel that the model itself makes up; None if it cannot.

        It is a sample, or what an endpoint answers to an example of another panel, such as the mask of a sample.

        Args:
          panel: of pictures.
          seed: int32.
          without: panels whose examples are being made.
        """
        for other in self.panels:
            if other.kind not in (controls.SAMPLE, controls.PICTURE) or any(other is one for one in (panel, *without)):
                continue
            for endpoint in other.endpoints:
                for output in self.fits(panel, endpoint):
                    given = dict(other.defaults())
                    if other.kind == controls.PICTURE:
                        given[other.name] = self.example(other, seed, (panel, *without))
                        if given[other.name] is None:
                            continue
                    return self.ask(endpoint, 1, seed, given)[output][0]
        return None


def exhibit(name: str, model: Any, config: Any = None, known: dict | None = None) -> Exhibit:
    """Returns the `Exhibit` of a model.

    Args:
      name, model, known: see `Exhibit`.
      config: of the model's run, which names the tracks of music; None if there is none.
    """
    table = model.endpoints()
    locks = {endpoint: threading.RLock() for endpoint in table}
    return Exhibit(name, model, _music(config), table, controls.panels(table), locks, dict(known or {}))


class Collection:
    """The exhibits by name: every preset, and one run.

    Args:
      workdir: folder of the run; None for presets only.
      prepare: called, by one thread at a time, before anything imports TensorFlow; None for nothing.

    Raises:
      InvalidInput: there is nothing to show.
    """

    def __init__(self, workdir: str | None = None, prepare: Callable[[], None] | None = None) -> None:
        self.workdir, self.prepare = workdir, prepare
        self.names = [*([workdir] if workdir else []), *serving.list_presets()]
        if not self.names:
            raise InvalidInput("there are no presets; give --workdir=DIR, the folder of a run, or set DGM_ZOO_PRESETS")
        self.first = workdir or (FIRST if FIRST in self.names else self.names[0])
        self._open, self._lock, self._closed, self._warming = {}, threading.Lock(), threading.Event(), []

    def open(self, name: str) -> Exhibit:
        """Returns the exhibit of that name; the first call loads it, and calls from other threads wait for it.

        A thread of its own then traces the endpoints, which the page does not wait for.

        Raises:
          InvalidInput: the name is unknown, or the model cannot be loaded.
        """
        if name not in self.names and not os.path.isdir(name):
            raise unknown("preset", name, self.names)
        with self._lock:
            if self._closed.is_set():
                raise InvalidInput("the page is closed; start it again")
            if self.prepare:
                self.prepare()
            if name not in self._open:
                self._open[name] = _load_run(name) if name == self.workdir else _load_preset(name)
                self._warming.append(threading.Thread(target=self._open[name].warm, args=(self._closed,), daemon=True))
                self._warming[-1].start()
            return self._open[name]

    def close(self) -> None:
        """Waits until no model is loaded and no endpoint traced: Python aborts if it ends while TensorFlow works."""
        self._closed.set()
        with self._lock:
            for one in self._warming:
                one.join()


def _load_run(workdir):
    from dgm_zoo import training

    model, config, _ = training.load_run(workdir)
    return exhibit(workdir, model, config)


def _load_preset(name):
    metadata = serving.read_metadata(name)  # it has the outputs' shapes, which otherwise each endpoint must run to tell
    known = {endpoint: {output: tuple(array["shape"][1:]) for output, array in one["outputs"].items()}
             for endpoint, one in metadata["endpoints"].items()}
    own = (metadata["config"] or {}).get("imports")
    if own:
        from dgm_zoo.training.imports import import_modules

        import_modules(own)  # which register the model's class
    return exhibit(name, serving.from_preset(name), metadata["config"], known)


def _music(config):
    from dgm_zoo import data

    name = config["data"]["name"] if config else None
    return data.info(name).music if name in data.list_datasets() else None
