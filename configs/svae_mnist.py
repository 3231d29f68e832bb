"""A semi-supervised VAE (M2) on MNIST binarised stochastically, with 550 labels, 1 % of the training images.

    dgm-zoo train --config=configs/svae_mnist.py --workdir=runs/svae_mnist

10 %: --config.data.labelled_fraction=0.1. 100 labels: --config.data.labelled_fraction=None
--config.data.labels_per_class=10 --config.data.labelled_rows=10.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "svae", "latent_dim": 50, "network": "dense", "hidden": [500], "activation": "softplus",
            "alpha": 0.1,
        },
        "data": {"name": "mnist", "batch_size": 100, "binarize": "stochastic", "labelled_fraction": 0.01},
        "train": {
            "epochs": 30,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3},
            "decay": "cosine",
            "precision": "mixed_bfloat16",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 20},
    })
