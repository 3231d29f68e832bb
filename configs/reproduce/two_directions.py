"""GAN, importance weighted GAN and VAE on a ring of 8 and a 5x5 grid of Gaussians: mode coverage, sample quality.

    dgm-zoo reproduce two_directions

Hu et al. (2018) conclude from the objectives that a GAN's generator minimises a divergence whose first argument is the
model, which tolerates missing modes, and that a VAE minimises one whose first argument is the data, which tolerates
samples between modes. There are no published numbers: the paper argues from the form of the two objectives.
"""

ALL_MODES = {("gan", "modes_covered", "grid"), ("iwgan", "modes_covered", "grid")}  # rows that are to cover every mode


def rows(dataset):
    return [
        {
            "name": f"{model}_{dataset}", "label": f"{label}, {dataset}", "config": f"{model}_ring.py",
            "overrides": [f"data.name=gaussian_mixtures/{dataset}"], "metric": f"test_{metric}", "published": None,
            "published_source": None, **({"goal": {"least": 25}} if (model, metric, dataset) in ALL_MODES else {}),
        }
        for metric in ("modes_covered", "high_quality")
        for model, label in (("gan", "GAN"), ("iwgan", "IWGAN"), ("vae", "VAE"))
    ]


def get_experiment():
    return {
        "rows": rows("ring") + rows("grid"),
        "seeds": [0, 1, 2],
        "quick": ["train.epochs=1", "evaluate.limit=500"],
        "notes": [
            "The VAE spreads its samples over all of the data and beyond, as KL(data || model) allows, and few of "
            "them are near a mode. The samples of the GANs stay near the data or on the lines between modes. However, "
            "the GANs do not miss modes of the ring, which the other direction would tolerate. On the grid no model "
            "has converged after 100 epochs, so the counts there reflect training rather than the directions.",
            "Only samples of high quality count towards a covered mode, and a wide model has few of them. The VAE on "
            "the ring produces stripes: only one of its two latents is active, in each run. The VAE of "
            "`kl_directions`, trained for half as long, produces the ring; we did not test why.",
            "The minutes are wall time on cores shared with other work; those of the GAN on the ring include half an "
            "hour for which one run waited.",
        ],
    }
