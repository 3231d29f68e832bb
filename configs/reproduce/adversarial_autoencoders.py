"""The effect of an adversary on an auto-encoder: AAE against AE, and VAE/GAN against VAE, on MNIST.

    dgm-zoo reproduce adversarial_autoencoders

The two models of a pair have the same encoder, decoder, data and budget. There are no published numbers to compare:
Makhzani et al. (2016) and Larsen et al. (2016) report other quantities.
"""


def row(name, label, config, metric, **others):
    return {
        "name": name, "label": label, "config": config, "overrides": [], "metric": metric, "published": None,
        "published_source": None, **others,
    }


def get_experiment():
    return {
        "rows": [
            row("ae", "AE", "ae_mnist.py", "test_mse"),
            row("aae", "AAE", "aae_mnist.py", "test_mse", against="ae"),
            row("aae", "AAE", "aae_mnist.py", "test_aggregate_posterior"),
            row("ae", "AE", "ae_mnist.py", "test_frechet_distance"),
            row("aae", "AAE", "aae_mnist.py", "test_frechet_distance"),
            row("vae", "VAE", "vae_dcgan_mnist.py", "test_frechet_distance"),
            row("vaegan", "VAE/GAN", "vaegan_mnist.py", "test_frechet_distance", against="vae"),
            row("vae", "VAE", "vae_dcgan_mnist.py", "test_inception_score"),
            row("vaegan", "VAE/GAN", "vaegan_mnist.py", "test_inception_score"),
        ],
        "seeds": [0],
        "quick": ["train.epochs=1", "data.limit=2000", "evaluate.limit=200", "evaluate.num_samples=10"],
        "notes": [
            "The first two coordinates of the codes of test images, next to samples of the prior, for the preset "
            "`aae_mnist`, which has 300 units instead of the 400 of this table: "
            "[picture](adversarial_autoencoders-codes.png).",
        ],
    }
