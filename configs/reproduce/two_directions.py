"""GAN, importance weighted GAN and VAE on a ring of 8 and a 5x5 grid of Gaussians: modes covered, quality of samples.

    dgm-zoo reproduce two_directions

What Hu et al. (2018) read from the objectives: a GAN's generator minimises a divergence whose first argument is the
model, which forgives missing modes; a VAE minimises one whose first argument is the data, which forgives samples
between them. No published numbers: the paper draws the conclusion from the form of the two objectives.
"""


def rows(dataset):
    return [
        {
            "name": f"{model}_{dataset}", "label": f"{label}, {dataset}", "config": f"{model}_ring.py",
            "overrides": [f"data.name=gaussian_mixtures/{dataset}"], "metric": f"test_{metric}", "published": None,
            "published_source": None,
        }
        for metric in ("modes_covered", "high_quality")
        for model, label in (("gan", "GAN"), ("iwgan", "IWGAN"), ("vae", "VAE"))
    ]


def get_experiment():
    return {
        "rows": rows("ring") + rows("grid"),
        "seeds": [0, 1, 2],
        "quick": ["train.epochs=1", "evaluate.limit=500"],
        "notes": [],
    }
