"""CycleGAN between Noto's and Twemoji's designs of emoji, without pairs.

    dgm-zoo train --config=cyclegan_emoji --workdir=runs/cyclegan_emoji

Both sets prepare themselves. Test images come in pairs that training has not seen: it prints test_error_to_target, the
mean absolute difference of a translation from its true counterpart, and test_retrieval_to_target, the share of
translations whose nearest image is their counterpart, in both directions and for images that are not translated.

The discriminators have spectral normalisation in the place of the paper's normalisation of each image, and the
translators are moving averages. Took 12 minutes on one core shared with other work: the error to Twemoji is 0.162
(0.168 without translation), to Noto 0.150 (0.168); retrieval is 0.362 (0.300) and 0.373 (0.336). Margin, shading and
colours of a face change, its outlines do not. docs/results/cyclegan_emoji.md has other seeds.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "cyclegan", "translator_filters": 16, "blocks": 2, "residual": True, "discriminator_filters": 32,
            "normalization": "spectral", "cycle_weight": 2.0,
        },
        "data": {"name": "emoji/noto", "target": "emoji/twemoji", "batch_size": 16},
        "train": {
            "epochs": 20,
            "seed": 0,
            "optimizer": {
                "name": "adam", "learning_rate": 4e-4, "beta_1": 0.5,
                "players": {role: {"use_ema": True, "ema_momentum": 0.998} for role in ("theta", "eta")},
            },
            "decay": "cosine",
            "steps_per_execution": 24,
        },
        "evaluate": {"batch_size": 200},
    })
