"""The conformance table: one line per registered model, and a tiny instance of each."""

import functools

import keras
import numpy as np
import tensorflow as tf

import dgm_zoo

SHAPE = (4, 4, 1)
CLASSES = 3
MASKS = np.eye(4, dtype="uint8").repeat(4, 1).reshape(4, *SHAPE)  # one of the four rows of pixels, `[4, 4, 4, 1]`

# What `create` is given, besides the image shape where that is SHAPE. A new model is a new line here.
TABLE = {
    "ae": {"latent_dim": 2, "hidden": [16]},
    "vae": {"latent_dim": 2, "hidden": [16]},
    "cvae": {"latent_dim": 2, "hidden": [16], "num_classes": CLASSES},
    "iwae": {"latent_dim": 2, "hidden": [16], "k": 3},
    "svae": {"latent_dim": 2, "hidden": [16], "num_classes": CLASSES},
    "aavae": {"latent_dim": 2, "hidden": [16], "discriminator_hidden": [16]},
    "aacvae": {"latent_dim": 2, "hidden": [16], "discriminator_hidden": [16], "num_classes": CLASSES},
    "aasvae": {"latent_dim": 2, "hidden": [16], "discriminator_hidden": [16], "num_classes": CLASSES},
    "classifier": {"num_classes": CLASSES, "filters": [4, 8], "hidden": 16},
    "gan": {"latent_dim": 2, "network": "dense", "hidden": [16]},
    "cgan": {"latent_dim": 2, "network": "dense", "hidden": [16], "num_classes": CLASSES},
    "iwgan": {"latent_dim": 2, "network": "dense", "hidden": [16]},
    "iwcgan": {"latent_dim": 2, "network": "dense", "hidden": [16], "num_classes": CLASSES},
    "infogan": {"latent_dim": 6, "network": "dense", "hidden": [16], "categories": CLASSES, "continuous": 1},
    "aae": {"latent_dim": 2, "hidden": [16], "discriminator_hidden": [16]},
    "ssaae": {"latent_dim": 2, "hidden": [16], "discriminator_hidden": [16], "num_classes": CLASSES},
    "vaegan": {"latent_dim": 2, "network": "dense", "hidden": [16], "encoder_hidden": [16]},
    "helmholtz": {"layers": [8, 4]},
    "rws": {"layers": [8, 4], "k": 3},
    "bihm": {"layers": [8, 4], "k": 3},
    "symvae": {"latent_dim": 4, "hidden": [16]},
    "hsymvae": {"groups": [3, 5], "hidden": [16], "group_hidden": [8]},
    "ssymvae": {"groups": [5], "hidden": [16], "group_hidden": [8], "num_classes": CLASSES},
    "hvae": {"groups": [3, 5], "hidden": [16], "group_hidden": [8]},
    "musegan": {  # its default penalty, 10, would diverge with the suite's plain gradient steps
        "image_shape": (2, 8, 24, 2), "width": 16, "noise_dim": 8, "critic_steps": 2,
        "objective": {"name": "Wasserstein", "gradient_penalty": 0.1},
    },
    "segvae": {"masks": MASKS, "noise_bits": 3, "filters": [4, 8, 8]},
}

# Models whose noise has an axis before the rows, [k, batch, ...]: k samples for each example.
SEVERAL_SAMPLES = {"iwae", "helmholtz", "rws", "bihm"}


def tiny(name, seed=0, **changes):
    """A small model of the table, with weights that depend on `seed` alone; not compiled."""
    keras.utils.set_random_seed(seed)
    return dgm_zoo.create(name, **{"image_shape": SHAPE, **TABLE[name], **changes}, seed=seed)


def images(n, seed=0, shape=SHAPE):
    """Binary images with some structure (a bar, sometimes), and their labels: `[n, *shape]` and `[n]`."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, CLASSES, n).astype("int32")
    x = rng.random((n, *shape)) < 0.1
    x[np.arange(n), label % shape[0]] = True
    return x.astype("float32"), label


def examples(model, n, seed=0):
    """What `fit` and `evaluate` take for this model: x, or (x, label)."""
    x, label = images(n, seed, tuple(model.takes()["x"].shape))
    return (x, label) if "label" in model.takes() else (x,)


def weights(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


@functools.cache
def two_cpus():
    """One strategy of two replicas for the whole process: TensorFlow numbers the collectives of each from the start."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
