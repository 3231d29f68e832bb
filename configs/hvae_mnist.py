"""An IWAE with k = 50 and the paper's 2-layer network, on MNIST binarised stochastically.

    dgm-zoo train --config=hvae_mnist --workdir=runs/hvae_mnist

Two stochastic layers, of 100 values next to x and of 50 above them: x - 200 - 200 - 100 - 100 - 100 - 50, with tanh,
and the mirror image. Optimizer, learning rate and batches are those of `iwae_mnist`, and the epochs a quarter of its;
`hvae_mnist_paper` has the paper's.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "hvae", "group_values": "normals", "inference": "reverse", "groups": [50, 100],
            "group_hidden": [100, 100], "network": "dense", "hidden": [200, 200], "k": 50, "estimator": "dreg",
        },
        "data": {"name": "mnist", "batch_size": 100, "binarize": "stochastic"},
        "train": {
            "epochs": 30,
            "seed": 0,
            "optimizer": {"name": "muon", "learning_rate": 4e-3, "weight_decay": None, "adam_weight_decay": None},
            "decay": "cosine",
            "precision": "mixed_bfloat16",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 5000},
    })
