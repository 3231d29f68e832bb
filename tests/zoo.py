"""A tiny instance of every registered model, and one model for each distinct training step."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import dgm_zoo
from dgm_zoo.core.registry import small
from dgm_zoo.models import list_models, model_class

SHAPE = (4, 4, 1)
CLASSES = 3
MASKS = np.eye(4, dtype="uint8").repeat(4, 1).reshape(4, *SHAPE)  # one of the four rows of pixels, `[4, 4, 4, 1]`

EXCEPTIONS = {"segvae": {"masks": MASKS}}  # arguments besides those that the class itself declares as small

# Models whose terms depend on the batch as a whole, since weights or activations are normalised over it: with half of
# the batch on each of two replicas they take another step.
WHOLE_BATCH = {"iwgan", "iwcgan", "musegan"}

# Further instances that the conformance tests take like a model of their own: the model, and its arguments.
VARIANTS = {
    "hvae of normals": ("hvae", {"group_values": "normals", "inference": "reverse", "k": 3, "estimator": "dreg"}),
}

TABLE = {name: {**small(name), **EXCEPTIONS.get(name, {})} for name in list_models()}

# Models whose noise has an axis before the rows, [k, batch, ...]: k samples for each example.
SEVERAL_SAMPLES = {"iwae", "helmholtz", "rws", "bihm"}


def class_of(name):
    """The class of a registered model, or of one of `VARIANTS`."""
    return model_class(VARIANTS.get(name, (name,))[0])


def tiny(name, seed=0, **changes):
    """A small model of the table, or one of `VARIANTS`, with weights that depend on `seed` alone; not compiled."""
    keras.utils.set_random_seed(seed)
    name, own = VARIANTS.get(name, (name, {}))
    changes = {**own, **changes}
    return dgm_zoo.create(name, **{"image_shape": SHAPE, **TABLE[name], **changes}, seed=seed)


def images(n, seed=0, shape=SHAPE):
    """Binary images with some structure (a bar, sometimes), and their labels: `[n, *shape]` and `[n]`."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, CLASSES, n).astype("int32")
    x = rng.random((n, *shape)) < 0.1
    x[np.arange(n), label % shape[0]] = True
    return x.astype("float32"), label


def examples(model, n, seed=0):
    """What `fit` and `evaluate` take for this model: x, or (x, label); of two domains, a pair in the place of each."""
    if model.domains:  # the target is the source upside down, and has no labels
        x, label = images(n, seed)
        return (x, x[:, ::-1].copy()), (label, np.full_like(label, -1))
    x, label = images(n, seed, tuple(model.takes()["x"].shape))
    return (x, label) if "label" in model.takes() else (x,)


def weights(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


@functools.cache
def two_cpus():
    """One strategy of two replicas for the whole process: TensorFlow numbers the collectives of each from the start."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


TRAINING = ("train_step", "play", "fit")  # the methods that tell one training step from another
EVALUATION = ("test_step", "evaluate")


def body(name, methods=TRAINING):
    """What tells the step of a model from that of another, whatever its networks and terms: these methods of its
    class, and which players move together."""
    cls = model_class(name)
    movers = frozenset(frozenset(one.movers) for one in cls.formulation.ascents)
    return tuple(getattr(cls, method, None) for method in methods), movers


def representatives(methods=TRAINING):
    """The first registered model of each distinct `body`, with the names that it stands for: a dict."""
    found = {}
    for name in list_models():
        found.setdefault(body(name, methods), []).append(name)
    return {names[0]: names for names in found.values()}


KEPT = {"cvae", "svae", "cgan", "bihm", "ada"}  # representatives: a bound, phases, rounds, wake-sleep, two domains


def sparing(values, kept):
    """Parameters of a test: those in `kept` run in the default tier, the others in the exhaustive one."""
    return [value if value in kept else pytest.param(value, marks=pytest.mark.exhaustive) for value in values]
