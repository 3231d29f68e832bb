"""A Helmholtz machine, trained by wake-sleep, on the binary density benchmark `mushrooms`.

    dgm-zoo data prepare uci_binary/mushrooms --manual_dir=FOLDER
    dgm-zoo train --config=helmholtz_mushrooms --workdir=runs/helmholtz_mushrooms

Took 77 seconds on one core shared with other work, with a test log p(x) of -12.46 nats (K = 1,000, 5,624 rows).
docs/results/bihm_uci.md has other seeds and data sets.

FOLDER contains mushrooms.npz. All settings except the learning rate are those of bihm_mushrooms.py; its learning rate
had a worse validation bound here.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "helmholtz", "layers": "150,100,90,60,40,20"},
        "data": {"name": "uci_binary/mushrooms", "batch_size": 100},
        "train": {
            "epochs": 150,
            "seed": 0,
            "optimizer": {
                "name": "muon", "learning_rate": 5e-2, "weight_decay": None, "adam_weight_decay": None,
                "adam_lr_ratio": 0.2,
            },
            "decay": "cosine",
            "steps_per_execution": 20,
            "patience": 20,
        },
        "evaluate": {"num_samples": 1000},
    })
