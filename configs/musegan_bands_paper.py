"""MuseGAN in the paper's sizes on the bands of Freedoom: 4 bars of 96 steps, hybrid, probabilities shown to the critic.

    dgm-zoo train --config=musegan_bands_paper --workdir=runs/band_paper

It is for a GPU, and has not been run to its end: no number of it is known. Networks, noise, batch, learning rate,
critic steps and penalty are the paper's and its released code's; the data are not. The paper's 50,266 phrases are of
the Lakh Piano-roll Dataset, of rock songs in 4/4; `freedoom_bands` has 11,065 phrases that overlap, of which those with
three tracks or more are kept, and trains 90 epochs where the paper trained 20, for as many steps.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "musegan", "composition": "hybrid", "width": 1024, "noise_dim": 128, "monophonic": ["bass"]},
        "data": {"name": "freedoom_bands", "batch_size": 64, "bars": 4, "hop": 1, "steps": 96, "sounding": 3},
        "train": {
            "epochs": 90,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.9},
            "steps_per_execution": 4,
        },
        "evaluate": {"batch_size": 64},
    })
