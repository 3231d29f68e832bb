"""A Helmholtz machine, trained by wake-sleep, on images of bars.

    dgm-zoo train --config=helmholtz_bars --workdir=runs/helmholtz_bars

Took 38 seconds on one core shared with other work, with a test log p(x) of -3.58 nats (K = 1,000); docs/results/bars.md
has other seeds.

Wake-sleep learns more slowly than the bidirectional machine, so it has more epochs than bihm_bars.py. The entropy of
the data is 3.379 nats, so no model can exceed -3.379.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "helmholtz", "layers": "16,8"},
        "data": {"name": "bars", "batch_size": 50},
        "train": {"epochs": 40, "seed": 0, "optimizer": {"name": "adam", "learning_rate": 0.02}},
        "evaluate": {"num_samples": 1000},
    })
