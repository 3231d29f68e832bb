"""Predictability minimisation on few patterns: does the code become factorial?

    dgm-zoo train --config=pm_patterns --workdir=runs/pm_patterns

All 16 words of 4 bits in, 4 units out. The set prepares itself. It prints test_factorial, 1 if the units are binary,
independent and tell all patterns apart, and test_distinct_codes, the number of different codes. Took a quarter of a
minute; the code was factorial with each of the seeds 0, 1 and 2.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "pm", "latent_dim": 4, "hidden": [8], "activation": "tanh", "predictor_hidden": [6],
            "form": "squares", "predictor_steps": 1,
        },
        "data": {"name": "patterns/sixteen_bits", "batch_size": 16},
        "train": {
            "epochs": 2,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 3e-3, "players": {"phi": {"learning_rate": 3e-2}}},
            "steps_per_execution": 256,
        },
    })
