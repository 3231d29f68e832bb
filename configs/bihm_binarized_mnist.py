"""A bidirectional Helmholtz machine with 12 layers on MNIST in its fixed binarisation.

    dgm-zoo train --config=bihm_binarized_mnist --workdir=runs/bihm_binarized_mnist

Took 3 hours on one core shared with other work, with a test log p* of -87.43 +- 0.24 nats (K = 1,000);
docs/results/helmholtz_mnist.md trains it further.

Layers, batch size and number of samples are those of the authors' best machine; optimizer and schedule are this
package's. Muon updates all directions of a kernel equally, so the deep layers leave their small initial weights before
their units die, as they did with Adam at 1e-2. The two kernels next to x, which hold most of the weights, use Adam,
which is faster.
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
