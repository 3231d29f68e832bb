"""Adversarial domain adaptation from MNIST to USPS, whose labels are not used.

    dgm-zoo data prepare usps --manual_dir=FOLDER_WITH_usps.npz
    dgm-zoo train --config=ada_mnist_usps --workdir=runs/ada_mnist_usps

It prints test_target_accuracy, the share of USPS' test images whose class is found, and test_source_accuracy. The epoch
is chosen by the loss on MNIST's validation images, never by labels of USPS. Took 4 minutes on half a core:
test_target_accuracy 0.862 +- 0.008, test_source_accuracy 0.978 +- 0.001. In 30 epochs it was 0.870 +- 0.008, and with
--config.model.domain_weight=0.0, the source only, 0.720 +- 0.010. A rate that falls to 0 (--config.train.decay=cosine)
had a greater loss on the validation images of MNIST, and 0.831.

Modes: `--config.model.mode=grl --config.model.domain_weight=dann` is DANN, with its schedule of lambda. ADDA takes two
runs, one on the source only and one that adapts a copy of its encoder:

    dgm-zoo train --config=ada_mnist_usps --workdir=runs/source_only --config.model.domain_weight=0.0
    dgm-zoo train --config=ada_mnist_usps --workdir=runs/adda --config.model.mode=adda \
        --config.train.start_from=runs/source_only --config.train.optimizer.learning_rate=2e-4
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "ada", "mode": "symmetric", "level": "features", "filters": [20, 50], "feature_dim": 500,
            "padding": "valid", "discriminator_hidden": [500, 500], "domain_weight": 0.1,
        },
        "data": {"name": "mnist", "target": "usps", "batch_size": 128, "limit": [2000, 1800]},
        "train": {
            "epochs": 60,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3, "beta_1": 0.5},
            "steps_per_execution": 32,
        },
    })
