"""Reweighted wake-sleep with 3 layers on MNIST in its fixed binarisation.

    dgm-zoo train --config=rws_binarized_mnist --workdir=runs/rws_binarized_mnist

Took 72 minutes on one core shared with other work, with a test log p(x) of -90.98 +- 0.24 nats (K = 1,000);
docs/results/helmholtz_mnist.md trains it further.

Layers, batch size and number of samples are the defaults of the authors' code. Optimizer and schedule are this
package's, chosen by the validation bound after 4 epochs over half the rate and over Adam at 3e-3. The two kernels next
to x use Adam.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "rws", "layers": "200,200,10", "k": 10},
        "data": {"name": "binarized_mnist", "batch_size": 100},
        "train": {
            "epochs": 100,
            "seed": 0,
            "optimizer": {
                "name": "muon", "learning_rate": 1e-2, "weight_decay": None, "adam_weight_decay": None,
                "adam_lr_ratio": 0.3, "exclude_layers": ["level_0/kernel", "level_3/kernel"],
            },
            "decay": "cosine",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 1000},
    })
