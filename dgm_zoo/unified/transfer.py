"""The transfer table: which technique can be combined with which model by configuration.

Cells are derived from the arguments of the model's class, the utilities of its players and its declaration, so a new
model gets its row automatically. `prove` trains the combination of a cell, which verifies it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from dgm_zoo.core.registry import SMALL, arguments, create, list_models, model_class, small
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.models.evidence.activation import Activated
from dgm_zoo.models.evidence.vae import VAE

SAMPLES = 5  # the k in the table
SHOWN = {"image_shape": (28, 28, 1), "num_classes": 10}  # further arguments of the calls in the table
SHAPE = (8, 8, 1)  # shape of the images that `prove` trains on
STEPS, BATCH = 3, 16


@dataclass(frozen=True)
class Recipe:
    """Arguments of `create`: a model's name and the arguments that enable a technique, none if it is always enabled."""

    name: str
    arguments: dict


@dataclass(frozen=True)
class Technique:
    """A row of `TECHNIQUES`.

    Attributes:
      title: its name.
      what: its effect, in a sentence.
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
      recipe: how to combine them; None if that is impossible.
      reason: why it is impossible, in a sentence; None if it is possible.
    """

    technique: str
    model: str
    recipe: Recipe | None
    reason: str | None

    @property
    def short(self) -> str:
        """The recipe as short text: the arguments, after the model's name if it is another one; or "has it"."""
        name = [self.recipe.name] if self.recipe.name != self.model else []
        return " ".join([*name, *_assigned("=", self.recipe.arguments)]) or "has it"

    @property
    def call(self) -> str:
        """The call `dgm_zoo.create(...)` for images of 28 x 28 pixels, as text."""
        takes = arguments(self.recipe.name)
        given = {key: value for key, value in SHOWN.items() if key in takes and takes[key].default is takes[key].empty}
        shown = _assigned("=", {**given, **self.recipe.arguments})
        return f"dgm_zoo.create({', '.join([_text(self.recipe.name), *shown])})"

    @property
    def config(self) -> list[str]:
        """The lines of a config's model section."""
        given = {"name": self.recipe.name, **self.recipe.arguments}
        return [f"config.model.{line}" for line in _assigned(" = ", given)]


def _assigned(sign, values):
    return [f"{key}{sign}{_text(value)}" for key, value in values.items()]


def _text(value):
    return f'"{value}"' if isinstance(value, str) else repr(value)


def generative_models() -> list[str]:
    """Returns the sorted names of all models that generate data: the table's rows."""
    return [name for name in list_models() if "theta" in model_class(name).players]


def cell(technique: str, model: str) -> Cell:
    """Returns the `Cell` of a technique and a model.

    Raises:
      InvalidInput: an unknown technique or model (the message suggests the nearest name), or a model that does not
        generate data.

    Example:
      >>> cell("samples", "vae").call
      'dgm_zoo.create("vae", image_shape=(28, 28, 1), k=5)'
      >>> cell("spectral", "vae").reason
      'it has no discriminator, whose kernels spectral normalisation would normalise'
    """
    check_known("technique", technique, TECHNIQUES)
    cls = model_class(model)
    if model not in generative_models():
        raise InvalidInput(f"{model} generates nothing; give one of {', '.join(generative_models())}")
    found = TECHNIQUES[technique].find(model, cls, arguments(model))
    possible = isinstance(found, Recipe)
    return Cell(technique, model, found if possible else None, None if possible else found)


def transfer_table() -> dict[str, dict[str, Cell]]:
    """Returns all cells: a dict of model to a dict of technique to `Cell`."""
    return {model: {technique: cell(technique, model) for technique in TECHNIQUES} for model in generative_models()}


def prove(one: Cell) -> keras.Model:
    """Trains the combination of a cell for three steps, with small networks, on random 8 x 8 images.

    Args:
      one: a cell with a recipe.

    Returns:
      The trained model.

    Raises:
      RuntimeError: the weights of a player did not change.
    """
    name = one.recipe.name
    keras.utils.set_random_seed(0)
    given = {"image_shape": SHAPE, **small(name), **one.recipe.arguments}
    model = create(name, **given, seed=0)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (STEPS * BATCH, *given["image_shape"])).astype("float32")
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
        return "its discriminator weights a bound and trains no generator, so there is no adversarial utility to weight"
    return "it has no discriminator, whose logits would be the weights of the samples"


