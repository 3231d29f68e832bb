"""A hierarchical symmetric VAE on MNIST, binarised at half grey: 30 and 100 latent bits, with a ladder encoder.

    dgm-zoo train --config=hsymvae_mnist --workdir=runs/hsymvae_mnist

Took 7 minutes on one core shared with other work. Test split: log p(x) = -96.6 +- 0.3 nats (K = 200), Frechet distance
with the preset classifier_mnist 51 for random and 29 for limiting samples; docs/results/symvae_mnist.md has more seeds.

The groups are those of the authors' code (Flach et al., 2024), which has convolutional networks and trains for 200,000
steps of 1,024 images at a learning rate of 1e-4, on training and test images together; networks, schedule and split are
this package's. `--config.model.inference=reverse` uses the other encoder; `--config.model.name=hvae` trains the same
networks by the evidence bound.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "hsymvae", "groups": [30, 100], "inference": "ladder", "group_hidden": [200],
            "network": "dense", "hidden": [300],
        },
        "data": {"name": "mnist", "batch_size": 200, "binarize": "threshold"},
        "train": {
            "epochs": 60,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3},
            "decay": "cosine",
            "steps_per_execution": 25,
            "jit_compile": True,
        },
        "evaluate": {"num_samples": 200, "classifier": "classifier_mnist"},
    })
