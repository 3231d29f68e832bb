"""A symmetric VAE for segmentation: digits with photographic textures, 300 known masks, and masks from a GAN.

    dgm-zoo data prepare textured_digits --manual_dir=FOLDER_WITH_textures
    dgm-zoo train --config=symvae_textured_digits --workdir=runs/symvae_textured_digits

Took 6 minutes on one core, with a test_iou of 0.784 (10,000 images); docs/results/textured_digits.md has other seeds
and numbers of pairs.

The latents are the mask of the digit, known for 300 of the 20,000 images, and 32 bits for everything else in an image.
p(mask) is given only by 10,000 samples of the preset gan_mnist, so there is no evidence bound. The run prints test_iou,
the intersection over union of q(mask|x) and the true masks, on photographs that are not in the training data;
segmentation.png and rendering.png show both directions.

For other numbers of pairs use `--config.data.pairs=30` or `3000`, for none `--config.data.pairs=0
--config.data.labelled_rows=None`. For supervised training of the encoder, on only the pairs, use
`--config.model.dream_weight=0`.
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
