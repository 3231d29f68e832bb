"""A VAE on the handwritten digits that scikit-learn ships: the first run of a new user.

    dgm-zoo train --config=configs/vae_digits.py --workdir=runs/vae_digits
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
