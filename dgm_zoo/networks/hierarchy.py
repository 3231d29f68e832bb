"""The components of a model whose latents are in groups, of bits or of normal values."""

from collections.abc import Sequence
from typing import Any

import keras

from dgm_zoo.checks import layer_size, layer_sizes
from dgm_zoo.distributions import get
from dgm_zoo.distributions.groups import INFERENCE, GroupedPrior
from dgm_zoo.distributions.normal_groups import NORMAL_INFERENCE, GroupedNormalPrior
from dgm_zoo.errors import check_known
from dgm_zoo.networks.default import encoder_and_decoder


def hierarchy(
    image_shape: Sequence[int],
    groups: Sequence[int] | str,
    inference: str,
    group_hidden: Sequence[int] | str,
    network: str,
    hidden: Sequence[int] | None,
    activation: Any,
    likelihood: Any,
    num_classes: int | None = None,
    reparametrised: bool = False,
    group_values: str = "bits",
) -> dict[str, Any]:
    """Returns a dict of encoder, decoder, prior, likelihood and posterior for latents in groups.

    Args:
      image_shape: (H, W, C).
      groups: sizes of the groups, z_0 first: a list, or a string such as "30,100".
      inference: "ladder" or "reverse".
      group_hidden: widths of the perceptrons between groups.
      network, hidden, activation: see `networks.encoder_and_decoder`; the decoder sees only z_T.
      likelihood: see `distributions.get`.
      num_classes: if given, z_0 is a class with so many values, placed before the groups.
      reparametrised: see `LadderPosterior`.
      group_values: "bits" or "normals"; normals are without a class, and always reparametrised.

    Raises:
      InvalidInput: an unknown inference or kind of values, groups that do not parse, or an invalid argument of a
        component.
    """
    check_known("inference", inference, INFERENCE)
    if num_classes is not None:
        groups = (layer_size("num_classes", num_classes), *layer_sizes(groups))
    check_known("group_values", group_values, ["bits", "normals"])
    likelihood, widths = get(likelihood, tuple(image_shape)), {} if inference == "ladder" else {"hidden": group_hidden}
    if group_values == "bits":
        known = {"classes": num_classes is not None}
        prior = GroupedPrior(groups, group_hidden, **known)
        posterior = INFERENCE[inference](groups, **known, reparametrised=reparametrised, **widths)
    else:
        prior = GroupedNormalPrior(groups, group_hidden)
        posterior = NORMAL_INFERENCE[inference](groups, **widths)
    encoder, of_last = encoder_and_decoder(
        network, image_shape, prior.sizes[-1], posterior.params_shape, likelihood.params_shape, hidden, activation
    )
    z = keras.Input(prior.event_shape, name="z")
    _, last = keras.ops.split(z, [sum(prior.sizes[:-1])], -1)
    decoder = keras.Model(z, of_last(last), name="decoder")
    return {
        "encoder": encoder, "decoder": decoder, "prior": prior, "likelihood": likelihood, "posterior": posterior,
    }
