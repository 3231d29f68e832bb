"""Which technique goes with which model, by configuration alone: the transfer table.

A cell is not typed: it follows from what the model's class takes, what its players ascend and what it declares, so that
a new model has its row. `prove` trains a cell, which is the only way to know that it is true.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from dgm_zoo.core.registry import SMALL, arguments, create, list_models, model_class, small
from dgm_zoo.errors import InvalidInput, unknown
from dgm_zoo.models.evidence.activation import Activated
from dgm_zoo.models.evidence.vae import VAE

SAMPLES = 5  # the k that the table shows
SHOWN = {"image_shape": (28, 28, 1), "num_classes": 10}  # what a call that is shown gives besides
SHAPE = (8, 8, 1)  # of what a model is trained on for the table
STEPS, BATCH = 3, 16


@dataclass(frozen=True)
class Recipe:
    """What `create` is given: a model's name and the arguments that switch the technique on, none if it has it."""

    name: str
    arguments: dict


@dataclass(frozen=True)
class Technique:
    """A row of `TECHNIQUES`.

    Attributes:
      title: what it is called.
      what: what it does, in a sentence.
      find: function from a model's name, class and arguments to a `Recipe`, or to the reason why there is none.
    """

    title: str
    what: str
    find: Callable


@dataclass(frozen=True)
class Cell:
    """One technique with one model.

    Attributes:
      technique, model: their names.
      recipe: how to have both; None if they do not go together.
      reason: why not, in a sentence; None if they do.
    """

    technique: str
    model: str
    recipe: Recipe | None
    reason: str | None

    @property
    def short(self):
        """The arguments, after the name of another model where the recipe is for one, or "has it": text."""
        name = [self.recipe.name] if self.recipe.name != self.model else []
        return " ".join([*name, *_assigned("=", self.recipe.arguments)]) or "has it"

    @property
    def call(self):
        """The `dgm_zoo.create(...)` that builds it, for images of 28 x 28 pixels: text."""
        takes = arguments(self.recipe.name)
        given = {key: value for key, value in SHOWN.items() if key in takes and takes[key].default is takes[key].empty}
        shown = _assigned("=", {**given, **self.recipe.arguments})
        return f"dgm_zoo.create({', '.join([_text(self.recipe.name), *shown])})"

    @property
    def config(self):
        """The lines of a config's model section: texts."""
        given = {"name": self.recipe.name, **self.recipe.arguments}
        return [f"config.model.{line}" for line in _assigned(" = ", given)]


def _assigned(sign, values):
    return [f"{key}{sign}{_text(value)}" for key, value in values.items()]


def _text(value):
    return f'"{value}"' if isinstance(value, str) else repr(value)


def generative_models():
    """Returns the names of the models that generate something: the table's rows, sorted."""
    return [name for name in list_models() if "theta" in model_class(name).players]


def cell(technique, model):
    """Returns the `Cell` of a technique and a model.

    Raises:
      InvalidInput: an unknown technique or model, with the nearest name, or a model that generates nothing.

    Example:
      >>> cell("samples", "vae").call
      'dgm_zoo.create("vae", image_shape=(28, 28, 1), k=5)'
      >>> cell("spectral", "vae").reason
      'it has no discriminator, whose kernels spectral normalisation would divide by their norms'
    """
    if technique not in TECHNIQUES:
        raise unknown("technique", technique, TECHNIQUES)
    cls = model_class(model)
    if model not in generative_models():
        raise InvalidInput(f"{model} generates nothing; give one of {', '.join(generative_models())}")
    found = TECHNIQUES[technique].find(model, cls, arguments(model))
    possible = isinstance(found, Recipe)
    return Cell(technique, model, found if possible else None, None if possible else found)


def transfer_table():
    """Returns every `Cell`: a dict of model to a dict of technique to cell."""
    return {model: {technique: cell(technique, model) for technique in TECHNIQUES} for model in generative_models()}


def prove(one):
    """Trains what a cell describes for three steps, with small networks, on random 8 x 8 images; returns the model.

    Args:
      one: a `Cell` with a recipe.

    Raises:
      RuntimeError: a player did not move.
    """
    name = one.recipe.name
    keras.utils.set_random_seed(0)
    model = create(name, image_shape=SHAPE, **{**small(name), **one.recipe.arguments}, seed=0)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (STEPS * BATCH, *SHAPE)).astype("float32")
    label = (rng.integers(0, SMALL["num_classes"], len(x)).astype("int32"),) if "label" in model.takes() else ()
    if model.domains:
        label = (rng.integers(0, SMALL["num_classes"], len(x)).astype("int32"), np.full(len(x), -1, "int32"))
        x, label = (x, 1 - x), (label,)
    model.compile(keras.optimizers.SGD(1e-2), run_eagerly=True)
    before = {player: [v.numpy() for v in model.player_variables(player)] for player in model.players}
    model.fit(x, *label, batch_size=BATCH, verbose=0)
    for player, old in before.items():
        if all(np.array_equal(v, o) for v, o in zip(model.player_variables(player), old, strict=True)):
            raise RuntimeError(f"{one.model} with {one.technique} did not train: player {player} did not move")
    return model


