"""Bars, the test of the first papers on wake-sleep (Hinton et al., 1995): three ways to train the same machine.

    dgm-zoo reproduce bars

Small enough for every seed to take a minute. The entropy of the data is 3.379 nats, which no mean test likelihood can
beat but by chance.
"""


def row(name, label, config, metric, *overrides):
    return {
        "name": name, "label": label, "config": config, "overrides": list(overrides), "metric": metric,
        "published": None, "published_source": None,
    }


def get_experiment():
    return {
        "rows": [
            row("bihm", "BiHM", "bihm_bars.py", "test_log_p_star"),
            row("bihm", "BiHM", "bihm_bars.py", "test_log_likelihood"),
            row("rws", "RWS", "bihm_bars.py", "test_log_likelihood", "model.name=rws"),
            row("helmholtz", "wake-sleep, 2.5 times the epochs", "helmholtz_bars.py", "test_log_likelihood"),
        ],
        "seeds": [0, 1, 2],
        "quick": ["train.epochs=1", "evaluate.limit=100", "evaluate.num_samples=20"],
        "notes": ["The data have an entropy of 3.379 nats; log p* is normalised up to the error of Z."],
    }
