"""A bidirectional Helmholtz machine with 12 layers on MNIST in its fixed binarisation.

    dgm-zoo train --config=configs/bihm_binarized_mnist.py --workdir=runs/bihm_binarized_mnist

Layers, batch and number of samples are those of the authors' best machine; optimizer and schedule are this package's.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "bihm", "layers": "300,200,100,75,50,35,30,25,20,15,10,10", "k": 10},
        "data": {"name": "binarized_mnist", "batch_size": 100},
        "train": {
            "epochs": 180,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-2},
            "decay": "cosine",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 1000},
    })
