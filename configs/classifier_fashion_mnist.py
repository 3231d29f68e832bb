"""The classifier that evaluates samples of Fashion-MNIST.

    dgm-zoo train --config=classifier_fashion_mnist --workdir=runs/classifier_fashion_mnist

Took 4 minutes on one core shared with other work, with a test accuracy of 0.9143 (10,000 images).
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "classifier", "filters": [32, 64], "hidden": 256, "dropout": 0.5},
        "data": {"name": "fashion_mnist", "batch_size": 100},
        "train": {
            "epochs": 6, "seed": 0, "optimizer": {"name": "adam", "learning_rate": 1e-3}, "decay": "cosine",
            "steps_per_execution": 25,
        },
    })
