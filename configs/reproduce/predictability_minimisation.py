"""Predictability minimisation: factorial codes of small ensembles, of mixed signals and of MNIST (Schmidhuber, 1992).

    dgm-zoo reproduce predictability_minimisation

The tables of the paper: the share of runs that end with a factorial code, of 10 there and here. The sizes of codes,
predictors and encoders are the paper's, as far as its text says; the predictors have 10 times the code's rate. The
optimizer is Adam; in the rows "descent" it is plain gradient descent, as in the paper. "Off-line" rows take 5 steps of
the predictors for one of the code, 5,000 times, on mini-batches in place of the whole ensemble; "on-line" rows take one
of each, 2,000 times, "descent" rows 15,360 or 51,200 times.

Then 4 bits mixed into 8 signals, with a decoder, beside a public replication of the modern form; and 16 or 32 units on
MNIST, for which there are no published numbers: without a decoder, and the same units as an auto-encoder's, whose
reconstruction weighs so much that predictability has no influence.
"""

SOURCE = "Schmidhuber (1992), the author's web text"
REPLICATION = "cybertronai/schmidhuber-problems"
OFF_LINE = ["model.predictor_steps=5", "train.epochs=5"]
DESCENT = [  # plain gradient descent, 256 steps of the code in an epoch, batches of 64 patterns
    "train.optimizer={'name': 'sgd', 'learning_rate': 2.0, 'players': {'phi': {'learning_rate': 20.0}}}",
    "data.batch_size=64", "train.steps_per_execution=250", "train.epochs=60",
]
LONGER = [*DESCENT[:-1], "train.epochs=200"]
MIXED = [
    "data.name=patterns/mixed", "data.batch_size=64", "model.latent_dim=4", "model.hidden=[32]",
    "model.predictor_hidden=[16]", "model.predictor_steps=3", "model.decode=True", "model.likelihood=IndependentNormal",
    "model.reconstruction_weight=0.005", "train.steps_per_execution=50", "train.epochs=10",
]
AUTO_ENCODER = ["model.decode=True", "model.reconstruction_weight=1000"]


def row(name, label, config, metric, overrides, published=None, source=None, **others):
    return {
        "name": name, "label": label, "config": config, "overrides": overrides, "metric": metric,
        "published": published, "published_source": source, **others,
    }


def ensemble(name, label, data, units, predictor, code, published, overrides=()):
    """Rows of one experiment: the share of factorial codes, the number of distinct codes, and of constant units."""
    given = [
        f"data.name=patterns/{data}", f"model.latent_dim={units}", f"model.predictor_hidden=[{predictor}]",
        f"model.hidden=[{code}]", *overrides,
    ]
    for metric, known in (("test_factorial", published), ("test_distinct_codes", None), ("constant_units", None)):
        yield row(name, label, "pm_patterns.py", metric, given, known, SOURCE if known is not None else None)


def mixed():
    for metric, known in (("test_code_information", 9.6e-5), ("test_error_of_units", 0.25), ("test_unit_error", None)):
        source = None if known is None else REPLICATION
        label = "4 bits in 8 signals, 4 units, decoder"
        yield row("mixed", label, "pm_patterns.py", metric, MIXED, known, source)


def mnist():
    for units, number in ((16, ""), (32, "_32")):
        size = [f"model.latent_dim={units}"] if number else []  # 16 is the config's
        for name, label, overrides in (
            (f"mnist{number}", f"MNIST, {units} units", size),
            (f"mnist_autoencoder{number}", f"MNIST, auto-encoder of {units} units", [*size, *AUTO_ENCODER]),
        ):
            for metric in ("test_code_information", "test_unit_error", "constant_units"):
                against = {} if "auto" in name else {"against": f"mnist_autoencoder{number}"}
                yield row(name, label, "pm_mnist.py", metric, overrides, seeds=[0, 1, 2], **against)


def get_experiment():
    return {
        "rows": [
            *ensemble("four", "4 patterns, local, 2 units, off-line", "four", 2, 3, 4, 0.8, OFF_LINE),
            *ensemble("four_bits", "4 patterns, 2 bits, 2 units, on-line", "four_bits", 2, 2, 4, 1.0),
            *ensemble("sixteen", "16 patterns, local, 4 units, off-line", "sixteen", 4, 3, 16, 0.1, OFF_LINE),
            *ensemble("sixteen_bits", "16 patterns, 4 bits, 4 units, on-line", "sixteen_bits", 4, 6, 8, 0.9),
            *ensemble("descent_3", "4 patterns, local, 3 units, descent", "four", 3, 3, 4, 0.7, DESCENT),
            *ensemble("descent_4", "4 patterns, local, 4 units, descent", "four", 4, 3, 4, 0.5, DESCENT),
            *ensemble("descent_bits", "4 patterns, 2 bits, 4 units, descent", "four_bits", 4, 2, 4, 1.0, LONGER),
            *ensemble("skewed_2", "4 patterns of 1/9 to 4/9, 2 bits, 2 units", "skewed", 2, 1, 2, 0.7, OFF_LINE),
            *ensemble("skewed_3", "4 patterns of 1/9 to 4/9, 2 bits, 3 units", "skewed", 3, 1, 2, 0.9, OFF_LINE),
            *mixed(), *mnist(),
        ],
        "seeds": list(range(10)),
        "quick": ["train.epochs=1", "evaluate.limit=200"],
        "notes": [
            "With as many units as the patterns have bits, codes become factorial about as often as in the paper. With "
            "more units, gradient descent makes the units that are not needed constant and the others factorial, with "
            "local patterns more often than in the paper, with two bits as input less often. A constant unit keeps the "
            "value at which it became constant, mostly neither 0 nor 1.",
            "With Adam, 5,000 steps off-line or 16,000 on-line, units of these three ensembles hardly ever became "
            "constant, 0.1 to 0.3 a run, and so it is with the unequally frequent patterns and three units, by Adam "
            "(the table) and by descent (two runs): the surplus units end as functions of the others, which their "
            "predictors know.",
            "On the mixed signals the weight of the reconstruction is 0.005: the replication weights the squared error "
            "by 1, which is log p(x|z) weighted by 2 sigma^2, 0.005 for the noise of 0.05. With 0.1, ten earlier runs "
            "had an information of 0.0087 +- 0.0084 nats and an error of 0.209 +- 0.017; with 1 the units stayed "
            "dependent.",
            "The measured epoch is that of the least `loss`, minus V_C with the predictors of training; an epoch in "
            "which these lag behind can win.",
        ],
    }
