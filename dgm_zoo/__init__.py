"""dgm_zoo: deep generative models on Keras 3.

    model = dgm_zoo.create("vae", image_shape=(28, 28, 1), latent_dim=32)
    model = dgm_zoo.from_preset("vae_mnist")
"""

import importlib

__version__ = "0.1.0"

# Rooms and names load on first use, so that `import dgm_zoo` costs nothing until TensorFlow is needed.
_ROOMS = ("data", "distributions", "metrics", "models", "networks", "objectives", "serving", "training", "unified",
          "viz")
_NAMES = {
    "create": "models", "list_models": "models", "from_preset": "serving", "list_presets": "serving",
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
