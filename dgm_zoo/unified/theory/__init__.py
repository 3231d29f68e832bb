"""Executable theory: the claims of the unified view as functions of given p, q and phi, with exact sums.

    from dgm_zoo.unified import theory

    log_p = theory.real_and_generated(tf.nn.log_softmax, data=[0.5, 0.25, 0.25])
    found = theory.lemma_1(log_p, theta_0=[0.1, -0.4, 0.3], logit=[2.0, 0.0, -1.0])
    found.left - found.right                        # two gradients: equal
    found.left_value - found.right_value            # two values: not equal

Each function's docstring states its claim, what is held constant, and where the claim holds. `fits` fits a small
family of distributions by either direction of a divergence; the command `dgm-zoo directions` draws the result.
"""

from dgm_zoo.unified.theory.adversarial import (
    equation_8,
    equation_10,
    infogan,
    lemma_1,
    optimal_discriminator,
    real_and_generated,
)
from dgm_zoo.unified.theory.evidence import equation_17, lemma_2, lemma_2_as_kl
from dgm_zoo.unified.theory.importance import equation_15, equation_16, log_weights
from dgm_zoo.unified.theory.phases import gan_as_sleep, sleep, vae_as_wake, wake
from dgm_zoo.unified.theory.sides import Sides

__all__ = [
    "Sides",
    "equation_10",
    "equation_15",
    "equation_16",
    "equation_17",
    "equation_8",
    "gan_as_sleep",
    "infogan",
    "lemma_1",
    "lemma_2",
    "lemma_2_as_kl",
    "log_weights",
    "optimal_discriminator",
    "real_and_generated",
    "sleep",
    "vae_as_wake",
    "wake",
]
