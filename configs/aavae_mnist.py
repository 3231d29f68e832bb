"""An adversary-activated VAE on MNIST binarised stochastically.

    dgm-zoo train --config=aavae_mnist --workdir=runs/aavae_mnist

This is the AA-VAE on all training images of configs/reproduce/hu2018_table3.py, with the same optimizer and epochs. The
learning rate and the size of z were chosen by the validation bound in short runs of a CVAE (three epochs: -137.4 with
1e-3 and 50 latents, -120.7 with 3e-3 and 50, -115.7 with 3e-3 and 16).
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "aavae", "latent_dim": 20, "network": "dense", "hidden": [200, 200]},
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
