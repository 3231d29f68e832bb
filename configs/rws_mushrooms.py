"""Reweighted wake-sleep on the binary density benchmark `mushrooms`.

    dgm-zoo data prepare uci_binary/mushrooms --manual_dir=FOLDER
    dgm-zoo train --config=configs/rws_mushrooms.py --workdir=runs/rws_mushrooms

FOLDER holds mushrooms.npz. All settings are those of bihm_mushrooms.py, so that only the objective differs.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "rws", "layers": "150,100,90,60,40,20", "k": 10},
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
