"""A hierarchical symmetric VAE on MNIST, binarised at half grey: 30 and 100 latent bits, and a ladder for an encoder.

    dgm-zoo train --config=configs/hsymvae_mnist.py --workdir=runs/hsymvae_mnist

Groups and the perceptron between them are those of the authors' code (Flach et al., 2024), which trains for 200,000
steps of 1,024 images at a learning rate of 1e-4, on training and test images together; the convolutional networks, the
schedule and the split are this package's. `--config.model.inference=reverse` is the other encoder.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "hsymvae", "groups": [30, 100], "inference": "ladder", "group_hidden": [600, 600],
            "network": "conv", "hidden": [32, 64], "activation": "tanh",
        },
        "data": {"name": "mnist", "batch_size": 100, "binarize": "threshold"},
        "train": {
            "epochs": 50,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3},
            "decay": "cosine",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 1000},
    })
