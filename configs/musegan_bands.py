"""A small MuseGAN on the bands of Freedoom: bass, drums, guitar, lead and strings, 4 bars of 16 steps.

    dgm-zoo train --config=configs/musegan_bands.py --workdir=runs/band
    dgm-zoo sample --workdir=runs/band --n=8 --out=band.mid

The data come with the package. To accompany one of the tracks instead:

    dgm-zoo train --config=configs/musegan_bands.py --workdir=runs/strings --config.model.condition=strings
    dgm-zoo accompany --workdir=runs/strings --midi=mine.mid --out=full.mid
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "musegan", "composition": "hybrid", "width": 128, "monophonic": ["bass"]},
        "data": {"name": "freedoom_bands", "batch_size": 32, "bars": 4, "hop": 1, "steps": 16, "sounding": 3},
        "train": {
            "epochs": 7,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 1e-3, "beta_1": 0.5, "beta_2": 0.9},
            "decay": "cosine",
            "jit_compile": True,
            "steps_per_execution": 15,
        },
        "evaluate": {"batch_size": 300, "limit": 600},
    })
