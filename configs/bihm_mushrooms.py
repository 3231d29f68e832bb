"""A bidirectional Helmholtz machine on the binary density benchmark `mushrooms`.

    dgm-zoo data prepare uci_binary/mushrooms --manual_dir=FOLDER
    dgm-zoo train --config=configs/bihm_mushrooms.py --workdir=runs/bihm_mushrooms

FOLDER holds mushrooms.npz. Batch, optimizer, number of samples and patience are the defaults of the authors' code; the
layers are recalled from the paper's supplement, with little certainty.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "bihm", "layers": "150,100,90,60,40,20", "k": 10},
        "data": {"name": "uci_binary/mushrooms", "batch_size": 100},
        "train": {
            "epochs": 10_000,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3},
            "steps_per_execution": 20,
            "patience": 10,
        },
        "evaluate": {"num_samples": 10_000},
    })
