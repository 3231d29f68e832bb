"""Adversarial domain adaptation between digits: MNIST, USPS and MNIST-M (Hu et al., 2018, Eq. 1 to 3; DANN; ADDA).

    dgm-zoo data prepare usps --manual_dir=FOLDER_WITH_usps.npz
    dgm-zoo data prepare mnist_m --manual_dir=FOLDER_WITH_mnist_m_subset.npz
    dgm-zoo reproduce domain_adaptation

MNIST and USPS with the numbers of rows of CyCADA's and ADDA's small protocol, 2,000 and 1,800, and whole; MNIST to a
subset of MNIST-M. Every row has the same LeNet and budget as the others of its pair. The first row of a pair is trained
on the source alone, the last on the target's labels. Epochs are chosen by the source's validation loss, never by the
target.
"""

SOURCE = "CyCADA's table, as a public summary quotes it"
ROWS = {"small": {"mnist": 2000, "usps": 1800}, "whole": {"mnist": 50000, "usps": 6562}}  # of training
EPOCHS = {"small": 30, "whole": 3, "subset": 15}
PUBLISHED = {("mnist", "usps"): (0.822, 0.894, 0.963), ("usps", "mnist"): (0.696, 0.901, 0.992)}  # source, ADDA, target
MODES = {
    "symmetric": ["model.mode=symmetric", "model.domain_weight=0.1"],
    "grl": ["model.mode=grl", "model.domain_weight=dann"],
    "adda": ["model.mode=adda", "model.domain_weight=1.0", "train.optimizer.learning_rate=2e-4"],
}


def row(source, target, size, name, label, overrides, published=None, **others):
    """One row, of models that learn from the labels of `source`."""
    rows = ROWS.get(size, {"mnist": 7200, "mnist_m": 7200})
    colour = ["data.image_size=[28,28]", "data.channels=3"] if size == "subset" else []
    return {
        "name": f"{source}_{target}_{size}_{name}", "label": label, "config": "ada_mnist_usps.py",
        "overrides": [
            f"data.name={source}", f"data.target={target}", f"data.limit=[{rows[source]},{rows[target]}]",
            f"train.epochs={EPOCHS[size]}", *colour, *overrides,
        ],
        "metric": "test_target_accuracy", "published": published, "published_source": SOURCE, **others,
    }


def rows_of(source, target, size):
    alone, adda, supervised = PUBLISHED[source, target] if size == "small" else (None, None, None)
    where, base = f"{source} to {target}, {size}", f"{source}_{target}_{size}_source"
    yield row(source, target, size, "source", f"source only, {where}", ["model.domain_weight=0.0"], alone)
    for level in ("features", "logits"):
        for mode, overrides in MODES.items():
            yield row(
                source, target, size, f"{mode}_{level}", f"{mode}, {level}, {where}",
                [*overrides, f"model.level={level}"], adda if (mode, level) == ("adda", "logits") else None,
                against=base, **({"starts_from": base} if mode == "adda" else {}),
            )
    learns = row(
        target, source, size, "source", f"target's labels, {where}", ["model.domain_weight=0.0"], supervised
    )
    yield {**learns, "metric": "test_source_accuracy"}  # a run with the roles exchanged, judged on its own source


def get_experiment():
    pairs = [
        (source, target, size) for size in ROWS for source, target in (("mnist", "usps"), ("usps", "mnist"))
    ]
    return {
        "rows": [row for pair in [*pairs, ("mnist", "mnist_m", "subset")] for row in rows_of(*pair)],
        "seeds": [0, 1, 2, 3, 4],
        "quick": ["train.epochs=1", "data.limit=200", "evaluate.limit=200"],
        "notes": [
            "Published numbers are of other networks and budgets: ADDA's has its adversary on the logits, and the rows "
            "of the source only and of the target's labels are of CyCADA's networks.",
        ],
    }
