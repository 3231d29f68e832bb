"""Segmentation of textured digits by the number of masks that are known: the symmetric game and pairs alone.

    dgm-zoo reproduce textured_digits

The encoder of a symmetric VAE learns from images that its decoder dreams for masks of a GAN; that of the rows named
"pairs alone" sees the same pairs, as often, and no dreams (dream_weight 0). No published numbers: the experiment is in
the spirit of Flach et al. (2024), who segment other images.
"""

PAIRS = (0, 30, 300, 3000)


def row(pairs, supervised=False):
    overrides = [f"data.pairs={pairs}"]
    overrides += [] if pairs else ["data.labelled_rows=None"]
    overrides += ["model.dream_weight=0"] if supervised else []
    return {
        "name": f"{'supervised' if supervised else 'symmetric'}_{pairs}",
        "label": f"{pairs:,} pairs{' alone' if supervised else ', symmetric'}",
        "config": "symvae_textured_digits.py", "overrides": overrides, "metric": "test_iou",
        "published": None, "published_source": None,
        **({} if supervised or not pairs else {"against": f"supervised_{pairs}"}),
    }


def get_experiment():
    return {
        "rows": [row(pairs) for pairs in PAIRS] + [row(pairs, True) for pairs in PAIRS if pairs],
        "seeds": [0],
        "quick": ["train.epochs=1", "data.limit=3100", "evaluate.limit=200"],
        "notes": [
            "The pairs of a row are among those of the next, and each batch of 50 has 20 of them. The masks that "
            "dreams begin with are 10,000 samples of the preset gan_mnist above 1/2; test images are of other "
            "photographs.",
            "What is measured is the epoch with the greatest sum of the players' utilities on validation images "
            "without their masks: no mask but those of the pairs is used in training. For pairs alone that is the "
            "decoder's utility, as the encoder has none without dreams.",
            "Runs differ by more than that error, which is over images: a second seed, not run with 3,000 pairs, "
            "ended at 0.169, 0.633 and 0.776 with 0, 30 and 300 pairs, and at 0.402 and 0.671 with 30 and 300 alone.",
            "Minutes are by the wall clock, beside other work.",
            "In the picture without pairs two light digits of ten are found, and masks of dark ones inverted or empty.",
            "Of the first seed, symmetric, as `dgm-zoo train` draws them: " + "; ".join(
                f"{pairs:,} pairs: [masks found](textured_digits-{pairs}-segmentation.png), "
                f"[masks rendered](textured_digits-{pairs}-rendering.png)" for pairs in PAIRS
            ) + ".",
        ],
    }
