"""What the adversary costs and buys an auto-encoder: AAE beside AE, VAE/GAN beside VAE, on MNIST.

    dgm-zoo reproduce adversarial_autoencoders

The two of each pair have the same encoder and decoder, data and budget. No published numbers: Makhzani et al. (2016)
and Larsen et al. (2016) report other quantities.
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
            "The codes of test images beside the prior, their first two coordinates, of the preset `aae_mnist`, which "
            "has 300 units where the AAE of this table has 400: [picture](adversarial_autoencoders-codes.png).",
        ],
    }
