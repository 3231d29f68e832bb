"""Bars, the test problem of the first wake-sleep papers (Hinton et al., 1995): three ways to train one machine.

    dgm-zoo reproduce bars

Each seed takes about a minute. The entropy of the data is 3.379 nats; a mean test log-likelihood can exceed -3.379
only by chance.
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
        "notes": ["The entropy of the data is 3.379 nats. log p* is normalised up to the error of the estimate of Z."],
    }
