"""The systems of the zoo: one file each, in the folder of its family.

Every module of every family is imported here, so that its classes register; a new file needs no line of its own.
"""

import importlib
import pkgutil

from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.core.registry import MODELS, create, formulation_of, list_models, model_class, register_model

for _family in pkgutil.iter_modules(__path__, f"{__name__}."):
    for _file in pkgutil.iter_modules(importlib.import_module(_family.name).__path__, f"{_family.name}."):
        importlib.import_module(_file.name)

globals().update({cls.__name__: cls for cls in MODELS.values()})

__all__ = [
    "GenerativeModel",
    "create",
    "formulation_of",
    "list_models",
    "model_class",
    "register_model",
    *sorted(cls.__name__ for cls in MODELS.values()),
]
