"""A small MuseGAN on the bands of Freedoom: bass, drums, guitar, lead and strings, 4 bars of 16 steps.

    dgm-zoo train --config=musegan_bands --workdir=runs/band
    dgm-zoo sample --workdir=runs/band --n=8 --out=band.mid

The data come with the package. To accompany one of the tracks instead:

    dgm-zoo train --config=musegan_bands --workdir=runs/lead --config.model.condition=lead
    dgm-zoo accompany --workdir=runs/lead --midi=mine.mid --out=full.mid

The critic is wider than the generators, since it keeps an eighth of its width of all pitches and tracks in a step: with
128 instead of 512 the samples had no note that lasts. One step of the critic for each of the generator, where the paper
takes five, and small batches leave more steps of the generator in the same time.

One run, seed 0, took 10 minutes of one core's time. `results.json`, samples against test phrases: Frechet distance of
features of phrases 67 (of training phrases 9.8), tonal distance of bass and guitar 1.16 against .95 (of shuffled tracks
1.69), qualified notes of the bass 6 % against 83 %, Jaccard distance to the nearest training phrase .89 against .80.
The tracks keep to the grid, the bass and the drums to their registers, and bars repeat each other, but most notes are
too short and the harmony wanders.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "musegan", "composition": "hybrid", "width": 128, "critic_width": 512, "critic_steps": 1,
            "monophonic": ["bass"],
        },
        "data": {"name": "freedoom_bands", "batch_size": 16, "bars": 4, "hop": 1, "steps": 16, "sounding": 3},
        "train": {
            "epochs": 6,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 2e-3, "beta_1": 0.5, "beta_2": 0.9},
            "decay": "cosine",
            "steps_per_execution": 32,
        },
        "evaluate": {"batch_size": 300},
    })
