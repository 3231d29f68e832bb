"""A semi-supervised VAE (M2) on MNIST binarised stochastically, with 550 labels, 1 % of the training images.

    dgm-zoo train --config=configs/svae_mnist.py --workdir=runs/svae_mnist

10 %: --config.data.labelled_fraction=0.1. 100 labels: --config.data.labelled_fraction=None
--config.data.labels_per_class=10.

What differs from Kingma et al. was chosen on validation images in short runs:

- The classifier is a small LeNet with dropout, and alpha far above their 0.1. With a strided convolution as the
  classifier the unlabelled images drew the classes away from the labels: accuracy 0.910 after one epoch and 0.901 after
  five (alpha = 5), 0.750 and, after three, 0.733 (alpha = 0.1). With the LeNet, dropout and alpha = 50 they draw them
  nearer: on test images 0.954, where that network reaches 0.925 on as many labelled images alone
  (docs/results/hu2018_table3.md).
- Two layers of tanh, few latents and a high learning rate make the decoder listen to the class: with one layer of 256
  ReLUs, 50 latents and 1e-3 the samples of a style hardly differed from class to class.
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
