"""What the exact tests of ADA, PM and CycleGAN share: data, small networks, one step by hand."""

import keras
import numpy as np
from zoo import SHAPE

from dgm_zoo.networks.dense import dense


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def stepped(model, *data, rate=1.0, **fit):
    """The model after one SGD step of every player on all of the data at once."""
    model.compile(keras.optimizers.SGD(rate), run_eagerly=True)  # one step is not worth a graph
    model.fit(*data, batch_size=len(keras.tree.flatten(data)[0]), shuffle=False, verbose=0, **fit)
    return model


def kernels(network):
    """Kernel and bias of a network's one layer."""
    return [v.numpy() for v in network.weights]


def network_of(layer, shape=SHAPE):
    x = keras.Input(shape)
    return keras.Model(x, layer(x))


def identity_network():
    return network_of(keras.layers.Activation("linear"))


def judge(shape=SHAPE, seed=0):
    keras.utils.set_random_seed(seed)
    return dense(shape, (1,), ())
