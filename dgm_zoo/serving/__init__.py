"""Trained models as presets: a folder that Keras, `tf.saved_model.load` and TensorFlow Serving all read.

    from dgm_zoo import serving

    serving.export(model, "saved_models", "vae_mnist", metadata={"dataset": "mnist", "seed": 0})
    model = serving.from_preset("vae_mnist")
    client = serving.Client("localhost:8500", model="vae_mnist")
    x = client.call("sample", seed=[1, 2, 3])["x"]

TensorFlow is imported with the first export, preset or call, not before.
"""

import importlib

_ROOMS = {
    "Client": "client",
    "export": "export",
    "from_preset": "presets",
    "list_presets": "presets",
    "preset_dir": "presets",
    "read_metadata": "metadata",
}

__all__ = ["Client", "export", "from_preset", "list_presets", "preset_dir", "read_metadata"]


def __getattr__(name):
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
