"""Adversarial domain adaptation between digits: MNIST, USPS and MNIST-M (Hu et al., 2018, Eq. 1 to 3; DANN; ADDA).

    dgm-zoo data prepare usps --manual_dir=FOLDER_WITH_usps.npz
    dgm-zoo data prepare mnist_m --manual_dir=FOLDER_WITH_mnist_m_subset.npz
    dgm-zoo reproduce domain_adaptation

MNIST and USPS with the numbers of rows of CyCADA's and ADDA's small protocol, 2,000 and 1,800, and whole; MNIST to a
subset of MNIST-M. Every row has the same LeNet and budget as the others of its pair. The first row of a pair is trained
on the source alone, the last on the target's labels. Epochs are chosen by the source's validation loss, never by the
target.
"""

SOURCE = "ADDA, as CyCADA's table quotes it"
PAIRS = {  # name to source, target, rows, epochs and the published accuracies of (source only, ADDA, target's labels)
    "mnist_usps_small": ("mnist", "usps", "[2000,1800]", 30, (0.822, 0.894, 0.963)),
    "usps_mnist_small": ("usps", "mnist", "[1800,2000]", 30, (0.696, 0.901, 0.992)),
    "mnist_usps": ("mnist", "usps", "[50000,6562]", 3, (None, None, None)),
    "usps_mnist": ("usps", "mnist", "[6562,50000]", 3, (None, None, None)),
    "mnist_mnist_m": ("mnist", "mnist_m", "[7200,7200]", 15, (None, None, None)),
}
MODES = {
    "symmetric": ["model.mode=symmetric", "model.domain_weight=0.1"],
    "grl": ["model.mode=grl", "model.domain_weight=dann"],
    "adda": ["model.mode=adda", "model.domain_weight=1.0", "train.optimizer.learning_rate=2e-4"],
}
COLOUR = {"mnist_m": ["data.image_size=[28,28]", "data.channels=3"]}


def rows_of(pair):
    source, target, limit, epochs, (alone, adda, supervised) = PAIRS[pair]
    common = [f"data.limit={limit}", f"train.epochs={epochs}", *COLOUR.get(target, [])]

    def row(name, label, overrides, published=None, **others):
        return {
            "name": f"{pair}_{name}", "label": f"{label}, {source} to {target} {limit}", "config": "ada_mnist_usps.py",
            "overrides": [f"data.name={source}", f"data.target={target}", *common, *overrides],
            "metric": "test_target_accuracy", "published": published, "published_source": SOURCE, **others,
        }

    alone_name = f"{pair}_source"
    yield row("source", "source only", ["model.domain_weight=0.0"], alone)
    for level in ("features", "logits"):
        for mode, overrides in MODES.items():
            others = {"starts_from": alone_name} if mode == "adda" else {}
            published = adda if (mode, level) == ("adda", "logits") else None
            yield row(
                f"{mode}_{level}", f"{mode}, {level}", [*overrides, f"model.level={level}"], published,
                against=alone_name, **others,
            )
    supervised_limit = "[{1},{0}]".format(*limit.strip("[]").split(","))
    yield {
        **row("target", "target's labels", ["model.domain_weight=0.0"], supervised),
        "overrides": [
            f"data.name={target}", f"data.target={source}", *common, f"data.limit={supervised_limit}",
            "model.domain_weight=0.0",
        ],
        "metric": "test_source_accuracy",  # the roles are exchanged: it learns from the labels of the pair's target
    }


def get_experiment():
    return {
        "rows": [row for pair in PAIRS for row in rows_of(pair)],
        "seeds": [0, 1, 2, 3, 4],
        "quick": ["train.epochs=1", "data.limit=200", "evaluate.limit=200"],
        "notes": [
            "Published numbers are of other networks and budgets: ADDA's has its adversary on the logits, and the rows "
            "of the source only and of the target's labels are of CyCADA's networks.",
        ],
    }
