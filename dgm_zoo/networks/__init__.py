"""Plain Keras models that emit parameter tensors, samples or logits."""

from dgm_zoo.networks.augmenting import augmented
from dgm_zoo.networks.autoregressive import DARN, NADE, SigmoidBelief
from dgm_zoo.networks.conv import conv_decoder, conv_encoder
from dgm_zoo.networks.dcgan import dcgan_discriminator, dcgan_generator, dense_discriminator, dense_generator
from dgm_zoo.networks.default import classifier_of, encoder_and_decoder, generator_and_discriminator
from dgm_zoo.networks.dense import Conditioned, dense
from dgm_zoo.networks.lenet import lenet
from dgm_zoo.networks.music import bar_critic, bar_encoder, bar_generator, phrase_critic, temporal_generator
from dgm_zoo.networks.patch import patch_discriminator, receptive_field
from dgm_zoo.networks.phrases import noise_sizes, phrase_critics, phrase_generator
from dgm_zoo.networks.pool import ImagePool
from dgm_zoo.networks.predictors import Predictors
from dgm_zoo.networks.stochastic import BeliefNetwork
from dgm_zoo.networks.translators import resnet_translator

__all__ = [
    "DARN",
    "NADE",
    "BeliefNetwork",
    "Conditioned",
    "ImagePool",
    "Predictors",
    "SigmoidBelief",
    "augmented",
    "bar_critic",
    "bar_encoder",
    "bar_generator",
    "classifier_of",
    "conv_decoder",
    "conv_encoder",
    "dcgan_discriminator",
    "dcgan_generator",
    "dense",
    "dense_discriminator",
    "dense_generator",
    "encoder_and_decoder",
    "generator_and_discriminator",
    "lenet",
    "noise_sizes",
    "patch_discriminator",
    "phrase_critic",
    "phrase_critics",
    "phrase_generator",
    "receptive_field",
    "resnet_translator",
    "temporal_generator",
]
