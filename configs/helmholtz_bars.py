"""A Helmholtz machine, trained by wake-sleep, on images of bars.

    dgm-zoo train --config=configs/helmholtz_bars.py --workdir=runs/helmholtz_bars

Took 38 seconds on one core beside other work, with its test log p(x) then -3.58 nats (K = 1,000); docs/results/bars.md
has other seeds.

Wake-sleep learns more slowly than the bidirectional machine does, so it gets more epochs than in bihm_bars.py.
The entropy of the data, which no model can beat, is 3.379 nats.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "helmholtz", "layers": "16,8"},
        "data": {"name": "bars", "batch_size": 50},
        "train": {"epochs": 40, "seed": 0, "optimizer": {"name": "adam", "learning_rate": 0.02}},
        "evaluate": {"num_samples": 1000},
    })
