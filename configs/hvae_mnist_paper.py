"""The IWAE of Burda et al. (2016) with two stochastic layers and k = 50, with the paper's optimizer and schedule.

    dgm-zoo train --config=hvae_mnist_paper --workdir=runs/hvae_mnist_paper

It is for a GPU, and has not been run to its end: no number of it is known. Adam with epsilon 1e-4, batches of 20 and
eight stages of 3^i epochs, 3,280 together, at learning rates 1e-3 * 10^(-i/7), i = 0 to 7; networks and Glorot's
initialisation as there. The authors' code has beta_1 = 0.99; 0.9 is the paper's, quoted from memory. Different here:
the last 5,000 training images are held out, biases of the last layer start at 0 and not at the logits of the mean
image, a standard deviation is the softplus of a network's output and not its exponential, and the best epoch on the
held-out images is tested.
"""

from ml_collections import ConfigDict

STAGES = 8
EPOCHS = sum(3**i for i in range(STAGES))


def get_config():
    return ConfigDict({
        "model": {
            "name": "hvae", "group_values": "normals", "inference": "reverse", "groups": [50, 100],
            "group_hidden": [100, 100], "network": "dense", "hidden": [200, 200], "k": 50, "estimator": "exact",
        },
        "data": {"name": "mnist", "batch_size": 20, "binarize": "stochastic"},
        "train": {
            "epochs": EPOCHS,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-4},
            "decay": [[(3**i - 1) / 2 / EPOCHS, 10 ** (-i / (STAGES - 1))] for i in range(1, STAGES)],
            "steps_per_execution": 50,
        },
        "evaluate": {"num_samples": 5000},
    })
