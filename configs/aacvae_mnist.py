"""An adversary-activated conditional VAE on MNIST binarised stochastically.

    dgm-zoo train --config=aacvae_mnist --workdir=runs/aacvae_mnist

All settings except the model are those of configs/aavae_mnist.py.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "aacvae", "latent_dim": 20, "network": "dense", "hidden": [200, 200]},
        "data": {"name": "mnist", "batch_size": 100, "binarize": "stochastic"},
        "train": {
            "epochs": 10,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 3e-3, "players": {"phi": {"learning_rate": 1e-4}}},
            "decay": "cosine",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 100},
    })
