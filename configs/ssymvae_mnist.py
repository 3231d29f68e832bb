"""A semi-supervised symmetric VAE on MNIST, binarised at half grey: the class is known for 100 images.

    dgm-zoo train --config=ssymvae_mnist --workdir=runs/ssymvae_mnist

Took 5 minutes on one core shared with other work, with a test accuracy of 0.776 (10,000 images);
docs/results/symvae_labels.md has other numbers of labels, and M2.

z_0 is the class, z_1 has 100 bits. Labelled images contribute to both players' utilities; the class of the others
is sampled by the encoder. Use `--config.data.labels_per_class=60` or `100` for 600 or 1,000 labels.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "ssymvae", "groups": [100], "group_hidden": [200], "network": "dense", "hidden": [300],
        },
        "data": {
            "name": "mnist", "batch_size": 100, "binarize": "threshold", "labels": True, "labels_per_class": 10,
            "labelled_rows": 20,
        },
        "train": {
            "epochs": 40,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3},
            "decay": "cosine",
            "steps_per_execution": 25,
            "jit_compile": True,
        },
        "evaluate": {"num_samples": 200},
    })
