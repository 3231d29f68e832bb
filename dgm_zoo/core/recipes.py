"""Recipes: how `create` builds a model's parts from a few arguments, stated once for each family.

A recipe is a function of keyword arguments that returns some of a constructor's arguments by name. A class lists its
recipes; `create` takes their arguments, and the constructor's arguments that no recipe makes.
"""

import functools
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from dgm_zoo import distributions
from dgm_zoo.checks import layer_size, shape, shown
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.networks import encoder_and_decoder
from dgm_zoo.networks.hierarchy import hierarchy


def makes(*names: str) -> Callable:
    """Decorator that declares which arguments of the constructor a recipe returns."""

    def mark(recipe):
        recipe.makes = names
        return recipe

    return mark


def with_defaults(recipe: Callable, **defaults: Any) -> Callable:
    """The same recipe with other default values.

    Example:
      >>> recipes = (with_defaults(autoencoder, posterior="Deterministic"),)
    """
    changed = functools.partial(recipe, **defaults)
    changed.makes = recipe.makes
    return changed


def with_fixed(recipe: Callable, **values: Any) -> Callable:
    """The same recipe with some arguments fixed, which `create` then does not take."""

    def fixed(**given):
        return recipe(**values, **given)

    parameters = inspect.signature(recipe).parameters.values()
    fixed.__signature__ = inspect.Signature([p for p in parameters if p.name not in values])
    fixed.makes = recipe.makes
    return fixed


@functools.cache
def constructor_arguments(cls: type) -> dict[str, inspect.Parameter]:
    """The named arguments of a model's constructor and of those that it passes `**kwargs` on to: name to parameter."""
    found = {}
    for parameters in _constructors(cls):
        for name, parameter in parameters.items():
            if name != "self" and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                found.setdefault(name, parameter)
    return found


def passes_on(cls: type) -> bool:
    """Whether a model's constructor takes Keras' own arguments, such as `name`, and passes them on."""
    return _takes_any(list(_constructors(cls))[-1])


def _constructors(cls: type) -> Iterator[Mapping[str, inspect.Parameter]]:
    """The parameters of the constructors of `cls` and of its bases, up to the first without `**kwargs`."""
    for base in cls.__mro__:
        if "__init__" in vars(base) and issubclass(base, keras.Model) and base.__module__.partition(".")[0] != "keras":
            parameters = inspect.signature(base.__init__).parameters
            yield parameters
            if not _takes_any(parameters):
                return


def _takes_any(parameters):
    return any(one.kind is one.VAR_KEYWORD for one in parameters.values())


def check_parts(cls: type, args: tuple, given: dict[str, Any]) -> None:
    """Raises `InvalidInput` if an argument of the constructor is not the layer, head or prior of its annotation.

    A prior is a head too, but one without an input: it cannot be a likelihood or a posterior, whose parameters a
    network emits.
    """
    arguments = constructor_arguments(cls)
    for name, value in {**dict(zip(own_arguments(cls), args, strict=False)), **given}.items():
        of = arguments[name].annotation if name in arguments else None
        wanted = next((one for one in typing.get_args(of) or (of,) if _is_layer(one)), None)
        if wanted is None or (value is None and (type(None) in typing.get_args(of))):
            continue
        network = issubclass(wanted, keras.Model)
        wanted = keras.layers.Layer if network else wanted
        wrong_head = wanted is distributions.Head and isinstance(value, distributions.Prior)
        if not isinstance(value, wanted) or wrong_head or (network and isinstance(value, distributions.Head)):
            got = shown(value) if not isinstance(value, keras.layers.Layer) else f"a {type(value).__name__}"
            instead = INSTEAD.get(wanted.__name__, f"a {wanted.__name__}")
            raise InvalidInput(f"{name} of {cls.__name__} is {got}; give {instead}")
        if network and isinstance(value, keras.Model) and isinstance(getattr(value, "output", None), dict):
            raise InvalidInput(f"{name} of {cls.__name__} has a dict of outputs; give a network of one output")


INSTEAD = {
    "Layer": "a functional keras.Model", "Prior": "a prior, such as StandardNormal",
    "Head": "a head whose parameters a network emits, such as IndependentNormal",
}


def _is_layer(annotation):
    return isinstance(annotation, type) and issubclass(annotation, keras.layers.Layer)


def own_arguments(cls: type) -> dict[str, inspect.Parameter]:
    """The parameters of the constructor that `cls` itself has: name to parameter."""
    return dict(list(inspect.signature(cls.__init__).parameters.items())[1:])


