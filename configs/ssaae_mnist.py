"""A semi-supervised adversarial auto-encoder on MNIST: the class is known for 100 images.

    dgm-zoo train --config=ssaae_mnist --workdir=runs/ssaae_mnist

The style has ten latents and the class ten units, whose prior is uniform over the ten classes. Each batch has 20 of the
labelled images, by which the classifier's phase learns. docs/results/symvae_labels.md has its accuracy beside that of
other models; with a weight of 50 instead of 10 one run was less accurate (.856 instead of .872, 10,000 test images).
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "ssaae", "latent_dim": 10, "network": "dense", "hidden": [500, 500], "activation": "relu",
            "discriminator_hidden": [256, 256], "weight": 10.0,
        },
        "data": {
            "name": "mnist", "batch_size": 100, "labels": True, "labels_per_class": 10, "labelled_rows": 20,
        },
        "train": {
            "epochs": 15,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 5e-4, "beta_1": 0.5},
            "decay": "cosine",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 200},
    })
