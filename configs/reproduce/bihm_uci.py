"""Helmholtz machines on four binary density benchmarks (Bornschein et al., Bidirectional Helmholtz Machines, 2016).

    dgm-zoo reproduce bihm_uci

First prepare each data set once from your own files: `dgm-zoo data prepare uci_binary/adult --manual_dir=FOLDER`, and
so on. Training stops after `patience` epochs without a better bound on the validation rows, and the epoch with the best
validation bound is tested. All three models of a data set have the same networks and number of steps.
"""

SOURCE = "recalled from the paper's table, not looked up"
LAYERS = {  # quoted from memory from the paper's supplement; uncertain
    "mushrooms": "150,100,90,60,40,20",
    "dna": "200,150,130,100,70,50,30,20,10",
    "adult": "100,70,50,25",
    "connect4": "300,110,50,20",
}
SAMPLES = {"mushrooms": 1_000, "dna": 5_000, "adult": 500, "connect4": 500}  # K of each likelihood estimate
TRAIN = {
    "mushrooms": [],
    "dna": ["train.epochs=60", "train.optimizer.learning_rate=0.01"],
    "adult": ["train.epochs=60", "train.optimizer.learning_rate=0.05"],
    "connect4": [
        "train.epochs=100", "train.optimizer.learning_rate=0.03", "train.optimizer.adam_lr_ratio=2.0",
    ],
}
NEAR = {("bihm", "test_log_p_star"): {"mushrooms", "dna", "connect4"}}  # whose goal is within 2 % of published
LABELS = {"bihm": "BiHM", "rws": "RWS", "helmholtz": "wake-sleep"}
PUBLISHED = {
    ("bihm", "test_log_p_star"): {"mushrooms": -9.40, "dna": -86.92, "adult": -13.82, "connect4": -12.31},
    ("bihm", "test_log_likelihood"): {"mushrooms": -9.40, "dna": -86.49, "adult": -13.78, "connect4": -12.43},
    ("bihm", "log_z"): {"mushrooms": -0.045, "dna": -0.28, "adult": -0.10, "connect4": -0.135},
    ("bihm", "test_ess_star"): {"mushrooms": 0.925, "dna": 0.112, "adult": 0.815, "connect4": 0.891},
    ("rws", "test_log_likelihood"): {"mushrooms": -9.90, "dna": -90.63, "adult": -13.65, "connect4": -12.68},
    ("helmholtz", "test_log_likelihood"): {},
}


def row(model, metric, dataset):
    published = PUBLISHED[model, metric].get(dataset)
    return {
        "name": f"{model}_{dataset}",
        "label": f"{LABELS[model]}, {dataset}",
        "config": f"{model}_mushrooms.py",
        "overrides": [
            f"data.name=uci_binary/{dataset}", f"model.layers='{LAYERS[dataset]}'",
            f"evaluate.num_samples={SAMPLES[dataset]}", *TRAIN[dataset],
        ],
        "metric": metric,
        "published": published,
        "published_source": None if published is None else SOURCE,
        **({"goal": {"least": round(1.02 * published, 3)}} if dataset in NEAR.get((model, metric), ()) else {}),
    }


def few_layers(metric):
    """A bidirectional machine with three layers, otherwise with the settings of its data set: an experiment."""
    described = row("bihm", metric, "dna")
    overrides = [one for one in described["overrides"] if "layers" not in one] + ["model.layers='100,50,10'"]
    return {
        "name": "bihm_dna_3", "label": "BiHM of 100,50,10, dna", "config": described["config"], "overrides": overrides,
        "metric": metric, "published": None, "published_source": None,
    }


def get_experiment():
    return {
        "rows": [
            *(row(*which, dataset) for dataset in LAYERS for which in PUBLISHED),
            *(few_layers(metric) for metric in ("test_log_p_star", "test_log_likelihood")),
        ],
        "seeds": [0, 1, 2],
        "quick": ["train.epochs=2", "data.limit=500", "evaluate.limit=100", "evaluate.num_samples=50"],
        "notes": [
            "The published log Z is half of 2 log Z as quoted from memory. The published effective sample size is on "
            "training rows with K = 10,000; ours is on test rows with the K of each data set.",
            "On mushrooms each model uses the learning rate of its config. Those of dna and connect4 were chosen by "
            "the validation bound of the bidirectional machine only; that of adult was not compared with others.",
            "The settings of connect4 are a second choice: they were chosen by validation bounds after one run of the "
            "bidirectional machine with the first settings had been tested.",
            "On dna the machine overfits its 1,400 training rows: in the first seed's run the bound ends at -88.7 on "
            "them and at -94.1 on validation rows. Other machines with the same optimizer, by the last number, one run "
            "each: layers of 100,50,10 -93.5, though their log p* is below (the last rows); of 200,20 -94.1; of "
            "400,100,20 -94.6; the layers of the table with a weight decay of 0.1 -94.3, with 1 -98.7. None gains the "
            "2.7 nats that the goal is away.",
            "The layer sizes are quoted from memory from the paper's supplement and are uncertain. The published "
            "values of reweighted wake-sleep are for other layers and settings.",
        ],
    }
