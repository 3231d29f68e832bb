"""A VAE on a folder of your own JPEG and PNG images, such as faces, at 64x64 pixels.

    dgm-zoo data describe folder:faces --image_size=64,64
    dgm-zoo train --config=vae_folder --config.data.path=faces --workdir=runs/faces

The images are cropped about their centre and averaged to `data.image_size`, grey if all are, else in colour; a tenth
each is validation and test. Subfolders, if any, are classes, which this model ignores. For smaller images set
`data.image_size` to (32, 32), and for a test in a minute `train.epochs` to 2.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "vae", "latent_dim": 64, "network": "conv", "hidden": [32, 64],
            "likelihood": "IndependentLogistic",
        },
        "data": {"name": "folder", "path": "faces", "image_size": (64, 64), "batch_size": 64},
        "train": {
            "epochs": 100, "seed": 0, "optimizer": {"name": "adam", "learning_rate": 1e-3}, "decay": "cosine",
        },
        "evaluate": {"num_samples": 100, "batch_size": 100},
    })
