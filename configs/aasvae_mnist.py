"""An adversary-activated semi-supervised VAE on MNIST binarised stochastically, with 550 labels.

    dgm-zoo train --config=configs/aasvae_mnist.py --workdir=runs/aasvae_mnist

Networks, data and budget are those of configs/svae_mnist.py.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "aasvae", "latent_dim": 50, "network": "dense", "hidden": [500], "activation": "softplus",
            "alpha": 0.1,
        },
        "data": {"name": "mnist", "batch_size": 100, "binarize": "stochastic", "labelled_fraction": 0.01},
        "train": {
            "epochs": 30,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3, "players": {"phi": {"learning_rate": 1e-4}}},
            "decay": "cosine",
            "precision": "mixed_bfloat16",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 20},
    })
