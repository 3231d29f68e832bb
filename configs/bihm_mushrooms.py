"""A bidirectional Helmholtz machine on the binary density benchmark `mushrooms`.

    dgm-zoo data prepare uci_binary/mushrooms --manual_dir=FOLDER
    dgm-zoo train --config=bihm_mushrooms --workdir=runs/bihm_mushrooms

Took 2 minutes on one core shared with other work, with a test log p* of -9.46 nats (K = 1,000, 5,624 rows).
docs/results/bihm_uci.md has other seeds and data sets.

FOLDER contains mushrooms.npz. Batch size and number of samples are the defaults of the authors' code; the layer sizes
are quoted from memory from the paper's supplement and are uncertain. The optimizer was chosen by the validation bound:
Adam at the authors' 1e-3 takes long to leave the small initial weights.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "bihm", "layers": "150,100,90,60,40,20", "k": 10},
        "data": {"name": "uci_binary/mushrooms", "batch_size": 100},
        "train": {
            "epochs": 150,
            "seed": 0,
            "optimizer": {
                "name": "muon", "learning_rate": 3e-2, "weight_decay": None, "adam_weight_decay": None,
                "adam_lr_ratio": 0.2,
            },
            "decay": "cosine",
            "steps_per_execution": 20,
            "patience": 20,
        },
        "evaluate": {"num_samples": 1000},
    })
