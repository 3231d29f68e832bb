"""A Wasserstein auto-encoder of one's own on a folder of one's own pictures.

    python shapes.py
    dgm-zoo train --config=wae_shapes.py --workdir=runs/wae
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "imports": ["wae"],
        "model": {"name": "wae", "latent_dim": 4, "hidden": [128, 64], "weight": 20.0},
        "data": {"name": "folder", "path": "shapes", "image_size": (16, 16), "batch_size": 32},
        "train": {"epochs": 60, "seed": 0, "optimizer": {"name": "adam", "learning_rate": 1e-3}, "sample_every": 20},
        "evaluate": {"num_samples": 100, "batch_size": 100},
    })
