"""Trained models as presets: a folder that Keras, `tf.saved_model.load` and TensorFlow Serving all read.

    from dgm_zoo import serving

    serving.export(model, "saved_models", "vae_mnist", metadata={"dataset": "mnist", "seed": 0})
    model = serving.from_preset("vae_mnist")
    client = serving.Client("localhost:8500", model="vae_mnist")
    x = client.call("sample", seed=[1, 2, 3])["x"]

TensorFlow is imported with the first export, preset or call, not before.
"""

from dgm_zoo.serving.client import Client
from dgm_zoo.serving.export import export
from dgm_zoo.serving.metadata import read_metadata
from dgm_zoo.serving.presets import from_preset, list_presets, preset_dir

__all__ = ["Client", "export", "from_preset", "list_presets", "preset_dir", "read_metadata"]
