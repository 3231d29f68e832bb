"""Plain Keras models that emit parameter tensors."""

from dgm_zoo.networks.conv import conv_decoder, conv_encoder
from dgm_zoo.networks.default import encoder_and_decoder
from dgm_zoo.networks.dense import dense

__all__ = ["conv_decoder", "conv_encoder", "dense", "encoder_and_decoder"]
