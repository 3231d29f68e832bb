"""A bidirectional Helmholtz machine with 12 layers on MNIST in its fixed binarisation.

    dgm-zoo train --config=configs/bihm_binarized_mnist.py --workdir=runs/bihm_binarized_mnist

Took 3 hours on one core beside other work, with its test log p* then -87.43 +- 0.24 nats (K = 1,000);
docs/results/helmholtz_mnist.md trains it further.

Layers, batch and number of samples are those of the authors' best machine; optimizer and schedule are this package's.
Muon moves a kernel in all its directions alike, so that the deep layers leave their small initial weights before their
units die, as they did under Adam at 1e-2. The two kernels next to x, most of the weights, have Adam, which is faster.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "bihm", "layers": "300,200,100,75,50,35,30,25,20,15,10,10", "k": 10},
        "data": {"name": "binarized_mnist", "batch_size": 100},
        "train": {
            "epochs": 200,
            "seed": 0,
            "optimizer": {
                "name": "muon", "learning_rate": 5e-3, "weight_decay": None, "adam_weight_decay": None,
                "adam_lr_ratio": 0.4, "exclude_layers": ["level_0/kernel", "level_12/kernel"],
            },
            "decay": "cosine",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 1000},
    })
