"""A bidirectional Helmholtz machine on images of bars, the test problem of the first wake-sleep papers.

    dgm-zoo train --config=bihm_bars --workdir=runs/bihm_bars

Took 29 seconds of processor time, with a test log p* of -3.50 +- 0.007 nats (K = 1,000, 2,500 images). The entropy of
the data is 3.379 nats, so no model can exceed -3.379.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {"name": "bihm", "layers": "16,8"},
        "data": {"name": "bars", "batch_size": 50},
        "train": {"epochs": 16, "seed": 0, "optimizer": {"name": "adam", "learning_rate": 0.02}},
        "evaluate": {"num_samples": 1000},
    })
