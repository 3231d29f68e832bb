"""Segmentation of textured digits by the number of known masks: the symmetric game, and supervised pairs only.

    dgm-zoo reproduce textured_digits

The encoder of a symmetric VAE learns from images that its decoder generates for masks of a GAN. The encoder of the rows
named "pairs alone" sees the same pairs equally often and no generated images (dream_weight 0). There are no published
numbers: the experiment follows Flach et al. (2024), who segment other images.
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
        "seeds": [0, 1, 2],
        "quick": ["train.epochs=1", "data.limit=3100", "evaluate.limit=200"],
        "notes": [
            "The pairs of a row are a subset of those of the next row, and each batch of 50 has 20 of them. The masks "
            "of generated images are 10,000 samples of the preset gan_mnist, thresholded at 1/2. Test images use other "
            "photographs than training images.",
            "The measured epoch is the one with the greatest sum of the players' utilities on validation images "
            "without masks, so training uses only the masks of the pairs. For pairs alone it is the decoder's utility, "
            "because the encoder has no utility without dreams.",
            "The minutes are wall time on cores shared with other work.",
            "In the picture without pairs, two light digits of ten are found and a third with parts of its background; "
            "the masks of dark digits are inverted or empty.",
            "Pictures for the first seed, symmetric, as `dgm-zoo train` draws them: " + "; ".join(
                f"{pairs:,} pairs: [masks found](textured_digits-{pairs}-segmentation.png), "
                f"[masks rendered](textured_digits-{pairs}-rendering.png)" for pairs in PAIRS
            ) + ".",
        ],
    }