@functools.cache
def arguments(cls: type) -> dict[str, inspect.Parameter]:
    """The arguments of `cls.create`: a dict of name to `inspect.Parameter`."""
    found, made = {}, set()
    for recipe in cls.recipes:
        made |= set(recipe.makes)
        for name, parameter in inspect.signature(recipe).parameters.items():
            found.setdefault(name, parameter)
    others = {name: p for name, p in constructor_arguments(cls).items() if name not in found and name not in made}
    return {**found, **others}


def build(cls: type, given: dict) -> Any:
    """Builds a model of class `cls` by its recipes.

    Raises:
      InvalidInput: an unknown argument (with the nearest name), a missing one, or an invalid value.
    """
    known, name = arguments(cls), cls.registered_name or cls.__name__
    for key, value in given.items():
        check_known(f"argument of {name}", key, known)
        if tf.is_tensor(value) and not value.shape.rank:  # which no comparison with a name or a number survives
            raise InvalidInput(f"{key} is a tensor, {shown(value)}; give its value")
    for key, parameter in known.items():
        if parameter.default is parameter.empty and key not in given:
            raise InvalidInput(f"{name} needs '{key}'; give it to create()")
    if "image_shape" in given:
        given = {**given, "image_shape": shape("image_shape", given["image_shape"])}
    parts = {}
    try:
        for recipe in cls.recipes:
            takes = inspect.signature(recipe).parameters
            parts |= recipe(**{key: value for key, value in given.items() if key in takes})
        direct = set(constructor_arguments(cls)) - set(parts)
        return cls(**parts, **{key: value for key, value in given.items() if key in direct})
    except (MemoryError, tf.errors.ResourceExhaustedError):
        raise InvalidInput(f"the networks of {name} do not fit into the memory; give smaller layers") from None
    except RecursionError:
        raise InvalidInput(f"an argument of {name} contains itself; give a finite one") from None


@makes("encoder", "decoder", "prior", "likelihood", "posterior")
def autoencoder(*, image_shape: Sequence[int], latent_dim: int = 32, network: Any = "dense", hidden: Any = None,
                activation: Any = None, likelihood: Any = "IndependentBernoulli", prior: Any = "StandardNormal",
                posterior: Any = "IndependentNormal") -> dict[str, Any]:
    """Networks and heads of a model with q(z|x), p(x|z) and p(z).

    Args:
      image_shape: shape of x.
      latent_dim: size of z.
      network, hidden, activation: see `networks.encoder_and_decoder`.
      likelihood, prior, posterior: see `distributions.get`.
    """
    return _autoencoder(image_shape, latent_dim, network, hidden, activation, likelihood, prior, posterior)


@makes("encoder", "decoder", "prior", "likelihood", "posterior")
def conditional_autoencoder(*, image_shape: Sequence[int], num_classes: int, latent_dim: int = 32,
                            network: Any = "dense", hidden: Any = None, activation: Any = None,
                            likelihood: Any = "IndependentBernoulli", prior: Any = "StandardNormal",
                            posterior: Any = "IndependentNormal") -> dict[str, Any]:
    """As `autoencoder`, with a class as a condition of both networks.

    Args:
      num_classes: number of classes.
      Everything else: see `autoencoder`.
    """
    size = layer_size("num_classes", num_classes)
    return _autoencoder(image_shape, latent_dim, network, hidden, activation, likelihood, prior, posterior, size)


@makes("encoder", "decoder", "prior", "likelihood", "posterior")
def bits_in_groups(*, image_shape: Sequence[int], num_classes: int | None, groups: Any = (30, 100),
                   inference: str = "ladder", group_hidden: Any = (600, 600), network: Any = "dense",
                   hidden: Any = None, activation: Any = None, likelihood: Any = "IndependentBernoulli",
                   reparametrised: bool = False) -> dict[str, Any]:
    """Networks and heads of a model whose latents are bits in groups; see `networks.hierarchy`."""
    return hierarchy(
        image_shape, groups, inference, group_hidden, network, hidden, activation, likelihood, num_classes,
        reparametrised,
    )


def _autoencoder(image_shape, latent_dim, network, hidden, activation, likelihood, prior, posterior, condition_size=0):
    latent = (layer_size("latent_dim", latent_dim),)
    likelihood = distributions.get(likelihood, tuple(image_shape))
    posterior, prior = distributions.get(posterior, latent), distributions.get(prior, latent)
    encoder, decoder = encoder_and_decoder(
        network, image_shape, latent_dim, posterior.params_shape, likelihood.params_shape, hidden, activation,
        condition_size,
    )
    return {
        "encoder": encoder, "decoder": decoder, "prior": prior, "likelihood": likelihood, "posterior": posterior,
    }