def _activation(name, cls, takes):
    if issubclass(cls, Activated):
        return Recipe(name, {})
    if "phi" in cls.players:
        return (
            "theta already learns from its discriminator, and theta and eta do not ascend a common evidence bound that "
            "one could weight"
        )
    if cls.ascends["theta"] != cls.ascends.get("eta", cls.ascends["theta"]):
        return "theta and eta ascend separate utilities instead of one bound, which the discriminator would weight"
    if not issubclass(cls, VAE):
        return "it has no evidence bound to weight, and no prior from which to generate the discriminator's inputs"
    if "groups" in takes:
        return "its latents are in groups, and no registered activated model supports groups"
    activated = {model_class(other).__bases__: other for other in list_models()}
    for base in cls.__mro__:
        other = activated.get((Activated, base))
        if other and cls.terms is base.terms:
            common = {key: takes[key].default for key in takes if key in arguments(other)}
            return Recipe(other, {k: v for k, v in common.items() if v != arguments(other)[k].default})
    return "its bound differs from that of the VAE, and no activated form of it is registered"


def _sleep(name, cls, takes):
    if _dreams(cls):
        return Recipe(name, {})
    if "sleep" in takes:
        return Recipe(name, {"sleep": True})
    if cls.domains:
        return "what it transforms are examples of a domain, and it has no p(z) to dream them from"
    if "eta" not in cls.players:
        return "it infers no z, so there is no q(z|x) to learn from dreams; infogan is the gan with a q(z|x)"
    if "posterior" in takes and takes["posterior"].default == "Deterministic":
        return (
            "its q(z|x) is a point mass by default, without the density that a sleep phase ascends, and phi already "
            "matches its codes to p(z)"
        )
    if "posterior" not in takes and "encoder" in cls.players["eta"]:
        return "its encoder emits a point mass instead of a density q(z|x), which a sleep phase ascends on dreams"
    if "phi" in cls.players:
        return (
            "its p(x|z) is a density of the discriminator's features, so dreams could only be x = G(z), and infogan is "
            "the model whose eta learns from those"
        )
    return "eta already ascends one bound with theta, log p~*(x), and a sleep phase would move it away from its optimum"


def _dreams(cls):
    """Returns whether a class declares that eta learns from dreams in the sleep phase."""
    of_eta = [one for one in cls.formulation.ascents if "eta" in one.movers]
    return "sleep" in cls.formulation.phases and any("prior" in one.reads for one in of_eta)


def _samples(name, cls, takes):
    if "k" in takes:
        return Recipe(name, {"k": SAMPLES} if takes["k"].default is None else {})
    for other in list_models():
        one = model_class(other)
        if one.__base__ is cls and "k" in arguments(other) and _dreams(one) == _dreams(cls):
            return Recipe(other, {})
    return "it has no evidence bound, the log of a mean of p(x, z) / q(z|x), that k samples of z would tighten"


def _spectral(name, cls, takes):
    if "normalization" in takes:
        return Recipe(name, {"normalization": "spectral"})
    return "it has no discriminator, whose kernels spectral normalisation would normalise"


TECHNIQUES = {
    "importance": Technique(
        "importance weighting",
        "The generator ascends its adversarial utility, weighted over the samples of the batch by the discriminator's "
        "odds (Hu et al., 2018, Eq. 16)",
        _importance,
    ),
    "activation": Technique(
        "adversary activation",
        "A discriminator weights the evidence bound of real and of generated x (Hu et al., 2018, Eq. 17)",
        _activation,
    ),
    "sleep": Technique(
        "sleep phase", "Eta learns from dreams: it ascends log q(z|x) for z and x sampled from the model", _sleep
    ),
    "samples": Technique(
        "k samples", "The bound uses k samples of q(z|x), weighted by p(x, z) / q(z|x)", _samples
    ),
    "spectral": Technique(
        "spectral normalisation", "Each kernel of the discriminator has a largest singular value of 1", _spectral
    ),
}
