"""A symmetric VAE that segments: digits of photographic texture, 300 of whose masks are known, and masks of a GAN.

    dgm-zoo data prepare textured_digits --manual_dir=FOLDER_WITH_textures
    dgm-zoo train --config=configs/symvae_textured_digits.py --workdir=runs/symvae_textured_digits

Took 12 minutes on one core beside other work, with its test_iou then 0.783 (10,000 images);
docs/results/textured_digits.md has other numbers of pairs.

Latents are the mask of the digit, which is given for 300 of the 20,000 images, and 32 bits for whatever else there is
to an image. p(mask) is known by 10,000 samples alone, those of the preset gan_mnist, so that no evidence bound can be
had. It prints test_iou, the intersection over union of q(mask|x) with the true masks, on photographs that training has
not seen; segmentation.png and rendering.png show both directions.

Other numbers of pairs: `--config.data.pairs=30` or `3000`; `--config.data.pairs=0 --config.data.labelled_rows=None` for
none. Supervised training of the encoder, on the pairs alone: `--config.model.dream_weight=0`.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "segvae", "masks": "gan_mnist", "noise_bits": 32, "filters": [8, 16, 32], "dream_weight": 1.0,
        },
        "data": {"name": "textured_digits", "batch_size": 50, "pairs": 300, "labelled_rows": 20},
        "train": {
            "epochs": 12,
            "seed": 0,
            "optimizer": {"name": "adam", "learning_rate": 4e-3},
            "decay": "cosine",
            "steps_per_execution": 25,
        },
    })
