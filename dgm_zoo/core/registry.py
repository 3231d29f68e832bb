"""The registered models, by name."""

import inspect

from dgm_zoo.core.formulation import REFERENCES, Formulation
from dgm_zoo.errors import InvalidInput, unknown

MODELS = {}


def register(name):
    """Class decorator: makes a model known to `create`, to configs and to the conformance suite as `name`.

    Raises:
      InvalidInput: the class itself declares no `formulation`; one that it inherits is another model's.
    """

    def add(cls):
        if not isinstance(vars(cls).get("formulation"), Formulation):
            raise InvalidInput(f"{cls.__name__} has no formulation of its own; give it one, as models/vae.py does")
        MODELS[name] = cls
        cls.registered_name = name
        return cls

    return add


def list_models():
    """Returns the names that `create` takes, sorted."""
    return sorted(MODELS)


def model_class(name):
    """Returns the class registered as `name`; raises `InvalidInput` with the nearest name if there is none."""
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    return MODELS[name]


def list_formulations():
    """Returns the names that `formulation_of` takes, sorted: the registered models, and "ada"."""
    return sorted({*MODELS, *REFERENCES})


def formulation_of(name):
    """Returns the `Formulation` of a registered model, or of one that the docs refer to.

    Raises:
      InvalidInput: unknown model, with the nearest name.

    Example:
      >>> str(formulation_of("vae").kl[0])
      'KL(q_η(z|x,y) q_*^r(y|x) ‖ p_θ(z,y|x))'
    """
    if name in MODELS:
        return MODELS[name].formulation
    if name in REFERENCES:
        return REFERENCES[name]
    raise unknown("model", name, list_formulations())


def create(name, **given):
    """Builds a model with default networks.

    Args:
      name: one of `list_models()`.
      **given: what the class's own `create` takes, such as `image_shape` and `latent_dim`.

    Raises:
      InvalidInput: unknown model or argument (with the nearest name), or a value that does not fit.

    Example:
      >>> model = dgm_zoo.create("vae", image_shape=(28, 28, 1), latent_dim=32)
    """
    known = arguments(name)
    for key in given:
        if key not in known:
            raise unknown(f"argument of {name}", key, known)
    for key, parameter in known.items():
        if parameter.default is parameter.empty and key not in given:
            raise InvalidInput(f"{name} needs '{key}'; give it to create()")
    shape = given.get("image_shape", ())
    if not isinstance(shape, (tuple, list)):
        raise InvalidInput(f"image_shape is {shape!r}; give the shape of one x, such as (28, 28, 1) or (16,)")
    return model_class(name).create(**given)


def arguments(name):
    """Returns what `create(name, ...)` takes: a dict of argument name to `inspect.Parameter`."""
    return dict(inspect.signature(model_class(name).create).parameters)
