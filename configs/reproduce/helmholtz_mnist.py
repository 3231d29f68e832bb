"""Helmholtz machines on MNIST in its fixed binarisation (Bornschein et al., Bidirectional Helmholtz Machines, 2016).

    dgm-zoo reproduce helmholtz_mnist

A bidirectional machine of 12 layers, trained with 10 samples of the posterior for each image and then on with 100, and
reweighted wake-sleep of 3 layers. The best epoch by the bound on the validation images is what is tested.
"""

FOUND = "in the authors' repository"
RECALLED = "recalled, not looked up"
TUNED = ["model.k=100", "train.epochs=5", "train.optimizer.learning_rate=0.001", "evaluate.num_samples=10000"]
METRICS = ("test_log_p_star", "test_log_likelihood", "log_z", "test_ess_star")


def row(name, label, config, metric, published=None, source=None, **changes):
    return {
        "name": name, "label": label, "config": config, "overrides": [], "metric": metric, "published": published,
        "published_source": source, **changes,
    }


def get_experiment():
    bihm = ("BiHM, 12 layers", "bihm_binarized_mnist.py")
    tuned = {"overrides": TUNED, "starts_from": "bihm"}
    rows = [row("bihm", *bihm, metric) for metric in METRICS]
    for metric in METRICS:
        published = {"test_log_p_star": (-84.8, FOUND)}.get(metric, (None, None))
        rows.append(row("bihm_tuned", "BiHM, tuned", bihm[1], metric, *published, **tuned))
    rows.append(row("rws", "RWS, 200,200,10", "rws_binarized_mnist.py", "test_log_likelihood", -85.5, RECALLED))
    return {
        "rows": rows,
        "seeds": [0],
        "quick": [
            "train.epochs=1", "data.limit=200", "evaluate.limit=20", "evaluate.num_samples=20", "model.k=2",
        ],
        "notes": [
            "K is 1,000 for the first machine and 10,000 for the others. Likelihoods are lower bounds in expectation.",
            "The authors' optimizer is Adam at 1e-3, with early stopping after 10 epochs; how many epochs that took is "
            "not known here.",
        ],
    }
