"""A bidirectional Helmholtz machine on the binary density benchmark `mushrooms`.

    dgm-zoo data prepare uci_binary/mushrooms --manual_dir=FOLDER
    dgm-zoo train --config=configs/bihm_mushrooms.py --workdir=runs/bihm_mushrooms

Took 2 minutes on one core beside other work, with its test log p* then -9.46 nats (K = 1,000, 5,624 rows).
docs/results/bihm_uci.md has other seeds and sets.

FOLDER holds mushrooms.npz. Batch and number of samples are the defaults of the authors' code; the layers are recalled
from the paper's supplement, with little certainty. The optimizer is this package's choice, by the validation bound: the
weights start so small that Adam at the authors' 1e-3 takes long to leave them.
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
