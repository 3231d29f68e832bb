"""An adversary-activated VAE on MNIST binarised stochastically.

    dgm-zoo train --config=configs/aavae_mnist.py --workdir=runs/aavae_mnist

Encoder, decoder and data are those of configs/vae_mnist.py.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "aavae", "latent_dim": 50, "network": "dense", "hidden": [200, 200]},
        "data": {"name": "mnist", "batch_size": 100, "binarize": "stochastic"},
        "train": {
            "epochs": 60,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3, "players": {"phi": {"learning_rate": 1e-4}}},
            "decay": "cosine",
            "precision": "mixed_bfloat16",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 1000},
    })
