"""A semi-supervised VAE (M2) on MNIST binarised stochastically, with 550 labels, 1 % of the training images.

    dgm-zoo train --config=svae_mnist --workdir=runs/svae_mnist

For 10 % use --config.data.labelled_fraction=0.1, for 100 labels --config.data.labelled_fraction=None
--config.data.labels_per_class=10.

Differences from Kingma et al. were chosen on validation images in short runs:

- The classifier is a small LeNet with dropout, and alpha is much larger than their 0.1. With a strided convolution as
  classifier, the unlabelled images reduced the accuracy: 0.910 after one epoch and 0.901 after five (alpha = 5); 0.750
  after one and 0.733 after three (alpha = 0.1). With the LeNet, dropout and alpha = 50 they increase it: 0.954 on test
  images, where the same network reaches 0.925 on only the labelled images (docs/results/hu2018_table3.md).
- With two tanh layers, few latents and a high learning rate the decoder uses the class. With one layer of 256 ReLUs, 50
  latents and 1e-3, samples of one style hardly differed between classes.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "svae", "latent_dim": 16, "network": "dense", "hidden": [128, 128],
            "classifier_network": "lenet", "classifier_hidden": [8, 16, 128], "dropout": 0.5, "alpha": 50.0,
        },
        "data": {
            "name": "mnist", "batch_size": 100, "binarize": "stochastic", "labelled_fraction": 0.01,
            "labelled_rows": 10,
        },
        "train": {
            "epochs": 7,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 3e-3},
            "decay": "cosine",
            "steps_per_execution": 25,
        },
        "evaluate": {"num_samples": 10},
    })
