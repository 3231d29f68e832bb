"""The registered models by name, and the declarations that a class needs to be registered."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from dgm_zoo.core import recipes
from dgm_zoo.core.formulation import Formulation
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.errors import InvalidInput, check_known

MODELS = {}
Class = TypeVar("Class", bound=type)

SMALL = {  # arguments of `create` for a tiny instance; each model gets those that it takes
    "num_classes": 3, "latent_dim": 2, "network": "dense", "hidden": [16], "discriminator_hidden": [16],
    "encoder_hidden": [16], "layers": [8, 4], "groups": [3, 5], "group_hidden": [8],
}


def register_model(name: str) -> Callable[[Class], Class]:
    """Class decorator: makes a model known to `create`, to configs, commands and tables as `name`.

    Raises:
      InvalidInput: the class lacks a declaration, see `check_declarations`; or another class has the name.
    """

    def add(cls):
        check_declarations(cls)
        if name in MODELS and (MODELS[name].__module__, MODELS[name].__name__) != (cls.__module__, cls.__name__):
            raise InvalidInput(
                f"'{name}' is registered by {MODELS[name].__module__}.{MODELS[name].__name__}; choose another name"
            )
        MODELS[name] = cls
        cls.registered_name = name
        return cls

    return add


def check_declarations(cls: type[GenerativeModel]) -> None:
    """Raises `InvalidInput`, naming the missing declaration, unless `cls` makes those that every model needs.

    A model declares its own `formulation`; `players`, each with the parts it owns; `ascends`, a term for every player;
    `logged`, which begins with "loss"; recipes for all arguments that its constructor requires; and it defines `takes`,
    `endpoints`, `train_step` and `test_step`, and a method for each of its `abilities`. The players of the formulation
    are those of the class.
    """
    name = cls.__name__
    if not (isinstance(cls, type) and issubclass(cls, GenerativeModel)):
        raise InvalidInput(f"{name} is not a GenerativeModel; derive it from dgm_zoo.core.model.GenerativeModel")
    if not isinstance(vars(cls).get("formulation"), Formulation):
        raise InvalidInput(f"{name} has no formulation of its own; give it one, as models/evidence/vae.py does")
    if not cls.players or not all(isinstance(parts, tuple) and parts for parts in cls.players.values()):
        raise InvalidInput(f"{name}.players is {cls.players!r}; name each player and a tuple of the parts it owns")
    if set(cls.ascends) != set(cls.players):
        raise InvalidInput(f"{name}.ascends names {sorted(cls.ascends)}, but the players are {sorted(cls.players)}")
    if set(cls.formulation.players) != set(cls.players):
        raise InvalidInput(
            f"{name}.formulation moves {sorted(cls.formulation.players)}, but the players are {sorted(cls.players)}"
        )
    if not cls.logged or cls.logged[0] != "loss":
        raise InvalidInput(f"{name}.logged is {cls.logged!r}; begin it with 'loss', the criterion of model selection")
    for method in ("takes", "endpoints"):
        if getattr(cls, method) is getattr(GenerativeModel, method):
            raise InvalidInput(f"{name} does not define {method}(); implement it")
    for method in ("train_step", "test_step", *sorted(cls.abilities)):
        if not any(method in vars(base) for base in cls.__mro__ if base.__module__.partition(".")[0] != "keras"):
            raise InvalidInput(f"{name} does not define {method}(); implement it, or remove it from its abilities")
    made = {part for recipe in cls.recipes for part in recipe.makes}
    takes = recipes.arguments(cls)
    for part in {part for parts in cls.players.values() for part in parts}:
        if part not in made and part not in recipes.constructor_arguments(cls) and part not in takes:
            raise InvalidInput(f"player's part '{part}' of {name} is not an argument of its constructor; rename it")


def list_models() -> list[str]:
    """Returns the names that `create` takes, sorted."""
    return sorted(MODELS)


def model_class(name: str) -> type[GenerativeModel]:
    """Returns the class registered as `name`; raises `InvalidInput` with the nearest name if there is none."""
    check_known("model", name, MODELS)
    return MODELS[name]


def formulation_of(name: str) -> Formulation:
    """Returns the `Formulation` of a registered model.

    Raises:
      InvalidInput: unknown model, with the nearest name.

    Example:
      >>> str(formulation_of("vae").kl[0])
      'KL(q_η(z|x,y) q_*^r(y|x) ‖ p_θ(z,y|x))'
    """
    return model_class(name).formulation


def create(name: str, **given: Any) -> Any:
    """Builds a model with default networks.

    Args:
      name: one of `list_models()`.
      **given: the model's arguments, such as `image_shape` and `latent_dim`; `dgm-zoo describe NAME` lists it.

    Raises:
      InvalidInput: unknown model or argument (with the nearest name), or a value that does not fit.

    Example:
      >>> model = dgm_zoo.create("vae", image_shape=(28, 28, 1), latent_dim=32)
    """
    return recipes.build(model_class(name), given)


def arguments(name: str) -> dict[str, inspect.Parameter]:
    """Returns the arguments of `create(name, ...)`: a dict of name to `inspect.Parameter`."""
    return recipes.arguments(model_class(name))


def small(name: str) -> dict[str, Any]:
    """Returns arguments of `create(name, image_shape=..., ...)` for a tiny instance: `SMALL`, and the class's own."""
    takes = arguments(name)
    return {key: value for key, value in {**SMALL, **model_class(name).small}.items() if key in takes}
