"""The warning about a saturated discriminator, and a discriminator's features."""

import warnings

import keras

from dgm_zoo.errors import unknown

UNBEATEN = 0.99  # accuracy on both kinds of examples, over a whole epoch, from which a discriminator has saturated


class Saturation(keras.callbacks.Callback):
    """Warns after an epoch in which the discriminator was right about nearly every example of both kinds."""

    def on_epoch_end(self, epoch, logs=None):
        real, fake = logs["accuracy_real"], logs["accuracy_fake"]
        if min(real, fake) > UNBEATEN:
            warnings.warn(
                f"the discriminator saturated in epoch {epoch + 1}: its accuracy was {real:.4f} on real and {fake:.4f} "
                "on generated examples, which teaches the other players little; lower phi's learning rate, or give "
                "normalization='spectral' or another objective",
                stacklevel=2,
            )


def with_features(discriminator, layer="features"):
    """Returns a Keras model that shares the discriminator's layers: x to its logit and the output of `layer`."""
    names = [one.name for one in discriminator.layers]
    if layer not in names:
        raise unknown("layer of the discriminator", layer, names)
    return keras.Model(discriminator.input, [discriminator.output, discriminator.get_layer(layer).output])
