"""dgm_zoo: deep generative models on Keras 3.

    model = dgm_zoo.create("vae", image_shape=(28, 28, 1), latent_dim=32)
    model = dgm_zoo.from_preset("vae_mnist")
"""

import importlib
import importlib.machinery
import re
import sys
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

# Rooms and names load on first use, so that `import dgm_zoo` costs nothing until TensorFlow is needed.
_ROOMS = ("data", "distributions", "metrics", "models", "networks", "objectives", "serving", "training", "unified",
          "viz")
_NAMES = {
    "create": "models", "list_models": "models", "from_preset": "serving", "list_presets": "serving",
    "register_model": "models", "register_dataset": "data", "register_measure": "training",
    "InvalidInput": "errors", "NonFiniteLoss": "errors", "theory": "unified",
}
__all__ = [*_ROOMS, *_NAMES]


def __getattr__(name):
    if name in _ROOMS:
        return importlib.import_module(f"dgm_zoo.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"dgm_zoo.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'dgm_zoo' has no attribute '{name}'")


def __dir__():
    return sorted([*globals(), *__all__])


# ---------------------------------------------------------------------------------------------- files of Keras models

_CLASS = re.compile(r'^@keras\.saving\.register_keras_serializable\("dgm_zoo"\)\n(?:@.*\n)*class (\w+)', re.MULTILINE)


class _Later:
    """Stands in Keras' table of custom objects for a class of the package, which it imports when a file has one."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def from_config(self, config):
        return getattr(importlib.import_module(self.module), self.name).from_config(config)


def _tell_keras():
    """Registers a `_Later` for each class of the package, so that `keras.saving.load_model` finds it by name."""
    known, root = sys.modules["keras"].saving.get_custom_objects(), Path(__file__).parent
    for path in root.rglob("*.py"):
        module = ".".join((__name__, *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
        for name in _CLASS.findall(path.read_text(encoding="utf-8")):
            known.setdefault(f"dgm_zoo>{name}", _Later(module, name))


class _WithKeras:
    """Import hook that calls `_tell_keras` as soon as Keras is imported, which takes seconds and so must wait."""

    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name == "keras" else None
        loader: Any = spec.loader if spec else None
        if loader:
            run = loader.exec_module

            def exec_module(module):
                run(module)
                _tell_keras()

            loader.exec_module = exec_module
        return spec


if "keras" in sys.modules:
    _tell_keras()
else:
    sys.meta_path.insert(0, _WithKeras())
