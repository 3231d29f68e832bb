"""PM: V_C of the published ensemble, the two players' gradients by differences, the decoder."""

import warnings

import keras
import numpy as np
import pytest
from exact_domains import normal, sigmoid, stepped
from zoo import examples, tiny, weights

from dgm_zoo.models import PM
from dgm_zoo.networks import Predictors
from dgm_zoo.networks.dense import dense

PATTERNS = np.repeat(np.eye(4, dtype="float32"), [1, 2, 2, 4], axis=0)  # probabilities 1/9, 2/9, 2/9, 4/9
FACTORIAL, INVERTIBLE = [(1, 1), (0, 1), (1, 0), (0, 0)], [(0, 1), (0, 0), (1, 0), (1, 1)]


def pm_of(code):
    """PM whose two units are `code` of the four patterns, with perfect predictors."""
    bits = np.array(code, float)
    encoder, predictors = dense((4,), (2,), ()), Predictors(2)
    encoder.layers[-1].kernel.assign(100 * (bits - 0.5))
    encoder.layers[-1].bias.assign(np.zeros(2))
    model = PM(encoder, predictors)
    of_rows = PATTERNS @ bits
    kernel, bias = np.zeros((2, 2, 1)), np.zeros((2, 1))
    for unit in (0, 1):
        off, on = (of_rows[of_rows[:, 1 - unit] == value, unit].mean() for value in (0, 1))
        logit = lambda p: np.log(np.clip(p, 1e-9, 1) / np.clip(1 - p, 1e-9, 1))  # noqa: E731
        bias[unit], kernel[unit, 1 - unit] = logit(off), logit(on) - logit(off)
    predictors.kernels[0].assign(kernel)
    predictors.biases[0].assign(bias)
    return model


@pytest.mark.parametrize(
    ("steps", "rates", "slow"),
    [(1, (0.1, 0.1), True), (1, (0.1, 1.0), False), (5, (0.1, 0.1), False), (2, (0.1, 0.1), True)],
)
def test_predictors_that_learn_hardly_faster_than_the_code_are_warned_of(steps, rates, slow):
    model = PM(dense((5,), (3,), ()), Predictors(3, (4,)), predictor_steps=steps)
    model.compile({player: keras.optimizers.SGD(rate) for player, rate in zip(("eta", "phi"), rates, strict=True)})
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        model.fit(normal(16, 5), batch_size=8, verbose=0)
    assert any("PM's predictors take" in str(one.message) for one in found) == slow


@pytest.mark.parametrize(("code", "wanted"), [(FACTORIAL, 2.0), (INVERTIBLE, 19 / 10)])
def test_v_c_of_the_published_ensemble(code, wanted):
    model = pm_of(code)
    model.compile("sgd")
    logs = model.evaluate(PATTERNS, batch_size=9, return_dict=True, verbose=0)
    assert -9 * logs["loss"] == pytest.approx(wanted, abs=1e-5) and logs["log_q"] == pytest.approx(logs["loss"])


@pytest.mark.filterwarnings("ignore:PM's predictors")  # which stand still here
@pytest.mark.parametrize("form", ["squares", "bernoulli", "reversed"])
def test_the_code_ascends_what_the_predictors_descend(form):
    """Each player's step is the gradient of its utility, by differences; but for "reversed" the game is zero-sum."""
    x = normal(16, 5)

    def model():
        keras.utils.set_random_seed(0)
        return PM(dense((5,), (3,), ()), Predictors(3, (4,)), form=form)

    def log_q(model, code, reversed_too=False):
        p = sigmoid(model.prediction(code).numpy().astype(float))
        code = 1 - code if reversed_too else code
        if form == "squares":
            return -0.5 * ((p - code) ** 2).sum(1).mean()
        return (code * np.log(p) + (1 - code) * np.log(1 - p)).sum(1).mean()

    def slope(utility, variable, index, by=1e-3):
        kept, ends = variable.numpy(), []
        for sign in (1, -1):
            moved = kept.copy()
            moved[index] += sign * by
            variable.assign(moved)
            ends.append(utility())
        variable.assign(kept)
        return (ends[0] - ends[1]) / (2 * by)

    start = model()
    code = sigmoid(start.encoder(x).numpy().astype(float)).astype("float32")
    kernel = start.predictors.kernels[0]
    wanted = slope(lambda: log_q(start, code), kernel, (0, 1, 2))
    phi = model()
    phi.compile({"phi": keras.optimizers.SGD(1.0), "eta": keras.optimizers.SGD(1e-30)})
    phi.fit(x, batch_size=16, shuffle=False, verbose=0)
    assert (phi.predictors.kernels[0].numpy() - kernel.numpy())[0, 1, 2] == pytest.approx(wanted, abs=2e-4)

    weight = start.encoder.layers[-1].kernel

    def of_eta():
        z = sigmoid(start.encoder(x).numpy().astype(float)).astype("float32")
        return log_q(start, z, True) if form == "reversed" else -log_q(start, z)

    wanted = slope(of_eta, weight, (2, 1))
    eta = model()
    eta.compile({"phi": keras.optimizers.SGD(1e-30), "eta": keras.optimizers.SGD(1.0)})
    eta.fit(x, batch_size=16, shuffle=False, verbose=0)
    assert (eta.encoder.layers[-1].kernel.numpy() - weight.numpy())[2, 1] == pytest.approx(wanted, abs=2e-4)


def test_a_decoder_is_optional_and_moves_with_the_code(tmp_path):
    model = tiny("pm", decode=True, reconstruction_weight=0.5)
    x = examples(model, 32)[0]
    assert {"encode", "decode", "reconstruct"} == set(model.endpoints()) and "reconstruction" in model.logged
    before = weights(model.decoder)
    stepped(model, x)
    assert np.abs(weights(model.decoder) - before).max() > 0
    np.testing.assert_allclose(model.decode(model.encode(x)["mean"]), model.reconstruct(x), atol=1e-6)
    terms = model.eta_terms(x)
    np.testing.assert_allclose(terms["objective"], 0.5 * terms["reconstruction"] - terms["loss"], atol=1e-5)
    assert set(tiny("pm").endpoints()) == {"encode"}
