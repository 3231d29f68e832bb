"""An adversary-activated semi-supervised VAE on MNIST binarised stochastically, with 550 labels.

    dgm-zoo train --config=aasvae_mnist --workdir=runs/aasvae_mnist

All settings except the discriminator are those of configs/svae_mnist.py.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "aasvae", "latent_dim": 16, "network": "dense", "hidden": [128, 128],
            "classifier_network": "lenet", "classifier_hidden": [8, 16, 128], "dropout": 0.5, "alpha": 50.0,
        },
        "data": {
            "name": "mnist", "batch_size": 100, "binarize": "stochastic", "labelled_fraction": 0.01,
            "labelled_rows": 10,
        },
        "train": {
            "epochs": 7,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 3e-3, "players": {"phi": {"learning_rate": 1e-4}}},
            "decay": "cosine",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 10},
    })
