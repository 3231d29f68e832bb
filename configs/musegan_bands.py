"""A small MuseGAN on the bands of Freedoom: bass, drums, guitar, lead and strings, 4 bars of 16 steps.

    dgm-zoo train --config=musegan_bands --workdir=runs/band
    dgm-zoo sample --workdir=runs/band --n=8 --out=band.mid

The data come with the package. To accompany one of the tracks instead:

    dgm-zoo train --config=musegan_bands --workdir=runs/strings --config.model.condition=strings
    dgm-zoo accompany --workdir=runs/strings --midi=mine.mid --out=full.mid

One run, seed 0, on 2 shared CPU cores, resumed once: 11 minutes of training, and `results.json` has, for
samples of the epoch with the least energy distance (2 of 7) and for test phrases, 2.8 and 7.8 pitches that sound in a
time step, qualified notes of the bass 27 % and 72 %, and a Jaccard distance to the nearest training phrase of .930 and
.782. The samples repeat rhythms from bar to bar, but their notes are too few and too short: a start, not yet music.
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
