"""IWAE against VAE on stochastically binarised MNIST, one and two stochastic layers (Burda et al., 2016, Table 1).

    dgm-zoo reproduce iwae_mnist

784-200-200-50 tanh networks, with two layers 784-200-200-100-100-100-50; log p(x) of all 10,000 test images with
K = 5,000. The published numbers are for 3,280 epochs of Adam with batches of 20; the rows here use Muon with batches of
100, for 120 epochs (one layer), which fits into 75 minutes on 2 cores, or 30 (two layers). The published settings of
the last row are in `configs/hvae_mnist_paper.py`.
"""

SOURCE = "as quoted in a public reimplementation of the paper's table"


def row(name, label, config, published, *overrides, **others):
    return {
        "name": name, "label": label, "config": config, "overrides": [*overrides],
        "metric": "test_log_likelihood", "published": published, "published_source": SOURCE, **others,
    }


def get_experiment():
    return {
        "rows": [
            row("vae", "VAE", "vae_mnist.py", -86.76, goal={"least": -86.8}),
            row("iwae", "IWAE, k = 50", "iwae_mnist.py", -84.78, goal={"least": -84.9}),
            row("vae_2", "VAE, 2 layers", "hvae_mnist.py", -85.33, "model.k=None", "model.estimator=exact"),
            row("iwae_2", "IWAE, k = 50, 2 layers", "hvae_mnist.py", -82.90, goal={"least": -82.90}),
        ],
        "seeds": [0],
        "quick": ["train.epochs=1", "data.limit=2000", "evaluate.limit=100", "evaluate.num_samples=100"],
        "notes": [
            "Published: 3,280 epochs of Adam with batches of 20, learning rate annealed from 1e-3 to 1e-4.",
            "The minutes are wall time on 2 cores shared with other work.",
            "All rows have the same optimizer, learning rate and batches, and those with the same number of layers the "
            "same epochs. The learning rate lies between 2.5e-3 and 5e-3, which were compared on validation images "
            "after 8 epochs of VAE and IWAE with one layer. The number of epochs of one layer is what the IWAE "
            "completes in 75 minutes.",
            "Test scores of earlier runs with other settings were known before this choice; none of them was used for "
            "it.",
            "At equal epochs the IWAE is 1.61 nats better than the VAE; the published difference, after 27 times as "
            "many epochs, is 1.98. We did not test what would close the gaps to the published numbers, 0.6 and 1.0 "
            "nats.",
            "With the plain gradient instead of the doubly reparametrised one, and a learning rate of 5e-3 over 75 "
            "epochs, an earlier IWAE reached -87.87: its encoder lagged behind (test_elbo -105.0, here -98.2).",
        ],
    }
