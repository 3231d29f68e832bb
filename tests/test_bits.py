"""Bits and categories are draws of what they are scored under, at logits where float32 probabilities are 0 or 1."""

import numpy as np
import pytest
import tensorflow as tf
from exact_helmholtz import KINDS
from scipy import stats

from dgm_zoo import distributions
from dgm_zoo.distributions import (
    BatchNoise,
    BernoulliPrior,
    GroupedPrior,
    IndependentBernoulli,
    RowNoise,
    StraightThroughBernoulli,
    binarised,
)
from dgm_zoo.distributions.discrete import draw_one_hot
from dgm_zoo.models import VAE
from dgm_zoo.models.helmholtz.bihm import BiHM
from dgm_zoo.networks import BeliefNetwork, dense

LOGITS = np.float32([-60, -30, -20, -12, 0, 12, 20, 30, 60])


def prior_of(logits):
    prior = BernoulliPrior((len(logits),))
    prior.logits.assign(logits)
    return prior


def of_head(head):
    return lambda noise: head.sample(head(tf.tile(LOGITS[None], [2, 1])), noise)


def of_level(kind):
    """The first level of a network, whose logits are `LOGITS`."""
    level = BeliefNetwork((len(LOGITS),), root=True, kind=kind).conditionals[0]
    for variable in level.trainable_variables:
        variable.assign(LOGITS if variable is level.bias else tf.zeros(variable.shape))
    return lambda noise: level.draw(noise, None)[0]


def of_groups():
    """The second of two groups of bits, whose logits are `LOGITS` whatever the first."""
    prior = GroupedPrior((len(LOGITS), len(LOGITS)))
    prior.steps[0].kernel.assign(tf.zeros(prior.steps[0].kernel.shape))
    prior.steps[0].bias.assign(LOGITS)
    return lambda noise: prior.draw(tf.concat([noise, noise], -1))[..., len(LOGITS) :]


PLACES = {
    "IndependentBernoulli": lambda: of_head(IndependentBernoulli((9,))),
    "StraightThroughBernoulli": lambda: of_head(StraightThroughBernoulli((9,))),
    "BernoulliPrior": lambda: prior_of(LOGITS).draw,
    "GroupedPrior": of_groups,
    "binarised": lambda: lambda noise: binarised(tf.tile(LOGITS[None], [2, 1]), noise),
    **{kind: lambda kind=kind: of_level(kind) for kind in KINDS},
}


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("place", PLACES)
def test_a_bit_is_1_where_its_noise_is_below_its_logit_and_nowhere_else(place, jit):
    noise = tf.constant(np.stack([LOGITS - 1, LOGITS + 1]))
    bits = tf.function(PLACES[place](), jit_compile=jit)(noise)
    np.testing.assert_array_equal(bits, [[1.0] * 9, [0.0] * 9])


@pytest.mark.parametrize("source", [lambda: BatchNoise([3, 4], 50), lambda: RowNoise(tf.range(50))])
def test_logistic_noise_is_logistic_and_that_of_the_uniform_noise(source):
    noise, uniform = source().logistic((400,)).numpy(), source().uniform((400,)).numpy()
    assert stats.kstest(noise.ravel(), "logistic").pvalue > 1e-3
    np.testing.assert_allclose(1 / (1 + np.exp(-noise.astype(np.float64))), uniform, atol=3e-7)


@pytest.mark.parametrize(("end", "places"), [
    (0.0, [(252, 254, 244), (257, 19, 184), (290, 665, 89), (293, 89, 76)]),
    (1.0, [(33, 372, 122), (55, 286, 300), (64, 467, 349), (304, 805, 145)]),
])
def test_noise_goes_on_where_uniform_numbers_end(end, places):
    """Seeds, rows and columns of the first and of the last of the 2^23 values of a uniform number."""
    found = []
    for seed, row, column in places:
        noise, uniform = (getattr(BatchNoise([seed, 0], 1000), draw)((400,)) for draw in ("logistic", "uniform"))
        assert uniform[row, column] == end * (1 - 2.0**-23)
        found.append(float(noise[row, column]) * (2 * end - 1))
    assert min(found) > 23 * np.log(2) - 0.001 and max(found) < 39 and len(set(found)) == 4


def many_latents(p_logit, q_logit):
    """A VAE of 300 bits that x does not depend on: 10 pixels of probability 1/2."""
    encoder, decoder = dense((10,), (300,), hidden=()), dense((300,), (10,), hidden=())
    encoder.set_weights([np.zeros((10, 300)), np.full(300, q_logit)])
    decoder.set_weights([np.zeros((300, 10)), np.zeros(10)])
    return VAE(encoder, decoder, BernoulliPrior((300,), logits=p_logit), likelihood=IndependentBernoulli((10,)),
               posterior=StraightThroughBernoulli((300,)))


def test_the_bound_of_certain_bits_stays_below_log_p():
    """Uniform numbers of float32 drew a bit of logit -40 once in 2^23 times, which then weighed exp(28)."""
    model, x = many_latents(-12.0, -40.0), np.zeros((12, 10), "float32")
    found = model.log_likelihood(x, num_samples=3000)
    np.testing.assert_allclose(found, -10 * np.log(2), atol=0.01)


def test_the_evidence_of_a_machine_of_certain_bits_stays_below_log_p():
    model = BiHM(BeliefNetwork((300, 4), root=True), BeliefNetwork((4, 300)), image_shape=(4,))
    for network, logit in ((model.generative, -12.0), (model.inference, -40.0)):
        for variable in network.trainable_variables:
            certain = variable.shape == (300,) and "bias" in variable.path
            variable.assign(tf.fill(variable.shape, logit if certain else 0.0))
    found = model.weight_moments(np.zeros((4, 4), "float32"), num_samples=12000)
    np.testing.assert_allclose(found[:, 1], -4 * np.log(2), atol=0.01)


def test_a_class_of_probability_0_is_never_drawn():
    logits = np.float32([0.0, -40.0, -60.0])
    noise = BatchNoise([0, 0], 4_000_000).logistic((3,))
    assert tf.reduce_sum(draw_one_hot(logits, noise), 0).numpy().tolist() == [4_000_000, 0, 0]
    head = distributions.OneHotCategorical((3,))
    ends = tf.constant([[-30.0, 30.0, 0.0]])  # Gumbel noise of -3.4 and 30
    np.testing.assert_array_equal(head.sample(head(logits), ends), [[1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(head.sample(head(logits / 2), ends), [[0.0, 1.0, 0.0]])
