"""Checks of a discriminator and of the prior that adversarial models share, and the warning about saturation."""

import warnings
from typing import Any

import keras

from dgm_zoo.distributions import Prior, VampPrior
from dgm_zoo.errors import InvalidInput, check_known

UNBEATEN = 0.99  # epoch accuracy on real and on generated examples, above which a discriminator counts as saturated


class Saturation(keras.callbacks.Callback):
    """Warns after an epoch in which the discriminator classified nearly all real and generated examples correctly."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        real, fake = logs["accuracy_real"], logs["accuracy_fake"]
        if min(real, fake) > UNBEATEN:
            warnings.warn(
                f"the discriminator saturated in epoch {epoch + 1}: its accuracy was {real:.4f} on real and {fake:.4f} "
                "on generated examples, so the other players learn little from it; lower phi's learning rate, or give "
                "normalization='spectral' or another objective",
                stacklevel=2,
            )


def fixed(prior: Prior, cls: type) -> Prior:
    """Returns `prior`, made untrainable; raises `InvalidInput` for a `VampPrior`, which consists of posteriors."""
    if isinstance(prior, VampPrior):
        raise InvalidInput(f"{cls.__name__} takes no VampPrior, which is made of posteriors; use a MixturePrior")
    prior.trainable = False
    return prior


def check_critic(objective: Any, discriminator: keras.Model) -> None:
    """Raises `InvalidInput` if gradients are penalised and the discriminator has `BatchNormalization`."""
    if objective.gradient_penalty and _normalises_over_the_batch(discriminator):
        raise InvalidInput(
            f"the gradient penalty of {type(objective).__name__} is defined per example, but the discriminator has "
            "BatchNormalization; give normalization='none' or 'spectral'"
        )


def _normalises_over_the_batch(network):
    """Whether a Keras model holds a `BatchNormalization`, at any depth."""
    layers = getattr(network, "layers", [])
    return any(isinstance(one, keras.layers.BatchNormalization) or _normalises_over_the_batch(one) for one in layers)


def with_features(discriminator: keras.Model, layer: str = "features") -> keras.Model:
    """Returns a Keras model of the discriminator's layers, from x to the logit and the output of `layer`."""
    names = [one.name for one in discriminator.layers]
    check_known("layer of the discriminator", layer, names)
    inputs = discriminator.inputs[0] if len(discriminator.inputs) == 1 else discriminator.inputs
    return keras.Model(inputs, [discriminator.outputs[0], discriminator.get_layer(layer).output])
