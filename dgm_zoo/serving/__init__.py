"""Trained models as presets: folders that Keras, `tf.saved_model.load` and TensorFlow Serving can all load.

    from dgm_zoo import serving

    serving.export(model, "saved_models", "vae_mnist", metadata={"dataset": "mnist", "seed": 0})
    model = serving.from_preset("vae_mnist")
    client = serving.Client("localhost:8500", model="vae_mnist")
    x = client.call("sample", seed=[1, 2, 3])["x"]

TensorFlow is imported only by the first export, preset or call.
"""

from dgm_zoo.serving.client import Client
from dgm_zoo.serving.export import export
from dgm_zoo.serving.metadata import read_metadata
from dgm_zoo.serving.presets import from_preset, list_presets, preset_dir

__all__ = ["Client", "export", "from_preset", "list_presets", "preset_dir", "read_metadata"]