# --------------------------------------------------------------------------------------------------- the techniques


def _importance(name, cls, takes):
    if "objective" in takes:
        weighted = getattr(cls, "default_objective", None) == "ImportanceWeighted"
        return Recipe(name, {} if weighted else {"objective": "ImportanceWeighted"})
    if issubclass(cls, Activated):
        return "its discriminator weighs a bound and teaches no generator, so there is no adversarial utility to weigh"
    return "it has no discriminator, whose logits would weigh the samples"


def _activation(name, cls, takes):
    if issubclass(cls, Activated):
        return Recipe(name, {})
    if "phi" in cls.players:
        return (
            "theta learns from its discriminator already, and theta and eta ascend no evidence bound together that one "
            "could weigh"
        )
    if cls.ascends["theta"] != cls.ascends.get("eta", cls.ascends["theta"]):
        return "theta and eta ascend utilities of their own and not one bound, which is what the discriminator weighs"
    if not issubclass(cls, VAE):
        return "it has no evidence bound to weigh, and no p(z) to draw from what the discriminator is to see"
    if "groups" in takes:
        return "its bits are in groups, and the activated forms that are registered have no groups"
    activated = {model_class(other).__bases__: other for other in list_models()}
    for base in cls.__mro__:
        other = activated.get((Activated, base))
        if other and cls.terms is base.terms:
            common = {key: takes[key].default for key in takes if key in arguments(other)}
            return Recipe(other, {k: v for k, v in common.items() if v != arguments(other)[k].default})
    return "it ascends a bound of its own, of which no activated form is registered"


def _sleep(name, cls, takes):
    if _dreams(cls):
        return Recipe(name, {})
    if "sleep" in takes:
        return Recipe(name, {"sleep": True})
    if cls.domains:
        return "what it transforms are examples of a domain, and it has no p(z) to dream them from"
    if "eta" not in cls.players:
        return "it infers no z, so there is no q(z|x) to learn from dreams; infogan is the gan that has one"
    if "posterior" in takes and takes["posterior"].default == "Deterministic":
        return (
            "its q(z|x) is a point by default, without the density that a sleep phase raises, and phi is what holds "
            "its codes to p(z)"
        )
    if "posterior" not in takes and "encoder" in cls.players["eta"]:
        return "its encoder gives a point and no density q(z|x), which is what a sleep phase raises on dreams"
    if "phi" in cls.players:
        return (
            "its p(x|z) is of the discriminator's features, so that only x = G(z) could be dreamt, and infogan is the "
            "model whose eta learns from that"
        )
    return "eta ascends one bound with theta already, log p~*(x), and a sleep phase would draw it away from there"


def _dreams(cls):
    """Whether a class declares that eta learns from dreams as a part of the sleep phase."""
    of_eta = [one for one in cls.formulation.ascents if "eta" in one.movers]
    return "sleep" in cls.formulation.phases and any("prior" in one.reads for one in of_eta)


def _samples(name, cls, takes):
    if "k" in takes:
        return Recipe(name, {"k": SAMPLES} if takes["k"].default is None else {})
    for other in list_models():
        one = model_class(other)
        if one.__base__ is cls and "k" in arguments(other) and _dreams(one) == _dreams(cls):
            return Recipe(other, {})
    return "it ascends no evidence bound, the log of a mean of p(x, z) / q(z|x), that k samples of z would tighten"


def _spectral(name, cls, takes):
    if "normalization" in takes:
        return Recipe(name, {"normalization": "spectral"})
    return "it has no discriminator, whose kernels spectral normalisation would divide by their norms"


TECHNIQUES = {
    "importance": Technique(
        "importance weighting",
        "What generates ascends its adversarial utility weighed by the discriminator's odds, over the samples of the "
        "batch (Hu et al., 2018, Eq. 16)",
        _importance,
    ),
    "activation": Technique(
        "adversary activation",
        "A discriminator weighs the evidence bound of real and of generated x (Hu et al., 2018, Eq. 17)",
        _activation,
    ),
    "sleep": Technique(
        "sleep phase", "Eta learns from dreams: it ascends log q(z|x) of z and x that the model draws", _sleep
    ),
    "samples": Technique(
        "k samples", "The bound is that of k samples of q(z|x), weighed by p(x, z) / q(z|x)", _samples
    ),
    "spectral": Technique(
        "spectral normalisation", "Each kernel of the discriminator has a largest singular value of 1", _spectral
    ),
}
