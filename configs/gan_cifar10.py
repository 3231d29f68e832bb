"""A GAN with the hinge loss, spectral normalisation and averaged weights on CIFAR-10, or other colour images.

    tfds build cifar10
    dgm-zoo train --config=gan_cifar10 --workdir=runs/gan_cifar10
    dgm-zoo evaluate --workdir=runs/gan_cifar10 --against=tfds:cifar10

The networks are those of DCGAN. The discriminator has spectral normalisation on every kernel; samples come from the
exponential moving average of the generator's weights. The second command judges samples by principal components; with
--features=keras:InceptionV3:FILE by those of a network whose weights are in FILE. Any set of colour images takes the
place of CIFAR-10: --config.data.name=emoji/noto, which prepares itself, or a folder, as in vae_faces64.

Tried on emoji/noto, 1,559 training images. With --config.data.batch_size=32 --config.train.epochs=400, 19,200 steps:
faces, people and flags (docs/tutorials/your_images.md). As it is, 1,500 steps in 10 minutes: blobs on a light ground;
the average over 1,000 steps then still holds the beginning. On CIFAR-10 it has not been run.

References: Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018.
"""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict({
        "model": {
            "name": "gan", "latent_dim": 128, "hidden": [64, 128, 256], "normalization": "spectral",
            "objective": "Hinge",
        },
        "data": {"name": "tfds:cifar10", "batch_size": 100},
        "train": {
            "epochs": 100,
            "seed": 0,
            "optimizer": {
                "name": "adam", "learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999,
                "players": {"theta": {"use_ema": True, "ema_momentum": 0.999}},
            },
        },
    })
