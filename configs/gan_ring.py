"""A GAN on a ring of 8 Gaussians.

    dgm-zoo train --config=gan_ring --workdir=runs/gan_ring
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "gan", "latent_dim": 2},
        "data": {"name": "gaussian_mixtures/ring", "batch_size": 200},
        "train": {
            "epochs": 100,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3, "beta_1": 0.5},
            "decay": "cosine",
            "steps_per_execution": 50,
        },
    })
