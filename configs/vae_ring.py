"""A VAE on a ring of 8 Gaussians.

    dgm-zoo train --config=vae_ring --workdir=runs/vae_ring
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "vae", "latent_dim": 2, "hidden": [128, 128], "activation": "relu",
            "likelihood": "IndependentNormal",
        },
        "data": {"name": "gaussian_mixtures/ring", "batch_size": 200},
        "train": {
            "epochs": 100,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3},
            "decay": "cosine",
            "steps_per_execution": 50,
        },
    })
