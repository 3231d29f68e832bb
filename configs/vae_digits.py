"""A VAE on the handwritten digits that scikit-learn ships: a first run for new users.

    dgm-zoo train --config=vae_digits --workdir=runs/vae_digits

Took 41 seconds on 2 cores and prints a test log-likelihood of -22.75 +- 0.20 nats (pixels binarised stochastically,
K = 5,000, 360 images).
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "vae", "latent_dim": 8, "network": "dense", "hidden": [200, 100]},
        "data": {"name": "digits", "batch_size": 64, "binarize": "stochastic"},
        "train": {
            "epochs": 300, "seed": 0, "optimizer": {"name": "adam", "learning_rate": 2e-3}, "decay": "cosine",
        },
        "evaluate": {"num_samples": 5000},
    })
