"""The networks of CycleGAN: two translators and two discriminators, convolutional or dense."""

import inspect
from collections.abc import Sequence
from typing import Any

import keras

from dgm_zoo.checks import shown
from dgm_zoo.core import recipes
from dgm_zoo.errors import InvalidInput, unknown
from dgm_zoo.networks import patch_discriminator, resnet_translator
from dgm_zoo.networks.dcgan import dense_discriminator
from dgm_zoo.networks.dense import dense

LEAST, DEEPEST = 4, 3  # minimum side length of the logits at the default depth; published depth


@recipes.makes("to_target", "to_source", "discriminator_source", "discriminator_target", "data_range")
def networks(*, image_shape: Sequence[int], network: str | None = None, hidden: Sequence[int] | None = None,
             translator_filters: int = 32, blocks: int = 3, upsampling: str = "resize", residual: bool = False,
             discriminator_filters: int = 32, depth: int | None = None,
             normalization: str | None = None) -> dict[str, Any]:
    """Returns two translators and two discriminators, all convolutional or all dense.

    Args:
      image_shape: shape of x, the same in both domains.
      network: "conv" or "dense"; None for "conv" if x is an image, and "dense" if it is a vector.
      hidden: widths of the dense networks' hidden layers, (128, 128) if None.
      translator_filters, blocks, upsampling, residual: see `networks.resnet_translator`.
      discriminator_filters, depth: see `networks.patch_discriminator`; None for the largest depth up to the published 3
        that leaves at least 4x4 patches, or 1 if none does.
      normalization: of the discriminators: "instance" (patches only), "spectral" or "none"; None for "instance" with
        patches and "none" with dense networks.
    """
    shape = tuple(image_shape)
    network = ("conv" if len(shape) == 3 else "dense") if network is None else network
    if network == "dense":
        given = {
            "translator_filters": translator_filters, "blocks": blocks, "upsampling": upsampling, "residual": residual,
            "discriminator_filters": discriminator_filters, "depth": depth,
        }
        _check_defaults(given)
        hidden = (128, 128) if hidden is None else hidden
        make = lambda name: _dense_translator(shape, hidden, name)  # noqa: E731
        judge = lambda name: dense_discriminator(shape, hidden, normalization or "none", name=name)  # noqa: E731
    elif network == "conv":
        if hidden is not None:
            raise InvalidInput(f"hidden {hidden!r} is for network='dense'; give translator_filters and blocks instead")
        depth = _depth(shape) if depth is None else depth
        make = lambda name: resnet_translator(  # noqa: E731
            shape, filters=translator_filters, blocks=blocks, upsampling=upsampling, residual=residual, name=name
        )
        judge = lambda name: patch_discriminator(  # noqa: E731
            shape, discriminator_filters, depth, normalization=normalization or "instance", name=name
        )
    else:
        raise unknown("network", network, ["conv", "dense"])
    return {
        "to_target": make("to_target"), "to_source": make("to_source"),
        "discriminator_source": judge("discriminator_source"), "discriminator_target": judge("discriminator_target"),
        "data_range": (0.0, 1.0) if len(shape) == 3 else None,
    }


def _check_defaults(given):
    """Raises `InvalidInput` if an argument of the convolutional networks, which the dense ones lack, was given."""
    defaults = inspect.signature(networks).parameters
    for name, value in given.items():
        default = defaults[name].default
        if type(value) is not type(default) or value != default:
            raise InvalidInput(f"{name} {shown(value)} is for network='conv'; leave it out")


def _depth(shape):
    fits = [depth for depth in range(1, DEEPEST + 1) if (min(shape[:2]) >> depth) - 2 >= LEAST]
    return max(fits, default=1)


def _dense_translator(shape, hidden, name):
    network = dense(shape, shape, hidden, "relu", name=name)
    if len(shape) != 3:
        return network
    return keras.Model(network.input, keras.layers.Activation("sigmoid", name="image")(network.output), name=name)
